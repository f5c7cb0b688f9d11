"""Kill-switches, cut and restored by two people; agreements that lapse."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from carerecord import audit, clock
from carerecord.cli.commands import Commands, open_database
from carerecord.cli.operator import done, operator
from carerecord.model import Staff
from carerecord.organisations import read_region
from carerecord.settings import Settings
from carerecord.signin import SwitchKind
from carerecord.signin.switches import list_switches
from carerecord.stewardship import notices
from carerecord.stewardship.proposals import Kind, Proposal, Proposals, Stage

SESSION = "command line"


def add_to(commands: Commands) -> None:
    group = commands.group(
        "switch", "What is cut: an organisation, a way in, a record system, a user. Takes two people."
    )
    group.add("list", list_, "What is cut, what waits for a second person, and agreements that lapse.")
    for action in ("cut", "restore"):
        asked = group.add(action, ask, f"Ask to {action} something; it is done when another person agrees.")
        asked.set_defaults(action=action)
        asked.add_argument("kind", choices=[kind.value for kind in SwitchKind])
        asked.add_argument("name", help="ODS code; launch, sign-in, fhir or push; issuer; user id")
        asked.add_argument("--by", required=True, help="who asks")
        asked.add_argument("--because", required=True)
    agreed = group.add("agree", agree, "Agree, as another person than the one who asked: then it is done.")
    withdrawn = group.add("withdraw", withdraw, "What was asked for is not to be done.")
    for command in (agreed, withdrawn):
        command.add_argument("reference", help="as listed: 07F3-1A2B-3C4D-5E6F")
        command.add_argument("--by", required=True, help="who does this")


@asynccontextmanager
async def _proposals(chosen: Settings) -> AsyncIterator[Proposals]:
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "steward")
        writer = await stack.enter_async_context(audit.Writer.open(db))
        yield Proposals(db, writer, read_region(chosen.region))


def _staff(asked: argparse.Namespace) -> Staff:
    return operator(by=asked.by, role="local-administrator")


async def ask(chosen: Settings, asked: argparse.Namespace) -> int:
    content = {"action": asked.action, "kind": asked.kind, "name": asked.name}
    async with _proposals(chosen) as proposals:
        proposal = done(
            await proposals.ask(
                _staff(asked),
                kind=Kind.SWITCH,
                content=content,
                because=asked.because,
                session=SESSION,
                at=clock.now(),
            )
        )
    reference = notices.reference_of(proposal.id)
    print(f"{reference}: asked. Within a day another person agrees at their desk, or under their own account:")
    print(f"carerecord switch agree {reference} --by …")
    return 0


async def agree(chosen: Settings, asked: argparse.Namespace) -> int:
    async with _proposals(chosen) as proposals:
        number = notices.parse_reference(asked.reference) or 0
        proposal = done(await proposals.agree(_staff(asked), proposal_id=number, session=SESSION, at=clock.now()))
    print(proposal.outcome)
    return 0


async def withdraw(chosen: Settings, asked: argparse.Namespace) -> int:
    async with _proposals(chosen) as proposals:
        number = notices.parse_reference(asked.reference) or 0
        done(await proposals.withdraw(_staff(asked), proposal_id=number, session=SESSION, at=clock.now()))
    print("Withdrawn: nothing is done.")
    return 0


async def list_(chosen: Settings, asked: argparse.Namespace) -> int:
    region, at = read_region(chosen.region), clock.now()
    async with AsyncExitStack() as stack:
        db = await open_database(stack, chosen, "steward")
        cut = await list_switches(db)
        writer = await stack.enter_async_context(audit.Writer.open(db))
        staff = operator(by="", role="local-administrator")
        found = done(await Proposals(db, writer, region).list_proposals(staff, session=SESSION, at=at))
    waiting = [each for each in found if each.kind is Kind.SWITCH and each.stage(at=at) is Stage.ASKED]
    lines = [f"cut      {each.kind} {each.name}, {each.cut_at:%d-%b-%Y %H:%M}, by {each.cut_by}" for each in cut]
    lines += [_waiting(each) for each in waiting]
    for organisation in region.agreements_lapsing(on=at.date()):
        lines.append(f"lapses   {organisation.ods_code} {organisation.called}, {organisation.agreement_until:%d-%b-%Y}")
    print("\n".join(lines) or "Nothing is cut, nothing waits, and no agreement lapses within 30 days.")
    return 0


def _waiting(proposal: Proposal) -> str:
    said = proposal.content
    reference = notices.reference_of(proposal.id)
    return f"waiting  {said['action']} {said['kind']} {said['name']}, asked by {proposal.asked_by_name}: {reference}"
