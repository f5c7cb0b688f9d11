"""The privacy desk's door: who may see which case, what is handed over, and that nothing is before it was witnessed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from carerecord import audit, clock
from carerecord.disclosure import Refusal
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.settings import Settings
from carerecord.stewardship import EmergencyCases, PrivacyDesk
from carerecord.stewardship.cases import Case, Disposition, find_case, list_cases, open_cases
from carerecord.stewardship.notices import list_notices
from carerecord.stewardship.privacy_values import Wanted
from tests.house import NHS_NUMBER, OXFORD, REGION, House, open_house

LED = msgspec.structs.replace(REGION, privacy_organisation="R1H")
WORDS = "Joan Hartley brought in without a pulse"


def officer(organisation: str, name: str, *, role: str = "privacy-officer") -> Staff:
    return Staff(
        user_id=f"555-{name}",
        name=name,
        role_code="S8000:G8000:R9911",
        role=role,
        role_name="Privacy Officer",
        organisation=organisation,
        organisation_name=LED.organisation_name(organisation),
        sign_in="cis2",
    )


LONDON, NEIGHBOUR, ELSEWHERE = officer("R1H", "Ada Lead"), officer("RTH", "Ox Ford"), officer("RAL", "Roy Free")


class Desk:
    """The desk over a house, with an emergency that Dr Osei of Oxford declared to Joan Hartley's record."""

    def __init__(self, house: House, writer: audit.Writer, joan: int) -> None:
        self.house, self.writer, self.joan = house, writer, joan
        self.door = PrivacyDesk(house.db, writer, LED)
        self.told = EmergencyCases(house.db, writer, LED)
        self.how: dict[str, Any] = {"session": "desk-1", "at": clock.now()}

    async def event(self, kind: str, patient_key: int, **more: Any) -> audit.Witness:
        evidence = Evidence(kind=EvidenceClass.EMERGENCY, id="vital-interests", reason=WORDS)
        return await self.writer.witness(
            audit.Event(
                kind=kind, patient_key=patient_key, staff=OXFORD, purpose=Purpose.BTG, evidence=evidence,
                decision={}, detail=more, route="launch", session="s-1",
            )
        )  # fmt: skip

    async def declare(self) -> Case:
        declared = await self.event("declared", self.joan)
        await self.event("shown", self.joan, what="summary")
        await self.event("shown", 4712, what="summary")
        at = clock.now()
        hours = timedelta(hours=4)
        await self.told.open(
            staff=OXFORD, declared=declared, reason="vital-interests", until=at + hours, session="s-1", at=at
        )
        (case,) = await list_cases(self.house.db, desk="privacy")
        return case

    async def misuse(self, number: int, *, organisation: str = "RTH", rule: str = "same-surname") -> Case:
        case = Case(
            patient_key=self.joan, id=number, desk="privacy", kind="misuse", rule=rule, organisation=organisation,
            staff=OXFORD.user_id, sentence="A reader opened the record of somebody with their own surname.",
            detail={"rule": rule, "why": ["They share a surname.", "No visit is known."]}, opened_at=clock.now(),
        )  # fmt: skip
        assert await open_cases(self.house.db, [case]) == [case]
        return case

    async def examined(self) -> list[dict[str, Any]]:
        return [each["detail"] for each in await self.house.events() if each["kind"] == "examined"]


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    async with open_house(settings, region=LED) as house, audit.Writer.open(house.db) as writer:
        yield Desk(house, writer, await house.joan())


async def test_a_declaration_is_a_case_at_once_and_both_desks_are_told_by_a_reference_alone(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        case = await desk.declare()
        assert (case.kind, case.organisation, case.staff, case.patient_key) == (
            "break-glass", "RTH", OXFORD.user_id, desk.joan,
        )  # fmt: skip
        told = await list_notices(desk.house.db)
        assert {notice.organisation for notice in told} == {"R1H", "RTH"}
        everything = msgspec.json.encode([case.sentence, case.detail, [[n.sentence, n.detail] for n in told]]).decode()
        for part in (NHS_NUMBER, "HARTLEY", "Hartley", WORDS, str(desk.joan)):
            assert part not in everything
        notified = [each for each in await desk.house.events() if each["kind"] == "notified"]
        assert {each["detail"]["organisation"] for each in notified} == {"R1H", "RTH"}


async def test_one_declaration_is_one_case_however_often_it_is_told(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        declared = await desk.event("declared", desk.joan)
        at = clock.now()
        for _ in range(2):
            await desk.told.open(
                staff=OXFORD, declared=declared, reason="other", until=at + timedelta(hours=1), session="s", at=at
            )
        assert len(await list_cases(desk.house.db, desk="privacy")) == 1
        assert len(await list_notices(desk.house.db)) == 2


async def test_the_leading_desk_sees_all_and_another_those_of_its_own_readers(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        case = await desk.declare()
        for staff, sees in ((LONDON, True), (NEIGHBOUR, True), (ELSEWHERE, False)):
            listed = await desk.door.list_cases(staff, Wanted(), **desk.how)
            assert not isinstance(listed, Refusal)
            assert [each.id for each in listed.cases] == ([case.id] if sees else [])
            assert listed.open_count == (1 if sees else 0)
            assert isinstance(await desk.door.read_case(staff, case.id, **desk.how), Refusal) is not sees


async def test_a_case_of_another_desk_and_one_that_is_not_there_are_refused_alike(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        case = await desk.declare()
        for refused in (
            await desk.door.read_case(ELSEWHERE, case.id, **desk.how),
            await desk.door.name_person(ELSEWHERE, case.id, because="I want to know", **desk.how),
            await desk.door.write_note(ELSEWHERE, case.id, words="Mine", **desk.how),
            await desk.door.share(ELSEWHERE, case.id, organisation="RTH", **desk.how),
            await desk.door.close(ELSEWHERE, case.id, disposition="appropriate", words="So", **desk.how),
        ):
            assert refused == await desk.door.read_case(LONDON, 1, **desk.how)
        assert await desk.examined() == []


@pytest.mark.parametrize("role", ["clinician", "admin", "records-manager", "safety-officer", "nobody"])
async def test_no_other_role_gets_anything_even_past_the_pages(settings: Settings, role: str) -> None:
    async with open_desk(settings) as desk:
        case = await desk.declare()
        staff = officer("R1H", "Not One", role=role)
        door, how = desk.door, desk.how
        for got in (
            await door.list_cases(staff, Wanted(), **how),
            await door.read_case(staff, case.id, **how),
            await door.name_person(staff, case.id, because="I want to know", **how),
            await door.close(staff, case.id, disposition="appropriate", words="So", **how),
            await door.read_record(staff, at=how["at"]),
            await door.list_notices(staff, at=how["at"]),
        ):
            assert isinstance(got, Refusal)
            assert got.kind == "not-allowed"
        assert await desk.examined() == []


async def test_a_case_tells_why_and_what_its_reader_did_and_names_nobody(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        case = await desk.declare()
        file = await desk.door.read_case(LONDON, case.id, **desk.how)
        assert not isinstance(file, Refusal)
        assert file.said == WORDS
        assert file.reader
        assert (file.reader.role_name, file.reader.organisation, file.reader.name) == (
            OXFORD.role_name, OXFORD.organisation_name, "",
        )  # fmt: skip
        assert [(look.kind, look.person, look.is_the_case) for look in file.looks[:3]] == [
            ("shown", 2, False),
            ("shown", 1, False),
            ("declared", 1, True),
        ]
        said = msgspec.json.encode(msgspec.structs.replace(file, said="", case=None)).decode()
        for part in (NHS_NUMBER, "HARTLEY", OXFORD.name, OXFORD.user_id, "4712"):
            assert part not in said
        assert [each["what"] for each in await desk.examined()] == ["reader", "case"]


async def test_the_reader_and_the_person_are_named_for_a_reason_that_was_witnessed(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        case = await desk.declare()
        for because in ("", "  ", "why"):
            refused = await desk.door.name_person(LONDON, case.id, because=because, **desk.how)
            assert isinstance(refused, Refusal)
            assert refused.kind == "reason-needed"
        assert isinstance(await desk.door.read_case(LONDON, case.id, names_reader=True, **desk.how), Refusal)
        assert await desk.examined() == []
        person = await desk.door.name_person(LONDON, case.id, because="To phone the ward", **desk.how)
        assert not isinstance(person, Refusal)
        assert (person.name, person.nhs_number) == ("HARTLEY, Joan (Mrs)", "999 012 3454")
        file = await desk.door.read_case(LONDON, case.id, names_reader=True, because="To ask them", **desk.how)
        assert not isinstance(file, Refusal)
        assert file.reader
        assert file.reader.name == OXFORD.name
        kept = [(each["what"], each.get("because")) for each in await desk.examined()]
        assert {each["desk"] for each in await desk.examined()} == {"privacy"}
        assert kept == [("person", "To phone the ward"), ("reader", "To ask them"), ("case", "To ask them")]


async def test_a_case_is_shared_once_and_then_the_other_desk_sees_it(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        await desk.misuse(77, organisation="RAL")
        assert isinstance(await desk.door.read_case(NEIGHBOUR, 77, **desk.how), Refusal)
        before = await desk.door.read_case(LONDON, 77, **desk.how)
        assert not isinstance(before, Refusal)
        assert before.share_with == (("RAL", "Royal Free"),)
        assert before.why == ("They share a surname.", "No visit is known.")
        for _ in range(2):
            assert await desk.door.share(LONDON, 77, organisation="RAL", **desk.how) is None
        refused = await desk.door.share(LONDON, 77, organisation="RTH", **desk.how)
        assert isinstance(refused, Refusal), "a desk that has nothing to do with the reader is not told"
        after = await desk.door.read_case(ELSEWHERE, 77, **desk.how)
        assert not isinstance(after, Refusal)
        assert [each.organisation for each in after.shared] == ["Royal Free"]
        assert [note.words for note in after.notes] == ["Shared with Royal Free."]
        (notice,) = await list_notices(desk.house.db, organisation="RAL")
        assert await desk.door.read_notice(NEIGHBOUR, notice.reference, **desk.how) != "77"
        assert await desk.door.read_notice(ELSEWHERE, notice.reference, **desk.how) == "77"
        assert await list_notices(desk.house.db, organisation="RAL") == []


async def test_a_case_is_closed_once_with_what_was_found_and_why(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        case = await desk.declare()
        for disposition, words in (("fine", "So"), ("appropriate", " ")):
            refused = await desk.door.close(LONDON, case.id, disposition=disposition, words=words, **desk.how)
            assert isinstance(refused, Refusal)
        assert (
            await desk.door.close(LONDON, case.id, disposition="appropriate", words="On call that night.", **desk.how)
            is None
        )
        again = await desk.door.close(NEIGHBOUR, case.id, disposition="inappropriate", words="No", **desk.how)
        assert isinstance(again, Refusal)
        closed = await find_case(desk.house.db, case.id)
        assert closed
        assert closed.disposition is Disposition.APPROPRIATE
        file = await desk.door.read_case(NEIGHBOUR, case.id, **desk.how)
        assert not isinstance(file, Refusal)
        assert [note.words for note in file.notes] == ["Closed as appropriate: On call that night."]


async def test_a_finding_that_was_wrong_counts_no_longer_and_stays_among_the_notes(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        case = await desk.declare()
        early = await desk.door.reopen(LONDON, case.id, words="To see", **desk.how)
        assert isinstance(early, Refusal)
        await desk.door.close(LONDON, case.id, disposition="inappropriate", words="No reason given.", **desk.how)
        assert isinstance(await desk.door.reopen(ELSEWHERE, case.id, words="Not mine", **desk.how), Refusal)
        assert isinstance(await desk.door.reopen(LONDON, case.id, words=" ", **desk.how), Refusal)
        assert await desk.door.reopen(LONDON, case.id, words="The ward confirms the arrest.", **desk.how) is None
        listed = await desk.door.list_cases(LONDON, Wanted(), **desk.how)
        assert not isinstance(listed, Refusal)
        assert [each.id for each in listed.cases] == [case.id]
        record = await desk.door.read_record(LONDON, at=desk.how["at"])
        assert not isinstance(record, Refusal)
        assert [(each.closed, each.inappropriate) for each in record.rules] == [(0, 0)]
        await desk.door.close(LONDON, case.id, disposition="appropriate", words="An arrest.", **desk.how)
        file = await desk.door.read_case(LONDON, case.id, **desk.how)
        assert not isinstance(file, Refusal)
        assert [note.words for note in file.notes] == [
            "Closed as inappropriate: No reason given.",
            "Opened again: The ward confirms the arrest.",
            "Closed as appropriate: An arrest.",
        ]


async def test_a_rule_is_right_as_often_as_its_judged_cases_were_inappropriate(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        found = ["inappropriate", "inappropriate", "appropriate", "inconclusive", "duplicate", None]
        for number, disposition in enumerate(found, 100):
            await desk.misuse(number)
            if disposition:
                await desk.door.close(LONDON, number, disposition=disposition, words="Looked at.", **desk.how)
        await desk.misuse(200, rule="after-death")
        record = await desk.door.read_record(LONDON, at=clock.now())
        assert not isinstance(record, Refusal)
        rules = {each.name: each for each in record.rules}
        assert (rules["same-surname"].raised, rules["same-surname"].judged, rules["same-surname"].share) == (6, 4, 0.5)
        assert rules["after-death"].share is None
        assert sum(raised for _, raised, _ in record.weeks) == 7
        other = await desk.door.read_record(ELSEWHERE, at=clock.now())
        assert not isinstance(other, Refusal)
        assert other.rules == ()


async def test_the_list_is_narrowed_by_kind_rule_and_organisation(settings: Settings) -> None:
    async with open_desk(settings) as desk:
        await desk.declare()
        await desk.misuse(100)
        await desk.misuse(101, organisation="RAL", rule="after-death")
        for wanted, numbers in (
            (Wanted(kind="misuse"), {100, 101}),
            (Wanted(rule="after-death"), {101}),
            (Wanted(organisation="RAL", kind="break-glass"), set[int]()),
            (Wanted(is_open=False), set[int]()),
        ):
            listed = await desk.door.list_cases(LONDON, wanted, **desk.how)
            assert not isinstance(listed, Refusal)
            assert {case.id for case in listed.cases} == numbers
            assert listed.open_count == 3
