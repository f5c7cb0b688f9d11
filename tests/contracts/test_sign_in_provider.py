"""Signing in, held to a certified OpenID Connect provider that speaks the claims of NHS CIS2."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec
import pytest

from carerecord import database
from carerecord.disclosure import Refusal
from carerecord.organisations import Organisation, Region, SignIn
from carerecord.settings import Settings
from carerecord.signin import Cis2, Login, SignInStart

FOLDER = Path(__file__).parent / "node"
NOBODY, ONE_ROLE, MANY_ROLES, NO_USABLE, ONE_FACTOR = (f"55500000000{number}" for number in (0, 1, 2, 3, 9))


@contextmanager
def running(node: Path, port: int, *, key: str = "key-1") -> Iterator[None]:
    """The provider on `port`, until the block ends."""
    command = [node, "provider.mjs", str(port), "http://127.0.0.1:8400/sign-in/callback", key]
    process = subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n", "The provider did not start."
        yield
    finally:
        process.terminate()
        process.wait(timeout=5)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def provider(node: Path) -> Iterator[int]:
    port = free_port()
    with running(node, port):
        yield port


def region(port: int, *, secret: str = "a-secret-of-the-test-provider-only") -> Region:
    return Region(
        name="london",
        title="London Care Record",
        phone="020 7946 0000",
        organisations=(Organisation(ods_code="RTH", name="Oxford University Hospitals"),),
        sources=(),
        sign_in=SignIn(issuer=f"http://127.0.0.1:{port}", client_id="carerecord", client_secret=secret),
        roles={"S8000:G8000:R8000": "clinician", "S8010:G8020:R8008": "admin"},
    )


@asynccontextmanager
async def signing_in(settings: Settings, at_region: Region) -> AsyncIterator[Cis2]:
    async with database.connect(settings, "serve") as db:
        yield Cis2(db, at_region, settings)


def now() -> datetime:
    return datetime.now(UTC)


async def begin(cis2: Cis2, *, at: datetime) -> SignInStart:
    started = await cis2.start(at=at)
    assert isinstance(started, SignInStart), started
    return started


async def come_back(started: SignInStart, *, account: str) -> dict[str, str]:
    """What a browser brings to the callback once its reader has signed in at the provider as `account`."""
    async with httpx2.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(started.url)
        assert answer.status_code == 303, answer.text
        base = started.url.split("/auth")[0]
        answer = await browser.post(f"{base}{urlsplit(answer.headers['location']).path}", params={"account": account})
        while answer.headers["location"].startswith(base):
            answer = await browser.get(answer.headers["location"])
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def sign_in(cis2: Cis2, account: str, *, at: datetime) -> tuple[SignInStart, Login | Refusal]:
    started = await begin(cis2, at=at)
    brought = await come_back(started, account=account)
    return started, await finish(cis2, started, brought, at=at)


async def finish(cis2: Cis2, started: SignInStart, brought: dict[str, str], *, at: datetime) -> Login | Refusal:
    return await cis2.finish(
        state=brought.get("state"),
        code=brought.get("code"),
        cookie=started.cookie,
        error=brought.get("error"),
        at=at,
    )


async def test_one_role_signs_in_at_once(settings: Settings, provider: int) -> None:
    async with signing_in(settings, region(provider)) as cis2:
        _, login = await sign_in(cis2, ONE_ROLE, at=now())
        assert isinstance(login, Login), login
        (role,) = login.usable
        staff = login.staff(role.id)
        assert staff
        assert (staff.user_id, staff.name, staff.role) == (ONE_ROLE, "Okafor Amara Dr", "clinician")
        assert staff.organisation == "RTH"


async def test_many_roles_are_chosen_from_once(settings: Settings, provider: int) -> None:
    async with signing_in(settings, region(provider)) as cis2:
        at = now()
        started, login = await sign_in(cis2, MANY_ROLES, at=at)
        assert isinstance(login, Login), login
        assert [role.role for role in login.usable] == ["clinician", "admin"]
        assert [bool(role.why_not) for role in login.roles] == [False, False, True, True]
        assert await cis2.find_login(started.cookie, at=at) == login
        assert await cis2.find_login("another browser", at=at) is None
        assert isinstance(await cis2.choose(started.cookie, role_id="1003", at=at), Refusal)
        staff = await cis2.choose(started.cookie, role_id="1002", at=at)
        assert not isinstance(staff, Refusal)
        assert staff.role == "admin"
        assert isinstance(await cis2.choose(started.cookie, role_id="1001", at=at), Refusal)


async def test_a_role_is_chosen_within_ten_minutes(settings: Settings, provider: int) -> None:
    async with signing_in(settings, region(provider)) as cis2:
        at = now()
        started, _ = await sign_in(cis2, MANY_ROLES, at=at)
        late = await cis2.choose(started.cookie, role_id="1001", at=at + timedelta(minutes=11))
        assert isinstance(late, Refusal)


@pytest.mark.parametrize(
    ("account", "said"),
    [
        (NOBODY, "registration authority"),
        (NO_USABLE, "none of your roles can be used here"),
        (ONE_FACTOR, "acr"),
        ("a card that was taken out", "did not let you in"),
    ],
)
async def test_who_cannot_sign_in_is_told_why(settings: Settings, provider: int, account: str, said: str) -> None:
    async with signing_in(settings, region(provider)) as cis2:
        _, refusal = await sign_in(cis2, account, at=now())
        assert isinstance(refusal, Refusal)
        assert said in " ".join(refusal.sentences)
        assert refusal.phone == "020 7946 0000"


async def test_an_answer_works_once_in_the_browser_it_was_begun_in_and_in_time(
    settings: Settings, provider: int
) -> None:
    async with signing_in(settings, region(provider)) as cis2:
        at = now()
        started = await begin(cis2, at=at)
        brought = await come_back(started, account=ONE_ROLE)
        assert isinstance(await finish(cis2, started, brought, at=at), Login)
        assert isinstance(await finish(cis2, started, brought, at=at), Refusal)

        other = await begin(cis2, at=at)
        theirs = await come_back(await begin(cis2, at=at), account=ONE_ROLE)
        assert isinstance(await finish(cis2, other, theirs, at=at), Refusal)

        slow = await begin(cis2, at=at)
        late = await come_back(slow, account=ONE_ROLE)
        assert isinstance(await finish(cis2, slow, late, at=at + timedelta(minutes=11)), Refusal)

        started = await begin(cis2, at=at)
        assert isinstance(await finish(cis2, started, {**brought, "state": "guessed"}, at=at), Refusal)


async def test_a_code_of_someone_elses_sign_in_is_refused_by_the_provider(settings: Settings, provider: int) -> None:
    """PKCE: a code that was stolen does not fit the verifier of another sign-in."""
    async with signing_in(settings, region(provider)) as cis2:
        at = now()
        stolen = await come_back(await begin(cis2, at=at), account=ONE_ROLE)
        mine = await begin(cis2, at=at)
        brought = await come_back(mine, account=ONE_ROLE)
        refusal = await finish(cis2, mine, {**brought, "code": stolen["code"]}, at=at)
        assert isinstance(refusal, Refusal)
        assert refusal.sentences[0] == "The sign-in could not be completed."


async def test_a_wrong_secret_is_refused(settings: Settings, provider: int) -> None:
    async with signing_in(settings, region(provider, secret="not the secret")) as cis2:
        _, refusal = await sign_in(cis2, ONE_ROLE, at=now())
        assert isinstance(refusal, Refusal)


async def test_keys_that_the_provider_changes_are_fetched_anew(settings: Settings, node: Path) -> None:
    port = free_port()
    async with signing_in(settings, region(port)) as cis2:
        with running(node, port, key="before"):
            at = now()
            assert isinstance((await sign_in(cis2, ONE_ROLE, at=at))[1], Login)
        with running(node, port, key="after"):
            later = at + timedelta(seconds=6)
            assert isinstance((await sign_in(cis2, ONE_ROLE, at=later))[1], Login)


async def test_a_provider_that_is_away_or_is_another_is_said(settings: Settings, provider: int) -> None:
    async with signing_in(settings, region(free_port())) as cis2:
        away = await cis2.start(at=now())
        assert isinstance(away, Refusal)
        assert away.sentences[0] == "The sign-in provider does not answer."
    other = SignIn(issuer=f"http://localhost:{provider}", client_id="carerecord", client_secret="s")
    renamed = msgspec.structs.replace(region(provider), sign_in=other)
    async with signing_in(settings, renamed) as cis2:
        assert isinstance(await cis2.start(at=now()), Refusal)


async def test_where_signing_in_is_not_set_up_that_is_said(settings: Settings) -> None:
    plain = Region(name="london", title="London Care Record", phone="020 7946 0000", organisations=(), sources=())
    async with signing_in(settings, plain) as cis2:
        assert not cis2.is_configured
        refusal = await cis2.start(at=now())
        assert isinstance(refusal, Refusal)
        assert refusal.sentences[0].startswith("Signing in is not set up here.")
