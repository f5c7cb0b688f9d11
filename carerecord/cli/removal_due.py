"""What may no longer be kept, and a source that leaves: everything returned to it, and then destroyed."""

from __future__ import annotations

import argparse
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

from carerecord import audit, clock
from carerecord.cli.commands import Commands, open_database, say
from carerecord.database import Database
from carerecord.organisations import read_region
from carerecord.settings import Settings
from carerecord.stewardship import departure, removal, removal_asked, removal_ledger, retention
from carerecord.stewardship.proposals import Proposal
from carerecord.stewardship.removal_asked import Reach
from carerecord.stewardship.removal_plan import Authority, Decision, RemovalRefused


def add_to(group: Commands) -> None:
    due = group.add("due", list_due, "What may no longer be kept, by the schedule; with --apply withdraw it.")
    due.add_argument("--apply", action="store_true", help="without it nothing is changed")
    due.add_argument("--by", default="", help="who asks")
    due.add_argument(
        "--agreed-by", default="", help="only with CARERECORD_REMOVAL_BY_NAMES; or by the standing Guardian"
    )
    due.add_argument("--agreed", default="", help="reference under which two people agreed to it at the records desk")
    due.add_argument("--json", action="store_true")
    returned = group.add("return", give_back, "Everything that a source sent, as it sent it, into a folder.")
    returned.add_argument("source", help="id of a source in the region's file")
    returned.add_argument("--to", type=Path, required=True, help="a new folder; it will hold patients")
    destroyed = group.add("destroy", destroy, "Withdraw all that a source ever sent; it is taken out within the day.")
    destroyed.add_argument("source", help="id of a source in the region's file")
    destroyed.add_argument("--carry-out", action="store_true", help="without it nothing is changed")
    destroyed.add_argument("--json", action="store_true")
    for command in (returned, destroyed):
        command.add_argument("--agreed", default="", help="reference under which two people agreed to it at the desk")
        command.add_argument("--by", default="", help="who asks; only with CARERECORD_REMOVAL_BY_NAMES")
        command.add_argument("--agreed-by", default="", help="who agrees: somebody else")


async def list_due(chosen: Settings, asked: argparse.Namespace) -> int:
    schedule, region, at = retention.read_schedule(), read_region(chosen.region), clock.now()
    withdrawn = 0
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "remove")
        decision, agreed = await _due_decision(db, chosen, asked, at=at)
        due = await retention.list_due(db, region, schedule, at=at)
        if asked.apply:
            writer = await stack.enter_async_context(audit.Writer.open(db))
            for each in due:
                number = clock.random_key() >> 16
                parts = await removal.look_up(db, writer, each.target, decision, removal=number, at=at)
                ledger = removal_ledger.path_of(chosen)
                await removal.withdraw(db, writer, parts, decision, removal=number, ledger=ledger, at=at)
                withdrawn += 1
            if agreed:
                await removal_asked.note_done(db, agreed, f"{withdrawn} identities were withdrawn.", at=at)
    counted = [
        {"source": source, "rule": rule, "identities": count}
        for (source, rule), count in retention.counted(due).items()
    ]
    lines = [f"{each['source']:24} {each['identities']:>8}  {each['rule']}" for each in counted] or ["Nothing is due."]
    if schedule.review_by < at.date():
        lines.append(f"The schedule was to be reviewed by {schedule.review_by:%d-%b-%Y}: have a Guardian review it.")
    if asked.apply:
        lines.append(f"{withdrawn} identities were withdrawn; they are taken out within the day.")
    said = {"due": counted, "withdrawn": withdrawn, "schedule": schedule.source, "review_by": schedule.review_by}
    say(said, as_json=asked.json, lines=lambda: lines)
    return 0


async def give_back(chosen: Settings, asked: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "remove")
        decision, _ = await _leaving(db, chosen, asked, at=clock.now())
        writer = await stack.enter_async_context(audit.Writer.open(db))
        done = await departure.give_back(
            db, writer, asked.source, asked.to, by=decision.asked_by, agreed_by=decision.agreed_by, at=clock.now()
        )
    print(f"{done.originals} originals as {done.files} files in {asked.to}. It holds patients: keep it as the record.")
    print(f"Manifest: {done.manifest_sha256}")
    return 0


async def destroy(chosen: Settings, asked: argparse.Namespace) -> int:
    number, at = clock.random_key() >> 16, clock.now()
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "remove")
        decision, agreed = await _leaving(db, chosen, asked, at=at)
        writer = await stack.enter_async_context(audit.Writer.open(db))
        parts = await departure.plan_departure(db, writer, asked.source, decision, removal=number, at=at)
        if asked.carry_out:
            ledger = removal_ledger.path_of(chosen)
            await removal.withdraw(db, writer, parts, decision, removal=number, ledger=ledger, at=at)
            if agreed:
                await removal_asked.note_done(db, agreed, f"All that {asked.source} sent was withdrawn.", at=at)
    counts = {
        name: sum(part.counts.get(name, 0) for part in parts) for name in ("identities", "statements", "originals")
    }
    lines = [f"{name:12} {count}" for name, count in counts.items()]
    if asked.carry_out:
        lines.append(
            f"Withdrawn as {number}; `carerecord removal prove {number}` shows within the day that it is gone."
        )
    else:
        lines.append("Nothing was changed. Return it first, then destroy it with --carry-out.")
    say({"removal": number if asked.carry_out else None, **counts}, as_json=asked.json, lines=lambda: lines)
    return 0


async def _due_decision(
    db: Database, chosen: Settings, asked: argparse.Namespace, *, at: datetime
) -> tuple[Decision, Proposal | None]:
    """Two at the desk; one and the Guardian's standing instruction; or two names, where no desk is staffed."""
    if asked.agreed:
        proposal = await _agreed(db, asked.agreed, Reach.DUE, "", at=at)
        return removal_asked.decision_of(proposal), proposal
    standing = f"{chosen.retention_guardian}, standing" if chosen.retention_guardian else ""
    decision = Decision(
        authority=Authority.RETENTION,
        reason="Its time is over.",
        asked_by=removal.typed(asked.by),
        agreed_by=removal.typed(asked.agreed_by) or standing,
    )
    if asked.apply:
        if asked.agreed_by or not standing:
            removal_asked.refuse_names(chosen)
        removal.refuse_unless_two(decision)
    return decision, None


async def _leaving(
    db: Database, chosen: Settings, asked: argparse.Namespace, *, at: datetime
) -> tuple[Decision, Proposal | None]:
    if asked.agreed:
        proposal = await _agreed(db, asked.agreed, Reach.DEPARTURE, asked.source, at=at)
        return removal_asked.decision_of(proposal), proposal
    removal_asked.refuse_names(chosen)
    reason, names = f"The source {asked.source} leaves.", [removal.typed(asked.by), removal.typed(asked.agreed_by)]
    decision = Decision(authority=Authority.SOURCE_LEFT, reason=reason, asked_by=names[0], agreed_by=names[1])
    removal.refuse_unless_two(decision)
    return decision, None


async def _agreed(db: Database, reference: str, reach: Reach, source: str, *, at: datetime) -> Proposal:
    proposal = await removal_asked.read_agreed(db, reference, at=at)
    content = removal_asked.content_of(proposal)
    if content.reach is not reach or content.source != source:
        raise RemovalRefused("Two people agreed to something else under this reference: look at the records desk.")
    return proposal
