"""The client's side of private_key_jwt: an access token for a signed assertion, kept until it is nearly over.

https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html, RFC 7523
"""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from demo.systems.http import Http
from demo.systems.lines import LineLost

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 60
_EARLY_SECONDS = 20.0  # A token is not used in its last moments: it might be over when it arrives.


class NoToken(LineLost):
    """The record gave no token: the program may not be registered yet. It is asked for again after a while."""


class Tokens:
    """One program's tokens, shared by all its connections."""

    def __init__(self, address: str, *, client_id: str, key: Path, scope: str = "system/*.cud") -> None:
        self._address = address
        self._client_id = client_id
        self._scope = scope
        told: dict[str, Any] = msgspec.json.decode(key.read_bytes())
        self._kid = told.get("kid", "")
        self._algorithm = told.get("alg") or ("RS384" if told["kty"] == "RSA" else f"ES{told['crv'][-3:]}")
        self._key = (RSAKey if told["kty"] == "RSA" else ECKey).import_key(told)
        self._token, self._ends = "", 0.0
        self._asking = asyncio.Lock()

    async def token(self) -> str:
        """Raises LineLost where none is given."""
        async with self._asking:
            if time.monotonic() >= self._ends:
                await self._ask()
            return self._token

    def forget(self, token: str) -> None:
        """The record no longer takes this one."""
        if token == self._token:
            self._ends = 0.0

    async def _ask(self) -> None:
        asked = time.monotonic()
        form = {
            "grant_type": "client_credentials",
            "scope": self._scope,
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": self._assertion(int(time.time())),
        }
        http = Http(self._address, answer_seconds_max=20)
        try:
            headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
            reply = await http.request("POST", http.path, headers, urlencode(form).encode())
        finally:
            http.close()
        try:
            given = msgspec.json.decode(reply.body)
        except msgspec.DecodeError as wrong:
            raise NoToken(f"The token address answered {reply.status} without JSON.") from wrong
        if reply.status != 200:
            raise NoToken(f"No token: {given.get('error')}: {given.get('error_description', '')}")
        self._token = given["access_token"]
        self._ends = asked + max(1.0, float(given.get("expires_in", 300)) - _EARLY_SECONDS)

    def _assertion(self, at: int) -> str:
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": self._address,
            "iat": at,
            "exp": at + _ASSERTION_SECONDS,
            "jti": secrets.token_urlsafe(18),
        }
        return jwt.encode({"alg": self._algorithm, "kid": self._kid}, claims, self._key, algorithms=[self._algorithm])
