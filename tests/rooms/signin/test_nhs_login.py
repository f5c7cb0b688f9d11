"""A person signs in against a provider in the manner of NHS login, and is bound to exactly one person or to nobody."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec
import pytest
from aiohttp.test_utils import TestServer

from carerecord import clock
from carerecord.disclosure import Refusal
from carerecord.organisations.region import PersonSignIn
from carerecord.settings import Settings
from carerecord.signin.nhs_login import KnownPerson, NHSLogin, is_proven
from demo.region import write_region
from demo.region.write import PERSON_CLIENT_ID, read_key
from demo.systems.nhs_login import NHSLogin as Provider
from demo.systems.nhs_login import Provider as Configuration
from tests.house import REGION, House, message, open_house
from tests.system import free_port

CALLBACK = "http://127.0.0.1:8400/my-record/callback"


class Signing:
    """The record's side and the provider's, talking over a socket; `browse` is the person with a browser."""

    def __init__(self, house: House, login: NHSLogin, provider: Provider) -> None:
        self.house, self.login, self.provider = house, login, provider
        self.sub, self.person = next(iter(provider._people.items()))

    async def browse(self, user: str) -> tuple[str, dict[str, str]]:
        """(the cookie, what the provider sends back)."""
        begun = await self.login.start(at=clock.now())
        assert not isinstance(begun, Refusal), begun
        async with aiohttp.ClientSession() as browser:
            page = await (await browser.get(begun.url)).text()
            found = re.search(r'name="request" value="([^"]+)"', page)
            assert found
            place = urlsplit(begun.url)
            back = await browser.post(
                f"{place.scheme}://{place.netloc}/authorize/choose",
                data={"request": found[1], "user": user},
                allow_redirects=False,
            )
        said = parse_qs(urlsplit(back.headers["Location"]).query)
        return begun.cookie, {name: value[0] for name, value in said.items()}

    async def sign_in(self, user: str, **changes: Any) -> KnownPerson | Refusal:
        cookie, back = await self.browse(user)
        told: dict[str, Any] = {"state": back.get("state"), "code": back.get("code"), "error": back.get("error")}
        return await self.login.finish(**{**told, "cookie": cookie, "at": clock.now(), **changes})

    async def known_here(self, *, birth_date: date | None = None) -> None:
        born = birth_date or self.person.now.birth_date
        pid = f"PID|1||40012^^^BARTS^MR~{self.person.nhs_number}^^^NHS^NH||TESTER^Some||{born:%Y%m%d}|F"
        await self.house.hear(message("ADT^A28", "adt-1", pid=pid))


@asynccontextmanager
async def signing(settings: Settings, tmp_path: Path) -> AsyncIterator[Signing]:
    keys = write_region(tmp_path / "region", tmp_path / "keys", sign_in_issuer="http://127.0.0.1:8402")
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    provider = Provider(
        Configuration(
            issuer=issuer, host="127.0.0.1", port=port, key=keys.person_provider, client_id=PERSON_CLIENT_ID,
            client_key=keys.person_client, client_name="London Care Record", redirect_uris=(CALLBACK,), seed=7,
            people=2, until=date(2026, 11, 21),
        )
    )  # fmt: skip
    region = msgspec.structs.replace(
        REGION,
        person_sign_in=PersonSignIn(issuer=issuer, client_id=PERSON_CLIENT_ID, key=read_key(keys.person_client)),
    )
    async with TestServer(provider.app(), port=port), open_house(settings, region=region) as house:
        yield Signing(house, NHSLogin(house.db, region, settings), provider)


async def test_a_proven_person_is_bound_to_the_one_record_with_their_number_and_birth_date(
    settings: Settings, tmp_path: Path
) -> None:
    async with signing(settings, tmp_path) as case:
        await case.known_here()
        known = await case.sign_in(case.sub)
        assert isinstance(known, KnownPerson), known
        key = await case.house.owner.fetchval("select patient_key from patient_index.identity")
        assert (known.patient_key, known.birth_date) == (key, case.person.now.birth_date)


async def test_who_is_not_proven_to_p9_is_refused_with_what_to_do(settings: Settings, tmp_path: Path) -> None:
    async with signing(settings, tmp_path) as case:
        await case.known_here()
        refused = await case.sign_in(f"{case.sub}/unproven")
        assert isinstance(refused, Refusal)
        assert "photo ID" in " ".join(refused.sentences)


async def test_nobody_here_and_another_birth_date_get_the_same_words(settings: Settings, tmp_path: Path) -> None:
    async with signing(settings, tmp_path) as case:
        nobody = await case.sign_in(case.sub)
        await case.known_here(birth_date=case.person.now.birth_date - timedelta(days=1))
        other = await case.sign_in(case.sub)
        assert isinstance(nobody, Refusal)
        assert nobody == other


async def test_a_sign_in_works_once_in_its_own_browser_and_for_ten_minutes(settings: Settings, tmp_path: Path) -> None:
    async with signing(settings, tmp_path) as case:
        await case.known_here()
        assert isinstance(await case.sign_in(case.sub, cookie="another"), Refusal)
        assert isinstance(await case.sign_in(case.sub, at=clock.now() + timedelta(minutes=11)), Refusal)
        cookie, back = await case.browse(case.sub)
        asked = {"state": back["state"], "code": back["code"], "cookie": cookie}
        assert isinstance(await case.login.finish(**asked, at=clock.now()), KnownPerson)
        assert isinstance(await case.login.finish(**asked, at=clock.now()), Refusal)


async def test_a_client_without_the_registered_key_gets_nothing(settings: Settings, tmp_path: Path) -> None:
    async with signing(settings, tmp_path) as case:
        await case.known_here()
        other = write_region(tmp_path / "other", tmp_path / "other-keys", sign_in_issuer="http://127.0.0.1:8402")
        sign_in = case.login._region.person_sign_in
        assert sign_in is not None
        forged = msgspec.structs.replace(sign_in, key=read_key(other.person_client))
        region = msgspec.structs.replace(case.login._region, person_sign_in=forged)
        case.login = NHSLogin(case.house.db, region, settings)
        assert isinstance(await case.sign_in(case.sub), Refusal)


async def test_who_turns_back_is_not_let_in(settings: Settings, tmp_path: Path) -> None:
    async with signing(settings, tmp_path) as case:
        assert isinstance(await case.sign_in(""), Refusal)


@pytest.mark.parametrize(
    ("vot", "level", "proven"),
    [
        ("P9.Cp.Cd", "P9", True),
        ("P5.Cp.Cd", "P5", False),
        ("P0.Cp", "P0", False),
        ("P9.Cp.Cd", "P5", False),
        ("P5.Cp.Cd", "P9", False),
        (None, "P9", False),
        ("P9.Cp", "P9", False),
    ],
)
def test_both_the_vector_and_the_level_must_say_p9(vot: str | None, level: str, proven: bool) -> None:
    assert is_proven({"vot": vot}, {"identity_proofing_level": level}) is proven
