"""The claims of an ID token that every provider must get right, whoever signs in by it: one rule for all. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from joserfc.errors import ClaimError
from joserfc.jwt import JWTClaimsRegistry

from carerecord.signin.signed import NotSigned

SKEW_SECONDS: Final = 5
ISSUED_SECONDS_MAX: Final = 600


def check_claims(claims: dict[str, Any], *, issuer: str, client_id: str, nonce: str, at: datetime) -> None:
    """OpenID Connect Core §3.1.3.7. Raises NotSigned naming the claim."""
    now = int(at.timestamp())
    registry = JWTClaimsRegistry(
        now=now,
        leeway=SKEW_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        registry.validate(claims)
    except ClaimError as wrong:
        raise NotSigned(str(wrong.claim), "it does not fit") from wrong
    if claims["iat"] < now - ISSUED_SECONDS_MAX:
        raise NotSigned("iat", "it was issued too long ago")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise NotSigned("azp", "it was issued to another program")
