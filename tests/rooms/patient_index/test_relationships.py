"""Who is involved, by what a source says, and for how long that counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from carerecord.model import STRONG_EVIDENCE, EvidenceClass, Heading, Source, Standing, Statement
from carerecord.patient_index import relationships
from carerecord.patient_index.relationships import ODS, WINDOWS, Involvement, Relationship, best, newest, stands

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
BARTS = Source(id="barts", organisation="R1H", name="Barts Health")
AMBULANCE = Source(id="las", organisation="RRU", name="London Ambulance", kind="ambulance")
HOME = Source(id="home", organisation="VL1", name="The Limes", kind="care-home")


def stated(resource: dict[str, Any], *, standing: Standing = Standing.CURRENT, said_at: datetime = AT) -> Statement:
    return Statement(
        resource_type=resource["resourceType"],
        local_id="l" * 26,
        heading=Heading.STAYS,
        code=None,
        happened_at=None,
        said_at=said_at,
        standing=standing,
        body=json.dumps(resource).encode(),
    )


def rows(resource: dict[str, Any], source: Source = BARTS, **said: Any) -> list[Involvement]:
    return relationships.involvements([stated(resource, **said)], source, patient_key=1, identity_key=2)


def named(code: str, display: str = "A trust") -> dict[str, Any]:
    return {"display": display, "identifier": {"system": ODS, "value": code}}


def again(row: Involvement) -> Relationship:
    """As it is read from the database."""
    fields = Relationship.__struct_fields__
    return msgspec.convert({name: value for name, value in row._asdict().items() if name in fields}, Relationship)


ENCOUNTER = {"resourceType": "Encounter", "period": {"start": "2026-11-03T09:00:00Z"}}


def test_an_open_stay_counts_until_its_source_has_been_silent_for_a_year() -> None:
    (row,) = rows(ENCOUNTER)
    assert (row.organisation, row.kind, row.until) == ("R1H", "encounter", None)
    assert stands(again(row), AT + 365 * DAY)
    assert not stands(again(row), AT + 366 * DAY)


def test_a_stay_that_ended_counts_for_a_quarter() -> None:
    ended = {**ENCOUNTER, "period": {"start": "2026-11-03T09:00:00Z", "end": "2026-11-10T09:00:00Z"}}
    (row,) = rows(ended, standing=Standing.RESOLVED)
    assert stands(again(row), datetime(2027, 2, 8, 9, 0, tzinfo=UTC))
    assert not stands(again(row), datetime(2027, 2, 8, 9, 1, tzinfo=UTC))


@pytest.mark.parametrize("standing", [Standing.CANCELLED, Standing.ENTERED_IN_ERROR])
@pytest.mark.parametrize("kind", ["Encounter", "Appointment", "ServiceRequest", "EpisodeOfCare", "CareTeam"])
def test_what_its_source_took_back_never_counts(kind: str, standing: Standing) -> None:
    for row in rows({"resourceType": kind}, standing=standing):
        assert not any(stands(again(row), AT + days * DAY) for days in range(-100, 800))


def test_an_appointment_counts_from_90_days_before_to_14_days_after_it() -> None:
    start, end = "2026-12-01T10:00:00Z", "2026-12-01T10:30:00Z"
    (row,) = rows({"resourceType": "Appointment", "start": start, "end": end}, standing=Standing.PLANNED)
    counted = [
        days for days in range(-120, 60) if stands(again(row), datetime(2026, 12, 1, 10, tzinfo=UTC) + days * DAY)
    ]
    assert (counted[0], counted[-1], len(counted)) == (-90, 14, 105)


def test_an_ambulance_incident_counts_for_a_day() -> None:
    (row,) = rows({**ENCOUNTER, "period": {"start": "2026-11-22T08:00:00Z"}}, AMBULANCE)
    assert (row.kind, row.organisation) == ("incident", "RRU")
    assert stands(again(row), AT + timedelta(hours=24))
    assert not stands(again(row), AT + timedelta(hours=25))


def test_a_care_home_says_who_lives_there() -> None:
    (row,) = rows({"resourceType": "EpisodeOfCare", "status": "active", "period": {"start": "2025-01-01"}}, HOME)
    assert (row.kind, row.organisation) == ("residency", "VL1")
    assert stands(again(row), AT)


def test_a_referral_names_both_its_sides_and_counts_until_a_month_after_it_is_completed() -> None:
    said = {
        "resourceType": "ServiceRequest",
        "authoredOn": "2026-06-01",
        "requester": named("F84001"),
        "performer": [named("ral")],
    }
    open_ = rows(said)
    assert [row.organisation for row in open_] == ["R1H", "RAL", "F84001"]
    assert all(stands(again(row), AT + 300 * DAY) for row in open_)
    done = rows(said, standing=Standing.RESOLVED)
    assert stands(again(done[0]), AT + 30 * DAY)
    assert not stands(again(done[0]), AT + 31 * DAY)


def test_a_stay_at_another_organisation_is_that_organisations() -> None:
    assert [row.organisation for row in rows({**ENCOUNTER, "serviceProvider": named("RAL")})] == ["RAL"]
    team = {"resourceType": "CareTeam", "managingOrganization": [named("RAL"), named("RRU")]}
    assert [row.organisation for row in rows(team)] == ["RAL", "RRU"]
    assert [row.organisation for row in rows({**ENCOUNTER, "serviceProvider": {"display": "Royal Free"}})] == ["R1H"]


def test_a_caseload_counts_while_it_lasts_and_a_month_longer() -> None:
    (row,) = rows({"resourceType": "EpisodeOfCare", "period": {"start": "2026-01-01", "end": "2026-11-22"}})
    assert row.kind == "caseload"
    assert row.until == datetime(2026, 11, 23, tzinfo=UTC)  # the whole of its last day
    assert stands(again(row), AT + 30 * DAY)
    assert not stands(again(row), AT + 32 * DAY)


def test_what_says_nothing_of_involvement_is_no_row() -> None:
    assert rows({"resourceType": "Observation", "performer": [named("RAL")]}) == []


def test_times_that_cannot_be_read_leave_when_it_was_said() -> None:
    (row,) = rows({"resourceType": "Encounter", "period": "yesterday"})
    assert (row.since, row.until) == (AT, None)


def test_of_several_messages_of_one_commit_the_newest_word_on_an_item_is_kept() -> None:
    first, last = rows(ENCOUNTER), rows(ENCOUNTER, standing=Standing.RESOLVED, said_at=AT + DAY)
    assert newest([*last, *first]) == last
    assert newest([*first, *last]) == last


def test_what_happens_now_is_named_before_what_is_arranged() -> None:
    stay, (visit,) = again(rows(ENCOUNTER)[0]), rows({"resourceType": "Appointment", "start": "2026-11-22T09:00:00Z"})
    assert best([again(visit), stay], AT) == stay
    assert best([], AT) is None


def test_every_strong_evidence_but_a_registration_has_a_window_with_its_reason() -> None:
    assert set(WINDOWS) == STRONG_EVIDENCE - {EvidenceClass.REGISTRATION}
    assert all(window.because for window in WINDOWS.values())
