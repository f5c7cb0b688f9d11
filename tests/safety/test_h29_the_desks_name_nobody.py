"""H29: What raises a case says nothing of whom it is about, nor of who looked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from carerecord.model import EvidenceClass
from carerecord.stewardship.watch import About, Colleague, Look, Watch, read_rules

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
READER = Colleague(
    user_id="555-1", organisation="R1H", family="Thornbury", given="Ada", birth_date=date(1980, 4, 2),
    postcode="E3 4QA", address="12 Grove Road", nhs_number="9990000018",
)  # fmt: skip
COLLEAGUE = Colleague(
    user_id="555-2", organisation="R1H", family="Quillfeather", given="Leila", birth_date=date(1991, 1, 1),
    nhs_number="9990000026",
)  # fmt: skip
HERSELF = About(family="Thornbury", given="Ada", birth_date=READER.birth_date, nhs_number=READER.nhs_number)
OF_WORK = About(family="Quillfeather", given="Leila", birth_date=COLLEAGUE.birth_date, nhs_number="9990000026")
AT_HOME = About(family="Quillfeather", given="Leila", postcode="E3 4QA", address="12 Grove Road")
LISTED = About(family="Quillfeather", given="Leila", nhs_number="9990000026", is_listed=True)
DEAD = About(family="Quillfeather", given="Leila", died_on=AT.date() - timedelta(days=90))
NAMES = (
    "Thornbury",
    "THORNBURY",
    "Ada",
    "Quillfeather",
    "Leila",
    "9990000018",
    "9990000026",
    "E3 4QA",
    "Grove",
    "555-",
)


@pytest.mark.parametrize("about", [HERSELF, OF_WORK, AT_HOME, LISTED, DEAD])
def test_a_case_says_why_and_never_who(about: About) -> None:
    look = Look(
        place=(1, 1), at=AT, kind="opened", user_id="555-1", name="THORNBURY Ada (Ms)", role="clinician",
        organisation="R1H", area="London", patient_key=7, evidence=EvidenceClass.DECLARED,
    )  # fmt: skip
    finding = Watch(staff=[READER, COLLEAGUE]).take(look, about)
    assert finding is not None, "raised, or nothing is shown here"
    said = " ".join(alert.why for alert in finding.alerts)
    assert said
    assert [name for name in NAMES if name in said] == []


def test_no_rule_has_room_for_a_name() -> None:
    figures = {"count": 4, "minutes": 15, "days": 28, "usual": 12}
    for rule in read_rules().rule.values():
        assert rule.sentence.format(**figures), "nothing but figures can be put into a sentence"
