"""The operator's page of the demonstration: every system, its state and its truth; lines go down and up here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from demo.channels import read_channels, read_line, sum_of
from demo.people import Person
from demo.plan import Plan
from demo.roster import LONDON, NATIONAL, NEIGHBOURS, System
from demo.systems import pages
from demo.systems.evidence import known, patients
from demo.systems.faults import WORDS, read_fault
from demo.systems.neighbours import read_neighbour
from demo.systems.outbox import Counts

_SCRIPT = Path(__file__).parent / "systems" / "templates" / "operator.js"


class SystemState(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    kind: str
    speaks: str
    address: str
    state: str  # up, starting or stopped, line down, or what it does wrong
    is_well: bool
    sent: int = 0
    waiting: int = 0
    refused: int = 0
    last_heard: str = ""
    first_click: str = ""
    is_paused: bool = False
    fault: str = ""
    faults: tuple[str, ...] = ()
    has_truth: bool = True


class Operator:
    """What the page knows and may do: it holds no process, only asks for their state and lays files beside them."""

    def __init__(self, plan: Plan, *, is_up: Callable[[str], bool]) -> None:
        self.plan = plan
        self._is_up = is_up
        self._systems: dict[str, System] = {}
        self._first_clicks: dict[str, str] = {}
        self._numbers: dict[str, dict[int, str]] = {}
        self.cost = ""

    def knows(self, systems: Iterable[System], people: list[Person]) -> None:
        self._systems = {system.id: system for system in systems}
        for system in self._systems.values():
            if system.group == NEIGHBOURS:
                held = known(read_neighbour(system.id), people)
                self._numbers[system.id] = {person.index: person.number for person in held}
                self._first_clicks[system.id] = first_click(system.id, people)

    def ready(self, *, seconds: float, resident: int | None) -> None:
        """How long the start took, and what it costs."""
        memory = f"{resident / 1024**2:,.0f} MB of memory" if resident is not None else "memory not known here"
        self.cost = f"{len(self._systems) + 1} systems, ready after {seconds:.0f} seconds, {memory}"

    def find(self, system_id: str) -> System | None:
        return self._systems.get(system_id)

    def groups(self) -> list[tuple[str, list[SystemState]]]:
        """Every system as it is now, by group, the record first."""
        ports, is_up = self.plan.ports, self._is_up("record")
        record = SystemState(
            id="record",
            name="The record",
            kind="shared care record",
            speaks=f"HL7 v2 on {ports.mllp}, FHIR on {ports.record} and {ports.fhir_push}",
            address=f"{self.plan.record}/",
            state="up" if is_up else "not running",
            is_well=is_up,
            has_truth=False,
        )
        groups = [("The record", [record])]
        for group in (LONDON, NEIGHBOURS, NATIONAL):
            groups.append((group, [self._state(each) for each in self._systems.values() if each.group == group]))
        return groups

    def _state(self, system: System) -> SystemState:
        is_up, outbox = self._is_up(system.id), self.plan.outbox(system.id)
        is_paused = system.group == LONDON and self.plan.pause(system.id).exists()
        fault = read_fault(self.plan.fault(system.id)) if system.faults else ""
        line = read_line(outbox) if system.group == LONDON else "up"
        wrong = "line down" if is_paused else WORDS.get(fault) or (line if line not in ("up", "paused") else "")
        counts = sum_of(read_channels(outbox).values()) if system.group == LONDON else Counts()
        return SystemState(
            id=system.id,
            name=system.name,
            kind=system.kind.replace("-", " "),
            speaks=system.speaks,
            address=f"{system.address}/" if system.address else "",
            state=(wrong or "up") if is_up else "not running",
            is_well=is_up and not wrong,
            sent=counts.acknowledged,
            waiting=counts.waiting,
            refused=counts.parked,
            last_heard=_ago(counts.last_answer),
            first_click=self._first_clicks.get(system.id, ""),
            is_paused=is_paused,
            fault=fault,
            faults=system.faults,
            has_truth=system.group != NATIONAL,
        )

    def truth_of(self, system: System) -> dict[str, Any]:
        """That part of the truth which one system tells, or of the people whom a neighbour holds."""
        whole = msgspec.json.decode((self.plan.home / "truth.json").read_bytes())
        numbers = self._numbers.get(system.id)
        if numbers is not None:
            held = [
                {"number": numbers[person["person"]], **person}
                for person in whole["people"]
                if person["person"] in numbers
            ]
        else:
            held = [part for person in whole["people"] if (part := _part(person, system.id))]
        return {"system": system.id, "name": system.name, "people": held}


def first_click(neighbour_id: str, people: Iterable[Person]) -> str:
    """Whom to be and whose record to open, in words; "" when the neighbour holds nobody."""
    neighbour = read_neighbour(neighbour_id)
    at = datetime.now(UTC)
    shown = [each for each in patients(neighbour, known(neighbour, people), at=at) if each.evidence]
    if not shown:
        return ""
    staff = neighbour.staff[0]
    return f"{staff.name} ({staff.post}), then {shown[0].person.name}"


def _part(person: dict[str, Any], source: str) -> dict[str, Any] | None:
    """Of one person's truth what `source` said; None when it said nothing."""
    lists = {
        name: [each for each in told if _is_from(each, source)]
        for name, told in person.items()
        if isinstance(told, list) and all(isinstance(each, dict) for each in told)
    }
    if not any(lists.values()):
        return None
    return {name: lists.get(name, told) for name, told in person.items()}


def _is_from(told: dict[str, Any], source: str) -> bool:
    if told.get("source") == source or source in (told.get("sources") or ()):
        return True
    return any(
        isinstance(each, dict) and each.get("source") == source
        for inner in told.values()
        if isinstance(inner, list)
        for each in inner
    )


def _ago(at: str | None) -> str:
    if not at:
        return "not yet"
    seconds = max(0, int((datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()))
    if seconds < 60:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 3600 else f"{seconds // 3600} h ago"


def operator_app(operator: Operator) -> web.Application:
    async def front(_: web.Request) -> web.Response:
        return pages.page("operator.html", groups=operator.groups(), cost=operator.cost, words=WORDS)

    async def change(request: web.Request) -> web.Response:
        """Takes a line down or up, or chooses what a service does wrong. Only this page may ask."""
        if not _is_from_here(request):
            raise web.HTTPForbidden(text="Only the operator's page may do that.")
        system = operator.find(request.match_info["system"])
        form = await request.post()
        fault, line = form.get("fault"), form.get("line")
        if system and line in ("down", "up") and system.group == LONDON:
            _lay(operator.plan.pause(system.id), "down" if line == "down" else "")
        elif system and fault in ("", *system.faults) and system.faults:
            _lay(operator.plan.fault(system.id), str(fault))
        else:
            raise web.HTTPNotFound(text="There is no such system, or it cannot do that.")
        raise web.HTTPSeeOther("/")

    async def show_truth(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(
            operator.plan.home / "truth.json", headers={"Content-Type": "application/json; charset=utf-8"}
        )

    async def show_truth_of(request: web.Request) -> web.Response:
        system = operator.find(request.match_info["system"])
        if system is None:
            raise web.HTTPNotFound(text="There is no such system.")
        return web.json_response(operator.truth_of(system))

    async def script(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(_SCRIPT)

    app = web.Application()
    app.add_routes(
        [
            web.get("/", front),
            web.post("/systems/{system}", change),
            web.get("/truth", show_truth),
            web.get("/truth/{system}", show_truth_of),
            web.get("/style.css", pages.style),
            web.get("/operator.js", script),
        ]
    )
    return app


def _is_from_here(request: web.Request) -> bool:
    """A form of this page, or a program. Browsers say Origin: null for a page that tells no referrer, as ours do."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    return request.headers.get("Origin") in (None, str(request.url.origin()))


def _lay(file: Path, content: str) -> None:
    """The file with the content, or no file for none."""
    if content:
        file.write_text(content, encoding="utf-8")
    else:
        file.unlink(missing_ok=True)
