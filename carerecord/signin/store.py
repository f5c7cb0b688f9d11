"""The only module of this room that speaks SQL: sessions, sign-ins that wait, arrivals, tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from carerecord import database
from carerecord.model import Evidence, Purpose, Staff
from carerecord.organisations import is_still
from carerecord.signin.switches import check_session, find_cut
from carerecord.signin.values import Ended, Session

QUERIES = database.queries(__package__)
# Ended rows stay for a day, so that "it was used" and "it has expired" can be told apart when someone phones.
KEPT = timedelta(days=1)


def hash_secret(secret: str) -> bytes:
    """Secrets are kept as SHA-256 only: each has 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(secret.encode()).digest()


class Store:
    """The room's tables, as the role `serve`."""

    def __init__(self, db: database.Database) -> None:
        self._db = db
        self._swept_at: datetime | None = None

    async def insert_session(self, session: Session) -> None:
        """Raises AccessCut: it is kept then, its token was given to nobody, and looking it up raises too."""
        cuts = await self._db.fetchval(
            QUERIES["insert_session"],
            session.token_hash,
            session.id,
            _text(session.staff),
            session.patient_key,
            _text(session.evidence),
            str(session.purpose),
            session.route,
            session.created_at,
            session.expires_at,
            session.parent_id,
            session.issuer,
            session.launch,
            session.provider_session,
        )
        check_session(cuts, session)
        await self._sweep(session.created_at)

    async def find_session(self, token: str, *, at: datetime, idle: timedelta) -> Session | None:
        """Raises AccessCut where its way, its organisation, its record system or its user is cut."""
        row = await self._db.fetchrow(QUERIES["find_session"], hash_secret(token), at, idle)
        if row is None:
            return None
        session = Session(
            token_hash=row["token_hash"],
            id=row["id"],
            staff=msgspec.json.decode(row["staff"], type=Staff),
            patient_key=row["patient_key"],
            evidence=msgspec.json.decode(row["emergency"] or row["evidence"], type=Evidence),
            purpose=Purpose.BTG if row["emergency"] else Purpose(row["purpose"]),
            route=row["route"],
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            used_at=row["used_at"],
            parent_id=row["parent_id"],
            issuer=row["issuer"],
            emergency_until=row["emergency_until"],
        )
        check_session(row["cuts"], session)
        return session

    async def use_session(self, session: Session, *, at: datetime) -> None:
        await self._db.execute(QUERIES["use_session"], session.token_hash, at)

    async def find_open(self, drawn: Mapping[bytes, datetime], *, at: datetime, idle: timedelta) -> set[bytes]:
        """Of sessions, by the hashes of their tokens and when their pages were drawn: which are open and not cut, and
        whose person nothing restricts since then."""
        still = set()
        for row in await self._db.fetch(QUERIES["find_sessions"], list(drawn), list(drawn.values()), at, idle):
            if row["is_restricted"]:
                continue
            staff = msgspec.json.decode(row["staff"], type=Staff)
            if not is_still(staff.role_code, staff.role):
                continue
            if find_cut(row["cuts"], staff=staff, route=row["route"], issuer=row["issuer"]) is None:
                still.add(row["token_hash"])
        return still

    async def replace_evidence(self, session: Session, *, evidence: Evidence) -> None:
        await self._db.execute(QUERIES["replace_evidence"], session.token_hash, _text(evidence))

    async def begin_emergency(self, session: Session, *, evidence: Evidence, at: datetime, until: datetime) -> None:
        await self._db.execute(QUERIES["begin_emergency"], *_reader(session), _text(evidence), at, until)

    async def end_emergency(self, session: Session, *, at: datetime) -> bool:
        """False: there was none."""
        return await self._db.fetchval(QUERIES["end_emergency"], *_reader(session), at) is not None

    async def close_session(self, session: Session, *, because: str, at: datetime) -> None:
        """A staff session takes every chart that was opened from it along."""
        await self._db.execute(QUERIES["close_session"], session.token_hash, at, because)

    async def close_launch(self, *, issuer: str, jti: str, at: datetime, because: str) -> list[Ended]:
        rows = await self._db.fetch(QUERIES["close_launch"], issuer, jti, at, because)
        return [Ended(row["id"], msgspec.json.decode(row["staff"], type=Staff), row["patient_key"]) for row in rows]

    async def close_signed_in(self, *, provider_session: str, user_id: str, at: datetime, because: str) -> list[Ended]:
        rows = await self._db.fetch(QUERIES["close_signed_in"], provider_session, user_id, at, because)
        return [Ended(row["id"], msgspec.json.decode(row["staff"], type=Staff), None) for row in rows]

    async def insert_login(self, secret: str, content: msgspec.Struct, *, at: datetime, expires_at: datetime) -> None:
        await self._db.execute(QUERIES["insert_login"], hash_secret(secret), _text(content), at, expires_at)

    async def take_login(self, secret: str, *, at: datetime) -> bytes | None:
        row = await self._db.fetchrow(QUERIES["take_login"], hash_secret(secret))
        return row["content"].encode() if row and row["expires_at"] > at else None

    async def find_login(self, secret: str, *, at: datetime) -> bytes | None:
        content = await self._db.fetchval(QUERIES["find_login"], hash_secret(secret), at)
        return content.encode() if content else None

    async def insert_arrival(
        self, code: str, content: msgspec.Struct, *, issuer: str, jti: str, at: datetime, expires_at: datetime
    ) -> list[str] | None:
        """What is cut; None: this issuer used this jti before."""
        cuts: list[str] | None = await self._db.fetchval(
            QUERIES["insert_arrival"], hash_secret(code), issuer, jti, _text(content), at, expires_at
        )
        await self._sweep(at)
        return cuts

    async def redeem_arrival(self, code: str, *, at: datetime) -> bytes | None:
        content = await self._db.fetchval(QUERIES["redeem_arrival"], hash_secret(code), at)
        return content.encode() if content else None

    async def find_arrival(self, code: str) -> tuple[str, bool] | None:
        """(issuer, whether it was used)."""
        row = await self._db.fetchrow(QUERIES["find_arrival"], hash_secret(code))
        return (row["issuer"], row["used_at"] is not None) if row else None

    async def insert_assertion(self, *, issuer: str, jti: str, expires_at: datetime) -> bool:
        """False: it was used before."""
        return await self._db.fetchval(QUERIES["insert_assertion"], issuer, jti, expires_at) is not None

    async def insert_token(
        self, token: str, *, staff: Staff, scope: str, at: datetime, expires_at: datetime
    ) -> list[str]:
        """What is cut."""
        cuts: list[str] = await self._db.fetchval(
            QUERIES["insert_token"], hash_secret(token), _text(staff), scope, at, expires_at
        )
        await self._sweep(at)
        return cuts

    async def find_token(self, token: str, *, at: datetime) -> tuple[Staff, str, datetime, list[str]] | None:
        """Whose it is, for what, until when; and what is cut."""
        row = await self._db.fetchrow(QUERIES["find_token"], hash_secret(token), at)
        if row is None:
            return None
        return msgspec.json.decode(row["staff"], type=Staff), row["scope"], row["expires_at"], row["cuts"]

    async def _sweep(self, at: datetime) -> None:
        """At most once an hour, beside other work: nothing else has to remember to tidy up."""
        if self._swept_at is not None and at - self._swept_at < timedelta(hours=1):
            return
        self._swept_at = at
        await self._db.execute(QUERIES["empty_arrivals"], at)
        for name in (
            "sweep_sessions",
            "sweep_emergencies",
            "sweep_logins",
            "sweep_arrivals",
            "sweep_tokens",
            "sweep_assertions",
        ):
            await self._db.execute(QUERIES[name], at - KEPT)


def _reader(session: Session) -> tuple[int | None, str, str, str]:
    """Whose emergency access it is: one reader's, in one role, to one person."""
    return session.patient_key, session.staff.user_id, session.staff.organisation, session.staff.role


def _text(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()
