"""The patient who is open in a neighbour's record system, and the London record in a panel beside them.

A launch opens the panel; when its system turns to another patient, or closes this one, it says so to the record, which
ends what that launch opened (docs/howto/show-the-record-in-a-panel.md).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import msgspec
from aiohttp import web

from demo.systems import pages
from demo.systems.evidence import Patient, kind_of

if TYPE_CHECKING:
    from demo.systems.neighbour import NeighbourSystem
    from demo.systems.neighbours import Staff

Event = Literal["closed", "patient-changed"]
_LAUNCH_SECONDS = 60


class _Open(msgspec.Struct):
    number: str  # of the patient, in this system
    launch: str = ""  # jti of the launch whose chart stands in the panel


class Panel:
    """One patient at a time for each member of staff. No address names one: this system remembers who is open."""

    def __init__(self, system: NeighbourSystem) -> None:
        self._system = system
        self._open: dict[str, _Open] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/patients/{number}/panel", self.turn),
            web.get("/patient", self.show),
            web.post("/patient/close", self.shut),
        ]

    async def turn(self, request: web.Request) -> web.Response:
        """Opens a patient here; whoever was open before is not any more, here or in London."""
        staff = self._system.signed_in(request)
        number = request.match_info["number"]
        if not any(patient.number == number for patient in self._system.patients()):
            raise web.HTTPSeeOther("/patients")
        await self.close(staff, event="patient-changed")
        self._open[staff.user_id] = _Open(number)
        raise web.HTTPSeeOther("/patient")

    async def show(self, request: web.Request) -> web.Response:
        """The patient's own page, with the record beside it: drawn again, it is launched again."""
        staff, everybody = self._system.signed_in(request), self._system.patients()
        opened = self._open.get(staff.user_id)
        place = next((place for place, each in enumerate(everybody) if opened and each.number == opened.number), None)
        if opened is None or place is None:
            raise web.HTTPSeeOther("/patients")
        patient = everybody[place]
        if opened.launch:
            await self._tell(opened.launch, "closed")
        answer = await self._system.announce(staff, patient)
        opened.launch = answer.jti
        return self._page(staff, patient, following=everybody[(place + 1) % len(everybody)], answer=answer)

    async def shut(self, request: web.Request) -> web.Response:
        await self.close(self._system.signed_in(request), event="closed")
        raise web.HTTPSeeOther("/patients")

    async def close(self, staff: Staff, *, event: Event) -> None:
        opened = self._open.pop(staff.user_id, None)
        if opened and opened.launch:
            await self._tell(opened.launch, event)

    def mint_closing(self, launch: str, event: Event, *, at: int) -> str:
        claims = {
            "iss": self._system.neighbour.issuer,
            "aud": f"{self._system.running.record}/launch/context",
            "iat": at,
            "exp": at + _LAUNCH_SECONDS,
            "organisation": self._system.neighbour.organisation,
            "event": event,
            "launch": launch,
        }
        return self._system.sign(claims, typ="carerecord-context+jwt")

    async def _tell(self, launch: str, event: Event) -> None:
        """A record that does not answer ends it by itself: its own page asks every few seconds, and idles out."""
        await self._system.send("/launch/context", self.mint_closing(launch, event, at=int(time.time())))

    def _page(self, staff: Staff, patient: Patient, *, following: Patient, answer: Announced) -> web.Response:
        return pages.page(
            "neighbour_patient.html",
            status=200 if answer.url else 502,
            system=self._system.neighbour,
            kind=kind_of(self._system.neighbour),
            record=self._system.running.record_title,
            staff=staff,
            patient=patient,
            following=following,
            answer=answer,
        )


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """What the record says to a launch: where to send the browser, or a sentence that says why not."""

    jti: str = ""
    url: str = ""
    sentence: str = ""
