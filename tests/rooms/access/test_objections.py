"""An objection takes away, and what it leaves says nothing of it."""

import itertools
from typing import NamedTuple

import msgspec
import pytest

from carerecord import access
from carerecord.access import SHIPPED, Decision, Question
from carerecord.access.narrowing import more_than
from carerecord.access.objections import narrow_under
from carerecord.model import EvidenceClass, Heading, Purpose


class Objection(NamedTuple):
    scope: str
    value: str = ""


NEUTRAL = SHIPPED.objections.sentence


def decided(evidence: EvidenceClass = EvidenceClass.ENCOUNTER, *, role: str = "clinician") -> Decision:
    purpose = Purpose.BTG if evidence is EvidenceClass.EMERGENCY else Purpose.TREAT
    asked = Question(role=role, organisation_in_agreement=True, route="launch", evidence=evidence, purpose=purpose)
    return access.decide(asked)


def test_without_an_objection_nothing_changes() -> None:
    assert access.narrow(decided(), []) is decided()


@pytest.mark.parametrize("objection", [Objection("whole"), Objection("organisation", "R1H"), Objection("odd", "x")])
def test_an_objection_to_all_closes_the_record_with_a_neutral_sentence(objection: Objection) -> None:
    narrowed = access.narrow(decided(), [objection])
    assert (narrowed.kind, narrowed.headings, narrowed.reasons) == ("deny", {}, (NEUTRAL,))
    assert "object" not in NEUTRAL


def test_an_objection_to_another_organisation_is_not_this_readers() -> None:
    objections = [Objection("organisation", "RTH")]
    assert access.narrow(decided(), objections, organisation="R1H") is decided()
    assert access.narrow(decided(), objections, organisation="RTH").kind == "deny"


def test_an_objection_to_a_heading_takes_that_heading() -> None:
    narrowed = access.narrow(decided(), [Objection("heading", "LETTERS")])
    assert set(decided().headings) - set(narrowed.headings) == {Heading.LETTERS}
    assert narrowed.reasons == decided().reasons
    assert access.narrow(decided(), [Objection("heading", "NO SUCH")]).kind == "deny", "never lost to a word"


def test_an_emergency_opens_it_where_the_guardian_lets_it_and_it_is_told() -> None:
    narrowed = access.narrow(decided(EvidenceClass.EMERGENCY), [Objection("whole")])
    assert narrowed.kind == "permit"
    assert narrowed.headings == decided(EvidenceClass.EMERGENCY).headings
    assert SHIPPED.objections.told_in_emergency in narrowed.reasons
    assert access.narrow(decided(EvidenceClass.NONE), [Objection("whole")]).kind == "emergency-needed"
    assert access.narrow(decided(), [Objection("whole")]).may_declare_emergency


@pytest.mark.parametrize("evidence", [EvidenceClass.EMERGENCY, EvidenceClass.NONE, EvidenceClass.LAUNCH])
def test_where_the_guardian_decides_that_it_stands_no_emergency_opens_it(evidence: EvidenceClass) -> None:
    stands = msgspec.structs.replace(SHIPPED.objections, emergency="stands")
    narrowed = narrow_under(stands, decided(evidence), [Objection("whole")])
    assert narrowed.kind == "deny"
    assert not narrowed.may_declare_emergency


def test_one_more_objection_never_reveals_more() -> None:
    kinds = [Objection("whole"), Objection("organisation", "R1H"), Objection("organisation", "RTH"), Objection("?")]
    kinds += [Objection("heading", heading.name) for heading in Heading]
    for evidence, role in itertools.product(EvidenceClass, SHIPPED.matrix.role):
        before = decided(evidence, role=role)
        for first, second in itertools.product(kinds, repeat=2):
            one = access.narrow(before, [first], organisation="R1H")
            both = access.narrow(before, [first, second], organisation="R1H")
            assert more_than(one, both) == ""
            assert more_than(before, one) == ""
