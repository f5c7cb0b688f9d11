"""Every key by which something is signed or let in: whose, what for, how old, where it is kept, used last, when due.

Public parts and places alone: of a secret nothing is said but where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from carerecord import audit, organisations
from carerecord.organisations import Region
from carerecord.organisations.agreed import RetiredKey, thumbprint_of
from carerecord.settings import Settings
from carerecord.stewardship.in_force.key_deeds import SIGN_IN
from carerecord.stewardship.in_force.rules import WITNESS

ROTATES: Final = timedelta(days=365)  # our own keys, and a neighbour's that says no end itself
THEIRS: Final = "public here; the private part is kept by its owner"
IN_A_FILE: Final = "a file that the region's file names"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One public key, or a secret of which nothing is said but where it is kept."""

    whose: str
    what_for: str
    key_id: str
    thumbprint: str  # RFC 7638; "" where it is no key of that kind
    since: datetime | None  # when it was first used here, agreed here, or says it was made
    until: datetime | None  # when it ends, or is to be replaced
    custody: str
    used_at: datetime | None = None
    state: str = ""  # what is to be known of it: "ends", "asked for", ...


def keys_of(
    region: Region,
    settings: Settings,
    *,
    seals: Iterable[Mapping[str, Any]],
    asked: Iterable[datetime],
    uses: Mapping[tuple[str, str], datetime],
    at: datetime,
) -> tuple[Key, ...]:
    """`seals`: head, first and last instant of each key that sealed; `asked`: when two people agreed to a new one."""
    return (
        *_sealing(list(seals), settings, asked=asked),
        *_own(region, settings),
        *_of_others(region, uses, at=at),
    )


def _sealing(seals: list[Mapping[str, Any]], settings: Settings, *, asked: Iterable[datetime]) -> list[Key]:
    command = settings.witness_signer.removeprefix("command:")
    custody = (
        f"behind the command {command}: it signs, and the key stays with it"
        if command
        else ("a file that the working process alone reads")
    )
    found = []
    for number, row in enumerate(seals):
        key_id, is_last = audit.keys.key_id_of(row["head"]), number == len(seals) - 1
        waits = [moment for moment in asked if moment > row["first_at"]] if is_last else []
        found.append(
            Key(
                whose=WITNESS,
                what_for="seals the audit",
                key_id=key_id[:12],
                thumbprint=key_id,
                since=row["first_at"],
                until=row["first_at"] + ROTATES if is_last else row["last_at"],
                used_at=row["last_at"],
                custody=custody,
                state="a new one was agreed and has not sealed yet" if waits else "" if is_last else "replaced",
            )
        )
    return found


def _own(region: Region, settings: Settings) -> list[Key]:
    """What we hold ourselves, but for the witness's."""
    found = []
    if region.sign_in:
        found.append(_secret(SIGN_IN, f"signs us in at {region.sign_in.name}", "client secret", "", IN_A_FILE))
    if region.person_sign_in:
        key = region.person_sign_in.key
        kid, thumbprint = str(key.get("kid", "")), thumbprint_of(key)
        what_for = f"signs us in at {region.person_sign_in.name}"
        found.append(_secret(SIGN_IN, what_for, kid, thumbprint, IN_A_FILE))
    if settings.listen_tls_key:
        where = "a file that the settings name (CARERECORD_LISTEN_TLS_KEY)"
        found.append(_secret("listening", "encrypts what sources send", "TLS key", "", where))
    return found


def _secret(whose: str, what_for: str, key_id: str, thumbprint: str, custody: str) -> Key:
    return Key(
        whose=whose, what_for=what_for, key_id=key_id, thumbprint=thumbprint, since=None, until=None, custody=custody
    )


def _of_others(region: Region, uses: Mapping[tuple[str, str], datetime], *, at: datetime) -> list[Key]:
    held = organisations.agreed.agreed()
    ends = {(each.whose, each.thumbprint): each for each in held.retired}
    since = {(each.whose, each.thumbprint): each.since for each in held.keys}
    holders = [(each.issuer, "launches", each.jwks) for each in region.neighbours]
    holders += [(each.client_id, "asks by FHIR", each.jwks) for each in region.clients]
    found = []
    for whose, what_for, jwks in holders:
        for jwk in organisations.keys_of(whose, jwks, at=at)["keys"] or []:
            mark = (whose, thumbprint_of(jwk))
            found.append(_public(whose, what_for, jwk, since.get(mark), ends.get(mark), uses))
    return found


def _public(
    whose: str,
    what_for: str,
    jwk: Mapping[str, Any],
    since: datetime | None,
    ends: RetiredKey | None,
    uses: Mapping[tuple[str, str], datetime],
) -> Key:
    made = since or _instant(jwk.get("iat") or jwk.get("nbf"))
    kid = str(jwk.get("kid", ""))
    return Key(
        whose=whose,
        what_for=what_for,
        key_id=kid,
        thumbprint=thumbprint_of(jwk),
        since=made,
        until=ends.at if ends else _instant(jwk.get("exp")) or (made + ROTATES if made else None),
        used_at=uses.get((whose, kid)),
        custody=THEIRS,
        state="ends: another takes its place" if ends else "agreed here" if since else "",
    )


def _instant(seconds: object) -> datetime | None:
    return msgspec.convert(seconds, datetime, strict=False) if isinstance(seconds, int) else None
