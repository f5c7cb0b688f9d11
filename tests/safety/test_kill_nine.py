"""`kill -9` of any process while 10,000 messages come in and people look: nothing acknowledged is lost, nothing is
doubled, and nothing is shown without its events: to a reader, in an emergency, at a desk, to a program."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import aiohttp

from carerecord import database
from carerecord.formats import hl7v2
from carerecord.model import Original
from carerecord.organisations import read_region
from carerecord.record import chunk, dictionary
from demo.messages import Message, history
from demo.people import Person, generate
from tests.safety.kill_nine_readers import Readers, Seen, counted, unwitnessed
from tests.system import Sender, System, answer_code, open_record

MESSAGES = 10_000
KILLS = 24
CONNECTIONS = 16
VICTIMS = ("listen", "work", "serve", "postgres", "listen", "serve", "postgres", "run")  # "run" takes all down with it


SENDERS = {"barts", "nel-pathology"}  # those registered in this system's region


def the_load() -> tuple[list[Person], list[Message]]:
    """People and what is said of them, until there are enough messages."""
    people: list[Person] = []
    messages: list[Message] = []
    for person in generate(seed=9, n=2_000):
        people.append(person)
        messages += [message for message in history(person, channel="mllp") if message.source in SENDERS]
        if len(messages) >= MESSAGES:
            return people, messages[:MESSAGES]
    raise AssertionError("the generator gave too few messages")


async def send_all(system: System, messages: list[Message], answers: dict[str, str]) -> None:
    """Each person's messages over one connection and in order, as a sending system does."""
    lanes: list[list[Message]] = [[] for _ in range(CONNECTIONS)]
    for message in messages:
        lanes[message.about % CONNECTIONS].append(message)

    async def send_lane(lane: list[Message]) -> None:
        sender = Sender(system.mllp_port)
        for message in lane:
            answers[f"{message.source} {message.control_id}"] = answer_code(
                await sender.send(message.content, seconds=90)
            )
        await sender.close()

    await asyncio.gather(*(send_lane(lane) for lane in lanes))


async def look_again_and_again(system: System, people: list[Person], seen: Counter[str], done: asyncio.Event) -> None:
    """A clinician opens one record after another; `seen` counts the whole pages by session."""
    numbered = itertools.cycle([person for person in people if person.nhs_number])
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        while not done.is_set():
            person = next(numbered)
            token = system.launch_token(nhs_number=str(person.nhs_number), birth_date=person.now.birth_date.isoformat())
            try:
                status, page, session = await open_record(system, client, token)
                if status == 200 and session and "</html>" in page:
                    seen[session] += 1
            except (aiohttp.ClientError, OSError, TimeoutError):
                await asyncio.sleep(0.05)


async def kill_at_random(system: System, chance: random.Random, answers: dict[str, str], kills: Counter[str]) -> None:
    """Each victim in turn, at random moments spread over the load."""
    for number, victim in zip(range(KILLS), itertools.cycle(VICTIMS), strict=False):
        due = (number + chance.random()) * MESSAGES * 0.9 / KILLS
        while len(answers) < due:
            await asyncio.sleep(0.005)
        while not system.kill(victim):  # It may just be starting again after its last end.
            await asyncio.sleep(0.02)
        kills[victim] += 1
        if victim == "run":  # Nobody is left to start it again: that is the service manager's part.
            assert system.process
            system.process.wait()
            await asyncio.to_thread(system.start)


async def load_look_and_kill(
    system: System, people: list[Person], messages: list[Message]
) -> tuple[dict[str, str], Counter[str], Counter[str], Seen]:
    answers: dict[str, str] = {}
    seen: Counter[str] = Counter()
    kills: Counter[str] = Counter()
    done = asyncio.Event()
    others = Readers(system, done)
    readers = [asyncio.create_task(look_again_and_again(system, people, seen, done)) for _ in range(2)]
    readers.append(asyncio.create_task(others.look()))
    killer = asyncio.create_task(kill_at_random(system, random.Random(24), answers, kills))
    await send_all(system, messages, answers)
    await killer
    await asyncio.sleep(3)
    done.set()
    await asyncio.gather(*readers)
    return answers, seen, kills, others.seen


async def kept_originals(system: System) -> list[tuple[str, str, int]]:
    """(source and control id, outcome, number) of every original."""
    async with database.connect(system.settings, "operate") as db:
        rows = await db.fetch("select source, control_id, outcome, seq from intake.original")
    return [(f"{row['source']} {row['control_id']}", row["outcome"], row["seq"]) for row in rows]


async def recorded_originals(system: System) -> Counter[int]:
    """How many statements of each original the record holds, in the log and in the chunks together."""
    held: Counter[int] = Counter()
    async with database.connect(system.settings, "owner") as db:
        await dictionary.load(db)
        # One snapshot: the folding process is at work, and what it moves between two readings would be counted twice.
        async with db.connection() as connection, connection.transaction(isolation="repeatable_read"):
            log = await connection.fetch("select original_seq, statement_count from record.log")
            chunks = await connection.fetch("select patient_key, header, body from record.chunk")
    for row in log:
        held[row["original_seq"]] += row["statement_count"]
    for row in chunks:
        for statement in chunk.unpack_folded(row["header"], row["body"], patient_key=row["patient_key"]):
            held[statement.original.seq] += 1
    return held


async def events_by_session(system: System) -> dict[str, Counter[str]]:
    async with database.connect(system.settings, "witness") as db:
        rows = await db.fetch("select session, kind, count(*) as n from audit.event group by session, kind")
    found: dict[str, Counter[str]] = {}
    for row in rows:
        found.setdefault(row["session"], Counter())[row["kind"]] += row["n"]
    return found


def repeated(values: Iterator[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def test_nothing_acknowledged_is_lost_doubled_or_shown_unwitnessed() -> None:
    people, messages = the_load()
    with System() as system:
        answers, seen, kills, others = asyncio.run(load_look_and_kill(system, people, messages))
        originals = asyncio.run(kept_originals(system))
        held = asyncio.run(recorded_originals(system))
        events = asyncio.run(events_by_session(system))
        found = asyncio.run(unwitnessed(system, others, events))

    assert sum(kills.values()) >= 20, kills
    assert len(answers) == len({f"{message.source} {message.control_id}" for message in messages})
    kept = {key for key, _, _ in originals}
    assert [key for key in answers if key not in kept] == [], "acknowledged and lost"
    assert repeated(key for key, _, _ in originals) == [], "kept twice"
    recorded = [key for key, code in answers.items() if code == "AA"]
    outcomes = {key: outcome for key, outcome, _ in originals}
    assert [key for key in recorded if outcomes[key] != "recorded"] == [], "acknowledged AA and not recorded"
    assert len(recorded) > 0.8 * len(messages), "the load holds some types that are not translated yet"

    # What each original gave to the record is what the same bytes give when nothing is killed: once, and whole.
    expected = statements_expected(system, messages)
    numbers = {key: seq for key, _, seq in originals}
    wrong = {key: (held[numbers[key]], expected[key]) for key in recorded if held[numbers[key]] != expected[key]}
    assert wrong == {}, "lost or doubled statements"

    assert sum(seen.values()) > 50, "too few pages were seen for the test to say anything"
    without_events = {
        session: pages
        for session, pages in seen.items()
        if min(events.get(session, Counter())["opened"], events.get(session, Counter())["shown"]) < pages
    }
    assert without_events == {}
    assert min(counted(others).values()) > 5, f"too little was seen for the test to say anything: {counted(others)}"
    assert found == {}, "shown in an emergency, at a desk or to a program without its events"


def statements_expected(system: System, messages: list[Message]) -> dict[str, int]:
    sources = {source.id: source for source in read_region(system.settings.region).sources}
    at = datetime(2026, 11, 22, tzinfo=UTC)
    counts = {}
    for message in messages:
        original = Original(
            source=message.source, content=message.content, received_at=at, control_id=message.control_id
        )
        reading = hl7v2.translate(original, source=sources[message.source])
        counts[f"{message.source} {message.control_id}"] = len(reading.statements)
    return counts
