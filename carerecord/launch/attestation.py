"""A neighbour's attestation: which of the launches that it signed rest on something that its own system still holds.

The message is ours, signed as a launch is (RFC 7519, RFC 8725). It is sent at least once a day, names every launch
since the last one, and holds no patient: a launch is known by its own `jti`, or by the evidence that it named.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from carerecord import logs
from carerecord.disclosure.values import Refusal
from carerecord.launch.context_link import ALGORITHMS, LIFE_SECONDS_MAX, SKEW_SECONDS, LaunchRefusal
from carerecord.launch.host import MEDIA_TYPE, PRIVATE, is_signed, read_message, refused, witness_refused
from carerecord.launch.parts import parts_of
from carerecord.organisations import Neighbour, Region
from carerecord.routing import Route
from carerecord.signin import NotSigned, check_name, peek, read_signed_by
from carerecord.stewardship.attestations import Attestation, Attested, Taken

TYP = "carerecord-attestation+jwt"
PATH = "/launch/attestation"
LETTERS_MAX = 120_000
LAUNCHES_MAX = 1_000
STATUS = {"organisation": 403, "iss": 401, "kid": 401, "alg": 401, "signature": 401, "jti": 409}


class _Launch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One launch: by its jti, or by the class and id of the evidence that it named."""

    holds: bool
    jti: str = ""
    kind: str = ""
    id: str = ""


class _Claims(msgspec.Struct, kw_only=True):
    aud: str
    iat: int
    exp: int
    jti: str
    organisation: str
    day: date
    launches: tuple[_Launch, ...]


async def attest(request: Request) -> Response:
    """`POST /launch/attestation`: a host says which of its launches its own system bears out."""
    parts, at = parts_of(request), parts_of(request).clock()
    if not is_signed(request):
        return refused("Content-Type", f"Content-Type: it must be {MEDIA_TYPE}.", status=415)
    compact = await read_message(request, bytes_max=LETTERS_MAX)
    if compact is None:
        return refused("message", f"message: it must be text of at most {LETTERS_MAX} bytes.", status=413)
    audience = f"{parts.settings.public_url.rstrip('/')}{PATH}"
    said = verify(compact, region=parts.region, audience=audience, at=at)
    if isinstance(said, Attestation):
        taken = await parts.attestations.take(said, at=at)
        if isinstance(taken, Refusal):
            return refused("unavailable", " ".join(taken.sentences), status=503)
        if isinstance(taken, Taken):
            return JSONResponse({"taken": taken.launches}, status_code=201, headers=PRIVATE)
        said = LaunchRefusal(
            claim="jti",
            sentence="jti: this attestation was taken before, so nothing was done again; make a new one.",
            neighbour=parts.region.find_neighbour(said.issuer),
        )
    logs.say(logs.Line.LAUNCH_REFUSED, claim=f"attestation {said.claim}")
    if said.neighbour:
        await witness_refused(parts, said.neighbour, rule=f"attestation {said.claim}", at=at)
    return refused(said.claim, said.sentence, status=STATUS.get(said.claim, 400))


def verify(compact: str, *, region: Region, audience: str, at: datetime) -> Attestation | LaunchRefusal:
    """What a neighbour attests, when every rule is kept."""
    neighbour = None
    try:
        issuer = peek(compact, letters_max=LETTERS_MAX).claims.get("iss")
        neighbour = region.find_neighbour(issuer) if isinstance(issuer, str) else None
        if neighbour is None:
            raise NotSigned("iss", "no record system is registered by that name; ask those who run the record")
        claims = _read(
            read_signed_by(neighbour, compact, at=at, algorithms=ALGORITHMS, typ=TYP, letters_max=LETTERS_MAX)
        )
        _check(claims, neighbour=neighbour, audience=audience, at=at)
    except NotSigned as wrong:
        return LaunchRefusal(claim=wrong.field, sentence=f"{wrong.field}: {wrong.rule}.", neighbour=neighbour)
    return Attestation(
        issuer=neighbour.issuer,
        organisation=neighbour.organisation,
        jti=claims.jti,
        day=claims.day,
        said_at=datetime.fromtimestamp(claims.iat, at.tzinfo),
        launches=tuple(
            Attested(jti=each.jti, kind=each.kind, id=each.id, holds=each.holds) for each in claims.launches
        ),
    )


def _read(claims: dict[str, Any]) -> _Claims:
    try:
        return msgspec.convert(claims, _Claims)
    except msgspec.ValidationError as wrong:  # Its text may repeat a value, so it is not passed on.
        raise NotSigned("claims", "one is missing or not of the agreed kind; send them as agreed") from wrong


def _check(claims: _Claims, *, neighbour: Neighbour, audience: str, at: datetime) -> None:
    if claims.aud != audience:
        raise NotSigned("aud", f"it must be {audience}; this attestation is meant for somewhere else")
    if claims.organisation != neighbour.organisation:
        raise NotSigned("organisation", "a record system attests its own launches only; send its own ODS code")
    now = at.timestamp()
    if claims.iat > now + SKEW_SECONDS:
        raise NotSigned("iat", "the attestation is from the future; set the clock that signs it")
    if not claims.iat < claims.exp <= claims.iat + LIFE_SECONDS_MAX:
        raise NotSigned("exp", f"it must be at most {LIFE_SECONDS_MAX} seconds after iat; make it shorter")
    if claims.exp <= now - SKEW_SECONDS:
        raise NotSigned("exp", "the attestation has expired; make a new one")
    check_name("jti", claims.jti)
    if len(claims.launches) > LAUNCHES_MAX:
        raise NotSigned("launches", f"there may be at most {LAUNCHES_MAX} in one message; send several")
    for each in claims.launches:
        if bool(each.jti) == bool(each.kind and each.id):
            raise NotSigned("launches", "each needs its jti, or the kind and id of its evidence, and not both")
        for text in (each.jti, each.kind, each.id):
            if text:
                check_name("launches", text)


route = Route(
    method="POST",
    path=PATH,
    endpoint=attest,
    access="back-channel",
    summary="A neighbour's record system says which of its launches its own system bears out.",
)
