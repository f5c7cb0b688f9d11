"""Dropped documents: delivered once, moved where they belong, and read as letters; a kill at any moment loses none."""

from __future__ import annotations

import asyncio
import json
import os
import time
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from carerecord import clock, database
from carerecord.disclosure import Found
from carerecord.formats import document
from carerecord.formats.document import Dropped, NotADrop, pack, unpack
from carerecord.intake import NotKept
from carerecord.model import Heading, Original, Source
from carerecord.organisations.region import SourceEntry
from carerecord.record import dictionary
from carerecord.settings import Settings
from carerecord.sources import drop_folder
from tests.house import AT, BIRTH_DATE, NHS_NUMBER, OXFORD, REGION, House, open_house, program_looking
from tests.system import System

SOURCE = Source(id="london-ambulance", organisation="RRU", name="London Ambulance", kind="ambulance")
PDF = b"%PDF-1.4\n\x00\xff\r\n\r\n--0123\r\nContent-Length: 5\r\n\r\n%%EOF\n"
JOAN: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "inc-1",
    "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NHS_NUMBER}],
    "name": [{"family": "HARTLEY", "given": ["Joan"]}],
    "birthDate": "1948-03-12",
}


def report(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "id": "report-1",
        "status": "current",
        "type": {"text": "Ambulance report"},
        "subject": {"reference": "Patient/inc-1"},
        "date": "2026-11-20T22:10:00Z",
        "description": "Report form",
        **more,
    }


def sidecar(*resources: dict[str, Any], kind: str = "collection") -> bytes:
    entries = [{"resource": resource} for resource in resources or (JOAN, report())]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}, indent=1).encode()


def drop(
    folder: Path, stem: str, content: bytes | None = PDF, about: bytes | None = None, *, suffix: str = "pdf"
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if content is not None:
        (folder / f"{stem}.{suffix}.part").write_bytes(content)
        (folder / f"{stem}.{suffix}.part").rename(folder / f"{stem}.{suffix}")
    (folder / f"{stem}.json.part").write_bytes(sidecar() if about is None else about)
    (folder / f"{stem}.json.part").rename(folder / f"{stem}.json")


class Drops:
    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.folder = folder
        self.own = folder / SOURCE.id

    async def deliver(self, source: str, dropped: Dropped) -> tuple[str, ...]:
        return await self.house.intake.drop(dropped, source=SOURCE, received_at=clock.now())

    async def sweep(self, deliver: drop_folder.Deliver | None = None, *, bytes_max: int = 1 << 20) -> bool:
        return await drop_folder.sweep(
            self.folder, sources=[SOURCE.id, "never-dropped"], deliver=deliver or self.deliver, bytes_max=bytes_max
        )

    def names(self, sub: str = "") -> list[str]:
        return sorted(path.name for path in (self.own / sub).iterdir() if path.is_file())

    async def kept(self) -> list[asyncpg.Record]:
        return await self.house.owner.fetch("select * from intake.original order by seq")


@asynccontextmanager
async def opened(settings: Settings, folder: Path) -> AsyncIterator[Drops]:
    entry = SourceEntry(id=SOURCE.id, organisation="R1H", name=SOURCE.name, kind=SOURCE.kind)
    region = msgspec.structs.replace(REGION, sources=(*REGION.sources, entry))
    async with open_house(settings, region=region) as it:
        yield Drops(it, folder)


async def test_a_dropped_document_is_a_letter_and_both_files_are_kept_as_they_were(
    settings: Settings, tmp_path: Path
) -> None:
    async with opened(settings, tmp_path) as it:
        drop(it.own, "4711")
        assert await it.sweep()
        assert (it.names(), it.names("done")) == ([], ["4711.json", "4711.pdf"])
        (row,) = await it.kept()
        assert (row["format"], row["outcome"], row["message_type"]) == (3, "recorded", "document pdf")
        assert unpack(dictionary.decompress(row["content"])) == Dropped("4711.pdf", sidecar(), PDF)
        found = await it.house.door.find(
            OXFORD, nhs_number=NHS_NUMBER, birth_date=BIRTH_DATE, route="launch", session="s", at=AT
        )
        assert isinstance(found, Found)
        said = await it.house.door.everything(program_looking(found.patient_key))
        assert isinstance(said, bytes)
        letters = [each["resource"] for each in json.loads(said)["entry"]]
        (letter,) = [each for each in letters if each["resourceType"] == "DocumentReference"]
        attachment = letter["content"][0]["attachment"]
        assert (attachment["contentType"], b64decode(attachment["data"])) == ("application/pdf", PDF)
        assert letter["description"] == "Report form"


async def test_a_kill_between_commit_and_move_is_a_repeat_and_kept_once(settings: Settings, tmp_path: Path) -> None:
    async with opened(settings, tmp_path) as it:

        async def deliver_and_die(source: str, dropped: Dropped) -> tuple[str, ...]:
            await it.deliver(source, dropped)
            raise KeyError

        drop(it.own, "4711")
        assert not await it.sweep(deliver_and_die)
        assert it.names() == ["4711.json", "4711.pdf"]
        assert await it.sweep()
        assert it.names("done") == ["4711.json", "4711.pdf"]
        assert len(await it.kept()) == 1


@pytest.mark.parametrize("sub", ["done", "refused"])
async def test_a_kill_between_the_two_moves_is_finished(settings: Settings, tmp_path: Path, sub: str) -> None:
    async with opened(settings, tmp_path) as it:
        drop(it.own, "4711")
        (it.own / sub).mkdir()
        (it.own / "4711.pdf").rename(it.own / sub / "4711.pdf")
        assert await it.sweep()
        assert (it.names(), it.names(sub)) == ([], ["4711.json", "4711.pdf"])
        assert await it.kept() == []


async def test_while_the_database_is_away_documents_wait_where_they_are(settings: Settings, tmp_path: Path) -> None:
    async with opened(settings, tmp_path) as it:

        async def lost(*_: object) -> tuple[str, ...]:
            raise NotKept

        drop(it.own, "4711")
        assert not await it.sweep(lost)
        assert it.names() == ["4711.json", "4711.pdf"]


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("no document", {"content": None}, "There is no document with the name"),
    ("not what it is called", {"content": b"GIF89a"}, "is no pdf"),
    ("empty", {"content": b""}, "is an empty file"),
    ("no JSON", {"about": b"<xml/>"}, "is no FHIR JSON"),
    ("another resource", {"about": json.dumps(JOAN).encode()}, "DocumentReference is missing"),
    ("two documents in one", {"about": sidecar(JOAN, report(), report(id="r-2"))}, "must hold one DocumentReference"),
    ("data", {"about": sidecar(JOAN, report(content=[{"attachment": {"data": "QQ=="}}]))}, "without data or url"),
    ("wrong FHIR", {"about": sidecar(JOAN, report(status="sent"))}, "status"),
    ("too large", {"content": b"%PDF-" + b"x" * (1 << 20)}, "larger than"),
    (
        "nobody",
        {"about": json.dumps({**report(), "subject": {"display": "Joan"}}).encode()},
        "does not say whose it is",
    ),
]


@pytest.mark.parametrize(("content", "why"), [each[1:] for each in REFUSALS], ids=[each[0] for each in REFUSALS])
async def test_what_is_refused_lies_apart_with_the_reason(
    settings: Settings, tmp_path: Path, content: dict[str, Any], why: str
) -> None:
    async with opened(settings, tmp_path) as it:
        drop(it.own, "4711", **content)
        assert await it.sweep()
        assert it.names() == []
        assert "4711.json" in it.names("refused")
        told = (it.own / "refused" / "4711.why.txt").read_text()
        assert why in told
        assert all(f"kept as {row['day']:%Y%m%d}-{row['seq']}" in told for row in await it.kept()), "to be found by it"
        assert "HARTLEY" not in told


async def test_a_link_is_never_followed(settings: Settings, tmp_path: Path) -> None:
    async with opened(settings, tmp_path) as it:
        secret = tmp_path / "secret.pdf"
        secret.write_bytes(PDF)
        it.own.mkdir()
        os.symlink(secret, it.own / "4711.pdf")
        drop(it.own, "4711", None)
        assert await it.sweep()
        assert "It is a link" in (it.own / "refused" / "4711.why.txt").read_text()
        assert await it.kept() == []


async def test_a_folder_that_cannot_be_read_does_not_hold_back_another_source(
    settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with opened(settings, tmp_path) as it:
        (tmp_path / "a-broken-one").write_text("a file where a folder should be")
        drop(it.own, "4711")
        sources = ["a-broken-one", SOURCE.id]
        assert not await drop_folder.sweep(tmp_path, sources=sources, deliver=it.deliver, bytes_max=1 << 20)
        assert it.names("done") == ["4711.json", "4711.pdf"]
        assert '"DOCUMENT_NOT_DELIVERED"' in capfd.readouterr().err


def test_files_that_nothing_delivers_are_told_of_once_and_again_when_there_are_more(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    own, told = tmp_path / SOURCE.id, dict[str, int]()
    drop(own, "4711")
    (own / "HARTLEY.pdf").write_bytes(PDF)

    def lines(now: float) -> list[tuple[str, int]]:
        drop_folder.tell_left_alone(tmp_path, sources=[SOURCE.id], told=told, now=now)
        said = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        assert "HARTLEY" not in str(said)
        return [(line["line"], line["files"]) for line in said]

    assert lines(time.time()) == [], "its .json may be on its way"
    later = time.time() + 120
    assert lines(later) == [("DOCUMENT_ALONE", 1)]
    assert lines(later) == []
    (own / "HARTLEY-2.pdf").write_bytes(PDF)
    (tmp_path / "london-ambulence").mkdir()
    (tmp_path / "london-ambulence" / "4712.pdf").write_bytes(PDF)
    assert lines(later) == [("DOCUMENT_ALONE", 2), ("DOCUMENT_OF_NO_SOURCE", 1)]


async def test_nothing_that_was_dropped_before_is_overwritten(settings: Settings, tmp_path: Path) -> None:
    async with opened(settings, tmp_path) as it:
        for number in range(3):
            drop(it.own, "4711", PDF + str(number).encode())
            assert await it.sweep()
        done = it.names("done")
        assert done == ["4711.2.json", "4711.2.pdf", "4711.3.json", "4711.3.pdf", "4711.json", "4711.pdf"]
        assert len(await it.kept()) == 3


async def test_who_is_not_known_waits_and_the_file_is_done(settings: Settings, tmp_path: Path) -> None:
    async with opened(settings, tmp_path) as it:
        drop(it.own, "4711", about=json.dumps(report()).encode())
        assert await it.sweep()
        assert it.names("done") == ["4711.json", "4711.pdf"]
        assert [row["outcome"] for row in await it.kept()] == ["waiting"]


def read(name: str, content: bytes) -> bytes:
    packed = pack(Dropped(name, sidecar(), content))
    original = Original(source=SOURCE.id, content=packed, received_at=datetime.now(UTC), format="document")
    reading = document.translate(original, source=SOURCE)
    assert reading.problems == ()
    (letter,) = [each for each in reading.statements if each.resource_type == "DocumentReference"]
    assert letter.heading is Heading.LETTERS
    attachment = json.loads(letter.body)["content"][0]["attachment"]
    return attachment["contentType"].encode() + b" " + b64decode(attachment["data"])


def test_each_kind_is_named_by_what_it_is() -> None:
    assert read("a.pdf", PDF) == b"application/pdf " + PDF
    assert read("a.RTF", b"{\\rtf1 x}") == b"application/rtf {\\rtf1 x}"
    assert read("a.html", b"<p>x</p>") == b"text/html <p>x</p>"
    assert read("a.txt", "5 µg".encode()) == "text/plain; charset=utf-8 5 µg".encode()
    assert read("a.txt", "5 µg".encode("latin-1")) == "text/plain; charset=utf-8 5 µg".encode()


@pytest.mark.parametrize("name", ["4711.pdf", "O’Brien – Löwe.pdf", 'a"b\r\n.pdf'])
def test_both_files_come_out_byte_for_byte(name: str) -> None:
    dropped = Dropped(name, b"\xef\xbb\xbf{ }\r\n", PDF)
    assert unpack(pack(dropped)) == dropped
    assert pack(dropped) == pack(dropped)


@pytest.mark.parametrize("content", [b"", b"MSH|", b"{}", pack(Dropped("a.pdf", b"{}", PDF))[:-60]])
def test_what_is_no_drop_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(NotADrop):
        unpack(content)


async def test_documents_dropped_while_the_listener_is_killed_are_each_kept_once(tmp_path: Path) -> None:
    source = '\n[[source]]\nid = "london-ambulance"\norganisation = "R1H"\nname = "London Ambulance"\n'
    system = System(environment={"CARERECORD_DROP_FOLDER": str(tmp_path)}, region_more=source)
    own = tmp_path / SOURCE.id
    tmp_path.chmod(0o755)
    with system:
        for number in range(24):
            drop(own, f"d{number}", about=sidecar(JOAN, report(id=f"d{number}")))
            if number % 8 == 4:
                system.kill("listen")
            await asyncio.sleep(0.05)
        until = time.monotonic() + 60
        while len(list((own / "done").glob("*.json")) if (own / "done").exists() else []) < 24:
            assert time.monotonic() < until, sorted(path.name for path in own.iterdir())
            await asyncio.sleep(0.1)
        async with database.connect(system.settings, "owner") as owner:
            rows = await owner.fetch("select outcome from intake.original")
            assert [row["outcome"] for row in rows] == ["recorded"] * 24
            assert await owner.fetchval("select sum(statement_count) from record.log") in (None, 48)
    assert not (own / "refused").exists()
