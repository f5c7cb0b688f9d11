"""A region takes away and adds nothing; what would add is refused at the start with a sentence."""

import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from carerecord import access, assembly, clock
from carerecord.access import SHIPPED, Label, PolicyDoesNotFit, Question, decide_for, read_narrowed
from carerecord.access.narrowing import find_widened
from carerecord.access.policies import compile_texts, shipped_texts
from carerecord.model import EvidenceClass, Heading, Purpose
from carerecord.settings import Settings
from tests.stage import REGION

HIDE = """
[[hide]]
roles = ["pharmacist"]
headings = ["FAMILY_HISTORY"]
sentence = "Family history is not shown to pharmacists here."
basis = "Decision of the region's Guardian"

[[hide]]
labels = ["sealed"]
sentence = "What a person sealed is not shown here, in an emergency either."
basis = "Decision of the region's Guardian"
"""
FORBID = """
@id("no-print") @sentence("Records are not printed here.") @basis("Decision of the region's Guardian")
forbid (principal, action == Action::"open", resource) when { context.route == "print" };
"""


def question(role: str, *, route: str = "launch", evidence: EvidenceClass = EvidenceClass.ENCOUNTER) -> Question:
    purpose = Purpose.BTG if evidence is EvidenceClass.EMERGENCY else Purpose.TREAT
    return Question(role=role, organisation_in_agreement=True, route=route, evidence=evidence, purpose=purpose)


@pytest.fixture
def region(tmp_path: Path) -> Path:
    (tmp_path / "narrowing.toml").write_text(HIDE)
    (tmp_path / "paper.cedar").write_text(FORBID)
    return tmp_path


def test_what_a_region_hides_is_gone_for_those_it_names_and_for_nobody_else(region: Path) -> None:
    narrowed = read_narrowed(region)
    assert Heading.FAMILY_HISTORY not in decide_for(narrowed, question("pharmacist")).headings
    assert Heading.FAMILY_HISTORY in decide_for(narrowed, question("clinician")).headings
    emergency = question("clinician", evidence=EvidenceClass.EMERGENCY)
    assert decide_for(SHIPPED, emergency).may_show(Heading.LETTERS, Label.SEALED)
    assert not decide_for(narrowed, emergency).may_show(Heading.LETTERS, Label.SEALED)
    assert decide_for(narrowed, question("gp", route="print")).kind == "deny"
    assert narrowed.version != SHIPPED.version
    assert set(narrowed.narrowed_by) == {"narrowing-1", "narrowing-2", "no-print"}


def test_a_permit_of_a_region_stops_the_start(region: Path) -> None:
    (region / "more.cedar").write_text(FORBID.replace("forbid (", "permit (").replace("no-print", "more"))
    with pytest.raises(PolicyDoesNotFit, match="A region only narrows"):
        read_narrowed(region)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pharmacist", "chemist", "role chemist"),
        ("FAMILY_HISTORY", "FAMILY", "heading FAMILY,"),
        ('labels = ["sealed"]', 'labels = ["seald"]', "label seald"),
        ('labels = ["sealed"]\n', "", "hides everything from everybody"),
        ('basis = "Decision', 'bases = "Decision', "bases"),
    ],
)
def test_a_narrowing_that_does_not_fit_stops_the_start(region: Path, old: str, new: str, said: str) -> None:
    assert old in HIDE
    (region / "narrowing.toml").write_text(HIDE.replace(old, new))
    with pytest.raises(PolicyDoesNotFit, match=said):
        read_narrowed(region)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(PolicyDoesNotFit, match="CARERECORD_POLICY_NARROWING"):
        read_narrowed(tmp_path / "nowhere")


def wider(name: str, old: str, new: str) -> list[str]:
    texts = shipped_texts()
    assert old in texts[name]
    return list(find_widened(SHIPPED, compile_texts({**texts, name: texts[name].replace(old, new)})))


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("policy.toml", 'emergency = "relationship"\n', 'emergency = "relationship-and-labels"\n', "labels under"),
        ("policy.toml", 'parts = ["mental-health-plan"]', 'parts = ["mental-health-in-brief"]', "role social-worker"),
        ("policy.toml", 'desks = ["records"]', 'desks = ["records", "privacy"]', "privacy desk"),
        ("emergency.cedar", '["launch", "sign-in", "print"]', '["launch", "sign-in", "print", "fhir"]', "permit"),
    ],
)
def test_every_way_of_widening_is_found(name: str, old: str, new: str, said: str) -> None:
    """The proof compares decisions, so it sees what was written in whatever way."""
    assert any(said in each for each in wider(name, old, new))


def test_what_changes_no_decision_is_no_widening() -> None:
    """An administrator is kept from clinical headings by a policy of its own; a forbid taken away permits nothing."""
    contacts = 'sees = ["DEMOGRAPHICS", "CONTACTS"]'
    assert wider("policy.toml", contacts, contacts.replace("]", ', "NEEDS"]')) == []
    assert wider("relationship.cedar", 'when { context.evidence == "launch" };', "when { false };") == []


def test_policies_are_adopted_and_what_was_remembered_is_forgotten(region: Path) -> None:
    asked = question("pharmacist")
    assert Heading.FAMILY_HISTORY in access.decide(asked).headings
    try:
        access.adopt(access.read_in_force(str(region)))
        assert Heading.FAMILY_HISTORY not in access.decide(asked).headings
        assert access.policy_version() == access.decide(asked).policy_version != SHIPPED.version
    finally:
        access.adopt(access.read_in_force(""))
    assert Heading.FAMILY_HISTORY in access.decide(asked).headings


async def test_what_would_widen_stops_the_start_before_the_database_is_reached(region: Path) -> None:
    (region / "more.cedar").write_text(FORBID.replace("forbid (", "permit (").replace("no-print", "more"))
    chosen = msgspec.structs.replace(
        Settings(), policy_narrowing=str(region), database="postgresql://nowhere.invalid/x"
    )
    async with AsyncExitStack() as stack:
        with pytest.raises(PolicyDoesNotFit, match="A region only narrows"):
            await assembly.open_parts(stack, chosen, REGION)
    assert access.in_force() is SHIPPED


def test_the_start_says_that_reviews_are_due(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2027, 7, 1, tzinfo=UTC))
    assembly._say_reviews_due()
    said = json.loads(capsys.readouterr().err)
    assert (said["line"], said["reviews"]) == ("POLICY_REVIEW_DUE", 7)
