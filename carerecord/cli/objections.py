"""Objections to sharing, and the National Data Opt-Out."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from carerecord import audit, clock
from carerecord.cli.commands import Commands, open_database, say
from carerecord.cli.operator import done, operator, read_person
from carerecord.organisations import read_region
from carerecord.settings import Settings
from carerecord.stewardship import notices, opt_out
from carerecord.stewardship.objections import Objection, Objections, Scope, Told

SESSION = "command line"


def add_to(commands: Commands) -> None:
    group = commands.group("objection", "Objections to sharing: they restrict from their receipt until they are ended.")
    received = group.add("receive", receive, "Restrict one person's record; who, is read from standard input.")
    received.add_argument("--scope", choices=[scope.value for scope in Scope], default=Scope.WHOLE.value)
    received.add_argument("--value", default="", help="ODS code, or name of a heading such as RESULTS")
    decided = group.add("decide", decide, "Uphold or overrule one, with the reason.")
    decided.add_argument("reference", help="as listed: 07F3-1A2B-3C4D-5E6F")
    either = decided.add_mutually_exclusive_group(required=True)
    either.add_argument("--upheld", action="store_true")
    either.add_argument("--overruled", action="store_true")
    withdrawn = group.add("withdraw", withdraw, "The person takes it back.")
    withdrawn.add_argument("reference", help="as listed: 07F3-1A2B-3C4D-5E6F")
    listed = group.add("list", list_, "Those that wait for a decision, oldest first. Names nobody.")
    listed.add_argument("--all", action="store_true", help="decided and withdrawn ones too, newest first")
    listed.add_argument("--json", action="store_true")
    for command in (received, decided, withdrawn, listed):
        command.add_argument("--by", required=True, help="who does this")
    for command in (decided, withdrawn):
        command.add_argument("--reason", required=True)
    outs = group.group("opt-out", "The National Data Opt-Out, for research and planning alone.")
    imported = outs.add("import", import_, "Take a list of NHS numbers, one a line, in place of the one before.")
    imported.add_argument("path", type=Path)
    imported.add_argument("--by", required=True, help="who does this")


@asynccontextmanager
async def _desk(chosen: Settings) -> AsyncIterator[Objections]:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "steward")
        writer = await stack.enter_async_context(audit.Writer.open(db))
        yield Objections(db, writer, read_region(chosen.region))


async def receive(chosen: Settings, asked: argparse.Namespace) -> int:
    nhs_number, birth_date = read_person()
    staff, at = operator(by=asked.by, role="records-manager"), clock.now()
    async with _desk(chosen) as desk:
        found = await desk.find_person(staff, nhs_number=nhs_number, birth_date=birth_date, session=SESSION, at=at)
        told = await desk.receive(
            staff, patient_key=done(found), scope=Scope(asked.scope), value=asked.value, session=SESSION, at=at
        )
    _say_told(done(told))
    return 0


async def decide(chosen: Settings, asked: argparse.Namespace) -> int:
    async with _desk(chosen) as desk:
        told = await desk.decide(
            operator(by=asked.by, role="caldicott-guardian"),
            objection_id=notices.parse_reference(asked.reference) or 0,
            is_upheld=asked.upheld,
            reason=asked.reason,
            session=SESSION,
            at=clock.now(),
        )
    _say_told(done(told))
    return 0


async def withdraw(chosen: Settings, asked: argparse.Namespace) -> int:
    async with _desk(chosen) as desk:
        told = await desk.withdraw(
            operator(by=asked.by, role="records-manager"),
            objection_id=notices.parse_reference(asked.reference) or 0,
            reason=asked.reason,
            session=SESSION,
            at=clock.now(),
        )
    _say_told(done(told))
    return 0


def _say_told(told: Told) -> None:
    print(_line(told.objection))
    print(f"Told: {', '.join(told.organisations) or 'nobody anew'}.")


async def list_(chosen: Settings, asked: argparse.Namespace) -> int:
    staff = operator(by=asked.by, role="records-manager")
    async with _desk(chosen) as desk:
        found = done(await desk.list_objections(staff, only_weighed=not asked.all, session=SESSION, at=clock.now()))
    shown = [
        {"reference": each.reference, "scope": each.scope, "value": each.value, "state": each.state,
         "received_at": each.received_at, "decided_at": each.decided_at, "reason": each.reason}
        for each in found
    ]  # fmt: skip
    say(shown, as_json=asked.json, lines=lambda: [_line(each) for each in found] or ["None waits."])
    return 0


def _line(objection: Objection) -> str:
    scope = f"{objection.scope} {objection.value}".strip()
    return f"{objection.reference}  {objection.state:10} {scope:24} received {objection.received_at:%d-%b-%Y %H:%M}"


async def import_(chosen: Settings, asked: argparse.Namespace) -> int:
    staff = operator(by=asked.by, role="records-manager")
    async with AsyncExitStack() as stack:
        lines = stack.enter_context(asked.path.open(encoding="utf-8"))
        db = await open_database(stack, chosen, "steward")
        writer = await stack.enter_async_context(audit.Writer.open(db))
        key = clock.random_token().encode()
        held = await opt_out.import_list(db, writer, lines, hash_key=key, by=staff, at=clock.now())
    print(f"{held.numbers} numbers have opted out. The list is good for {opt_out.LIST_DAYS_MAX} days.")
    return 0
