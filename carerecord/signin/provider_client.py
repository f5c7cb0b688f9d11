"""Calls out to the sign-in provider: discovery, keys, token and userinfo, with a limit on time, size and place.

https://openid.net/specs/openid-connect-discovery-1_0.html, https://openid.net/specs/openid-connect-core-1_0.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from carerecord.organisations import SignIn
from carerecord.organisations.region import PersonSignIn

TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)
BYTES_MAX = 262_144
DISCOVERY_KEPT = timedelta(hours=1)
KEYS_KEPT = timedelta(minutes=10)
KEYS_ASKED_AGAIN_AFTER = timedelta(seconds=5)  # A flood of unknown key ids must not become a flood of requests.


class ProviderFailed(Exception):
    """The sign-in provider did not answer as agreed; try again, and if it goes on, tell those who run the record."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}. Try again, and if it goes on, tell those who run the record.")


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str


class ProviderClient:
    """Redirects are not followed: the provider says in its discovery where things are, and that is where they are."""

    def __init__(self, sign_in: SignIn | PersonSignIn) -> None:
        self._sign_in = sign_in
        self._discovery: tuple[Discovery, datetime] | None = None
        self._keys: tuple[dict[str, Any], datetime] | None = None

    async def discovery(self, *, at: datetime) -> Discovery:
        if self._discovery and at - self._discovery[1] < DISCOVERY_KEPT:
            return self._discovery[0]
        url = f"{self._sign_in.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = msgspec.convert(await self._ask("GET", url), Discovery)
        except msgspec.ValidationError as wrong:
            raise ProviderFailed("The provider's discovery document does not fit") from wrong
        if found.issuer != self._sign_in.issuer:
            raise ProviderFailed("The provider's discovery document is of another issuer")
        for place in (found.authorization_endpoint, found.token_endpoint, found.userinfo_endpoint, found.jwks_uri):
            self._check_place(place)
        self._discovery = (found, at)
        return found

    async def keys(self, *, at: datetime, again: bool = False) -> dict[str, Any]:
        """The provider's keys, remembered for a while; `again` when a message names a key that is not among them."""
        patience = KEYS_ASKED_AGAIN_AFTER if again else KEYS_KEPT
        if self._keys and at - self._keys[1] < patience:
            return self._keys[0]
        found = await self._ask("GET", (await self.discovery(at=at)).jwks_uri)
        self._keys = (found, at)
        return found

    async def exchange(
        self, *, code: str, verifier: str, redirect_uri: str, at: datetime, proof: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """(ID token, access token) for an authorization code; client_secret_post, as CIS2 has it, unless the client
        proves itself otherwise."""
        answer = await self._ask(
            "POST",
            (await self.discovery(at=at)).token_endpoint,
            form={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
                "client_id": self._sign_in.client_id,
                **(proof if proof is not None else {"client_secret": self._sign_in.client_secret}),
            },
        )
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise ProviderFailed("The provider's answer has no ID token or no access token")
        return id_token, access_token

    async def userinfo(self, *, access_token: str, at: datetime) -> dict[str, Any]:
        place = (await self.discovery(at=at)).userinfo_endpoint
        return await self._ask("GET", place, headers={"Authorization": f"Bearer {access_token}"})

    async def _ask(
        self, method: str, url: str, *, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        self._check_place(url)
        place = urlsplit(url).path
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False) as session,
                session.request(
                    method,
                    url,
                    data=form,
                    headers={"Accept": "application/json", **(headers or {})},
                    allow_redirects=False,
                ) as answer,
            ):
                content = await _read(answer)
                if answer.status != 200:
                    raise ProviderFailed(f"The provider answered {answer.status} at {place}")
                return msgspec.json.decode(content, type=dict[str, Any])
        except (aiohttp.ClientError, TimeoutError, OSError) as wrong:
            raise ProviderFailed(f"The provider did not answer at {place}") from wrong
        except msgspec.MsgspecError as wrong:
            raise ProviderFailed(f"The provider's answer at {place} is not a JSON object") from wrong

    def _check_place(self, url: str) -> None:
        """Everything over TLS; in the clear only where the issuer itself is on this machine's loopback."""
        place, issuer = urlsplit(url), urlsplit(self._sign_in.issuer)
        if place.scheme == "https":
            return
        if (
            place.scheme == "http"
            and issuer.scheme == "http"
            and _is_loopback(issuer.hostname)
            and _is_loopback(place.hostname)
        ):
            return
        raise ProviderFailed("The provider names an address without TLS")


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for part in answer.content.iter_chunked(16_384):
        content += part
        if len(content) > BYTES_MAX:
            raise ProviderFailed("The provider's answer is too large")
    return bytes(content)


def _is_loopback(host: str | None) -> bool:
    return host in ("127.0.0.1", "::1", "localhost")
