"""Programs: an access token for a signed assertion (SMART Backend Services, private_key_jwt).

https://hl7.org/fhir/smart-app-launch/backend-services.html, RFC 6749 §4.4, RFC 7523.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from carerecord import clock, database
from carerecord.model import Staff
from carerecord.organisations import Client, Region
from carerecord.settings import Settings
from carerecord.signin.allowance import Allowance, TooOften
from carerecord.signin.scopes import NotAScope, Scopes
from carerecord.signin.signed import NotSigned, check_name, peek, read_signed_by
from carerecord.signin.store import Store, hash_secret
from carerecord.signin.switches import check_agreement, check_switches
from carerecord.signin.values import ClientAccess, ClientRefusal, ClientToken

ALGORITHMS = ("ES384", "RS384", "ES256")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_SECONDS = 300
ASSERTION_SECONDS_MAX = 300
SKEW_SECONDS = 5


class Clients:
    """Tokens are opaque: of each only the hash is kept, and it ends after five minutes."""

    def __init__(
        self,
        db: database.Database,
        region: Region,
        settings: Settings,
        *,
        route: str = "fhir",
        allowance: Allowance | None = None,
        random_token: Callable[[], str] = clock.random_token,
    ) -> None:
        self._store = Store(db)
        self._region = region
        self._route = route  # by which programs come with these tokens: "fhir" to read, "push" to push
        self._token_url = f"{settings.public_url.rstrip('/')}/token"
        self._allowance = allowance
        self._random_token = random_token

    async def grant(self, form: Mapping[str, str], *, at: datetime) -> ClientToken | ClientRefusal:
        """The answer to one request of the token endpoint. Raises AccessCut."""
        if form.get("grant_type") != "client_credentials":
            return ClientRefusal(error="unsupported_grant_type", sentence="grant_type: it must be client_credentials.")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return _invalid("client_assertion_type", f"it must be {ASSERTION_TYPE}")
        try:
            client = await self._authenticate(form.get("client_assertion", ""), at=at)
        except NotSigned as wrong:
            return _invalid(wrong.field, wrong.rule)
        scope = form.get("scope", "")
        if refusal := _refuse_scope(scope, client):
            return refusal
        token, staff = self._random_token(), self._staff(client)
        check_agreement(self._region, staff, route=self._route, on=at.date())
        cuts = await self._store.insert_token(
            token, staff=staff, scope=scope, at=at, expires_at=at + timedelta(seconds=TOKEN_SECONDS)
        )
        # One token serves both ways: which of them is cut is asked where it is shown.
        check_switches(cuts, staff=staff, route="")
        return ClientToken(access_token=token, expires_in=TOKEN_SECONDS, scope=scope)

    async def find(self, token: str | None, *, at: datetime, cost: float = 1) -> ClientAccess | None:
        """The program to which an access token was given, while it lasts and while the program is registered.

        `cost` is what the request counts for the limits; 0 where it was counted elsewhere. Raises AccessCut, TooOften.
        """
        row = await self._store.find_token(token, at=at) if token else None
        if row is None or token is None:
            return None
        staff, scope, expires_at, cuts = row
        database.show_key(hash_secret(token))
        if self._region.find_client(staff.user_id) is None:
            return None
        name = f"token-{hash_secret(token).hex()[:16]}"
        check_switches(cuts, staff=staff, route=self._route, session=name)
        if self._allowance is not None and cost:
            self._spend(self._allowance, staff, session=name, at=at, cost=cost)
        return ClientAccess(id=name, staff=staff, scopes=Scopes.parse(scope), expires_at=expires_at)

    def _spend(self, allowance: Allowance, staff: Staff, *, session: str, at: datetime, cost: float) -> None:
        try:
            allowance.spend(staff, at=at, cost=cost)
        except TooOften as too_often:
            too_often.route, too_often.session = self._route, session
            raise

    async def _authenticate(self, assertion: str, *, at: datetime) -> Client:
        client = self._region.find_client(str(peek(assertion).claims.get("iss")))
        if client is None:
            raise NotSigned("iss", "no program is registered by that name; ask those who run the record to register it")
        claims = read_signed_by(client, assertion, at=at, algorithms=ALGORITHMS)
        if claims.get("sub") != client.client_id:
            raise NotSigned("sub", "it must equal iss, the program's own name")
        if claims.get("aud") != self._token_url:
            raise NotSigned("aud", f"it must be the token address, {self._token_url}")
        expires_at = _expiry(claims, at=at)
        jti = claims.get("jti")
        if not isinstance(jti, str):
            raise NotSigned("jti", "it must be a text that is new in each assertion")
        check_name("jti", jti)
        if not await self._store.insert_assertion(issuer=client.client_id, jti=jti, expires_at=expires_at):
            raise NotSigned("jti", "this assertion was used before; make a new one for each request")
        return client

    def _staff(self, client: Client) -> Staff:
        return Staff(
            user_id=client.client_id,
            name=client.name,
            role_code="program",
            role=client.role,
            role_name="program",
            organisation=client.organisation,
            organisation_name=self._region.organisation_name(client.organisation),
            is_program=True,
            sign_in="private_key_jwt",
        )


def _expiry(claims: dict[str, Any], *, at: datetime) -> datetime:
    seconds = claims.get("exp")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds < 2**40:
        raise NotSigned("exp", "it must be a whole number of seconds since 1970")
    expires_at = datetime.fromtimestamp(seconds, UTC)
    if expires_at <= at - timedelta(seconds=SKEW_SECONDS):
        raise NotSigned("exp", "the assertion has expired; make a new one for each request")
    if expires_at > at + timedelta(seconds=ASSERTION_SECONDS_MAX + SKEW_SECONDS):
        raise NotSigned("exp", "it must be at most five minutes ahead")
    return expires_at


def _refuse_scope(scope: str, client: Client) -> ClientRefusal | None:
    try:
        asked = Scopes.parse(scope)
    except NotAScope as wrong:
        return ClientRefusal(error="invalid_scope", sentence=f"scope: {wrong}")
    if not asked.granted:
        return ClientRefusal(error="invalid_scope", sentence="scope: name at least one, such as system/Patient.r.")
    if any(part.query for part in asked.granted):
        return ClientRefusal(
            error="invalid_scope", sentence="scope: a scope with a query is not offered; ask without it."
        )
    if not Scopes.parse(client.scope).covers(asked):
        return ClientRefusal(
            error="invalid_scope",
            sentence="scope: more is asked for than this program is registered for; ask for less.",
        )
    return None


def _invalid(field: str, rule: str) -> ClientRefusal:
    return ClientRefusal(error="invalid_client", sentence=f"{field}: {rule}.")
