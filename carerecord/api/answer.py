"""What every FHIR answer has in common: its type, its headers, errors as sentences (https://hl7.org/fhir/R4/http.html)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from carerecord import logs
from carerecord.disclosure import Refusal
from carerecord.fhir.outcome import issue, outcome
from carerecord.signin import AccessCut, TooOften

FHIR_JSON = "application/fhir+json"
FORM = "application/x-www-form-urlencoded"
FORM_BYTES_MAX = 16_384
FORM_FIELDS_MAX = 32
ACCEPTED = frozenset({"*/*", "application/*", FHIR_JSON, "application/json", "text/json", "json"})
STATUS = {"not-allowed": 403, "reason-needed": 403, "not-found": 404, "unavailable": 503}
CODE = {"not-allowed": "forbidden", "reason-needed": "forbidden", "not-found": "not-found", "unavailable": "transient"}

FAILED = "Something went wrong here, so nothing was read or changed. Try again in a minute; if it stays so, phone us."

Endpoint = Callable[[Request], Awaitable[Response]]


class NotServed(Exception):
    """The request cannot be served as it is: the sentence says why, and what to send instead."""

    def __init__(self, status: int, code: str, sentence: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.response = error(status, code, sentence, headers=headers)


def fhir(content: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        content, status_code=status, media_type=FHIR_JSON, headers={"cache-control": "no-store", **(headers or {})}
    )


def resource(content: dict[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return fhir(msgspec.json.encode(content), status=status, headers=headers)


def error(status: int, code: str, *sentences: str, headers: Mapping[str, str] | None = None) -> Response:
    return resource(outcome([issue(sentence, code=code) for sentence in sentences]), status=status, headers=headers)


def refused(refusal: Refusal) -> Response:
    """A refusal of the door, with the same sentences that a page would show."""
    return error(STATUS[refusal.kind], CODE[refusal.kind], *refusal.sentences)


def served(endpoint: Endpoint) -> Endpoint:
    """An endpoint that answers in FHIR JSON: refuses other formats, and turns NotServed into its answer."""

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        try:
            _check_format(request)
            return await endpoint(request)
        except NotServed as wrong:
            return wrong.response
        except AccessCut as cut:
            return await _cut(request, cut)
        except TooOften as too_often:
            if not too_often.is_told:
                await witness_refused(request, too_often)
            headers = {"retry-after": str(too_often.seconds)}
            return error(429, "throttled", *too_often.sentences, headers=headers)
        except Exception as fault:  # A program is answered in its own language, whatever broke.
            logs.say(logs.Line.REQUEST_FAILED, error=type(fault).__name__)
            return error(503, "exception", FAILED)

    return guarded


async def _cut(request: Request, said: AccessCut) -> Response:
    """Access is switched off: the outcome says so and whom to phone, and whoever reads records writes it down."""
    await witness_refused(request, said)
    phone = request.app.state.parts.region.phone
    code = "transient" if said.status == 503 else "forbidden"
    return error(said.status, code, *said.sentences, f"Whom to phone: {phone}.")


async def witness_refused(request: Request, said: AccessCut | TooOften) -> None:
    """Only where there is a door out: the process that hears pushes shows nothing, and has no witness."""
    parts = request.app.state.parts
    door = getattr(parts, "door", None)
    if door is not None:
        await door.witness_event(
            "refused",
            staff=said.staff,
            route=said.route,
            session=said.session,
            detail={"rule": said.rule},
            at=parts.clock(),
        )


def _check_format(request: Request) -> None:
    wanted = request.query_params.get("_format") or request.headers.get("accept") or "*/*"
    kinds = {kind.partition(";")[0].strip().casefold() for kind in wanted.replace(" json", "+json").split(",")}
    if not kinds & ACCEPTED:
        raise NotServed(406, "not-supported", f"This record speaks FHIR as JSON: ask for {FHIR_JSON}.")


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form in the request's body. Raises NotServed where it is none, too large or not text."""
    if request.headers.get("content-type", "").partition(";")[0].strip().casefold() != FORM:
        raise NotServed(415, "not-supported", f"Send the parameters in the body of the request, as {FORM}.")
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > FORM_BYTES_MAX:
            raise NotServed(413, "too-long", f"The form is too large: send less than {FORM_BYTES_MAX} bytes.")
    try:
        fields = parse_qsl(
            content.decode("utf-8"), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX, errors="strict"
        )
    except ValueError as wrong:
        raise NotServed(400, "structure", "The form could not be read: send it as UTF-8, with few fields.") from wrong
    if len({name for name, _ in fields}) < len(fields):
        raise NotServed(400, "structure", "A parameter is given more than once: give each once.")
    return dict(fields)
