"""What takes two people, at any desk that may ask for it: one asks, another agrees; each says so in their own name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from carerecord.disclosure import Refusal
from carerecord.model import Purpose
from carerecord.routing import Route
from carerecord.stewardship import removal_asked
from carerecord.stewardship.administration import ACTS, to_write
from carerecord.stewardship.in_force.key_deeds import SIGN_IN, jwk_of
from carerecord.stewardship.in_force.rules import WITNESS
from carerecord.stewardship.notices import parse_reference, reference_of
from carerecord.stewardship.proposals import DoesNotFit, Kind, Proposal, Stage
from carerecord.stewardship.removal_asked import BY_COMMAND
from carerecord.web import parts, words
from carerecord.web.desk import frame
from carerecord.web.desk.frame import Working

READ_FIRST = (Kind.LEGAL_BAR, Kind.POLICY, Kind.REMOVAL)  # agreed to on the page that says what they would do
ASKED_BYTES_MAX = 65_536  # a JWKS is pasted
HIDES = ("role", "heading", "label")
KINDS = {
    Kind.SWITCH: "Switch",
    Kind.ROLE: "Role",
    Kind.KEY: "Key",
    Kind.POLICY: "Narrowing",
    Kind.LEGAL_BAR: "Legal bar",
    Kind.REMOVAL: "Removal",
    Kind.LABELS: "Labels",
}
STAGES = {
    Stage.ASKED: "waits for a second person",
    Stage.AGREED: "agreed by two, to be carried out",
    Stage.DONE: "done",
    Stage.WITHDRAWN: "withdrawn",
    Stage.EXPIRED: "expired: nobody agreed within a day",
}
ASKED_AT: Mapping[str, tuple[Kind, ...]] = {
    "guardian": (Kind.LEGAL_BAR, Kind.POLICY, Kind.LABELS),
    "administration": (Kind.SWITCH, Kind.ROLE, Kind.KEY),
    "records": (),  # a removal is asked for where one sees what would go
}
PURPOSES = (
    (Purpose.TREAT.value, "care"),
    (Purpose.ETREAT.value, "emergency care"),
    (Purpose.BTG.value, "emergency access"),
)


class ProposalView(msgspec.Struct, frozen=True, kw_only=True):
    reference: str
    kind: str
    what: str
    because: str
    asked: str
    agreed: str
    stage: str
    outcome: str
    file: str  # which the operator opens; "" where it takes effect by itself
    lines: str
    may_agree: bool
    is_own: bool  # it waits for somebody else than who reads this
    may_withdraw: bool
    may_carry_out: bool
    is_by_command: bool  # a removal that takes long: agreeing withdraws nothing by itself
    read_at: str  # where it is read with what it would do; "": all of it stands here
    facts: tuple[tuple[str, str], ...] = ()


def view(proposal: Proposal, *, user_id: str, at: datetime, desk: str = "guardian") -> ProposalView:
    stage = proposal.stage(at=at)
    file, lines = to_write(proposal) or ("", "")
    return ProposalView(
        reference=reference_of(proposal.id),
        kind=KINDS[proposal.kind],
        what=said_of(proposal.kind, proposal.content),
        because=proposal.because,
        asked=f"{proposal.asked_by_name}, {words.moment(proposal.asked_at)}",
        agreed=f"{proposal.agreed_by_name}, {words.moment(proposal.agreed_at)}" if proposal.agreed_at else "",
        stage=STAGES[stage],
        outcome=proposal.outcome,
        file=file,
        lines=lines,
        may_agree=stage is Stage.ASKED and proposal.asked_by != user_id,
        is_own=stage is Stage.ASKED and proposal.asked_by == user_id,
        may_withdraw=stage in (Stage.ASKED, Stage.AGREED),
        may_carry_out=stage is Stage.AGREED and not ACTS[proposal.kind].is_carried_out_elsewhere,
        is_by_command=proposal.kind is Kind.REMOVAL and removal_asked.content_of(proposal).reach in BY_COMMAND,
        read_at=_read_at(proposal, desk) if proposal.kind in READ_FIRST else "",
        facts=facts_of(proposal),
    )


def _read_at(proposal: Proposal, desk: str) -> str:
    """At the records desk a removal stands among the others; the Guardian works at another desk."""
    return "/desk/records/removals" if desk == "records" else f"/desk/guardian/proposals/{reference_of(proposal.id)}"


def facts_of(proposal: Proposal) -> tuple[tuple[str, str], ...]:
    """What the second person reads besides the sentence."""
    content = proposal.content
    if proposal.kind is Kind.LEGAL_BAR:
        asked = (("Relies on", "relies_on"), ("Advice", "advice"), ("Last day", "until"))
        return tuple((name, str(content.get(field, ""))) for name, field in asked)
    if proposal.kind is Kind.POLICY and content.get("do") != "lift":
        names = (("Readers are told", "sentence"), ("Basis", "basis"))
        return tuple((name, str(content.get(field, ""))) for name, field in names)
    if proposal.kind is Kind.KEY:
        told = [("Thumbprint, to be read by its owner", str(content.get("thumbprint", "")))]
        told += [("Takes the place of", str(content["replaces"]))] if content.get("replaces") else []
        told += [("The key before goes on for", words.counted(int(content.get("overlap_days", 0)), "day"))]
        return tuple(each for each in told if each[1]) if content.get("thumbprint") else ()
    return ()


def said_of(kind: Kind, content: Mapping[str, Any]) -> str:
    """What is asked for, in a sentence that names no patient."""
    if kind is Kind.SWITCH:
        return f"{str(content['action']).capitalize()} the {content['kind']} {content['name']}."
    if kind is Kind.ROLE:
        role = content["role"]
        return (
            f"The national role {content['code']} is {role} here."
            if role
            else f"The role {content['code']} opens nothing."
        )
    if kind is Kind.KEY:
        if content["whose"] == "witness":
            return "Make a new key that seals the audit."
        return f"{str(content['change']).capitalize()} a key of {content['whose']}."
    if kind is Kind.LEGAL_BAR:
        bar = str(content["bar"]).replace("-", " ")
        roles, purposes = ", ".join(content["roles"]), ", ".join(content["purposes"])
        return f"Open the Guardian’s route through {bar}: {roles} for {purposes}."
    if kind is Kind.REMOVAL:
        return removal_asked.said_of(content)
    if kind is Kind.LABELS:
        return f"Lower labels where the lists {content['lists']} find less than those before: more is shown then."
    if content.get("do") == "lift":
        return f"Lift the narrowing {content['reference']}: what it hid is shown again."
    hidden = ", ".join((*content.get("labels", ()), *(name.lower() for name in content.get("headings", ()))))
    return f"Hide {hidden.replace('_', ' ')} from {', '.join(content.get('roles', ())) or 'every role'}."


def content_of(kind: Kind, fields: Mapping[str, str]) -> dict[str, Any]:
    """What a form asks for; whether it fits is for the door to say."""
    if kind is Kind.SWITCH:
        names = {"organisation": "organisation", "route": "way", "issuer": "system", "user": "user"}
        name = fields.get(names.get(fields.get("kind", ""), ""), "")
        return {"action": fields.get("action", ""), "kind": fields.get("kind", ""), "name": name.strip()[:200]}
    if kind is Kind.ROLE:
        return {"code": fields.get("code", "").strip(), "role": fields.get("role", "")}
    if kind is Kind.KEY:
        return _key_content(fields)
    if kind is Kind.LABELS:
        return {"lists": fields.get("lists", "").strip()}
    if kind is Kind.POLICY and fields.get("lift"):
        return {"do": "lift", "reference": fields["lift"]}
    if kind is Kind.POLICY:
        said = {name: fields.get(name, "").strip() for name in ("sentence", "basis")}
        return {"do": "hide", **said, **{f"{each}s": _ticked(fields, f"hide-{each}") for each in HIDES}}
    said = {name: " ".join(fields.get(name, "").split()) for name in ("bar", "relies_on", "advice", "until")}
    return {**said, "roles": _ticked(fields, "role"), "purposes": _ticked(fields, "purpose")}


def _ticked(fields: Mapping[str, str], group: str) -> list[str]:
    return [name.removeprefix(f"{group}-") for name in fields if name.startswith(f"{group}-")]


def _key_content(fields: Mapping[str, str]) -> dict[str, Any]:
    """Of what was pasted no more than the one public key with the thumbprint goes on. Raises DoesNotFit."""
    names = ("whose", "change", "thumbprint", "replaces")
    said: dict[str, Any] = {name: fields.get(name, "").strip() for name in names}
    if said["whose"] in (WITNESS, SIGN_IN):
        return {"whose": said["whose"], "change": said["change"]}
    days = fields.get("overlap_days", "").strip() or "0"
    said["overlap_days"] = int(days) if days.isascii() and days.isdigit() and len(days) < 4 else -1
    if said["change"] in ("add", "replace"):
        said["jwk"] = jwk_of(fields.get("jwks", ""), thumbprint=said["thumbprint"])
    return said


def routes_of(desk: str, tabs: Sequence[tuple[str, str]]) -> tuple[Route, ...]:
    """The same pages at each desk that may ask for something: only what it asks for differs."""
    home = f"/desk/{desk}/proposals"

    async def show(request: Request, working: Working) -> Response:
        return await draw(request, working)

    async def draw(request: Request, working: Working, wrong: str = "", field: str = "because") -> Response:
        part = parts.of(request)
        how: dict[str, Any] = {"session": working.session.id, "at": working.at}
        found = await part.proposals.list_proposals(working.staff, only_open=False, **how)
        if isinstance(found, Refusal):
            return frame.refused(request, found, desk=desk)
        shown = [view(each, user_id=working.staff.user_id, at=working.at, desk=desk) for each in found]
        is_open = [each.may_withdraw for each in shown]
        return frame.draw(
            request,
            working,
            "desk/two_people.html",
            tabs=tabs,
            desk=desk,
            home=home,
            waiting=[each for each, stands in zip(shown, is_open, strict=True) if stands],
            past=[each for each, stands in zip(shown, is_open, strict=True) if not stands][:50],
            asks=[kind.value for kind in ASKED_AT.get(desk, ())],
            choices=await choices(request, working, desk),
            filled={name: working.fields.get(name, "") for name in FIELDS}
            | {"because": working.fields.get("because", "")},
            chosen=set(working.fields),
            asked=working.fields.get("what", ""),
            wrong={field: wrong} if wrong else {},
            errors=[(field, wrong)] if wrong else [],
        )

    async def ask(request: Request, working: Working) -> Response:
        named = working.fields.get("what", "")
        if named not in [kind.value for kind in ASKED_AT.get(desk, ())]:
            return await draw(request, working, "Choose what you ask for.")
        said = await _ask(request, working, Kind(named))
        if isinstance(said, Refusal):
            return await draw(request, working, said.sentences[0], f"{named}-because")
        return frame.to(home)

    async def step(request: Request, working: Working) -> Response:
        """Agree, withdraw, or say that it was carried out."""
        asking = parts.of(request).proposals
        number = parse_reference(working.fields.get("reference", "")) or 0
        how: dict[str, Any] = {"proposal_id": number, "session": working.session.id, "at": working.at}
        if request.path_params["step"] == "agree":
            said = await parts.of(request).removals.agree(working.staff, **how)  # anything; a removal is done with it
        elif request.path_params["step"] == "withdraw":
            said = await asking.withdraw(working.staff, **how)
        else:
            said = await asking.carry_out(working.staff, outcome=f"Carried out by {working.staff.name}.", **how)
        if isinstance(said, Refusal):
            return frame.refused(request, said, desk=desk)
        return frame.to(home)

    return (
        frame.page(home, show, desk=desk, summary="What waits for a second person, and what became of the rest."),
        frame.form(
            home, ask, desk=desk, summary="Asks for something that takes two people.", bytes_max=ASKED_BYTES_MAX
        ),
        frame.form(f"{home}/{{step}}", step, desk=desk, summary="Agrees, withdraws, or says that it is carried out."),
    )


async def _ask(request: Request, working: Working, kind: Kind) -> Any:
    try:
        content = content_of(kind, working.fields)
    except DoesNotFit as wrong:
        return Refusal(kind="reason-needed", sentences=(str(wrong),))
    return await parts.of(request).proposals.ask(
        working.staff,
        kind=kind,
        content=content,
        because=working.fields.get("because", ""),
        session=working.session.id,
        at=working.at,
    )


FIELDS = (
    "action", "kind", "organisation", "way", "system", "user", "code", "role", "whose", "change", "thumbprint",
    "bar", "relies_on", "advice", "until", "sentence", "basis", "lift", "replaces", "overlap_days", "lists",
)  # fmt: skip


def _lifts(read: Any) -> list[tuple[str, str]]:
    return [(row.source, f"{row.source}: {row.sentence}") for row in read.narrowing if row.source]


async def choices(request: Request, working: Working, desk: str) -> dict[str, Any]:
    """What the forms of this desk let choose from."""
    part = parts.of(request)
    region = part.region
    if desk == "records":
        return {}
    if desk == "guardian":
        read = await part.guardian.read_policy(
            working.staff, what="proposals", session=working.session.id, at=working.at
        )
        if isinstance(read, Refusal):
            return {"bars": [], "roles": [], "purposes": [], "everybody": [], "headings": [], "labels": [], "lifts": []}
        return {
            "bars": [(bar.label, bar.label.replace("-", " ").capitalize()) for bar in read.bars if bar.has_route],
            "everybody": [(row.role, row.name) for row in read.roles],
            "headings": list(read.heading_names),
            "labels": [(label, label.replace("-", " ")) for label in read.labels],
            "lifts": [("", "nothing: hide something"), *_lifts(read)],
            "roles": [(row.role, row.name) for row in read.roles if row.role not in ("admin", "program")],
            "purposes": PURPOSES,
        }
    return {
        "organisations": [(each.ods_code, each.name) for each in region.organisations],
        "ways": [(way, way) for way in ("launch", "sign-in", "fhir", "push")],
        "systems": [(each.issuer, each.name) for each in region.neighbours],
        "holders": [
            ("witness", "the witness (our own)"),
            ("sign-in", "sign-in (our own)"),
            *((each.issuer, each.name) for each in region.neighbours),
            *((each.client_id, each.name) for each in region.clients),
        ],
        "roles": [("", "nothing any more"), *((name, name.replace("-", " ")) for name in part.administration.roles())],
    }
