"""Who asks: every role, resting on everything that can be there or missing, with sessions made by signing in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec

from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.signin import STAFF_COOKIE, patient_cookie
from tests.leaks.oracle import AT_WORK, CLINICAL, MAY_DECLARE, Circumstances
from tests.leaks.people import AT, Someone

if TYPE_CHECKING:
    from tests.leaks.installation import Installation

DESKS = ("privacy-officer", "caldicott-guardian", "records-manager", "local-administrator", "safety-officer")
ORGANISATIONS = {"RTH": "Oxford University Hospitals", "R1H": "Barts Health", "RAL": "Royal Free", "X99": "Elsewhere"}
EVIDENCE = {
    "strong": Evidence(kind=EvidenceClass.APPOINTMENT, id="A-1", start="2026-11-22T09:00:00+00:00", place="clinic"),
    "weak": Evidence(kind=EvidenceClass.LAUNCH),
    "weak-declared": Evidence(kind=EvidenceClass.LAUNCH),
    "none": Evidence(kind=EvidenceClass.NONE),
    "none-declared": Evidence(kind=EvidenceClass.NONE),
    "known": Evidence(kind=EvidenceClass.NONE),
    "emergency": Evidence(kind=EvidenceClass.NONE),
}


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """`asks` is what the oracle is told of them; the rest is how they come."""

    asks: Circumstances
    is_expired: bool = False
    is_closed: bool = False

    @property
    def name(self) -> str:
        asks = self.asks
        more = [word for word, says in (("expired", self.is_expired), ("closed", self.is_closed)) if says]
        if asks.is_password_alone:
            more.append("password alone")
        if asks.has_override_activity:
            more.append("override activity")
        return " ".join([asks.role, asks.relationship, asks.organisation, asks.purpose, *more])

    @property
    def route(self) -> str:
        return "launch" if self.asks.relationship in ("strong", "weak", "weak-declared") else "sign-in"

    def staff(self) -> Staff:
        asks = self.asks
        return Staff(
            user_id=f"5550{crc32(self.name.encode()) % 10**8:08}",
            name="Dr Amara Osei",
            role_code="S8000:G8000:R8000",
            role=asks.role,
            role_name="Clinical Practitioner",
            organisation=asks.organisation,
            organisation_name=ORGANISATIONS[asks.organisation],
            assurance=1 if asks.is_password_alone else None,
            activities=("B0083",) if asks.has_override_activity else (),
        )


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A chart that a reader has, or had: its session, and the cookie that belongs to it."""

    reader: Reader
    whose: str
    session: str
    cookies: dict[str, str]
    declared: bool = False

    @property
    def base(self) -> str:
        return f"/patient/{self.session}"


def readers() -> list[Reader]:
    """All of them; the first are those to whom most is due."""
    made = [Reader(asks=Circumstances(role, "strong")) for role in AT_WORK]
    made += [Reader(asks=Circumstances(role, "emergency", purpose="BTG")) for role in AT_WORK]
    made += [Reader(asks=Circumstances(role, "weak-declared")) for role in AT_WORK]
    made += [Reader(asks=Circumstances(role, "known", "R1H")) for role in ("clinician", "pharmacist", "admin")]
    made += [Reader(asks=Circumstances(role, "weak")) for role in AT_WORK]
    made += [Reader(asks=Circumstances(role, "none")) for role in AT_WORK]
    made += [Reader(asks=Circumstances(role, "none-declared")) for role in ("clinician", "social-worker", "admin")]
    made += [Reader(asks=Circumstances(role, "strong")) for role in (*DESKS, "nobody-has-this-role")]
    made += [Reader(asks=Circumstances("clinician", "strong", purpose=each)) for each in ("ETREAT", "HRESCH", "PATRQT")]
    social = Circumstances("social-worker", "emergency", purpose="BTG", has_override_activity=True)
    made += [
        Reader(asks=social),
        Reader(asks=Circumstances("clinician", "strong", "RAL")),
        Reader(asks=Circumstances("clinician", "strong", "X99", has_agreement=False)),
        Reader(asks=Circumstances("clinician", "strong", is_password_alone=True)),
        Reader(asks=Circumstances("clinician", "strong", is_session_live=False), is_expired=True),
        Reader(asks=Circumstances("clinician", "strong", is_session_live=False), is_closed=True),
    ]
    return made


assert set(MAY_DECLARE) <= set(CLINICAL)


async def open_chart(place: Installation, someone: Someone, reader: Reader) -> Open:
    """As signing in or a launch opens it; then a reason or an emergency as the reader's own request."""
    at = AT - timedelta(hours=2) if reader.is_expired else AT
    sessions = place.parts.sessions
    staff = reader.staff()
    new = await sessions.create_patient(
        staff,
        patient_key=someone.patient_key,
        evidence=EVIDENCE[reader.asks.relationship],
        purpose=Purpose.TREAT if reader.asks.purpose == "BTG" else Purpose(reader.asks.purpose),
        route=reader.route,
        at=at,
    )
    chart = Open(reader=reader, whose=someone.name, session=new.id, cookies={patient_cookie(new.id): new.token})
    if reader.asks.relationship.endswith("-declared"):
        await place.ask("POST", f"{chart.base}/reason", cookies=chart.cookies, form={"reason": "Urgent care"})
    if reader.asks.relationship == "emergency":
        form = {"reason": "vital-interests", "words": "Found collapsed in the street", "hours": "4", "confirmed": "yes"}
        await place.ask("POST", f"{chart.base}/emergency", cookies=chart.cookies, form=form)
    if reader.is_closed:
        await place.ask("POST", f"{chart.base}/close", cookies=chart.cookies, form={})
    return chart


async def sign_in(place: Installation, reader: Reader) -> dict[str, str]:
    """The cookie of somebody at work, who has opened nobody."""
    new = await place.parts.sessions.create_staff(reader.staff(), at=AT)
    return {STAFF_COOKIE: new.token}
