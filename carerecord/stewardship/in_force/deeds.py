"""What is done in the commit that agrees: a route through a legal bar, a narrowing, a role. Keys stand in `key_deeds`.

Each proposal is held to the rules that read the files, when it is asked for and again when it is agreed to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from carerecord import access, organisations
from carerecord.organisations import Region
from carerecord.stewardship.in_force import store
from carerecord.stewardship.in_force.rules import LEGAL_BAR, POLICY, ROLE, RouteWords
from carerecord.stewardship.notices import reference_of
from carerecord.stewardship.proposals import Act, DoesNotFit, Proposal, converted

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

NO_STAFF_ROLES = ("program",)


class RouteContent(RouteWords, frozen=True, kw_only=True, forbid_unknown_fields=True):
    bar: str


class HideContent(access.Hidden, frozen=True, kw_only=True, forbid_unknown_fields=True):
    do: Literal["hide"] = "hide"


class LiftContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    do: Literal["lift"]
    reference: str  # of the proposal that hid it


class RoleContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str  # as the national provider says it: "S8000:G8000:R8000"
    role: str  # one of ours; "": this code opens nothing any more


# --- Routes through legal bars ----------------------------------------------------------------------------------------


def _route(content: Mapping[str, Any]) -> access.Route:
    said: RouteContent = converted(
        content, RouteContent, "Say which bar, for which roles and for what, on which exception and advice, until when."
    )
    return access.Route(**msgspec.structs.asdict(said))


def check_route(content: Mapping[str, Any], region: Region, at: datetime) -> None:
    held = access.in_force()
    route = _route(content)
    try:
        access.check_route(route, held.bars, held.matrix, on=at.date())
        _try(content, LEGAL_BAR, at)
    except access.PolicyDoesNotFit as wrong:
        raise DoesNotFit(str(wrong)) from wrong


async def open_route(connection: Connection, proposal: Proposal) -> str:
    route = _route(proposal.content)
    words = {name: getattr(route, name) for name in RouteWords.__struct_fields__}
    await store.put_in_force(connection, proposal=proposal.id, kind=LEGAL_BAR, name=route.bar, content=words)
    return (
        f"The route through {route.bar} is open to {', '.join(route.roles)} for {', '.join(route.purposes)}, "
        f"until {route.until:%d-%b-%Y}."
    )


# --- Narrowing --------------------------------------------------------------------------------------------------------


def check_narrowing(content: Mapping[str, Any], region: Region, at: datetime) -> None:
    held = access.in_force()
    if content.get("do") == "lift":
        said: LiftContent = converted(content, LiftContent, "Say which narrowing is to be lifted.")
        if said.reference not in {each.reference for each in held.agreed.hidden}:
            raise DoesNotFit("No narrowing of that reference was agreed here: choose one that is listed.")
        return
    try:
        access.check_hidden(_hidden(content), held.matrix)
        _try(content, POLICY, at)
    except access.PolicyDoesNotFit as wrong:
        raise DoesNotFit(str(wrong)) from wrong


def _hidden(content: Mapping[str, Any]) -> access.Hidden:
    said: HideContent = converted(
        content,
        HideContent,
        "Say in a sentence what is hidden, on which basis, from which roles, under which headings.",
    )
    return access.Hidden(**{name: getattr(said, name) for name in access.Hidden.__struct_fields__})


async def narrow(connection: Connection, proposal: Proposal) -> str:
    put = partial(store.put_in_force, connection, proposal=proposal.id, kind=POLICY)
    if proposal.content.get("do") == "lift":
        name = str(proposal.content["reference"])
        await put(name=name, content={}, is_in_force=False)
        return f"The narrowing {name} is lifted."
    hidden = _hidden(proposal.content)
    name = reference_of(proposal.id)
    await put(name=name, content=msgspec.structs.asdict(hidden))
    return f"It is hidden from now on. The narrowing is lifted by its reference, {name}, by two people again."


# --- Roles ------------------------------------------------------------------------------------------------------------


def check_role(content: Mapping[str, Any], region: Region, at: datetime) -> None:
    said: RoleContent = converted(content, RoleContent, "A role is a national code and one of our roles: give both.")
    parts = said.code.split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isalnum() for part in parts):
        raise DoesNotFit("A national role code has three parts, such as S8000:G8000:R8000.")
    if said.role and (said.role not in access.in_force().matrix.role or said.role in NO_STAFF_ROLES):
        raise DoesNotFit("There is no such role here: choose one that is listed.")
    if (organisations.role_of(region, said.code) or "") == said.role:
        raise DoesNotFit("That is so already: nothing would change.")


async def give_role(connection: Connection, proposal: Proposal) -> str:
    said: RoleContent = converted(proposal.content, RoleContent, "A role is a national code and one of our roles.")
    await store.put_in_force(connection, proposal=proposal.id, kind=ROLE, name=said.code, content={"role": said.role})
    whoever = "Whoever is signed in with it signs in again."
    if said.role:
        return f"The national role {said.code} is {said.role} here. {whoever}"
    return f"The national role {said.code} opens nothing here. {whoever}"


def _try(content: Mapping[str, Any], kind: str, at: datetime) -> None:
    """Compiles what would be in force, so that what is agreed can be read by every process that starts."""
    agreed = proposed(content, kind, reference="0000-0000-0000-0000", people="One and another", on=at.date())
    access.with_agreed(access.in_force(), agreed)


def proposed(content: Mapping[str, Any], kind: str, *, reference: str, people: str, on: date) -> access.Agreed:
    """What would be agreed on top of what stands, so that somebody can see what it would do. Raises DoesNotFit."""
    held = access.in_force().agreed
    if kind == LEGAL_BAR:
        route = msgspec.structs.replace(_route(content), agreed_by=people, agreed_on=on, reference=reference)
        others = tuple(each for each in held.routes if each.bar != route.bar)
        closed = tuple(each for each in held.closed if each != route.bar)
        return msgspec.structs.replace(held, routes=(*others, route), closed=closed)
    if content.get("do") == "lift":
        rest = tuple(each for each in held.hidden if each.reference != content.get("reference"))
        return msgspec.structs.replace(held, hidden=rest)
    hidden = access.AgreedHidden(reference=reference, hidden=_hidden(content), agreed_by=people, agreed_on=on)
    return msgspec.structs.replace(held, hidden=(*held.hidden, hidden))


ROUTE_ACT = Act(check_route, open_route)
NARROWING_ACT = Act(check_narrowing, narrow)
ROLE_ACT = Act(check_role, give_role)
