"""Subject access at the desk: the clock, who advised, and a file that is asked for, made, sealed, fetched and gone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from carerecord import audit, clock, database
from carerecord.disclosure import Refusal
from carerecord.model import Evidence, EvidenceClass, Purpose
from carerecord.settings import Settings
from carerecord.stewardship import LedgerDesk
from carerecord.stewardship.ledger_values import HoldKind
from carerecord.stewardship.subject_access import (
    Choice,
    Files,
    FileState,
    Ground,
    Request,
    Standing,
    SubjectAccessDesk,
    in_order,
    may_extend,
    standing,
)
from carerecord.stewardship.subject_access.due_rules import extended_due
from carerecord.stewardship.subject_access.making import KEPT, QUERIES, TRIES_MAX, make_next
from tests.house import BIRTH_DATE, NHS_NUMBER, OXFORD, REGION, House
from tests.rooms.stewardship.test_ledger import OFFICER
from tests.rooms.stewardship.test_subject_access import HOW, MANAGER, decide_all, desk, unpacked

OTHER = msgspec.structs.replace(MANAGER, user_id="555-10", name="Other Manager")
ON = date(2026, 11, 22)


def request(**of: Any) -> Request:
    at = datetime(2026, 11, 1, 9, tzinfo=UTC)
    told: dict[str, Any] = {
        "patient_key": 7, "id": 1, "asked_at": at, "due_on": date(2026, 12, 1), "requester": "the person",
        "identity_check": "passport", "opened_by": "x", "identified_at": at,
    }  # fmt: skip
    return Request(**{**told, **of})


# --- The clock --------------------------------------------------------------------------------------------------------


def test_what_is_overdue_stands_first_then_what_is_due_and_what_waits_for_proof_after_them() -> None:
    late, soon = request(id=2, due_on=date(2026, 11, 20)), request(id=3, due_on=date(2026, 11, 25))
    awaited = request(id=4, identified_at=None, due_on=date(2026, 11, 1))
    closed = request(id=5, due_on=date(2026, 10, 1), closed_at=datetime(2026, 10, 1, tzinfo=UTC))
    listed = in_order((closed, awaited, request(), soon, late), on=ON)
    assert [each.id for each in listed] == [2, 3, 1, 4, 5]
    assert [standing(each, on=ON) for each in listed] == [
        Standing.OVERDUE, Standing.SOON, Standing.OPEN, Standing.AWAITED, Standing.CLOSED,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("of", "says"),
    [
        ({}, ""),
        ({"identified_at": None}, "stands"),
        ({"extended_at": datetime(2026, 11, 2, tzinfo=UTC)}, "before"),
        ({"due_on": date(2026, 11, 21)}, "month is over"),
        ({"closed_at": datetime(2026, 11, 2, tzinfo=UTC)}, "closed"),
    ],
)  # fmt: skip
def test_two_further_months_are_given_once_and_within_the_first(of: dict[str, Any], says: str) -> None:
    said = may_extend(request(**of), on=ON)
    assert (said == "") if not says else says in said


def test_an_extension_is_counted_from_the_day_the_clock_began() -> None:
    assert extended_due(request()) == date(2027, 2, 1)
    assert extended_due(request(identified_at=datetime(2026, 11, 30, tzinfo=UTC))) == date(2027, 2, 28)


# --- The desk ---------------------------------------------------------------------------------------------------------


class Desk:
    """The records desk and the working process over one request that waits for nothing."""

    def __init__(self, house: House, files: Files, work: database.Database, request: Request) -> None:
        self.house, self.files, self.work, self.request = house, files, work, request

    @property
    def how(self) -> dict[str, Any]:
        return {"at": clock.now(), **HOW}

    async def asked(self) -> tuple[int, str]:
        asked = await self.files.ask_file(MANAGER, self.request.id, **self.how)
        assert not isinstance(asked, Refusal), asked
        return asked

    async def make(self, *, at: datetime | None = None) -> bool:
        return await make_next(self.work, REGION, at=at or clock.now(), random_key=clock.random_key)

    async def file(self) -> Any:
        listed = await self.files.list_files(MANAGER, self.request.id)
        assert not isinstance(listed, Refusal)
        return listed[0]

    async def fetch(self, number: int, private: str, *, staff: Any = MANAGER) -> bytes | Refusal:
        return await self.files.fetch_file(staff, self.request.id, number, private=private, **self.how)


@asynccontextmanager
async def at_desk(settings: Settings, *, is_decided: bool = True) -> AsyncIterator[Desk]:
    async with desk(settings) as (house, access, opened), database.connect(settings, "work") as work:
        if is_decided:
            await decide_all(access, opened)
        async with database.connect(settings, "steward") as db, audit.Writer.open(db) as writer:
            yield Desk(house, Files(db, writer, REGION, random_key=clock.random_key), work, opened)


async def test_while_proof_is_awaited_nothing_is_read_and_the_month_begins_with_it(settings: Settings) -> None:
    async with at_desk(settings, is_decided=False) as at:
        asked = clock.now() - timedelta(days=20)
        opened = await at.files.open(
            MANAGER, nhs_number=NHS_NUMBER, birth_date=BIRTH_DATE, requester="a solicitor", at=asked, **HOW
        )
        assert isinstance(opened, Request)
        for refused in (
            await at.files.worklist(MANAGER, opened.id, **at.how),
            await at.files.ask_file(MANAGER, opened.id, **at.how),
            await at.files.export(MANAGER, opened.id, **at.how),
        ):
            assert isinstance(refused, Refusal)
            assert "awaited" in refused.sentences[0]
        sure = await at.files.identify(MANAGER, opened.id, identity_check="Passport seen", **at.how)
        assert isinstance(sure, Request)
        assert sure.due_on > opened.due_on
        assert not isinstance(await at.files.worklist(MANAGER, opened.id, **at.how), Refusal)
        assert isinstance(await at.files.identify(MANAGER, opened.id, identity_check="Again seen", **at.how), Refusal)


async def test_an_extension_takes_a_reason_and_is_kept(settings: Settings) -> None:
    async with at_desk(settings, is_decided=False) as at:
        assert isinstance(await at.files.extend(MANAGER, at.request.id, because="", **at.how), Refusal)
        longer = await at.files.extend(MANAGER, at.request.id, because="Nineteen volumes of letters", **at.how)
        assert isinstance(longer, Request)
        read = await at.files.read(MANAGER, at.request.id, **at.how)
        assert isinstance(read, Request)
        assert (read.due_on, read.extended_because) == (longer.due_on, "Nineteen volumes of letters")
        assert isinstance(await at.files.extend(MANAGER, at.request.id, because="Once more", **at.how), Refusal)


async def test_serious_harm_takes_the_opinion_of_a_health_professional_who_is_named(settings: Settings) -> None:
    async with at_desk(settings, is_decided=False) as at:
        worklist = await at.files.worklist(MANAGER, at.request.id, **at.how)
        assert not isinstance(worklist, Refusal)
        how: dict[str, Any] = {
            "item": worklist.items[0].id, "choice": Choice.WITHHOLD, "ground": Ground.SERIOUS_HARM,
            "words": "He would harm himself", **at.how,
        }  # fmt: skip
        refused = await at.files.decide(MANAGER, at.request.id, **how)
        assert isinstance(refused, Refusal)
        assert "health professional" in refused.sentences[0]
        kept = await at.files.decide(MANAGER, at.request.id, advised_by="Dr A. Osei, GMC 1234567", **how)
        assert not isinstance(kept, Refusal)
        after = await at.files.worklist(MANAGER, at.request.id, **at.how)
        assert not isinstance(after, Refusal)
        assert after.decided[worklist.items[0].id].advised_by == "Dr A. Osei, GMC 1234567"


async def test_a_file_is_made_by_the_working_process_and_fetched_by_who_asked(settings: Settings) -> None:
    async with at_desk(settings) as at:
        number, private = await at.asked()
        assert (await at.file()).state is FileState.ASKED
        assert await at.make()
        assert not await at.make()
        file = await at.file()
        assert (file.state, file.statements > 0, file.kept_back) == (
            FileState.READY, True, {"third-party": 1, "the same words elsewhere": 1},
        )  # fmt: skip
        content = await at.fetch(number, private)
        assert isinstance(content, bytes)
        assert "record.json" in unpacked(content)
        assert (await at.file()).fetched_at is not None
        exported = [each for each in await at.house.events() if each["kind"] == "exported"]
        exported.sort(key=lambda each: each["recorded_at"])
        assert [each["detail"].get("step") for each in exported] == [None, "fetched"]
        assert {each["detail"]["hash"] for each in exported} == {file.hash}


async def test_what_is_kept_of_a_file_opens_for_nobody_else(settings: Settings) -> None:
    async with at_desk(settings) as at:
        number, private = await at.asked()
        await at.make()
        kept = bytes(await at.house.owner.fetchval("select content from stewardship.subject_access_file"))
        assert b"HARTLEY" not in kept
        assert not kept.startswith(b"PK")
        row = str(dict(await at.house.owner.fetchrow("select * from stewardship.subject_access_file")))
        assert private.partition(".")[0] not in row
        assert isinstance(await at.fetch(number, private, staff=OTHER), Refusal)
        another = await at.files.ask_file(MANAGER, at.request.id, **at.how)
        assert not isinstance(another, Refusal)
        assert isinstance(await at.fetch(number, another[1]), Refusal)
        assert isinstance(await at.fetch(number, "nonsense"), Refusal)


async def test_a_file_goes_after_a_day_and_with_the_request(settings: Settings) -> None:
    async with at_desk(settings) as at:
        number, private = await at.asked()
        await at.make()
        await at.work.execute(QUERIES["forget_files"], clock.now() - KEPT)
        assert (await at.file()).state is FileState.READY
        await at.work.execute(QUERIES["forget_files"], clock.now() + timedelta(seconds=1))
        assert (await at.file()).state is FileState.GONE
        assert await at.house.owner.fetchval("select content from stewardship.subject_access_file") is None
        assert isinstance(await at.fetch(number, private), Refusal)
        await at.asked()
        await at.make()
        await at.files.close(MANAGER, at.request.id, **at.how)
        await at.work.execute(QUERIES["forget_files"], clock.now() - KEPT)
        states = await at.house.owner.fetch("select state, content from stewardship.subject_access_file")
        assert [(row["state"], row["content"]) for row in states] == [("gone", None)] * 2


async def test_a_file_that_was_left_half_made_is_begun_again_and_given_up_after_three_times(
    settings: Settings,
) -> None:
    async with at_desk(settings) as at:
        await at.asked()
        half = "update stewardship.subject_access_file set state = 'writing', tries = $1"
        await at.house.owner.execute(half, TRIES_MAX - 1)  # The process was killed while it wrote.
        assert await at.make()
        assert (await at.file()).state is FileState.READY
        await at.house.owner.execute(half, TRIES_MAX)
        assert await at.make()
        file = await at.file()
        assert (file.state, "three times" in file.said) == (FileState.FAILED, True)


async def test_one_file_at_a_time_and_none_while_an_item_waits(settings: Settings) -> None:
    async with at_desk(settings, is_decided=False) as at:
        refused = await at.files.ask_file(MANAGER, at.request.id, **at.how)
        assert isinstance(refused, Refusal)
        assert "items wait" in refused.sentences[0]
        await decide_all(at.files, at.request)
        await at.asked()
        assert isinstance(await at.files.ask_file(MANAGER, at.request.id, **at.how), Refusal)


async def test_a_look_that_no_ledger_shows_stands_in_no_file(settings: Settings) -> None:
    async with at_desk(settings) as at, audit.Writer.open(at.house.db) as writer:
        how: dict[str, Any] = {
            "kind": "shown", "patient_key": at.request.patient_key, "decision": {}, "detail": {"what": "summary"},
            "route": "launch", "session": "s",
        }  # fmt: skip
        plain = Evidence(kind=EvidenceClass.APPOINTMENT, id="A-1")
        clinic = Evidence(kind=EvidenceClass.APPOINTMENT, id="A-2", place="Sexual Health Clinic")
        nurse = msgspec.structs.replace(OXFORD, role_name="Safeguarding Nurse")
        await writer.witness(audit.Event(staff=OXFORD, purpose=Purpose.TREAT, evidence=plain, **how))
        await writer.witness(audit.Event(staff=nurse, purpose=Purpose.TREAT, evidence=plain, **how))
        await writer.witness(audit.Event(staff=OXFORD, purpose=Purpose.TREAT, evidence=clinic, **how))
        made = await at.files.export(MANAGER, at.request.id, **at.how)
        assert not isinstance(made, Refusal)
        assert [look["role"] for look in json.loads(unpacked(made.content)["looks.json"])] == [OXFORD.role_name]
        held = LedgerDesk(at.house.db, writer, msgspec.structs.replace(REGION, privacy_organisation="R1H"))
        case = 991
        await at.house.owner.execute(
            "insert into stewardship.privacy_case (patient_key, id, desk, kind, rule, organisation, sentence,"
            " opened_at) values ($1, $2, 'privacy', 'misuse', 'x', 'R1H', 'x', now())", at.request.patient_key, case,
        )  # fmt: skip
        said = await held.set_hold(
            OFFICER, kind=HoldKind.LEDGER, case_id=case, because="Her partner reads it", session="d", at=clock.now()
        )
        assert not isinstance(said, Refusal)
        made = await at.files.export(MANAGER, at.request.id, **at.how)
        assert not isinstance(made, Refusal)
        parts = unpacked(made.content)
        assert "looks.json" not in parts
        assert json.loads(parts["record.json"])["looks"] is None
        assert b"talk it through" in parts["README.txt"]
        assert await held.lift_hold(OFFICER, said.id, because="They parted", session="d", at=clock.now()) is None
        made = await at.files.export(MANAGER, at.request.id, **at.how)
        assert not isinstance(made, Refusal)
        assert OXFORD.role_name in [look["role"] for look in json.loads(unpacked(made.content)["looks.json"])]


async def test_another_role_connects_to_nothing(settings: Settings) -> None:
    nowhere = Settings(home=settings.home, database="postgresql://127.0.0.1:1/none")
    somebody = msgspec.structs.replace(MANAGER, role="clinician")
    reached: list[Files] = []

    async def doing(files: Files) -> None:
        reached.append(files)

    said = await SubjectAccessDesk(REGION, nowhere).do(somebody, doing)
    assert isinstance(said, Refusal)
    assert said.kind == "not-allowed"
    assert reached == []
