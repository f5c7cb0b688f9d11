"""FHIR pushed by the region's systems: create, update, transaction, batch (https://hl7.org/fhir/R4/http.html).

Heard by the process that may write, on a port of its own. Whatever comes is kept byte for byte before it is answered;
what a source is told follows from what is kept, so the same push gets the same answer again and is kept once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from carerecord.api.answer import FHIR_JSON, NotServed, error, resource, served
from carerecord.api.bodies import Bodies
from carerecord.api.capability import statement_of_pushes
from carerecord.api.guard import check_scope, find_program
from carerecord.fhir.outcome import Severity, issue, outcome
from carerecord.intake import Answer, NotKept, Pushed, PushedResource
from carerecord.model import Outcome, Problem, Source
from carerecord.organisations import Region
from carerecord.routing import Route
from carerecord.settings import Settings
from carerecord.signin import ClientAccess

JSON = frozenset({FHIR_JSON, "application/json", "text/json"})
CONDITIONS = ("If-None-Exist", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
LETTERS = {"POST": "c", "PUT": "u"}
ENTRIES_MAX = 5_000  # Each is kept and answered by itself: a few bytes sent must not become gigabytes here.
OBJECTS_MAX = 400_000  # counted before anything is read, since empty entries are read at the cost of full ones
# Issue types of HL7's validator (https://hl7.org/fhir/R4/valueset-issue-type.html): the push is no right FHIR.
NOT_RIGHT = frozenset({"structure", "required", "value", "invariant", "code-invalid", "too-costly", "too-long"})
CODES = NOT_RIGHT | {"invalid", "not-supported"}
NOT_TAKEN_BACK = (
    "Nothing is deleted here: send the resource again with the status entered-in-error; "
    "removal is an act of those who run the record."
)


class Taking(Protocol):
    async def push(
        self, content: bytes, *, source: Source, how: str, resource_type: str, own_id: str, received_at: datetime
    ) -> Answer: ...


class Clients(Protocol):
    async def find(self, token: str | None, *, at: datetime, cost: float = 1) -> ClientAccess | None: ...


class PushParts(msgspec.Struct, frozen=True, kw_only=True):
    """What hearing pushes takes: the door in, programs' tokens, region and clock."""

    intake: Taking
    clients: Clients
    region: Region
    settings: Settings
    clock: Callable[[], datetime]
    bodies: Bodies  # read whole before their turn
    turns: asyncio.Semaphore  # how many are taken at once


class _Kind(msgspec.Struct, frozen=True):
    resourceType: str = ""  # noqa: N815


class _Request(msgspec.Struct, frozen=True):
    method: str = ""


class _Entry(msgspec.Struct):
    resource: _Kind = _Kind()
    request: _Request = _Request()

    @property
    def is_update(self) -> bool:
        return self.request.method == "PUT"

    @property
    def asked(self) -> tuple[str, str]:
        kind = self.resource.resourceType
        return kind if kind.isascii() and kind.isalpha() else "Bundle", LETTERS["PUT" if self.is_update else "POST"]


class _Body(msgspec.Struct):
    entry: tuple[_Entry, ...] = ()


_read_body = msgspec.json.Decoder(_Body).decode


@served
async def bundle(request: Request) -> Response:
    """`POST /fhir`: a transaction about one patient, or a batch of pushes."""
    parts, access, source, at = await _who(request)
    async with _body(request, parts, access) as content, parts.turns:
        return await _bundle(content, parts, access, source, at)


async def _bundle(content: bytes, parts: PushParts, access: ClientAccess, source: Source, at: datetime) -> Response:
    is_dense = content.count(b"{") > OBJECTS_MAX
    entries = () if is_dense else _look_at(content).entry
    if is_dense or len(entries) > ENTRIES_MAX:
        sentence = f"A Bundle is taken with at most {ENTRIES_MAX:,} entries: send it in several."
        raise NotServed(413, "too-costly", sentence)
    for kind, letter in sorted({each.asked for each in entries}) or [("Bundle", "c")]:
        check_scope(access, kind, letter)
    answer = await _push(parts, content, source, how="POST", received_at=at)
    if answer.is_batch:
        told = [_entry(each, parts) for each in answer.pushes]
        return resource({"resourceType": "Bundle", "type": "batch-response", "entry": told})
    pushed = answer.pushes[0]
    if pushed is None or pushed.outcome is not Outcome.RECORDED:
        return _answer_to_one(pushed, parts, is_bundle=True)
    told = [
        _recorded(pushed, each, parts, status="200 OK" if entry.is_update else "201 Created")
        for entry, each in zip(entries, pushed.resources, strict=False)  # A contained patient comes after all entries.
    ]
    if pushed.problems:
        told[0]["response"]["outcome"] = _outcome(pushed)
    return resource({"resourceType": "Bundle", "type": "transaction-response", "entry": told})


@served
async def create(request: Request) -> Response:
    """`POST /fhir/{type}`: one resource, known by its own id where it has one."""
    return await _one(request, how="POST")


@served
async def update(request: Request) -> Response:
    """`PUT /fhir/{type}/{id}`: one resource, as a newer version of what had this id before."""
    return await _one(request, how="PUT")


@served
async def delete(request: Request) -> Response:
    """`DELETE /fhir/{type}/{id}`: says how something is taken back."""
    await _who(request)
    return error(405, "not-supported", NOT_TAKEN_BACK, headers={"allow": "PUT"})


@served
async def not_pushed(request: Request) -> Response:
    """Anything else at the port for pushes."""
    where = request.app.state.parts.settings.public_url.rstrip("/")
    sentence = (
        f"Resources are pushed here by POST and PUT, and nothing is read: {where}/fhir is where records are read."
    )
    return error(404 if request.method == "GET" else 405, "not-supported", sentence)


async def _one(request: Request, *, how: str) -> Response:
    parts, access, source, at = await _who(request)
    kind, own_id = request.path_params["type"], request.path_params.get("id", "")
    check_scope(access, kind, LETTERS[how])
    async with _body(request, parts, access) as content, parts.turns:
        answer = await _push(parts, content, source, how=how, resource_type=kind, own_id=own_id, received_at=at)
    return _answer_to_one(answer.pushes[0], parts, is_bundle=False)


async def _who(request: Request) -> tuple[PushParts, ClientAccess, Source, datetime]:
    """The program behind the token, and the source it speaks for."""
    parts: PushParts = request.app.state.parts
    at = parts.clock()
    access = await find_program(request, at=at)
    client = parts.region.find_client(access.staff.user_id)
    source = parts.region.find_source(client.source) if client and client.source else None
    if source is None:
        sentence = (
            "This program speaks for no source of the record: have those who run it name one in the region's file."
        )
        raise NotServed(403, "forbidden", sentence)
    return parts, access, source, at


def _body(request: Request, parts: PushParts, access: ClientAccess) -> AbstractAsyncContextManager[bytes]:
    """The body as it came, held until it is answered. Raises NotServed where it is no JSON by its own word."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind not in JSON or request.headers.get("content-encoding", "identity") != "identity":
        sentence = f"Resources are taken as JSON alone: send {FHIR_JSON} as it is, neither XML nor compressed."
        raise NotServed(415, "not-supported", sentence)
    for name in CONDITIONS:
        if name in request.headers:
            sentence = (
                f"{name} is a condition, and conditions are not looked into here: send it without, by its own id."
            )
            raise NotServed(422, "not-supported", sentence)
    declared = request.headers.get("content-length")
    return parts.bodies.held(request.stream(), client=access.staff.user_id, declared=declared)


def _look_at(content: bytes) -> _Body:
    """Which types are asked to be created or updated; what cannot be read is refused behind the door, and kept."""
    try:
        return _read_body(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Body()


async def _push(
    parts: PushParts,
    content: bytes,
    source: Source,
    *,
    how: str,
    resource_type: str = "",
    own_id: str = "",
    received_at: datetime,
) -> Answer:
    try:
        return await parts.intake.push(
            content, source=source, how=how, resource_type=resource_type, own_id=own_id, received_at=received_at
        )
    except NotKept as lost:
        raise NotServed(503, "transient", _AGAIN, headers={"retry-after": "10"}) from lost


def _answer_to_one(pushed: Pushed | None, parts: PushParts, *, is_bundle: bool) -> Response:
    assert pushed is not None
    status = _status(pushed, is_bundle=is_bundle)
    headers = {}
    if pushed.outcome is Outcome.RECORDED:
        first = pushed.resources[0]
        headers = {
            "location": _location(first, parts),
            "etag": f'W/"{first.version}"',
            "last-modified": format_datetime(pushed.received_at, usegmt=True),
        }
    return resource(_outcome(pushed), status=status, headers=headers)


def _entry(pushed: Pushed | None, parts: PushParts) -> dict[str, Any]:
    """One entry of a batch-response."""
    if pushed is None:
        told = outcome([issue(_AGAIN, code="transient")])
        return {"response": {"status": "503 Service Unavailable", "outcome": told}}
    status = _status(pushed, is_bundle=False)
    if pushed.outcome is Outcome.RECORDED:
        entry = _recorded(pushed, pushed.resources[0], parts, status=WORDS[status])
        if pushed.problems:
            entry["response"]["outcome"] = _outcome(pushed)
        return entry
    return {"response": {"status": WORDS[status], "outcome": _outcome(pushed)}}


def _recorded(pushed: Pushed, each: PushedResource, parts: PushParts, *, status: str) -> dict[str, Any]:
    modified = pushed.received_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    location = _location(each, parts)
    return {
        "response": {"status": status, "location": location, "etag": f'W/"{each.version}"', "lastModified": modified}
    }


def _location(each: PushedResource, parts: PushParts) -> str:
    return f"{parts.settings.public_url.rstrip('/')}/fhir/{each.resource_type}/{each.logical_id}"


WORDS = {
    200: "200 OK",
    201: "201 Created",
    202: "202 Accepted",
    400: "400 Bad Request",
    422: "422 Unprocessable Entity",
}


def _status(pushed: Pushed, *, is_bundle: bool) -> int:
    """A sender need not send again what is kept, also where it is ours to mend; what is wrong in itself is refused."""
    if pushed.outcome is Outcome.RECORDED:
        return 200 if is_bundle or pushed.message_type.startswith("PUT") else 201
    if pushed.outcome is Outcome.KEPT:
        return 200
    if pushed.outcome is Outcome.REFUSED:
        return 400 if any(problem.rule in NOT_RIGHT for problem in pushed.problems if problem.fatal) else 422
    return 202


def _outcome(pushed: Pushed) -> dict[str, Any]:
    """Every problem with its path, and what became of the push."""
    issues = [_issue(problem) for problem in pushed.problems]
    if pushed.outcome is Outcome.RECORDED:
        issues.append(issue("Recorded.", code="informational", severity="information"))
    elif pushed.outcome is not Outcome.REFUSED or not issues:
        severity: Severity = "warning" if pushed.outcome is Outcome.PARKED else "information"
        issues.insert(0, issue(pushed.sentence, code="informational", severity=severity))
    # The id is what those who run the record know it by: `carerecord inbox show` takes it.
    return {**outcome(issues), "id": str(pushed.reference)}


def _issue(problem: Problem) -> dict[str, Any]:
    code = problem.rule if problem.rule in CODES else "business-rule"
    severity: Severity = "error" if problem.fatal else "warning"
    told = issue(problem.sentence, code=code, severity=severity)
    return {**told, "expression": [problem.field]} if problem.field else told


@served
async def metadata(request: Request) -> Response:
    """`GET /fhir/metadata`: what is taken here."""
    parts: PushParts = request.app.state.parts
    return resource(statement_of_pushes(settings=parts.settings, title=parts.region.title))


PUSH_TABLE: tuple[Route, ...] = (
    Route(method="GET", path="/fhir/metadata", endpoint=metadata, access="public", summary="What pushes are taken."),
    Route(
        method="POST",
        path="/fhir",
        endpoint=bundle,
        access="client",
        summary="Push a transaction about one patient, or a batch of pushes.",
    ),
    Route(
        method="POST", path="/fhir/", endpoint=bundle, access="client", summary="The same, as some clients write it."
    ),
    Route(method="POST", path="/fhir/{type}", endpoint=create, access="client", summary="Push one resource."),
    Route(
        method="PUT",
        path="/fhir/{type}/{id}",
        endpoint=update,
        access="client",
        summary="Push one resource, as a newer version of what had this id.",
    ),
    Route(
        method="DELETE",
        path="/fhir/{type}/{id}",
        endpoint=delete,
        access="client",
        summary="Say how something is taken back.",
    ),
)
push_routes: tuple[Route, ...] = PUSH_TABLE + tuple(
    Route(
        method=method,
        path="/{rest:path}",
        endpoint=not_pushed,
        access="public",
        summary="Say that nothing else is taken here.",
    )
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
)
_AGAIN = "It could not be kept, so nothing of it is here: send it again in a little while."
