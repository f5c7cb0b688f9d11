"""What signing in speaks of: sessions, roles to choose from, a launch that waits, a program's access."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from carerecord.model import Evidence, Purpose, Staff
from carerecord.signin.scopes import Scopes


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An open session: of a member of staff (no `patient_key`), or of one chart of one person."""

    id: str  # random; stands in addresses and in the audit; opens nothing by itself
    staff: Staff
    patient_key: int | None
    evidence: Evidence
    purpose: Purpose
    route: str  # "launch", "sign-in"
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None  # by a person, to the minute
    parent_id: str | None = None
    issuer: str = ""  # the neighbour's record system whose launch it came by
    launch: str = ""  # the jti of that launch
    provider_session: str = ""  # the sign-in provider's own session (sid)
    token_hash: bytes
    emergency_until: datetime | None = None  # emergency access to this person lasts until then; purpose is then BTG


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session just made: the one moment at which its token is known."""

    id: str
    token: str
    expires_at: datetime


class Ended(msgspec.Struct, frozen=True):
    """A session that somebody else than its reader ended."""

    id: str
    staff: Staff
    patient_key: int | None


class StaffRole(msgspec.Struct, frozen=True, kw_only=True):
    """One role of a member of staff, as the provider says, and whether it can be used here."""

    id: str  # the provider's own (person_roleid)
    role_code: str
    role_name: str
    organisation: str  # ODS code
    organisation_name: str
    role: str | None = None  # ours: a row of the matrix
    activities: tuple[str, ...] = ()  # national RBAC activity codes of this role
    why_not: str | None = None  # the sentence to show beside a role that cannot be used here

    @property
    def is_usable(self) -> bool:
        return self.role is not None and self.why_not is None


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Someone whom the provider knows, before a role is chosen."""

    user_id: str
    name: str
    roles: tuple[StaffRole, ...]
    assurance: int | None = None  # how surely the provider knows who it is: 1 to 3
    provider_session: str = ""  # the provider's own session (sid): it may end it, and ours with it

    @property
    def usable(self) -> tuple[StaffRole, ...]:
        return tuple(role for role in self.roles if role.is_usable)

    def staff(self, role_id: str) -> Staff | None:
        """This person in the role called `role_id`, if it can be used here."""
        chosen = next((role for role in self.usable if role.id == role_id), None)
        if chosen is None or chosen.role is None:
            return None
        return Staff(
            user_id=self.user_id,
            name=self.name,
            role_code=chosen.role_code,
            role=chosen.role,
            role_name=chosen.role_name,
            organisation=chosen.organisation,
            organisation_name=chosen.organisation_name,
            sign_in="cis2",
            assurance=self.assurance,
            activities=chosen.activities,
        )


class SignInStart(msgspec.Struct, frozen=True, kw_only=True):
    """Where to send the browser, and the secret to leave in it: cookie SIGN_IN_COOKIE, path /sign-in, ten minutes."""

    url: str
    cookie: str


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """A launch that was verified: who arrives, for whom, resting on what."""

    issuer: str
    jti: str
    staff: Staff
    nhs_number: str
    birth_date: date
    family: str | None = None
    evidence: Evidence
    purpose: Purpose


class NewArrival(msgspec.Struct, frozen=True, kw_only=True):
    """A launch that waits for its one use, within `expires_in` seconds."""

    code: str
    expires_in: int


class ArrivalRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a code opens nothing. `issuer` is the record system that the launch came from, where that is known."""

    rule: str  # "used", "expired", "unknown"
    sentence: str
    issuer: str | None = None


class ClientToken(msgspec.Struct, frozen=True, kw_only=True):
    """What the token endpoint answers (RFC 6749 §5.1)."""

    access_token: str
    expires_in: int
    scope: str
    token_type: str = "bearer"  # noqa: S105 - the standard's word, not a secret.


class ClientRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why the token endpoint gives nothing (RFC 6749 §5.2): the standard's code and a sentence."""

    error: str
    sentence: str


class ClientAccess(msgspec.Struct, frozen=True, kw_only=True):
    """A program with a valid access token."""

    id: str  # stands in the audit; not the token
    staff: Staff
    scopes: Scopes
    expires_at: datetime
