"""A folder for each source in which it drops documents: `NAME.pdf` (rtf, txt, html) and, last, `NAME.json` beside it.

A writer writes under another name and renames. What was delivered is moved to `done`, what was refused to `refused`
with `NAME.why.txt`. It is moved after it was kept: after a kill between the two it is delivered again, and is a repeat.
A file that nobody can deliver (no .json beside it, not to be opened, in no source's folder) is told of, once.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import msgspec

from carerecord import clock, logs
from carerecord.formats.document import TYPES, Dropped

LOOK_SECONDS = 1.0
AGAIN_SECONDS = 10.0  # after a delivery that failed: the database may be away
ALONE_SECONDS = 60.0  # so long may a document wait for its .json before that is told
DONE, REFUSED = "done", "refused"

# (source id, the two files) -> why it was refused, no sentence if it was not
Deliver = Callable[[str, Dropped], Awaitable[tuple[str, ...]]]


class _Found(msgspec.Struct, frozen=True):
    """A sidecar and what lies beside it under the same name."""

    folder: Path
    stem: str
    documents: tuple[str, ...]

    @property
    def sidecar(self) -> Path:
        return self.folder / f"{self.stem}.json"


class _NotTaken(Exception):
    """What was dropped cannot be delivered: the sentence says why, for whoever dropped it."""


async def watch(folder: Path, *, sources: Collection[str], deliver: Deliver, bytes_max: int) -> None:
    """Delivers what is dropped, oldest first, until cancelled."""
    told: dict[str, int] = {}
    while True:
        is_well = await sweep(folder, sources=sources, deliver=deliver, bytes_max=bytes_max)
        await asyncio.to_thread(tell_left_alone, folder, sources=sources, told=told)
        await asyncio.sleep(LOOK_SECONDS if is_well else AGAIN_SECONDS)


async def sweep(folder: Path, *, sources: Collection[str], deliver: Deliver, bytes_max: int) -> bool:
    """Delivers what lies there now. False if a delivery failed: it and what came after it lie there still."""
    is_well = True
    for source in sorted(sources):
        try:
            for found in await asyncio.to_thread(_look, folder / source):
                await _take(found, source, deliver, bytes_max=bytes_max)
        except OSError as error:
            # Of this source's folder: its rights or its disk. The other sources' documents do not wait for it.
            logs.say(logs.Line.DOCUMENT_NOT_DELIVERED, source=source, kind=type(error).__name__)
            is_well = False
        except Exception as error:
            # Nothing of the file or of the error is told: either may hold a patient's name.
            logs.say(logs.Line.DOCUMENT_NOT_DELIVERED, source=source, kind=type(error).__name__)
            return False
    return is_well


def tell_left_alone(folder: Path, *, sources: Collection[str], told: dict[str, int], now: float | None = None) -> None:
    """Says how many files lie where nothing delivers them, whenever that number has changed. `told` remembers."""
    before = (clock.now().timestamp() if now is None else now) - ALONE_SECONDS
    counts = {source: _count_alone(folder / source, before) for source in sources}
    strangers = [entry for entry in _entries(folder) if entry.name not in sources]
    counts[""] = sum(
        _count_files(folder / entry.name, before) if entry.is_dir(follow_symlinks=False) else 1 for entry in strangers
    )
    for source, count in counts.items():
        if count != told.get(source, 0):
            told[source] = count
            if not count:
                continue
            if source:
                logs.say(logs.Line.DOCUMENT_ALONE, source=source, files=count)
            else:
                logs.say(logs.Line.DOCUMENT_OF_NO_SOURCE, files=count)


def _count_alone(folder: Path, before: float) -> int:
    """Files beside which no .json lies under the same name, and which are not being written just now."""
    entries = [entry for entry in _entries(folder) if not entry.is_dir(follow_symlinks=False)]
    stems = {entry.name.removesuffix(".json") for entry in entries if entry.name.endswith(".json")}
    return sum(entry.name.rpartition(".")[0] not in stems and _is_older(entry, before) for entry in entries)


def _count_files(folder: Path, before: float) -> int:
    return sum(not entry.is_dir(follow_symlinks=False) and _is_older(entry, before) for entry in _entries(folder))


def _is_older(entry: os.DirEntry[str], before: float) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_mtime < before
    except OSError:
        return False


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError:
        return []  # Where it matters it is told as a document that was not delivered.


async def _take(found: _Found, source: str, deliver: Deliver, *, bytes_max: int) -> None:
    if not found.documents and await asyncio.to_thread(_finish_move, found):
        return
    try:
        dropped = await asyncio.to_thread(_read, found, bytes_max)
        why = await deliver(source, dropped)
    except _NotTaken as wrong:
        why = (str(wrong),)
    if why:
        logs.say(logs.Line.DOCUMENT_REFUSED, source=source)
    await asyncio.to_thread(_move, found, why)


def _look(folder: Path) -> list[_Found]:
    """Every sidecar of a source's folder with its documents, oldest first. No folder: nothing was dropped."""
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
        sidecars = sorted(
            (entry.stat(follow_symlinks=False).st_mtime_ns, entry.name)
            for entry in entries
            if entry.name.endswith(".json") and not entry.is_dir(follow_symlinks=False)
        )
    except FileNotFoundError:
        return []
    documents: dict[str, list[str]] = {}
    for entry in entries:
        stem, _, suffix = entry.name.rpartition(".")
        if suffix.lower() in TYPES:
            documents.setdefault(stem, []).append(entry.name)
    stems = [name.removesuffix(".json") for _, name in sidecars]
    return [_Found(folder, stem, tuple(documents.get(stem, ()))) for stem in stems]


def _read(found: _Found, bytes_max: int) -> Dropped:
    if len(found.documents) != 1:
        what = "Several documents have" if found.documents else "There is no document with"
        raise _NotTaken(f"{what} the name of this .json: drop one of {', '.join(sorted(TYPES))} and then its .json.")
    name = found.documents[0]
    sidecar = _content(found.sidecar, bytes_max)
    return Dropped(name, sidecar, _content(found.folder / name, bytes_max))


def _content(path: Path, bytes_max: int) -> bytes:
    """A plain file and never what a link points to: that could be any file which this process may read."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise _NotTaken("It is a link: drop the file itself.") from error
        if isinstance(error, PermissionError):
            raise _NotTaken("It may not be read by the record: drop it again with rights for the listener.") from error
        raise
    with os.fdopen(opened, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise _NotTaken("It is no plain file: drop the file itself.")
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise _NotTaken(f"It is larger than {bytes_max} bytes: drop it in parts, or ask for the limit to be raised.")
    return content


def _move(found: _Found, why: tuple[str, ...]) -> None:
    """The document first: a sidecar that is left alone by a kill says where its document has gone."""
    to = found.folder / (REFUSED if why else DONE)
    to.mkdir(exist_ok=True)
    stem = _free(to, found.stem)
    if why:
        (to / f"{stem}.why.txt").write_text("\n".join(why) + "\n", encoding="utf-8")
    for name in found.documents:
        os.rename(found.folder / name, to / f"{stem}{name.removeprefix(found.stem)}")
    os.rename(found.sidecar, to / f"{stem}.json")


def _finish_move(found: _Found) -> bool:
    """Whether the document had been moved already, before a kill: then the sidecar follows it."""
    moved = re.compile(rf"({re.escape(found.stem)}(?:\.\d+)?)\.({'|'.join(TYPES)})", re.IGNORECASE)
    for to in (found.folder / DONE, found.folder / REFUSED):
        for path in sorted(to.glob("*")):
            if (known := moved.fullmatch(path.name)) and not (to / f"{known[1]}.json").exists():
                os.rename(found.sidecar, to / f"{known[1]}.json")
                return True
    return False


def _free(to: Path, stem: str) -> str:
    """A name under which nothing lies there yet: nothing that was dropped before is overwritten."""
    names = {path.name for path in to.iterdir()}
    suffixes = ("json", "why.txt", *TYPES)
    number, chosen = 1, stem
    while any(f"{chosen}.{suffix}" in names for suffix in suffixes):
        number += 1
        chosen = f"{stem}.{number}"
    return chosen
