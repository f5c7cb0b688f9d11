"""Signing in of a person to what is their own, with NHS login or a provider that speaks its claims.

OpenID Connect with PKCE, the client known by its key (private_key_jwt, RFC 7523), identity proven to P9:
https://nhsconnect.github.io/nhslogin/. Who signs in is bound to the one person of the index whose verified NHS number
and date of birth are exactly those that the provider has proven.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from carerecord import clock, database, logs, patient_index
from carerecord.disclosure.values import Refusal
from carerecord.model import NHSNumber, Staff
from carerecord.organisations import Region
from carerecord.organisations.region import PersonSignIn
from carerecord.settings import Settings
from carerecord.signin.id_token import check_claims
from carerecord.signin.provider_client import ProviderClient, ProviderFailed
from carerecord.signin.signed import NotSigned, find_key, peek, read_signed
from carerecord.signin.store import Store, hash_secret
from carerecord.signin.values import SignInStart

ALGORITHMS = ("RS512", "RS256", "PS256", "ES256", "ES384")
SCOPE = "openid profile"
# Proven in person or by video with a passport or licence, and signed in with a second factor.
VECTORS = ("P9.Cp.Cd", "P9.Cp.Ck", "P9.Cm")
PROVEN = "P9"
PENDING = timedelta(minutes=10)
ASSERTION_SECONDS = 60
OWN_YEARS = 11  # below that nobody signs in for themselves
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# The same words whoever is not found, and why: that somebody has a record here is theirs to know.
NOT_FOUND = (
    "We could not find a record that we can show you here.",
    "Your NHS number and date of birth must be exactly the same here as in your sign-in. Ask your GP surgery to check "
    "them, or phone us.",
)
NOT_PROVEN = (
    "You are signed in, but you have not yet proved who you are to the level that a health record needs (P9).",
    "Prove your identity with your sign-in provider, with photo ID, then sign in here again.",
)
TOO_YOUNG = (
    "Children under 11 cannot see this page by themselves.",
    "Seeing it for somebody else, as a parent or a carer, is not offered here yet. Phone us and we will help you.",
)


class _Pending(msgspec.Struct, frozen=True, kw_only=True):
    verifier: str
    nonce: str
    cookie_hash: bytes


class KnownPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed in: the one person of the index that they were proven to be."""

    patient_key: int
    birth_date: date


def person_staff(provider: str) -> Staff:
    """A person at their own ledger, as the audit names who acts: by their role, since the event itself is theirs."""
    return Staff(
        user_id="person",
        name="the person",
        role_code="person",
        role="person",
        role_name="the person themselves",
        organisation="",
        organisation_name="",
        sign_in=provider,
    )


class NHSLogin:
    """`start` sends the person away, `finish` finds who came back."""

    def __init__(
        self,
        db: database.Database,
        region: Region,
        settings: Settings,
        *,
        random_token: Callable[[], str] = clock.random_token,
    ) -> None:
        self._db = db
        self._store = Store(db)
        self._region = region
        self._redirect_uri = f"{settings.public_url.rstrip('/')}/my-record/callback"
        self._random_token = random_token
        self._client = ProviderClient(region.person_sign_in) if region.person_sign_in else None

    @property
    def is_configured(self) -> bool:
        return self._region.person_sign_in is not None

    async def start(self, *, at: datetime) -> SignInStart | Refusal:
        if self._client is None or self._region.person_sign_in is None:
            return self._refuse("sign_in", "Signing in to your own record is not set up here.")
        try:
            discovery = await self._client.discovery(at=at)
        except ProviderFailed:
            return self._refuse("provider", "The sign-in service does not answer. Try again in a few minutes.")
        state, cookie = self._random_token(), self._random_token()
        pending = _Pending(verifier=self._random_token(), nonce=self._random_token(), cookie_hash=hash_secret(cookie))
        await self._store.insert_login(state, pending, at=at, expires_at=at + PENDING)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._region.person_sign_in.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": SCOPE,
            "state": state,
            "nonce": pending.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "vtr": msgspec.json.encode(VECTORS).decode(),
        }
        separator = "&" if "?" in discovery.authorization_endpoint else "?"
        return SignInStart(url=f"{discovery.authorization_endpoint}{separator}{urlencode(asked)}", cookie=cookie)

    async def finish(
        self, *, state: str | None, code: str | None, cookie: str | None, at: datetime, error: str | None = None
    ) -> KnownPerson | Refusal:
        content = await self._store.take_login(state, at=at) if state else None
        pending = msgspec.json.decode(content, type=_Pending) if content else None
        if pending is None or not cookie or not hmac.compare_digest(pending.cookie_hash, hash_secret(cookie)):
            return self._refuse("state", "This sign-in was begun elsewhere, was used already, or took too long.")
        if self._client is None or self._region.person_sign_in is None:
            return self._refuse("sign_in", "Signing in to your own record is not set up here.")
        if error or not code:
            return self._refuse("provider", "You did not finish signing in, or turned back.")
        try:
            claims, said = await self._ask_who(
                self._client, self._region.person_sign_in, pending=pending, code=code, at=at
            )
        except ProviderFailed:
            return self._refuse("provider", "The sign-in could not be completed. Try again in a few minutes.")
        except NotSigned as wrong:
            return self._refuse(wrong.field, "The sign-in was refused, because its answer does not fit.")
        if not is_proven(claims, said):
            return self._refuse("proofing", *NOT_PROVEN)
        return await self._find(said, at=at)

    async def _find(self, said: Mapping[str, Any], *, at: datetime) -> KnownPerson | Refusal:
        number, birth_date = NHSNumber.found_in(str(said.get("nhs_number", ""))), _date(said.get("birthdate"))
        if number is None or birth_date is None:
            return self._refuse("claims", *NOT_FOUND)
        if age(birth_date, on=at.date()) < OWN_YEARS:
            return self._refuse("age", *TOO_YOUNG)
        try:
            person = await patient_index.find_person(self._db, nhs_number=number, birth_date=birth_date)
        except (database.DatabaseLost, database.DatabaseRefused, OSError):
            return self._refuse("database", "Your record cannot be reached now. Try again in a few minutes.")
        if person is None:
            return self._refuse("person", *NOT_FOUND)
        return KnownPerson(patient_key=person.patient_key, birth_date=birth_date)

    async def _ask_who(
        self, client: ProviderClient, sign_in: PersonSignIn, *, pending: _Pending, code: str, at: datetime
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """(claims of the ID token, what userinfo says of the same person)."""
        discovery = await client.discovery(at=at)
        id_token, access_token = await client.exchange(
            code=code,
            verifier=pending.verifier,
            redirect_uri=self._redirect_uri,
            at=at,
            proof={
                "client_assertion_type": ASSERTION,
                "client_assertion": assertion(
                    sign_in, audience=discovery.token_endpoint, jti=self._random_token(), at=at
                ),
            },
        )
        header = peek(id_token).header
        jwks = await client.keys(at=at)
        if find_key(jwks, kid=header.get("kid"), algorithm=str(header.get("alg"))) is None:
            jwks = await client.keys(at=at, again=True)  # The provider may have changed its keys.
        claims = read_signed(id_token, jwks=jwks, algorithms=ALGORITHMS)
        check_claims(claims, issuer=sign_in.issuer, client_id=sign_in.client_id, nonce=pending.nonce, at=at)
        said = await client.userinfo(access_token=access_token, at=at)
        if said.get("sub") != claims["sub"]:
            raise NotSigned("sub", "the userinfo is about someone else")
        for name in ("nhs_number", "birthdate", "identity_proofing_level"):
            if name in claims and claims[name] != said.get(name):
                raise NotSigned(name, "the ID token and the userinfo differ")
        return claims, said

    def _refuse(self, rule: str, *said: str) -> Refusal:
        logs.say(logs.Line.SIGN_IN_REFUSED, rule=rule)
        return Refusal(kind="not-allowed", sentences=said, phone=self._region.phone)


def assertion(sign_in: PersonSignIn, *, audience: str, jti: str, at: datetime) -> str:
    """Who asks, signed with the key that the provider knows (RFC 7523 §3)."""
    key = (RSAKey if sign_in.key["kty"] == "RSA" else ECKey).import_key(sign_in.key)
    algorithm = sign_in.key.get("alg") or ("RS512" if sign_in.key["kty"] == "RSA" else "ES256")
    now = int(at.timestamp())
    claims = {
        "iss": sign_in.client_id,
        "sub": sign_in.client_id,
        "aud": audience,
        "jti": jti,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
    }
    header = {"alg": algorithm, "typ": "JWT"} | ({"kid": sign_in.key["kid"]} if "kid" in sign_in.key else {})
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def is_proven(claims: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """Both the vector of this sign-in and the level of the person: what is missing is not proven."""
    return claims.get("vot") in VECTORS and said.get("identity_proofing_level") == PROVEN


def age(birth_date: date, *, on: date) -> int:
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def _date(said: object) -> date | None:
    try:
        return date.fromisoformat(str(said))
    except ValueError:
        return None
