"""What may be put on paper: never more than is shown, and never what must not lie about."""

from __future__ import annotations

import pytest

from carerecord import access
from carerecord.access.labels import Label
from carerecord.model import EvidenceClass, Heading, Purpose

ROLES = ("clinician", "gp", "mental-health-clinician", "social-worker", "administrator")


def decided(role: str) -> access.Decision:
    return access.decide(
        access.Question(
            role=role,
            organisation_in_agreement=True,
            route="launch",
            evidence=EvidenceClass.ENCOUNTER,
            purpose=Purpose.TREAT,
        )
    )


@pytest.mark.parametrize("role", ROLES)
def test_paper_shows_what_the_screen_shows_but_for_safeguarding_and_what_a_statute_bars(role: str) -> None:
    screen, paper = decided(role), access.on_paper(decided(role))
    assert set(paper.headings) == set(screen.headings) - {Heading.SAFEGUARDING}
    never = Label.SAFEGUARDING | Label.GENDER_HISTORY | Label.ASSISTED_CONCEPTION | Label.ADOPTION
    for heading, bits in paper.headings.items():
        assert bits == screen.headings[heading] & ~int(never)
    assert (paper.kind, paper.reasons, paper.limits) == (screen.kind, screen.reasons, screen.limits)


def test_a_clinician_sees_safeguarding_on_the_screen_and_not_on_paper() -> None:
    assert Heading.SAFEGUARDING in decided("clinician").headings
    assert Heading.SAFEGUARDING not in access.on_paper(decided("clinician")).headings
    assert access.on_paper(decided("clinician")).may_show(Heading.ALLERGIES, 0)


def test_what_a_guardian_let_through_is_for_the_screen_alone() -> None:
    barred = int(Label.GENDER_HISTORY)
    let_through = access.Decision(
        kind="permit", headings={Heading.PROBLEMS: barred | int(Label.SENSITIVE)}, policy_version="1"
    )
    assert let_through.may_show(Heading.PROBLEMS, barred)
    paper = access.on_paper(let_through)
    assert not paper.may_show(Heading.PROBLEMS, barred)
    assert paper.may_show(Heading.PROBLEMS, int(Label.SENSITIVE))
