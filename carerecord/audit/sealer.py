"""The sealer: takes what was committed since the last seal into the tree, and signs its head."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import asyncpg
import msgspec

from carerecord import database, logs
from carerecord.audit import keys, seals
from carerecord.audit.chain import COLUMNS, Row, first_hash, is_linked
from carerecord.audit.keys import FileSigner, Signer, SignerFailed
from carerecord.audit.mark import Mark, Marked
from carerecord.audit.merkle import Frontier
from carerecord.audit.seals import ABSENT, EVENTS_MAX, LEAF_BYTES, NO_SEAL, Folder, Head, Seal, SignedSeal
from carerecord.database import Database, DatabaseLost, DatabaseRefused
from carerecord.settings import Settings

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

QUERIES = database.queries(__package__)
ROWS_AT_ONCE: Final = 2_000
_WIDTH: Final = len(COLUMNS)
QUIET_SECONDS_MAX: Final = 3600  # where nothing happens, a seal an hour says that somebody still looks


class SealsLost(RuntimeError):
    """The folder of seals ends before the last that was made, or is not ours: put the folder back as it was."""

    def __init__(self) -> None:
        super().__init__(SealsLost.__doc__)


class _Taken(NamedTuple):
    """What one seal takes: the heads afterwards and the leaves, in the order of the tree."""

    heads: tuple[Head, ...]
    leaves: list[bytes]
    is_all: bool


class Sealer:
    """One per installation, in the process that works."""

    def __init__(
        self, db: Database, folder: Folder, signer: Signer, *, clock: Callable[[], datetime], mark: Mark | None = None
    ) -> None:
        """Without a `mark` only the database says whether the folder was set back."""
        self._mark = mark
        self._db = db
        self._folder = folder
        self._signer = signer
        self._clock = clock
        self._last: SignedSeal | None = None
        self._is_recalled = False

    async def seal(self) -> bool:
        """One seal, if there is anything to seal or it has been quiet for an hour. True: more waits already."""
        if not self._is_recalled:
            await self._recall()
        last = self._last.seal if self._last else None
        at = self._clock()
        taken = await self._take(last)
        public = await self._signer.keys()
        key, next_key = self._keys(public, last)
        is_quiet = last is not None and abs(at - last.at) < timedelta(seconds=QUIET_SECONDS_MAX)
        if not taken.leaves and next_key is None and is_quiet:
            return False
        frontier = Frontier(last.size, last.peaks) if last else Frontier()
        frontier.extend(taken.leaves)
        seal = Seal(
            number=last.number + 1 if last else 1,
            at=at,
            size=frontier.size,
            root=frontier.root(),
            peaks=tuple(frontier.peaks),
            heads=taken.heads,
            previous=self._last.hash if self._last else NO_SEAL,
            leaves=self._folder.place(at=at),
            next_key=dict(next_key) if next_key else None,
        )
        signed = SignedSeal(await keys.sign_compact(self._signer, key, msgspec.json.encode(seal)), seal)
        await asyncio.to_thread(self._folder.write, signed, taken.leaves)
        self._last = signed
        if self._mark:
            await asyncio.to_thread(self._mark.write, Marked(seal.number, signed.hash.hex()))
        await self._keep(signed)
        return not taken.is_all

    async def _recall(self) -> None:
        """Where the last seal left off: the folder says; the mark and the database's copy may only lag behind it."""
        found = await asyncio.to_thread(self._folder.read_last)
        if self._mark and not _is_marked(found, self._mark):
            raise SealsLost
        kept = await self._db.fetchrow(QUERIES["read_last_seal"])
        if found and kept and kept["number"] == found.seal.number and kept["signed"] != found.signed:
            raise SealsLost
        if kept and (found is None or found.seal.number < kept["number"]):
            raise SealsLost
        known = [key for key in await self._signer.keys() if found and key["kid"] == found.key_id]
        if found and known and keys.open_compact(found.signed, known) is None:
            raise SealsLost
        if found and (not kept or kept["number"] < found.seal.number):
            await self._keep(found)
        self._last, self._is_recalled = found, True

    async def _keep(self, signed: SignedSeal) -> None:
        seal = signed.seal
        await self._db.execute(QUERIES["keep_seal"], seal.number, seal.at, seal.size, seal.root, signed.signed)

    def _keys(self, public: list[keys.Jwk], last: Seal | None) -> tuple[keys.Jwk, keys.Jwk | None]:
        """The key whose turn it is, and a newer one that it announces."""
        if not public:
            raise SignerFailed("There is no key to sign seals with: make one with `carerecord witness key new`.")
        if self._last is None or last is None:
            return public[-1], None
        turn = last.next_key["kid"] if last.next_key else self._last.key_id
        key = next((key for key in public if key["kid"] == turn), None)
        if key is None:
            raise SignerFailed(
                f"The key {turn[:12]}, whose turn it is, is gone: put it back, or begin a new folder of seals."
            )
        return key, (public[-1] if public[-1]["kid"] != turn else None)

    async def _take(self, last: Seal | None) -> _Taken:
        """What every stream holds behind its sealed end, seen at one instant."""
        ends = {head.stream: head for head in last.heads} if last else {}
        async with (
            self._db.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            held = {row["stream"]: row for row in await connection.fetch(QUERIES["read_heads"], None)}
            heads, leaves = [], list[bytes]()
            is_all = True
            for stream in sorted(ends.keys() | held.keys()):
                end = ends.get(stream) or Head(stream, 0, first_hash(stream))
                head_seq = held[stream]["head_seq"] if stream in held else 0
                if head_seq < end.seq:
                    if not (stream in held and held[stream]["is_retired"]):  # A restored backup knows less.
                        logs.say(logs.Line.WITNESS_BROKEN, stream=stream, seq=head_seq)
                    heads.append(end)
                    continue
                upto = min(head_seq, end.seq + EVENTS_MAX - len(leaves))
                is_all = is_all and upto == head_seq
                end, found = await _walk(connection, end, upto)
                leaves += found
                if upto == head_seq and end.hash != held[stream]["head_hash"]:
                    logs.say(logs.Line.WITNESS_BROKEN, stream=stream, seq=head_seq)
                if end.seq:
                    heads.append(end)
        return _Taken(tuple(heads), leaves, is_all)


def _is_marked(found: SignedSeal | None, mark: Mark) -> bool:
    """Whether the folder goes at least as far as was sealed."""
    try:
        marked = mark.read()
    except ValueError:
        return False
    if marked is None or found is None:
        return marked is None
    return found.seal.number > marked.number or marked == (found.seal.number, found.hash.hex())


async def _walk(connection: Connection, end: Head, upto: int) -> tuple[Head, list[bytes]]:
    """The hashes of the events from behind `end` up to `upto`; what does not fit is said, and sealed as it stands."""
    stream, seq, previous = end
    leaves: list[bytes] = []
    while seq < upto:
        until = min(seq + ROWS_AT_ONCE, upto)
        standing: dict[int, list[tuple[Row, bytes]]] = {}
        for record in await connection.fetch(QUERIES["read_stretch"], stream, seq + 1, until):
            row, stored = Row._make(record[:_WIDTH]), record[_WIDTH]
            standing.setdefault(row.seq, []).append((row, stored))
        for number in range(seq + 1, until + 1):
            there = standing.get(number, [])
            if len(there) == 1 and is_linked(previous, *there[0]):
                previous = there[0][1]
            else:
                logs.say(logs.Line.WITNESS_BROKEN, stream=stream, seq=number)
                previous = _choose(previous, there, standing.get(number + 1, ()))
            leaves.append(previous)
        seq = until
        await asyncio.sleep(0)
    return Head(stream, seq, previous), leaves


def _choose(previous: bytes, there: Sequence[tuple[Row, bytes]], then: Sequence[tuple[Row, bytes]]) -> bytes:
    """The hash to seal at one place: of several events that stand there, of the one that the next followed."""
    sound = [stored for row, stored in there if is_linked(previous, row, stored)]
    followed = [stored for stored in sound if any(is_linked(stored, *each) for each in then)]
    whole = [stored for _, stored in there if stored is not None and len(stored) == LEAF_BYTES]
    return next(iter((*followed, *sound, *whole)), ABSENT)


async def keep_sealed(db: Database, settings: Settings, *, clock: Callable[[], datetime]) -> None:
    """Seals, and again, until cancelled. Where it cannot, it says so and tries again; the witness goes on without."""
    signer = keys.signer_of(settings)
    mark = Mark(keys.keys_folder(settings) / "last-seal")
    sealer = Sealer(db, seals.folder_of(settings), signer, clock=clock, mark=mark)
    while True:
        more = False
        try:
            if isinstance(signer, FileSigner) and not await signer.keys():
                signer.make(at=clock())
                logs.say(logs.Line.SEAL_KEY_MADE)
            more = await sealer.seal()
        except (OSError, SignerFailed, SealsLost) as wrong:
            logs.say(logs.Line.SEAL_FAILED, kind=type(wrong).__name__)
        except (DatabaseLost, DatabaseRefused, asyncpg.PostgresError, asyncpg.InterfaceError) as lost:
            logs.say(logs.Line.SEAL_FAILED, kind=type(lost).__name__)
        if not more:
            await asyncio.sleep(settings.witness_seal_seconds)


async def are_seals_late(db: Database, settings: Settings, *, at: datetime) -> bool:
    """Whether events wait to be sealed that should have been, for the page of whoever runs the record."""
    patience = timedelta(seconds=3 * settings.witness_seal_seconds + 30)
    row = await db.fetchrow(QUERIES["read_last_seal"])
    held = {head["stream"]: head["head_seq"] for head in await db.fetch(QUERIES["read_heads"], None)}
    if row is None:
        return any(held.values())
    sealed = {head.stream: head.seq for head in SignedSeal.read(row["signed"]).seal.heads}
    return at - row["at"] > patience and any(seq > sealed.get(stream, 0) for stream, seq in held.items())


async def retire_streams(db: Database) -> None:
    """After a restore, as owner: what was sealed behind the backup's end must not be written a second time."""
    await db.execute(QUERIES["retire_streams"])


def make_folders(settings: Settings) -> None:
    """The folders of seals and keys, for the working process alone; as root they are made for its user."""
    for folder in (seals.folder_of(settings).path, keys.keys_folder(settings)):
        try:
            folder.mkdir(parents=True, mode=0o700)
        except FileExistsError:
            continue
        if os.geteuid() == 0 and settings.user_work:
            account = pwd.getpwnam(settings.user_work)
            os.chown(folder, account.pw_uid, account.pw_gid)
