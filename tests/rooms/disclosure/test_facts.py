"""What a look rests on: the best of what the reader's system signed and what the record itself knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from carerecord import audit, database, stewardship
from carerecord.disclosure import Door, Found, Looking, Receipt, Refusal, Summary
from carerecord.model import Evidence, EvidenceClass, Heading, OriginalReference, Purpose, Staff
from carerecord.reconciliation import every_entry
from carerecord.settings import Settings
from tests.house import (
    ADMITTED,
    AT,
    BIRTH_DATE,
    NHS_NUMBER,
    OXFORD,
    REGION,
    House,
    as_opened,
    as_role,
    looking,
    message,
    open_house,
    program_looking,
    segment,
)
from tests.said import allergy, letter, said

BARTS = msgspec.structs.replace(OXFORD, organisation="R1H", organisation_name="Barts Health")
PRACTICE = msgspec.structs.replace(OXFORD, organisation="F84001", organisation_name="Mile End Practice")
LAUNCH = Evidence(kind=EvidenceClass.LAUNCH, called="HARTLEY-BROWN")
NONE = Evidence(kind=EvidenceClass.NONE)
DISCHARGED = segment("PV1", {2: "I", 3: "WARD4", 19: "V1", 44: "202611030900", 45: "202611101500"})


def barts(patient_key: int, *, evidence: Evidence = LAUNCH, **more: Any) -> Looking:
    return looking(patient_key, staff=BARTS, evidence=evidence, **more)


async def last(house: House, kind: str) -> dict[str, Any]:
    return next(event for event in reversed(await house.events()) if event["kind"] == kind)


async def refused(door: Door, asked: Looking) -> str:
    refusal = await door.summary(asked)
    assert isinstance(refusal, Refusal)
    return refusal.kind


# --- Evidence ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("evidence", "route"), [(LAUNCH, "launch"), (NONE, "sign-in")])
async def test_a_stay_that_the_record_knows_opens_silently(settings: Settings, evidence: Evidence, route: str) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        assert isinstance(await house.door.summary(barts(joan, evidence=evidence, route=route)), Summary)
        opened = await last(house, "opened")
        rests = json.loads(opened["evidence"])
        assert (rests["kind"], rests["said_by"]) == ("encounter", "record")
        assert rests["id"].startswith("barts/")
        assert opened["detail"]["record_knew"] is True
        assert opened["detail"]["signed"]["kind"] == evidence.kind


async def test_what_the_readers_system_signs_is_believed_first_and_whether_the_record_knew_is_kept(
    settings: Settings,
) -> None:
    signed = Evidence(kind=EvidenceClass.APPOINTMENT, id="A-1", said_by="R1H")
    async with open_house(settings) as house:
        joan = await house.joan()
        await house.door.summary(barts(joan, evidence=signed))
        opened = await last(house, "opened")
        assert json.loads(opened["evidence"]) == msgspec.to_builtins(signed)
        assert opened["detail"]["record_knew"] is True
        assert opened["detail"]["known"]["kind"] == "encounter"
        await house.door.summary(looking(joan))
        nothing_known = (await last(house, "opened"))["detail"]
        assert nothing_known["record_knew"] is False
        assert not {"known", "signed"} & set(nothing_known)


async def test_only_the_readers_own_system_knows_how_it_calls_the_person(settings: Settings) -> None:
    async with open_house(settings) as house:
        summary = await house.door.summary(barts(await house.joan()))
        assert isinstance(summary, Summary)
        assert "HARTLEY-BROWN" in summary.cautions[0]


async def test_another_organisations_stay_is_no_evidence(settings: Settings) -> None:
    free = msgspec.structs.replace(OXFORD, organisation="RAL", organisation_name="Royal Free")
    async with open_house(settings) as house:
        joan = await house.joan()
        assert await refused(house.door, looking(joan, staff=free, evidence=LAUNCH)) == "reason-needed"
        signed_in = looking(joan, staff=free, evidence=NONE, route="sign-in")
        assert await refused(house.door, signed_in) == "emergency-needed"


async def test_a_stay_counts_for_a_quarter_after_it_ended_and_no_longer(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        await house.hear(message("ADT^A03", "a03", DISCHARGED).replace(b"20261110120000", b"20261110160000"))
        assert isinstance(await house.door.summary(barts(joan)), Summary)
        late = datetime(2027, 2, 9, tzinfo=UTC)
        assert await refused(house.door, barts(joan, at=late)) == "reason-needed"


async def test_a_cancelled_stay_counts_from_the_next_look_on_as_if_it_had_never_been(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        assert isinstance(await house.door.summary(barts(joan)), Summary)
        await house.hear(message("ADT^A11", "a11", ADMITTED).replace(b"20261110120000", b"20261110160000"))
        assert await refused(house.door, barts(joan)) == "reason-needed"


async def test_a_registration_is_what_demographics_say_now_and_ends_when_another_practice_is_said(
    settings: Settings,
) -> None:
    async with open_house(settings) as house:
        joan = await house.joan(gp="F84001")
        asked = looking(joan, staff=PRACTICE, evidence=LAUNCH)
        assert isinstance(await house.door.summary(asked), Summary)
        assert json.loads((await last(house, "opened"))["evidence"])["kind"] == "registration"
        await house.hear(
            message("ADT^A08", "moved", ADMITTED, gp="K84001").replace(b"20261110120000", b"20261111120000")
        )
        assert await refused(house.door, asked) == "reason-needed"


async def test_a_stay_under_the_other_key_of_a_merged_person_counts_too(settings: Settings) -> None:
    """The hospital knew her under a second number of its own, without an NHS number, and merged the two."""
    second = "PID|1||40999^^^BARTS^MR||HARTLEY^Joan^^^Mrs||19480312|F"
    clinic = segment("PV1", {2: "O", 3: "CLINIC", 19: "V2", 44: "202611030900"})
    async with open_house(settings) as house:
        await house.hear(message("ADT^A01", "other", clinic, pid=second))
        await house.hear(message("ADT^A28", "self"))
        found = await house.door.find(
            OXFORD, nhs_number=NHS_NUMBER, birth_date=BIRTH_DATE, route="launch", session="s", at=AT
        )
        assert isinstance(found, Found)
        assert await refused(house.door, barts(found.patient_key)) == "reason-needed"
        await house.hear(
            message("ADT^A40", "merge", segment("MRG", {1: "40999^^^BARTS^MR"})).replace(
                b"20261110120000", b"20261111120000"
            )
        )
        assert isinstance(await house.door.summary(barts(found.patient_key)), Summary)


# --- Objections -------------------------------------------------------------------------------------------------------


async def object_to(house: House, patient_key: int, scope: str, value: str = "", *, state: str = "weighed") -> None:
    await house.owner.execute(
        "insert into stewardship.objection (patient_key, id, scope, value, state, received_at)"
        " values ($1, 7, $2, $3, $4, $5) on conflict (patient_key, id) do update set state = excluded.state",
        *(patient_key, scope, value, state, AT),
    )


async def every_way(house: House, joan: int, line: str, original: OriginalReference) -> Sequence[Any]:
    return [
        await house.door.summary(looking(joan)),
        await house.door.receipt(looking(joan), line),
        await house.door.original(looking(joan), original, of=line),
        await house.door.document(looking(joan), line),
        await house.door.patient(looking(joan)),
        await house.door.patient(program_looking(joan)),
        await house.door.everything(program_looking(joan)),
    ]


@pytest.mark.parametrize("state", ["weighed", "upheld"])
async def test_an_objection_to_the_whole_closes_every_way_out_in_one_same_sentence_until_it_is_withdrawn(
    settings: Settings, state: str
) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        summary = await house.door.summary(looking(joan))
        assert isinstance(summary, Summary)
        assert summary.record is not None
        line = next(every_entry(summary.record))
        receipt = await house.door.receipt(looking(joan), line.id)
        assert isinstance(receipt, Receipt)
        original = receipt.sayings[0].original
        before = await every_way(house, joan, line.id, original)
        await object_to(house, joan, "whole", state=state)
        closed = await every_way(house, joan, line.id, original)
        assert len({msgspec.json.encode(each) for each in closed}) == 1
        assert (closed[0].kind, len(closed[0].sentences)) == ("not-found", 1)
        # As where there is nobody under this key.
        assert closed[0] == await house.door.summary(looking(joan + 1))
        assert (await last(house, "refused"))["detail"]["objections"] == ["whole"]
        await object_to(house, joan, "whole", state="withdrawn")
        opened = await every_way(house, joan, line.id, original)
        assert [type(each) for each in opened] == [type(each) for each in before]


async def test_an_objection_to_a_heading_leaves_no_trace_of_it_on_any_way(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        plain = await house.door.summary(looking(joan))
        bundle = await house.door.everything(program_looking(joan))
        secret = letter("Clinic letter", "Dear Dr", source="royal-free")
        await house.remember(joan, [secret, allergy("Penicillin")])
        await object_to(house, joan, "heading", "LETTERS")
        narrowed = await house.door.summary(looking(joan))
        assert isinstance(narrowed, Summary)
        assert isinstance(plain, Summary)
        assert narrowed.headings == tuple(heading for heading in plain.headings if heading is not Heading.LETTERS)
        assert narrowed.banner.allergies == ("Penicillin",)
        assert {each.name for each in narrowed.sources} == {"Barts Health"}
        document = await house.door.document(looking(joan), f"x-{secret.local_id}")
        assert isinstance(document, Refusal)
        told = await house.door.everything(program_looking(joan))
        assert isinstance(told, bytes)
        assert isinstance(bundle, bytes)
        assert secret.local_id.encode() not in told
        assert (await last(house, "shown"))["detail"]["withheld"] == {"LETTERS": 1}


async def test_an_objection_to_one_organisation_closes_the_record_to_that_one_alone(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        await object_to(house, joan, "organisation", "RTH")
        assert await refused(house.door, looking(joan)) == "not-found"
        assert isinstance(await house.door.summary(barts(joan)), Summary)


async def test_a_search_finds_nobody_where_an_objection_closes_and_no_emergency_could_open(settings: Settings) -> None:
    async def search(staff: Staff, number: str = NHS_NUMBER) -> Found | Refusal:
        return await house.door.find(
            staff, nhs_number=number, birth_date=BIRTH_DATE, route="sign-in", session="s", at=AT
        )

    async with open_house(settings) as house:
        joan = await house.joan()
        await object_to(house, joan, "whole")
        assert await search(as_role("admin")) == await search(as_role("admin"), "9990000018")
        closed = next(event for event in await house.events() if event["detail"].get("closed"))
        assert (closed["kind"], closed["patient_key"]) == ("searched", joan)
        assert isinstance(await search(OXFORD), Found)


async def test_an_objection_counts_under_any_key_of_the_person(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        other = joan // 2
        await house.owner.execute("update patient_index.identity set patient_key = $1", other)
        await house.owner.execute("update patient_index.member set home_key = $1", other)
        await object_to(house, other, "whole")
        assert await refused(house.door, looking(joan)) == "not-found"


# --- What a source withholds ------------------------------------------------------------------------------------------


async def test_a_source_that_says_it_left_something_out_is_named_and_what_we_withhold_is_not(
    settings: Settings,
) -> None:
    redacted = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED"}]
    sentence = "Royal Free: some items may be withheld at source"
    async with open_house(settings) as house:
        joan = await house.joan()
        await house.remember(joan, [letter("Sealed letter", "x", source="royal-free", sensitivity=8)])
        await house.remember(joan, [said("Flag", "sealed", {"meta": {"security": redacted}}, sensitivity=8)])
        plain = await house.door.summary(looking(joan))
        assert isinstance(plain, Summary)
        assert not [each for each in plain.answers if each.kind == "withheld-by-source"]
        told = said("Condition", "c", {"meta": {"security": redacted}, "code": {"text": "Gout"}}, source="royal-free")
        await house.remember(joan, [told])
        summary = await house.door.summary(looking(joan))
        assert isinstance(summary, Summary)
        assert [each.sentence for each in summary.answers if each.kind == "withheld-by-source"] == [sentence]
        bundle = await house.door.everything(program_looking(joan))
        assert isinstance(bundle, bytes)
        assert sentence.encode() in bundle


# --- Emergency access -------------------------------------------------------------------------------------------------


def emergency(words: str = "Unconscious, no history") -> Evidence:
    return Evidence(kind=EvidenceClass.EMERGENCY, id="cannot-consent", said_by="reader", reason=words)


def with_cases(house: House, db: database.Database, writer: audit.Writer) -> Door:
    return as_opened(Door(db, writer, REGION, emergency_cases=stewardship.EmergencyCases(db, writer, REGION)))


class NoDesk:
    """A desk that cannot be reached."""

    async def open(self, **_: Any) -> None:
        raise OSError


async def declare(door: Door, joan: int, *, evidence: Evidence | None = None, **more: Any) -> Refusal | None:
    staff = more.pop("staff", OXFORD)
    until = more.pop("until", AT + timedelta(hours=4))
    rehearsal = more.pop("is_rehearsal", False)
    asked = looking(joan, staff=staff, evidence=NONE, route="sign-in")
    return await door.declare_emergency(asked, evidence=evidence or emergency(), until=until, is_rehearsal=rehearsal)


async def test_an_emergency_is_written_down_and_has_its_case_before_anything_is_shown(settings: Settings) -> None:
    async with open_house(settings) as house, audit.Writer.open(house.db) as writer:
        joan = await house.joan()
        door = with_cases(house, house.db, writer)
        assert await declare(door, joan) is None
        declared = await last(house, "declared")
        assert (declared["patient_key"], declared["purpose"]) == (joan, "BTG")
        assert json.loads(declared["evidence"])["reason"] == "Unconscious, no history"
        (case,) = await house.owner.fetch("select * from stewardship.privacy_case")
        assert (case["kind"], case["about_stream"], case["about_seq"]) == (
            "break-glass",
            declared["stream"],
            declared["seq"],
        )
        assert "HARTLEY" not in case["sentence"].upper()
        seen = await door.summary(looking(joan, evidence=emergency(), purpose=Purpose.BTG, route="sign-in"))
        assert isinstance(seen, Summary)


async def test_an_emergency_opens_a_record_that_an_objection_closes(settings: Settings) -> None:
    async with open_house(settings) as house, audit.Writer.open(house.db) as writer:
        joan = await house.joan()
        await object_to(house, joan, "whole")
        door = with_cases(house, house.db, writer)
        assert await declare(door, joan) is None
        seen = await door.summary(looking(joan, evidence=emergency(), purpose=Purpose.BTG, route="sign-in"))
        assert isinstance(seen, Summary)
        assert (await last(house, "opened"))["detail"]["objections"] == ["whole"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"evidence": emergency(" ")},
        {"evidence": LAUNCH},
        {"until": AT + timedelta(hours=12, minutes=1)},
        {"until": AT},
        {"staff": as_role("admin")},
        {"staff": as_role("social-worker")},
    ],
    ids=["no words", "no emergency", "longer than a shift", "over", "administrator", "social worker"],
)
async def test_what_is_no_emergency_opens_nothing_and_no_case(settings: Settings, wrong: dict[str, Any]) -> None:
    async with open_house(settings) as house, audit.Writer.open(house.db) as writer:
        joan = await house.joan()
        refusal = await declare(with_cases(house, house.db, writer), joan, **wrong)
        assert isinstance(refusal, Refusal)
        assert refusal.kind == "not-allowed"
        assert await house.owner.fetchval("select count(*) from stewardship.privacy_case") == 0
        assert "declared" not in [event["kind"] for event in await house.events()]


async def test_a_rehearsal_is_about_nobody_and_opens_nothing(settings: Settings) -> None:
    async with open_house(settings) as house, audit.Writer.open(house.db) as writer:
        joan = await house.joan()
        assert await declare(with_cases(house, house.db, writer), joan, is_rehearsal=True) is None
        rehearsed = await last(house, "declared")
        assert (rehearsed["patient_key"], rehearsed["detail"]["what"]) == (0, "rehearsal")
        assert await house.owner.fetchval("select count(*) from stewardship.privacy_case") == 0


async def test_nobody_is_let_in_where_no_desk_would_look_at_it(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        assert isinstance(await declare(house.door, joan), Refusal)
        refusal = await declare(Door(house.db, house.door._writer, REGION, emergency_cases=NoDesk()), joan)
        assert isinstance(refusal, Refusal)
        assert refusal.kind == "unavailable"


async def test_a_line_that_is_opened_rests_on_the_same(settings: Settings) -> None:
    async with open_house(settings) as house:
        joan = await house.joan()
        summary = await house.door.summary(barts(joan))
        assert isinstance(summary, Summary)
        assert summary.record is not None
        line = next(every_entry(summary.record))
        assert isinstance(await house.door.receipt(barts(joan), line.id), Receipt)
        assert json.loads((await last(house, "shown"))["evidence"])["kind"] == "encounter"
