"""Oxford's record system: its own patient list, and a button that opens the London record with a signed launch."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import msgspec
from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey

from demo.people import generate
from demo.region.write import read_key
from demo.systems import pages
from demo.systems.life import live, serve
from demo.systems.oxford import STAFF, Patient, Staff, find_staff, patients

_LONDON = ZoneInfo("Europe/London")
_LAUNCH_SECONDS = 60
_COOKIE = "oxford_staff"


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    organisation: str
    issuer: str
    key: Path
    record: str  # public address of the record
    record_title: str
    host: str
    port: int
    seed: int
    people: int
    until: date


class NeighbourSystem:
    """The pages and the one call that it makes to the record behind them."""

    def __init__(self, neighbour: Neighbour) -> None:
        self.neighbour = neighbour
        self._key = ECKey.import_key(read_key(neighbour.key))
        self._people = [
            person
            for person in generate(neighbour.seed, neighbour.people, until=neighbour.until)
            if person.oxford_number and person.nhs_number
        ]

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self.front),
                web.post("/staff", self.choose),
                web.post("/leave", self.leave),
                web.get("/patients", self.patient_list),
                web.post("/patients/{number}/record", self.open_record),
                web.get("/style.css", pages.style),
            ]
        )
        return app

    async def front(self, _: web.Request) -> web.Response:
        return pages.page("neighbour_staff.html", system=self.neighbour.name, staff=STAFF)

    async def choose(self, request: web.Request) -> web.Response:
        staff = find_staff(str((await request.post()).get("user", "")))
        if staff is None:
            raise web.HTTPSeeOther("/")
        answer = web.HTTPSeeOther("/patients")
        answer.set_cookie(_COOKIE, staff.user_id, httponly=True, samesite="Lax")
        raise answer

    async def leave(self, _: web.Request) -> web.Response:
        answer = web.HTTPSeeOther("/")
        answer.del_cookie(_COOKIE)
        raise answer

    async def patient_list(self, request: web.Request) -> web.Response:
        return self._list(_signed_in(request))

    async def open_record(self, request: web.Request) -> web.Response:
        """Asks the record for a way in and sends the browser there, or says in the list why there is none."""
        staff = _signed_in(request)
        patient = next((each for each in self._patients() if each.number == request.match_info["number"]), None)
        if patient is None:
            raise web.HTTPSeeOther("/patients")
        launch = self.mint(staff, patient, at=int(time.time()))
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client,
                client.post(
                    f"{self.neighbour.record}/launch", data=launch, headers={"Content-Type": "application/jwt"}
                ) as answer,
            ):
                told = msgspec.json.decode(await answer.read())
                if answer.status == 201:
                    raise web.HTTPSeeOther(told["url"])
                sentence = str(told.get("sentence") or f"The record refused (HTTP {answer.status}).")
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError, KeyError):
            sentence = "It does not answer. Carry on without it and try again in a few minutes."
        return self._list(staff, refused=sentence, about=patient, status=502)

    def mint(self, staff: Staff, patient: Patient, *, at: int) -> str:
        """The signed launch: who looks, at whom, and on what evidence. Good for a minute and for one use."""
        person, neighbour = patient.person, self.neighbour
        claims: dict[str, Any] = {
            "iss": neighbour.issuer,
            "aud": f"{neighbour.record}/launch",
            "iat": at,
            "exp": at + _LAUNCH_SECONDS,
            "jti": uuid.uuid4().hex,
            "sub": staff.user_id,
            "organisation": neighbour.organisation,
            "staff": {"name": staff.name, "role_code": staff.role_code, "role_name": staff.role_name},
            "patient": {
                "nhs_number": person.nhs_number,
                "birth_date": person.now.birth_date.isoformat(),
                "family": person.now.family,
            },
            "purpose": "TREAT",
        }
        if patient.evidence:
            claims["evidence"] = msgspec.to_builtins(patient.evidence)
        header = {"alg": "ES256", "kid": str(self._key.kid), "typ": "carerecord-launch+jwt"}
        return jws.serialize_compact(header, msgspec.json.encode(claims), self._key, algorithms=["ES256"])

    def _patients(self) -> list[Patient]:
        return patients(self._people, at=datetime.now(_LONDON))

    def _list(
        self, staff: Staff, *, refused: str = "", about: Patient | None = None, status: int = 200
    ) -> web.Response:
        return pages.page(
            "neighbour_patients.html",
            status=status,
            system=self.neighbour.name,
            record=self.neighbour.record_title,
            staff=staff,
            patients=self._patients(),
            refused=refused,
            about=about,
        )


def _signed_in(request: web.Request) -> Staff:
    staff = find_staff(request.cookies.get(_COOKIE))
    if staff is None:
        raise web.HTTPSeeOther("/")
    return staff


async def run(neighbour: Neighbour, stop: asyncio.Event) -> None:
    await serve(NeighbourSystem(neighbour).app(), host=neighbour.host, port=neighbour.port, stop=stop)


if __name__ == "__main__":
    live(Neighbour, run)
