"""A whole installation in one process: real PostgreSQL, intake, door, sign-in and pages, and people to look for."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, timedelta
from typing import Any, NamedTuple

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette

from carerecord import api, assembly, audit, clock, database, signin
from carerecord.assembly import Parts
from carerecord.fhir.references import patient_part
from carerecord.intake import Intake
from carerecord.model import Evidence, EvidenceClass, OriginalReference, Purpose, Staff
from carerecord.organisations import Client, Neighbour, Organisation, Region
from carerecord.organisations.region import SourceEntry
from carerecord.patient_index import find_person, unlink
from carerecord.record import dictionary, fold
from carerecord.record.append import LogRow, append
from carerecord.settings import Settings
from carerecord.signin import watching
from carerecord.signin.guard import OWN_COOKIE
from carerecord.signin.nhs_login import person_staff
from carerecord.signin.sessions import OWN_ROUTE
from carerecord.stewardship.objections import Objections, Scope, Told
from carerecord.stewardship.proposals import Kind, Proposal
from carerecord.stewardship.removal_plan import Target
from tests.house import CLIENT_KEY
from tests.leaks import canaries
from tests.leaks.canaries import Aviary
from tests.leaks.oracle import OPENED
from tests.leaks.people import AT, Item, Someone, Writer, nhs_number
from tests.leaks.readers import Reader
from tests.rooms.stewardship.removals import withdraw
from tests.said import as_statement

BASE = "http://127.0.0.1:8400"
ISSUER = "https://epr.ouh.example"
KEY = ECKey.generate_key("P-256", {"kid": "oxford-1", "use": "sig"})
ADMITTED = "PV1|1|I|WARD4^^^BARTS||||C1^RAO^P^^^Dr||||||||||||V1|||||||||||||||||||||||||202611030900"
_KEYS = {"keys": [CLIENT_KEY.as_dict(private=False)]}
REGION = Region(
    name="London",
    title="London Care Record",
    phone="020 7946 0000",
    organisations=(
        Organisation(ods_code="R1H", name="Barts Health", phone="020 7946 0001"),
        Organisation(ods_code="RAL", name="Royal Free", phone="020 7946 0002"),
        Organisation(ods_code="RTH", name="Oxford University Hospitals", area="Oxfordshire", in_region=False),
        Organisation(ods_code="RC9", name="Bedfordshire Hospitals", in_region=False),
        Organisation(ods_code="K84001", name="Cowley Road Practice", kind="practice", in_region=False),
        Organisation(ods_code="X26", name="Renal Registry", kind="registry"),
    ),
    sources=(
        SourceEntry(
            id="barts", organisation="R1H", name="Barts Health", sending=("PAS|BARTS",), local_authorities=("BARTS",)
        ),
        SourceEntry(
            id="royal-free", organisation="RAL", name="Royal Free", sending=("PAS|RFH",), local_authorities=("RFH",)
        ),
    ),
    neighbours=(
        Neighbour(
            issuer=ISSUER,
            organisation="RTH",
            name="Oxford's record system",
            jwks={"keys": [KEY.as_dict(private=False)]},
        ),
    ),
    clients=(
        Client(client_id="renal-registry", organisation="X26", name="Renal Registry", jwks=_KEYS, scope="system/*.rs"),
        Client(
            client_id="privacy-oxford",
            organisation="RTH",
            name="Oxford privacy office",
            jwks=_KEYS,
            scope="system/AuditEvent.rs",
            role="privacy-officer",
        ),
        Client(
            client_id="push-barts",
            organisation="R1H",
            name="Barts pushes",
            jwks=_KEYS,
            scope="system/*.cruds",
            source="barts",
        ),
    ),
    roles={"S8000:G8000:R8000": "clinician"},
)
_SENDERS = {"barts": ("BARTS", "BARTS"), "royal-free": ("RFH", "RFH")}


class Answer(NamedTuple):
    """Everything of an answer that leaves the process, and the error behind it if there was one."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    fault: str = ""

    @property
    def whole(self) -> bytes:
        head = b"\n".join(name + b": " + value for name, value in self.headers)
        return b"%d\n%b\n\n" % (self.status, head)

    def header(self, name: str) -> str:
        return next((value.decode("latin-1") for key, value in self.headers if key == name.encode()), "")


class Installation:
    """What is asked of it is asked through the application that is served, with its middleware and error pages."""

    def __init__(self, settings: Settings, parts: Parts, owner: database.Database, intake: Intake) -> None:
        self.settings, self.parts, self.owner, self.intake = settings, parts, owner, intake
        self.aviary = Aviary()
        self.writer = Writer(self.aviary)
        self.people: dict[str, Someone] = {}
        self.originals: dict[tuple[str, str], OriginalReference] = {}
        self.app: Starlette = assembly.application(parts)
        self.pushing: Starlette | None = None
        self._numbers = itertools.count(800_000)
        self._jtis = itertools.count(1)
        self._own: dict[str, dict[str, str]] = {}
        self._looks: dict[str, list[str]] = {}
        self._tokens: dict[str, str] = {}
        self._cases: list[tuple[int, int, str]] = []

    # --- Asking -----------------------------------------------------------------------------------------------------

    async def ask(
        self,
        method: str,
        path: str,
        *,
        cookies: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        pushes: bool = False,
    ) -> Answer:
        app = self.pushing if pushes else self.app
        assert app is not None
        address, _, query = path.partition("?")
        told = {"host": "127.0.0.1:8400", "origin": BASE, "accept-encoding": "gzip", **(headers or {})}
        if cookies:
            told["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if form is not None:
            body = "&".join(f"{name}={_quoted(value)}" for name, value in form.items()).encode()
            told["content-type"] = "application/x-www-form-urlencoded"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": address,
            "raw_path": address.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in told.items()],
            "client": ("127.0.0.1", 40_000),
            "server": ("127.0.0.1", 8400),
        }
        said: list[dict[str, Any]] = []
        asked = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> dict[str, Any]:
            return next(asked, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            said.append(message)

        fault = ""
        try:
            await app(scope, receive, send)
        except Exception as error:  # What the server would see after its error page was sent: a fault, and judged too.
            fault = repr(error)
        nothing: dict[str, Any] = {"status": 0, "headers": []}
        start = next((each for each in said if each["type"] == "http.response.start"), nothing)
        content = b"".join(each.get("body", b"") for each in said if each["type"] == "http.response.body")
        return Answer(start["status"], tuple((bytes(n), bytes(v)) for n, v in start["headers"]), content, fault)

    async def token(self, client_id: str, scope: str) -> str:
        """A program's access token, for an assertion that it signed."""
        now = int(AT.timestamp())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": f"{BASE}/token",
            "exp": now + 120,
            "jti": f"j{next(self._jtis)}",
        }
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode({"alg": "ES384", "kid": "k1"}, claims, CLIENT_KEY, ["ES384"]),
            "scope": scope,
        }
        answer = await self.ask("POST", "/token", form=form)
        assert answer.status == 200, answer
        given: str = msgspec.json.decode(answer.body)["access_token"]
        return given

    async def token_once(self, client_id: str, scope: str) -> str:
        """The same one again: made-up time stands still, so it does not end."""
        if client_id not in self._tokens:
            self._tokens[client_id] = await self.token(client_id, scope)
        return self._tokens[client_id]

    async def own_cookies(self, someone: Someone) -> dict[str, str]:
        """Somebody signed in to what is their own."""
        if someone.name not in self._own:
            new = await self.parts.sessions.create_patient(
                person_staff("nhs-login"),
                patient_key=someone.patient_key,
                evidence=Evidence(kind=EvidenceClass.NONE),
                purpose=Purpose.PATRQT,
                route=OWN_ROUTE,
                at=AT,
            )
            self._own[someone.name] = {OWN_COOKIE: new.token}
        return self._own[someone.name]

    async def looks_of(self, someone: Someone) -> list[str]:
        """By which names a person's own pages call the looks at them."""
        if someone.name not in self._looks:
            answer = await self.ask("GET", "/my-record/looks.json", cookies=await self.own_cookies(someone))
            shown = msgspec.json.decode(answer.body)
            self._looks[someone.name] = [look["ref"] for look in shown.get("looks", ())]
        return self._looks[someone.name]

    async def read_cases(self) -> None:
        """Which cases there are, of whom, and whose readers they are about: as the database keeps them."""
        rows = await self.owner.fetch("select id, patient_key, organisation from stewardship.privacy_case order by id")
        self._cases = [(row["id"], row["patient_key"], row["organisation"]) for row in rows]

    def cases_of(self, someone: Someone) -> list[int]:
        """Of each organisation the first."""
        first: dict[str, int] = {}
        for case, patient_key, organisation in self._cases:
            if patient_key == someone.patient_key:
                first.setdefault(organisation, case)
        return list(first.values())

    def may_work_on(self, reader: Reader, case: int) -> bool:
        """By the documents: the privacy desk and the Guardian, on what their own organisation's readers did."""
        of_whom = next((organisation for id_, _, organisation in self._cases if id_ == case), "")
        return reader.asks.role in ("privacy-officer", "caldicott-guardian") and reader.asks.organisation == of_whom

    def launch_token(self, someone: Someone, reader: Reader, **changed: Any) -> str:
        now = int(AT.timestamp())
        claims = {
            "iss": ISSUER,
            "aud": f"{BASE}/launch",
            "iat": now,
            "exp": now + 50,
            "jti": f"launch-{next(self._jtis)}",
            "sub": "555000000001",
            "organisation": "RTH",
            "staff": {"name": "Amara Okafor", "role_code": "S8000:G8000:R8000", "role_name": "Clinician"},
            "patient": {"nhs_number": someone.nhs_number, "birth_date": someone.birth_date.isoformat()},
            "evidence": {"kind": "appointment", "id": "A-77", "start": "2026-11-22T09:10:00Z", "place": "Clinic"},
            "purpose": "TREAT",
            **changed,
        }
        return jwt.encode({"alg": "ES256", "kid": "oxford-1", "typ": "carerecord-launch+jwt"}, claims, KEY, ["ES256"])

    # --- Filling ----------------------------------------------------------------------------------------------------

    async def register(self, name: str, *, of_whom: str = "", **more: Any) -> Someone:
        """A person, heard of by the messages of one or two hospitals. Twins of one record are called alike."""
        known = self.people.get(of_whom)
        someone = Someone(
            name=name,
            family=known.family if known else self.aviary.plant(name, "", canaries.IDENTITY),
            place=known.place if known else self.aviary.plant(name, "", canaries.IDENTITY_PLACE),
            nhs_number=nhs_number(len(self.people)),
            birth_date=known.birth_date if known else date(1948, 3, 12) + timedelta(days=31 * len(self.people)),
            of_whom=of_whom or name,
            called=of_whom or name,
            **more,
        )
        for source in filter(None, (someone.says, someone.second_says)):
            receipt = await self.intake.receive(_admission(someone, source), received_at=AT - timedelta(days=20))
            assert receipt.outcome == "recorded", receipt
        found = await find_person(self.parts_db, nhs_number=someone.nhs_number, birth_date=someone.birth_date)
        assert found is not None
        someone.patient_key = found.patient_key
        self.people[name] = someone
        self.aviary.plant_number(name, someone.nhs_number)
        self.aviary.plant_id(name, patient_part(someone.patient_key))
        return someone

    async def tell(self, someone: Someone, items: Iterable[Item]) -> None:
        """Puts items into the record, each with the original that it came by; removes those that are to be removed."""
        identities = [
            row["identity_key"]
            for row in await self.owner.fetch(
                "select identity_key from patient_index.identity where patient_key = $1 order by source",
                someone.patient_key,
            )
        ]
        listed = list(items)
        rows: list[LogRow] = []
        kept: list[tuple[Any, ...]] = []
        for said in _messages(listed):
            reference = OriginalReference(AT.date(), next(self._numbers))
            first = said[0][0]
            statements = [item.statements(someone.patient_key)[version] for item, version in said]
            for item, _ in said:
                self.originals[someone.name, item.key] = reference
            rows.append(
                LogRow(
                    patient_key=someone.patient_key,
                    identity_key=identities[first.identity],
                    source=first.source,
                    original=reference,
                    received_at=statements[0].received_at,
                    statements=[as_statement(statement) for statement in statements],
                )
            )
            sent = [item.resource(item.body if version == -1 else item.older) for item, version in said]
            bundle = {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [{"resource": resource} for resource in sent],
            }
            kept.append(
                (
                    reference.day,
                    reference.seq,
                    first.source,
                    f"c{reference.seq}",
                    2,
                    dictionary.compress(msgspec.json.encode(bundle), dictionary=dictionary.ORIGINALS),
                    reference.seq.to_bytes(16, "big"),
                    statements[0].received_at,
                    "recorded",
                    "transaction",
                    None,
                    someone.patient_key,
                    identities[first.identity],
                )
            )
        async with database.connect(self.settings, "listen") as listen, listen.transaction() as connection:
            await append(connection, rows)
        async with self.owner.transaction() as connection:
            await connection.copy_records_to_table("original", schema_name="intake", records=kept)
        someone.items += listed
        for item in listed:
            if item.is_removed:
                target = Target(kind="statement", patient_key=someone.patient_key, local_id=item.local_id)
                await withdraw(self.settings, target)

    async def object_to(self, someone: Someone, scope: str, value: str = "", *, becomes: str = "weighed") -> None:
        """By the records desk, as it is done there."""
        session: dict[str, Any] = {"session": "s-records", "at": AT}
        async with audit.Writer.open(self.parts_db) as writer:
            desk = Objections(self.parts_db, writer, REGION, random_key=clock.random_key)
            told = await desk.receive(
                STEWARD, patient_key=someone.patient_key, scope=Scope(scope), value=value, **session
            )
            assert isinstance(told, Told), told
            if becomes in ("upheld", "overruled"):
                await desk.decide(
                    STEWARD,
                    objection_id=told.objection.id,
                    is_upheld=becomes == "upheld",
                    reason="As the Guardian found.",
                    **session,
                )
            elif becomes == "withdrawn":
                await desk.withdraw(STEWARD, objection_id=told.objection.id, reason="They telephoned.", **session)

    async def fold(self) -> int:
        """As the working process does it: what was said of a person becomes one row. Answers of how many."""
        async with database.connect(self.settings, "work") as work:
            return await fold.fold_some(work, patients_max=1000, at=clock.now(), rows_min=1, age_seconds_min=0)

    async def separate(self, someone: Someone, *, into: str) -> Someone:
        """Undoes that the second hospital's patient is this person; what it said goes with it."""
        rows = await self.owner.fetch(
            "select identity_key, source from patient_index.identity where patient_key = $1 order by source",
            someone.patient_key,
        )
        second = next(row["identity_key"] for row in rows if row["source"] == someone.second_says)
        async with database.connect(self.settings, "listen") as listen, listen.transaction() as connection:
            key = await unlink(
                connection,
                someone.patient_key,
                second,
                by="an operator",
                reason="Two people.",
                at=AT,
                random_key=clock.random_key,
            )
        other = msgspec.structs.replace(
            someone, name=into, of_whom=into, patient_key=key, items=[], stored_under=someone.patient_key
        )
        other.items = [item for item in someone.items if item.identity]
        someone.items = [item for item in someone.items if not item.identity]
        for item in other.items:
            self.originals[into, item.key] = self.originals.pop((someone.name, item.key))
        self.people[into] = other
        self.aviary.plant_id(into, patient_part(key))
        return other

    @property
    def parts_db(self) -> database.Database:
        return self._serve

    _serve: database.Database


STEWARD = Staff(
    user_id="555000000777",
    name="Ann Records",
    role_code="S8000:G8000:R9913",
    role="records-manager",
    role_name="Records manager",
    organisation="R1H",
    organisation_name="Barts Health",
    sign_in="cis2",
)


def _admission(someone: Someone, source: str) -> bytes:
    facility, authority = _SENDERS[source]
    numbers = f"{someone.nhs_number[-5:]}^^^{authority}^MR~{someone.nhs_number}^^^NHS^NH"
    born = f"{someone.birth_date:%Y%m%d}"
    protected = "||||||||Y" if someone.is_restricted else ""
    kind = "ADT^A01" if someone.is_at_barts and source == "barts" else "ADT^A28"
    lines = [
        f"MSH|^~\\&|PAS|{facility}|CR|LCR|20261103090000||{kind}|{source}-{someone.name}|P|2.4",
        f"PID|1||{numbers}||{someone.family}^Ann^^^Mrs||{born}|F|||{someone.place} Row^^Oxford^^OX4 1AA",
        f"PD1||||K84001^Practice{protected}",
        *([ADMITTED] if kind == "ADT^A01" else []),
        "",
    ]
    return "\r".join(lines).encode()


async def _open_routes(parts: Parts) -> None:
    """Two Guardians open what the oracle says is open; whoever is not let through must see nothing of it."""
    now = clock.now()
    first = msgspec.structs.replace(STEWARD, user_id="one", role="caldicott-guardian")
    second = msgspec.structs.replace(first, user_id="two")
    how: dict[str, Any] = {"session": "s", "at": now}
    for bar, (roles, purposes) in OPENED.items():
        content = {"bar": bar, "roles": roles, "purposes": purposes, "relies_on": "its exception", "advice": "counsel"}
        until = (now + timedelta(days=100)).date().isoformat()
        asked = await parts.proposals.ask(
            first, kind=Kind.LEGAL_BAR, content={**content, "until": until}, because="As advised.", **how
        )
        assert isinstance(asked, Proposal), asked
        done = await parts.proposals.agree(second, proposal_id=asked.id, **how)
        assert isinstance(done, Proposal), done


def _quoted(value: str) -> str:
    return "".join(
        letter if letter.isalnum() and letter.isascii() else "".join(f"%{byte:02X}" for byte in letter.encode())
        for letter in value
    )


def _messages(items: Iterable[Item]) -> list[list[tuple[Item, int]]]:
    """What one source says of one identity in one message, older versions in messages before; a place in `statements`
    beside each item."""
    said: dict[tuple[int, str, int, bool], list[tuple[Item, int]]] = {}
    for item in items:
        if item.older:
            said.setdefault((item.message, item.source, item.identity, False), []).append((item, 0))
        said.setdefault((item.message, item.source, item.identity, True), []).append((item, -1))
    return [said[key] for key in sorted(said)]


@asynccontextmanager
async def installed(settings: Settings) -> AsyncIterator[Installation]:
    chosen = msgspec.structs.replace(
        settings,
        public_url=BASE,
        # Time stands still here, and a campaign asks in it more than anybody may: what is asked here is who sees what.
        user_requests_per_second_max=10**6,
        program_requests_per_second_max=10**6,
        organisation_requests_per_second_max=10**6,
    )
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(database.connect(chosen, "owner"))
        listen = await stack.enter_async_context(database.connect(chosen, "listen"))
        serve = await stack.enter_async_context(database.connect(chosen, "serve"))
        await dictionary.ensure_dictionaries(owner, at=AT)
        await dictionary.load(owner)
        intake = Intake(listen, REGION, chosen, clock=clock.now, random_key=clock.random_key)
        stack.push_async_callback(intake.close)
        parts = await assembly.open_parts(stack, chosen, REGION)
        await _open_routes(parts)
        parts = msgspec.structs.replace(parts, clock=lambda: AT)
        # A page that waits is let go at once, as when the process stops: nobody here waits for the end of a session.
        parts.watch.is_stopping = lambda: True
        stack.callback(setattr, watching, "EVERY_SECONDS", watching.EVERY_SECONDS)
        watching.EVERY_SECONDS = 0.0
        made = Installation(chosen, parts, owner, intake)
        made._serve = serve
        pushes = api.PushParts(
            intake=intake,
            clients=signin.Clients(listen, REGION, chosen, route="push"),
            region=REGION,
            settings=chosen,
            clock=lambda: AT,
            bodies=api.Bodies(chosen, turns=4),
            turns=asyncio.Semaphore(4),
        )
        made.pushing = assembly.push_application(pushes)
        yield made
