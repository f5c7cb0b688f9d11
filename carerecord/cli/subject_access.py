"""What is held about a person, for the person: requests, what must be decided, and the file that is handed over."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from carerecord import audit, clock
from carerecord.cli.commands import Commands, open_database, say
from carerecord.cli.operator import done, operator, read_person
from carerecord.organisations import read_region
from carerecord.record import dictionary
from carerecord.settings import Settings
from carerecord.stewardship.subject_access import Choice, Ground, Request, SubjectAccess, Undecided, Worklist

SESSION = "command line"
ROLE = "records-manager"


def add_to(commands: Commands) -> None:
    group = commands.group("subject-access", "What is held about a person, for the person (UK GDPR Article 15).")
    opened = group.add("open", open_, "Open a request; NHS number and date of birth are read from standard input.")
    opened.add_argument("--requester", required=True, help="in which standing they ask: the person, a solicitor")
    opened.add_argument("--identity-check", default="", help="what was seen of who asks; without it the clock stands")
    identified = group.add("identify", identify, "Say what was seen of who asks: the month begins.")
    identified.add_argument("--identity-check", required=True, help="what was seen: a passport, a driving licence")
    extended = group.add("extend", extend, "Take two further months, once, and within the first.")
    extended.add_argument("--because", required=True, help="why; the person is told")
    listed = group.add("list", list_, "Requests, the one due first in front. Names nobody.")
    listed.add_argument("--all", action="store_true", help="answered ones too")
    worked = group.add("worklist", worklist, "What must be decided before anything is handed over.")
    decided = group.add("decide", decide, "Keep, redact or withhold one item.")
    decided.add_argument("--item", required=True, help="as the worklist names it")
    decided.add_argument("--choice", required=True, choices=[choice.value for choice in Choice])
    decided.add_argument("--ground", default=Ground.NONE.value, choices=[ground.value for ground in Ground])
    decided.add_argument("--words", default="", help="why, for whoever asks later")
    decided.add_argument("--advised-by", default="", help="the health professional who advised; serious harm takes one")
    decided.add_argument("--span", action="append", default=[], help="words that are taken out; may be said again")
    exported = group.add("export", export, "Write the file, once nothing waits to be decided.")
    exported.add_argument("--to", type=Path, required=True, help="a new ZIP file")
    closed = group.add("close", close, "Say that a request is answered.")
    for command in (worked, decided, exported, closed, identified, extended):
        command.add_argument("request", type=int, help="its number, as listed")
    for command in (opened, listed, worked, decided, exported, closed, identified, extended):
        command.add_argument("--by", required=True, help="who does this")
    for command in (opened, listed, worked):
        command.add_argument("--json", action="store_true")


@asynccontextmanager
async def _desk(chosen: Settings) -> AsyncIterator[SubjectAccess]:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "steward")
        await dictionary.load(db)
        writer = await stack.enter_async_context(audit.Writer.open(db))
        yield SubjectAccess(db, writer, read_region(chosen.region), random_key=clock.random_key)


async def open_(chosen: Settings, asked: argparse.Namespace) -> int:
    nhs_number, birth_date = read_person()
    async with _desk(chosen) as desk:
        answer = await desk.open(
            operator(by=asked.by, role=ROLE),
            nhs_number=nhs_number,
            birth_date=birth_date,
            requester=asked.requester,
            identity_check=asked.identity_check,
            session=SESSION,
            at=clock.now(),
        )
    request = done(answer)
    say(request, as_json=asked.json, lines=lambda: [_line(request)])
    return 0


async def identify(chosen: Settings, asked: argparse.Namespace) -> int:
    async with _desk(chosen) as desk:
        answer = await desk.identify(
            operator(by=asked.by, role=ROLE),
            asked.request,
            identity_check=asked.identity_check,
            session=SESSION,
            at=clock.now(),
        )
    print(_line(done(answer)))
    return 0


async def extend(chosen: Settings, asked: argparse.Namespace) -> int:
    async with _desk(chosen) as desk:
        answer = await desk.extend(
            operator(by=asked.by, role=ROLE), asked.request, because=asked.because, session=SESSION, at=clock.now()
        )
    print(_line(done(answer)))
    return 0


async def list_(chosen: Settings, asked: argparse.Namespace) -> int:
    async with _desk(chosen) as desk:
        requests = done(await desk.list(operator(by=asked.by, role=ROLE), every=asked.all))
    say(requests, as_json=asked.json, lines=lambda: [_line(each) for each in requests] or ["No request is open."])
    return 0


async def worklist(chosen: Settings, asked: argparse.Namespace) -> int:
    async with _desk(chosen) as desk:
        answer = await desk.worklist(operator(by=asked.by, role=ROLE), asked.request, session=SESSION, at=clock.now())
    found = done(answer)
    say(found, as_json=asked.json, lines=lambda: _lines(found))
    return 0


async def decide(chosen: Settings, asked: argparse.Namespace) -> int:
    async with _desk(chosen) as desk:
        answer = await desk.decide(
            operator(by=asked.by, role=ROLE),
            asked.request,
            item=asked.item,
            choice=Choice(asked.choice),
            ground=Ground(asked.ground),
            words=asked.words,
            spans=asked.span,
            advised_by=asked.advised_by,
            session=SESSION,
            at=clock.now(),
        )
    print(f"{asked.item}: {done(answer).choice.value}")
    return 0


async def export(chosen: Settings, asked: argparse.Namespace) -> int:
    if asked.to.exists():
        print(f"{asked.to} is there already: name a new file.", file=sys.stderr)
        return 2
    try:
        async with _desk(chosen) as desk:
            answer = await desk.export(operator(by=asked.by, role=ROLE), asked.request, session=SESSION, at=clock.now())
    except Undecided as undecided:
        print(undecided, file=sys.stderr)
        return 1
    made = done(answer)
    asked.to.touch(mode=0o600)
    asked.to.write_bytes(made.content)
    print(f"Written to {asked.to}: SHA-256 {made.hash}. It holds a person's whole record: give it to nobody else.")
    if not made.has_paper:
        print("No PDF is in it: install the extra `pdf` and export again, if paper is wanted.", file=sys.stderr)
    return 0


async def close(chosen: Settings, asked: argparse.Namespace) -> int:
    async with _desk(chosen) as desk:
        is_closed = done(
            await desk.close(operator(by=asked.by, role=ROLE), asked.request, session=SESSION, at=clock.now())
        )
    print("Closed." if is_closed else "It was closed before.")
    return 0


def _line(request: Request) -> str:
    state = "closed" if request.closed_at else "exported" if request.exported_at else "open"
    if request.identified_at is None and request.closed_at is None:
        return f"{request.id:20} proof of who asks is awaited, the clock stands; asked by {request.requester}"
    return f"{request.id:20} due {request.due_on:%d-%b-%Y} {state:9} asked by {request.requester}"


def _lines(found: Worklist) -> list[str]:
    head = f"{found.statements} statements are held; {len(found.undecided)} of {len(found.items)} items wait."
    lines = [head]
    for item in found.items:
        decision = found.decided.get(item.id)
        lines.append(f"{item.id} {decision.choice.value if decision else 'WAITS':8} {item.heading} {item.title}")
        lines += [f"    {sentence}" for sentence in item.why]
        lines += [f"    > {span}" for span in item.spans]
    return lines
