"""The sign-in provider's logout, told behind the browser's back: which of its sessions ended, or whose.

https://openid.net/specs/openid-connect-backchannel-1_0.html §2.4 and §2.6; NHS CIS2 sends it when somebody takes out
their card or signs out anywhere. It is signed with the provider's keys, as an ID token is, and is never an ID token.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from carerecord.organisations import SignIn
from carerecord.signin.signed import NotSigned, check_name

EVENT = "http://schemas.openid.net/event/backchannel-logout"
SKEW_SECONDS = 5
ISSUED_SECONDS_MAX = 600


class Logout(msgspec.Struct, frozen=True, kw_only=True):
    """Whose session ended: by the provider's own name of the session (sid), else all of that person (sub)."""

    jti: str
    provider_session: str = ""
    user_id: str = ""


def check_logout(claims: Mapping[str, Any], *, sign_in: SignIn, at: datetime) -> Logout:
    """What a logout token says whose signature fits. Raises NotSigned naming the claim."""
    now = int(at.timestamp())
    if claims.get("iss") != sign_in.issuer:
        raise NotSigned("iss", "it is of another provider")
    audience = claims.get("aud")
    if sign_in.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise NotSigned("aud", "it is meant for another program")
    if not now - ISSUED_SECONDS_MAX <= _seconds(claims.get("iat")) <= now + SKEW_SECONDS:
        raise NotSigned("iat", "it was issued too long ago, or in the future")
    if _seconds(claims.get("exp", now + 1)) <= now - SKEW_SECONDS:
        raise NotSigned("exp", "it has expired")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise NotSigned("events", "it tells of no logout")
    if "nonce" in claims:
        raise NotSigned("nonce", "a logout has none: an ID token cannot stand in its place")
    jti, sid, sub = (claims.get(name, "") for name in ("jti", "sid", "sub"))
    if not all(isinstance(each, str) for each in (jti, sid, sub)):
        raise NotSigned("jti", "it needs a name of its own, and texts")
    for name, text in (("jti", jti), ("sid", sid), ("sub", sub)):
        if text or name == "jti":
            check_name(name, text)
    if not sid and not sub:
        raise NotSigned("sid", "it names neither a session nor a person")
    # Where it names both, the session is meant: somebody may stay signed in at another desk (§2.7).
    return Logout(jti=jti, provider_session=sid, user_id="" if sid else sub)


def _seconds(value: object) -> int:
    """0, long ago, where it is no number of seconds."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
