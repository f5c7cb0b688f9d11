"""The neighbour's record system itself, as it is answered and witnessed where no reader of its is concerned."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from carerecord.launch.parts import Parts
from carerecord.model import Staff
from carerecord.organisations import Neighbour

ROUTE = "launch"
MEDIA_TYPE = "application/jwt"
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def is_signed(request: Request) -> bool:
    """Whether the request says that it holds one signed message."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower() == MEDIA_TYPE


async def read_message(request: Request, *, bytes_max: int) -> str | None:
    """The message; None where it is too large, or not text."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > bytes_max:
            return None
    return content.decode() if content.isascii() else None


async def witness_refused(parts: Parts, by: Neighbour, *, rule: str, at: datetime) -> None:
    """A refused message names its host: who the reader is was not proven."""
    staff = Staff(
        user_id=by.issuer,
        name=by.name,
        role_code="",
        role="unknown",
        role_name="record system",
        organisation=by.organisation,
        organisation_name=parts.region.organisation_name(by.organisation),
    )
    await parts.door.witness_event("refused", staff=staff, route=ROUTE, session=ROUTE, detail={"rule": rule}, at=at)


def refused(claim: str, sentence: str, *, status: int) -> Response:
    return JSONResponse({"error": claim, "sentence": sentence}, status_code=status, headers=PRIVATE)
