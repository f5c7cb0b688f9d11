"""What two people agreed on top of the region's file: what national roles are here, and whose keys speak for them.

The process that serves adopts it whenever it changes (`stewardship.in_force`); until then the file alone holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from carerecord.organisations.region import Region

KEYS_NOTED_MAX = 10_000


class AgreedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key of a neighbour or a program that was added here."""

    whose: str  # issuer or client id
    jwk: dict[str, Any]
    thumbprint: str  # RFC 7638
    since: datetime


class RetiredKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that no longer speaks for its owner, wherever it stands."""

    whose: str
    thumbprint: str
    at: datetime  # the end of its overlap with the key after it


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    roles: dict[str, str] = {}  # national code -> our role; "": it opens nothing
    keys: tuple[AgreedKey, ...] = ()
    retired: tuple[RetiredKey, ...] = ()
    is_confirmed: bool = True  # False: what was agreed could not be read just now


NOTHING = Agreed()
_agreed = [NOTHING]
_used: dict[tuple[str, str], datetime] = {}


def agreed() -> Agreed:
    return _agreed[0]


def adopt(agreed: Agreed) -> None:
    """From now on this is what two people agreed."""
    _agreed[0] = agreed


def role_of(region: Region, code: str) -> str | None:
    """Which of our roles a national one is for who comes now; None: it opens nothing.

    What was added here and cannot be confirmed gives nobody anything; what was taken away stays so.
    """
    held = agreed()
    if code not in held.roles:
        return region.roles.get(code)
    return (held.roles[code] if held.is_confirmed else None) or None


def is_still(code: str, role: str) -> bool:
    """Whether who came in with this national role in one of ours is in it still: what was agreed since may say no."""
    return agreed().roles.get(code, role) == role


def keys_of(whose: str, jwks: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
    """The public keys that speak for this neighbour or program now: those of its own file, and those agreed here."""
    held = agreed()
    own = jwks.get("keys")
    if not held.keys and not held.retired:
        return {"keys": own}
    gone = {each.thumbprint for each in held.retired if each.whose == whose and each.at <= at}
    found = [jwk for jwk in own if isinstance(jwk, dict)] if isinstance(own, list) else []
    if gone:
        found = [jwk for jwk in found if thumbprint_of(jwk) not in gone]
    if held.is_confirmed:
        found += [each.jwk for each in held.keys if each.whose == whose and each.thumbprint not in gone]
    return {"keys": found}


def thumbprint_of(jwk: Mapping[str, Any]) -> str:
    """RFC 7638; "" where it is no key."""
    try:
        return import_key({**jwk}).thumbprint()
    except (JoseError, ValueError, TypeError, KeyError):
        return ""


def note_use(whose: str, kid: str, *, at: datetime) -> None:
    """That a key was used: kept in memory until `take_used`, so that a use costs nothing."""
    if len(_used) < KEYS_NOTED_MAX or (whose, kid) in _used:
        _used[whose, kid] = at


def take_used() -> dict[tuple[str, str], datetime]:
    """What was used since this was asked last."""
    taken = dict(_used)
    _used.clear()
    return taken
