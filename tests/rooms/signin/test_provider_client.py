"""Calls to the sign-in provider are bounded in place, size and patience, and its answers are not trusted for shape."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from carerecord.organisations import SignIn
from carerecord.signin.provider_client import BYTES_MAX, ProviderClient, ProviderFailed

AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)


class Provider:
    """Answers as it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.base = ""
        self.asked: list[str] = []
        self.keys: Callable[[web.Request], web.StreamResponse] = lambda _: web.json_response({"keys": []})
        self.places: dict[str, str] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path == "/.well-known/openid-configuration":
            return web.json_response(
                {
                    "issuer": self.base,
                    "authorization_endpoint": f"{self.base}/auth",
                    "token_endpoint": f"{self.base}/token",
                    "userinfo_endpoint": f"{self.base}/me",
                    "jwks_uri": f"{self.base}/keys",
                    **self.places,
                }
            )
        return self.keys(request) if request.path == "/keys" else web.json_response(["not", "an", "object"])

    def client(self) -> ProviderClient:
        return ProviderClient(SignIn(issuer=self.base, client_id="carerecord", client_secret="s"))


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    it = Provider()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", it.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        it.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield it
    finally:
        await runner.cleanup()


async def test_keys_are_remembered_and_asked_for_again_only_now_and_then() -> None:
    async with provider() as it:
        client = it.client()
        for again, seconds in ((False, 0), (False, 60), (True, 61), (True, 62), (True, 70)):
            await client.keys(at=AT + timedelta(seconds=seconds), again=again)
        assert it.asked.count("/keys") == 3
        assert it.asked.count("/.well-known/openid-configuration") == 1


async def test_a_redirect_is_not_followed() -> None:
    async with provider() as it:

        def elsewhere(_: web.Request) -> web.StreamResponse:
            raise web.HTTPFound("/elsewhere")

        it.keys = elsewhere
        with pytest.raises(ProviderFailed, match="answered 302 at /keys"):
            await it.client().keys(at=AT)
        assert "/elsewhere" not in it.asked


@pytest.mark.parametrize(
    ("content", "said"), [(b"{" + b" " * BYTES_MAX, "too large"), (b"[]", "not a JSON object"), (b"\xff", "not a JSON")]
)
async def test_an_answer_of_the_wrong_size_or_shape_is_refused(content: bytes, said: str) -> None:
    async with provider() as it:
        it.keys = lambda _: web.Response(body=content)
        with pytest.raises(ProviderFailed, match=said):
            await it.client().keys(at=AT)


@pytest.mark.parametrize(
    "places",
    [{"token_endpoint": "http://provider.example/token"}, {"jwks_uri": "file:///etc/passwd"}, {"jwks_uri": "//keys"}],
)
async def test_an_address_without_tls_is_refused(places: dict[str, Any]) -> None:
    async with provider() as it:
        it.places = places
        with pytest.raises(ProviderFailed, match="without TLS"):
            await it.client().discovery(at=AT)


@pytest.mark.parametrize("places", [{"issuer": "https://other.example"}, {"jwks_uri": 5}])
async def test_discovery_of_another_issuer_or_shape_is_refused(places: dict[str, Any]) -> None:
    async with provider() as it:
        it.places = places
        with pytest.raises(ProviderFailed, match="discovery document"):
            await it.client().discovery(at=AT)


async def test_an_issuer_without_tls_on_another_machine_is_never_asked() -> None:
    client = ProviderClient(SignIn(issuer="http://provider.example", client_id="c", client_secret="s"))
    with pytest.raises(ProviderFailed, match="without TLS"):
        await client.discovery(at=AT)
