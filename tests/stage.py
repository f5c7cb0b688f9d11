"""A stage for pages: the real routes, middleware and templates, over a door that hands out made-up values."""

from __future__ import annotations

import asyncio
import itertools
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.testclient import TestClient

from carerecord import web
from carerecord.disclosure import Document, Found, Looking, Receipt, Refusal, ShownOriginal, Summary
from carerecord.model import Evidence, EvidenceClass, OriginalReference, Purpose, Staff
from carerecord.organisations import Organisation, Region, SignIn
from carerecord.organisations.region import SourceEntry
from carerecord.reconciliation import every_entry
from carerecord.routing import starlette_routes
from carerecord.settings import Settings
from carerecord.signin import (
    KnownPerson,
    Login,
    NewSession,
    ReasonMissing,
    Session,
    SignInStart,
    patient_cookie,
    person_staff,
)
from tests import samples
from tests.made_ledger import MadeLedger, MadeLedgerDesk, MadeOwnObjections
from tests.made_privacy import MadePrivacy

STAFF = Staff(
    user_id="555000000001",
    name="Dr Amara Obi",
    role_code="S8000:G8000:R8000",
    role="clinician",
    role_name="Consultant",
    organisation="RTH",
    organisation_name="Oxford University Hospitals",
)
REGION = Region(
    name="the Capital",
    title="Capital Care Record",
    phone="020 7946 0000",
    organisations=(Organisation(ods_code="RTH", name="Oxford University Hospitals", in_region=False),),
    sources=(SourceEntry(id="riverside", organisation="RRV", name=samples.ROYAL, phone="020 7946 0011"),),
    sign_in=SignIn(issuer="https://sign-in.example", client_id="x", client_secret="x", name="Care Identity"),
)
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n"
)


NOBODY_YET: dict[str, Any] = {
    "patient_key": None,
    "evidence": Evidence(kind=EvidenceClass.NONE),
    "purpose": Purpose.TREAT,
    "route": "sign-in",
}


class MadeDoor:
    """Hands out `shown`; a Refusal in `refuses` comes instead, whatever is asked. Remembers what it was asked."""

    def __init__(self, shown: Summary) -> None:
        self.shown = shown
        self.refuses: Refusal | None = None
        self.document_shown = Document(content_type="application/pdf", content=PDF, title="Discharge summary")
        self.asked: list[tuple[Any, ...]] = []

    async def summary(self, looking: Looking) -> Summary | Refusal:
        self.asked.append(("summary", looking))
        if looking.evidence.kind is EvidenceClass.NONE:
            return Refusal(kind="reason-needed", sentences=("Say why.",))
        return self.refuses or self.shown

    async def receipt(self, looking: Looking, entry_id: str) -> Receipt | Refusal:
        self.asked.append(("receipt", looking, entry_id))
        record = self.shown.record or samples.record()
        found = next((entry for entry in every_entry(record) if entry.id == entry_id), None)
        missing = Refusal(kind="not-found", sentences=("No line of this record has this address.",))
        return self.refuses or (samples.receipt(found) if found else missing)

    async def original(self, looking: Looking, reference: OriginalReference, *, of: str) -> ShownOriginal | Refusal:
        self.asked.append(("original", looking, reference))
        return self.refuses or samples.original()

    async def document(self, looking: Looking, statement_id: str) -> Document | Refusal:
        self.asked.append(("document", looking, statement_id))
        return self.refuses or self.document_shown

    async def find(
        self, staff: Staff, *, nhs_number: str, birth_date: date, route: str, session: str, at: datetime
    ) -> Found | Refusal:
        self.asked.append(("find", staff, nhs_number, birth_date))
        found = Found(patient_key=7, name="HARTLEY, Joan (Mrs)", birth_date=birth_date, nhs_number="999 012 3454")
        return self.refuses or found

    async def witness_event(
        self, kind: str, *, staff: Staff | None, route: str, session: str, at: datetime, **_: Any
    ) -> Refusal | None:
        self.asked.append((kind, staff))
        return self.refuses

    async def declare_emergency(
        self, looking: Looking, *, evidence: Evidence, until: datetime, is_rehearsal: bool
    ) -> Refusal | None:
        self.asked.append(("declared", looking, evidence, until, is_rehearsal))
        return self.refuses


class MadeSessions:
    """Sessions in memory, with the interface of the kept ones."""

    def __init__(self) -> None:
        self.open: dict[str, Session] = {}
        self._numbers = itertools.count(1)

    def create(self, staff: Staff, **of: Any) -> NewSession:
        number, at = next(self._numbers), of.pop("at")
        parent = of.pop("parent", None)
        token, expires_at = f"token-{number}", at + timedelta(hours=1)
        self.open[token] = Session(
            id=f"session-{number}",
            staff=staff,
            created_at=at,
            expires_at=expires_at,
            token_hash=b"",
            parent_id=parent.id if parent else None,
            **of,
        )
        return NewSession(id=f"session-{number}", token=token, expires_at=expires_at)

    async def create_staff(self, staff: Staff, *, at: datetime, provider_session: str = "") -> NewSession:
        return self.create(staff, at=at, **NOBODY_YET)

    async def create_patient(self, staff: Staff, **of: Any) -> NewSession:
        return self.create(staff, **of)

    async def find(self, session_id: str, *, token: str | None, at: datetime, is_use: bool = True) -> Session | None:
        session = self.open.get(token or "")
        return session if session and session.id == session_id and session.patient_key is not None else None

    async def find_own(self, token: str | None, *, at: datetime) -> Session | None:
        session = self.open.get(token or "")
        return session if session and session.route == "ledger" else None

    async def find_staff(
        self, token: str | None, *, at: datetime, is_use: bool = True, cost: float = 1
    ) -> Session | None:
        session = self.open.get(token or "")
        return session if session and session.patient_key is None else None

    async def give_reason(self, session: Session, *, reason: str, at: datetime) -> Session:
        if not reason.strip():
            raise ReasonMissing
        given = msgspec.structs.replace(session, evidence=Evidence(kind=EvidenceClass.DECLARED, reason=reason))
        self.open = {token: given if known.id == session.id else known for token, known in self.open.items()}
        return given

    async def begin_emergency(self, session: Session, *, evidence: Evidence, until: datetime, at: datetime) -> None:
        self._put(msgspec.structs.replace(session, evidence=evidence, purpose=Purpose.BTG, emergency_until=until))

    async def end_emergency(self, session: Session, *, at: datetime) -> bool:
        back = Evidence(kind=EvidenceClass.LAUNCH)
        self._put(msgspec.structs.replace(session, evidence=back, purpose=Purpose.TREAT, emergency_until=None))
        return session.emergency_until is not None

    def _put(self, session: Session) -> None:
        self.open = {token: session if known.id == session.id else known for token, known in self.open.items()}

    async def close(self, session: Session, *, because: str, at: datetime) -> None:
        self.open = {
            token: known for token, known in self.open.items() if session.id not in (known.id, known.parent_id)
        }


class MadeWatch:
    """Nobody's session is over while its page waits."""

    async def is_over(self, session: Session, *, drawn_at: datetime) -> bool:
        await asyncio.sleep(60)
        return False


class MadeCis2:
    """A provider's answer, given: `login` is what signing in ends with."""

    is_configured = True

    def __init__(self, login: Login | Refusal) -> None:
        self.login = login

    async def start(self, *, at: datetime) -> SignInStart:
        return SignInStart(url="https://sign-in.example/authorize?state=s", cookie="secret")

    async def finish(self, **_: Any) -> Login | Refusal:
        return self.login

    async def find_login(self, cookie: str | None, *, at: datetime) -> Login | None:
        return self.login if cookie == "secret" and isinstance(self.login, Login) else None

    async def choose(self, cookie: str | None, *, role_id: str, at: datetime) -> Staff | Refusal:
        staff = self.login.staff(role_id) if isinstance(self.login, Login) else None
        return staff or Refusal(kind="not-allowed", sentences=("That role cannot be chosen.",))


class MadeNHSLogin:
    """A provider's answer for a person, given: `known` is whom signing in ends with."""

    is_configured = True

    def __init__(self, known: KnownPerson | Refusal) -> None:
        self.known = known

    async def start(self, *, at: datetime) -> SignInStart:
        return SignInStart(url="https://login.example/authorize?state=s", cookie="secret")

    async def finish(self, **_: Any) -> KnownPerson | Refusal:
        return self.known


class Stage:
    """Pages, ready to be opened: `client` is a browser without script, `chart` an open session's address."""

    def __init__(self, shown: Summary | None = None, *, login: Login | Refusal | None = None) -> None:
        self.door = MadeDoor(shown or samples.summary())
        self.sessions = MadeSessions()
        self.watch = MadeWatch()
        self.privacy = MadePrivacy()
        self.ledger = MadeLedger()
        self.ledger_desk = MadeLedgerDesk()
        self.own_objections = MadeOwnObjections()
        self.nhs_login: MadeNHSLogin | None = None
        self.cis2 = MadeCis2(login) if login else None
        self.region = REGION
        self.settings = Settings(public_url="http://127.0.0.1:8400")
        self.clock = lambda: samples.AT
        self.app = Starlette(
            routes=starlette_routes(web.routes),
            middleware=web.middleware(self.settings),
            exception_handlers=dict(web.exception_handlers()),
        )
        self.app.state.parts = self
        self.client = TestClient(
            self.app, base_url="http://127.0.0.1:8400", follow_redirects=False, raise_server_exceptions=False
        )
        self.client.headers["Origin"] = "http://127.0.0.1:8400"

    def new_chart(self, kind: EvidenceClass = EvidenceClass.APPOINTMENT) -> NewSession:
        resting_on = Evidence(kind=kind)
        return self.sessions.create(
            STAFF, patient_key=7, evidence=resting_on, purpose=Purpose.TREAT, route="launch", at=samples.AT
        )

    def open_chart(self, kind: EvidenceClass = EvidenceClass.APPOINTMENT) -> str:
        """The address of a chart whose cookie the client has."""
        new = self.new_chart(kind)
        self.client.cookies.set(patient_cookie(new.id), new.token)
        return f"/patient/{new.id}"

    def sign_in(self, role: str = "clinician", *, organisation: str = "RTH") -> str:
        """A staff session whose cookie the client has; gives its token."""
        staff = msgspec.structs.replace(STAFF, role=role, organisation=organisation)
        new = self.sessions.create(staff, at=samples.AT, **NOBODY_YET)
        self.client.cookies.set("carerecord_staff", new.token)
        return new.token

    def sign_in_person(self) -> None:
        """A person at what is their own, whose cookie the client has."""
        new = self.sessions.create(
            person_staff("NHS login"), patient_key=7, evidence=Evidence(kind=EvidenceClass.NONE),
            purpose=Purpose.PATRQT, route="ledger", at=samples.AT,
        )  # fmt: skip
        self.client.cookies.set("carerecord_own", new.token)
