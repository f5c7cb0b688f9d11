"""Keys, changed by two people: a neighbour's or a program's public key is in force when the second agrees.

Its owner reads the thumbprint (RFC 7638) on the phone; it must be that of the key that was sent. The key before it goes
on for an overlap and ends by itself. A new key for seals is made where it is kept, by the process that works, and
announced by the next seal. What a person holds in a file outside (the secret of sign-in) stays to be done by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from carerecord import organisations
from carerecord.organisations import Client, Neighbour, Region
from carerecord.organisations.agreed import thumbprint_of
from carerecord.stewardship.in_force import store
from carerecord.stewardship.in_force.rules import KEY, WITNESS
from carerecord.stewardship.proposals import Act, DoesNotFit, Proposal, converted

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

SIGN_IN: Final = "sign-in"
CURVES: Final = ("P-256", "P-384")
RSA_BITS_MIN: Final = 2048
OVERLAP_DAYS_MAX: Final = 90
JWKS_LETTERS_MAX: Final = 20_000
PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 §6
LISTED: Final = "The key must stand in what was sent with a kid, for signatures: an EC key (P-256, P-384) or RSA."


class KeyContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    whose: str  # an issuer, a client id, "witness" or "sign-in"
    change: Literal["add", "replace", "retire"]
    thumbprint: str = ""  # of the key that comes; of the key that goes, if it is retired
    replaces: str = ""  # thumbprint of the key that goes
    overlap_days: int = 0  # for how long the key that goes is still good
    jwk: dict[str, Any] = {}


def find_holder(region: Region, whose: str) -> Neighbour | Client | None:
    return region.find_neighbour(whose) or region.find_client(whose)


def jwk_of(text: str, *, thumbprint: str) -> dict[str, Any]:
    """The one key of a JWK or JWKS (RFC 7517) that has this thumbprint. Raises DoesNotFit."""
    try:
        sent = msgspec.json.decode(text[:JWKS_LETTERS_MAX])
    except msgspec.DecodeError as wrong:
        raise DoesNotFit("What was sent is no JWKS: paste all of it, from { to }.") from wrong
    keys = sent.get("keys", [sent]) if isinstance(sent, dict) else []
    keys = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
    if any(PRIVATE & key.keys() for key in keys):
        raise DoesNotFit(
            "This holds a private key. Nothing of it was kept: its owner makes a new one and sends the public part."
        )
    found = [key for key in keys if thumbprint and thumbprint_of(key) == thumbprint]
    if len(found) != 1:
        raise DoesNotFit("No key of that thumbprint is in what was sent: have its owner read it to you again.")
    (key,) = found
    return dict(key)


def check_key(content: Mapping[str, Any], region: Region, at: datetime) -> None:
    said: KeyContent = converted(content, KeyContent, "Say whose key, what is to be done, and its thumbprint.")
    if said.whose == WITNESS:
        if said.change != "replace":
            raise DoesNotFit("The key that seals the audit is replaced: what it sealed is verified with it for ever.")
        return
    if said.whose == SIGN_IN:
        return
    holder = find_holder(region, said.whose)
    if holder is None:
        raise DoesNotFit("Nobody of that name has a key here: choose one that is listed.")
    if not 0 <= said.overlap_days <= OVERLAP_DAYS_MAX:
        raise DoesNotFit(f"The key before goes on for 0 to {OVERLAP_DAYS_MAX} days: say how many.")
    standing = organisations.keys_of(said.whose, holder.jwks, at=at)["keys"] or []
    thumbprints = {thumbprint_of(key) for key in standing}
    goes = {"add": "", "replace": said.replaces, "retire": said.thumbprint}[said.change]
    if goes and goes not in thumbprints:
        raise DoesNotFit("The key that goes is none of theirs: choose it by its thumbprint, as it is listed.")
    if said.change == "replace" and not goes:
        raise DoesNotFit("Say which key it replaces, by its thumbprint.")
    if said.change == "retire":
        if len(standing) < 2:
            raise DoesNotFit("It is their only key: replace it, or cut their record system with a switch.")
        return
    _check_new(said, standing, thumbprints, at=at)


def _check_new(said: KeyContent, standing: list[Any], thumbprints: set[str], *, at: datetime) -> None:
    if PRIVATE & said.jwk.keys():
        raise DoesNotFit("This holds a private key: its owner makes a new one and sends the public part.")
    try:
        key = import_key({**said.jwk})
    except (JoseError, ValueError, TypeError, KeyError) as wrong:
        raise DoesNotFit(LISTED) from wrong
    is_usable = (isinstance(key, ECKey) and key.curve_name in CURVES) or (
        isinstance(key, RSAKey) and key.public_key.key_size >= RSA_BITS_MIN
    )
    kid = said.jwk.get("kid")
    if not is_usable or not isinstance(kid, str) or not 0 < len(kid) <= 100 or said.jwk.get("use", "sig") != "sig":
        raise DoesNotFit(LISTED)
    if key.thumbprint() != said.thumbprint:
        raise DoesNotFit("The thumbprint is not that of the key that was sent: have its owner read it to you again.")
    if said.thumbprint in thumbprints:
        raise DoesNotFit("That key is in force already: nothing would change.")
    if kid in {each.get("kid") for each in standing}:
        raise DoesNotFit(
            "Another key of theirs bears that kid: two of one name are told apart by nobody. Ask for another."
        )
    retired = {each.thumbprint for each in organisations.agreed.agreed().retired if each.whose == said.whose}
    if said.thumbprint in retired:
        raise DoesNotFit("That key was retired here before: ask its owner for a new one.")


async def change_key(connection: Connection, proposal: Proposal) -> str | None:
    said: KeyContent = converted(proposal.content, KeyContent, "Say whose key, and what is to be done.")
    assert proposal.agreed_at is not None  # It is done in the commit that agrees.
    if said.whose == SIGN_IN:
        return None  # Its secret is in a file that this process cannot write.
    put = partial(store.put_in_force, connection, proposal=proposal.id, kind=KEY)
    if said.whose == WITNESS:
        await put(name=WITNESS, content={})
        return (
            "A new key for seals is made where the keys are kept. The next seal announces it, signed by the key before."
        )
    told = []
    if said.change in ("add", "replace"):
        words: dict[str, Any] = {"whose": said.whose, "thumbprint": said.thumbprint, "jwk": said.jwk}
        await put(name=f"{said.whose} {said.thumbprint}", content=words)
        told.append(f"The key {said.thumbprint[:12]} of {said.whose} is in force.")
    if goes := said.thumbprint if said.change == "retire" else said.replaces:
        ends_at = proposal.agreed_at + timedelta(days=said.overlap_days)
        was_added = next(
            (
                each.jwk
                for each in organisations.agreed.agreed().keys
                if (each.whose, each.thumbprint) == (said.whose, goes)
            ),
            {},
        )
        words = {"whose": said.whose, "thumbprint": goes, "jwk": was_added, "ends_at": ends_at}
        await put(name=f"{said.whose} {goes}", content=words, is_in_force=False)
        told.append(f"The key {goes[:12]} ends {'now' if not said.overlap_days else f'on {ends_at:%d-%b-%Y}'}.")
    return " ".join(told)


KEY_ACT = Act(check_key, change_key)
