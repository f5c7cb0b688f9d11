"""The sign-in provider keeps the rules that NHS CIS2 keeps: code flow, PKCE, one use, roles in userinfo."""

from __future__ import annotations

import re
import time
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from aiohttp.test_utils import TestClient, TestServer
from joserfc import jwt
from joserfc.jwk import KeySet

from carerecord.organisations import read_region
from demo.region import write_region
from demo.region.write import SIGN_IN_CLIENT_ID
from demo.systems.sign_in_provider import Provider, SignInProvider, challenge
from demo.systems.staff import USERS

CALLBACK = "http://127.0.0.1:8400/sign-in/callback"
VERIFIER = "v" * 50
ASKED = {
    "response_type": "code",
    "client_id": SIGN_IN_CLIENT_ID,
    "redirect_uri": CALLBACK,
    "scope": "openid profile nationalrbacaccess associatedorgs",
    "state": "s1",
    "nonce": "n1",
    "code_challenge": challenge(VERIFIER),
    "code_challenge_method": "S256",
}


@asynccontextmanager
async def _provider(tmp_path):
    keys = write_region(tmp_path / "region", tmp_path / "keys", sign_in_issuer="http://127.0.0.1:8402")
    configuration = Provider(
        issuer="http://127.0.0.1:8402", host="127.0.0.1", port=8402, key=keys.provider, client_id=SIGN_IN_CLIENT_ID,
        client_secret=keys.sign_in_secret, client_name="London Care Record", redirect_uris=(CALLBACK,),
        next_key=keys.next_provider, fault=tmp_path / "provider.fault",
    )  # fmt: skip
    async with TestClient(TestServer(SignInProvider(configuration).app())) as client:
        client.secret = keys.sign_in_secret.read_text()
        yield client


async def _choose(client, user, **asked):
    page = await client.get("/authorize", params={**ASKED, **asked}, allow_redirects=False)
    number = re.search(r'name="request" value="([^"]+)"', await page.text())[1]
    back = await client.post("/authorize/choose", data={"request": number, "user": user}, allow_redirects=False)
    assert back.status == 303
    return {name: value[0] for name, value in parse_qs(urlsplit(back.headers["Location"]).query).items()}


def _exchange(client, code, **changes):
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "client_id": SIGN_IN_CLIENT_ID,
        "client_secret": client.secret, "code_verifier": VERIFIER, **changes,
    }  # fmt: skip
    return client.post("/token", data=form)


async def test_signing_in_gives_a_signed_identity_and_the_roles(tmp_path):
    async with _provider(tmp_path) as client:
        back = await _choose(client, "555000000102")
        assert back["state"] == "s1"
        tokens = await (await _exchange(client, back["code"])).json()
        keys = KeySet.import_key_set(await (await client.get("/jwks")).json())
        claims = jwt.decode(tokens["id_token"], keys).claims
        assert (claims["sub"], claims["aud"], claims["nonce"]) == ("555000000102", SIGN_IN_CLIENT_ID, "n1")
        assert claims["authentication_assurance_level"] == "3"
        info = await client.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
        told = await info.json()
        assert told["sub"] == claims["sub"]
        assert [role["role_code"] for role in told["nhsid_nrbac_roles"]] == [
            "S0010:G0020:R0260", "S8000:G8000:R8000", "S8000:G8000:R8000",
        ]  # fmt: skip


async def test_a_code_is_good_once_and_only_with_its_verifier_and_secret(tmp_path):
    async with _provider(tmp_path) as client:
        for change, error in (
            ({"code_verifier": "w" * 50}, "invalid_grant"),
            ({"redirect_uri": "http://elsewhere"}, "invalid_grant"),
            ({"client_secret": "guess"}, "invalid_client"),
            ({"grant_type": "password"}, "unsupported_grant_type"),
        ):
            back = await _choose(client, USERS[0].nhsid_useruid)
            answer = await _exchange(client, back["code"], **change)
            assert answer.status >= 400
            assert (await answer.json())["error"] == error
        back = await _choose(client, USERS[0].nhsid_useruid)
        assert (await _exchange(client, back["code"])).status == 200
        assert (await (await _exchange(client, back["code"])).json())["error"] == "invalid_grant"


async def test_an_unknown_client_or_address_is_told_here_and_never_followed(tmp_path):
    async with _provider(tmp_path) as client:
        for wrong in ({"client_id": "other"}, {"redirect_uri": "http://evil.example/"}):
            answer = await client.get("/authorize", params={**ASKED, **wrong}, allow_redirects=False)
            assert answer.status == 400
            assert "Location" not in answer.headers


async def test_a_request_without_pkce_is_sent_back(tmp_path):
    async with _provider(tmp_path) as client:
        asked = {name: value for name, value in ASKED.items() if not name.startswith("code_challenge")}
        answer = await client.get("/authorize", params=asked, allow_redirects=False)
        assert "error=invalid_request" in answer.headers["Location"]


async def test_turning_back_is_access_denied(tmp_path):
    async with _provider(tmp_path) as client:
        assert (await _choose(client, ""))["error"] == "access_denied"


async def test_userinfo_needs_a_token(tmp_path):
    async with _provider(tmp_path) as client:
        assert (await client.get("/userinfo", headers={"Authorization": "Bearer guess"})).status == 401


async def test_discovery_names_what_is_there(tmp_path):
    async with _provider(tmp_path) as client:
        told = await (await client.get("/.well-known/openid-configuration")).json()
        for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
            path = urlsplit(told[name]).path
            assert (await client.request("POST" if path == "/token" else "GET", path)).status != 404


def test_staff_hold_no_role_one_several_and_many():
    assert {len(user.roles) for user in USERS} >= {0, 1, 3, 6}


async def _identity(client):
    back = await _choose(client, "555000000101")
    tokens = await (await _exchange(client, back["code"])).json()
    keys = KeySet.import_key_set(await (await client.get("/jwks")).json())
    return jwt.decode(tokens["id_token"], keys)


async def test_its_clock_can_be_wrong_by_ten_minutes_either_way(tmp_path):
    async with _provider(tmp_path) as client:
        fault = tmp_path / "provider.fault"
        for what, seconds in (("clock-ahead", 600), ("clock-behind", -600), ("", 0)):
            fault.write_text(what)
            claims = (await _identity(client)).claims
            assert abs(claims["iat"] - int(time.time()) - seconds) < 60
            assert claims["exp"] - claims["iat"] == 300


async def test_a_rotated_key_is_the_only_one_that_it_publishes_and_signs_with(tmp_path):
    async with _provider(tmp_path) as client:
        before = await _identity(client)
        (tmp_path / "provider.fault").write_text("key-rotated")
        after = await _identity(client)
        assert (before.header["kid"], after.header["kid"]) == ("provider-1", "provider-2")
        assert [key["kid"] for key in (await (await client.get("/jwks")).json())["keys"]] == ["provider-2"]


async def test_it_can_be_unavailable_or_answer_with_a_page_that_says_sorry(tmp_path):
    async with _provider(tmp_path) as client:
        fault = tmp_path / "provider.fault"
        fault.write_text("unavailable")
        assert (await client.get("/.well-known/openid-configuration")).status == 503
        fault.write_text("error-page")
        answer = await client.get("/userinfo")
        assert (answer.status, answer.content_type) == (200, "text/html")


def test_every_role_of_the_region_is_held_by_somebody_who_can_sign_in(tmp_path):
    region = read_region(
        write_region(tmp_path / "region", tmp_path / "keys", sign_in_issuer="http://127.0.0.1:8402").region
    )
    held = {region.roles[role.code] for user in USERS for role in user.roles}
    assert held == set(region.roles.values())
    stranger = next(user for user in USERS if "no agreement" in user.called)
    assert region.find_organisation(stranger.roles[0].organisation) is None
