"""The operator's hand: make again what somebody saw, and list who saw what proved wrong."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from carerecord import audit, cli, database
from carerecord.cli.replay import SESSION
from carerecord.disclosure import Summary
from carerecord.organisations import read_region
from carerecord.settings import Settings
from tests.house import ADMITTED, looking, message, open_house
from tests.system import REGION

WHY = ["--by", "Rae Moss", "--because", "complaint 17"]


@pytest.fixture
def looked(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """A record at which somebody looked; where the event of it stands."""
    (tmp_path / "region.toml").write_text(REGION.split("[[neighbour]]")[0])
    (tmp_path / "notices").mkdir()
    monkeypatch.setenv("CARERECORD_DATABASE", settings.database)
    monkeypatch.setenv("CARERECORD_HOME", str(settings.home))
    monkeypatch.setenv("CARERECORD_REGION", str(tmp_path / "region.toml"))
    monkeypatch.setenv("CARERECORD_NOTICES", str(tmp_path / "notices"))

    async def look() -> tuple[int, int]:
        read_region(tmp_path / "region.toml")
        async with open_house(settings) as house:
            key = await house.joan()
            assert isinstance(await house.door.summary(looking(key)), Summary)
            await house.hear(message("ADT^A08", "later", ADMITTED, "AL1|1|DA|91936005^Penicillin^SCT|SV|Rash"))
            row = await house.owner.fetchrow("select stream, seq from audit.event where kind = 'shown'")
            assert row is not None
            return row["stream"], row["seq"]

    return asyncio.run(look())


def test_a_page_is_written_for_its_asker_alone_and_nothing_of_it_is_said_aloud(
    looked: tuple[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert cli.main(["witness", "replay", *map(str, looked), "--out", str(page), *WHY]) == 0
    said = capsys.readouterr().out
    assert "the same page, byte for byte." in said
    assert "not there then: 1 under ALLERGIES of Barts Health" in said
    assert "Hartley" not in said
    assert "HARTLEY" not in said
    assert "HARTLEY, Joan" in page.read_text()
    assert "Penicillin" not in page.read_text()
    assert page.stat().st_mode & 0o077 == 0


def test_an_event_that_showed_nothing_cannot_be_made_again(
    looked: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    stream, seq = looked
    assert cli.main(["witness", "replay", str(stream), str(seq + 100), *WHY]) == 2
    assert "showed nothing" in capsys.readouterr().err


def test_a_recall_is_a_list_until_it_is_told_to_notify(
    looked: tuple[int, int], settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def original() -> str:
        async with database.connect(settings, "owner") as db:
            row = await db.fetchrow("select day, seq from intake.original order by seq limit 1")
            assert row is not None
            return f"{row['day']:%Y%m%d}-{row['seq']}"

    named = ["witness", "recall", "--original", asyncio.run(original()), *WHY]
    assert cli.main(named) == 0
    said = capsys.readouterr().out
    assert "seen by Dr Amara Osei" in said
    assert "Nobody was told" in said
    assert not list((tmp_path / "notices").iterdir())
    assert cli.main([*named, "--notify", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (file,) = (tmp_path / "notices").iterdir()
    assert told["told"][0]["reference"] in file.name
    assert cli.main([*named, "--notify"]) == 0
    assert "told before" in capsys.readouterr().out

    async def events() -> list[str]:
        async with database.connect(settings, "work") as db:
            return [str(event.kind) for event in await audit.read_events(db) if event.session == SESSION]

    assert asyncio.run(events()) == ["examined", "examined", "notified", "examined"]


@pytest.mark.parametrize(
    ("option", "value"), [("--statement", "abc"), ("--original", "yesterday"), ("--judgement", "1/2")]
)
def test_what_cannot_be_meant_is_said_how_to_name(
    option: str, value: str, looked: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["witness", "recall", option, value, *WHY])
    assert "is named" in capsys.readouterr().err
