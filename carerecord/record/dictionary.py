"""Compression with dictionaries that are numbered, kept for ever and known to every process.

A packed value begins with three numbers: its format (u8), its dictionary (u16; 0 for none) and its key (u16; 0 while
nothing is encrypted). So a value can be read as long as the row of its dictionary exists; such rows are never deleted.
"""

from __future__ import annotations

import struct
import threading
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import zstandard

from carerecord import database
from carerecord.database import Database

if TYPE_CHECKING:
    import asyncpg

QUERIES = database.queries(__package__)

STATEMENTS: Final = 1  # bodies of statements: FHIR JSON
ORIGINALS: Final = 2  # originals: HL7 v2 messages, FHIR pushes
SHIPPED: Final = {STATEMENTS: "statements about invented people", ORIGINALS: "messages about invented people"}

PREFIX: Final = struct.Struct("<BHH")
FORMAT: Final = 1
LEVEL: Final = 3
BRIEF: Final = 1  # for what is kept for hours: its tables are an eighth, and stay in a cache beside all other work


class UnknownDictionary(LookupError):
    """These bytes name a dictionary not known here: load the rows of record.dictionary, then read again."""


class DictionaryChanged(RuntimeError):
    """A dictionary in the database differs from the one shipped under its number: restore it, or ship a new number."""


_CHANGED = (
    "The database was made by another version of this program, whose dictionaries differ under the same number: "
    "run that version, or begin with an empty database (a demonstration: another --home)."
)


class Unreadable(ValueError):
    """These bytes are in no form that this version reads: use the version that wrote them, or restore a backup."""


class _Tools(threading.local):
    """Compressors are not safe to share between threads, so each thread has its own."""

    def __init__(self) -> None:
        self.compressors: dict[tuple[int, int], zstandard.ZstdCompressor] = {}
        self.decompressors: dict[int, zstandard.ZstdDecompressor] = {}


_tools = _Tools()
_loaded: dict[int, bytes] = {}  # dictionaries that came from rows, beyond those shipped


def compress(content: bytes, *, dictionary: int, level: int = LEVEL) -> bytes:
    """The content, small, with what is needed to read it again in front. The same input gives the same bytes."""
    return PREFIX.pack(FORMAT, dictionary, 0) + squeeze(content, dictionary, level)


def decompress(packed: bytes) -> bytes:
    return expand(packed, read_prefix(packed)[1])


def read_prefix(packed: bytes) -> tuple[int, int]:
    """The format and the dictionary of a packed value."""
    if len(packed) < PREFIX.size:
        raise Unreadable
    form, dictionary, key = PREFIX.unpack_from(packed)
    if key:
        raise Unreadable
    return form, dictionary


def squeeze(content: bytes, dictionary: int, level: int = LEVEL) -> bytes:
    """The zstd frame alone, without the numbers in front."""
    compressor = _tools.compressors.get((dictionary, level))
    if compressor is None:
        # Our own number stands in front, so zstd's is left out; the checksum tells damage or a wrong dictionary.
        made = zstandard.ZstdCompressor(
            level=level,
            dict_data=_precomputed(dictionary, level) if dictionary else None,
            write_checksum=True,
            write_content_size=True,
            write_dict_id=False,
        )
        compressor = _tools.compressors.setdefault((dictionary, level), made)
    return compressor.compress(content)


def expand(packed: bytes, dictionary: int) -> bytes:
    """The content of a packed value whose numbers have been read."""
    decompressor = _tools.decompressors.get(dictionary)
    if decompressor is None:
        made = zstandard.ZstdDecompressor(dict_data=_precomputed(dictionary, LEVEL) if dictionary else None)
        decompressor = _tools.decompressors.setdefault(dictionary, made)
    try:
        return decompressor.decompress(memoryview(packed)[PREFIX.size :])
    except zstandard.ZstdError as error:
        raise Unreadable from error


@cache
def shipped(number: int) -> bytes:
    return resources.files(__package__).joinpath("dictionaries", f"{number:04}.zdict").read_bytes()


@cache
def _precomputed(number: int, level: int) -> zstandard.ZstdCompressionDict:
    content = _loaded.get(number) or (shipped(number) if number in SHIPPED else None)
    if content is None:
        raise UnknownDictionary
    made = zstandard.ZstdCompressionDict(content)
    made.precompute_compress(level=level)
    return made


async def ensure_dictionaries(db: Database, *, at: datetime) -> None:
    """Every shipped dictionary is a row, so that a copy of the database can be read without us. Run as owner."""
    for number, trained_on in SHIPPED.items():
        await db.execute(QUERIES["keep_dictionary"], number, shipped(number), trained_on, at)
    for row in await db.fetch(QUERIES["read_dictionaries"]):
        if row["id"] in SHIPPED and row["content"] != shipped(row["id"]):
            raise DictionaryChanged(_CHANGED)


async def load(db: Database | asyncpg.Connection[asyncpg.Record]) -> None:
    """Learn every dictionary that is a row and not yet known here: one may have been added since this process began."""
    for row in await db.fetch(QUERIES["read_dictionaries"]):
        if row["id"] not in SHIPPED:
            _loaded.setdefault(row["id"], row["content"])
