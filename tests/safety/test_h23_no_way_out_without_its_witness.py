"""H23: whatever is asked for by whichever way, what cannot be written down does not leave."""

from __future__ import annotations

import json

import pytest

from carerecord.disclosure import Refusal
from carerecord.settings import Settings
from tests.house import BIRTH_DATE, NHS_NUMBER, OXFORD, as_opened, looking, program_looking
from tests.rooms.disclosure.test_replay import RICH
from tests.safety.test_h12_a_letter_of_another_person import HERS, file_letter
from tests.safety.ward import JOAN, Ward, entries, letter, open_ward, section

SECRETS = ("hartley", "penicillin", "4.1", "all well")


async def stop_writing(ward: Ward, kind: str) -> None:
    """The disk is full when just this kind is to be written."""
    await ward.owner.execute(
        f"create or replace function audit.full_disk() returns trigger language plpgsql as"
        f" $$ begin if new.kind = '{kind}' then raise disk_full; end if; return new; end $$"
    )
    await ward.owner.execute(
        "create or replace trigger full_disk before insert on audit.entry for each row"
        " execute function audit.full_disk()"
    )


@pytest.mark.parametrize("kind", ["opened", "shown"])
async def test_no_way_shows_anything_that_is_not_written_down(settings: Settings, kind: str) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(*RICH, letter("D9", "All well."), file_letter("D10", HERS, JOAN))
        chart = await ward.open()
        page = await chart.page()
        lines = [entries(section(page, name))[0] for name in ("results", "letters", "allergies")]
        receipts = [await chart.page(f"entry/{line}") for line in lines]
        shown = [link.attributes["href"] for each in (page, *receipts) for link in each.all("a")]
        links = {link.removeprefix(f"{chart.address}/") for link in shown}
        originals = sorted(link for link in links if "original/" in link)
        documents = sorted(link for link in links if "document/" in link)
        assert originals
        assert documents
        forms = ("", "?in=place", "?in=print")
        ways = [f"summary{form}" for form in forms]
        ways += [f"entry/{line}{form}" for line in lines for form in forms]
        ways += [*originals, *documents, "entry/none", "document/none", "original/20261122-9?of=none"]
        for way in ways:
            assert (await chart.get(way)).status_code in (200, 404), way
        await stop_writing(ward, kind)
        before = len(await ward.events())
        for way in ways:
            answer = await chart.get(way)
            assert answer.status_code == 503, way
            assert not [secret for secret in SECRETS if secret in answer.text.lower()], way
        joan = await ward.key_of(JOAN)
        door = as_opened(ward.door)
        for told in (
            await door.everything(program_looking(joan)),
            await door.patient(program_looking(joan)),
            await door.summary(looking(joan)),
        ):
            assert isinstance(told, Refusal)
            assert told.kind == "unavailable"
        events = (await ward.events())[before:]
        assert {event["kind"] for event in events} <= ({"opened"} if kind == "shown" else set())


async def test_nobody_is_named_by_a_search_that_is_not_written_down(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(*RICH)
        await stop_writing(ward, "searched")
        told = await ward.door.find(
            OXFORD, nhs_number=NHS_NUMBER, birth_date=BIRTH_DATE, route="find", session="s", at=looking(1).at
        )
        assert isinstance(told, Refusal)
        assert "hartley" not in json.dumps(told.sentences).lower()
