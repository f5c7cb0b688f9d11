"""H30: Ordinary care raises no case, however busy the day, and what the desk finds harmless grows quiet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from carerecord.model import STRONG_EVIDENCE, EvidenceClass
from carerecord.stewardship.watch import About, Look, Watch, read_rules

AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def seen(number: int, evidence: EvidenceClass, *, user: int) -> Look:
    return Look(
        place=(1, number), at=AT + timedelta(minutes=3 * number), kind="opened", user_id=f"555-{user}",
        name=f"WARD Reader{user} (Dr)", role="clinician", organisation="R1H", area="London", patient_key=number,
        evidence=evidence,
    )  # fmt: skip


def test_a_day_of_a_ward_with_shown_relationships_is_silent() -> None:
    watch, kinds, raised = Watch(staff=[]), sorted(STRONG_EVIDENCE), []
    for number in range(1, 181):
        about = About(family="Smith", given="Jo", nhs_number=f"999{number:07d}", is_related=True)
        raised.append(watch.take(seen(number, kinds[number % len(kinds)], user=number % 6), about))
    assert [finding.alerts for finding in raised if finding] == []


def test_a_rule_that_was_never_right_no_longer_raises_a_case_alone() -> None:
    rules = read_rules()
    for name in rules.rule:
        assert rules.learnt({name: (60, 0)}).rule[name].weight < rules.threshold, name
