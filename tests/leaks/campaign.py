"""The campaign: every route by every reader about everybody, each answer judged; and twins held against each other."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from carerecord.fhir.references import logical_id, patient_part
from carerecord.routing import Route
from carerecord.settings import Settings
from tests.leaks.filling import DEEP, Filling, classes
from tests.leaks.installation import Answer, Installation, installed
from tests.leaks.judging import Judge, due, masked
from tests.leaks.oracle import Circumstances
from tests.leaks.people import Someone
from tests.leaks.readers import DESKS, Open, Reader, open_chart, readers, sign_in
from tests.leaks.recipes import ENDING, PUSHES, Look, ends_a_case, name_of, recipe_of, served

PROGRAM = Reader(asks=Circumstances("program", "agreement", "X26"))
OTHER_OFFICES = [Reader(asks=Circumstances(role, "none", "R1H")) for role in DESKS[:2]]
SHOWING = tuple(
    f"GET /patient/{{session}}/{rest}"
    for rest in ("summary", "entry/{entry_id}", "original/{reference}", "document/{statement_id}")
)
_LINK = re.compile(rb'href="(entry/[^"?]+|document/[^"?]+)')


class Twins(msgspec.Struct, kw_only=True):
    """What was compared, what differed, and how long each took: the one that hides, and its twin without."""

    compared: int = 0
    different: list[str] = []
    hiding: list[float] = []
    plain: list[float] = []


class Campaign:
    def __init__(self, place: Installation) -> None:
        self.place = place
        self.judge = Judge(place.aviary)
        self.twins = Twins()
        self._turns = itertools.count()

    async def run(self, *, all_routes_one_in: int, opened_one_in: int, refused_one_in: int) -> None:
        """Every reader to whom it is open opens everybody's record, and of those who are refused one in so many tries.
        For one chart in so many every route is asked; for one in so many its lines, letters and originals are."""
        people = [someone for someone in self.place.people.values() if not someone.name.startswith("twin-")]
        everybody = readers()
        for number, someone in enumerate(people):
            for index, reader in enumerate(everybody):
                turn = number + index
                is_deep = someone.name == DEEP
                if turn % refused_one_in and not due(someone, reader.asks).is_open:
                    continue
                await self._look(
                    reader,
                    someone,
                    is_full=turn % all_routes_one_in == 0,
                    is_opened=turn % opened_one_in == 0 or is_deep,
                )
        await self.place.read_cases()
        for number, someone in enumerate(people):
            await self._program(someone)
            await self._desks(someone, number)
            await self._own(someone)
        await self._strangers(people)

    async def _look(self, reader: Reader, someone: Someone, *, is_full: bool, is_opened: bool) -> None:
        chart = await open_chart(self.place, someone, reader)
        staff = await sign_in(self.place, reader) if is_full and reader.asks.has_agreement else {}
        is_open = due(someone, reader.asks).is_open
        look = Look(
            place=self.place,
            judge=self.judge,
            reader=reader,
            someone=someone,
            chart=chart,
            staff=staff,
            turn=next(self._turns),
            is_whole=someone.name == DEEP and is_open,
        )
        routes = [route for route in served() if route.access not in ("desk", "person") and "fhir" not in route.path]
        for route in sorted(routes, key=lambda route: name_of(route) in ENDING):
            name = name_of(route)
            if is_full or name in SHOWING[: 4 if is_opened else 1]:
                await self._ask(route, look)

    async def _ask(self, route: Route, look: Look, name: str = "") -> None:
        """That every route has a recipe is a test of its own, and names those that lack one."""
        recipe = recipe_of(route)
        if recipe is not None:
            await recipe(look, name or name_of(route))

    async def _program(self, someone: Someone) -> None:
        """A program under its agreement, and the same addresses without a token, with a chart's cookie at most."""
        for reader in (
            PROGRAM,
            Reader(asks=Circumstances("clinician", "none")),
            Reader(asks=Circumstances("privacy-officer", "none")),
        ):
            look = await self._visitor(reader, someone)
            for route in served():
                if route.path.startswith("/fhir"):
                    await self._ask(route, look)
        look = await self._visitor(PROGRAM, someone)
        for name, recipe in PUSHES.items():
            await recipe(look, f"push {name}")

    async def _desks(self, someone: Someone, number: int) -> None:
        """Each desk by its own officer, by another organisation's, and by a clinician."""
        at_desks = [Reader(asks=Circumstances(role, "none", "RTH")) for role in DESKS]
        for reader in (*at_desks, *OTHER_OFFICES, Reader(asks=Circumstances("clinician", "none"))):
            look = await self._visitor(reader, someone)
            for route in served():
                is_of_a_case = "{" in route.path
                if route.access == "desk" and (number < 2 or is_of_a_case) and not ends_a_case(route):
                    await self._ask(route, look)

    async def _own(self, someone: Someone) -> None:
        look = await self._visitor(Reader(asks=Circumstances("person", "none")), someone)
        for route in served():
            if route.access == "person":
                await self._ask(route, look)

    async def _visitor(self, reader: Reader, someone: Someone) -> Look:
        """Somebody signed in who opened no chart."""
        chart = Open(reader=reader, whose=someone.name, session="A" * 22, cookies={})
        staff = {} if reader.asks.role in ("program", "person") else await sign_in(self.place, reader)
        return Look(
            place=self.place,
            judge=self.judge,
            reader=reader,
            someone=someone,
            chart=chart,
            staff=staff,
            turn=next(self._turns),
            is_whole=False,
        )

    async def _strangers(self, people: list[Someone]) -> None:
        """With no cookie, and with the cookie of another person's chart, at the addresses of an open chart."""
        strong = readers()[0]
        for someone, other in itertools.pairwise([*people, people[0]]):
            chart, another = await open_chart(self.place, someone, strong), await open_chart(self.place, other, strong)
            for cookies in (
                {},
                another.cookies,
                {name: next(iter(another.cookies.values())) for name in chart.cookies},
            ):
                stranger = Reader(asks=Circumstances("clinician", "strong", is_session_live=False), is_closed=True)
                look = await self._visitor(stranger, someone)
                look.chart = msgspec.structs.replace(chart, reader=stranger, cookies=cookies)
                for route in served():
                    if route.access == "session" and name_of(route) not in ENDING:
                        await self._ask(route, look, f"{name_of(route)} with {'another' if cookies else 'no'} cookie")

    # --- Indistinguishable ------------------------------------------------------------------------------------------

    async def compare(self) -> None:
        """Who hides something, and who never held it: page, receipt, letter and bundle are byte for byte the same."""
        deep = self.place.people[DEEP]
        by_items = {
            frozenset(item.key for item in someone.items): someone
            for someone in self.place.people.values()
            if someone.name.startswith("twin-")
        }
        for asks in classes():
            twin = by_items.get(due(deep, asks).items)
            if twin is None:
                continue
            if asks.role == "program":
                await self._compare_bundles(deep, twin)
            else:
                await self._compare_charts(Reader(asks=asks), deep, twin)

    async def _compare_charts(self, reader: Reader, deep: Someone, twin: Someone) -> None:
        charts = [(each, await open_chart(self.place, each, reader)) for each in (deep, twin)]
        hidden = sorted(item.key for item in deep.items if item.key not in {own.key for own in twin.items})
        links: list[str] = []
        for step in itertools.count():
            path = "summary" if step == 0 else links[step - 1] if step <= len(links) else ""
            if not path:
                break
            pair: dict[str, bytes] = {}
            for someone, chart in charts if step % 2 else reversed(charts):  # Who comes second finds things at hand.
                part = patient_part(someone.patient_key)
                began = time.perf_counter()
                answer = await self.place.ask("GET", f"{chart.base}/{path.format(part=part)}", cookies=chart.cookies)
                (self.twins.hiding if someone is deep else self.twins.plain).append(time.perf_counter() - began)
                pair[someone.name] = _without_person(answer, someone)
                if step == 0 and someone is deep:
                    links = _links(answer.body, part, hidden, deep)
            self._same([pair[deep.name], pair[twin.name]], f"{path.format(part='…')} by {reader.name}")
        await self._compare_originals(reader, charts)

    async def _compare_originals(self, reader: Reader, charts: list[tuple[Someone, Open]]) -> None:
        """Messages that hold both, against messages that never held the rest."""
        for item in charts[1][0].items[::8]:
            pair = []
            for someone, chart in charts:
                reference = self.place.originals[someone.name, item.key]
                of = logical_id(someone.patient_key, item.local_id)
                path = f"{chart.base}/original/{reference}?of={of}"
                answer = await self.place.ask("GET", path, cookies=chart.cookies)
                if answer.status != 200:
                    self.twins.different.append(f"original of {item.key} by {reader.name}: {answer.status}")
                pair.append(_without_person(answer, someone))
            self._same(pair, f"original of {item.key} by {reader.name}")

    async def _compare_bundles(self, deep: Someone, twin: Someone) -> None:
        headers = {"authorization": f"Bearer {await self.place.token_once('renal-registry', 'system/*.rs')}"}
        pair = []
        for someone in (deep, twin):
            address = f"/fhir/Patient/{patient_part(someone.patient_key)}/$everything"
            pair.append(_without_person(await self.place.ask("GET", address, headers=headers), someone))
        self._same(pair, "$everything by a program")

    def _same(self, pair: list[bytes], what: str) -> None:
        self.twins.compared += 1
        if pair[0] != pair[1]:
            at = next((i for i, (a, b) in enumerate(zip(*pair, strict=False)) if a != b), min(map(len, pair)))
            told = b" | ".join(each[max(at - 60, 0) : at + 60] for each in pair)
            self.twins.different.append(f"{what}: {told!r}")


def _links(page: bytes, part: str, hidden: list[str], deep: Someone) -> list[str]:
    """Every eighth line and every second letter of the page; and some that are hidden, which must answer as if none."""
    found = sorted({link.decode().replace(part, "{part}") for link in _LINK.findall(page)})
    found = [link for link in found if link.startswith("entry/")][::8] + [
        link for link in found if link.startswith("document/")
    ][::2]
    for key in hidden[::24]:
        id_ = logical_id(deep.patient_key, deep.item(key).local_id).replace(part, "{part}")
        found += [f"entry/{id_}", f"document/{id_}"]
    return found


def _without_person(answer: Answer, someone: Someone) -> bytes:
    return masked(answer.whole + answer.body, someone, patient_part(someone.patient_key))


@asynccontextmanager
async def campaigning(settings: Settings, *, plain: int = 7) -> AsyncIterator[Campaign]:
    """With everybody in it. What the processes say aloud is judged at the end: no log may hold a word of anybody."""
    aloud = io.StringIO()
    with contextlib.redirect_stderr(aloud), contextlib.redirect_stdout(aloud):
        async with installed(settings) as place:
            await Filling(place).fill(plain=plain)
            campaign = Campaign(place)
            yield campaign
    for canary in place.aviary.found_in(aloud.getvalue().encode()):
        campaign.judge.leaks.append(f"said aloud: {canary.item} ({canary.part}) of {canary.patient}")
