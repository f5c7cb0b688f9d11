"""H26: A cut closes what is open within five seconds and says whom to phone; an objection closes every way at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import aiohttp
import msgspec
import pytest
from playwright.sync_api import Browser, expect

from carerecord import audit, clock, database
from carerecord.organisations import read_region
from carerecord.stewardship.objections import Objections, Scope, Told
from carerecord.stewardship.proposals import Kind, Proposal, Proposals
from tests import browser
from tests.house import as_role
from tests.pushed import token as access_token
from tests.system import CLIENT, Sender, System, answer_code, open_record

BORN = date(1970, 1, 1)
PHONE = "020 7946 0999"
SESSION = "desk"
BELA = {"nhs_number": "9990000018", "birth_date": "1970-01-01"}
HEAD = "MSH|^~\\&|CERNER|R1H|CARERECORD|LONDON|2026112212010{0}||{1}|M{0}|P|2.4\r"
PID = "PID|1||78^^^R1H^MRN~9990000018^^^NHS^NH||Example^Bela||19700101|F\r"
MESSAGES = (
    HEAD.format(0, "ADT^A28") + "EVN|A28|20261122120100\r" + PID + "AL1|1|DA|^Penicillin|MO|Rash\r",
    HEAD.format(1, "ORU^R01")
    + PID
    + "OBR|1|O1|F1|U&E^Urea and electrolytes^WINPATH|||20261120090000||||||||||||||||||F\r"
    + "OBX|1|NM|K^Potassium^WINPATH||4.1|mmol/L|3.5-5.3|N|||F\r",
)
ADA = msgspec.structs.replace(as_role("local-administrator"), user_id="1", name="Ada Obi")
BEA = msgspec.structs.replace(as_role("caldicott-guardian"), user_id="2", name="Bea Patel")
RECORDS = as_role("records-manager")


@asynccontextmanager
async def desks(system: System) -> AsyncIterator[tuple[Proposals, Objections]]:
    """The desks' own hand on the running record."""
    async with database.connect(system.settings, "steward") as db, audit.Writer.open(db) as writer:
        region = read_region(system.settings.region)
        yield Proposals(db, writer, region), Objections(db, writer, region)


async def switch(system: System, action: str, kind: str, name: str) -> None:
    async with desks(system) as (proposals, _):
        asked = await proposals.ask(
            ADA,
            kind=Kind.SWITCH,
            content={"action": action, "kind": kind, "name": name},
            because="Its signing key leaked.",
            session=SESSION,
            at=clock.now(),
        )
        assert isinstance(asked, Proposal), asked
        done = await proposals.agree(BEA, proposal_id=asked.id, session=SESSION, at=clock.now())
        assert isinstance(done, Proposal), done


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with System() as running:

        async def hear() -> None:
            sender = Sender(running.mllp_port)
            for message in MESSAGES:
                assert answer_code(await sender.send(message.encode())) == "AA"
            await sender.close()

        aside(hear())
        yield running


def aside(work: Any) -> Any:
    """Runs it in a loop of its own: Playwright keeps this thread's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


class Reader:
    """A browser without script, and a program, with what each had open before."""

    def __init__(self, system: System, client: aiohttp.ClientSession) -> None:
        self.system, self.client = system, client
        self.session = ""
        self.page = ""

    async def arrive(self) -> tuple[int, str]:
        status, text, session = await open_record(self.system, self.client, self.system.launch_token(**BELA))
        if session:
            self.session, self.page = session, text
        return status, text

    async def get(self, path: str) -> tuple[int, str]:
        async with self.client.get(f"{self.system.url}/patient/{self.session}/{path}", allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def token(self) -> str:
        return await access_token(
            self.client, self.system.url, key=self.system.client, client_id=CLIENT, scope="system/*.rs"
        )

    async def program(self, token: str, path: str = "", **form: str) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"}
        method = "POST" if form else "GET"
        address = f"{self.system.url}/fhir/Patient/{path or '_search'}"
        async with self.client.request(method, address, headers=headers, data=form or None) as answer:
            return answer.status, await answer.text()

    async def search(self, token: str) -> tuple[int, str]:
        return await self.program(
            token, identifier="https://fhir.nhs.uk/Id/nhs-number|9990000018", birthdate="1970-01-01"
        )


@asynccontextmanager
async def reader(system: System) -> AsyncIterator[Reader]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        yield Reader(system, client)


def test_a_cut_organisation_has_nothing_open_within_five_seconds_and_gets_it_back_when_restored(system: System) -> None:
    async def story() -> None:
        async with reader(system) as oxford:
            assert (await oxford.arrive())[0] == 200
            token = await oxford.token()
            assert (await oxford.search(token))[0] == 200
            running = asyncio.create_task(oxford.get("open"))  # What the script of an open page waits for.
            await asyncio.sleep(0.5)
            assert not running.done()
            await switch(system, "cut", "organisation", "RTH")
            async with asyncio.timeout(5):
                assert (await running)[0] == 403
            for path in ("summary", "open", "reason", "entry/none", "original/20261122-1", "document/none"):
                status, text = await oxford.get(path)
                assert status == 403, path
                assert "Penicillin" not in text
            status, text = await oxford.get("summary")
            assert "switched off" in text
            assert PHONE in text
            assert "leaked" not in text
            status, text = await oxford.arrive()
            assert status == 403
            assert "switched off" in text
            status, text = await oxford.search(token)
            assert status == 403
            assert "OperationOutcome" in text
            assert PHONE in text
            with pytest.raises((AssertionError, KeyError)):
                await oxford.token()
            await switch(system, "restore", "organisation", "RTH")
            assert (await oxford.get("summary"))[0] == 200
            assert (await oxford.search(token))[0] == 200

    aside(story())


@pytest.mark.parametrize(("route", "page", "fhir"), [("launch", 503, 200), ("fhir", 200, 503)])
def test_a_way_in_that_is_cut_is_shut_for_everybody_and_the_others_stay_open(
    system: System, route: str, page: int, fhir: int
) -> None:
    async def story() -> None:
        async with reader(system) as oxford:
            await oxford.arrive()
            token = await oxford.token()
            await switch(system, "cut", "route", route)
            try:
                assert (await oxford.get("summary"))[0] == page
                assert (await oxford.search(token))[0] == fhir
            finally:
                await switch(system, "restore", "route", route)
            assert (await oxford.get("summary"))[0] == 200

    aside(story())


@pytest.mark.parametrize(("kind", "name"), [("issuer", "https://epr.ouh.example"), ("user", "ouh-4411")])
def test_a_record_system_or_a_reader_that_is_cut_has_nothing_open(system: System, kind: str, name: str) -> None:
    async def story() -> None:
        async with reader(system) as oxford:
            await oxford.arrive()
            token = await oxford.token()
            await switch(system, "cut", kind, name)
            try:
                status, text = await oxford.get("summary")
                assert (status, PHONE in text) == (403, True)
                assert (await oxford.search(token))[0] == 200  # A program came another way.
            finally:
                await switch(system, "restore", kind, name)

    aside(story())


def test_an_objection_closes_every_way_with_the_next_request_and_is_undone_with_reasons(system: System) -> None:
    async def story() -> None:
        async with reader(system) as oxford:
            assert (await oxford.arrive())[0] == 200
            assert "Penicillin" in oxford.page
            token = await oxford.token()
            status, text = await oxford.search(token)
            person = re.search(r'"id":\s*"([^"]+)"', text.split('"resource"')[1])
            assert person
            entries = re.findall(r'href="(entry/[^"?#]+)"', oxford.page)
            assert entries
            entry = await oxford.get(entries[0])
            originals = re.findall(r"(original/[0-9]{8}-[0-9]+\?of=[^\"]+)", entry[1])
            assert originals
            pages = ["summary", *entries, *originals]
            programs = [person[1], f"{person[1]}/$everything"]
            assert [(await oxford.get(path))[0] for path in pages] == [200] * len(pages)
            assert [(await oxford.program(token, path))[0] for path in programs] == [200, 200]
            async with desks(system) as (_, objections):
                found = await objections.find_person(
                    RECORDS, nhs_number=BELA["nhs_number"], birth_date=BORN, session=SESSION, at=clock.now()
                )
                assert isinstance(found, int)
                told = await objections.receive(
                    RECORDS, patient_key=found, scope=Scope.WHOLE, session=SESSION, at=clock.now()
                )
                assert isinstance(told, Told)
                assert told.organisations == ("RTH",)
                for path in pages:
                    status, text = await oxford.get(path)
                    assert status in (303, 403, 404), path
                    assert "Penicillin" not in text
                    assert "Potassium" not in text
                for path in programs:
                    status, text = await oxford.program(token, path)
                    assert status in (403, 404), path
                    assert "Penicillin" not in text
                status, text = await oxford.search(token)
                assert "Example" not in text
                status, text = await oxford.arrive()
                assert "Penicillin" not in text
                undone = await objections.decide(
                    BEA,
                    objection_id=told.objection.id,
                    is_upheld=False,
                    reason="Weighed with her and her GP.",
                    session=SESSION,
                    at=clock.now(),
                )
                assert isinstance(undone, Told)
            assert [(await oxford.get(path))[0] for path in pages] == [200] * len(pages)
            assert [(await oxford.program(token, path))[0] for path in programs] == [200, 200]

    aside(story())


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser.chromium() as running:
        yield running


@pytest.mark.browser
def test_an_open_page_turns_into_the_page_that_says_whom_to_phone(system: System, chrome: Browser) -> None:
    shown = browser.page(chrome)
    address = aside(_minted(system))
    shown.goto(address)
    expect(shown.get_by_text("Penicillin").first).to_be_visible()
    try:
        aside(switch(system, "cut", "user", "ouh-4411"))
        expect(shown.get_by_role("heading", name="Access to this record is switched off")).to_be_visible(timeout=5_000)
        expect(shown.get_by_text(PHONE).first).to_be_visible()
        expect(shown.get_by_text("Penicillin")).to_have_count(0)
        shown.screenshot(path=browser.SCREENSHOTS / "access-cut.png")
    finally:
        aside(switch(system, "restore", "user", "ouh-4411"))


@pytest.mark.browser
def test_an_open_page_goes_by_itself_when_its_person_objects(system: System, chrome: Browser) -> None:
    shown = browser.page(chrome)
    shown.goto(aside(_minted(system)))
    expect(shown.get_by_text("Penicillin").first).to_be_visible()
    told = aside(_objects(system))
    try:
        expect(shown.get_by_text("Penicillin")).to_have_count(0, timeout=5_000)
    finally:
        aside(_withdraws(system, told))


async def _objects(system: System) -> Told:
    async with desks(system) as (_, objections):
        found = await objections.find_person(
            RECORDS, nhs_number=BELA["nhs_number"], birth_date=BORN, session=SESSION, at=clock.now()
        )
        assert isinstance(found, int)
        told = await objections.receive(RECORDS, patient_key=found, scope=Scope.WHOLE, session=SESSION, at=clock.now())
        assert isinstance(told, Told)
        return told


async def _withdraws(system: System, told: Told) -> None:
    async with desks(system) as (_, objections):
        await objections.withdraw(
            RECORDS, objection_id=told.objection.id, reason="She telephoned us.", session=SESSION, at=clock.now()
        )


async def _minted(system: System) -> str:
    headers = {"Content-Type": "application/jwt"}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{system.url}/launch", data=system.launch_token(**BELA), headers=headers) as answer,
    ):
        return str((await answer.json())["url"])
