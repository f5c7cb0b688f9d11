"""A small house for tests: an invented region, one person in it, the door out, and the audit to look into."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import msgspec
from joserfc.jwk import ECKey

from carerecord import audit, clock, database
from carerecord.disclosure import Door, Found, Looking
from carerecord.intake import Intake
from carerecord.model import Evidence, EvidenceClass, OriginalReference, Purpose, Staff, StoredStatement
from carerecord.organisations import Client, Organisation, Region
from carerecord.organisations.region import SourceEntry
from carerecord.record.append import LogRow, append
from carerecord.settings import Settings
from tests.said import as_statement

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
NHS_NUMBER, BIRTH_DATE = "9990123454", date(1948, 3, 12)
CLIENT_KEY = ECKey.generate_key("P-384", {"kid": "k1", "use": "sig"})
PID = "PID|1||40012^^^BARTS^MR~9990123454^^^NHS^NH||HARTLEY^Joan^^^Mrs||19480312|F|||4 Mill Row^^Oxford^^OX4 1AA"

REGION = Region(
    name="London",
    title="London Care Record",
    phone="020 7946 0000",
    organisations=(
        Organisation(ods_code="R1H", name="Barts Health", phone="020 7946 0001"),
        Organisation(ods_code="RAL", name="Royal Free", phone="020 7946 0002"),
        Organisation(ods_code="RTH", name="Oxford University Hospitals", area="Oxfordshire", in_region=False),
        Organisation(ods_code="K84001", name="Cowley Road Practice", kind="practice", in_region=False),
        Organisation(ods_code="F84001", name="Mile End Practice", kind="practice"),
        Organisation(ods_code="X26", name="Renal Registry", kind="registry"),
    ),
    sources=(
        SourceEntry(
            id="barts", organisation="R1H", name="Barts Health", sending=("PAS|BARTS",), local_authorities=("BARTS",)
        ),
        SourceEntry(id="royal-free", organisation="RAL", name="Royal Free", sending=("PAS|RFH",)),
    ),
    clients=(
        Client(
            client_id="renal-registry",
            organisation="X26",
            name="Renal Registry",
            jwks={"keys": [CLIENT_KEY.as_dict(private=False)]},
            scope="system/*.rs",
        ),
    ),
)
OXFORD = Staff(
    user_id="555000111",
    name="Dr Amara Osei",
    role_code="S8000:G8000:R8000",
    role="clinician",
    role_name="Clinical Practitioner",
    organisation="RTH",
    organisation_name="Oxford University Hospitals",
)
PROGRAM = Staff(
    user_id="renal-registry",
    name="Renal Registry",
    role_code="program",
    role="program",
    role_name="program",
    organisation="X26",
    organisation_name="Renal Registry",
    is_program=True,
    sign_in="private_key_jwt",
)
APPOINTMENT = Evidence(
    kind=EvidenceClass.APPOINTMENT, id="A-1", start="2026-11-22T09:00:00+00:00", place="outpatient clinic"
)


def message(kind: str, number: str, *segments: str, gp: str = "K84001", pid: str = PID) -> bytes:
    head = f"MSH|^~\\&|PAS|BARTS|CR|LCR|20261110120000||{kind}|{number}|P|2.4"
    demographics = f"PD1||||{gp}^Practice" if gp else "PD1|"
    return "\r".join([head, pid, demographics, *segments, ""]).encode()


def segment(name: str, fields: dict[int, str]) -> str:
    """A segment by the numbers of its fields."""
    return "|".join([name, *(fields.get(number, "") for number in range(1, max(fields) + 1))])


ADMITTED = segment("PV1", {1: "1", 2: "I", 3: "WARD4^^^BARTS", 7: "C1^RAO^P^^^Dr", 19: "V1", 44: "202611030900"})


class OpenedDoor(Door):
    """The door itself, for lookers who have the session that they name: as the mouths hand them on."""

    async def _look(self, looking: Looking, **more: Any) -> Any:
        await self._open_session(looking)
        return await super()._look(looking, **more)

    async def _open_session(self, looking: Looking) -> None:
        """Whoever signed in or was launched has a session of this person, or a program a token; and shows its key."""
        key = hashlib.sha256(f"{looking.session} {looking.patient_key}".encode()).digest()
        database.show_key(key)
        now = clock.now()
        # What serves may add one, and no more than that: as the mouths do it.
        await self._db.execute(
            "insert into signin.session (token_hash, id, staff, patient_key, evidence, purpose, route, created_at,"
            " expires_at, used_at) values ($1, $2, '{}', $3, '{}', 'TREAT', $4, $5, $6, $5) on conflict do nothing",
            key,
            looking.session,
            looking.patient_key,
            looking.route,
            now,
            now + timedelta(hours=1),
        )


def as_opened(door: Door) -> OpenedDoor:
    """The same door, as `OpenedDoor`; the mouths keep the one that it was."""
    opened = copy.copy(door)
    opened.__class__ = OpenedDoor
    return cast(OpenedDoor, opened)


class House:
    """The processes of one installation, side by side."""

    def __init__(self, settings: Settings, intake: Intake, door: Door, db: database.Database, owner: database.Database):
        self.settings = settings
        self.intake = intake
        self.door = door
        self.db = db
        self.owner = owner
        self._numbers = iter(range(900_000, 1_000_000))

    async def hear(self, *messages: bytes) -> None:
        for content in messages:
            receipt = await self.intake.receive(content, received_at=clock.now())
            assert receipt.outcome == "recorded", receipt

    async def joan(self, *, gp: str = "K84001") -> int:
        """The patient_key of Joan Hartley, heard of by one admission."""
        await self.hear(message("ADT^A01", "adt-1", ADMITTED, gp=gp))
        found = await self.door.find(
            OXFORD, nhs_number=NHS_NUMBER, birth_date=BIRTH_DATE, route="launch", session="s-0", at=AT
        )
        assert isinstance(found, Found), found
        return found.patient_key

    async def remember(
        self, patient_key: int, statements: Iterable[StoredStatement], *, original: OriginalReference | None = None
    ) -> None:
        """Puts statements into the record as if a source had said them of this person."""
        identity = await self.owner.fetchval(
            "select identity_key from patient_index.identity where patient_key = $1", patient_key
        )
        rows = [
            LogRow(
                patient_key=patient_key,
                identity_key=identity,
                source=statement.source,
                original=original or OriginalReference(date(2026, 11, 10), next(self._numbers)),
                received_at=statement.received_at,
                statements=[as_statement(statement)],
            )
            for statement in statements
        ]
        async with database.connect(self.settings, "listen") as listen, listen.transaction() as connection:
            await append(connection, rows)

    async def events(self, *, but: str = "") -> list[dict[str, Any]]:
        rows = await self.owner.fetch("select * from audit.event order by stream, seq")
        return [
            {**dict(row), "detail": detail_of(row), "decision": json.loads(row["decision"] or "{}")}
            for row in rows
            if row["kind"] != but
        ]


def detail_of(row: Any) -> dict[str, Any]:
    """What is kept beside the detail, in it."""
    told = {"about_stream": row["about_stream"], "at": row["asked_at"] and msgspec.to_builtins(row["asked_at"])}
    return {**json.loads(row["detail"]), **{name: value for name, value in told.items() if value is not None}}


@asynccontextmanager
async def open_house(settings: Settings, *, region: Region = REGION) -> AsyncIterator[House]:
    async with (
        database.connect(settings, "owner") as owner,
        database.connect(settings, "listen") as listen,
        database.connect(settings, "serve") as db,
        audit.Writer.open(db) as writer,
    ):
        intake = Intake(listen, region, settings, clock=clock.now, random_key=clock.random_key)
        try:
            door = OpenedDoor(db, writer, region, public_url=settings.public_url)
            yield House(settings, intake, door, db, owner)
        finally:
            await intake.close()


def looking(patient_key: int, *, staff: Staff = OXFORD, evidence: Evidence = APPOINTMENT, **more: Any) -> Looking:
    route = "fhir" if staff.is_program else "launch"
    told = {"purpose": Purpose.TREAT, "route": route, "session": "s-1", "at": AT, **more}
    return Looking(staff=staff, patient_key=patient_key, evidence=evidence, **told)


def program_looking(patient_key: int) -> Looking:
    return looking(patient_key, staff=PROGRAM, evidence=Evidence(kind=EvidenceClass.AGREEMENT))


def as_role(role: str) -> Staff:
    return msgspec.structs.replace(OXFORD, role=role)
