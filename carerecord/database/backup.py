"""The whole record into one file and back, with PostgreSQL's own tools, and a count of every table to prove it by."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import asyncpg
import msgspec

from carerecord.database.address import address
from carerecord.database.migrate import migrate, migrations
from carerecord.database.pool import connect
from carerecord.database.programs import find_tools
from carerecord.database.queries import queries
from carerecord.settings import Settings

_QUERIES = queries("carerecord.database")


class BackupRefused(Exception):
    """The backup or restore did not succeed; the sentence says why and what to do. No half record is left."""


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says of itself, in a file beside it: enough to know that it is whole before and after a restore."""

    sha256: str
    server: int
    migrations: int
    counts: dict[str, int]


async def backup(settings: Settings, path: Path) -> Manifest:
    """Writes `path` and its manifest `path.json`, both private. Rows and counts are of one instant; work goes on."""
    async with connect(settings, "owner", connections_max=1) as database, database.connection() as connection:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(_QUERIES["stay_in_transaction"])
            snapshot = await connection.fetchval(_QUERIES["export_snapshot"])
            rooms = [row["room"] for row in await connection.fetch(_QUERIES["list_rooms"])]
            if not rooms:
                raise BackupRefused("There is no record in this database yet: run `carerecord migrate` first.")
            server = connection.get_server_version().major
            tools = _tools(settings, server)
            counts = await _count(connection)
            applied = await connection.fetchval(_QUERIES["count_migrations"])
            options = ["--format=custom", "--compress=1", f"--snapshot={snapshot}", "--no-sync"]
            options += [f"--schema={room}" for room in rooms]
            unfinished = path.with_name(path.name + ".unfinished")
            try:
                _make_private(unfinished)
                await _run(settings, tools / "pg_dump", [*options, "--role=carerecord_owner", f"--file={unfinished}"])
                manifest = Manifest(await asyncio.to_thread(_sha256, unfinished), server, applied, counts)
                await asyncio.to_thread(_keep, unfinished, path, manifest)
            except OSError as refused:
                raise BackupRefused(
                    f"{path} cannot be written ({refused.strerror}): free some space, or choose another folder."
                ) from refused
            finally:  # What is not whole still holds patients, and takes the room that is missing.
                for left in (unfinished, _manifest_path(unfinished)):
                    left.unlink(missing_ok=True)
        return manifest


async def restore(
    settings: Settings,
    path: Path,
    *,
    replace: bool = False,
    then: Callable[[Settings], Awaitable[object]] | None = None,
) -> Manifest:
    """Puts a backup in this database and brings its schema up to date. Refuses to replace a record unless told to; the
    file is read to its end before anything is removed, and the rows come back in one transaction or not at all. `then`
    does what must be done before anybody reads: what was lawfully removed since the backup is removed again."""
    manifest = await asyncio.to_thread(_read_manifest, path)
    if manifest.migrations > (known := len(migrations())):
        raise BackupRefused(
            f"The backup is of a newer program: it has {manifest.migrations} migrations, this one knows {known}. "
            "Restore it with that program."
        )
    await migrate(settings)  # Makes the roles, which a backup does not hold, and the tables to be counted.
    async with connect(settings, "owner", connections_max=1) as database:
        async with database.connection() as connection:
            server = connection.get_server_version().major
            counts = await _count(connection)
        if manifest.server > server:
            raise BackupRefused(
                f"The backup is of a PostgreSQL {manifest.server} and the server is a {server}: restore into a "
                f"PostgreSQL {manifest.server} or newer."
            )
        tools = _tools(settings, server)
        await _run(settings, tools / "pg_restore", ["--file=/dev/null", str(path)], reaches_database=False)
        held = sum(count for table, count in counts.items() if not table.startswith("carerecord."))
        if held and not replace:
            raise BackupRefused(f"The database holds {held} rows: restore into an empty one, or say to replace them.")
        if await database.fetchval(_QUERIES["is_in_use"]):
            raise BackupRefused("The record is in use: stop its processes, then restore.")
        async with database.transaction() as connection:
            await connection.execute(_QUERIES["become_owner"])
            await connection.execute(_QUERIES["drop_rooms"])
            await connection.execute(_QUERIES["become_oneself"])
        options = [
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            "--role=carerecord_owner",
        ]
        try:
            await _run(settings, tools / "pg_restore", [*options, str(path)])
        except BackupRefused as refused:
            raise BackupRefused(
                f"{refused} The database holds no record now: mend that and restore again."
            ) from refused
        async with database.connection() as connection:
            found = await _count(connection)
        missing = [table for table, count in manifest.counts.items() if found.get(table) != count]
        if missing:
            raise BackupRefused(f"The restored record differs from the backup in {', '.join(missing)}: do not use it.")
    await migrate(settings)
    if then is not None:
        await then(settings)
    return manifest


async def _count(connection: asyncpg.Connection[asyncpg.Record]) -> dict[str, int]:
    rows = await connection.fetch(_QUERIES["count_rows"])
    return {row["name"]: row["row_count"] for row in rows}


def _tools(settings: Settings, server: int) -> Path:
    tools = find_tools(settings, server=server)
    if tools is None:
        needed = f"{server} to 16" if server < 17 else f"{server} or newer"
        raise BackupRefused(
            f"The server is a PostgreSQL {server}, and no pg_dump and pg_restore of {needed} were found: install "
            f"postgresql-client-{server}, or name the folder of its programs in CARERECORD_POSTGRES_BIN."
        )
    return tools


async def _run(settings: Settings, program: Path, options: Sequence[str], *, reaches_database: bool = True) -> None:
    where, password = _libpq_address(settings)
    to_database = [f"--dbname={where}", "--no-password"] if reaches_database else []
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **({"PGPASSWORD": password} if password else {})}
    ended = await asyncio.to_thread(
        subprocess.run,  # type: ignore[arg-type]
        [program, *to_database, *options],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise BackupRefused(f"{program.name} failed ({_reason(ended.stderr)}).")


def _reason(words: str) -> str:
    """The tools may quote a row when they fail, so only reasons that cannot hold one are repeated."""
    known = {
        "server version mismatch": "it is older than the server: give CARERECORD_POSTGRES_BIN of the server's version",
        "No space left": "no space is left: free some or choose another disk",
        "Permission denied": "permission was denied: choose a folder that you may write",
        "connection to server": "the database does not answer: start it first",
        "unsupported version": "a newer PostgreSQL wrote the file: name its programs in CARERECORD_POSTGRES_BIN",
        "not appear to be a valid archive": "the file is not a backup: choose another",
        "end of file": "the file is cut short: choose another backup",
        "permission denied": "the database's user may not: run it as the record's owner",
    }
    unsaid = "its reason may name a patient and is not shown"
    return next((sentence for sign, sentence in known.items() if sign in words), unsaid)


def _libpq_address(settings: Settings) -> tuple[str, str | None]:
    """The owner's address without its password, which must not stand in a list of processes."""
    where = address(settings, "owner")
    if "dsn" not in where:
        socket = urlencode({"host": where["host"], "port": where["port"], "user": where["user"]}, quote_via=quote)
        return f"postgresql:///{where['database']}?{socket}", None
    parts = urlsplit(str(where["dsn"]))
    query = dict(parse_qsl(parts.query))
    password = unquote(parts.password) if parts.password else query.pop("password", None)
    login, at, host = parts.netloc.rpartition("@")
    netloc = f"{login.partition(':')[0]}{at}{host}"
    return f"{parts.scheme}://{netloc}{parts.path}?{urlencode(query, quote_via=quote)}", password


def _make_private(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _keep(unfinished: Path, path: Path, manifest: Manifest) -> None:
    for file, content in ((unfinished, None), (_manifest_path(unfinished), msgspec.json.encode(manifest))):
        if content is not None:
            _make_private(file)
            file.write_bytes(content)
        with file.open("rb") as written:
            os.fsync(written.fileno())
    _manifest_path(unfinished).replace(_manifest_path(path))
    unfinished.replace(path)


def _read_manifest(path: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode(_manifest_path(path).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupRefused(
            f"{_manifest_path(path)} is missing or damaged: a backup and its manifest belong together."
        ) from error
    try:
        found = _sha256(path)
    except OSError as error:
        raise BackupRefused(f"{path} cannot be read: choose another backup.") from error
    if found != manifest.sha256:
        raise BackupRefused(f"{path} is not as it was written: choose another backup.")
    return manifest
