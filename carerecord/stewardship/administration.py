"""Local administration: what is cut, which national role is which of ours, keys and their custody, who left.

What two people agree takes effect by itself (`in_force`); what is left to be done by hand is said with its lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from carerecord import access, audit, database
from carerecord.audit.events import NOBODY
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.settings import Settings
from carerecord.signin import Switch, SwitchKind
from carerecord.signin.switches import ROUTES, list_switches
from carerecord.stewardship import proposals, relabelling_asked, removal_asked
from carerecord.stewardship.desk import Desk
from carerecord.stewardship.in_force import custody, deeds, key_deeds, store
from carerecord.stewardship.in_force.custody import Key
from carerecord.stewardship.in_force.rules import WITNESS, Row
from carerecord.stewardship.notices import reference_of
from carerecord.stewardship.proposals import Act, DoesNotFit, Kind, Proposal, Proposals

QUERIES = database.queries(__package__)
DESK = "administration"
LEAVERS_MAX = 200


class Administration(msgspec.Struct, frozen=True, kw_only=True):
    roles: tuple[tuple[str, str, str], ...]  # national code, ours ("": nothing), and where that stands
    role_names: Mapping[str, str]  # ours -> what it is called
    switches: tuple[Switch, ...]
    keys: tuple[Key, ...]
    organisations: tuple[tuple[str, str], ...]
    neighbours: tuple[tuple[str, str], ...]
    routes: tuple[str, ...] = ROUTES


class AdministrationDesk(Desk):
    """What a local administrator reads; what changes anything goes through `Proposals`."""

    desks = (DESK,)
    for_others = "The administration desk is for local administrators."
    route = f"desk-{DESK}"

    def __init__(
        self, db: database.Database, writer: audit.Writer, region: Region, settings: Settings, asking: Proposals
    ) -> None:
        super().__init__(db, writer, region)
        self._settings = settings
        self._asking = asking

    @told
    async def read(self, staff: Staff, *, session: str, at: datetime) -> Administration | Refusal:
        if refused := self._may_not(staff):
            return refused
        await self._witness(staff, NOBODY, session=session, at=at, what=DESK)
        sealing = await self._db.fetch(QUERIES["list_sealing_keys"], at - 2 * custody.ROTATES)
        standing = await store.read_standing(self._db)
        return Administration(
            roles=tuple(_roles(self.region, standing)),
            role_names={name: role.name for name, role in access.in_force().matrix.role.items()},
            switches=tuple(await list_switches(self._db)),
            keys=custody.keys_of(
                self.region,
                self._settings,
                seals=[dict(row) for row in sealing],
                asked=[row.at for row in standing if row.kind == "key" and row.name == WITNESS],
                uses=await store.read_key_uses(self._db),
                at=at,
            ),
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


def _roles(region: Region, standing: list[Row]) -> list[tuple[str, str, str]]:
    """Which national role is which of ours: as the file says, and as two people agreed since."""
    agreed = {row.name: row for row in standing if row.kind == "role" and row.is_in_force}
    found = [(code, role, "the region's file") for code, role in region.roles.items() if code not in agreed]
    found += [
        (code, str(row.content.get("role", "")), f"agreed here by {row.people}, {row.at:%d-%b-%Y}")
        for code, row in agreed.items()
    ]
    return sorted(found, key=lambda each: (each[1], each[0]))


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


ACTS: Mapping[Kind, Act] = {
    **proposals.ACTS,
    Kind.ROLE: deeds.ROLE_ACT,
    Kind.KEY: key_deeds.KEY_ACT,
    Kind.POLICY: deeds.NARROWING_ACT,
    Kind.LEGAL_BAR: deeds.ROUTE_ACT,
    Kind.REMOVAL: Act(removal_asked.check, is_carried_out_elsewhere=True),
    Kind.LABELS: Act(relabelling_asked.check, is_carried_out_elsewhere=True),
}


def to_write(proposal: Proposal) -> tuple[str, str] | None:
    """What is left to be done by hand: where, and the exact lines; None where it takes effect by itself."""
    content = proposal.content
    if proposal.kind is Kind.KEY and content.get("whose") == key_deeds.SIGN_IN:
        return (
            "the file of the secret",
            "a new secret or key, as the provider gave or took it; then start the record again",
        )
    if proposal.kind is Kind.REMOVAL:
        return "a terminal", f"carerecord removal carry-out {reference_of(proposal.id)}"
    if proposal.kind is Kind.LABELS:
        return "a terminal", f"carerecord sensitivity relabel --lower --agreed {reference_of(proposal.id)} --because …"
    return None
