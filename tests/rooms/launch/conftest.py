"""A neighbour with a key, a door that holds one person, and the launch routes served in process."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from carerecord import audit, database
from carerecord.disclosure import Found, Refusal
from carerecord.launch import TYP, routes
from carerecord.model import Staff
from carerecord.organisations import Neighbour, Organisation, Region
from carerecord.routing import starlette_routes
from carerecord.settings import Settings
from carerecord.signin import Arrivals, Sessions
from carerecord.stewardship.attestations import Attestations
from carerecord.web.security import SafeHeaders

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
ISSUER = "https://ehr.oxford.example"
NHS_NUMBER = "9990000026"


class Neighbourhood:
    """Oxford, with the key it registered, and what it would sign."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "oxford-1", "use": "sig"})
        self.region = Region(
            name="london",
            title="London Care Record",
            phone="020 7946 0000",
            organisations=(
                Organisation(ods_code="RTH", name="Oxford University Hospitals", in_region=False),
                Organisation(ods_code="RC9", name="Bedfordshire Hospitals", in_region=False),
            ),
            sources=(),
            neighbours=(
                Neighbour(
                    issuer=ISSUER,
                    organisation="RTH",
                    name="Oxford's record system",
                    jwks={"keys": [self.key.as_dict(private=False)]},
                ),
            ),
            roles={"S8000:G8000:R8000": "clinician"},
        )

    def claims(self, **changed: Any) -> dict[str, Any]:
        """The claims of a good launch; a dotted name changes an inner one, None takes it away."""
        said: dict[str, Any] = {
            "iss": ISSUER,
            "aud": "http://127.0.0.1:8400/launch",
            "iat": int(AT.timestamp()),
            "exp": int(AT.timestamp()) + 60,
            "jti": "launch-1",
            "sub": "555000000001",
            "organisation": "RTH",
            "staff": {"name": "Amara Okafor", "role_code": "S8000:G8000:R8000", "role_name": "Clinical Practitioner"},
            "patient": {"nhs_number": NHS_NUMBER, "birth_date": "1948-03-02", "family": "Hartley"},
            "evidence": {"kind": "appointment", "id": "A-77", "start": "2026-11-12T09:10:00Z", "place": "Renal clinic"},
            "purpose": "TREAT",
        }
        for name, value in changed.items():
            outer, _, inner = name.partition("__")
            place, key = (said[outer], inner) if inner else (said, outer)
            if value is None:
                del place[key]
            else:
                place[key] = value
        return said

    def sign(self, claims: dict[str, Any], *, key: Any = None, **header: Any) -> str:
        named = {"alg": "ES256", "kid": "oxford-1", "typ": TYP, **header}
        return jwt.encode(named, claims, key or self.key, [named["alg"]])

    def launch(self, **changed: Any) -> str:
        return self.sign(self.claims(**changed))


class Door:
    """Holds Joan Hartley, and remembers what it was asked to witness."""

    def __init__(self) -> None:
        self.name = "HARTLEY, Joan (Mrs)"
        self.witnessed: list[dict[str, Any]] = []
        self.is_witness_lost = False

    async def find(
        self, staff: Staff, *, nhs_number: str, birth_date: date, route: str, session: str, at: datetime
    ) -> Found | Refusal:
        if staff.role == "unknown":
            return Refusal(kind="not-allowed", sentences=("Your role is not one that this record knows.",))
        if nhs_number != NHS_NUMBER or birth_date != date(1948, 3, 2):
            return Refusal(kind="not-found", sentences=("No person is found.",))
        return Found(patient_key=4711, name=self.name, birth_date=birth_date, nhs_number="999 000 0026")

    async def witness_event(self, kind: str, **said: Any) -> Refusal | None:
        self.witnessed.append({"kind": kind, **said})
        return Refusal(kind="unavailable", sentences=("It cannot be shown.",)) if self.is_witness_lost else None


class Pages:
    def refusal(self, request: Request, refusal: Refusal, status: int) -> Response:
        return PlainTextResponse("\n".join(refusal.sentences), status_code=status)


class Parts(msgspec.Struct):
    door: Door
    sessions: Sessions
    arrivals: Arrivals
    attestations: Attestations
    pages: Pages
    region: Region
    settings: Settings
    now: datetime = AT

    def clock(self) -> datetime:
        return self.now


class House(msgspec.Struct):
    """The launch routes, served in process, with what stands behind them."""

    browser: httpx2.AsyncClient
    parts: Parts
    db: database.Database
    owner: database.Database

    async def announce(self, compact: str, content_type: str = "application/jwt") -> httpx2.Response:
        return await self.browser.post("/launch", content=compact, headers={"Content-Type": content_type})

    async def arrive(self, compact: str) -> httpx2.Response:
        announced = await self.announce(compact)
        assert announced.status_code == 201, announced.text
        return await self.browser.get(announced.json()["url"])


@pytest.fixture(scope="session")
def oxford() -> Neighbourhood:
    return Neighbourhood()


@pytest.fixture
def open_house(settings: Settings, oxford: Neighbourhood) -> Callable[[], AbstractAsyncContextManager[House]]:
    """The house, to be opened inside the test's own event loop."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[House]:
        async with (
            database.connect(settings, "serve") as db,
            database.connect(settings, "owner") as owner,
            audit.Writer.open(db) as writer,
        ):
            parts = Parts(
                door=Door(),
                sessions=Sessions(db, settings),
                arrivals=Arrivals(db),
                attestations=Attestations(db, writer, oxford.region),
                pages=Pages(),
                region=oxford.region,
                settings=settings,
            )
            app = Starlette(routes=starlette_routes(routes), middleware=[Middleware(SafeHeaders, is_https=False)])
            app.state.parts = parts
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(transport=transport, base_url=settings.public_url) as browser:
                yield House(browser=browser, parts=parts, db=db, owner=owner)

    return opened
