"""Every heading: what its lines say, what closes them, and that a stranger under a heading is a line too."""

from __future__ import annotations

from typing import Any

import pytest

from carerecord.model import Heading, Standing, StoredStatement
from carerecord.reconciliation import Record, every_entry, receipt, reconcile
from carerecord.reconciliation.pathway import pathway
from tests import rich
from tests.said import HEADINGS, NAMES, coded, day, said


def made(*statements: StoredStatement) -> Record:
    return reconcile(statements, region_names=NAMES, since=None)


def test_a_long_life_has_a_line_under_every_heading() -> None:
    record = reconcile(rich.joan(), region_names=rich.NAMES, since=None)
    assert [heading.name for heading in Heading if not getattr(record, heading.name.lower())] == []


def test_every_line_of_a_long_life_opens_in_its_sources_own_words() -> None:
    listed = rich.joan()
    record = reconcile(listed, region_names=rich.NAMES, since=None)
    for entry in every_entry(record):
        for saying in receipt(listed, entry, region_names=rich.NAMES):
            assert len(saying.lines) > 1, entry.what
            assert not [text for label, text in saying.lines if "{" in text or label == ""], saying.lines


@pytest.mark.parametrize("heading", list(Heading))
@pytest.mark.parametrize("kind", sorted(HEADINGS))
def test_whatever_stands_under_whatever_heading_is_a_line(heading: Heading, kind: str) -> None:
    sent = said(kind, "1", {"code": {"text": "Something"}}, heading=heading)
    (entry,) = every_entry(made(sent))
    assert entry.heading is heading
    assert entry.what


@pytest.mark.parametrize(("kind", "field"), [("Procedure", "procedures"), ("Immunization", "immunisations")])
def test_the_same_code_on_the_same_day_is_one_and_on_another_day_is_another(kind: str, field: str) -> None:
    def done(own_id: str, on: str, *, source: str = "barts", status: str = "completed") -> StoredStatement:
        body = {
            "status": status,
            "code": coded("Hip replacement", "52734007"),
            "vaccineCode": coded("Influenza vaccine", "46233009"),
            "performedDateTime": on,
            "occurrenceDateTime": on,
        }
        return said(kind, own_id, body, source=source)

    one = made(done("1", "2026-11-03"), done("1", "2026-11-03T10:00:00Z", source="gp"))
    assert len(getattr(one, field)) == 1
    for other in (
        done("2", "2026-11-04", source="gp"),
        done("2", "2026-11-03", source="gp", status="not-done"),
        done("2", "2026-11-03"),  # Two of one source are two: both hips.
        done("2", "2026-11", source="gp"),
    ):
        assert len(getattr(made(done("1", "2026-11-03"), other), field)) == 2


def consent(words: str, **more: Any) -> StoredStatement:
    body = {
        "status": more.pop("status", "active"),
        "category": [{"text": "ReSPECT"}],
        "dateTime": "2020-01-02",
        "performer": [{"display": "Dr M Haddad"}],
        "organization": [{"display": "Mile End Green Surgery"}],
        "note": [{"text": words}],
        **more.pop("body", {}),
    }
    return said("Consent", more.pop("own_id", words), body, **more)


def test_a_decision_has_its_words_author_date_and_place_and_no_date_ends_it() -> None:
    (line,) = made(consent("For full treatment, not for CPR", body={"period": {"end": "2021-01-01"}})).plans
    assert line.is_current
    assert (line.kind, line.words, line.made) == ("ReSPECT", ("For full treatment, not for CPR",), "02-Jan-2020")
    assert (line.author, line.place) == ("Dr M Haddad", "Mile End Green Surgery")


def test_a_plan_that_another_replaces_is_closed_and_so_is_one_its_source_took_back() -> None:
    old = said("CarePlan", "old", {"status": "active", "title": "Crisis plan"})
    body = {"status": "active", "title": "Crisis plan", "replaces": [{"reference": f"CarePlan/{old.local_id}"}]}
    new = said("CarePlan", "new", body)
    plans = made(old, new, consent("For CPR", status="inactive")).plans
    assert [plan.id for plan in plans if plan.is_current] == [made(new).plans[0].id]
    assert {plan.detail.partition(";")[0] for plan in plans if not plan.is_current} == {
        "replaced by a newer one",
        "inactive",
    }


def test_a_decision_that_replaces_another_by_extension_closes_it() -> None:
    old = consent("For CPR", own_id="old")
    extension = [{"url": "urn:carerecord:replaces", "valueReference": {"reference": f"Consent/{old.local_id}"}}]
    new = consent("Not for CPR", own_id="new", body={"extension": extension})
    assert [plan.words for plan in made(old, new).plans if plan.is_current] == [("Not for CPR",)]


def test_a_blood_pressure_is_written_as_one_and_values_of_one_kind_stand_in_time() -> None:
    record = made(rich.pressure(150, 88, day(1)), rich.pressure(128, 76, day(9)))
    (line,) = record.observations
    assert [value.text for value in line.values] == ["128/76", "150/88"]
    assert (line.latest.unit, line.panel) == ("mmHg", "Vital signs")


def test_parental_responsibility_is_said_by_a_source_and_never_worked_out() -> None:
    says = rich.relative("Ada", "Mother, parental responsibility", "1")
    does_not = rich.relative("Ben", "Father", "2")
    contacts = made(does_not, says).contacts
    assert [(entry.what, entry.has_parental_responsibility) for entry in contacts] == [("Ada", True), ("Ben", False)]


def test_a_flag_is_closed_by_its_source_and_not_by_a_date() -> None:
    past = said("Flag", "1", {"status": "active", "code": {"text": "MRSA"}, "period": {"end": "2020-01-01"}})
    over = said("Flag", "2", {"status": "inactive", "code": {"text": "MRSA"}})
    assert [(line.is_current, line.detail) for line in made(past, over).alerts] in (
        [(True, "until 01-Jan-2020"), (False, "inactive")],
        [(False, "inactive"), (True, "until 01-Jan-2020")],
    )


def test_the_pathway_runs_from_the_referral_to_what_is_next_and_says_what_is_pending() -> None:
    record = reconcile(rich.joan(), region_names=rich.NAMES, since=None)
    path = pathway(record, at=rich.AT)
    assert [step.kind for step in path.steps] == ["referral", "stay", "stay", "letter", "appointment"]
    assert [step.is_next for step in path.steps] == [False, False, False, False, True]
    assert [each.what for each in path.pending] == ["Blood culture (preliminary)", "Lipid profile (requested)"]
    assert [(each.what, each.who) for each in path.to_do] == [("INR in 7 days", "GP")]


def test_a_referral_that_nothing_followed_is_what_the_person_waits_for() -> None:
    asked = rich.referral("Cardiology", day(1))
    path = pathway(made(asked), at=rich.AT)
    assert path.waiting_for is not None
    assert path.waiting_for.to == "Barts Heart Centre"
    done = said("ServiceRequest", "Cardiology", {"status": "completed", "code": {"text": "Cardiology"}})
    assert pathway(made(done), at=rich.AT).waiting_for is None


def test_a_cancelled_appointment_is_no_step() -> None:
    gone = rich.appointment("Clinic", day(29), place="A", who="B", standing=Standing.CANCELLED)
    assert pathway(made(gone), at=rich.AT).steps == ()


def test_a_message_to_visitors_is_read_on_its_line_and_is_not_over_once_sent() -> None:
    """ "Completed" says that it was sent (H17): closed away without its words, nobody would ring first."""
    body = {"status": "completed", "category": [{"text": "Message for visitors"}]}
    words = "Please ring before visiting."
    told = said("Communication", "n", body | {"payload": [{"contentString": words}]}, heading=Heading.OTHER)
    (line,) = reconcile([told], region_names=NAMES, since=None).other
    assert (line.what, line.detail, line.is_current) == ("Message for visitors", words, True)
