"""The host closes the record that it launched, or turns to another patient: what its launch opened ends here too.

As FHIRcast's `patient-close` and `patient-open` are for those who share a desktop (https://fhircast.org/events/), said
in one signed message (RFC 7519, RFC 8725). Said twice, nothing more is ended: there is nothing to replay.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from carerecord import logs
from carerecord.launch.context_link import ALGORITHMS, LIFE_SECONDS_MAX, SKEW_SECONDS, LaunchRefusal
from carerecord.launch.host import MEDIA_TYPE, PRIVATE, ROUTE, is_signed, read_message, refused, witness_refused
from carerecord.launch.parts import parts_of
from carerecord.organisations import Neighbour, Region
from carerecord.routing import Route
from carerecord.signin import NotSigned, check_name, peek, read_signed_by

TYP = "carerecord-context+jwt"
PATH = "/launch/context"
BYTES_MAX = 16_384
STATUS = {"organisation": 403, "iss": 401, "kid": 401, "alg": 401, "signature": 401}


class _Claims(msgspec.Struct, kw_only=True):
    aud: str
    iat: int
    exp: int
    organisation: str
    event: Literal["closed", "patient-changed"]
    launch: str  # the jti of the launch that is over


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    issuer: str
    launch: str
    event: str


async def change(request: Request) -> Response:
    """`POST /launch/context`: a host says that what it launched is closed there, or that another patient is open."""
    parts, at = parts_of(request), parts_of(request).clock()
    if not is_signed(request):
        return refused("Content-Type", f"Content-Type: it must be {MEDIA_TYPE}.", status=415)
    compact = await read_message(request, bytes_max=BYTES_MAX)
    if compact is None:
        return refused("message", f"message: it must be text of at most {BYTES_MAX} bytes.", status=413)
    audience = f"{parts.settings.public_url.rstrip('/')}{PATH}"
    said = verify(compact, region=parts.region, audience=audience, at=at)
    if isinstance(said, LaunchRefusal):
        logs.say(logs.Line.LAUNCH_REFUSED, claim=f"context {said.claim}")
        if said.neighbour:
            await witness_refused(parts, said.neighbour, rule=f"context {said.claim}", at=at)
        return refused(said.claim, said.sentence, status=STATUS.get(said.claim, 400))
    ended = await parts.sessions.close_launch(
        issuer=said.issuer, jti=said.launch, because=f"{said.event} in the host", at=at
    )
    for each in ended:  # It has ended whether or not this can be written down now.
        await parts.door.witness_event(
            "signed_out",
            staff=each.staff,
            patient_key=each.patient_key or 0,
            route=ROUTE,
            session=each.id,
            detail={"by": said.event},
            at=at,
        )
    return JSONResponse({"ended": len(ended)}, headers=PRIVATE)


def verify(compact: str, *, region: Region, audience: str, at: datetime) -> Closing | LaunchRefusal:
    """What a host says of a launch of its own, when every rule is kept."""
    neighbour = None
    try:
        issuer = peek(compact).claims.get("iss")
        neighbour = region.find_neighbour(issuer) if isinstance(issuer, str) else None
        if neighbour is None:
            raise NotSigned("iss", "no record system is registered by that name; ask those who run the record")
        claims = _read(read_signed_by(neighbour, compact, at=at, algorithms=ALGORITHMS, typ=TYP))
        _check(claims, neighbour=neighbour, audience=audience, at=at)
    except NotSigned as wrong:
        return LaunchRefusal(claim=wrong.field, sentence=f"{wrong.field}: {wrong.rule}.", neighbour=neighbour)
    return Closing(issuer=neighbour.issuer, launch=claims.launch, event=claims.event)


def _read(claims: dict[str, Any]) -> _Claims:
    try:
        return msgspec.convert(claims, _Claims)
    except msgspec.ValidationError as wrong:  # Its text may repeat a value, so it is not passed on.
        raise NotSigned("claims", "one is missing or not of the agreed kind; send them as agreed") from wrong


def _check(claims: _Claims, *, neighbour: Neighbour, audience: str, at: datetime) -> None:
    if claims.aud != audience:
        raise NotSigned("aud", f"it must be {audience}; this message is meant for somewhere else")
    if claims.organisation != neighbour.organisation:
        raise NotSigned("organisation", "a record system closes its own launches only; send its own ODS code")
    now = at.timestamp()
    if claims.iat > now + SKEW_SECONDS:
        raise NotSigned("iat", "the message is from the future; set the clock that signs it")
    if not claims.iat < claims.exp <= claims.iat + LIFE_SECONDS_MAX:
        raise NotSigned("exp", f"it must be at most {LIFE_SECONDS_MAX} seconds after iat; make it shorter")
    if claims.exp <= now - SKEW_SECONDS:
        raise NotSigned("exp", "the message has expired; make a new one")
    check_name("launch", claims.launch)


route = Route(
    method="POST",
    path=PATH,
    endpoint=change,
    access="back-channel",
    summary="A neighbour's record system closed what it launched, or turned to another patient: its chart ends here.",
)
