"""Reads signed messages (JSON Web Signature, RFC 7515) with keys fixed beforehand: no message brings its own.

https://www.rfc-editor.org/rfc/rfc8725 (best practices). joserfc verifies; which key and algorithm may, is decided here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from carerecord.organisations import Client, Neighbour, keys_of
from carerecord.organisations.agreed import note_use

LETTERS_MAX = 16_384
NAME_LETTERS_MAX = 255
_KINDS: dict[str, type[ECKey] | type[RSAKey]] = {"EC": ECKey, "RSA": RSAKey}


class NotSigned(ValueError):
    """The message is not signed as agreed: `field` is the part at fault, `rule` what it broke; no value is said."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class Unverified(NamedTuple):
    header: dict[str, Any]
    claims: dict[str, Any]


def peek(compact: str, *, letters_max: int = LETTERS_MAX) -> Unverified:
    """What a message claims before anything is verified: only to find out whose keys to try. Raises NotSigned."""
    parts = compact.split(".")
    if len(compact) > letters_max or len(parts) != 3:
        raise NotSigned("message", "it is not one signed message in compact form; send header.claims.signature")
    return Unverified(_part(parts[0], "header"), _part(parts[1], "claims"))


def read_signed(
    compact: str,
    *,
    jwks: Mapping[str, Any],
    algorithms: Collection[str],
    typ: str | None = None,
    letters_max: int = LETTERS_MAX,
) -> dict[str, Any]:
    """The claims, once the signature fits the one key of `jwks` that the header names. Raises NotSigned."""
    header = peek(compact, letters_max=letters_max).header
    if "crit" in header:  # Whoever does not understand what must be understood refuses it (RFC 7515 §4.1.11).
        raise NotSigned("crit", "no extension is understood here; sign without any")
    algorithm = header.get("alg")
    if algorithm not in algorithms:
        raise NotSigned("alg", f"it must be one of {', '.join(sorted(algorithms))}; sign with one of those")
    if typ is not None and header.get("typ") != typ:
        raise NotSigned("typ", f"it must be {typ}; set it in the header")
    key = find_key(jwks, kid=header.get("kid"), algorithm=str(algorithm))
    if key is None:
        raise NotSigned(
            "kid", "no registered key of that name and kind; sign with a registered key, or register this one"
        )
    try:
        return dict(jwt.decode(compact, key, algorithms=[str(algorithm)]).claims)
    except (JoseError, RecursionError) as error:
        raise NotSigned(
            "signature", "it does not fit the registered key; check what was signed and with which key"
        ) from error


def read_signed_by(
    signer: Neighbour | Client,
    compact: str,
    *,
    at: datetime,
    algorithms: Collection[str],
    typ: str | None = None,
    letters_max: int = LETTERS_MAX,
) -> dict[str, Any]:
    """As `read_signed`, by the keys that speak for this neighbour or program now; notes that its key was used."""
    whose = signer.issuer if isinstance(signer, Neighbour) else signer.client_id
    jwks = keys_of(whose, signer.jwks, at=at)
    claims = read_signed(compact, jwks=jwks, algorithms=algorithms, typ=typ, letters_max=letters_max)
    note_use(whose, str(peek(compact, letters_max=letters_max).header.get("kid")), at=at)
    return claims


def check_name(field: str, text: str) -> None:
    """What something is known by: what cannot be seen would make two names look like one. Raises NotSigned."""
    if not 0 < len(text) <= NAME_LETTERS_MAX or not text.isprintable() or text.isspace():
        raise NotSigned(field, f"it must be a text of 1 to {NAME_LETTERS_MAX} letters that can all be seen")


def find_key(jwks: Mapping[str, Any], *, kid: object, algorithm: str) -> ECKey | RSAKey | None:
    """The one public signature key with this id that suits the algorithm. Symmetric keys are never used."""
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not isinstance(kid, str) or not kid:
        return None
    found = [
        entry
        for entry in keys
        if isinstance(entry, dict)
        and entry.get("kid") == kid
        and entry.get("kty") == ("EC" if algorithm.startswith("ES") else "RSA")
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", algorithm) == algorithm
    ]
    if len(found) != 1:
        return None
    try:
        return _KINDS[found[0]["kty"]].import_key(found[0])
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _part(text: str, name: str) -> dict[str, Any]:
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(content, type=dict[str, Any])
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise NotSigned(name, "it is not a JSON object in base64url") from error
