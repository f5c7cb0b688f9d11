"""H28: An objection closes whole headings or all of a record, and never shortens a list of allergies or medicines."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from carerecord import access
from carerecord.access import SHIPPED, Decision, Question
from carerecord.model import EvidenceClass, Heading, Purpose

TREATING = (Heading.ALLERGIES, Heading.MEDICINES, Heading.RESULTS)


class Objection(NamedTuple):
    scope: str
    value: str = ""


KINDS = (Objection("whole"), Objection("organisation", "R1H"), *(Objection("heading", each.name) for each in Heading))


def decided(evidence: EvidenceClass, role: str) -> Decision:
    purpose = Purpose.BTG if evidence is EvidenceClass.EMERGENCY else Purpose.TREAT
    return access.decide(
        Question(role=role, organisation_in_agreement=True, route="launch", evidence=evidence, purpose=purpose)
    )


def test_what_an_objection_leaves_of_a_heading_is_all_that_was_there() -> None:
    left = 0
    for evidence, role, objection in itertools.product(EvidenceClass, SHIPPED.matrix.role, KINDS):
        before = decided(evidence, role)
        after = access.narrow(before, [objection], organisation="R1H")
        for heading, labels in after.headings.items():
            assert labels == before.headings[heading], (objection, heading)
            left += 1
    assert left > 1000


def test_an_objection_to_letters_closes_no_list_that_treatment_rests_on() -> None:
    after = access.narrow(decided(EvidenceClass.ENCOUNTER, "clinician"), [Objection("heading", "LETTERS")])
    assert set(TREATING) <= set(after.headings)


def test_a_declared_emergency_opens_every_list_again() -> None:
    before = decided(EvidenceClass.EMERGENCY, "clinician")
    after = access.narrow(before, [Objection("whole"), Objection("heading", "ALLERGIES")], organisation="R1H")
    assert {heading: after.headings.get(heading) for heading in TREATING} == {
        heading: before.headings[heading] for heading in TREATING
    }
