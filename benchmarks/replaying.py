"""What was seen, made again: a thousand looks after ten thousand messages; and who saw a statement, in a million."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import httpx2
import msgspec

from benchmarks import harness
from benchmarks.harness import Ground
from benchmarks.promise import Benchmark, Promise
from carerecord import assembly, audit, clock, database
from carerecord.audit.chain import Row, first_hash, link
from carerecord.disclosure import Looking, Replays, Target
from carerecord.model import Evidence, EvidenceClass, OriginalReference, Purpose, Staff
from carerecord.record import fold
from carerecord.signin import patient_cookie
from carerecord.stewardship import removal
from carerecord.stewardship.recall import Recalls
from carerecord.stewardship.removal_plan import Authority, Decision
from carerecord.stewardship.removal_plan import Target as RemovalTarget
from carerecord.web import again
from tests.house import as_opened

PEOPLE = 120
LOOKS, LATER, MERGES, REMOVALS = 1_000, 10_000, 20, 20
EVENTS, ABOUT_ONE, STREAM = 1_000_000, 10_000, 900
ROLES = ("clinician", "gp", "pharmacist", "paramedic", "mental-health-clinician", "social-worker", "care-home-nurse")
CLINICIAN = Staff(
    user_id="ouh-4411",
    name="Dr Amara Okafor",
    role_code="S8000:G8000:R8000",
    role="clinician",
    role_name="Consultant",
    organisation="RTH",
    organisation_name="Oxford University Hospitals NHS Foundation Trust",
)
APPOINTMENT = Evidence(
    kind=EvidenceClass.APPOINTMENT,
    id="OUH-APT-1",
    start="2026-11-22T09:00:00+00:00",
    place="Cardiology clinic",
    said_by="RTH",
)
PROGRAM = msgspec.structs.replace(CLINICIAN, user_id="registry", role="program", role_name="program", is_program=True)
_numbers = itertools.count(1)
_KEPT = tuple(name for name in Row._fields if name not in ("staff", "decision"))  # as texts
_COLUMNS = (*_KEPT, "hash")


class Look(NamedTuple):
    stream: int
    seq: int
    what: str
    page: bytes


def measure() -> dict[str, tuple[float, str]]:
    return asyncio.run(_measure())


async def _measure() -> dict[str, tuple[float, str]]:
    chance = random.Random(harness.SEED)
    histories = harness.people()[:PEOPLE]
    before = [history[: len(history) // 2] for history in histories]
    after = [history[len(history) // 2 :] for history in histories]
    async with harness.ground() as on:
        await harness.load(on, before)
        await _twins(on, before)
        looks = await _look(on, chance)
        later = await _later(on, after)
        await _merge(on)
        await _remove(on, looks, chance)
        async with database.connect(on.settings, "work") as work:
            while await fold.fold_some(work, patients_max=500, at=clock.now()):
                pass
        async with (
            database.connect(on.settings, "steward") as db,
            audit.Writer.open(db) as writer,
        ):
            counted, milliseconds = await _replay(on, db, writer, looks)
            seconds, seen = await _recall(on, db, writer, looks)
        sound = await _sound(on)
    kinds = ", ".join(f"{count} {what}" for what, count in sorted(Counter(look.what for look in looks).items()))
    told = f"{counted['identical']:,} identical, {counted['explained']:,} explained by a removal "
    told += f"({counted['rest']:,} of them proven but for what was removed), {counted['unexplained']:,} neither"
    return {
        "replays_identical_or_explained": (
            round((counted["identical"] + counted["explained"]) / len(looks), 4),
            f"{len(looks):,} looks ({kinds}) in {len(ROLES)} roles, after {later:,} messages, {MERGES} merges and "
            f"{REMOVALS} removals: {told}",
        ),
        "replays_unexplained": (counted["unexplained"], f"of {len(looks):,}"),
        "replay_milliseconds": (
            round(milliseconds, 1),
            "processor time of a replay and its witness, this process alone",
        ),
        "recall_seconds_at_a_million_events": (
            round(seconds, 2),
            f"wall clock of the slowest of {len(seen)} messages, lists of up to {max(seen):,} looks; {EVENTS:,} events "
            f"by COPY in a chain ({sound}), {ABOUT_ONE:,} of them about one person",
        ),
    }


async def _look(on: Ground, chance: random.Random) -> list[Look]:
    """Real pages over the real routes, each with the event that witnessed it."""
    async with AsyncExitStack() as stack:
        parts = await assembly.open_parts(stack, on.settings, on.region)
        owner = await stack.enter_async_context(database.connect(on.settings, "owner"))
        browser = await stack.enter_async_context(
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=assembly.application(parts)), base_url=on.settings.public_url
            )
        )
        keys = [
            row["patient_key"] for row in await owner.fetch("select distinct patient_key from patient_index.member")
        ]
        looks: list[Look] = []

        async def take(what: str, page: bytes) -> None:
            row = await owner.fetchrow("select stream, head_seq from audit.stream order by head_seq desc limit 1")
            assert row is not None
            kind = await owner.fetchval(
                "select kind from audit.event where stream = $1 and seq = $2", row["stream"], row["head_seq"]
            )
            if kind == "shown":
                looks.append(Look(row["stream"], row["head_seq"], what, page))

        while len(looks) < LOOKS:
            key, staff = chance.choice(keys), as_role(chance.choice(ROLES))
            session = await parts.sessions.create_patient(
                staff, patient_key=key, evidence=APPOINTMENT, purpose=Purpose.TREAT, route="launch", at=clock.now()
            )
            base, cookies = f"/patient/{session.id}", {patient_cookie(session.id): session.token}
            shown = await browser.get(f"{base}/summary", cookies=cookies)
            await take("summary", shown.content)
            lines = re.findall(r'href="(entry/[^"#?]+)"', shown.text)
            for line in chance.sample(lines, min(2, len(lines))):
                opened = await browser.get(f"{base}/{line}", cookies=cookies)
                await take("line", opened.content)
                await take("line in place", (await browser.get(f"{base}/{line}?in=place", cookies=cookies)).content)
                if found := re.findall(r'original/\d{8}-\d+\?of=[^"]+', opened.text):
                    await take("original", (await browser.get(f"{base}/{found[0]}", cookies=cookies)).content)
                if letters := re.findall(r'href="[^"]*(document/[^"]+)"', opened.text + shown.text):
                    await take("document", (await browser.get(f"{base}/{letters[0]}", cookies=cookies)).content)
            if chance.random() < 0.3:
                bundle = await as_opened(parts.door).everything(_asked(key))
                if isinstance(bundle, bytes):
                    await take("bundle", bundle)
        return looks[:LOOKS]


def as_role(role: str) -> Staff:
    return msgspec.structs.replace(CLINICIAN, role=role, role_name=role.capitalize(), user_id=f"staff-{role}")


def _asked(patient_key: int) -> Looking:
    return Looking(
        staff=PROGRAM,
        patient_key=patient_key,
        evidence=Evidence(kind=EvidenceClass.AGREEMENT),
        purpose=Purpose.TREAT,
        route="fhir",
        session="token-1",
        at=clock.now(),
    )


async def _later(on: Ground, after: Sequence[Sequence[harness.Message]]) -> int:
    """The other half of each history; then all of it once more, as sources do that send everything again."""
    count = await harness.load(on, after)
    flat = [message for history in after for message in history]
    rest = [
        [msgspec.structs.replace(message, content=_renumbered(message.content))]
        for message in itertools.islice(itertools.cycle(flat), max(LATER - count, 0))
    ]
    return count + await harness.load(on, rest)


def _renumbered(content: bytes) -> bytes:
    head, _, rest = content.partition(b"\r")
    fields = head.split(b"|")
    fields[9] = b"again-%d" % next(_numbers)
    return b"|".join(fields) + b"\r" + rest


_PID = re.compile(rb"\rPID\|([^\r]*)")


def _about_twin(content: bytes, number: int) -> bytes:
    """The same message about a second number at the same hospital, without an NHS number."""
    fields = _PID.search(content)[1].split(b"|")  # type: ignore[index]
    own = next(each for each in fields[2].split(b"~") if b"^NHS^" not in each and b"NHS" not in each)
    fields[2] = b"TWIN%d" % number + own[own.index(b"^") :]
    return _PID.sub(lambda _: b"\rPID|" + b"|".join(fields), _renumbered(content))


def _admissions(before: Sequence[Sequence[harness.Message]]) -> list[bytes]:
    found = [next((m.content for m in history if m.kind.startswith("ADT^A0")), None) for history in before]
    return [content for content in found if content and b"~" in _PID.search(content)[1]][:MERGES]  # type: ignore[index]


async def _twins(on: Ground, before: Sequence[Sequence[harness.Message]]) -> None:
    async with harness.receiving(on) as taking:
        for number, content in enumerate(_admissions(before)):
            await taking.receive(_about_twin(content, number), received_at=clock.now())


async def _merge(on: Ground) -> None:
    before = [history[: len(history) // 2] for history in harness.people()[:PEOPLE]]
    async with harness.receiving(on) as taking:
        for number, content in enumerate(_admissions(before)):
            twin = _PID.search(_about_twin(content, number))[1].split(b"|")[2]  # type: ignore[index]
            head, rest = _renumbered(content).split(b"\r", 1)
            fields = head.split(b"|")
            fields[8] = b"ADT^A40"
            pid = next(line for line in rest.split(b"\r") if line.startswith(b"PID"))
            merged = b"\r".join([b"|".join(fields), pid, b"MRG|" + twin, b""])
            receipt = await taking.receive(merged, received_at=clock.now())
            assert receipt.outcome == "recorded", receipt


async def _remove(on: Ground, looks: Sequence[Look], chance: random.Random) -> None:
    decision = Decision(authority=Authority.COURT_ORDER, reason="benchmark", asked_by="one", agreed_by="another")
    ledger = Path(on.folder) / "ledger"
    async with database.connect(on.settings, "owner") as db, audit.Writer.open(db) as writer:
        rows = await db.fetch(
            "select o.day, o.seq from intake.original o join audit.event e on e.patient_key = o.patient_key "
            "where e.kind = 'shown' and o.outcome = 'recorded' group by 1, 2 order by o.seq"
        )
        for row in chance.sample(rows, REMOVALS):
            target = RemovalTarget(kind="original", original=OriginalReference(row["day"], row["seq"]))
            number = next(_numbers)
            parts = await removal.look_up(db, writer, target, decision, removal=number, at=clock.now())
            await removal.withdraw(db, writer, parts, decision, removal=number, ledger=ledger, at=clock.now())
        await removal.complete_open(db, writer, ledger=ledger, drop_folder=None, at=clock.now(), limit=1000)


async def _replay(
    on: Ground, db: database.Database, writer: audit.Writer, looks: Sequence[Look]
) -> tuple[Counter[str], float]:
    replays = Replays(db, writer, on.region)
    counted: Counter[str] = Counter()
    begun = time.process_time()
    for look in looks:
        replay = await replays.replay(
            stream=look.stream, seq=look.seq, by=CLINICIAN, because="benchmark", session="desk", at=clock.now()
        )
        drawn = again.draw(replay)
        if replay.is_identical:
            is_same = drawn is not None and drawn.content == look.page
            counted["identical" if is_same else "unexplained"] += 1
            if not is_same:
                print(f"  not the same: {look.what}, event {look.stream}-{look.seq}", flush=True)
        else:
            counted["explained" if replay.is_explained else "unexplained"] += 1
            counted["rest"] += replay.proof == "rest"
            if not replay.is_explained:
                print(f"  not explained: {look.what}, event {look.stream}-{look.seq}", flush=True)
    return counted, (time.process_time() - begun) / len(looks) * 1000


async def _recall(
    on: Ground, db: database.Database, writer: audit.Writer, looks: Sequence[Look]
) -> tuple[float, list[int]]:
    """The slowest of twenty messages, ten of them about the person whom one in a hundred of all events is about."""
    async with database.connect(on.settings, "owner") as owner:
        await _million(owner, next(look for look in looks if look.what == "summary"))
        rows = await owner.fetch(
            "select o.day, o.seq, count(*) from intake.original o join audit.event e on e.patient_key = o.patient_key "
            "where e.kind = 'shown' and o.outcome = 'recorded' and o.patient_key in "
            "(select patient_key from audit.event where stream <> $1 and kind = 'shown') "
            "group by 1, 2 order by 3 desc, o.seq limit 400",
            STREAM,
        )
    recalls = Recalls(db, writer, on.region, random_key=clock.random_key)
    slowest, seen = 0.0, []
    for row in [*rows[:10], *rows[10::30]][:20]:
        begun = time.perf_counter()
        found = await recalls.recall(
            Target(original=OriginalReference(row["day"], row["seq"])),
            by=CLINICIAN,
            because="benchmark",
            session="desk",
            at=clock.now(),
        )
        slowest = max(slowest, time.perf_counter() - begun)
        seen.append(len(found.saw))
    return slowest, seen


async def _million(owner: database.Database, like: Look) -> None:
    """A stream of its own whose chain holds: looks at nobody we know, and one in a hundred the same look once more."""
    row = await owner.fetchrow("select * from audit.event where stream = $1 and seq = $2", like.stream, like.seq)
    assert row is not None
    shown = Row._make([row[name] for name in Row._fields])
    chance, previous, seq = random.Random(1), first_hash(STREAM), 0
    async with owner.connection() as connection:
        while seq < EVENTS:
            rows = []
            for _ in range(20_000):
                seq += 1
                key = shown.patient_key if seq % (EVENTS // ABOUT_ONE) == 0 else chance.getrandbits(62)
                each = shown._replace(
                    patient_key=key,
                    stream=STREAM,
                    seq=seq,
                    recorded_at=shown.recorded_at,
                    kind="shown" if seq % 2 == 0 else "opened",
                    grounds=None,  # the evidence stands in the row
                )
                previous = link(previous, each)
                rows.append((*(getattr(each, name) for name in _KEPT), previous))
            await connection.copy_records_to_table("entry", schema_name="audit", columns=_COLUMNS, records=rows)
        await connection.execute("insert into audit.stream values ($1, $2, $3)", STREAM, seq, previous)
        await connection.execute(
            "insert into audit.text select t.patient_key, t.digest, $1::int, t.month, t.said from audit.text t "
            "where t.digest = $2 and t.patient_key = 0 on conflict do nothing",
            STREAM, shown.manner,
        )  # fmt: skip
        await connection.execute("analyze audit.entry")
        await connection.execute("analyze audit.text")


async def _sound(on: Ground) -> str:
    async with database.connect(on.settings, "witness") as db:
        report = await audit.verify(db, stream=STREAM)
    return "verified" if report.is_sound else f"{len(report.findings)} findings"


BENCHMARK = Benchmark(
    promises=(
        Promise(
            name="replays_identical_or_explained",
            area="access",
            says=f"Share of {LOOKS:,} past looks that are made again byte for byte, or differ for a lawful reason.",
            at_least=1.0,
        ),
        Promise(
            name="replays_unexplained",
            area="access",
            says="Past looks that are neither made again nor explained, or are said to be the same and are not.",
            at_most=0,
        ),
        Promise(
            name="replay_milliseconds",
            area="access",
            says="Milliseconds of processor time to make one look again and prove it.",
        ),
        Promise(
            name="recall_seconds_at_a_million_events",
            area="access",
            says=f"Seconds until everyone who saw a statement is listed, at {EVENTS:,} events of the audit.",
            at_most=300,
        ),
    ),
    measure=measure,
    is_long=True,
)
