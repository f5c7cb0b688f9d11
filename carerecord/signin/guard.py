"""From a browser's cookies to the session they open, without knowing what a browser is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from carerecord.signin.sessions import Sessions
from carerecord.signin.values import Session

STAFF_COOKIE = "carerecord_staff"
SIGN_IN_COOKIE = "carerecord_sign_in"


def patient_cookie(session_id: str) -> str:
    """Each chart has a cookie of its own, sent to its own path only: two charts open at once never mix."""
    return f"carerecord_{session_id}"


async def find_patient_session(
    sessions: Sessions, cookies: Mapping[str, str], *, session_id: str, at: datetime
) -> Session | None:
    return await sessions.find(session_id, token=cookies.get(patient_cookie(session_id)), at=at)


async def find_staff_session(sessions: Sessions, cookies: Mapping[str, str], *, at: datetime) -> Session | None:
    return await sessions.find_staff(cookies.get(STAFF_COOKIE), at=at)
