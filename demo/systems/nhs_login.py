"""A sign-in provider for people, in the manner of NHS login: PKCE, a client known by its key, identity proven or not.

https://nhsconnect.github.io/nhslogin/
"""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from demo.people import Person, generate
from demo.region.write import public_half, read_key
from demo.systems import pages
from demo.systems.faults import doing_wrong, read_fault
from demo.systems.life import live, serve
from demo.systems.sign_in_provider import challenge

_CODE_SECONDS, _TOKEN_SECONDS = 60, 300
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PROVEN, _UNPROVEN = ("P9", "P9.Cp.Cd"), ("P5", "P5.Cp.Cd")


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    issuer: str
    host: str
    port: int
    key: Path
    client_id: str
    client_key: Path  # the client's own key, of which only the public half is used
    client_name: str
    redirect_uris: tuple[str, ...]
    seed: int
    people: int
    until: date
    fault: Path | None = None


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    query: dict[str, str]
    sub: str
    person: Person
    level: str
    vector: str
    at: float


class NHSLogin:
    """One provider: what was asked, granted and issued is remembered while it runs."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._key = RSAKey.import_key(read_key(provider.key))
        self._client_key = RSAKey.import_key(public_half(read_key(provider.client_key)))
        everyone = generate(provider.seed, provider.people, until=provider.until)
        self._people = {f"person-{place}": person for place, person in enumerate(everyone) if person.is_cast}
        self._asked: dict[str, dict[str, str]] = {}
        self._codes: dict[str, Granted] = {}
        self._tokens: dict[str, Granted] = {}
        self._assertions: set[str] = set()

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
                web.get("/", self.front),
                web.get("/style.css", pages.style),
            ]
        )
        return app

    async def front(self, _: web.Request) -> web.Response:
        return _stopped("Nothing to do here", "Start at the record: it sends you here to sign in.", status=200)

    async def discovery(self, _: web.Request) -> web.Response:
        issuer = self.provider.issuer
        return web.json_response(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "jwks_uri": f"{issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS512"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": ["RS512"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "profile"],
            }
        )

    async def jwks(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [public_half(self._key.as_dict(private=False))]})

    async def authorize(self, request: web.Request) -> web.Response:
        """Shows who can sign in. A wrong client or address is told to the reader and never followed."""
        query = dict(request.query)
        if query.get("client_id") != self.provider.client_id:
            return _stopped("This system is not registered", "The client_id is not one that this provider knows.")
        if query.get("redirect_uri") not in self.provider.redirect_uris:
            return _stopped("This address is not registered", "The redirect_uri is not one that was registered.")
        if query.get("response_type") != "code" or "openid" not in query.get("scope", "").split():
            raise _back(query, error="invalid_request")
        if not query.get("code_challenge") or query.get("code_challenge_method") != "S256":
            raise _back(query, error="invalid_request", error_description="PKCE with S256 is required")
        number = secrets.token_urlsafe(16)
        self._asked[number] = query
        users = [
            {"id": sub, "name": _name(person), "about": f"born {person.now.birth_date:%d-%b-%Y}: {person.shows}"}
            for sub, person in self._people.items()
        ]
        return pages.page(
            "nhs_login_choose.html", client=self.provider.client_name, request=number, users=users, first=users[0]
        )

    async def choose(self, request: web.Request) -> web.Response:
        form = await request.post()
        query = self._asked.pop(str(form.get("request", "")), None)
        if query is None:
            return _stopped("This request is over", "Go back to the record and sign in again.")
        sub, _, unproven = str(form.get("user", "")).partition("/")
        person = self._people.get(sub)
        if person is None:
            raise _back(query, error="access_denied", error_description="ConsentNotGiven")
        level, vector = _UNPROVEN if unproven else _PROVEN
        code = secrets.token_urlsafe(24)
        self._codes[code] = Granted(
            query=query, sub=sub, person=person, level=level, vector=vector, at=time.monotonic()
        )
        raise _back(query, code=code)

    async def token(self, request: web.Request) -> web.Response:
        """Gives tokens for a code, once, to the client that signs with its key and holds the verifier."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if not self._is_client(form):
            return _refused("invalid_client", status=401)
        granted = self._codes.pop(form.get("code", ""), None)
        if (
            form.get("grant_type") != "authorization_code"
            or granted is None
            or time.monotonic() - granted.at > _CODE_SECONDS
            or form.get("redirect_uri") != granted.query["redirect_uri"]
            or challenge(form.get("code_verifier", "")) != granted.query["code_challenge"]
        ):
            return _refused("invalid_grant")
        access_token = secrets.token_urlsafe(32)
        self._tokens[access_token] = granted
        return web.json_response(
            {
                "access_token": access_token,
                "token_type": "Bearer",
                "expires_in": _TOKEN_SECONDS,
                "id_token": self._id_token(granted),
            },
            headers={"Cache-Control": "no-store"},
        )

    def _is_client(self, form: dict[str, str]) -> bool:
        if form.get("client_assertion_type") != _ASSERTION:
            return False
        try:
            claims = jwt.decode(form.get("client_assertion", ""), self._client_key, algorithms=["RS512"]).claims
        except (JoseError, ValueError):
            return False
        is_new = claims.get("jti") not in self._assertions
        self._assertions.add(str(claims.get("jti")))
        known = claims.get("iss") == claims.get("sub") == self.provider.client_id
        in_time = time.time() - 5 <= int(claims.get("exp", 0)) <= time.time() + 300
        return is_new and known and in_time and claims.get("aud") == f"{self.provider.issuer}/token"

    def _id_token(self, granted: Granted) -> str:
        at = int(time.time()) + {"clock-ahead": 600, "clock-behind": -900}.get(read_fault(self.provider.fault), 0)
        claims: dict[str, Any] = {
            "iss": self.provider.issuer,
            "sub": granted.sub,
            "aud": self.provider.client_id,
            "iat": at,
            "exp": at + _TOKEN_SECONDS,
            "nonce": granted.query.get("nonce", ""),
            "vot": granted.vector,
            "vtm": f"{self.provider.issuer}/trustmark",
            "jti": secrets.token_urlsafe(12),
            **self._said(granted),
        }
        return jwt.encode({"alg": "RS512", "kid": str(self._key.kid)}, claims, self._key, algorithms=["RS512"])

    def _said(self, granted: Granted) -> dict[str, Any]:
        said = {"identity_proofing_level": granted.level, "birthdate": granted.person.now.birth_date.isoformat()}
        return said | {"nhs_number": granted.person.nhs_number}

    async def userinfo(self, request: web.Request) -> web.Response:
        granted = self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if granted is None or time.monotonic() - granted.at > _TOKEN_SECONDS:
            return _refused("invalid_token", status=401)
        return web.json_response(
            {"iss": self.provider.issuer, "sub": granted.sub, **self._said(granted)},
            headers={"Cache-Control": "no-store"},
        )


def _name(person: Person) -> str:
    return str(person.name)


def _back(query: dict[str, str], **answer: str) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(f"{query['redirect_uri']}?{urlencode({**answer, 'state': query.get('state', '')})}")


def _refused(error: str, *, status: int = 400) -> web.Response:
    return web.json_response({"error": error}, status=status, headers={"Cache-Control": "no-store"})


def _stopped(heading: str, sentence: str, *, status: int = 400) -> web.Response:
    return pages.page("provider_stopped.html", status=status, heading=heading, sentence=sentence)


async def run(provider: Provider, stop: asyncio.Event) -> None:
    await serve(NHSLogin(provider).app(), host=provider.host, port=provider.port, stop=stop)


if __name__ == "__main__":
    live(Provider, run)
