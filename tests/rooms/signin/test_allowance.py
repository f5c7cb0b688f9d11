"""One who asks without end is told to wait, and nobody at the same organisation waits for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from carerecord import database
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.settings import Settings
from carerecord.signin import Sessions, TooOften, person_staff
from carerecord.signin.allowance import KEYS_MAX, SECONDS_OF_BURST, TOLD_AFTER_SECONDS, Allowance, Buckets

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
STAFF = Staff(
    user_id="OUH-1",
    name="Dr Amara Okafor",
    role_code="S8000:G8000:R8000",
    role="clinician",
    role_name="Consultant",
    organisation="RTH",
    organisation_name="Oxford University Hospitals",
)
LIMITED = Settings(
    user_requests_per_second_max=2, program_requests_per_second_max=3, organisation_requests_per_second_max=5
)
OF_USER, OF_PROGRAM, OF_ORGANISATION = (each * SECONDS_OF_BURST for each in (2, 3, 5))


def colleague(number: int, organisation: str = "RTH") -> Staff:
    return msgspec.structs.replace(STAFF, user_id=f"OUH-{number}", organisation=organisation)


def program(number: int = 1) -> Staff:
    return msgspec.structs.replace(STAFF, user_id=f"board-{number}", is_program=True)


def asked(allowance: Allowance, staff: Staff, *, at: datetime = AT, own: int = 0) -> Iterator[int]:
    """Counts what is let by until the first that must wait."""
    number = 0
    while True:
        allowance.spend(staff, at=at, own=own)
        number += 1
        yield number


def until_it_waits(allowance: Allowance, staff: Staff, *, own: int = 0) -> tuple[int, TooOften]:
    number = 0
    try:
        for number in asked(allowance, staff, own=own):
            assert number < 10_000, "nobody was ever asked to wait"
    except TooOften as too_often:
        return number, too_often
    raise AssertionError


def test_one_who_asks_without_end_waits_and_nobody_elses_share_is_gone() -> None:
    """The user's own bucket bites first: what it refuses does not count for the organisation."""
    allowance = Allowance(LIMITED)
    let_by, too_often = until_it_waits(allowance, STAFF)
    assert (let_by, too_often.whose) == (OF_USER, "user")
    for _ in range(10 * OF_ORGANISATION):
        with pytest.raises(TooOften):
            allowance.spend(STAFF, at=AT)
    let_by, too_often = until_it_waits(allowance, colleague(2))
    assert (let_by, too_often.whose) == (OF_USER, "user")


def test_everybody_at_one_organisation_together_waits_at_its_own_limit_and_no_other_organisation_does() -> None:
    allowance = Allowance(LIMITED)
    let_by = [until_it_waits(allowance, colleague(number)) for number in range(1, 5)]
    assert [number for number, _ in let_by] == [OF_USER, OF_USER, OF_ORGANISATION - 2 * OF_USER, 0]
    assert [said.whose for _, said in let_by] == ["user", "user", "organisation", "organisation"]
    assert until_it_waits(allowance, colleague(1, "RC9"))[0] == OF_USER


def test_a_program_has_a_limit_of_its_own_and_counts_for_its_organisation() -> None:
    allowance = Allowance(LIMITED)
    let_by, too_often = until_it_waits(allowance, program())
    assert (let_by, too_often.whose, too_often.rule) == (OF_PROGRAM, "program", "limit program")
    assert until_it_waits(allowance, program(2))[0] == OF_ORGANISATION - OF_PROGRAM


def test_who_waits_is_told_how_long_and_may_ask_again_then() -> None:
    allowance = Allowance(LIMITED)
    _, too_often = until_it_waits(allowance, STAFF)
    assert too_often.seconds == 1
    assert "Wait 1 s, then ask again. Nobody is locked out." in too_often.sentences
    allowance.spend(STAFF, at=AT + timedelta(seconds=too_often.seconds))


def test_people_at_what_is_their_own_do_not_wait_for_each_other() -> None:
    """In the audit they all have one name, and here each has a bucket."""
    allowance = Allowance(LIMITED)
    person = person_staff("NHS login")
    assert until_it_waits(allowance, person, own=7)[0] == OF_USER
    assert until_it_waits(allowance, person, own=8)[0] == OF_USER


def test_a_flood_is_written_down_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    allowance = Allowance(LIMITED)
    _, first = until_it_waits(allowance, STAFF)
    told = [until_it_waits(allowance, STAFF)[1].is_told for _ in range(5)]
    assert (first.is_told, told) == (False, [True] * 5)
    later = AT + timedelta(seconds=TOLD_AFTER_SECONDS)
    with pytest.raises(TooOften) as again:
        for _ in asked(allowance, STAFF, at=later):
            pass
    assert not again.value.is_told
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["line"], line["of"], line["organisation"]) for line in lines] == [("LIMITED", "user", "RTH")] * 2


def test_each_of_four_processes_lets_by_its_share() -> None:
    allowance = Allowance(msgspec.structs.replace(LIMITED, serve_processes=4))
    assert until_it_waits(allowance, STAFF)[0] == OF_USER // 4


def test_a_share_below_one_a_second_still_lets_somebody_by() -> None:
    buckets = Buckets(1 / 50)
    assert buckets.spend("one", now=0.0) == 0
    wait = buckets.spend("one", now=0.0)
    assert wait > 0
    assert buckets.spend("one", now=wait + 0.001) == 0


def test_a_clock_that_is_set_back_gives_and_takes_nothing() -> None:
    buckets = Buckets(1)
    for _ in range(SECONDS_OF_BURST):
        assert buckets.spend("one", now=100.0) == 0
    assert buckets.spend("one", now=40.0) == 1
    assert buckets.spend("one", now=41.0) == 0


def test_what_is_remembered_is_bounded() -> None:
    buckets = Buckets(1)
    for number in range(KEYS_MAX + 50):
        buckets.spend(number, now=100.0)
        buckets.is_told(number, now=100.0)
    assert len(buckets._left) == len(buckets._told) == KEYS_MAX


async def test_all_sessions_of_one_reader_are_counted_together_and_a_session_that_waits_is_not_used(
    settings: Settings,
) -> None:
    limited = msgspec.structs.replace(settings, user_requests_per_second_max=1)
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, limited, allowance=Allowance(limited))
        signed_in = await sessions.create_staff(STAFF, at=AT)
        charts = [
            await sessions.create_patient(
                STAFF, patient_key=key, evidence=Evidence(kind=EvidenceClass.APPOINTMENT), purpose=Purpose.TREAT,
                route="launch", at=AT, issuer="https://epr.ouh.example",
            )
            for key in (7, 8)
        ]  # fmt: skip
        for number in range(SECONDS_OF_BURST):
            chart = charts[number % 2]
            assert await sessions.find(chart.id, token=chart.token, at=AT) is not None
        with pytest.raises(TooOften) as said:
            await sessions.find(charts[0].id, token=charts[0].token, at=AT)
        assert (said.value.session, said.value.patient_key, said.value.issuer) == (
            charts[0].id,
            7,
            "https://epr.ouh.example",
        )
        with pytest.raises(TooOften):
            await sessions.find_staff(signed_in.token, at=AT)
        assert await sessions.find(charts[0].id, token=charts[0].token, at=AT + timedelta(seconds=2)) is not None


async def test_a_search_counts_as_ten(settings: Settings) -> None:
    limited = msgspec.structs.replace(settings, user_requests_per_second_max=1)
    async with database.connect(settings, "serve") as db:
        sessions = Sessions(db, limited, allowance=Allowance(limited))
        signed_in = await sessions.create_staff(STAFF, at=AT)
        for _ in range(SECONDS_OF_BURST // 10):
            await sessions.find_staff(signed_in.token, at=AT, cost=10)
        with pytest.raises(TooOften):
            await sessions.find_staff(signed_in.token, at=AT)
