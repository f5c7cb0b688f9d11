"""Bytes off the disk, without anybody's hand: the files of the database are read as they lie."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec
import pytest

from carerecord import clock, database
from carerecord.database import Database
from carerecord.database.address import superuser_address
from carerecord.settings import Settings
from carerecord.stewardship import off_disk, proof, removal, traces_rules
from carerecord.stewardship.removal_plan import Target
from tests.rooms.stewardship.removals import complete, files_that_hold, find_letter, prove, the, withdraw
from tests.safety.ward import ARTHUR, JOAN, Ward, letter, open_ward


def words(seed: int, count: int) -> str:
    """Words that compress badly, so that a letter is kept out of line."""
    chosen = random.Random(seed)
    return " ".join(f"{chosen.getrandbits(60):x}" for _ in range(count))


SECRET = words(1, 900)
SHORT = "In confidence of the quarrel " + words(2, 12)


async def checkpoint(server: Settings) -> None:
    connection = await asyncpg.connect(**superuser_address(server))
    try:
        await connection.execute("checkpoint")
    finally:
        await connection.close()


async def folder_of(server: Settings, db: Database) -> Path:
    number = await db.fetchval("select oid from pg_database where datname = current_database()")
    connection = await asyncpg.connect(**superuser_address(server))
    try:
        return Path(await connection.fetchval("show data_directory")) / "base" / str(number)
    finally:
        await connection.close()


async def stored(ward: Ward, *, seqs: list[int] | None = None) -> set[str]:
    """Windows of what stands in the files of these messages, or of all, and of every row of the record."""
    rows = await ward.owner.fetch(
        "select content from intake.original where $1::bigint[] is null or seq = any ($1::bigint[]) "
        "union all select body from record.log union all select header from record.log "
        "union all select body from record.chunk union all select header from record.chunk",
        seqs,
    )
    return set().union(*(traces_rules.windows(row["content"]) for row in rows))


async def keep_off(settings: Settings, server: Settings, *, at: datetime, rounds: int = 16) -> int:
    """As the working process does it, round after round."""
    done = 0
    async with database.connect(settings, "work") as db:
        for each in range(rounds):
            done += await off_disk.take_off(db, settings, at=at + timedelta(seconds=10 * each))
            await checkpoint(server)
    return done


@pytest.mark.parametrize("way", ["anew", "overwritten"])
async def test_the_files_hold_nothing_of_what_was_removed(test_server: Settings, settings: Settings, way: str) -> None:
    mebibytes = 128 if way == "anew" else 1
    settings = msgspec.structs.replace(settings, removal_lock_mebibytes_max=mebibytes, removal_hours="")
    async with open_ward(settings) as ward:
        await ward.hear(letter("D1", SECRET), letter("D2", SHORT), letter("D3", "Seen in the clinic, all well."))
        for number in range(350):
            await ward.hear(letter(f"E{number}", words(number + 10, 30 * (number % 17) + 5)))
        await ward.fold()
        key = await ward.key_of(JOAN)
        one, other = await find_letter(ward, key, SECRET), await find_letter(ward, key, SHORT)
        before = await stored(ward, seqs=[one.original.seq, other.original.seq])
        data = await folder_of(test_server, ward.owner)
        await ward.owner.execute("analyze")  # the planner's samples lie in the server's own catalogue
        await checkpoint(test_server)
        assert proof.search_files(data, before)
        for each in (one, other):
            await withdraw(settings, the(each))
        await complete(settings)
        assert [entry.scrubbed_at for entry in await removal.list_removals(ward.owner)] == [None, None]
        gone = before - await proof.still_held(ward.owner, before)
        assert gone == before - await stored(ward)
        await checkpoint(test_server)
        if way == "overwritten":
            for name in ("record.log", "record.chunk", "intake.original"):
                await ward.owner.execute(f"vacuum {name}")
            await checkpoint(test_server)
        assert proof.search_files(data, gone)  # vacuum alone frees the room and leaves what is in it
        done = await keep_off(settings, test_server, at=clock.now() + timedelta(seconds=1))
        assert (done, proof.search_files(data, gone)) == (2, {})
        how = {each.name: each.how for each in await off_disk.list_written(ward.owner)}
        assert how["record.chunk"] == way
        entries = await removal.list_removals(ward.owner)
        assert all(entry.scrubbed_at for entry in entries)
        kept = {window for entry in entries for window in entry.what.stored}
        assert kept <= before
        assert len(kept) > 100  # by which the same is proven without the messages
        assert (await prove(settings)).not_scrubbed == 0
        assert "all well" in (await ward.summary()).words


async def test_while_somebody_still_reads_an_older_state_nothing_is_called_off_the_disk(
    test_server: Settings, settings: Settings
) -> None:
    settings = msgspec.structs.replace(settings, removal_hours="")
    async with open_ward(settings) as ward:
        await ward.hear(letter("D1", SHORT))
        statement = await find_letter(ward, await ward.key_of(JOAN), SHORT)
        async with ward.owner.connection() as older, older.transaction(isolation="repeatable_read", readonly=True):
            await older.fetchval("select count(*) from record.log")
            await withdraw(settings, the(statement))
            await complete(settings)
            assert await keep_off(settings, test_server, at=clock.now() + timedelta(seconds=1)) == 0
            assert await off_disk.list_written(ward.owner) == []
        assert await keep_off(settings, test_server, at=clock.now() + timedelta(seconds=1)) == 1


async def test_who_reads_is_not_kept_waiting_for_a_table_that_is_in_use(
    test_server: Settings, settings: Settings
) -> None:
    settings = msgspec.structs.replace(settings, removal_hours="")
    async with open_ward(settings) as ward:
        await ward.hear(letter("D1", SHORT), letter("D2", "All well."))
        await ward.fold()
        statement = await find_letter(ward, await ward.key_of(JOAN), SHORT)
        await withdraw(settings, the(statement))
        await complete(settings)
        async with ward.owner.connection() as reader, reader.transaction():
            await reader.execute("lock table record.chunk in access share mode")
            assert await keep_off(settings, test_server, at=clock.now() + timedelta(seconds=1)) == 0
            assert "record.chunk" not in {each.name for each in await off_disk.list_written(ward.owner)}
            assert "record.log" in {each.name for each in await off_disk.list_written(ward.owner)}
        assert await keep_off(settings, test_server, at=clock.now() + timedelta(seconds=1)) == 1


async def test_the_night_is_waited_for_and_not_longer_than_the_day_allows(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(letter("D1", SHORT))
        statement = await find_letter(ward, await ward.key_of(JOAN), SHORT)
        await withdraw(settings, the(statement))
        entries = await complete(settings)
    hours = off_disk.hours_of("22-3")
    assert hours == {22, 23, 0, 1, 2, 3}
    at = entries[0].withdrawn_at.replace(hour=12)
    entries = [msgspec.structs.replace(entries[0], withdrawn_at=at)]
    assert not off_disk.is_time(entries, hours=hours, at=at + timedelta(hours=9))
    assert off_disk.is_time(entries, hours=hours, at=at + timedelta(hours=10))
    assert not off_disk.is_time(entries, hours=frozenset((11,)), at=at + timedelta(hours=17))
    assert off_disk.is_time(entries, hours=frozenset((11,)), at=at + timedelta(hours=18))
    with pytest.raises(ValueError, match="hours of a day"):
        off_disk.hours_of("8-25")


async def test_an_identity_is_off_the_disk_once_its_names_are(test_server: Settings, settings: Settings) -> None:
    settings = msgspec.structs.replace(settings, removal_hours="")
    async with open_ward(settings) as ward:
        await ward.hear(letter("D1", SHORT))
        await ward.hear(letter("D1", "Of another person.", about=ARTHUR))
        key = await ward.key_of(JOAN)
        data = await folder_of(test_server, ward.owner)
        await ward.owner.execute("analyze")
        await checkpoint(test_server)
        assert files_that_hold(data, [JOAN.nhs_number.encode()])
        await withdraw(settings, Target(kind="source", patient_key=key, source="barts"))
        await complete(settings)
        assert await keep_off(settings, test_server, at=clock.now() + timedelta(seconds=1)) == 1
        assert files_that_hold(data, [JOAN.nhs_number.encode()]) == []
        assert files_that_hold(data, [ARTHUR.nhs_number.encode()])
