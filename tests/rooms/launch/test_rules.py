"""Does the host call the person whom we hold by a name like ours?"""

import pytest

from carerecord.launch.rules import is_like_the_name_held


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
        ("HARTLEY, Joan (Mrs)", "...", True),
        ("", "Hartley", False),
    ],
)
def test_a_family_name_is_like_the_one_held_or_not(held: str, sent: str | None, same: bool) -> None:
    assert is_like_the_name_held(sent, held=held) is same
