"""Sessions: a member of staff's, and one for each chart that is open; of a token only its hash is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from carerecord import clock, database
from carerecord.model import Evidence, EvidenceClass, Purpose, Staff
from carerecord.organisations import Region, is_still
from carerecord.settings import Settings
from carerecord.signin.allowance import Allowance, TooOften
from carerecord.signin.store import Store, hash_secret
from carerecord.signin.switches import check_agreement
from carerecord.signin.values import Ended, NewSession, Session

REASON_LETTERS_MAX = 500
OWN_ROUTE = "ledger"  # of a person signed in to what is their own
USE_NOTED_AFTER = timedelta(seconds=60)  # A use is written down at most once a minute.
ID_LETTERS = 22  # 132 random bits: an id is no secret, but nobody should meet another's by trying.


EMERGENCY_HOURS = (1, 2, 4, 12)  # the longest is a shift


class NotAnEmergency(ValueError):
    """Emergency access is to one person, was declared, and ends within a shift: declare it again with a time."""

    def __init__(self) -> None:
        super().__init__(NotAnEmergency.__doc__)


class ReasonMissing(ValueError):
    """No reason was given: choose one, or write in a few words why you need the record."""

    def __init__(self) -> None:
        super().__init__(ReasonMissing.__doc__)


class Sessions:
    """A session ends when its time is over, when nobody uses it, when it is closed, or when what it came by ends: the
    staff session, the launch, or the provider's own session."""

    def __init__(
        self,
        db: database.Database,
        settings: Settings,
        *,
        region: Region | None = None,
        allowance: Allowance | None = None,
        random_token: Callable[[], str] = clock.random_token,
    ) -> None:
        self._store = Store(db)
        self._region = region
        self._allowance = allowance
        self._longest = timedelta(seconds=settings.session_seconds_max)
        self._idle = timedelta(seconds=settings.session_idle_seconds_max)
        self._random_token = random_token

    async def create_staff(self, staff: Staff, *, at: datetime, provider_session: str = "") -> NewSession:
        """A session of someone who signed in: it finds people, and opens a chart of each in a session of its own.

        Raises AccessCut.
        """
        return await self._create(
            staff,
            patient_key=None,
            evidence=Evidence(kind=EvidenceClass.NONE),
            purpose=Purpose.TREAT,
            route="sign-in",
            at=at,
            parent=None,
            provider_session=provider_session,
        )

    async def create_patient(
        self,
        staff: Staff,
        *,
        patient_key: int,
        evidence: Evidence,
        purpose: Purpose,
        route: str,
        at: datetime,
        parent: Session | None = None,
        issuer: str = "",
        launch: str = "",
    ) -> NewSession:
        """A session bound to one person; it ends no later than `parent`, the staff session it is opened from.

        `issuer` is the record system whose launch it came by, and `launch` that launch's own name (jti).

        Raises AccessCut.
        """
        return await self._create(
            staff,
            patient_key=patient_key,
            evidence=evidence,
            purpose=purpose,
            route=route,
            at=at,
            parent=parent,
            issuer=issuer,
            launch=launch,
        )

    async def find(self, session_id: str, *, token: str | None, at: datetime, is_use: bool = True) -> Session | None:
        """The open session of one chart: its id and its token must belong together; from now on it opens that record
        for this request. `is_use` is False where a page asks by itself. Raises AccessCut, TooOften."""
        session = await self._find(token, at=at, is_use=is_use)
        is_chart = session is not None and session.patient_key is not None and session.route != OWN_ROUTE
        return session if session and is_chart and session.id == session_id else None

    async def find_staff(
        self, token: str | None, *, at: datetime, is_use: bool = True, cost: float = 1
    ) -> Session | None:
        """`cost` is what the request counts for the limits. Raises AccessCut, TooOften."""
        session = await self._find(token, at=at, is_use=is_use, cost=cost)
        return session if session and session.patient_key is None else None

    async def find_own(self, token: str | None, *, at: datetime) -> Session | None:
        """The open session of a person signed in to what is their own: it opens no chart.

        Raises AccessCut, TooOften.
        """
        session = await self._find(token, at=at, is_use=True)
        return session if session and session.patient_key is not None and session.route == OWN_ROUTE else None

    async def _find(self, token: str | None, *, at: datetime, is_use: bool, cost: float = 1) -> Session | None:
        session = await self._store.find_session(token, at=at, idle=self._idle) if token else None
        if session is None or not is_still(session.staff.role_code, session.staff.role):
            return None  # Over, or two people agreed since that this national role is another here, or nothing.
        if self._allowance is not None:
            self._spend(self._allowance, session, at=at, cost=cost)
        if is_use and session.used_at is not None and at - session.used_at >= USE_NOTED_AFTER:
            await self._store.use_session(session, at=at)
        database.show_key(session.token_hash)
        return session

    @staticmethod
    def _spend(allowance: Allowance, session: Session, *, at: datetime, cost: float) -> None:
        own = session.patient_key or 0 if session.route == OWN_ROUTE else 0
        try:
            allowance.spend(session.staff, at=at, cost=cost, own=own)
        except TooOften as too_often:
            too_often.route, too_often.session, too_often.issuer = session.route, session.id, session.issuer
            too_often.patient_key = session.patient_key or 0
            raise

    async def give_reason(self, session: Session, *, reason: str, at: datetime) -> Session:
        """The reader's own reason stands from now on in place of weak evidence; strong evidence needs none and stays.

        Raises ReasonMissing.
        """
        said = " ".join(reason.split())[:REASON_LETTERS_MAX]
        if not said:
            raise ReasonMissing
        if session.evidence.is_strong:
            return session
        evidence = Evidence(
            kind=EvidenceClass.DECLARED,
            start=at.isoformat(),
            place=session.evidence.place,
            said_by="reader",
            reason=said,
        )
        await self._store.replace_evidence(session, evidence=evidence)
        return msgspec.structs.replace(session, evidence=evidence)

    async def begin_emergency(self, session: Session, *, evidence: Evidence, until: datetime, at: datetime) -> Session:
        """Emergency access to the person of this session, and to nobody else: purpose BTG, until its time is over.

        It belongs to the reader in this role, not to one session: a shift is longer than a session, and signing in
        again must not cost a second declaration at the bedside. Raises NotAnEmergency.
        """
        longest = timedelta(hours=EMERGENCY_HOURS[-1])
        if (
            session.patient_key is None
            or evidence.kind is not EvidenceClass.EMERGENCY
            or not at < until <= at + longest
        ):
            raise NotAnEmergency
        await self._store.begin_emergency(session, evidence=evidence, at=at, until=until)
        return msgspec.structs.replace(session, evidence=evidence, purpose=Purpose.BTG, emergency_until=until)

    async def end_emergency(self, session: Session, *, at: datetime) -> bool:
        """From now on what the evidence allows, and no more. False if it was over already."""
        return await self._store.end_emergency(session, at=at)

    async def close(self, session: Session, *, because: str, at: datetime) -> None:
        await self._store.close_session(session, because=because, at=at)

    async def close_launch(self, *, issuer: str, jti: str, because: str, at: datetime) -> list[Ended]:
        """The host ended what it launched: the charts that are open by it, and the link that waits."""
        return await self._store.close_launch(issuer=issuer, jti=jti, because=because, at=at)

    async def close_signed_in(
        self, *, provider_session: str = "", user_id: str = "", because: str, at: datetime
    ) -> list[Ended]:
        """The sign-in provider ended a session of its own, or everything of somebody: with every chart."""
        return await self._store.close_signed_in(
            provider_session=provider_session, user_id=user_id, because=because, at=at
        )

    async def _create(
        self,
        staff: Staff,
        *,
        patient_key: int | None,
        evidence: Evidence,
        purpose: Purpose,
        route: str,
        at: datetime,
        parent: Session | None,
        issuer: str = "",
        launch: str = "",
        provider_session: str = "",
    ) -> NewSession:
        if parent is None:  # What was opened from a running session runs out with it.
            check_agreement(self._region, staff, route=route, on=at.date())
        token = self._random_token()
        expires_at = at + self._longest
        session = Session(
            id=self._random_token()[:ID_LETTERS],
            staff=staff,
            patient_key=patient_key,
            evidence=evidence,
            purpose=purpose,
            route=route,
            created_at=at,
            expires_at=min(expires_at, parent.expires_at) if parent else expires_at,
            parent_id=parent.id if parent else None,
            issuer=issuer,
            launch=launch,
            provider_session=provider_session,
            token_hash=hash_secret(token),
        )
        await self._store.insert_session(session)
        return NewSession(id=session.id, token=token, expires_at=session.expires_at)
