"""Backup and restore: the same rows come back, and nothing is replaced unasked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from carerecord import database
from carerecord.database.backup import BackupRefused, backup, restore
from carerecord.settings import Settings

KEEP = """
    insert into intake.original
        (day, source, control_id, format, content, content_hash, received_at, outcome, message_type)
    values ($1::timestamptz::date, 'ashgrove', 'A1', 1, $2, decode(md5('x'), 'hex'), $1, 'waiting', 'ADT^A01')
"""
WHAT_ARRIVED = b"MSH|^~\\&|ASHGROVE|\r\x00\xff"


async def _fill(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        at = await db.fetchval("select now()")
        await db.execute(KEEP, at, WHAT_ARRIVED)
        await db.execute("select nextval('record.log_seq')")


async def test_a_restored_backup_holds_the_same_rows_and_goes_on_counting(settings: Settings, tmp_path: Path) -> None:
    await _fill(settings)
    file = tmp_path / "record.backup"
    kept = await backup(settings, file)
    assert kept.counts["intake.original"] == 1
    assert file.stat().st_mode & 0o777 == 0o600
    async with database.connect(settings, "owner") as db:
        await db.execute("delete from intake.original")
        seq = await db.fetchval("select last_value from record.log_seq")
    await restore(settings, file)
    async with database.connect(settings, "owner") as db:
        assert await db.fetchval("select content from intake.original") == WHAT_ARRIVED
        assert await db.fetchval("select last_value from record.log_seq") == seq
        owners = await db.fetch("select distinct tableowner from pg_tables where schemaname in ('intake', 'record')")
        assert [row["tableowner"] for row in owners] == ["carerecord_owner"]
    async with database.connect(settings, "listen") as db:
        assert await db.fetchval("select count(*) from intake.original") == 1


async def test_a_record_is_not_replaced_unless_told_to(settings: Settings, tmp_path: Path) -> None:
    await backup(settings, tmp_path / "empty.backup")
    await _fill(settings)
    with pytest.raises(BackupRefused, match="holds 1 rows"):
        await restore(settings, tmp_path / "empty.backup")
    async with database.connect(settings, "owner") as db:
        assert await db.fetchval("select count(*) from intake.original") == 1
    await restore(settings, tmp_path / "empty.backup", replace=True)
    async with database.connect(settings, "owner") as db:
        assert await db.fetchval("select count(*) from intake.original") == 0


async def test_a_record_in_use_is_not_replaced(settings: Settings, tmp_path: Path) -> None:
    await backup(settings, tmp_path / "record.backup")
    async with database.connect(settings, "serve"):
        with pytest.raises(BackupRefused, match="in use"):
            await restore(settings, tmp_path / "record.backup")


async def test_a_backup_of_a_newer_program_or_server_is_refused_before_anything_is_removed(
    settings: Settings, tmp_path: Path
) -> None:
    await _fill(settings)
    file = tmp_path / "record.backup"
    kept = await backup(settings, file)
    for field, number, words in (("migrations", 9_999, "newer program"), ("server", 99, "is of a PostgreSQL 99")):
        newer = msgspec.structs.replace(kept, **{field: number})
        await asyncio.to_thread((tmp_path / "record.backup.json").write_bytes, msgspec.json.encode(newer))
        with pytest.raises(BackupRefused, match=words):
            await restore(settings, file, replace=True)
    async with database.connect(settings, "owner") as db:
        assert await db.fetchval("select count(*) from intake.original") == 1


async def test_a_backup_that_cannot_be_written_is_told_and_leaves_nothing(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match=r"record\.backup cannot be written .*choose another folder"):
        await backup(settings, tmp_path / "nowhere" / "record.backup")
    with pytest.raises(BackupRefused, match=r"pg_dump and pg_restore of .* were found: install"):
        await backup(msgspec.structs.replace(settings, postgres_bin=str(tmp_path)), tmp_path / "record.backup")
    (tmp_path / "record.backup.json").mkdir()  # The last of its steps fails.
    with pytest.raises(BackupRefused, match="cannot be written"):
        await backup(settings, tmp_path / "record.backup")
    assert [each.name for each in tmp_path.iterdir()] == ["record.backup.json"]


async def test_an_altered_backup_is_refused_before_anything_is_removed(settings: Settings, tmp_path: Path) -> None:
    await _fill(settings)
    file = tmp_path / "record.backup"
    await backup(settings, file)
    await asyncio.to_thread(file.write_bytes, file.read_bytes()[:-100])
    with pytest.raises(BackupRefused, match="not as it was written"):
        await restore(settings, file, replace=True)
    async with database.connect(settings, "owner") as db:
        assert await db.fetchval("select count(*) from intake.original") == 1
