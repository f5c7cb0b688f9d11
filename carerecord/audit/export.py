"""The audit in files that need no database: events as rows, the seals, the public keys; and their verification.

events/stream-0001.jsonl.gz   one JSON array a line: an event's columns with their texts, its hash, and the digests
seals/                        the folder of seals, as it is
heads.json                    where each stream ended
keys.json                     the public keys (JWKS), for show: verify by a key that came another way
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from carerecord.audit.chain import Row
from carerecord.audit.keys import Jwk
from carerecord.audit.sealed import check_seals
from carerecord.audit.seals import Folder, SignedSeal
from carerecord.audit.verify import QUERIES, ROWS_AT_ONCE, Report, Verification, instant
from carerecord.audit.walk import Fault, Finding, Head
from carerecord.database import Database

LINES_AT_ONCE: Final = 5_000


class ExportRefused(ValueError):
    """The audit cannot be exported there, or nothing exported is there; the sentence says what to do."""


class _Line(NamedTuple):
    """What version 0.3.0 exported, and behind it the columns that are kept beside it now."""

    patient_key: int
    stream: int
    seq: int
    recorded_at: datetime
    kind: str
    staff: str | None  # None: its text was taken out
    purpose: str
    evidence: str | None
    decision: str | None
    about_seq: int | None
    snapshot: bytes | None
    detail: str
    route: str
    session: str
    hash: bytes
    asked_at: datetime | None = None
    about_stream: int | None = None
    manner: bytes | None = None
    grounds: bytes | None = None


_BEFORE: Final = _Line._fields.index("hash")


async def export(db: Database, to: Path, *, seals: Folder, public: Sequence[Jwk]) -> int:
    """Writes the whole audit as of one instant into a new folder; gives how many events that were."""
    if to.exists() and any(to.iterdir()):
        raise ExportRefused(f"{to} is not empty: name a new folder.")
    (to / "events").mkdir(parents=True, mode=0o700)
    count = 0
    async with instant(db) as connection:
        if seals.path.is_dir():
            (to / "seals").mkdir()
            # Seals are made meanwhile, leaves first: copied the other way round, no seal is without its leaves.
            for path in (*sorted(seals.path.glob("*.seals")), *sorted(seals.path.glob("*.leaves"))):
                shutil.copy2(path, to / "seals")
        heads = await connection.fetch(QUERIES["read_heads"], None)
        for head in heads:
            cursor = await connection.cursor(QUERIES["read_events"], head["stream"])
            with gzip.open(_path(to, head["stream"]), "wb", compresslevel=1) as file:
                while records := await cursor.fetch(ROWS_AT_ONCE):
                    file.write(b"".join(_line(tuple(record)) for record in records))
                    count += len(records)
    written = {head["stream"]: Head(head["head_seq"], head["head_hash"]) for head in heads}
    (to / "heads.json").write_bytes(msgspec.json.encode(written))
    (to / "keys.json").write_bytes(msgspec.json.encode({"keys": list(public)}))
    return count


def verify_offline(
    folder: Path,
    trusted: Sequence[Jwk],
    *,
    stream: int | None = None,
    known: Iterable[SignedSeal] = (),
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Verifies an exported audit with nothing but public keys. What cannot be read is a finding."""
    if not (folder / "events").is_dir():
        raise ExportRefused(f"There is no exported audit in {folder}: make one with `carerecord witness export`.")
    sealed, findings = check_seals(Folder(folder / "seals"), trusted, known=known)
    try:
        heads = msgspec.json.decode((folder / "heads.json").read_bytes(), type=dict[int, Head])
    except (OSError, msgspec.MsgspecError):
        heads = {}
    verification = Verification(sealed, heads, stream=stream)
    name = "stream-*.jsonl.gz" if stream is None else _path(folder, stream).name
    for path in sorted((folder / "events").glob(name)):
        try:
            for rows in _read(path):
                events = verification.take(rows)
                if progress:
                    progress(events)
        except (OSError, EOFError, gzip.BadGzipFile, msgspec.MsgspecError):
            number = int("".join(filter(str.isdigit, path.name)) or 0)
            sentence = "The file of this stream cannot be read to its end: what is behind the damage is not proven."
            findings.append(Finding(fault=Fault.CUT, stream=number, seq=0, sentence=sentence))
    return verification.report(findings)


def _line(record: tuple[object, ...]) -> bytes:
    return msgspec.json.encode((*record[:_BEFORE], record[-1], *record[_BEFORE:-1])) + b"\n"


def _path(to: Path, stream: int) -> Path:
    return to / "events" / f"stream-{stream:04}.jsonl.gz"


def _read(path: Path) -> Iterator[list[tuple[Row, bytes]]]:
    decode = msgspec.json.Decoder(_Line).decode
    with gzip.open(path, "rb") as file:
        while lines := file.readlines(LINES_AT_ONCE * 1_000):
            decoded = [decode(line) for line in lines]
            yield [(Row._make(line[:_BEFORE] + line[_BEFORE + 1 :]), line.hash) for line in decoded]
