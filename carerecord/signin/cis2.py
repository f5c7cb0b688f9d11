"""Signing in with NHS CIS2, or any provider that speaks its claims: OpenID Connect, authorization code with PKCE.

https://openid.net/specs/openid-connect-core-1_0.html §3.1, RFC 7636, RFC 9700.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from carerecord import clock, database, logs
from carerecord.disclosure.values import Refusal
from carerecord.model import Staff
from carerecord.organisations import Region, SignIn
from carerecord.settings import Settings
from carerecord.signin.id_token import ISSUED_SECONDS_MAX, check_claims
from carerecord.signin.logout import Logout, check_logout
from carerecord.signin.provider_client import ProviderClient, ProviderFailed
from carerecord.signin.roles import UserInfoDoesNotFit, read_login
from carerecord.signin.signed import NotSigned, find_key, peek, read_signed
from carerecord.signin.store import Store, hash_secret
from carerecord.signin.values import Login, SignInStart

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384")
SCOPE = "openid profile nhsperson nationalrbacaccess associatedorgs"
ACR_VALUES = "AAL2_OR_AAL3_ANY"
PENDING = timedelta(minutes=10)
LOGOUT_TYPES = ("logout+jwt", "jwt", "application/logout+jwt")


class _Pending(msgspec.Struct, frozen=True, kw_only=True):
    """What one sign-in remembers while its reader is away at the provider."""

    verifier: str
    nonce: str
    cookie_hash: bytes


class Cis2:
    """`start` sends the reader away, `finish` reads what they come back with, `choose` takes one role of several."""

    def __init__(
        self,
        db: database.Database,
        region: Region,
        settings: Settings,
        *,
        random_token: Callable[[], str] = clock.random_token,
    ) -> None:
        self._store = Store(db)
        self._region = region
        self._redirect_uri = f"{settings.public_url.rstrip('/')}/sign-in/callback"
        self._random_token = random_token
        self._client = ProviderClient(region.sign_in) if region.sign_in else None

    @property
    def is_configured(self) -> bool:
        return self._region.sign_in is not None

    async def start(self, *, at: datetime) -> SignInStart | Refusal:
        if self._client is None or self._region.sign_in is None:
            return self._refuse(
                "sign_in", "Signing in is not set up here. Open the record from your own system instead."
            )
        try:
            discovery = await self._client.discovery(at=at)
        except ProviderFailed as failed:
            return self._refuse("provider", "The sign-in provider does not answer.", str(failed))
        state, cookie = self._random_token(), self._random_token()
        pending = _Pending(verifier=self._random_token(), nonce=self._random_token(), cookie_hash=hash_secret(cookie))
        await self._store.insert_login(state, pending, at=at, expires_at=at + PENDING)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._region.sign_in.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": SCOPE,
            "state": state,
            "nonce": pending.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "acr_values": ACR_VALUES,
        }
        separator = "&" if "?" in discovery.authorization_endpoint else "?"
        return SignInStart(url=f"{discovery.authorization_endpoint}{separator}{urlencode(asked)}", cookie=cookie)

    async def finish(
        self, *, state: str | None, code: str | None, cookie: str | None, at: datetime, error: str | None = None
    ) -> Login | Refusal:
        """Who it is. With more than one usable role, the login waits under `cookie` for `choose`."""
        content = await self._store.take_login(state, at=at) if state else None
        pending = msgspec.json.decode(content, type=_Pending) if content else None
        if pending is None or not cookie or not hmac.compare_digest(pending.cookie_hash, hash_secret(cookie)):
            return self._refuse(
                "state", "This sign-in was not begun in this browser, was used already, or took too long."
            )
        if error or not code:
            return self._refuse("provider", "The sign-in provider did not let you in, or you turned back.")
        if self._client is None or self._region.sign_in is None:
            return self._refuse(
                "sign_in", "Signing in is not set up here. Open the record from your own system instead."
            )
        try:
            login = await self._ask_who(self._client, self._region.sign_in, pending=pending, code=code, at=at)
        except ProviderFailed as failed:
            return self._refuse("provider", "The sign-in could not be completed.", str(failed))
        except NotSigned as wrong:
            return self._refuse(wrong.field, f"The sign-in was refused: the ID token's {wrong.field} does not fit.")
        except UserInfoDoesNotFit as wrong:
            return self._refuse("userinfo", str(wrong))
        if isinstance(login, Refusal):
            logs.say(logs.Line.SIGN_IN_REFUSED, rule="roles")
        elif len(login.usable) > 1:
            await self._store.insert_login(f"role:{cookie}", login, at=at, expires_at=at + PENDING)
        return login

    async def find_login(self, cookie: str | None, *, at: datetime) -> Login | None:
        """The login that waits for its role to be chosen."""
        content = await self._store.find_login(f"role:{cookie}", at=at) if cookie else None
        return msgspec.json.decode(content, type=Login) if content else None

    async def choose(self, cookie: str | None, *, role_id: str, at: datetime) -> Staff | Refusal:
        """The member of staff in the role they chose; the choice is made once."""
        login = await self.find_login(cookie, at=at)
        staff = login.staff(role_id) if login else None
        if login is None or staff is None:
            return self._refuse("role", "That role cannot be chosen, or choosing took too long.")
        if await self._store.take_login(f"role:{cookie}", at=at) is None:
            return self._refuse("role", "A role was chosen already.")
        return staff

    async def _ask_who(
        self, client: ProviderClient, sign_in: SignIn, *, pending: _Pending, code: str, at: datetime
    ) -> Login | Refusal:
        id_token, access_token = await client.exchange(
            code=code, verifier=pending.verifier, redirect_uri=self._redirect_uri, at=at
        )
        header = peek(id_token).header
        jwks = await client.keys(at=at)
        if find_key(jwks, kid=header.get("kid"), algorithm=str(header.get("alg"))) is None:
            jwks = await client.keys(at=at, again=True)  # The provider may have changed its keys.
        claims = read_signed(id_token, jwks=jwks, algorithms=ALGORITHMS)
        check_id_token(claims, sign_in=sign_in, nonce=pending.nonce, at=at)
        userinfo = await client.userinfo(access_token=access_token, at=at)
        if userinfo.get("sub") != claims["sub"]:
            raise NotSigned("sub", "the userinfo is about someone else")
        login = read_login(userinfo, region=self._region, assurance=read_assurance(claims))
        sid = claims.get("sid")
        if isinstance(login, Login) and isinstance(sid, str):
            return msgspec.structs.replace(login, provider_session=sid)
        return login

    async def hear_logout(self, token: str, *, at: datetime) -> Logout:
        """What the provider says has ended, once. Raises NotSigned, and ProviderFailed where its keys cannot be had."""
        if self._client is None or self._region.sign_in is None:
            raise NotSigned("iss", "signing in is not set up here")
        header = peek(token).header
        if str(header.get("typ", "logout+jwt")).casefold() not in LOGOUT_TYPES:
            raise NotSigned("typ", "it is no logout token")
        jwks = await self._client.keys(at=at)
        if find_key(jwks, kid=header.get("kid"), algorithm=str(header.get("alg"))) is None:
            jwks = await self._client.keys(at=at, again=True)
        claims = read_signed(token, jwks=jwks, algorithms=ALGORITHMS)
        said = check_logout(claims, sign_in=self._region.sign_in, at=at)
        kept = at + timedelta(seconds=2 * ISSUED_SECONDS_MAX)
        if not await self._store.insert_assertion(
            issuer=f"logout {self._region.sign_in.issuer}", jti=said.jti, expires_at=kept
        ):
            raise NotSigned("jti", "it was sent before")
        return said

    def _refuse(self, rule: str, *sentences: str) -> Refusal:
        logs.say(logs.Line.SIGN_IN_REFUSED, rule=rule)
        return Refusal(kind="not-allowed", sentences=(*sentences, "Sign in again."), phone=self._region.phone)


def read_assurance(claims: dict[str, Any]) -> int | None:
    """The authentication assurance level, 1 to 3: by its own claim, else by the context class; None if neither says."""
    for said in (str(claims.get("authentication_assurance_level")), str(claims.get("acr"))[3:4]):
        if said in ("1", "2", "3"):
            return int(said)
    return None


def check_id_token(claims: dict[str, Any], *, sign_in: SignIn, nonce: str, at: datetime) -> None:
    """OpenID Connect Core §3.1.3.7, and how surely the provider knows who it is. Raises NotSigned naming the claim."""
    check_claims(claims, issuer=sign_in.issuer, client_id=sign_in.client_id, nonce=nonce, at=at)
    level = str(claims.get("authentication_assurance_level", ""))
    if level not in ("2", "3") and not str(claims.get("acr", "")).startswith(("AAL2", "AAL3")):
        raise NotSigned("acr", "the sign-in was not by two factors (AAL2 or AAL3)")
