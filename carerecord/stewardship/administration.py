"""Local administration: what is cut, which national role is which of ours, keys and their custody, who left.

A switch takes effect by itself when a second person agrees. Roles, keys, legal routes and narrowing stand in files that
the operator keeps: two people agree on the lines, and whoever wrote them into the file says so.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from carerecord import access, audit, database
from carerecord.access.matrix import PolicyDoesNotFit
from carerecord.access.narrowing import narrowing_as_cedar
from carerecord.disclosure import sentences
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Purpose, Staff
from carerecord.organisations import Region
from carerecord.settings import Settings
from carerecord.signin import Switch, SwitchKind
from carerecord.signin.switches import ROUTES, list_switches
from carerecord.stewardship import proposals
from carerecord.stewardship.proposals import Act, DoesNotFit, Kind, Proposal, Proposals
from carerecord.stewardship.records import parse_target
from carerecord.stewardship.removal_plan import Authority

QUERIES = database.queries(__package__)
DESK = "administration"
ROTATES = timedelta(days=365)  # of the key that seals the audit
LEAVERS_MAX = 200


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One public key, or a secret of which nothing is said but where it is kept."""

    whose: str
    what_for: str
    key_id: str
    thumbprint: str  # RFC 7638; "" where it is no key of that kind
    since: datetime | None  # when it was first used here, or says it was made
    until: datetime | None  # when it says that it ends, or is to be replaced
    custody: str


class Administration(msgspec.Struct, frozen=True, kw_only=True):
    roles: tuple[tuple[str, str], ...]  # national code, ours
    role_names: Mapping[str, str]  # ours -> what it is called
    switches: tuple[Switch, ...]
    keys: tuple[Key, ...]
    organisations: tuple[tuple[str, str], ...]
    neighbours: tuple[tuple[str, str], ...]
    routes: tuple[str, ...] = ROUTES


class AdministrationDesk:
    """What a local administrator reads; what changes anything goes through `Proposals`."""

    def __init__(
        self, db: database.Database, writer: audit.Writer, region: Region, settings: Settings, asking: Proposals
    ) -> None:
        self.region = region
        self._db = db
        self._writer = writer
        self._settings = settings
        self._asking = asking

    @told
    async def read(self, staff: Staff, *, session: str, at: datetime) -> Administration | Refusal:
        if not access.may_work(staff.role, DESK):
            return sentences.not_allowed(self.region, ("The administration desk is for local administrators.",))
        await self._witness(staff, session=session, at=at)
        sealing = await self._db.fetch(QUERIES["list_sealing_keys"], at - 2 * ROTATES)
        return Administration(
            roles=tuple(sorted(self.region.roles.items(), key=lambda pair: (pair[1], pair[0]))),
            role_names={name: role.name for name, role in access.in_force().matrix.role.items()},
            switches=tuple(await list_switches(self._db)),
            keys=(*_sealing_keys(sealing, self._settings), *_keys_of(self.region)),
            organisations=tuple((each.ods_code, each.name) for each in self.region.organisations),
            neighbours=tuple((each.issuer, each.name) for each in self.region.neighbours),
        )

    def roles(self) -> tuple[str, ...]:
        """Every role that a national one may be here."""
        return tuple(access.in_force().matrix.role)

    async def cut_leavers(
        self, staff: Staff, *, user_ids: list[str], because: str, session: str, at: datetime
    ) -> tuple[Proposal, ...] | Refusal:
        """One proposal for each who left: another person agrees to each, and that one is out at once."""
        asked = []
        for user_id in dict.fromkeys(user_ids):
            content = {"action": "cut", "kind": SwitchKind.USER.value, "name": user_id}
            proposal = await self._asking.ask(
                staff, kind=Kind.SWITCH, content=content, because=because, session=session, at=at
            )
            if isinstance(proposal, Refusal):
                return proposal
            asked.append(proposal)
        return tuple(asked)

    async def _witness(self, staff: Staff, *, session: str, at: datetime) -> None:
        await self._writer.witness(
            audit.Event(
                kind=audit.Kind.EXAMINED,
                patient_key=0,
                staff=staff,
                purpose=Purpose.PATADMIN.value,
                evidence=None,
                decision={},
                detail={"what": DESK},
                route=f"desk-{DESK}",
                session=session,
                at=at,
            )
        )


def read_leavers(text: str) -> list[str]:
    """User ids of a list, one a line; what stands behind a comma, as in an export of a staff system, is left out.

    Raises DoesNotFit."""
    found = [line.split(",")[0].strip().strip('"') for line in text.splitlines()]
    ids = [each for each in found if each]
    if not ids:
        raise DoesNotFit("Give the user id of each who left, one a line.")
    if len(ids) > LEAVERS_MAX:
        raise DoesNotFit(
            f"These are more than {LEAVERS_MAX}: ask in parts, so that somebody can read what they agree to."
        )
    if wrong := next((each for each in ids if not (each.isascii() and each.isprintable() and len(each) <= 80)), None):
        number = ids.index(wrong) + 1
        raise DoesNotFit(f"Line {number} is no user id: letters, digits and signs, at most 80 of them.")
    return ids


# --- What is written into a file by hand once two people agreed -------------------------------------------------------


class RoleContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str  # as the national provider says it: "S8000:G8000:R8000"
    role: str  # one of ours; "": this code opens nothing any more


class KeyContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    whose: str
    change: str  # add, replace, retire
    thumbprint: str


class BarContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    bar: str
    roles: tuple[str, ...] = ()  # none: the route is closed
    purposes: tuple[str, ...] = ()


class RemovalContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A removal is carried out on the command line, by the names of these two people."""

    named: str  # a statement by its id, or an original
    authority: Authority


class LinesContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    lines: str


def _check_role(content: Mapping[str, Any], region: Region) -> None:
    said = _convert(content, RoleContent, "A role is a national code and one of our roles: give both.")
    parts = said.code.split(":")
    if len(parts) != 3 or not all(part.isalnum() for part in parts):
        raise DoesNotFit("A national role code has three parts, such as S8000:G8000:R8000.")
    if said.role and said.role not in access.in_force().matrix.role:
        raise DoesNotFit("There is no such role here: choose one that is listed.")
    if region.roles.get(said.code, "") == said.role:
        raise DoesNotFit("That is so already: nothing would change.")


def _check_key(content: Mapping[str, Any], region: Region) -> None:
    said = _convert(content, KeyContent, "Say whose key, what is to be done, and its thumbprint.")
    if said.change not in ("add", "replace", "retire"):
        raise DoesNotFit("A key is added, replaced or retired: say which.")
    known = {each.issuer for each in region.neighbours} | {each.client_id for each in region.clients}
    if said.whose not in known | {"witness", "sign-in"}:
        raise DoesNotFit("Nobody of that name has a key here: choose one that is listed.")
    if len(said.thumbprint) < 40 or not said.thumbprint.replace("-", "").replace("_", "").isalnum():
        raise DoesNotFit("Give the key's thumbprint (RFC 7638), 43 letters and digits, read to you by its owner.")


def _check_bar(content: Mapping[str, Any], region: Region) -> None:
    said = _convert(content, BarContent, "Say which bar, for which roles and for what.")
    held = access.in_force()
    if said.bar not in held.bars.bar:
        raise DoesNotFit("There is no such bar: choose one that is listed.")
    if any(role not in held.matrix.role or held.matrix.role[role].kind != "clinical" for role in said.roles):
        raise DoesNotFit("Only clinical roles are let through a legal bar.")
    if bool(said.roles) != bool(said.purposes):
        raise DoesNotFit("A route names roles and purposes both; to close it, name neither.")
    if set(said.purposes) - {purpose.value for purpose in Purpose}:
        raise DoesNotFit("There is no such purpose: choose one that is listed.")


def _check_removal(content: Mapping[str, Any], region: Region) -> None:
    said = _convert(content, RemovalContent, "Say what is to go, and on whose authority.")
    if parse_target(said.named) is None:
        raise DoesNotFit("Name a statement by its id, as its receipt shows it, or a message, such as 20261122-7.")


def _check_narrowing(content: Mapping[str, Any], region: Region) -> None:
    said = _convert(content, LinesContent, "Give the lines of narrowing.toml.")
    try:
        narrowing_as_cedar(said.lines, access.SHIPPED.matrix)
    except PolicyDoesNotFit as wrong:
        raise DoesNotFit(str(wrong)) from wrong
    if not tomllib.loads(said.lines).get("hide"):
        raise DoesNotFit("This takes nothing away: give at least one [[hide]].")


ACTS: Mapping[Kind, Act] = {
    **proposals.ACTS,
    Kind.ROLE: Act(_check_role),
    Kind.KEY: Act(_check_key),
    Kind.POLICY: Act(_check_narrowing),
    Kind.LEGAL_BAR: Act(_check_bar),
    Kind.REMOVAL: Act(_check_removal),
}


def to_write(proposal: Proposal) -> tuple[str, str] | None:
    """Which file the operator opens, and the exact lines; None where it takes effect by itself."""
    content = proposal.content
    if proposal.kind is Kind.ROLE:
        line = f'"{content["code"]}" = "{content["role"]}"' if content["role"] else f'# taken away: "{content["code"]}"'
        return "region.toml", f"[roles]\n{line}"
    if proposal.kind is Kind.KEY:
        place = {"witness": "`carerecord witness key new`", "sign-in": "`client_secret_file` of region.toml"}
        where = place.get(content["whose"], f"the `jwks_file` of {content['whose']} in region.toml")
        return where, f"{content['change']} the key with thumbprint {content['thumbprint']}"
    if proposal.kind is Kind.POLICY:
        return "narrowing.toml", str(content["lines"]).strip()
    if proposal.kind is Kind.REMOVAL:
        named = content["named"].strip()
        what = f"--original {named}" if named[:8].isdigit() and named[8:9] == "-" else f"--statement {named}"
        said = (proposal.asked_by_name, proposal.agreed_by_name or "…", proposal.because)
        quoted = [shlex.quote(each) for each in said]
        people = "--by {} --agreed-by {} --reason {}".format(*quoted)
        return "a terminal", f"carerecord removal ask {what} --authority {content['authority']} {people} --carry-out"
    if proposal.kind is Kind.LEGAL_BAR:
        agreed = f"{proposal.asked_by_name} and {proposal.agreed_by_name or '…'}"
        on = f"{proposal.agreed_at:%Y-%m-%d}" if proposal.agreed_at else "…"
        roles, purposes = _list(content.get("roles", ())), _list(content.get("purposes", ()))
        by = f'agreed_by = "{agreed}", agreed_on = {on}' if content.get("roles") else 'agreed_by = ""'
        line = f"let_through = {{ roles = {roles}, purposes = {purposes}, {by} }}"
        return "legal_bars.toml", f"[bar.{content['bar']}]\n{line}"
    return None


def _list(values: Any) -> str:
    return msgspec.json.encode(list(values)).decode()


def _convert(content: Mapping[str, Any], into: type[Any], sentence: str) -> Any:
    try:
        return msgspec.convert(content, into)
    except msgspec.ValidationError as wrong:
        raise DoesNotFit(sentence) from wrong


# --- Keys -------------------------------------------------------------------------------------------------------------


def _sealing_keys(rows: list[Any], settings: Settings) -> list[Key]:
    command = settings.witness_signer.removeprefix("command:")
    custody = f"behind the command {command}" if command else "a file that the working process alone reads"
    return [
        Key(
            whose="witness",
            what_for="seals the audit",
            key_id=_key_id(row["head"])[:12],
            thumbprint=_key_id(row["head"]),
            since=row["first_at"],
            until=row["first_at"] + ROTATES if number == len(rows) - 1 else row["last_at"],
            custody=custody,
        )
        for number, row in enumerate(rows)
    ]


def _key_id(head: str) -> str:
    return audit.keys.key_id_of(head)


def _keys_of(region: Region) -> list[Key]:
    theirs = "public here; the private part is kept by its owner"
    found = []
    for neighbour in region.neighbours:
        found += [_key(neighbour.issuer, "launches", jwk, theirs) for jwk in neighbour.jwks.get("keys", ())]
    for client in region.clients:
        found += [_key(client.client_id, "asks by FHIR", jwk, theirs) for jwk in client.jwks.get("keys", ())]
    if region.sign_in:
        found.append(
            Key(
                whose="sign-in",
                what_for=f"signs in at {region.sign_in.name}",
                key_id="client secret",
                thumbprint="",
                since=None,
                until=None,
                custody="a file that the region's file names",
            )
        )
    return found


def _key(whose: str, what_for: str, jwk: Mapping[str, Any], custody: str) -> Key:
    try:
        thumbprint = import_key({**jwk}).thumbprint()
    except (JoseError, ValueError, KeyError):
        thumbprint = ""
    return Key(
        whose=whose,
        what_for=what_for,
        key_id=str(jwk.get("kid", "")),
        thumbprint=thumbprint,
        since=_instant(jwk.get("iat") or jwk.get("nbf")),
        until=_instant(jwk.get("exp")),
        custody=custody,
    )


def _instant(seconds: object) -> datetime | None:
    return msgspec.convert(seconds, datetime, strict=False) if isinstance(seconds, int) else None
