"""Who may see what: the matrix, why a decision is made, and who would gain or lose by a change."""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from carerecord import access, audit, clock
from carerecord.cli.commands import Commands, open_database, say
from carerecord.model import EvidenceClass, Purpose
from carerecord.organisations import read_region
from carerecord.settings import Settings
from carerecord.stewardship.in_force import read_policies_at

SHIPPED, IN_FORCE = "shipped", "in-force"
DAYS = 30


def add_to(commands: Commands) -> None:
    policy = commands.group(
        "policy", "Who may see what, role by heading; why; and what a change would do.", alone=matrix
    )
    asked = policy.add("explain", explain, "Say what a kind of reader may do, why, on which basis, and what next.")
    asked.add_argument("--role", required=True, help="a role of policy.toml: clinician, admin, ...")
    asked.add_argument("--evidence", type=EvidenceClass, choices=list(EvidenceClass), required=True, metavar="EVIDENCE",
                       help=f"one of {', '.join(EvidenceClass)}")  # fmt: skip
    asked.add_argument("--route", default="launch", help="launch, sign-in, fhir, print, card")
    asked.add_argument("--purpose", type=Purpose, choices=list(Purpose), metavar="PURPOSE",
                       help="TREAT, or BTG where the evidence is emergency")  # fmt: skip
    asked.add_argument("--assurance", type=int, default=0, choices=range(4), help="of the sign-in; 0: not said")
    asked.add_argument("--activity", action="append", default=[], help="a national activity code, such as B0083")
    asked.add_argument("--declared-on", choices=("launch", "none"), default="launch",
                       help="what a declared reason stands on")  # fmt: skip
    asked.add_argument("--no-agreement", action="store_true", help="the reader's organisation has none")
    asked.add_argument("--policies", default=IN_FORCE, help=_WHICH)
    asked.add_argument(
        "--at", type=_instant, help="as agreed at that instant, such as 2026-11-22T09:12; without it, now"
    )
    asked.add_argument("--json", action="store_true")
    tried = policy.add("what-if", what_if, "Replay real decisions under two policies: who would gain or lose what.")
    tried.add_argument("before", help=_WHICH)
    tried.add_argument("after", help=_WHICH)
    tried.add_argument("--since", type=_day, help=f"a day, such as 2026-10-01; without it, {DAYS} days ago")
    tried.add_argument("--until", type=_day, help="a day; without it, now")
    tried.add_argument("--json", action="store_true")


_WHICH = "shipped, in-force, or a folder whose files stand in place of shipped ones"


def _day(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError("a day is written as 2026-10-01") from wrong


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError("an instant is written as 2026-11-22T09:12") from wrong
    return found if found.tzinfo else found.replace(tzinfo=UTC)


async def _policies(chosen: Settings, name: str, *, at: datetime | None = None) -> access.Policies:
    """`in-force`: the files, and what two people agreed on top, now or as it stood at an instant."""
    if name == SHIPPED:
        return access.SHIPPED
    if name != IN_FORCE:
        return access.read_policies(Path(name))
    base = access.read_in_force(chosen.policy_narrowing)
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "witness")
        return await read_policies_at(db, base, on=at or clock.now(), at=at)


async def matrix(chosen: Settings, asked: argparse.Namespace) -> int:
    policies = await _policies(chosen, IN_FORCE)
    print(access.matrix(policies))
    for due in access.reviews_due(on=clock.now().date(), policies=policies):
        print(f"\n{due}")
    return 0


async def explain(chosen: Settings, asked: argparse.Namespace) -> int:
    policies = await _policies(chosen, asked.policies, at=asked.at)
    emergency = asked.evidence is EvidenceClass.EMERGENCY
    question = access.Question(
        role=asked.role,
        organisation_in_agreement=not asked.no_agreement,
        route=asked.route,
        evidence=asked.evidence,
        behind=EvidenceClass(asked.declared_on) if asked.evidence is EvidenceClass.DECLARED else EvidenceClass.NONE,
        purpose=asked.purpose or (Purpose.BTG if emergency else Purpose.TREAT),
        assurance=asked.assurance,
        may_declare=access.may_declare(policies.activities, asked.activity),
    )
    said = access.explain(access.decide_for(policies, question), question, policies=policies)
    say(said, as_json=asked.json, lines=lambda: _explained(said))
    return 0


def _explained(said: access.Explanation) -> list[str]:
    lines = [said.what, *(f"  {sentence}" for sentence in said.why)]
    lines += ["Evidence", f"  {said.evidence} {said.strength}"]
    if said.policies:
        lines += ["Policies", *(f"  {each.id}: {each.basis}" for each in said.policies)]
    if said.shows:
        lines += ["Shows", *(f"  {each.heading}{_with(each.labels)}" for each in said.shows)]
    lines += [f"  {limit}" for limit in said.limits]
    return [*lines, "What next", f"  {said.what_next}", f"Policy version {said.policy_version}"]


def _with(labels: tuple[str, ...]) -> str:
    return f", with {', '.join(labels)}" if labels else ""


async def what_if(chosen: Settings, asked: argparse.Namespace) -> int:
    before, after = await _policies(chosen, asked.before), await _policies(chosen, asked.after)
    until = asked.until or clock.now()
    since = asked.since or until - timedelta(days=DAYS)
    region = read_region(chosen.region)
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "witness")
        questions = await audit.list_asked(db, since=since, until=until)
    print(f"{len(questions)} kinds of question since {since:%d-%b-%Y}.", file=sys.stderr)

    def progress(done: int) -> None:
        if done % 100 == 0:
            print(f"{done} of {len(questions)} replayed.", file=sys.stderr)

    found = access.compare(
        questions,
        before,
        after,
        in_agreement=lambda organisation: region.find_organisation(organisation) is not None,
        progress=progress,
    )
    say(found, as_json=asked.json, lines=lambda: _compared(found))
    return 0


def _compared(found: access.WhatIf) -> list[str]:
    lines = [
        f"Policy {found.before} against {found.after}: {found.looks} looks of {found.kinds} kinds.",
        f"{found.looks_changed} looks would have been decided otherwise: {found.looks_gaining} show more, "
        f"{found.looks_losing} show less.",
    ]
    if found.unlike_the_audit:
        lines.append(
            f"{found.unlike_the_audit} looks were decided otherwise at the time than the first policy decides: under"
            " earlier rules, or by the person's own objection, which stands before any policy and is no part of this."
        )
    lines += [f"{each.looks:6} looks: {_difference(each)}" for each in found.by_readers]
    if found.on_paper:
        lines += ["On paper, for every role, asked for or not:", *(f"  {_difference(each)}" for each in found.on_paper)]
    return lines if found.by_readers or found.on_paper else [*lines, "Nobody would gain or lose anything."]


def _difference(each: access.Difference) -> str:
    who = f"{each.role} of {each.organisation}" if each.organisation else each.role
    said = [f"{each.before} becomes {each.after}"] if each.before != each.after else []
    said += [f"gains {', '.join(each.headings_gained)}"] if each.headings_gained else []
    said += [f"loses {', '.join(each.headings_lost)}"] if each.headings_lost else []
    said += [f"gains {', '.join(labels)} under {heading}" for heading, labels in each.labels_gained.items()]
    said += [f"loses {', '.join(labels)} under {heading}" for heading, labels in each.labels_lost.items()]
    said += [f"{each.emergency} emergency access"] if each.emergency else []
    return f"{who}, {each.evidence}, {each.route}, {each.purpose}: {'; '.join(said)}"
