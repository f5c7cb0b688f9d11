"""Is the person whom we hold the one whom the host means?"""

from datetime import date

import pytest

from carerecord.launch.rules import is_same_person

BORN = date(1948, 3, 2)


@pytest.mark.parametrize(
    ("held", "sent", "same"),
    [
        ("HARTLEY, Joan (Mrs)", "Hartley", True),
        ("HARTLEY, Joan (Mrs)", "HARTLY", True),
        ("HARTLEY, Joan (Mrs)", "Hartley-Smith", True),
        ("SMITH-HARTLEY, Joan", "Hartley", True),
        ("O'NEILL, Ciarán", "Oneill", True),
        ("O’NEILL, Ciarán", "O Neill", True),
        ("MÜLLER, Jürgen", "Muller", True),
        ("VAN DER BERG, Anna", "Vanderberg", True),
        ("HARTLEY, Joan (Mrs)", None, True),
        ("HARTLEY, Joan (Mrs)", "", True),
        ("HARTLEY, Joan (Mrs)", "Okonkwo", False),
        ("HARTLEY, Joan (Mrs)", "...", False),
        ("", "Hartley", False),
    ],
)
def test_a_family_name_must_be_like_the_one_held(held: str, sent: str | None, same: bool) -> None:
    assert is_same_person(held_name=held, held_birth_date=BORN, family=sent, birth_date=BORN) is same


@pytest.mark.parametrize("held", [None, date(1948, 2, 3), date(1948, 3, 3)])
def test_the_birth_date_must_be_the_same(held: date | None) -> None:
    assert not is_same_person(held_name="HARTLEY, Joan", held_birth_date=held, family="Hartley", birth_date=BORN)
