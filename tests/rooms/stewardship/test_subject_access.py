"""Subject access: what must be decided, what is taken out everywhere, and the file that is handed over."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from carerecord import audit, clock, database
from carerecord.disclosure import Refusal
from carerecord.fhir.validate import validate
from carerecord.model import Heading, OriginalReference, Purpose, Staff, Standing, StoredStatement
from carerecord.record import dictionary
from carerecord.sensitivity import Label
from carerecord.settings import Settings
from carerecord.stewardship.opt_out import may_export
from carerecord.stewardship.subject_access import Choice, Ground, Item, Request, SubjectAccess, Undecided
from carerecord.stewardship.subject_access.due_rules import month_later
from carerecord.stewardship.subject_access.redact import redacted
from carerecord.stewardship.subject_access.rules import items
from tests.house import BIRTH_DATE, NHS_NUMBER, REGION, House, open_house

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MANAGER = Staff(
    user_id="555-9", name="Rec Ords", role_code="S8000:G8000:R9913", role="records-manager",
    role_name="Records Manager", organisation="R1H", organisation_name="Barts Health",
)  # fmt: skip
SECRET = "Her daughter told us that Mr Quillfeather drinks."
HOW: dict[str, Any] = {"session": "desk-1"}


def statement(
    body: dict[str, Any], *, heading: Heading = Heading.LETTERS, number: int = 1, **more: Any
) -> StoredStatement:
    given: dict[str, Any] = {
        "local_id": f"{number:026}".replace("0", "a").replace("1", "b"), "version": "aaaaaaaaaaaaa",
        "resource_type": body["resourceType"], "heading": heading, "standing": Standing.CURRENT, "happened_at": AT,
        "said_at": AT, "received_at": AT, "source": "barts", "patient_key": 7, "identity_key": 8, "sensitivity": 0,
        "code_hash": 0, "original": OriginalReference(date(2026, 11, 22), number),
        "body": msgspec.json.encode(body), **more,
    }  # fmt: skip
    return StoredStatement(**given)


def letter(text: str, kind: str = "text/plain") -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference", "status": "current", "type": {"text": "Clinic letter"},
        "content": [{"attachment": {"contentType": kind, "data": data, "title": "Letter"}}],
    }  # fmt: skip


def found(one: StoredStatement) -> Item | None:
    listed = items([one], own=(NHS_NUMBER, "020 7946 0001"), names={})
    return listed[0] if listed else None


def test_a_plain_result_needs_nobody_to_decide() -> None:
    body = {"resourceType": "Observation", "status": "final", "code": {"text": "Potassium"}, "valueString": "4.1"}
    assert found(statement(body, heading=Heading.RESULTS)) is None


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        (f"Seen in clinic. {SECRET} Review in March.", Ground.THIRD_PARTY),
        ("The neighbour phoned and was worried.", Ground.THIRD_PARTY),
        ("Information given in confidence by the school.", Ground.THIRD_PARTY),
        ("Risk to staff: do not visit alone.", Ground.STAFF_SAFETY),
    ],
)  # fmt: skip
def test_words_of_and_about_others_are_found_in_the_text_of_a_letter(text: str, ground: Ground) -> None:
    item = found(statement(letter(text)))
    assert item is not None
    assert item.ground is ground
    assert item.spans
    assert all(span in " ".join(text.split()) for span in item.spans)


def test_a_letter_that_only_names_the_persons_family_history_is_not_held_up() -> None:
    assert found(statement(letter("Her mother had breast cancer at 61. Chest clear."))) is None


@pytest.mark.parametrize(
    ("label", "ground"),
    [
        (Label.THIRD_PARTY, Ground.THIRD_PARTY), (Label.ADOPTION, Ground.ADOPTION),
        (Label.SAFEGUARDING, Ground.SAFEGUARDING),
    ],
)  # fmt: skip
def test_a_label_asks_for_a_decision(label: Label, ground: Ground) -> None:
    item = found(statement(letter("Nothing else."), sensitivity=int(label)))
    assert item is not None
    assert item.ground is ground


def test_a_file_that_no_program_reads_is_read_by_somebody() -> None:
    item = found(statement(letter("%PDF-1.7", "application/pdf")))
    assert item is not None
    assert item.ground is Ground.UNREADABLE


@pytest.mark.parametrize(
    "said",
    [
        SECRET,
        SECRET.replace(" ", "\n "),
        SECRET.upper(),
        SECRET.replace("told", "<b>told</b>").replace(" <b>", " <b>"),
    ],
)
def test_words_are_taken_out_however_they_are_written(said: str) -> None:
    kind = "text/html" if "<" in said else "text/plain"
    body = letter(f"Before. {said} After.", kind) | {"text": {"status": "generated", "div": f"<div>{said}</div>"}}
    cleaned = json.loads(redacted(msgspec.json.encode(body), [SECRET]))
    text = base64.b64decode(cleaned["content"][0]["attachment"]["data"]).decode()
    assert "quillfeather" not in (text + cleaned["text"]["div"]).casefold()
    assert "Before." in text
    assert "After." in text


def test_numbers_leave_as_precise_as_they_were_said() -> None:
    body = b'{"resourceType":"Observation","valueQuantity":{"value":5.00},"note":[{"text":"Mr Quillfeather rang"}]}'
    assert b'"value":5.00' in redacted(body, ["Mr Quillfeather"])
    assert redacted(body, ["nobody"]) is body


def test_a_file_in_which_words_cannot_be_replaced_goes_whole_and_says_so() -> None:
    body = letter("%PDF-1.7 Mr Quillfeather", "application/pdf")
    cleaned = json.loads(redacted(msgspec.json.encode(body), ["Mr Quillfeather"]))
    attachment = cleaned["content"][0]["attachment"]
    assert attachment["contentType"] == "text/plain"
    assert b"cannot be handed over" in base64.b64decode(attachment["data"])


@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-01-31", "2026-02-28"), ("2026-12-15", "2027-01-15"), ("2028-01-30", "2028-02-29"),
        ("2026-11-22", "2026-12-22"),
    ],
)  # fmt: skip
def test_a_month_is_counted_as_the_commissioner_counts_it(day: str, due: str) -> None:
    assert month_later(date.fromisoformat(day)) == date.fromisoformat(due)


def test_the_national_opt_out_does_not_hold_up_what_a_person_asks_for_themselves() -> None:
    assert may_export(Purpose.PATRQT, opted_out=True)


# --- The door ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def desk(settings: Settings) -> AsyncIterator[tuple[House, SubjectAccess, Request]]:
    async with (
        open_house(settings) as house,
        database.connect(settings, "steward") as db,
        audit.Writer.open(db) as writer,
    ):
        joan = await house.joan()
        await dictionary.load(db)
        letters = [
            statement(letter(f"Seen in clinic. {SECRET} Review in March."), patient_key=joan),
            statement(letter("All is well with the knee."), number=11, patient_key=joan),
            statement(
                {
                    "resourceType": "Observation", "status": "final", "code": {"text": "Note"},
                    "valueString": f"x {SECRET}",
                },
                heading=Heading.OBSERVATIONS, number=111, patient_key=joan,
            ),
        ]  # fmt: skip
        await house.remember(joan, letters)
        access = SubjectAccess(db, writer, REGION, random_key=clock.random_key)
        opened = await access.open(
            MANAGER, nhs_number=NHS_NUMBER, birth_date=BIRTH_DATE, requester="the person",
            identity_check="passport seen at the desk", at=clock.now(), **HOW,
        )  # fmt: skip
        assert isinstance(opened, Request), opened
        yield house, access, opened


async def decide_all(access: SubjectAccess, request: Request) -> None:
    worklist = await access.worklist(MANAGER, request.id, at=clock.now(), **HOW)
    assert not isinstance(worklist, Refusal)
    assert {item.ground for item in worklist.items} == {Ground.THIRD_PARTY}
    first, *others = worklist.items
    await access.decide(
        MANAGER, request.id, item=first.id, choice=Choice.REDACT, ground=Ground.THIRD_PARTY,
        words="said by the daughter", spans=[SECRET], at=clock.now(), **HOW,
    )  # fmt: skip
    for item in others:
        await access.decide(
            MANAGER, request.id, item=item.id, choice=Choice.KEEP, ground=Ground.NONE, words="", at=clock.now(), **HOW
        )


async def test_nothing_is_handed_over_while_an_item_waits(settings: Settings) -> None:
    async with desk(settings) as (_, access, request):
        with pytest.raises(Undecided, match="items wait"):
            await access.export(MANAGER, request.id, at=clock.now(), **HOW)


async def test_what_was_taken_out_stands_in_no_part_of_the_file(settings: Settings) -> None:
    async with desk(settings) as (house, access, request):
        await decide_all(access, request)
        made = await access.export(MANAGER, request.id, at=clock.now(), **HOW)
        assert not isinstance(made, Refusal)
        parts = unpacked(made.content)
        assert set(parts) == {
            "record.pdf", "record.json", "record.fhir.json", "looks.json", "README.txt", "manifest.json",
        }  # fmt: skip
        everything = b"\n".join(spread(content) for content in parts.values()).lower()
        assert b"quillfeather" not in everything
        assert b"the knee" in everything
        assert json.loads(parts["manifest.json"])["kept_back"] == {"third-party": 1, "the same words elsewhere": 1}
        bundle = json.loads(parts["record.fhir.json"])
        assert [entry["resource"]["resourceType"] for entry in bundle["entry"]].count("DocumentReference") == 2
        assert not [issue for issue in validate(parts["record.fhir.json"]) if issue.severity == "error"]
        events = [event for event in await house.events() if event["kind"] == "exported"]
        assert [event["detail"]["hash"] for event in events] == [made.hash]


async def test_a_role_of_another_desk_and_of_none_is_refused(settings: Settings) -> None:
    async with desk(settings) as (_, access, request):
        for role in ("clinician", "safety-officer", "admin"):
            somebody = msgspec.structs.replace(MANAGER, role=role)
            assert isinstance(await access.worklist(somebody, request.id, at=clock.now(), **HOW), Refusal)
            assert isinstance(await access.export(somebody, request.id, at=clock.now(), **HOW), Refusal)


async def test_to_keep_something_back_takes_a_ground_and_a_reason(settings: Settings) -> None:
    async with desk(settings) as (_, access, request):
        bare: dict[str, Any] = {"item": "x.y", "choice": Choice.WITHHOLD, "at": clock.now(), **HOW}
        assert isinstance(
            await access.decide(MANAGER, request.id, ground=Ground.NONE, words="because so", **bare), Refusal
        )
        assert isinstance(await access.decide(MANAGER, request.id, ground=Ground.ADOPTION, words="", **bare), Refusal)


async def test_reading_the_worklist_is_witnessed_as_a_look_at_the_record(settings: Settings) -> None:
    async with desk(settings) as (house, access, request):
        await access.worklist(MANAGER, request.id, at=clock.now(), **HOW)
        kinds = [event["kind"] for event in await house.events() if event["patient_key"] == request.patient_key]
        assert "examined" in kinds


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def spread(content: bytes) -> bytes:
    """The bytes, and what is compressed or encoded inside them."""
    inside = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            inside.append(zlib.decompress(stream))
        except zlib.error:
            inside.append(stream)
    inside += [base64.b64decode(data) for data in re.findall(rb'"data": ?"([A-Za-z0-9+/=]+)"', content)]
    return b"\n".join(inside)
