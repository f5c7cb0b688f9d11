"""The policies beside an independent reading of the documents, cell by cell."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import pytest

from carerecord import access
from carerecord.access import Label, Question, decide
from carerecord.model import Evidence, EvidenceClass, Heading, Purpose, Staff
from tests.leaks import oracle
from tests.leaks.oracle import Circumstances, Relationship, may_see, opens
from tests.leaks.people import BITS
from tests.leaks.readers import DESKS

EVIDENCE = {
    "strong": EvidenceClass.APPOINTMENT,
    "emergency": EvidenceClass.EMERGENCY,
    "agreement": EvidenceClass.AGREEMENT,
}


def decided(asks: Circumstances) -> dict[Heading, int]:
    """What the policies show; nothing where they open nothing."""
    staff = Staff(
        user_id="1", name="X", role_code="", role=asks.role, role_name="", organisation="RTH", organisation_name=""
    )
    decision = decide(
        Question.of(
            staff,
            evidence=Evidence(kind=EVIDENCE[asks.relationship], reason="Found collapsed"),
            organisation_in_agreement=asks.has_agreement,
            route="fhir" if asks.role == "program" else "launch",
            purpose=Purpose(asks.purpose),
        )
    )
    return decision.headings if decision.kind == "permit" else {}


def cells(asks: Circumstances) -> set[tuple[str, str]]:
    """Every heading and label that the policies show."""
    seen = decided(asks)
    return {
        (heading.name, label)
        for heading, bits in seen.items()
        for label in ("", *oracle.LABELS)
        if not label or bits & BITS[label]
    }


def due(asks: Circumstances, routes: oracle.Routes = oracle.NO_ROUTE) -> set[tuple[str, str]]:
    if not opens(asks):
        return set()
    return {
        (heading, label)
        for heading in oracle.HEADINGS
        for label in ("", *oracle.LABELS)
        if may_see(asks, heading, [label] if label else [], resource_type="RelatedPerson", routes=routes)
    }


@pytest.mark.parametrize("purpose", ["TREAT", "ETREAT", "BTG", "PATRQT", "HRESCH"])
@pytest.mark.parametrize("role", [*oracle.NEVER, *DESKS, "nobody-has-this-role"])
def test_policies_and_an_independent_reading_of_the_documents_agree_on_every_heading_and_label(
    role: str, purpose: str
) -> None:
    usual: Relationship = "agreement" if role == "program" else "strong"
    relationship: Relationship = "emergency" if purpose == "BTG" else usual
    asks = Circumstances(role, relationship, purpose=purpose)
    assert cells(asks) == due(asks)
    routes = [
        access.Route(
            bar=bar, roles=roles, purposes=purposes, relies_on="x", advice="x", until=date.max, agreed_by="A and B",
            agreed_on=date(2026, 11, 1),
        )
        for bar, (roles, purposes) in oracle.OPENED.items()
    ]  # fmt: skip
    try:
        access.adopt(access.with_agreed(access.SHIPPED, access.Agreed(routes=tuple(routes))))
        assert cells(asks) == due(asks, oracle.OPENED)
    finally:
        access.adopt(access.SHIPPED)


def test_the_oracle_knows_the_headings_and_labels_of_the_record() -> None:
    assert [heading.name for heading in Heading] == oracle.HEADINGS
    assert {label.word: int(label) for label in Label} == BITS


def test_the_oracle_asks_nothing_of_what_it_judges() -> None:
    tree = ast.parse(Path(oracle.__file__).read_text(encoding="utf-8"))
    named = {
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert named == {"__future__", "collections.abc", "typing"}


@pytest.mark.parametrize("role", oracle.NEVER)
def test_a_medicine_an_allergy_or_a_result_is_hidden_only_by_a_seal_a_dissent_or_a_statute(role: str) -> None:
    shown = cells(Circumstances(role, "agreement" if role == "program" else "strong"))
    for heading in {heading for heading, _ in shown}.intersection(oracle.HARMFUL_TO_HIDE):
        hidden = {label for label in oracle.LABELS if (heading, label) not in shown}
        assert hidden == set(oracle.HIDES_EVEN_THOSE)


def test_no_emergency_of_any_role_opens_what_is_dissented_from_or_barred() -> None:
    for role in oracle.NEVER:
        shown = cells(Circumstances(role, "emergency", purpose="BTG"))
        assert not {label for _, label in shown}.intersection(oracle.NO_EMERGENCY_OPENS)
