"""Where accidents are tried: real messages in by the one door, a signed launch, and the real pages out to a browser."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2
import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey

from carerecord import assembly, clock, database
from carerecord.assembly import Parts
from carerecord.intake import Intake
from carerecord.launch import TYP
from carerecord.organisations import Neighbour, Organisation, Region
from carerecord.organisations.region import SourceEntry
from carerecord.record import fold
from carerecord.settings import Settings
from tests.house import House, as_opened, segment
from tests.safety.reading import Part, read

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
ISSUER = "https://epr.ouh.example"
KEY = ECKey.generate_key("P-256", {"kid": "oxford-1", "use": "sig"})
PHONE = "020 7946 0000"
CLINICIAN, ADMIN = "S8000:G8000:R8000", "S8000:G8000:R8008"
APPOINTMENT = {"kind": "appointment", "id": "A-1", "start": "2026-11-22T09:00:00+00:00", "place": "renal clinic"}
_numbers = itertools.count(1)


class Sender(msgspec.Struct, frozen=True):
    """A registered source as it writes of itself."""

    sending: str
    authority: str


BARTS, ROYAL = Sender("PAS|BARTS", "BARTS"), Sender("PAS|RFH", "RFH")
PATHOLOGY, PRACTICE = Sender("LIMS|NELP", "NELP"), Sender("EMIS|F84002", "F84002")
REGION = Region(
    name="London",
    title="London Care Record",
    phone=PHONE,
    organisations=(
        Organisation(ods_code="R1H", name="Barts Health", phone="020 7946 0001"),
        Organisation(ods_code="RAL", name="Royal Free", phone="020 7946 0002"),
        Organisation(ods_code="NELP", name="North East London Pathology", short_name="NEL Pathology"),
        Organisation(ods_code="RTH", name="Oxford University Hospitals", area="Oxfordshire", in_region=False),
        Organisation(ods_code="X26", name="Renal Registry", kind="registry", in_region=False),
        Organisation(ods_code="K84001", name="Cowley Road Practice", kind="practice", in_region=False),
        Organisation(ods_code="F84001", name="Mile End Practice", kind="practice"),
        Organisation(ods_code="F84002", name="Marsh Lane Practice", kind="practice"),
    ),
    sources=(
        SourceEntry(id="barts", organisation="R1H", name="Barts Health", sending=(BARTS.sending,)),
        SourceEntry(id="royal-free", organisation="RAL", name="Royal Free", sending=(ROYAL.sending,)),
        SourceEntry(
            id="nel-pathology", organisation="NELP", name="NEL Pathology", kind="laboratory", sending=("LIMS|NELP",)
        ),
        SourceEntry(id="marsh-lane", organisation="F84002", name="Marsh Lane Practice", sending=(PRACTICE.sending,)),
    ),
    neighbours=(
        Neighbour(
            issuer=ISSUER, organisation="RTH", name="Oxford's system", jwks={"keys": [KEY.as_dict(private=False)]}
        ),
    ),
    roles={
        CLINICIAN: "clinician",
        "gp": "gp",
        "pharmacist": "pharmacist",
        "paramedic": "paramedic",
        "psychiatrist": "mental-health-clinician",
        "social-worker": "social-worker",
        "nurse": "care-home-nurse",
        ADMIN: "admin",
    },
)


class Someone(msgspec.Struct, frozen=True, kw_only=True):
    """A person as a sender writes them down. Everybody here is invented."""

    nhs_number: str = "9990123454"
    number: str = "40012"
    family: str = "Hartley"
    given: str = "Joan"
    title: str = "Mrs"
    born: str = "19480312"
    gender: str = "F"
    address: str = "4 Mill Row^^Oxford^^OX4 1AA"
    gp: str = "K84001^Cowley Road"
    died_at: str = ""
    is_dead: str = ""

    def pid(self, authority: str) -> str:
        own = f"{self.number}^^^{authority}^MR" if self.number else ""
        traced = f"{self.nhs_number}^^^NHS^NH" if self.nhs_number else ""
        return segment(
            "PID",
            {
                1: "1",
                3: "~".join(filter(None, (own, traced))),
                5: f"{self.family}^{self.given}^^^{self.title}",
                7: self.born,
                8: self.gender,
                11: self.address,
                29: self.died_at,
                30: self.is_dead,
            },
        )


JOAN = Someone()
ARTHUR = Someone(
    nhs_number="9990200114", number="40013", given="Arthur", title="Mr", born="19450901", gender="M"
)  # her husband: the same family name, the same address


def but(person: Someone, **changes: str) -> Someone:
    return msgspec.structs.replace(person, **changes)


def wrote(
    event: str,
    *segments: str,
    by: Sender = BARTS,
    about: Someone = JOAN,
    at: str = "20261110120000",
    number: str = "",
) -> bytes:
    """One message as its sender writes it."""
    control_id = number or f"m{next(_numbers)}"
    head = f"MSH|^~\\&|{by.sending}|CR|LCR|{at}||{event}|{control_id}|P|2.4"
    demographics = f"PD1||||{about.gp}" if about.gp else "PD1|"
    return "\r".join([head, f"EVN|{event[-3:]}|{at}", about.pid(by.authority), demographics, *segments, ""]).encode()


def visit(
    number: str = "V1", *, since: str = "202611030900", until: str = "", kind: str = "I", ward: str = "WARD4"
) -> str:
    return segment(
        "PV1", {1: "1", 2: kind, 3: f"{ward}^^^BARTS", 7: "C1^Rao^Priya^^^Dr", 19: number, 44: since, 45: until}
    )


def order(number: str, battery: str = "UE^Urea and electrolytes", *, taken: str = "202611090640", **more: str) -> str:
    """OBR, of a specimen (`of`) and a status."""
    fields = {1: "1", 3: number, 4: battery, 7: taken, 15: more.get("of", ""), 25: more.get("status", "F")}
    return segment("OBR", fields)


def found(
    code: str, value: str, unit: str = "mmol/L", limits: str = "", *, flag: str = "", status: str = "F", **more: str
) -> str:
    """OBX."""
    kind = "NM" if value.replace(".", "").isdigit() else "ST"
    fields = {
        1: "1",
        2: kind,
        3: code,
        5: value,
        6: unit,
        7: limits,
        8: flag,
        11: status,
        15: more.get("laboratory", ""),
    }
    return segment("OBX", fields)


POTASSIUM = "K^Potassium"


def letter(
    number: str,
    words: str,
    *,
    title: str = "DS^Discharge summary",
    at: str = "20261110120000",
    instead_of: str = "",
    availability: str = "AV",
    completion: str = "AU",
    by: Sender = BARTS,
    about: Someone = JOAN,
) -> bytes:
    """A letter in words, as a message of its own."""
    told = {1: "1", 2: title, 3: "TX", 4: at, 6: at, 9: "C1^Rao^Priya^^^Dr", 12: number, 13: instead_of}
    txa = segment("TXA", told | {17: completion, 19: availability})
    return wrote("MDM^T02", txa, f"OBX|1|TX|{title}||{words}||||||F", by=by, about=about, at=at)


class Chart:
    """One person's record, open in one browser."""

    def __init__(self, browser: httpx2.AsyncClient, arrived: httpx2.Response) -> None:
        assert arrived.status_code == 303, arrived.text
        self.browser = browser
        self.address = arrived.headers["location"].removesuffix("/summary")
        self.cookie = arrived.headers["set-cookie"]

    async def get(self, place: str = "summary") -> httpx2.Response:
        return await self.browser.get(f"{self.address}/{place}")

    async def page(self, place: str = "summary") -> Part:
        response = await self.get(place)
        assert response.status_code == 200, response.text
        return read(response.text)

    async def close(self) -> httpx2.Response:
        return await self.browser.post(f"{self.address}/close", headers={"Origin": str(self.browser.base_url)})


class Ward(House):
    """The house with its mouths: what is heard, and what a browser is shown."""

    parts: Parts
    addresses: list[str]
    _browsers: AsyncExitStack

    async def told(self, *messages: bytes) -> list[str]:
        """What became of each."""
        return [(await self.intake.receive(each, received_at=clock.now())).outcome.value for each in messages]

    async def fold(self) -> int:
        async with database.connect(self.settings, "work") as work:
            return await fold.fold_some(work, patients_max=100, at=clock.now(), rows_min=1, age_seconds_min=0)

    async def browser(self) -> httpx2.AsyncClient:
        """A browser with a cookie jar of its own."""

        async def note_request(request: httpx2.Request) -> None:
            self.addresses.append(str(request.url))

        async def note_response(response: httpx2.Response) -> None:
            self.addresses.append(response.headers.get("location", ""))

        app = assembly.application(self.parts)
        return await self._browsers.enter_async_context(
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
                base_url=self.settings.public_url,
                event_hooks={"request": [note_request], "response": [note_response]},
                timeout=60,
            )
        )

    async def press(self, browser: httpx2.AsyncClient, person: Someone = JOAN, **changed: Any) -> httpx2.Response:
        """Oxford's button: its system announces the reader, the browser follows. What the browser gets."""
        announced = await browser.post(
            "/launch", content=signed(person, **changed), headers={"Content-Type": "application/jwt"}
        )
        if announced.status_code != 201:
            return announced
        return await browser.get(announced.json()["url"])

    async def open(self, person: Someone = JOAN, *, browser: httpx2.AsyncClient | None = None, **changed: Any) -> Chart:
        browser = browser or await self.browser()
        return Chart(browser, await self.press(browser, person, **changed))

    async def summary(self, person: Someone = JOAN, **changed: Any) -> Part:
        """The record of one person as one page, opened anew."""
        return await (await self.open(person, **changed)).page()

    async def key_of(self, person: Someone) -> int:
        """The patient_key that a person is found under."""
        key = await self.owner.fetchval(
            "select person_key from patient_index.identity where nhs_number = $1 and nhs_number_verified",
            person.nhs_number,
        )
        assert isinstance(key, int)
        return key


def signed(person: Someone = JOAN, **changed: Any) -> str:
    """What Oxford's system signs; `changed` replaces claims."""
    now = int(AT.timestamp())
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": "http://127.0.0.1:8400/launch",
        "iat": now,
        "exp": now + 60,
        "jti": f"launch-{next(_numbers)}",
        "sub": "555000111",
        "organisation": "RTH",
        "staff": {"name": "Dr Amara Osei", "role_code": CLINICIAN, "role_name": "Consultant"},
        "patient": {
            "nhs_number": person.nhs_number,
            "birth_date": f"{person.born[:4]}-{person.born[4:6]}-{person.born[6:8]}",
            "family": person.family,
        },
        "evidence": APPOINTMENT,
        "purpose": "TREAT",
    }
    told = {name: value for name, value in (claims | changed).items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": "oxford-1", "typ": TYP}, told, KEY, ["ES256"])


@asynccontextmanager
async def open_ward(settings: Settings, *, region: Region = REGION) -> AsyncIterator[Ward]:
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(database.connect(settings, "owner"))
        listen = await stack.enter_async_context(database.connect(settings, "listen"))
        serve = await stack.enter_async_context(database.connect(settings, "serve"))
        opened = await assembly.open_parts(stack, settings, region)
        intake = Intake(listen, region, settings, clock=clock.now, random_key=clock.random_key)
        stack.push_async_callback(intake.close)
        ward = Ward(settings, intake, as_opened(opened.door), serve, owner)
        ward.parts = msgspec.structs.replace(opened, clock=lambda: AT)
        ward.addresses = []
        ward._browsers = await stack.enter_async_context(AsyncExitStack())
        yield ward


def section(page: Part, name: str) -> Part:
    """One heading of the summary, by its address in the page: "allergies", "results", "stays-and-visits"..."""
    return page.one(f"#{name}")


def entries(part: Part) -> list[str]:
    """The ids of the lines that can be opened here."""
    links = [link.attributes.get("href", "") for link in part.all("a")]
    return list(dict.fromkeys(link.removeprefix("entry/") for link in links if link.startswith("entry/")))


def banner(page: Part) -> str:
    return page.one(".cr-banner").words


def closed(part: Part) -> str:
    """The words of the group of what is no longer current."""
    return " ".join(part.words_of(".cr-closed"))


def current(part: Part) -> str:
    """The words of a section without that group."""
    return part.words.replace(closed(part), "", 1) if closed(part) else part.words


def plain(html: str, *places: str) -> str:
    """A page without the ids in it, which differ between any two people and any two sessions."""
    for place in places:
        html = html.replace(place, "")
    return re.sub(r"[a-z2-7]{13}-[a-z2-7]{26}(?:\.[a-z2-7]{13})?", "ID", html)


def fields(rows: Sequence[Part]) -> list[list[str]]:
    """A table as its cells' words."""
    return [[cell.words for cell in row if cell.tag in ("th", "td")] for row in rows]
