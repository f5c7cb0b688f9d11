"""What the pages of subject access are given: marked words, and grounds with their law."""

from __future__ import annotations

import pytest

from carerecord.stewardship.subject_access import Choice, Ground
from carerecord.web.desk.subject_access_views import CHOICES, GROUNDS, GROUNDS_TO_CHOOSE, marked


@pytest.mark.parametrize(
    ("text", "spans", "parts"),
    [
        ("plain", (), (("plain", False),)),
        ("a secret b Secret", ("secret",), (("a ", False), ("secret", True), (" b ", False), ("Secret", True))),
        ("two\n words here", ("two words",), (("two\n words", True), (" here", False))),
        ("abc", ("x",), (("abc", False),)),
        ("", ("x",), ()),
    ],
)
def test_every_passage_that_would_go_is_marked_and_nothing_else(
    text: str, spans: tuple[str, ...], parts: tuple[tuple[str, bool], ...]
) -> None:
    assert marked(text, spans) == parts
    assert "".join(part for part, _ in marked(text, spans)) == text


def test_every_ground_to_choose_names_its_law_and_every_choice_is_said() -> None:
    assert set(GROUNDS) == set(Ground)
    assert all(GROUNDS[ground][1] for ground in GROUNDS_TO_CHOOSE)
    assert set(CHOICES) == set(Choice)
