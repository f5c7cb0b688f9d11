"""H19: an outage has no fall-back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from carerecord import database
from carerecord.database import pool
from carerecord.database.embedded import Server
from carerecord.settings import Settings
from carerecord.web import patience
from tests.safety.ward import JOAN, PHONE, REGION, Chart, Ward, entries, open_ward, signed, visit, wrote

SECRETS = ("Hartley", "HARTLEY", "Joan", "Mill Row", "Penicillin", "999 012", JOAN.nhs_number, "1948")
STORY = wrote("ADT^A01", visit("V1"), "AL1|1|DA|^Penicillin|SV|Anaphylaxis")


def assert_says_whom_to_phone(answer: httpx2.Response, *, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert PHONE in answer.text
    assert not any(secret in answer.text for secret in SECRETS)
    assert "Traceback" not in answer.text
    assert "asyncpg" not in answer.text


@asynccontextmanager
async def open_chart(settings: Settings) -> AsyncIterator[tuple[Ward, Chart]]:
    async with open_ward(settings) as ward:
        await ward.hear(STORY)
        chart = await ward.open()
        assert "Penicillin" in (await chart.get()).text
        yield ward, chart


async def test_a_stopped_database_is_said_with_a_phone_number_and_the_page_is_back_when_it_is(
    short_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE_SECONDS", 0.2)
    settings = Settings(home=short_home)
    server = Server(settings)
    await server.start()
    try:
        await database.migrate(settings)
        async with open_chart(settings) as (_, chart):
            line = entries((await chart.page()).one("#allergies"))[0]
            await server.stop()
            for place in ("summary", f"entry/{line}", "reason", "document/x", "original/20261110-1"):
                assert_says_whom_to_phone(await chart.get(place), status=500)
            assert (await chart.browser.get("/health")).status_code == 200
            launched = await chart.browser.post(
                "/launch", content=signed(), headers={"Content-Type": "application/jwt"}
            )
            assert launched.status_code >= 500
            assert not any(secret in launched.text for secret in SECRETS)
            await server.start()
            monkeypatch.setattr(pool, "PATIENCE_SECONDS", 5.0)
            assert "Penicillin" in (await chart.get()).text
    finally:
        await server.stop()


async def test_without_a_witness_nothing_is_shown_and_the_page_says_so(settings: Settings) -> None:
    async with open_chart(settings) as (ward, chart):
        line = entries((await chart.page()).one("#allergies"))[0]
        await ward.owner.execute("revoke insert on audit.event from carerecord_serve")
        for place in ("summary", f"entry/{line}", "original/20261110-1", "document/x"):
            answer = await chart.get(place)
            assert_says_whom_to_phone(answer, status=503)
            assert "cannot write down who looks at it" in answer.text
            assert "Care should not wait for it" in answer.text
        assert_says_whom_to_phone(await ward.press(await ward.browser()), status=503)
        await ward.owner.execute("grant insert on audit.event to carerecord_serve")
        assert "Penicillin" in (await chart.get()).text


async def test_a_database_that_hangs_is_said_too_and_nobody_waits_at_a_blank_page(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not away: it answers nothing, as where a disk stalls or a lock is held."""
    monkeypatch.setattr(patience, "SECONDS_MAX", 0.5)
    async with open_chart(settings) as (ward, chart):
        line = entries((await chart.page()).one("#allergies"))[0]
        async with ward.owner.transaction() as held:
            await held.execute("lock table audit.event in access exclusive mode")
            for place in ("summary", f"entry/{line}", "document/x", "original/20261110-1"):
                answer = await chart.get(place)
                assert_says_whom_to_phone(answer, status=503)
                assert "did not answer in time" in answer.text
        monkeypatch.setattr(patience, "SECONDS_MAX", 10.0)
        assert "Penicillin" in (await chart.get()).text


async def test_a_look_that_could_not_be_written_down_as_shown_shows_nothing(settings: Settings) -> None:
    """Opened, read, and then the disk is full: what was read must not leave."""
    async with open_chart(settings) as (ward, chart):
        await ward.owner.execute(
            "create function audit.full_disk() returns trigger language plpgsql as"
            " $$ begin if new.kind = 'shown' then raise disk_full; end if; return new; end $$"
        )
        await ward.owner.execute(
            "create trigger full_disk before insert on audit.entry for each row execute function audit.full_disk()"
        )
        assert_says_whom_to_phone(await chart.get(), status=503)
        assert (await ward.events())[-1]["kind"] == "opened"


async def test_a_record_that_cannot_be_read_is_never_an_empty_record(settings: Settings) -> None:
    async with open_chart(settings) as (ward, chart):
        await ward.owner.execute("revoke execute on function record.read_witnessed from carerecord_serve")
        answer = await chart.get()
        assert answer.status_code in (500, 503)
        assert_says_whom_to_phone(answer, status=answer.status_code)
        assert "None recorded" not in answer.text
        assert "Allergies not recorded" not in answer.text


async def test_a_chunk_that_is_damaged_is_an_outage_and_not_a_shorter_record(settings: Settings) -> None:
    async with open_chart(settings) as (ward, chart):
        await ward.fold()
        await ward.owner.execute("update record.chunk set body = substr(body, 1, 20)")
        answer = await chart.get()
        assert_says_whom_to_phone(answer, status=500)
        assert "Allergies not recorded" not in answer.text


async def test_every_page_names_the_number_to_phone_before_anything_fails(settings: Settings) -> None:
    async with open_chart(settings) as (ward, chart):
        line = entries((await chart.page()).one("#allergies"))[0]
        for place in (
            f"{chart.address}/summary",
            f"{chart.address}/entry/{line}",
            f"{chart.address}/reason",
            "/",
            "/x",
        ):
            answer = await chart.browser.get(place)
            assert f"If the record cannot be shown, phone <b>{PHONE}</b>." in answer.text
        assert REGION.phone == PHONE
        assert ward.parts.region.phone == PHONE


async def test_a_program_is_told_in_its_own_language_that_nothing_answers(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        browser = await ward.browser()

        async def broken(*_: object, **__: object) -> None:
            raise OSError("the database is away")

        ward.parts.clients.find = broken  # type: ignore[method-assign]
        answer = await browser.get("/fhir/Patient/abc", headers={"Authorization": "Bearer x"})
        assert answer.status_code == 503
        assert answer.headers["content-type"].startswith("application/fhir+json")
        assert answer.json()["resourceType"] == "OperationOutcome"
        assert "away" not in answer.text
