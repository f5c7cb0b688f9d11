"""The file of a request, asked for at the desk and made by the working process: it survives a restart of either.

A row says how far it is. What is made is sealed for the browser that asked and goes after a day, or with the request.
The working process begins a file three times at most, so that one that cannot be made does not hold up the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from carerecord import audit, database, logs, patient_index
from carerecord.disclosure import sentences
from carerecord.disclosure.sight import told
from carerecord.disclosure.values import Refusal
from carerecord.model import Staff
from carerecord.organisations import Region
from carerecord.record import dictionary
from carerecord.stewardship.subject_access import rules, sealed
from carerecord.stewardship.subject_access.desk import SubjectAccess, mend
from carerecord.stewardship.subject_access.export import Made
from carerecord.stewardship.subject_access.values import File, FileState, Undecided

if TYPE_CHECKING:
    import asyncpg

QUERIES = database.queries(__package__)
REST_SECONDS: Final = 2.0
KEPT: Final = timedelta(hours=24)
TRIES_MAX: Final = 3
NOT_MADE: Final = "It could not be made, three times over: ask whoever runs the record to look into it."
OTHERS: Final = "This file was asked for by somebody else, or from another browser. Ask for it again from this one."


class Files(SubjectAccess):
    """What is asked of the files of a request, as `steward`."""

    @told
    async def ask_file(self, staff: Staff, request_id: int, *, session: str, at: datetime) -> tuple[int, str] | Refusal:
        """(its number, the private key for the browser's cookie). Refused while an item waits, or another is made."""
        worklist = await self.worklist(staff, request_id, session=session, at=at)
        if isinstance(worklist, Refusal):
            return worklist
        if worklist.undecided:
            return mend(self.region, f"{len(worklist.undecided)} items wait. {Undecided.__doc__}")
        request = worklist.request
        number = self._random_key()
        public, private = sealed.new_key()
        await self._administer(
            staff, request, "subject access file asked for", session=session, at=at, file=str(number)
        )
        is_new = await self._db.fetchval(
            QUERIES["ask_file"],
            *(request.patient_key, request.id, number, at, msgspec.json.encode(staff).decode(), session, public),
        )
        return (number, private) if is_new else mend(self.region, "A file of this request is being made already.")

    @told
    async def read_attachment(
        self, staff: Staff, request_id: int, *, item: str, place: int, session: str, at: datetime
    ) -> tuple[str, bytes] | Refusal:
        """A file within an item, which somebody must read before they decide: (media type, content)."""
        found = await self._sure(staff, request_id)
        if isinstance(found, Refusal):
            return found
        holdings = await self._holdings(found, staff, session=session, at=at)
        for statement in holdings.statements:
            if rules.item_id(statement) == item:
                held = list(rules.attachments(msgspec.json.decode(statement.body)))
                return held[place] if 0 <= place < len(held) else sentences.nothing_there(self.region)
        return sentences.nothing_there(self.region)

    @told
    async def list_files(self, staff: Staff, request_id: int) -> tuple[File, ...] | Refusal:
        """Newest first; nothing of what is in them."""
        found = await self._request(staff, request_id)
        if isinstance(found, Refusal):
            return found
        rows = await self._db.fetch(QUERIES["list_files"], found.patient_key, found.id)
        return tuple(file_of(row) for row in rows)

    @told
    async def fetch_file(
        self, staff: Staff, request_id: int, file_id: int, *, private: str, session: str, at: datetime
    ) -> bytes | Refusal:
        """What is in it, for whoever asked for it, from the browser that asked; witnessed before the first byte."""
        files = await self.list_files(staff, request_id)
        if isinstance(files, Refusal):
            return files
        file = next((each for each in files if each.id == file_id and each.state is FileState.READY), None)
        if file is None:
            return mend(self.region, "This file is not there, or not any more. Ask for it again.")
        if file.asked_by.user_id != staff.user_id:
            return mend(self.region, OTHERS)
        place = (file.patient_key, file.request_id, file.id)
        content = await self._db.fetchval(QUERIES["fetch_file"], *place)
        try:
            opened = await asyncio.to_thread(sealed.unseal, content or b"", private)
        except sealed.CannotOpen:
            return mend(self.region, OTHERS)
        await self._witness(
            staff, file.patient_key, "exported", session=session, at=at, what="subject access", step="fetched",
            request=str(request_id), hash=file.hash,
        )  # fmt: skip
        await self._db.execute(QUERIES["note_fetched"], *place, at)
        return opened


# --- The working process ----------------------------------------------------------------------------------------------


async def keep_making(
    db: database.Database, region: Region, *, clock: Callable[[], datetime], random_key: Callable[[], int]
) -> None:
    """Makes what is asked for, and forgets what is over, until cancelled. What fails is said and tried again."""
    while True:
        made = False
        try:
            at = clock()
            await db.execute(QUERIES["forget_files"], at - KEPT)
            made = await make_next(db, region, at=at, random_key=random_key)
        except (database.DatabaseLost, database.DatabaseRefused, audit.WitnessUnavailable, OSError) as lost:
            logs.say(logs.Line.DATABASE_LOST, kind=type(lost).__name__)
        except Exception as wrong:
            # Whatever a record holds that cannot be written must stop neither the fold nor the seals.
            logs.say(logs.Line.FILE_NOT_MADE, kind=type(wrong).__name__)
        if not made:
            await asyncio.sleep(REST_SECONDS)


async def make_next(db: database.Database, region: Region, *, at: datetime, random_key: Callable[[], int]) -> bool:
    """The file that has waited longest; whether there was one. One that was left half made is begun again."""
    row = await db.fetchrow(QUERIES["next_file"])
    if row is None:
        return False
    file = file_of(row)
    place = (file.patient_key, file.request_id, file.id)
    if file.tries >= TRIES_MAX:
        await db.execute(QUERIES["fail_file"], *place, NOT_MADE, at)
        return True
    await db.execute(QUERIES["begin_file"], *place)
    await dictionary.load(db)

    async def on_read(statements: int) -> None:
        await db.execute(QUERIES["write_file"], *place, statements)

    async with audit.Writer.open(db) as writer:
        access = SubjectAccess(db, writer, region, random_key=random_key)
        try:
            made = await access.export(file.asked_by, file.request_id, session=file.session, at=at, on_read=on_read)
        except (Undecided, patient_index.NoSuchPerson) as wrong:
            await db.execute(QUERIES["fail_file"], *place, str(wrong), at)
            return True
    if isinstance(made, Refusal):
        if made.kind != "unavailable":  # That passes: it is tried again.
            await db.execute(QUERIES["fail_file"], *place, made.sentences[0], at)
        return made.kind != "unavailable"
    await _keep(db, file, made, at=at)
    return True


async def _keep(db: database.Database, file: File, made: Made, *, at: datetime) -> None:
    content = await asyncio.to_thread(sealed.seal, made.content, file.seal_to)
    await db.execute(
        QUERIES["finish_file"],
        *(file.patient_key, file.request_id, file.id, made.hash, len(made.content), made.has_paper),
        *(msgspec.json.encode(made.kept_back).decode(), content, at),
    )


def file_of(row: asyncpg.Record) -> File:
    return File(
        **{
            **dict(row),
            "asked_by": msgspec.json.decode(row["asked_by"], type=Staff),
            "state": FileState(row["state"]),
            "kept_back": msgspec.json.decode(row["kept_back"], type=dict[str, int]),
        }
    )
