"""Verifies a signed launch: who arrives, for whom and resting on what, or the claim and the rule at fault.

The context link is ours: a JSON Web Token (RFC 7519) by the best practices of RFC 8725.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

import msgspec

from carerecord.launch.rules import legible
from carerecord.model import STRONG_EVIDENCE, Evidence, EvidenceClass, NHSNumber, Purpose, Staff
from carerecord.organisations import Neighbour, Region, role_of
from carerecord.signin import Launch, NotSigned, check_name, peek, read_signed_by

TYP = "carerecord-launch+jwt"
ALGORITHMS = ("ES256", "ES384", "RS256")
LIFE_SECONDS_MAX = 60
SKEW_SECONDS = 5
TEXT_MAX = 255
UNKNOWN_ROLE = "unknown"
_PLACE = re.compile(r" - at `\$\.([A-Za-z_.]+)`$")
_MISSING = re.compile(r"missing required field `([A-Za-z_]+)`")


class LaunchRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a launch is not taken: the claim, and a sentence with the rule and what to do; nothing of the patient."""

    claim: str
    sentence: str
    neighbour: Neighbour | None = None  # whose launch it claims to be; None: nobody we know


class _Staff(msgspec.Struct, kw_only=True):
    name: str
    role_code: str
    role_name: str = ""


class _Patient(msgspec.Struct, kw_only=True):
    nhs_number: str
    birth_date: date
    family: str | None = None


class _Evidence(msgspec.Struct, kw_only=True):
    kind: str
    id: str | None = None
    start: str | None = None
    place: str | None = None


class _Claims(msgspec.Struct, kw_only=True):
    aud: str
    iat: int
    exp: int
    jti: str
    sub: str
    organisation: str
    staff: _Staff
    patient: _Patient
    purpose: Purpose
    evidence: _Evidence | None = None


def verify(compact: str, *, region: Region, audience: str, at: datetime) -> Launch | LaunchRefusal:
    """The launch, when every rule is kept."""
    neighbour = None
    try:
        issuer = peek(compact).claims.get("iss")
        neighbour = region.find_neighbour(issuer) if isinstance(issuer, str) else None
        if neighbour is None:
            raise NotSigned("iss", "no record system is registered by that name; ask those who run the record")
        claims = _read(read_signed_by(neighbour, compact, at=at, algorithms=ALGORITHMS, typ=TYP))
        _check(claims, neighbour=neighbour, audience=audience, at=at)
        return _launch(claims, neighbour=neighbour, region=region)
    except NotSigned as wrong:
        return LaunchRefusal(claim=wrong.field, sentence=f"{wrong.field}: {wrong.rule}.", neighbour=neighbour)


def _read(claims: dict[str, Any]) -> _Claims:
    try:
        return msgspec.convert(claims, _Claims)
    except msgspec.ValidationError as wrong:
        raise NotSigned(_place(str(wrong)), "it is missing or not of the agreed kind; send it as agreed") from wrong


def _place(said: str) -> str:
    """Which claim does not fit. msgspec may repeat a value, perhaps the patient's: only names are passed on."""
    found = _PLACE.search(said)
    missing = _MISSING.search(said)
    return ".".join(part[1] for part in (found, missing) if part) or "claims"


def _check(claims: _Claims, *, neighbour: Neighbour, audience: str, at: datetime) -> None:
    if claims.aud != audience:
        raise NotSigned("aud", f"it must be {audience}; this launch is meant for somewhere else")
    if claims.organisation != neighbour.organisation:
        raise NotSigned("organisation", "a record system launches for its own organisation only; send its own ODS code")
    now = at.timestamp()
    if claims.iat > now + SKEW_SECONDS:
        raise NotSigned("iat", "the launch is from the future; set the clock that signs it")
    if not claims.iat < claims.exp <= claims.iat + LIFE_SECONDS_MAX:
        raise NotSigned("exp", f"it must be at most {LIFE_SECONDS_MAX} seconds after iat; make it shorter")
    if claims.exp <= now - SKEW_SECONDS:
        raise NotSigned("exp", "the launch has expired; make a new one")
    for name, text in (("jti", claims.jti), ("sub", claims.sub), ("staff.role_code", claims.staff.role_code)):
        check_name(name, text)
    if claims.evidence and (claims.evidence.id or "").strip():
        check_name("evidence.id", (claims.evidence.id or "")[:TEXT_MAX])
    if len(claims.staff.name) > TEXT_MAX or not legible(claims.staff.name):
        raise NotSigned("staff.name", "the person who looks must be named; the audit keeps it")


def _launch(claims: _Claims, *, neighbour: Neighbour, region: Region) -> Launch:
    nhs_number = NHSNumber.found_in(claims.patient.nhs_number)
    if nhs_number is None:
        raise NotSigned(
            "patient.nhs_number", "it needs ten digits and a fitting check digit; check it in the host's record"
        )
    return Launch(
        issuer=neighbour.issuer,
        jti=claims.jti,
        staff=Staff(
            user_id=claims.sub,
            name=legible(claims.staff.name),
            role_code=claims.staff.role_code,
            role=role_of(region, claims.staff.role_code) or UNKNOWN_ROLE,
            role_name=legible(claims.staff.role_name)[:TEXT_MAX] or claims.staff.role_code,
            organisation=neighbour.organisation,
            organisation_name=region.organisation_name(neighbour.organisation),
            sign_in="launch",
        ),
        nhs_number=str(nhs_number),
        birth_date=claims.patient.birth_date,
        family=legible(claims.patient.family or "")[:TEXT_MAX] or None,
        evidence=_evidence(claims.evidence, said_by=neighbour.organisation),
        purpose=claims.purpose,
    )


def _evidence(said: _Evidence | None, *, said_by: str) -> Evidence:
    """Strong only when the host names which encounter, appointment and so on it means; anything else is a bare launch.

    A host cannot declare a reason for its reader, nor claim a program's agreement.
    """
    if said is None:
        return Evidence(kind=EvidenceClass.LAUNCH, said_by=said_by)
    is_strong = said.kind in STRONG_EVIDENCE and bool((said.id or "").strip())
    return Evidence(
        kind=EvidenceClass(said.kind) if is_strong else EvidenceClass.LAUNCH,
        id=said.id[:TEXT_MAX] if said.id else None,
        start=legible(said.start or "")[:TEXT_MAX] or None,
        place=legible(said.place or "")[:TEXT_MAX] or None,
        said_by=said_by,
    )
