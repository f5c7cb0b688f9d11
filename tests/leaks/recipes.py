"""How each route is asked for, by everybody and about everybody: a route without a recipe fails the suite.

A recipe is handed one `Look` (a reader, a person, a chart that may be open) and judges what comes out.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import msgspec

from carerecord import api, launch, web
from carerecord.fhir.references import logical_id, patient_part
from carerecord.routing import Route
from tests.leaks import canaries
from tests.leaks.installation import Answer, Installation
from tests.leaks.judging import WHOLE, Due, Judge, due, targets
from tests.leaks.oracle import AT_WORK
from tests.leaks.people import Item, Someone
from tests.leaks.readers import Open, Reader

# Of a protected person what these are called is a place too, and is kept back (decision 0015).
CALLED_BY_PLACE: Final = ("STAYS", "LETTERS", "APPOINTMENTS", "REFERRALS", "CONTACTS", "OTHER", "DEMOGRAPHICS")
NOTHING = Due(False, frozenset())
BANNER: Final = (
    "ALLERGIES",
    "ALERTS",
    "PLANS",
    "NEEDS",
)  # headings of which something stands on every page of a person


class Look(msgspec.Struct, kw_only=True):
    place: Installation
    judge: Judge
    reader: Reader
    someone: Someone
    chart: Open
    staff: Mapping[str, str]  # cookies of having signed in
    turn: int
    is_whole: bool  # every label's item opened, instead of a few

    @property
    def seen(self) -> Due:
        return due(self.someone, self.reader.asks)

    async def ask(
        self, method: str, path: str, *, staff: bool = False, form: Mapping[str, str] | None = None
    ) -> Answer:
        cookies = self.staff if staff else self.chart.cookies
        return await self.place.ask(method, path, cookies=cookies, form=form)

    def check(
        self,
        answer: Answer,
        route: str,
        *,
        may_hold: Iterable[str] | None = None,
        owed: Iterable[str] = (),
        may_name: bool = False,
        seen: Due | None = None,
        owed_parts: tuple[str, ...] = (canaries.MAIN,),
    ) -> None:
        if answer.fault or answer.status >= 500 or not answer.status:
            self.judge.faults.append(f"{route} by {self.reader.name}: {answer.status} {answer.fault}")
        self.judge.judge(
            answer.whole,
            answer.body,
            route=route,
            reader=self.reader.name,
            someone=self.someone,
            seen=self.seen if seen is None else seen,
            may_hold=may_hold,
            owed=owed,
            may_name=may_name,
            owed_parts=owed_parts,
        )

    def items(self) -> list[Item]:
        listed = targets(self.someone, self.turn)
        return listed if self.is_whole else [listed[(self.turn + step) % len(listed)] for step in (0, 4, 9)]

    def on_banner(self) -> list[str]:
        return [item.key for item in self.someone.items if item.heading in BANNER]

    def owed_of(self, keys: Iterable[str]) -> list[str]:
        if not self.someone.is_restricted:
            return list(keys)
        return [key for key in keys if self.someone.item(key).heading not in CALLED_BY_PLACE]


_PARAMETER: Final = re.compile(r"\{[^}]+\}")
Recipe = Callable[[Look, str], Awaitable[None]]


async def _summary(look: Look, route: str) -> None:
    answer = await look.ask("GET", f"{look.chart.base}/summary")
    look.check(answer, route, owed=look.owed_of(look.seen.items))


async def _entry(look: Look, route: str) -> None:
    for item in look.items():
        id_ = logical_id(look.someone.id_key, item.local_id)
        for suffix in ("", "?in=place")[: 1 + look.turn % 2]:
            answer = await look.ask("GET", f"{look.chart.base}/entry/{id_}{suffix}")
            is_due = item.key in look.seen.items
            # A receipt speaks of its own line and no other; lines of one name may be one, so all that is due may.
            look.check(answer, route, owed=look.owed_of([item.key]) if is_due else ())
            if not is_due and answer.status == 200:
                look.judge.leaks.append(f"{route} by {look.reader.name}: {item.key} opens although it is hidden")


async def _original(look: Look, route: str) -> None:
    """Of a message that also holds what is hidden, the part that made one line, and no word of the rest."""
    hidden = [item for item in look.items() if item.key not in look.seen.items]
    for item in look.items():
        reference = look.place.originals[look.someone.name, item.key]
        address = f"{look.chart.base}/original/{reference}"
        id_ = logical_id(look.someone.id_key, item.local_id)
        answer = await look.ask("GET", f"{address}?of={id_}")
        is_due = item.key in look.seen.items and not look.someone.is_restricted
        reports = [each.key for each in look.someone.items if item.key in each.about]
        may_hold = [item.key, *reports, *look.on_banner()] if is_due else ()
        # A message of which something is to be removed is read by nobody until it has been.
        is_owed = is_due and not any(
            each.is_removed and (each.message, each.source) == (item.message, item.source)
            for each in look.someone.items
        )
        look.check(answer, route, may_hold=may_hold, owed=[item.key] if is_owed else (), owed_parts=WHOLE)
        if not is_due and answer.status == 200:
            look.judge.leaks.append(f"{route} by {look.reader.name}: the original of {item.key} opens")
        for rest in ("", "?of=x", *(f"?of={logical_id(look.someone.id_key, each.local_id)}" for each in hidden[:1])):
            look.check(await look.ask("GET", address + rest), route, may_hold=look.on_banner() if is_due else ())
    elsewhere = look.place.people["plain-0" if look.someone.name != "plain-0" else "plain-1"]
    item = elsewhere.items[look.turn % 20]
    for id_ in (logical_id(elsewhere.id_key, item.local_id), logical_id(look.someone.id_key, item.local_id)):
        address = f"{look.chart.base}/original/{look.place.originals[elsewhere.name, item.key]}?of={id_}"
        look.check(await look.ask("GET", address), route, may_hold=())


async def _document(look: Look, route: str) -> None:
    letters = [item for item in look.someone.items if item.has_file]
    for item in letters if look.is_whole else letters[:2]:
        id_ = logical_id(look.someone.id_key, item.local_id)
        answer = await look.ask("GET", f"{look.chart.base}/document/{id_}")
        is_due = item.key in look.seen.items and not look.someone.is_restricted
        owed = [item.key] if is_due else ()
        look.check(answer, route, may_hold=[item.key], owed=owed, owed_parts=(canaries.FILE,))
    elsewhere = look.place.people["plain-0" if look.someone.name != "plain-0" else "plain-1"]
    letter = next(item for item in elsewhere.items if item.has_file)
    id_ = logical_id(elsewhere.patient_key, letter.local_id)
    look.check(await look.ask("GET", f"{look.chart.base}/document/{id_}"), route, may_hold=())


def _page(path: str) -> Recipe:
    async def asked(look: Look, route: str) -> None:
        look.check(await look.ask("GET", path.format(session=look.chart.session)), route, may_hold=())

    return asked


def _form(path: str, **form: str) -> Recipe:
    """A form that changes nothing: what it lacks is asked for again."""

    async def asked(look: Look, route: str) -> None:
        answer = await look.ask("POST", path.format(session=look.chart.session), form=form)
        look.check(answer, route, may_hold=())

    return asked


def _staff_page(path: str) -> Recipe:
    async def asked(look: Look, route: str) -> None:
        look.check(await look.ask("GET", path, staff=True), route, seen=NOTHING)

    return asked


async def _find(look: Look, route: str) -> None:
    """Who they are stands on the page only of somebody who may look for them; and nothing of what was said of them."""
    born = look.someone.birth_date
    asked = {"day": str(born.day), "month": str(born.month), "year": str(born.year)}
    answer = await look.ask("POST", "/find", staff=True, form={"nhs_number": look.someone.nhs_number, **asked})
    may_look = look.reader.asks.role in AT_WORK and look.reader.asks.has_agreement
    look.check(answer, route, seen=NOTHING, may_name=may_look)
    wrong = await look.ask(
        "POST", "/find", staff=True, form={"nhs_number": look.someone.nhs_number, **asked, "year": "1931"}
    )
    look.check(wrong, route, seen=NOTHING, may_name=True)  # The number that they typed is given back to them.
    if look.someone.family.encode() in wrong.body.lower():
        look.judge.leaks.append(f"{route} by {look.reader.name}: a name is found without its date of birth")


async def _close(look: Look, route: str) -> None:
    """Asked last: the chart is closed by it, and everything after is refused."""
    look.check(await look.ask("POST", f"{look.chart.base}/close", form={}), route, may_hold=())
    look.check(await look.ask("GET", f"{look.chart.base}/summary"), route, seen=NOTHING)


async def _launch(look: Look, route: str) -> None:
    token = look.place.launch_token(look.someone, look.reader)
    answer = await look.place.ask("POST", "/launch", body=token.encode(), headers={"content-type": "application/jwt"})
    look.check(answer, route, seen=NOTHING)


async def _arrive(look: Look, route: str) -> None:
    """With a real launch: on to a chart, and with somebody else's date of birth: to nobody."""
    for changed in ({}, {"patient": {"nhs_number": look.someone.nhs_number, "birth_date": "1931-01-02"}}):
        token = look.place.launch_token(look.someone, look.reader, **changed)
        told = await look.place.ask("POST", "/launch", body=token.encode(), headers={"content-type": "application/jwt"})
        address = str(msgspec.json.decode(told.body)["url"]).removeprefix("http://127.0.0.1:8400")
        look.check(await look.place.ask("GET", address), route, seen=NOTHING)
        look.check(await look.place.ask("GET", address), route, seen=NOTHING)


def _signed(path: str) -> Recipe:
    """What only a registered system signs, signed by nobody."""

    async def asked(look: Look, route: str) -> None:
        answer = await look.place.ask("POST", path, body=b"e30.e30.e30", headers={"content-type": "application/jwt"})
        look.check(answer, route, seen=NOTHING)

    return asked


# --- For programs -----------------------------------------------------------------------------------------------------


def _program(method: str, path: str, *, owed: bool, form: bool = False) -> Recipe:
    """With each program's token and with none; a program's own role decides what is due to it."""

    async def asked(look: Look, route: str) -> None:
        if look.reader.asks.role != "program":
            seen, token = NOTHING, ""
        else:
            seen, token = look.seen, await look.place.token_once("renal-registry", "system/*.rs")
        part = patient_part(look.someone.patient_key)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        typed = {
            "identifier": f"https://fhir.nhs.uk/Id/nhs-number|{look.someone.nhs_number}",
            "birthdate": look.someone.birth_date.isoformat(),
        }
        answer = await look.place.ask(method, path.format(id=part), headers=headers, form=typed if form else None)
        if not owed:
            look.check(answer, route, seen=seen, may_hold=())
            return
        names = look.owed_of(seen.items) if not look.someone.is_restricted else ()
        look.check(answer, route, seen=seen, owed=names, owed_parts=WHOLE)

    return asked


async def _audit(look: Look, route: str) -> None:
    """For the program of a privacy office: events of its own organisation's readers, and no word of any record."""
    is_office = look.reader.asks.role == "privacy-officer"
    client, scope = ("privacy-oxford", "system/AuditEvent.rs") if is_office else ("renal-registry", "system/*.rs")
    headers = {"authorization": f"Bearer {await look.place.token_once(client, scope)}"}
    part = patient_part(look.someone.patient_key)
    answer = await look.place.ask("GET", f"/fhir/AuditEvent?patient={part}&_count=200", headers=headers)
    look.check(answer, route, seen=NOTHING, may_name=is_office)
    text = answer.body.decode()
    if look.someone.family in text.lower() or look.someone.nhs_number in text:
        look.judge.leaks.append(f"{route} by {look.reader.name}: an event names the person")
    if is_office and ('"R1H"' in text or '"RAL"' in text):
        look.judge.leaks.append(f"{route} by {look.reader.name}: an event of another organisation's reader")


def _push(method: str, path: str) -> Recipe:
    """Somebody else's source says something of nobody's: the answer says nothing of anybody."""

    async def asked(look: Look, route: str) -> None:
        token = await look.place.token_once("push-barts", "system/*.cruds")
        item = next(item for item in look.someone.items if item.resource_type == "Condition")
        body = b'{"resourceType":"Condition","id":"%b","subject":{"reference":"Patient/%b"}}' % (
            item.own_id.encode(),
            patient_part(look.someone.patient_key).encode(),
        )
        answer = await look.place.ask(
            method,
            path.format(type="Condition", id=item.own_id, rest="fhir/Condition/1"),
            body=b"" if method == "GET" else body,
            headers={"authorization": f"Bearer {token}", "content-type": "application/fhir+json"},
            pushes=True,
        )
        look.check(answer, route, seen=NOTHING, may_name=True, may_hold=())

    return asked


# --- Desks ------------------------------------------------------------------------------------------------------------


def _desk(method: str, path: str) -> Recipe:
    """Nobody is named on a page of a desk; who it is about stands on the one answer that is asked for it."""

    async def asked(look: Look, route: str) -> None:
        form = {"because": "A complaint was received.", "words": "Looked into.", "reference": "NONE"}
        for case in look.place.cases_of(look.someone) or (1,):
            address = _PARAMETER.sub(str(case), path)
            answer = await look.ask(method, address, staff=True, form=form if method == "POST" else None)
            may_name = path.endswith("/person") and look.place.may_work_on(look.reader, case)
            look.check(answer, route, seen=NOTHING, may_name=may_name)

    return asked


async def _own(look: Look, route: str) -> None:
    """A person at their own: every look of theirs opens; another's does not, nor any clinical word with either."""
    method, _, path = route.partition(" ")
    theirs = await look.place.looks_of(look.someone)
    others = await look.place.looks_of(look.place.people["plain-1" if look.someone.name == "plain-0" else "plain-0"])
    for ref, is_theirs in [*((each, True) for each in theirs[:1]), *((each, False) for each in others[:1])]:
        address = _PARAMETER.sub("1", path.replace("{ref}", ref))
        form = {"words": "Why?", "scope": "nothing"} if method == "POST" else None
        cookies = await look.place.own_cookies(look.someone)
        answer = await look.place.ask(method, address, cookies=cookies, form=form)
        look.check(answer, route, seen=NOTHING, may_name=True)
        if "{ref}" in path and not is_theirs and answer.status in (200, 303):
            look.judge.leaks.append(f"{route}: a look at somebody else opens")


def _shared(route: Route) -> Recipe | None:
    """Pages of desks and a person's own pages: each sort has one recipe, since the same holds for all of them."""
    if route.access == "desk":
        return _desk(route.method, route.path)
    return _own if route.access == "person" else None


RECIPES: dict[str, Recipe] = {
    "GET /": _page("/"),
    "GET /sign-in": _page("/sign-in"),
    "GET /sign-in/callback": _page("/sign-in/callback?state=s&code=c"),
    "GET /sign-in/role": _page("/sign-in/role"),
    "POST /sign-in/role": _form("/sign-in/role", role="1"),
    "POST /sign-out": _form("/sign-out"),
    "GET /signed-out": _page("/signed-out"),
    "GET /find": _staff_page("/find"),
    "POST /find": _find,
    "GET /patient/{session}/summary": _summary,
    "GET /patient/{session}/open": _page("/patient/{session}/open"),
    "GET /patient/{session}/reason": _page("/patient/{session}/reason"),
    "GET /patient/{session}/emergency": _page("/patient/{session}/emergency"),
    "POST /patient/{session}/emergency": _form("/patient/{session}/emergency", words="short"),
    "POST /patient/{session}/reason": _form("/patient/{session}/reason"),
    "GET /patient/{session}/entry/{entry_id}": _entry,
    "GET /patient/{session}/original/{reference}": _original,
    "GET /patient/{session}/document/{statement_id}": _document,
    "GET /patient/{session}/safety": _page("/patient/{session}/safety"),
    "POST /patient/{session}/safety": _form("/patient/{session}/safety"),
    "GET /safety": _staff_page("/safety"),
    "POST /safety": _form("/safety"),
    "GET /closed": _page("/closed"),
    "GET /static/{name}": _page("/static/carerecord.css"),
    "GET /desk": _staff_page("/desk"),
    "GET /health": _page("/health"),
    "GET /openapi.json": _page("/openapi.json"),
    "POST /launch": _launch,
    "GET /launch/{code}": _arrive,
    "POST /launch/attestation": _signed("/launch/attestation"),
    "POST /launch/context": _signed("/launch/context"),
    "POST /sign-in/back-channel-logout": _form("/sign-in/back-channel-logout", logout_token="e30.e30.e30"),
    "GET /my-record": _page("/my-record"),
    "GET /my-record/sign-in": _page("/my-record/sign-in"),
    "GET /my-record/callback": _page("/my-record/callback?state=s&code=c"),
    "POST /my-record/sign-out": _form("/my-record/sign-out"),
    "GET /fhir/metadata": _page("/fhir/metadata"),
    "GET /fhir/.well-known/smart-configuration": _page("/fhir/.well-known/smart-configuration"),
    "POST /fhir/Patient/_search": _program("POST", "/fhir/Patient/_search", owed=False, form=True),
    "GET /fhir/Patient/{id}": _program("GET", "/fhir/Patient/{id}", owed=False),
    "GET /fhir/Patient/{id}/$everything": _program("GET", "/fhir/Patient/{id}/$everything", owed=True),
    "GET /fhir/AuditEvent": _audit,
    "POST /token": _form("/token", grant_type="client_credentials"),
    **{
        f"{method} /fhir/{{rest:path}}": _program(method, "/fhir/Observation/{id}", owed=False)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    },
    # Last of a chart: it ends there.
    "POST /patient/{session}/emergency/end": _form("/patient/{session}/emergency/end"),
    "POST /patient/{session}/close": _close,
}
PUSHES: dict[str, Recipe] = {
    "GET /fhir/metadata": _push("GET", "/fhir/metadata"),
    "POST /fhir": _push("POST", "/fhir"),
    "POST /fhir/": _push("POST", "/fhir/"),
    "POST /fhir/{type}": _push("POST", "/fhir/{type}"),
    "PUT /fhir/{type}/{id}": _push("PUT", "/fhir/{type}/{id}"),
    "DELETE /fhir/{type}/{id}": _push("DELETE", "/fhir/{type}/{id}"),
    **{f"{method} /{{rest:path}}": _push(method, "/{rest}") for method in ("GET", "POST", "PUT", "PATCH", "DELETE")},
}
ENDING = ("POST /patient/{session}/emergency/end", "POST /patient/{session}/close")


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def ends_a_case(route: Route) -> bool:
    """A case that is closed or shared is another for those who come after: the campaign leaves these forms out."""
    return route.method == "POST" and route.path.endswith(("/close", "/share"))


def served() -> list[Route]:
    return [*web.routes, *launch.routes, *api.routes]


def recipe_of(route: Route) -> Recipe | None:
    return RECIPES.get(name_of(route)) or _shared(route)


def without_recipe() -> list[str]:
    """Routes that nobody here knows how to ask for: write a recipe for each before it is served."""
    missing = [name_of(route) for route in served() if recipe_of(route) is None]
    return missing + [name_of(route) for route in api.push_routes if name_of(route) not in PUSHES]
