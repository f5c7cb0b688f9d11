"""From a browser's cookies to the session they open, without knowing what a browser is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from carerecord import access
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.routing import DESKS
from carerecord.signin.sessions import Sessions
from carerecord.signin.values import Session

STAFF_COOKIE = "carerecord_staff"
SIGN_IN_COOKIE = "carerecord_sign_in"
OWN_COOKIE = "carerecord_own"
OWN_SIGN_IN_COOKIE = "carerecord_own_sign_in"


def patient_cookie(session_id: str) -> str:
    """Each chart has a cookie of its own, sent to its own path only: two charts open at once never mix."""
    return f"carerecord_{session_id}"


async def find_patient_session(
    sessions: Sessions, cookies: Mapping[str, str], *, session_id: str, at: datetime, is_use: bool = True
) -> Session | None:
    """`is_use` is False where the page asks by itself: that keeps no session alive."""
    return await sessions.find(session_id, token=cookies.get(patient_cookie(session_id)), at=at, is_use=is_use)


async def find_own_session(sessions: Sessions, cookies: Mapping[str, str], *, at: datetime) -> Session | None:
    """Of a person signed in to what is their own."""
    return await sessions.find_own(cookies.get(OWN_COOKIE), at=at)


async def find_staff_session(
    sessions: Sessions, cookies: Mapping[str, str], *, at: datetime, cost: float = 1
) -> Session | None:
    """`cost` is what the request counts for the limits."""
    return await sessions.find_staff(cookies.get(STAFF_COOKIE), at=at, cost=cost)


def may_declare_emergency(staff: Staff) -> bool:
    """Whether this role may declare emergency access at all: asked of the policies, and of nothing about a patient."""
    nothing = Evidence(kind=EvidenceClass.NONE)
    question = access.Question.of(
        staff, evidence=nothing, organisation_in_agreement=True, route="launch", purpose=Purpose.TREAT
    )
    return access.decide(question).may_declare_emergency


async def find_desk_session(
    sessions: Sessions, cookies: Mapping[str, str], *, desk: str, at: datetime
) -> Session | None:
    """The staff session of somebody whose role may work at this desk; asked again with every request."""
    session = await find_staff_session(sessions, cookies, at=at)
    return session if session and access.may_work(session.staff.role, desk) else None


def desks_of(role: str) -> tuple[str, ...]:
    """The desks at which somebody in this role may work; most roles at none."""
    return tuple(desk for desk in DESKS if access.may_work(role, desk))
