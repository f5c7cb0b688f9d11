"""How well lines are joined, against the truth of invented people: right = the same members and the same status."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import msgspec

from benchmarks.harness import SEED, Ground, ground, receiving
from benchmarks.promise import Benchmark, Promise
from carerecord import audit, clock, database
from carerecord.disclosure import Door, Looking, Refusal, compose
from carerecord.disclosure.sight import Sight
from carerecord.fhir.references import local_id
from carerecord.formats import document
from carerecord.intake import Intake
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff, StoredStatement
from carerecord.organisations import Region
from carerecord.reconciliation import Entry, Mark, Record, every_entry
from carerecord.reconciliation.versions import items, statement_id
from carerecord.web import drawing, present
from carerecord.web.views import Frame
from demo.messages import Message, history
from demo.people import generate, region_truth
from demo.people.nouns import Person
from tests.house import OpenedDoor

HEADINGS = ("problems", "allergies", "medicines")
PEOPLE = 200
Member = tuple[str, ...]
_LINK = re.compile(r'href="entry/([a-z0-9.-]+)"')
READER = Staff(
    user_id="555000999",
    name="Dr Judith Marlowe",
    role_code="S8000:G8000:R8000",
    role="clinician",
    role_name="Clinical Practitioner",
    organisation="R1H",
    organisation_name="Barts Health",
)
EVIDENCE = Evidence(kind=EvidenceClass.ENCOUNTER, id="BENCH-1", place="Ward 1")
PROMISES = (
    Promise(name="identity_wrong_joins", area="region", says="Different people joined into one.", at_most=0),
    Promise(
        name="joining_precision",
        area="region",
        says="Share of the lines of medicines, allergies and problems that are right.",
        at_least=0.97,
    ),
    Promise(name="joining_recall", area="region", says="Share of the true lines that are shown right.", at_least=0.95),
    Promise(name="statements_out_of_reach", area="region", says="Statements that no line leads to.", at_most=0),
    Promise(name="conflicts_not_shown", area="region", says="Disagreements that the page does not show.", at_most=0),
)


class Score(msgspec.Struct):
    """What was compared, and where it went wrong, in words that name what was said and nobody's name."""

    expected: int = 0
    shown: int = 0
    right: int = 0
    statements: int = 0
    out_of_reach: int = 0
    conflicts: int = 0
    conflicts_not_shown: int = 0
    people: int = 0
    identities: int = 0
    wrong_joins: int = 0
    wrong: list[str] = []

    @property
    def precision(self) -> float:
        return self.right / self.shown if self.shown else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.expected if self.expected else 0.0


# --- In by the real doors ---------------------------------------------------------------------------------------------


async def take_in(taking: Intake, region: Region, histories: Iterable[Sequence[Message]]) -> Counter[str]:
    """Every message of every person, each person's in order, in its own language. What became of them, counted."""
    sources = {source.id: source for source in region.sources}
    became: Counter[str] = Counter()

    async def tell(message: Message) -> list[str]:
        at, source = clock.now(), sources[message.source]
        if message.channel == "mllp":
            return [(await taking.receive(message.content, received_at=at)).outcome.value]
        if message.channel == "drop":
            dropped = document.Dropped(f"{message.control_id}.{message.kind}", message.beside, message.content)
            return [" ".join(await taking.drop(dropped, source=source, received_at=at)) or "recorded"]
        how, _, place = message.kind.partition(" ")
        kind, _, own_id = place.partition("/")
        answer = await taking.push(
            message.content, source=source, how=how, resource_type=kind, own_id=own_id, received_at=at
        )
        return [pushed.outcome.value if pushed else "not kept" for pushed in answer.pushes]

    async def tell_all(messages: Sequence[Message]) -> None:
        for message in messages:
            became.update(await tell(message))

    await asyncio.gather(*map(tell_all, histories))
    return became


# --- Compared with the truth ------------------------------------------------------------------------------------------


async def score(people: Sequence[Person], door: Door, owner: database.Database, *, until: date, at: datetime) -> Score:
    told = Score(wrong=[])
    truth = region_truth(people, seed=SEED, until=until)
    keys = await _identities(owner, truth, told)
    for person in truth["people"]:
        for group, key in sorted(keys.get(person["person"], {}).items()):
            hidden = {own_id for row in person["hidden"] for own_id in row.get("own_ids", ())}
            entries = [
                entry
                for entry in person["entries"]
                if entry["group"] == group and not all(member.get("own_id") in hidden for member in entry["members"])
            ]
            sight = await door._look(_looking(key, at=at))
            assert isinstance(sight, Sight)
            record = compose.reconciled(sight, since=None)
            assert record is not None
            _compare(told, person, entries, record, sight.statements)
            _reach(told, record, sight.statements, await _page(door, key, at=at))
            told.people += 1
    return told


async def _identities(owner: database.Database, truth: dict[str, Any], told: Score) -> dict[int, dict[int, int]]:
    """person -> group -> patient_key; and how many people stand under one key that are not one."""
    groups = {
        (identity["source"], identity["value"]): (person["person"], identity["group"], identity["is_theirs"])
        for person in truth["people"]
        for identity in person["identities"]
    }
    rows = await owner.fetch("select source, value, person_key from patient_index.identity")
    told.identities = len(rows)
    under: dict[int, set[tuple[int, int]]] = {}
    keys: dict[int, dict[int, int]] = {}
    for row in rows:
        known = groups.get((row["source"], row["value"]))
        if known is None:
            continue
        person, group, is_theirs = known
        under.setdefault(row["person_key"], set()).add((person, group))
        if is_theirs:
            keys.setdefault(person, {})[group] = row["person_key"]
    told.wrong_joins = sum(len(joined) > 1 for joined in under.values())
    return keys


def _looking(key: int, *, at: datetime) -> Looking:
    return Looking(
        staff=READER, patient_key=key, evidence=EVIDENCE, purpose=Purpose.TREAT, route="launch", session="s", at=at
    )


async def _page(door: Door, key: int, *, at: datetime) -> str:
    shown = await door.summary(_looking(key, at=at))
    assert not isinstance(shown, Refusal)
    frame = Frame(title=shown.title, phone="")
    return drawing.text("pages/summary.html", frame=frame, page=present.summary(shown, at=at))


def _compare(
    told: Score,
    person: dict[str, Any],
    entries: Sequence[dict[str, Any]],
    record: Record,
    statements: Sequence[StoredStatement],
) -> None:
    stated = {
        local_id(fact["source"], fact["resource"], fact["own_id"]): (fact["source"], fact["resource"], fact["own_id"])
        for fact in person["facts"]
        if "own_id" in fact
    }
    codes = {
        (member["source"], member["kind"], member["code"])
        for entry in entries
        for member in entry["members"]
        if "segment" in member
    }
    member_of: dict[str, Member] = {}
    for listed in items(statements).values():
        for item in listed:
            member = stated.get(item.newest.local_id) or _coded(item.newest, codes)
            for statement in (item.newest, *item.older):
                member_of[statement_id(item, statement)] = member
    for heading in HEADINGS:
        true = {
            frozenset(_member(member) for member in entry["members"]): entry
            for entry in entries
            if entry["heading"] == heading
        }
        shown: tuple[Entry, ...] = getattr(record, heading)
        told.expected += len(true)
        told.shown += len(shown)
        found = set()
        for entry in shown:
            members = frozenset(member_of.get(one, ("unknown", one)) for one in entry.statement_ids)
            expected = true.get(members)
            is_right = expected is not None and (expected["status"] == "current") == entry.is_current
            told.right += is_right
            if not is_right:
                told.wrong.append(f"{heading}: shown {entry.what} {_words(members)} {entry.detail}")
            if expected is not None:
                found.add(members)
                if expected["conflict"]:
                    told.conflicts += 1
                    if not entry.conflict and Mark.SOURCES_DIFFER not in entry.marks:
                        told.conflicts_not_shown += 1
                        told.wrong.append(f"{heading}: disagreement not shown: {entry.what} {_words(members)}")
        for members, entry_ in true.items():
            if members not in found:
                told.wrong.append(f"{heading}: missing {entry_['what']} {_words(members)} {entry_['status']}")
                if entry_["conflict"]:
                    told.conflicts += 1
                    told.conflicts_not_shown += 1


def _member(member: dict[str, Any]) -> Member:
    return (member["source"], member["kind"], member["own_id"] if "own_id" in member else member["code"])


def _coded(statement: StoredStatement, codes: set[tuple[str, str, str]]) -> Member:
    """What was said in HL7 v2 is one item for each code that a source used, whatever visit it was said on."""
    body = msgspec.json.decode(statement.body)
    own = [coding.get("code", "") for coding in body.get("code", {}).get("coding", [])]
    for code in own:
        if (statement.source, statement.resource_type, code) in codes:
            return (statement.source, statement.resource_type, code)
    return (statement.source, statement.resource_type, own[0] if own else body.get("code", {}).get("text", ""))


def _words(members: Iterable[Member]) -> str:
    return " + ".join(sorted("/".join(member) for member in members))


def _reach(told: Score, record: Record, statements: Sequence[StoredStatement], page: str) -> None:
    """Each statement stands behind a line, and each line is on the page."""
    on_page = set(_LINK.findall(page))
    reached: set[str] = set()
    for entry in every_entry(record):
        if entry.id in on_page:
            reached.update(entry.statement_ids)
    for listed in items(statements).values():
        for item in listed:
            ids = {statement_id(item, statement) for statement in (item.newest, *item.older)}
            told.statements += len(ids)
            missing = ids - reached
            told.out_of_reach += len(missing)
            if missing:
                told.wrong.append(f"out of reach: {item.newest.resource_type} of {item.newest.source}")


@asynccontextmanager
async def opened(on: Ground) -> AsyncIterator[tuple[Door, database.Database]]:
    async with (
        database.connect(on.settings, "serve") as db,
        database.connect(on.settings, "owner") as owner,
        audit.Writer.open(db) as writer,
    ):
        yield OpenedDoor(db, writer, on.region), owner


async def _measure(people: int) -> Score:
    until = date(2026, 11, 20)
    generated = list(generate(SEED, people, until=until))
    async with ground() as on:
        async with receiving(on) as taking:
            await take_in(taking, on.region, (history(person) for person in generated))
        async with opened(on) as (door, owner):
            return await score(generated, door, owner, until=until, at=clock.now())


def measure() -> dict[str, tuple[float, str]]:
    told = asyncio.run(_measure(PEOPLE))
    of_lines = f"{told.right:,} of {told.shown:,} lines, {told.expected:,} true"
    return {
        "identity_wrong_joins": (told.wrong_joins, f"{told.identities:,} identities of {told.people:,} people"),
        "joining_precision": (round(told.precision, 4), of_lines),
        "joining_recall": (round(told.recall, 4), of_lines),
        "statements_out_of_reach": (told.out_of_reach, f"{told.statements:,} statements"),
        "conflicts_not_shown": (told.conflicts_not_shown, f"{told.conflicts:,} disagreements"),
    }


BENCHMARK = Benchmark(promises=PROMISES, measure=measure)
