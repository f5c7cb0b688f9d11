"""A Personal Demographics Service: FHIR R4 with its headers, its five requests a second and its refusals.

Without `NHSD-Session-URID` a caller is an application, which is told of a unique match only; with it, a staff member.
Left out: signing in (as in NHS England's own sandbox), related persons, updates.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from demo.people import Person, generate
from demo.people.numbers import nhs_numbers
from demo.systems import pages
from demo.systems.faults import doing_wrong, read_fault
from demo.systems.life import live, serve
from demo.systems.pds_resources import Entry, outcome, patient, searchset
from demo.systems.pds_search import Refused, find, read_search

ROOT = "/personal-demographics/FHIR/R4"
REQUESTS_PER_SECOND = 5
_INVALIDATED = 3


class Service(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    port: int
    seed: int
    people: int
    until: date
    fault: Path | None = None


class PersonalDemographics:
    """The register, and the pace at which it may be asked."""

    def __init__(self, service: Service, people: Iterable[Person], *, clock: Callable[[], float] = time.monotonic):
        self.service = service
        self._clock = clock
        self._asked: deque[float] = deque()
        self._entries = {entry.nhs_number: entry for person in people if (entry := Entry.of(person))}
        self._superseded = {entry.superseded: entry for entry in self._entries.values() if entry.superseded}
        numbers = nhs_numbers(service.seed + 1)  # Valid numbers in another order: a few that are nobody's.
        free = (number for number in numbers if number not in self._entries and number not in self._superseded)
        self.invalidated = frozenset(islice(free, _INVALIDATED))

    def app(self) -> web.Application:
        app = web.Application(middlewares=[doing_wrong(self.service.fault), self._polite])
        app.add_routes(
            [
                web.get("/", self.front),
                web.get("/style.css", pages.style),
                web.get(f"{ROOT}/Patient/{{number}}", self.retrieve),
                web.get(f"{ROOT}/Patient", self.search),
            ]
        )
        return app

    @web.middleware
    async def _polite(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The headers that every request must have and every answer echoes; the rate."""
        if not request.path.startswith(ROOT):
            return await handler(request)
        asked = request.headers.get("X-Request-ID")
        if self._is_too_fast():
            answer: web.StreamResponse = _refuse("TOO_MANY_REQUESTS")
            answer.headers["Retry-After"] = "1"
        elif asked is None:
            answer = _refuse(
                "MISSING_VALUE",
                "Invalid request with error - X-Request-ID header must be supplied to access this resource",
            )
        elif not _is_uuid(asked):
            answer = _refuse("INVALID_VALUE", f"Invalid value - '{asked[:40]}' in header 'X-Request-ID'")
        else:
            answer = await handler(request)
        for name in ("X-Request-ID", "X-Correlation-ID"):
            if name in request.headers:
                answer.headers[name] = request.headers[name]
        return answer

    def _is_too_fast(self) -> bool:
        """More than five in the second that has just passed, whoever asked: the demonstration is one application."""
        if read_fault(self.service.fault) == "rate-limited":
            return True
        now = self._clock()
        while self._asked and now - self._asked[0] >= 1.0:
            self._asked.popleft()
        if len(self._asked) >= REQUESTS_PER_SECOND:
            return True
        self._asked.append(now)
        return False

    async def retrieve(self, request: web.Request) -> web.Response:
        """One person. A superseded number is answered with the record that replaced it, under its own id."""
        number = request.match_info["number"]
        if not is_nhs_number(number):
            return _refuse("INVALID_RESOURCE_ID")
        if number in self.invalidated:
            return _refuse("INVALIDATED_RESOURCE")
        entry = self._entries.get(number) or self._superseded.get(number)
        if entry is None:
            return _refuse("RESOURCE_NOT_FOUND")
        told = patient(entry)
        return _fhir(told, headers={"ETag": f'W/"{told["meta"]["versionId"]}"'})

    async def search(self, request: web.Request) -> web.Response:
        query = {name: request.query.getall(name) for name in request.query}
        try:
            search = read_search(query)
        except Refused as refused:
            return _refuse(refused.code, refused.diagnostics)
        found = find(search, self._entries.values())
        allowed = search.matches_max if "NHSD-Session-URID" in request.headers else 1
        if len(found) > allowed:
            return _refuse("TOO_MANY_MATCHES")
        return _fhir(searchset(found, at=datetime.now(UTC)))

    async def front(self, _: web.Request) -> web.Response:
        """Numbers to try, one of each kind."""
        entries = self._entries.values()
        kinds = [
            ("known", next((entry.nhs_number for entry in entries if not entry.is_restricted), None)),
            ("restricted", next((entry.nhs_number for entry in entries if entry.is_restricted), None)),
            ("superseded", next(iter(self._superseded), None)),
            ("invalidated", min(self.invalidated)),
            ("deceased", next((entry.nhs_number for entry in entries if entry.now.died_at), None)),
        ]
        return pages.page(
            "service.html",
            name="Personal Demographics Service",
            base=f"http://{self.service.host}:{self.service.port}{ROOT}",
            sentence="FHIR R4. Send X-Request-ID with a UUID; ask at most five times a second.",
            tries=[(kind, f"/Patient/{number}") for kind, number in kinds if number],
        )


def is_nhs_number(text: str) -> bool:
    """Ten digits whose last fits the others (modulus 11)."""
    if not re.fullmatch(r"\d{10}", text):
        return False
    digit = 11 - sum(int(text[place]) * (10 - place) for place in range(9)) % 11
    return digit != 10 and digit % 11 == int(text[9])


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _fhir(content: dict[str, object], *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(content), status=status, content_type="application/fhir+json", headers=headers
    )


def _refuse(code: str, diagnostics: str = "") -> web.Response:
    status, told = outcome(code, diagnostics)
    return _fhir(told, status=status)


async def run(service: Service, stop: asyncio.Event) -> None:
    people = generate(service.seed, service.people, until=service.until)
    await serve(PersonalDemographics(service, people).app(), host=service.host, port=service.port, stop=stop)


if __name__ == "__main__":
    live(Service, run)
