"""A sign-in provider in the manner of NHS CIS2: OpenID Connect, authorization code with PKCE, roles in userinfo."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from demo.region.write import public_half, read_key
from demo.systems import pages
from demo.systems.faults import doing_wrong, read_fault
from demo.systems.life import live, serve
from demo.systems.staff import USERS, User, find_user, userinfo

_CODE_SECONDS, _TOKEN_SECONDS = 60, 300
_SKEW = {"clock-ahead": 600, "clock-behind": -600}


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    issuer: str
    host: str
    port: int
    key: Path
    client_id: str
    client_secret: Path
    client_name: str
    redirect_uris: tuple[str, ...]
    next_key: Path | None = None  # what it signs with once its key is rotated
    fault: Path | None = None  # the file that names what it does wrong


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization request whose client and address of return are known to be right."""

    redirect_uri: str
    state: str
    nonce: str
    challenge: str
    scopes: frozenset[str]
    at: float


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    asked: Asked
    user: User
    at: float


class SignInProvider:
    """One provider: what was asked, granted and issued is remembered while it runs."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._keys = [RSAKey.import_key(read_key(path)) for path in (provider.key, provider.next_key) if path]
        self._secret = provider.client_secret.read_text(encoding="utf-8").strip()
        self._asked: dict[str, Asked] = {}
        self._codes: dict[str, Granted] = {}
        self._tokens: dict[str, Granted] = {}

    def app(self) -> web.Application:
        app = web.Application(middlewares=[doing_wrong(self.provider.fault)])
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self.discovery),
                web.get("/jwks", self.jwks),
                web.get("/authorize", self.authorize),
                web.post("/authorize/choose", self.choose),
                web.post("/token", self.token),
                web.get("/userinfo", self.userinfo),
                web.get("/logout", self.logout),
                web.get("/", self.front),
                web.get("/style.css", pages.style),
            ]
        )
        return app

    async def front(self, _: web.Request) -> web.Response:
        return _stopped("Nothing to do here", "Start at the record: it sends you here to sign in.", status=200)

    async def logout(self, _: web.Request) -> web.Response:
        return _stopped("You have signed out", "You can close this page.", status=200)

    async def discovery(self, _: web.Request) -> web.Response:
        issuer = self.provider.issuer
        return web.json_response(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "jwks_uri": f"{issuer}/jwks",
                "end_session_endpoint": f"{issuer}/logout",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "profile", "nationalrbacaccess", "associatedorgs", "selectedrole"],
                "acr_values_supported": ["AAL3_ANY", "AAL2_OR_AAL3_ANY", "AAL1_USERPASS"],
            }
        )

    async def jwks(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [public_half(self._key().as_dict(private=False))]})

    def _key(self) -> RSAKey:
        """The key of this moment: the last one when it is rotated, and then the first is published no more."""
        return self._keys[-1] if read_fault(self.provider.fault) == "key-rotated" else self._keys[0]

    def _now(self) -> int:
        return int(time.time()) + _SKEW.get(read_fault(self.provider.fault), 0)

    async def authorize(self, request: web.Request) -> web.Response:
        """Shows who can sign in. A wrong client or address is told to the reader and never followed."""
        query = request.query
        if query.get("client_id") != self.provider.client_id:
            return _stopped("This system is not registered", "The client_id is not one that this provider knows.")
        redirect_uri = query.get("redirect_uri", "")
        if redirect_uri not in self.provider.redirect_uris:
            return _stopped(
                "This address is not registered", "The redirect_uri is not one that this client registered."
            )
        asked = Asked(
            redirect_uri=redirect_uri,
            state=query.get("state", ""),
            nonce=query.get("nonce", ""),
            challenge=query.get("code_challenge", ""),
            scopes=frozenset(query.get("scope", "").split()),
            at=time.monotonic(),
        )
        if query.get("response_type") != "code":
            raise _back(asked, error="unsupported_response_type")
        if "openid" not in asked.scopes:
            raise _back(asked, error="invalid_scope")
        if not asked.challenge or query.get("code_challenge_method") != "S256":
            raise _back(asked, error="invalid_request", error_description="PKCE with S256 is required")
        number = secrets.token_urlsafe(16)
        self._asked[number] = asked
        return pages.page("provider_choose.html", client=self.provider.client_name, request=number, users=USERS)

    async def choose(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self._asked.pop(str(form.get("request", "")), None)
        if asked is None or time.monotonic() - asked.at > 600:
            return _stopped("This request is over", "Go back to the record and sign in again.")
        user = find_user(str(form.get("user", "")))
        if user is None:
            raise _back(asked, error="access_denied")
        code = secrets.token_urlsafe(24)
        self._codes[code] = Granted(asked=asked, user=user, at=time.monotonic())
        raise _back(asked, code=code)

    async def token(self, request: web.Request) -> web.Response:
        """Gives tokens for a code, once, to the client that asked and holds the verifier."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        secret = form.get("client_secret", "")
        if form.get("client_id") != self.provider.client_id or not secrets.compare_digest(secret, self._secret):
            return _refused("invalid_client", status=401)
        if form.get("grant_type") != "authorization_code":
            return _refused("unsupported_grant_type")
        granted = self._codes.pop(form.get("code", ""), None)
        if granted is None or time.monotonic() - granted.at > _CODE_SECONDS:
            return _refused("invalid_grant")
        if form.get("redirect_uri") != granted.asked.redirect_uri:
            return _refused("invalid_grant")
        if challenge(form.get("code_verifier", "")) != granted.asked.challenge:
            return _refused("invalid_grant")
        access_token = secrets.token_urlsafe(32)
        self._tokens[access_token] = Granted(asked=granted.asked, user=granted.user, at=time.monotonic())
        return web.json_response(
            {
                "access_token": access_token,
                "token_type": "Bearer",
                "expires_in": _TOKEN_SECONDS,
                "scope": " ".join(sorted(granted.asked.scopes)),
                "id_token": self._id_token(granted, access_token),
            },
            headers={"Cache-Control": "no-store"},
        )

    def _id_token(self, granted: Granted, access_token: str) -> str:
        at, key, user, scopes = self._now(), self._key(), granted.user, granted.asked.scopes
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        strong = user.assurance >= 2
        claims: dict[str, Any] = {
            "iss": self.provider.issuer,
            "sub": user.nhsid_useruid,
            "aud": self.provider.client_id,
            "iat": at,
            "exp": at + _TOKEN_SECONDS,
            "auth_time": at,
            "acr": f"AAL{user.assurance}_ANY" if strong else "AAL1_USERPASS",
            "amr": ["N3_SMARTCARD"] if strong else ["USERPASS"],
            "id_assurance_level": str(user.assurance),
            "authentication_assurance_level": str(user.assurance),
            "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
        }
        if granted.asked.nonce:
            claims["nonce"] = granted.asked.nonce
        if "selectedrole" in scopes and len(user.roles) == 1:
            claims["selected_roleid"] = user.roles[0].roleid
        return jwt.encode({"alg": "RS256", "kid": str(key.kid)}, claims, key)

    async def userinfo(self, request: web.Request) -> web.Response:
        granted = self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if granted is None or time.monotonic() - granted.at > _TOKEN_SECONDS:
            return _refused("invalid_token", status=401)
        return web.json_response(
            userinfo(granted.user, set(granted.asked.scopes)), headers={"Cache-Control": "no-store"}
        )


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _back(asked: Asked, **answer: str) -> web.HTTPSeeOther:
    joint = "&" if "?" in asked.redirect_uri else "?"
    return web.HTTPSeeOther(f"{asked.redirect_uri}{joint}{urlencode({**answer, 'state': asked.state})}")


def _refused(error: str, *, status: int = 400) -> web.Response:
    return web.json_response({"error": error}, status=status, headers={"Cache-Control": "no-store"})


def _stopped(heading: str, sentence: str, *, status: int = 400) -> web.Response:
    return pages.page("provider_stopped.html", status=status, heading=heading, sentence=sentence)


async def run(provider: Provider, stop: asyncio.Event) -> None:
    await serve(SignInProvider(provider).app(), host=provider.host, port=provider.port, stop=stop)


if __name__ == "__main__":
    live(Provider, run)
