"""The proof of a removal: it looks everywhere, in every form, and it can fail."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import asyncpg
import msgspec
import pytest

from carerecord import clock, database
from carerecord.database.address import superuser_address
from carerecord.formats.document import Dropped, pack
from carerecord.model import OriginalReference, Source
from carerecord.record import dictionary
from carerecord.settings import Settings
from carerecord.sources import drop_folder
from carerecord.stewardship import proof
from carerecord.stewardship.removal_plan import NOBODY, Target
from tests.house import NHS_NUMBER
from tests.rooms.stewardship.removals import complete, files_that_hold, find_letter, held, prove, remove, the, withdraw
from tests.safety.ward import JOAN, Ward, letter, open_ward, visit, wrote

SECRET = "The patient told us in confidence of the quarrel with her neighbour about the hedge."
PDF = b"%PDF-1.4\n% a scanned letter about the hedge, of which nobody else has a copy\n%%EOF\n"
PRACTICE = Source(id="marsh-lane", organisation="F84002", name="Marsh Lane Practice", kind="practice")
PATIENT = {
    "resourceType": "Patient",
    "id": "p-17",
    "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NHS_NUMBER}],
    "name": [{"family": "HARTLEY", "given": ["Joan"]}],
    "birthDate": "1948-03-12",
}
NOTE = {
    "resourceType": "DocumentReference",
    "id": "note-1",
    "status": "current",
    "type": {"text": "Note"},
    "subject": {"reference": "Patient/p-17"},
    "date": "2026-11-20T22:10:00Z",
}


async def push(ward: Ward, *resources: dict[str, object]) -> None:
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in resources
    ]
    content = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
    answer = await ward.intake.push(
        content, source=PRACTICE, how="POST", resource_type="", own_id="", received_at=clock.now()
    )
    assert [each.outcome.value for each in answer.pushes if each] == ["recorded"]


async def test_before_it_is_taken_out_the_proof_says_where_it_still_is(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(letter("D1", SECRET))
        await ward.fold()
        statement = await find_letter(ward, await ward.key_of(JOAN), SECRET)
        await withdraw(settings, the(statement))
        before = await prove(settings)
        assert not before.holds
        assert set(before.found_in) == {"record.chunk", "record.chunk by its key", "intake.original"}
        assert before.not_completed == 1
        await complete(settings)
        after = await prove(settings)
        assert after.holds
        assert (after.found, after.found_in, after.looked_for) == (0, [], before.looked_for)


@pytest.mark.parametrize(
    "plant",
    ["insert into stewardship.case_note values (0, 1, 1, now(), 'u', 'n', 'o', $1)",
     "insert into sources.heard values ($1, now(), 1, now(), 0)",
     "insert into signin.login values ('x', $1, now(), now())"],
)  # fmt: skip
async def test_a_copy_in_any_other_table_is_found(settings: Settings, plant: str) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(letter("D1", SECRET))
        statement = await find_letter(ward, await ward.key_of(JOAN), SECRET)
        entries = await remove(settings, the(statement))
        assert (await prove(settings, *entries)).holds
        await ward.owner.execute(plant, statement.body.decode())
        found = await prove(settings, *entries)
        assert not found.holds
        assert found.found_in == [plant.split()[2]]


async def test_the_same_words_elsewhere_are_told_and_are_no_failure(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(letter("D1", SECRET))
        statement = await find_letter(ward, await ward.key_of(JOAN), SECRET)
        entries = await remove(settings, the(statement))
        assert (await prove(settings)).same_words == 0
        await ward.hear(letter("D7", f"Copied: {SECRET} So it was."))
        found = await prove(settings, *entries)
        assert found.holds
        assert found.same_words == 2  # the statement, and the message


async def test_what_was_pushed_in_fhir_goes_with_its_attachment(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        data = b64encode(PDF).decode()
        attached = {**NOTE, "content": [{"attachment": {"contentType": "application/pdf", "data": data}}]}
        await push(ward, PATIENT, attached)
        await ward.hear(wrote("ADT^A01", visit("V1")))
        await ward.fold()
        key = await ward.key_of(JOAN)
        (statement,) = [each for each in await held(ward, key) if each.resource_type == "DocumentReference"]
        entries = await remove(settings, the(statement))
        assert len(entries[0].what.hashes) >= 3  # the resource, the push, and the file within both
        assert (await prove(settings)).holds
        await push(ward, PATIENT, attached)  # the very same push again
        assert (await prove(settings)).holds


async def test_a_dropped_document_goes_from_the_folder_too(settings: Settings, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(settings, drop_folder=str(tmp_path / "drops"))
    own = tmp_path / "drops" / PRACTICE.id
    own.mkdir(parents=True)
    sidecar = json.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": PATIENT}, {"resource": NOTE}]}
    )
    other = sidecar.replace("note-1", "note-2")
    async with open_ward(settings) as ward:

        async def deliver(source: str, dropped: Dropped) -> tuple[str, ...]:
            return await ward.intake.drop(dropped, source=PRACTICE, received_at=clock.now())

        for stem, about, content in (("a", sidecar, PDF), ("b", other, PDF.replace(b"hedge", b"fence"))):
            (own / f"{stem}.pdf").write_bytes(content)
            (own / f"{stem}.json").write_text(about)
        assert await drop_folder.sweep(tmp_path / "drops", sources=[PRACTICE.id], deliver=deliver, bytes_max=1 << 20)
        assert len(list((own / "done").iterdir())) == 4
        key = await ward.key_of(JOAN)
        (statement,) = [each for each in await held(ward, key) if b64encode(PDF) in each.body]
        await withdraw(settings, the(statement))
        assert "the folder of dropped documents" in (await prove(settings)).found_in
        await complete(settings)
        assert sorted(path.name for path in (own / "done").iterdir()) == ["b.json", "b.pdf"]
        found = await prove(settings)
        assert found.holds
        assert found.files == 2
        assert pack(Dropped("a.pdf", sidecar.encode(), PDF)) not in [
            dictionary.decompress(row["content"])
            for row in await ward.owner.fetch("select content from intake.original")
        ]


async def test_written_anew_the_databases_files_hold_no_byte_of_it(test_server: Settings, settings: Settings) -> None:
    """Plain vacuum frees the room and leaves the bytes in it; the files written anew hold nothing of them."""
    words = " ".join(f"{SECRET} {number}" for number in range(400))  # long enough to be kept out of line
    async with open_ward(settings) as ward:
        await ward.hear(letter("D1", words), letter("D2", "Seen in the valve clinic, all well."))
        await ward.fold()
        statement = await find_letter(ward, await ward.key_of(JOAN), words)
        packed = [row["content"] for row in await ward.owner.fetch(
            "select content from intake.original where seq = $1", statement.original.seq
        )]  # fmt: skip
        packed += [row["body"] for row in await ward.owner.fetch("select body from record.chunk where heading > 0")]
        samples = [each[len(each) // 2 :][:64] for each in packed]
        data = await _folder_of(test_server, settings)
        await _to_disk(test_server)
        assert files_that_hold(data, samples)
        entries = await remove(settings, the(statement))
        async with database.connect(settings, "owner") as db:
            await proof.scrub(db, at=clock.now(), full=True)
        await _to_disk(test_server)
        assert files_that_hold(data, samples) == []
        found = await prove(settings, *entries)
        assert (found.holds, found.not_scrubbed) == (True, 0)
        assert "valve clinic" in (await ward.summary()).words


async def _folder_of(server: Settings, settings: Settings) -> Path:
    """Where the server keeps the files of this test's database."""
    async with database.connect(settings, "owner") as db:
        number = await db.fetchval("select oid from pg_database where datname = current_database()")
    connection = await asyncpg.connect(**superuser_address(server))
    try:
        return Path(await connection.fetchval("show data_directory")) / "base" / str(number)
    finally:
        await connection.close()


async def _to_disk(server: Settings) -> None:
    connection = await asyncpg.connect(**superuser_address(server))
    try:
        await connection.execute("checkpoint")
    finally:
        await connection.close()


async def test_an_original_that_is_nobodys_goes_too(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        (outcome,) = await ward.told(letter("D1", SECRET).replace(b"PID|1||", b"PID|1||~"))
        unknown = letter("D1", SECRET).replace(b"PAS|BARTS", b"PAS|NOBODY")
        assert await ward.told(unknown) == ["refused"]
        row = await ward.owner.fetchrow("select day, seq from intake.original where source = 'unknown'")
        assert row is not None
        assert outcome
        entries = await remove(settings, Target(kind="original", original=OriginalReference(row["day"], row["seq"])))
        assert entries[0].patient_key == NOBODY
        assert await ward.owner.fetchval("select count(*) from intake.original where source = 'unknown'") == 0
