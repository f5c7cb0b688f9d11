"""Kill-switches: an organisation, a way in, a neighbour's record system or one person's access, cut for everything.

Every look-up of a session, a token or a launch brings what is cut along in the same statement, so a cut holds from the
next request on, in every process. Nothing is drained: who must not be cut at midnight has an agreement that lapses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from carerecord import database
from carerecord.model import Staff

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database
    from carerecord.organisations import Region
    from carerecord.signin.values import Session

    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)
ROUTES = ("launch", "sign-in", "fhir", "push", "ledger")


class SwitchKind(StrEnum):
    """What can be cut. Stored: only add."""

    ORGANISATION = "organisation"  # ODS code: everybody who works there, and its programs
    ROUTE = "route"  # one of ROUTES
    ISSUER = "issuer"  # a neighbour's record system
    USER = "user"  # one member of staff, or one program


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is cut now."""

    kind: SwitchKind
    name: str
    because: str
    cut_by: str  # the two people
    cut_at: datetime


SENTENCES = {
    SwitchKind.ORGANISATION: "Access to this record is switched off for everybody at {organisation}.",
    SwitchKind.ISSUER: "Access to this record from the record system that opened it is switched off.",
    SwitchKind.USER: "Your access to this record is switched off.",
}
OF_ROUTE = {
    "launch": "Opening this record from another system is switched off.",
    "sign-in": "Signing in to this record directly is switched off.",
    "fhir": "Reading this record by programs is switched off.",
    "push": "Pushing to this record is switched off.",
    "ledger": "Signing in to one's own record is switched off.",
}
ENDED_AGREEMENT = "The agreement under which {organisation} reads this record has ended, so nothing new can be opened."


class AccessCut(Exception):
    """Access is switched off. Says so in a sentence, without the reason that the two people gave."""

    def __init__(
        self,
        sentence: str,
        *,
        rule: str,
        staff: Staff | None = None,
        patient_key: int | None = None,
        route: str = "",
        session: str = "",
        issuer: str = "",
        status: int = 403,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.rule = rule  # "switch organisation RTH": for the audit
        self.staff = staff
        self.patient_key = patient_key
        self.route = route
        self.session = session
        self.issuer = issuer  # the record system by whose launch it came
        self.status = status  # 503 where a way in is shut for everybody, else 403

    @property
    def sentences(self) -> tuple[str, ...]:
        return (
            self.sentence,
            "Nothing of the record is open here any more. Nothing in it was changed.",
            "For care now, do not wait for it: ask the hospital or practice that knows this person.",
        )


def find_cut(cuts: Iterable[str], *, staff: Staff, route: str, issuer: str = "") -> tuple[SwitchKind, str] | None:
    """Which of what is cut ("organisation RTH") stands in the way of this person by this route. Pure."""
    of_this = {
        f"{SwitchKind.ROUTE} {route}": (SwitchKind.ROUTE, route),
        f"{SwitchKind.ORGANISATION} {staff.organisation}": (SwitchKind.ORGANISATION, staff.organisation),
        f"{SwitchKind.ISSUER} {issuer}": (SwitchKind.ISSUER, issuer),
        f"{SwitchKind.USER} {staff.user_id}": (SwitchKind.USER, staff.user_id),
    }
    return next((of_this[cut] for cut in cuts if cut in of_this), None)


def check_switches(
    cuts: Sequence[str],
    *,
    staff: Staff,
    route: str,
    issuer: str = "",
    patient_key: int | None = None,
    session: str = "",
) -> None:
    """Raises AccessCut where something that is cut stands in the way."""
    if not cuts:
        return
    found = find_cut(cuts, staff=staff, route=route, issuer=issuer)
    if found is None:
        return
    kind, name = found
    template = OF_ROUTE[route] if kind is SwitchKind.ROUTE else SENTENCES[kind]
    raise AccessCut(
        template.format(organisation=staff.organisation_name),
        rule=f"switch {kind} {name}",
        staff=staff,
        patient_key=patient_key,
        route=route,
        session=session,
        issuer=issuer,
        status=503 if kind is SwitchKind.ROUTE else 403,
    )


def check_session(cuts: Sequence[str], session: Session) -> None:
    """Raises AccessCut where something that is cut stands in the way of this session."""
    check_switches(
        cuts,
        staff=session.staff,
        route=session.route,
        issuer=session.issuer,
        patient_key=session.patient_key,
        session=session.id,
    )


def check_agreement(region: Region | None, staff: Staff, *, route: str, on: date) -> None:
    """Raises AccessCut for a new session of an organisation whose agreement has ended; those that run, run out."""
    if region is None or region.has_agreement(staff.organisation, on=on):
        return
    raise AccessCut(
        ENDED_AGREEMENT.format(organisation=staff.organisation_name), rule="agreement ended", staff=staff, route=route
    )


# --- What is cut, changed by two people (stewardship) -----------------------------------------------------------------


async def list_switches(db: Database | Connection) -> list[Switch]:
    """What is cut now, the latest first."""
    rows = await db.fetch(QUERIES["list_switches"])
    return [
        Switch(
            kind=SwitchKind(row["kind"]),
            name=row["name"],
            because=row["because"],
            cut_by=row["cut_by"],
            cut_at=row["cut_at"],
        )
        for row in rows
    ]


async def cut(db: Database | Connection, switch: Switch) -> bool:
    """False if it was cut before."""
    done = await db.fetchval(
        QUERIES["cut_switch"], switch.kind.value, switch.name, switch.because, switch.cut_by, switch.cut_at
    )
    return done is not None


async def restore(db: Database | Connection, *, kind: SwitchKind, name: str) -> bool:
    """False if it was not cut."""
    return await db.fetchval(QUERIES["restore_switch"], kind.value, name) is not None
