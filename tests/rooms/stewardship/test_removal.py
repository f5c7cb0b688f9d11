"""Removal: gone from every reader at once, taken out after, and not brought back by anything that is sent again."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from carerecord import audit, clock, database
from carerecord.disclosure import Refusal
from carerecord.fhir.references import logical_id
from carerecord.intake import inbox
from carerecord.model import OriginalReference, Outcome, StoredStatement
from carerecord.settings import Settings
from carerecord.stewardship import removal
from carerecord.stewardship.removal_plan import Authority, Decision, RemovalRefused, Target
from tests.house import looking
from tests.rooms.stewardship.removals import AGREED, complete, find_letter, held, prove, remove, the, withdraw
from tests.safety.ward import (
    ARTHUR,
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    REGION,
    but,
    entries,
    found,
    letter,
    open_ward,
    order,
    section,
    visit,
    wrote,
)

SECRET = "The patient told us in confidence of the quarrel with her neighbour about the hedge."
LETTER = letter("D1", SECRET)
OTHER_LETTER = letter("D2", "Seen in the valve clinic, all well, to come again in a year from now.")
AT_LABORATORY = but(JOAN, number="L1000")
BLOODS = wrote(
    "ORU^R01",
    order("L1"),
    found(POTASSIUM, "7.9", flag="HH"),
    found("NA^Sodium", "140"),
    by=PATHOLOGY,
    about=AT_LABORATORY,
    at="20261109080000",
)
OTHER_JOAN = but(JOAN, nhs_number=ARTHUR.nhs_number, number=ARTHUR.number)  # born on the same day
MISFILED = Decision(authority=Authority.MISFILED, reason="Of another person.", asked_by="Ann", agreed_by="Bea")


def numbered(message: bytes, number: str) -> bytes:
    """The same message under another control id, as an engine that resends from its archive numbers it."""
    head, _, rest = message.partition(b"\r")
    fields = head.split(b"|")
    fields[9] = number.encode()
    return b"|".join(fields) + b"\r" + rest


def said(statements: Sequence[StoredStatement]) -> set[tuple[str, str, OriginalReference, bytes]]:
    return {(each.local_id, each.version, each.original, each.body) for each in statements}


@pytest.mark.parametrize("is_folded", [False, True], ids=["in the log", "folded"])
async def test_it_is_gone_from_every_page_before_anything_is_rewritten(settings: Settings, is_folded: bool) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER, OTHER_LETTER)
        if is_folded:
            await ward.fold()
        chart = await ward.open()
        assert SECRET in (await chart.get()).text
        statement = await find_letter(ward, await ward.key_of(JOAN), SECRET)
        name = logical_id(statement.patient_key, statement.local_id)
        places = [f"entry/{name}", f"original/{statement.original}?of={name}"]
        assert [(await chart.get(place)).status_code for place in places] == [200, 200]
        await withdraw(settings, the(statement))
        page = await chart.get()
        assert SECRET not in page.text
        assert "valve clinic" in page.text
        # Not rewritten yet: it is the reading that withholds.
        assert statement.version in {each.version for each in await held(ward, statement.patient_key)}
        for place in [*places, f"document/{name}"]:
            answer = await chart.get(place)
            assert answer.status_code == 404, place
            assert SECRET not in answer.text
        async with database.connect(settings, "operate") as operator:
            assert await inbox.show(operator, statement.original) is None


async def test_it_is_gone_from_what_programs_read_at_once(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(BLOODS, LETTER)
        key = await ward.key_of(JOAN)
        statement = await find_letter(ward, key, SECRET)
        asked = looking(key)
        before = await ward.door.everything(asked)
        await withdraw(settings, the(statement))
        after = await ward.door.everything(asked)
        assert isinstance(before, bytes)
        assert isinstance(after, bytes)
        ids = [{each["resource"].get("id") for each in json.loads(bundle)["entry"]} for bundle in (before, after)]
        assert ids[0] - ids[1] == {logical_id(statement.patient_key, statement.local_id)}


@pytest.mark.parametrize("is_folded", [False, True], ids=["in the log", "folded"])
async def test_it_is_taken_out_and_the_rest_stays_byte_for_byte(settings: Settings, is_folded: bool) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER, OTHER_LETTER, wrote("ADT^A01", visit("V1")))
        if is_folded:
            await ward.fold()
        await ward.hear(BLOODS)
        statement = await find_letter(ward, await ward.key_of(JOAN), SECRET)
        before = said(await held(ward, statement.patient_key))
        page = (await ward.summary()).words
        await withdraw(settings, the(statement))
        (done,) = await complete(settings)
        assert done.completed_at is not None
        after = said(await held(ward, statement.patient_key))
        assert before - after == said([statement])
        assert after < before
        assert SECRET in page
        assert SECRET not in (await ward.summary()).words
        originals = "select count(*) from intake.original where seq = $1"
        assert await ward.owner.fetchval(originals, statement.original.seq) == 0
        assert await complete(settings) == []
        assert (await prove(settings)).holds


async def test_one_version_goes_and_the_other_stays(settings: Settings) -> None:
    """A letter that was corrected: only its first wording is to go, or a corrected one is sent after all went."""
    async with open_ward(settings) as ward:
        draft = letter("D1", SECRET, at="20261110080000")
        final = letter("D1", "Final: stop bisoprolol and come again in spring.", at="20261110100000")
        await ward.hear(draft, final)
        await ward.fold()
        statement = await find_letter(ward, await ward.key_of(JOAN), SECRET)
        await remove(settings, the(statement, only=True))
        left = [each for each in await held(ward, statement.patient_key) if each.local_id == statement.local_id]
        assert [each.version == statement.version for each in left] == [False]
        assert "stop bisoprolol" in (await ward.summary()).words
        await remove(settings, the(left[0]))
        assert "stop bisoprolol" not in (await ward.summary()).words
        await ward.hear(letter("D1", "Corrected by its author: nothing of it was so.", at="20261111100000"))
        assert "Corrected by its author" in (await ward.summary()).words


async def test_the_same_message_sent_again_is_answered_and_not_kept(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        first = await ward.intake.receive(LETTER, received_at=clock.now())
        statement = await find_letter(ward, await ward.key_of(JOAN), SECRET)
        await withdraw(settings, the(statement))
        for _ in range(2):  # while it is withdrawn, and once it is taken out
            again = await ward.intake.receive(LETTER, received_at=clock.now())
            assert (again.code, again.outcome, again.is_repeat) == ("AA", Outcome.RECORDED, True)
            assert again.reference == first.reference
            await complete(settings)
        assert await ward.owner.fetchval("select count(*) from intake.original") == 0
        assert await held(ward, statement.patient_key) == []
        async with database.connect(settings, "operate") as operator:
            (answer,) = await inbox.replay(
                operator, REGION, settings, [first.reference], at=clock.now(), random_key=clock.random_key
            )
        assert isinstance(answer, inbox.ReplayRefused)


async def test_sent_again_under_another_number_it_is_shown_to_nobody_and_taken_out_again(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER, OTHER_LETTER)
        statement = await find_letter(ward, await ward.key_of(JOAN), SECRET)
        (entry,) = await remove(settings, the(statement))
        returned = removal.Returned()
        async with database.connect(settings, "work") as work:
            assert await returned.remove(work) == 0
            await ward.hear(numbered(LETTER, "from-the-archive"))
            await ward.fold()
            assert SECRET not in (await ward.open()).address
            assert SECRET not in (await ward.summary()).words
            assert not (await prove(settings, entry)).holds
            assert await returned.remove(work) == 1
            assert await returned.remove(work) == 0
        assert (await prove(settings, entry)).holds
        assert await ward.owner.fetchval("select count(*) from intake.original") == 1


async def test_an_original_goes_with_all_that_came_of_it_and_not_with_what_others_said(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        admission = wrote("ADT^A01", visit("V1"), "AL1|1|DA|^Penicillin")
        again = wrote("ADT^A08", visit("V1"), at="20261110120000")
        for message in (admission, again):
            await ward.hear(message)
        await ward.fold()
        key = await ward.key_of(JOAN)
        before = await held(ward, key)
        (penicillin,) = [each for each in before if b"Penicillin" in each.body]
        entries_ = await remove(settings, Target(kind="original", original=penicillin.original))
        left = await held(ward, key)
        assert {each.original for each in left} == {each.original for each in before} - {penicillin.original}
        assert "Penicillin" not in (await ward.summary()).words
        assert (await prove(settings, *entries_)).holds


async def test_of_a_message_that_said_more_the_rest_stays_and_its_original_goes(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(BLOODS)
        await ward.fold()
        key = await ward.key_of(JOAN)
        (potassium,) = [each for each in await held(ward, key) if b"7.9" in each.body]
        (entry,) = await withdraw(settings, the(potassium))
        assert entry.counts["left_without_original"] == 2  # sodium, and the report of both
        chart = await ward.open()
        assert "140" in section(await chart.page(), "results").words
        (sodium,) = [each for each in await held(ward, key) if b"140" in each.body and b"7.9" not in each.body]
        place = f"original/{potassium.original}?of={logical_id(sodium.patient_key, sodium.local_id)}"
        for _ in range(2):  # while it is withdrawn, and once it is taken out
            answer = await chart.get(place)
            assert answer.status_code == 404
            assert f"lawfully removed on {entry.withdrawn_at:%d-%b-%Y}" in answer.text
            await complete(settings)
        never = await chart.get(
            f"original/{potassium.original}?of={logical_id(sodium.patient_key, potassium.local_id)}"
        )
        assert "lawfully removed" not in never.text  # nobody learns by it of what is gone
        page = await chart.page()
        assert "140" in section(page, "results").words
        assert "7.9" not in section(page, "results").words
        assert all([(await chart.get(f"entry/{each}")).status_code == 200 for each in entries(page)])
        assert (await prove(settings, entry)).holds


async def test_an_identity_goes_with_its_demographics_and_what_others_say_of_the_person_stays(
    settings: Settings,
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")), LETTER, BLOODS)
        await ward.told(numbered(LETTER, "x").replace(b"PID|1||40012", b"PID|1||") + b"ZZZ|40012\r")
        await ward.fold()
        key = await ward.key_of(JOAN)
        entries_ = await withdraw(settings, Target(kind="source", patient_key=key, source="barts"))
        assert sum(entry.counts["identities"] for entry in entries_) == 2  # with and without its own number
        # The laboratory knows her by the same NHS number and copies less: what it said is all that is shown.
        page = await ward.summary()
        assert "140" in page.words
        assert SECRET not in page.words
        await complete(settings)
        tables = ("identity", "identifier", "member", "judgement", "earlier", "nhs_number", "relationship")
        gone = [identity for entry in entries_ for identity in entry.what.identities]
        for table in tables:
            rows = f"select count(*) from patient_index.{table} where identity_key = any ($1::bigint[])"
            assert await ward.owner.fetchval(rows, gone) == 0, table
        assert (await prove(settings, *entries_)).holds
        assert await ward.owner.fetchval("select count(*) from intake.original where source = 'barts'") == 0


async def test_a_person_of_whom_nothing_is_left_is_found_by_nobody(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER)
        key = await ward.key_of(JOAN)
        chart = await ward.open()
        await remove(settings, Target(kind="source", patient_key=key, source="barts"))
        assert (await chart.get()).status_code == 404
        assert isinstance(await ward.door.summary(looking(key)), Refusal)
        assert await held(ward, key) == []


async def test_a_misfiled_message_is_given_back_and_filed_with_the_right_person(settings: Settings) -> None:
    """Two of the same name, born on the same day: the number was the other one's, and the message is replayed."""
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")), wrote("ADT^A01", visit("V2"), about=OTHER_JOAN))
        wrong = letter("D9", SECRET, about=but(JOAN, nhs_number=""))
        await ward.hear(wrong)
        joan, other = await ward.key_of(JOAN), await ward.key_of(OTHER_JOAN)
        statement = await find_letter(ward, joan, SECRET)
        target = Target(kind="original", original=statement.original)
        entries_ = await withdraw(settings, target, decision=MISFILED, give_back=True)
        assert SECRET not in (await ward.summary()).words
        async with database.connect(settings, "operate") as operator:
            (waiting,) = await inbox.list_unsettled(operator)
        assert (waiting.reference, waiting.outcome) == (statement.original, Outcome.WAITING)
        assert waiting.problems[0].rule == "misfiled"
        await complete(settings)
        assert (await prove(settings, *entries_)).holds
        # The correction: the number is the other's now.
        numbers = "update patient_index.identifier set identity_key = i.identity_key, patient_key = i.patient_key " \
            "from patient_index.identity i where i.patient_key = $1 and identifier.value = '40012'"  # fmt: skip
        await ward.owner.execute(numbers, other)
        async with database.connect(settings, "operate") as operator:
            (answer,) = await inbox.replay(
                operator, REGION, settings, [statement.original], at=clock.now(), random_key=clock.random_key
            )
        assert isinstance(answer, inbox.Replayed)
        assert answer.outcome is Outcome.RECORDED
        assert SECRET in (await ward.summary(OTHER_JOAN)).words
        assert SECRET not in (await ward.summary()).words
        assert (await prove(settings, *entries_)).holds


async def test_a_misfiled_message_takes_back_the_address_that_it_brought(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        elsewhere = but(JOAN, address="9 Wrong Street^^Oxford^^OX1 1AA")
        await ward.hear(wrote("ADT^A01", visit("V1"), at="20261101120000"))
        await ward.hear(wrote("ADT^A08", visit("V1"), about=elsewhere, at="20261102120000"))
        page = await ward.summary()
        assert "9 Wrong Street" in page.words
        day_seq = await ward.owner.fetchrow("select day, seq from intake.original order by seq desc limit 1")
        assert day_seq is not None
        await remove(settings, Target(kind="original", original=OriginalReference(*day_seq)), decision=MISFILED)
        page = await ward.summary()
        assert "9 Wrong Street" not in page.words
        assert "4 Mill Row" in page.words


async def test_it_takes_two_people_and_a_reason(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER)
        statement = await find_letter(ward, await ward.key_of(JOAN), SECRET)
        alone = [
            Decision(authority=Authority.ERASURE, reason="r", asked_by="Ann", agreed_by=" ann "),
            Decision(authority=Authority.ERASURE, reason="r", asked_by="Ann", agreed_by=""),
            Decision(authority=Authority.ERASURE, reason=" ", asked_by="Ann", agreed_by="Bea"),
        ]
        for decision in alone:
            with pytest.raises(RemovalRefused):
                await withdraw(settings, the(statement), decision=decision)
        assert SECRET in (await ward.summary()).words


async def test_each_step_is_witnessed_without_a_word_of_what_went(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER)
        statement = await find_letter(ward, await ward.key_of(JOAN), SECRET)
        await remove(settings, the(statement))
        steps = [
            (event["kind"], event["detail"]["step"], event["patient_key"])
            for event in await ward.events()
            if event["route"] == "removal"
        ]
        key = statement.patient_key
        assert sorted(steps) == sorted(
            [("examined", "looked up", key), ("administered", "withdrawn", key), ("administered", "removed", key)]
        )
        assert "quarrel" not in str(await ward.events())
        async with database.connect(settings, "witness") as db:
            assert (await audit.verify(db)).is_sound
        assert AGREED.agreed_by in str(await ward.events())
