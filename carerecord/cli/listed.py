"""People whose record is likely to draw the curious: put on the watch's list and taken off it, with reason and end."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date

from carerecord import audit, clock
from carerecord.cli.commands import Commands, open_database, say
from carerecord.cli.operator import Refused, done, operator, read_person
from carerecord.organisations import read_region
from carerecord.settings import Settings
from carerecord.stewardship.listed import Listed, ListedPeople
from carerecord.stewardship.notices import parse_reference

SESSION = "command line"
ROLE = "privacy-officer"


def add_to(commands: Commands) -> None:
    group = commands.group("listed", "People whose record is likely to draw the curious.")
    added = group.add("add", add, "List a person; NHS number and date of birth are read from standard input.")
    added.add_argument("--until", type=date.fromisoformat, required=True, help="the last day, within a year")
    listed = group.add("list", list_, "Entries by their references. Names nobody.")
    removed = group.add("remove", remove, "Take a person off the list before its end.")
    removed.add_argument("reference", help="as listed")
    for command in (added, removed):
        command.add_argument("--because", required=True, help="why, for whoever asks later; name nobody")
    for command in (added, listed, removed):
        command.add_argument("--by", required=True, help="who does this")
    listed.add_argument("--json", action="store_true")


@asynccontextmanager
async def _people(chosen: Settings) -> AsyncIterator[ListedPeople]:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "steward")
        writer = await stack.enter_async_context(audit.Writer.open(db))
        yield ListedPeople(db, writer, read_region(chosen.region), random_key=clock.random_key)


async def add(chosen: Settings, asked: argparse.Namespace) -> int:
    nhs_number, birth_date = read_person()
    async with _people(chosen) as people:
        entry = done(
            await people.add(
                operator(by=asked.by, role=ROLE),
                nhs_number=nhs_number,
                birth_date=birth_date,
                because=asked.because,
                until=asked.until,
                session=SESSION,
                at=clock.now(),
            )
        )
    print(_line(entry))
    return 0


async def list_(chosen: Settings, asked: argparse.Namespace) -> int:
    async with _people(chosen) as people:
        found = done(await people.list_people(operator(by=asked.by, role=ROLE), session=SESSION, at=clock.now()))
    say(found, as_json=asked.json, lines=lambda: [_line(each) for each in found] or ["Nobody is listed."])
    return 0


async def remove(chosen: Settings, asked: argparse.Namespace) -> int:
    number = parse_reference(asked.reference)
    if number is None:
        raise Refused("Give the reference as it is listed, such as 07F3-1A2B-3C4D-5E6F.")
    async with _people(chosen) as people:
        done(
            await people.remove(
                operator(by=asked.by, role=ROLE), number=number, because=asked.because, session=SESSION, at=clock.now()
            )
        )
    print("Taken off the list.")
    return 0


def _line(entry: Listed) -> str:
    until = f"until {entry.until:%d-%b-%Y}" if entry.until else "without an end"
    return f"{entry.reference} {until} by {entry.added_by}: {entry.because}"
