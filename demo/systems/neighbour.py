"""A neighbour's record system: its own patient list, and a button that opens the London record with a signed launch."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import msgspec
from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey

from demo.people import Person, generate
from demo.region.write import read_key
from demo.systems import pages
from demo.systems.evidence import Patient, kind_of, known, patients
from demo.systems.life import live, serve
from demo.systems.neighbours import Staff, read_neighbour
from demo.systems.panel import Announced, Panel

_LONDON = ZoneInfo("Europe/London")
_LAUNCH_SECONDS = 60
_SHOWN_MAX = 100
_ATTESTED_AT_ONCE = 500


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """Which neighbour runs, where, beside which record."""

    id: str
    key: Path
    record: str  # public address of the record
    record_title: str
    host: str
    port: int
    seed: int
    people: int
    until: date
    attests_every_seconds: float = 600.0  # A real system does it each night; nobody watches a demonstration so long.


class NeighbourSystem:
    """The pages and the one call that it makes to the record behind them."""

    def __init__(self, running: Running, people: Iterable[Person]) -> None:
        self.running = running
        self.neighbour = read_neighbour(running.id)
        self._key = ECKey.import_key(read_key(running.key))
        self._held = known(self.neighbour, people)
        self._launched: dict[str, Patient] = {}  # by jti: what the record took, and is not attested yet
        self.panel = Panel(self)
        self._cookie = f"staff_{running.id.replace('-', '_')}"  # Cookies know no port: each neighbour has its own.

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self.front),
                web.post("/staff", self.choose),
                web.post("/leave", self.leave),
                web.get("/patients", self.patient_list),
                web.post("/patients", self.find),
                web.post("/patients/{number}/record", self.open_record),
                web.get("/style.css", self.style),
            ]
        )
        if self.neighbour.has_panel:
            app.add_routes(self.panel.routes())
        return app

    async def front(self, _: web.Request) -> web.Response:
        return pages.page("neighbour_staff.html", system=self.neighbour, kind=kind_of(self.neighbour))

    async def style(self, _: web.Request) -> web.StreamResponse:
        return pages.style_sheet(self.neighbour.style)

    async def choose(self, request: web.Request) -> web.Response:
        staff = self.neighbour.find_staff(str((await request.post()).get("user", "")))
        if staff is None:
            raise web.HTTPSeeOther("/")
        answer = web.HTTPSeeOther("/patients")
        answer.set_cookie(self._cookie, staff.user_id, httponly=True, samesite="Lax")
        raise answer

    async def leave(self, request: web.Request) -> web.Response:
        if staff := self.neighbour.find_staff(request.cookies.get(self._cookie)):
            await self.panel.close(staff, event="closed")
        answer = web.HTTPSeeOther("/")
        answer.del_cookie(self._cookie)
        raise answer

    async def patient_list(self, request: web.Request) -> web.Response:
        return self._list(self.signed_in(request))

    async def find(self, request: web.Request) -> web.Response:
        """Those whose own number, NHS number or name begins as asked; by POST, so that no address names a patient."""
        staff = self.signed_in(request)
        return self._list(staff, wanted=str((await request.post()).get("wanted", "")).strip())

    async def open_record(self, request: web.Request) -> web.Response:
        """Asks the record for a way in and sends the browser there, or says in the list why there is none."""
        staff = self.signed_in(request)
        patient = next((each for each in self.patients() if each.number == request.match_info["number"]), None)
        if patient is None:
            raise web.HTTPSeeOther("/patients")
        answer = await self.announce(staff, patient)
        if answer.url:
            raise web.HTTPSeeOther(answer.url)
        return self._list(staff, refused=answer.sentence, about=patient, status=502)

    async def announce(self, staff: Staff, patient: Patient) -> Announced:
        """Sends a signed launch: where the browser may go with it, or why nowhere."""
        jti = uuid.uuid4().hex
        status, told = await self.send("/launch", self.mint(staff, patient, at=int(time.time()), jti=jti))
        if status == 201 and "url" in told:
            self.took(jti, patient)
            return Announced(jti=jti, url=told["url"])
        if status == 0:
            return Announced(sentence="It does not answer. Carry on without it and try again in a few minutes.")
        return Announced(sentence=str(told.get("sentence") or f"The record refused (HTTP {status})."))

    async def send(self, path: str, compact: str) -> tuple[int, dict[str, Any]]:
        """One signed message to the record: (HTTP status, what it answers); status 0 where it does not answer."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client,
                client.post(
                    f"{self.running.record}{path}", data=compact, headers={"Content-Type": "application/jwt"}
                ) as answer,
            ):
                return answer.status, msgspec.json.decode(await answer.read(), type=dict[str, Any])
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError):
            return 0, {}

    def mint(self, staff: Staff, patient: Patient, *, at: int, jti: str = "") -> str:
        """The signed launch: who looks, at whom, and on what evidence. Good for a minute and for one use."""
        person, neighbour = patient.person, self.neighbour
        claims: dict[str, Any] = {
            "iss": neighbour.issuer,
            "aud": f"{self.running.record}/launch",
            "iat": at,
            "exp": at + _LAUNCH_SECONDS,
            "jti": jti or uuid.uuid4().hex,
            "sub": staff.user_id,
            "organisation": neighbour.organisation,
            "staff": {"name": staff.name, "role_code": staff.role_code, "role_name": staff.role_name},
            "patient": {
                "nhs_number": person.nhs_number,
                "birth_date": person.birth_date.isoformat(),
                "family": person.family,
            },
            "purpose": "TREAT",
        }
        if patient.evidence:
            claims["evidence"] = msgspec.to_builtins(patient.evidence)
        return self.sign(claims, typ="carerecord-launch+jwt")

    def took(self, jti: str, patient: Patient) -> None:
        """The record took a launch: it is attested with the next."""
        self._launched[jti] = patient

    def mint_attestation(self, *, at: int) -> tuple[str, tuple[str, ...]]:
        """Which of its launches it bears out: those whose evidence still stands in its own list. Of one that named none
        there is nothing to say, so it is left out, and the record is left to ask. Also gives the jtis it is about."""
        standing = {(patient.number, patient.evidence.id) for patient in self.patients() if patient.evidence}
        about = tuple(self._launched)[:_ATTESTED_AT_ONCE]
        named = [(jti, patient, patient.evidence) for jti in about if (patient := self._launched[jti]).evidence]
        claims = {
            "iss": self.neighbour.issuer,
            "aud": f"{self.running.record}/launch/attestation",
            "iat": at,
            "exp": at + _LAUNCH_SECONDS,
            "jti": uuid.uuid4().hex,
            "organisation": self.neighbour.organisation,
            "day": datetime.fromtimestamp(at, _LONDON).date().isoformat(),
            "launches": [
                {"jti": jti, "holds": evidence is not None and (patient.number, evidence.id) in standing}
                for jti, patient, evidence in named
            ],
        }
        return self.sign(claims, typ="carerecord-attestation+jwt"), about

    async def attest(self) -> None:
        """Sends what it attests; what the record did not take is sent again the next time."""
        if not self._launched:
            return
        attestation, about = self.mint_attestation(at=int(time.time()))
        status, _ = await self.send("/launch/attestation", attestation)
        if status == 201:
            for jti in about:
                del self._launched[jti]

    async def keep_attesting(self) -> None:
        while True:
            await asyncio.sleep(self.running.attests_every_seconds)
            await self.attest()

    def sign(self, claims: dict[str, Any], *, typ: str) -> str:
        header = {"alg": "ES256", "kid": str(self._key.kid), "typ": typ}
        return jws.serialize_compact(header, msgspec.json.encode(claims), self._key, algorithms=["ES256"])

    def patients(self) -> list[Patient]:
        return patients(self.neighbour, self._held, at=datetime.now(_LONDON))

    def signed_in(self, request: web.Request) -> Staff:
        staff = self.neighbour.find_staff(request.cookies.get(self._cookie))
        if staff is None:
            raise web.HTTPSeeOther("/")
        return staff

    def _list(
        self, staff: Staff, *, refused: str = "", about: Patient | None = None, wanted: str = "", status: int = 200
    ) -> web.Response:
        everybody = self.patients()
        found = [patient for patient in everybody if _fits(patient, wanted)]
        return pages.page(
            "neighbour_patients.html",
            status=status,
            system=self.neighbour,
            kind=kind_of(self.neighbour),
            record=self.running.record_title,
            staff=staff,
            patients=found[:_SHOWN_MAX],
            found=len(found),
            all=len(everybody),
            wanted=wanted,
            refused=refused,
            about=about,
        )


def _fits(patient: Patient, wanted: str) -> bool:
    person, number = patient.person, wanted.replace(" ", "")
    asked = wanted.casefold()
    return (
        not wanted
        or person.name.casefold().startswith(asked)
        or person.nhs_number.startswith(number)
        or person.number.casefold().startswith(number.casefold())
    )


async def run(running: Running, stop: asyncio.Event) -> None:
    people = generate(running.seed, running.people, until=running.until)
    system = NeighbourSystem(running, people)
    attesting = asyncio.create_task(system.keep_attesting())
    await serve(system.app(), host=running.host, port=running.port, stop=stop)
    attesting.cancel()


if __name__ == "__main__":
    live(Running, run)
