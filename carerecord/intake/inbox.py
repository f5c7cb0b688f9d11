"""The operator's view of what was kept but is not in the record: list it, show it, translate it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Literal, cast

import msgspec

from carerecord.formats import hl7v2
from carerecord.intake import hear, store
from carerecord.intake.aside import Aside, AsideFailed, AsideTooSlow
from carerecord.intake.files import has_pdf
from carerecord.intake.keep import append_statements, attribute
from carerecord.intake.pushes import in_fhir
from carerecord.intake.values import Heard
from carerecord.model import Original, OriginalReference, Outcome, Problem, Reading
from carerecord.organisations import Region
from carerecord.record import dictionary
from carerecord.settings import Settings

if TYPE_CHECKING:
    import asyncpg

    from carerecord.database import Database

ATTEMPTS_MAX = 1000
UNKNOWN_SOURCE = hear.UNKNOWN.id  # of what came from no registered sender
Format = Literal["hl7v2", "fhir", "document"]
_FORMATS = {number: cast(Format, name) for name, number in store.FORMATS.items()}


class Unsettled(msgspec.Struct, frozen=True, kw_only=True):
    """A kept message that is not in the record, with what its last attempt came to."""

    reference: OriginalReference
    source: str
    control_id: str
    message_type: str
    received_at: datetime
    outcome: Outcome
    problems: tuple[Problem, ...]
    attempts: int  # replays so far


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    attempt: int
    at: datetime
    outcome: Outcome
    problems: tuple[Problem, ...]


class KeptMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One original, byte for byte, and everything that became of it."""

    reference: OriginalReference
    source: str
    control_id: str
    message_type: str
    received_at: datetime
    content: bytes
    format: Format = "hl7v2"
    first_outcome: Outcome
    first_problems: tuple[Problem, ...]
    replays: tuple[Replay, ...]

    @property
    def outcome(self) -> Outcome:
        return self.replays[-1].outcome if self.replays else self.first_outcome


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    reference: OriginalReference
    outcome: Outcome
    problems: tuple[Problem, ...]


class ReplayRefused(msgspec.Struct, frozen=True, kw_only=True):
    """It was not translated again; the sentence says why."""

    reference: OriginalReference
    sentence: str


async def list_unsettled(
    db: Database,
    *,
    outcome: Outcome | None = None,
    source: str | None = None,
    since: datetime | None = None,
    limit: int = 100,
) -> list[Unsettled]:
    """Oldest first."""
    rows = await store.list_unsettled(db, outcome.value if outcome else None, source, since, limit)
    return [
        Unsettled(
            reference=OriginalReference(row["day"], row["seq"]),
            source=row["source"],
            control_id=row["control_id"],
            message_type=row["message_type"],
            received_at=row["received_at"],
            outcome=Outcome(row["outcome"]),
            problems=_problems(row["problems"], _FORMATS[row["format"]]),
            attempts=row["attempts"],
        )
        for row in rows
    ]


async def show(db: Database, reference: OriginalReference) -> KeptMessage | None:
    async with db.connection() as connection:
        return await _show(connection, reference)


async def find_patient(db: Database, reference: OriginalReference) -> int | None:
    """Under whose patient_key a message came into the record, where it did; nothing of the message itself."""
    return await store.find_patient(db, reference)


async def find_identity(db: Database, reference: OriginalReference) -> tuple[int, int] | None:
    """The same with the identity that it was said about: what links are read by."""
    return await store.find_identity(db, reference)


async def replay(
    db: Database,
    region: Region,
    settings: Settings,
    references: Iterable[OriginalReference],
    *,
    at: datetime,
    random_key: Callable[[], int],
) -> list[Replayed | ReplayRefused]:
    """Translate originals again with today's code and region, each in a transaction of its own, in the order given."""
    answers = []
    for reference in references:
        async with db.transaction() as connection:
            answers.append(await _replay_one(connection, region, settings, reference, at=at, random_key=random_key))
    return answers


async def _replay_one(
    connection: asyncpg.Connection[asyncpg.Record],
    region: Region,
    settings: Settings,
    reference: OriginalReference,
    *,
    at: datetime,
    random_key: Callable[[], int],
) -> Replayed | ReplayRefused:
    await store.lock_original(connection, reference)
    message = await _show(connection, reference)
    if message is None:
        return _refused(reference, "No original is kept under this reference: list the inbox to see which are.")
    if message.outcome is Outcome.RECORDED:
        return _refused(reference, "This message is in the record already: replaying it would say everything twice.")
    if len(message.replays) >= ATTEMPTS_MAX:
        return _refused(reference, "This message was tried too often: mend the cause first.")
    heard = await _hear_again(message, region, settings)
    if heard is None:
        return _refused(reference, f"Its source {message.source} is not registered now: put it back into region.toml.")
    if heard.source != message.source:
        held_by = await store.keep_key(connection, heard, reference)
        if held_by != reference:
            return _refused(reference, f"The same message came again after its sender was registered: see {held_by}.")
    (kept,) = await attribute(connection, [(heard, reference)], random_key=random_key)
    await append_statements(connection, [(heard, kept)], region)
    await store.insert_replay(connection, kept, attempt=len(message.replays) + 1, at=at)
    return Replayed(reference=reference, outcome=kept.outcome, problems=_in_words_of(message.format, kept.problems))


async def _hear_again(message: KeptMessage, region: Region, settings: Settings) -> Heard | None:
    """An unknown sender may have been registered since; a known one stays who it was, whatever it is called now."""
    header = hl7v2.header(message.content) if message.format == "hl7v2" else None
    is_unknown = message.source == hear.UNKNOWN.id
    source = hear.find_source(region, header) if is_unknown else region.find_source(message.source)
    if source is None:
        return None
    original = Original(
        source=source.id,
        content=message.content,
        received_at=message.received_at,
        control_id=message.control_id,
        format=message.format,
    )
    reading: Reading | Problem
    if has_pdf(original.content) and source is not hear.UNKNOWN:
        aside = Aside(seconds_max=settings.translate_seconds_max)
        try:
            reading = await aside.translate(original, source, lists=region.sensitive_codes)
        except (AsideFailed, AsideTooSlow) as failed:
            reading = hear.CRASHED if isinstance(failed, AsideFailed) else hear.TOO_SLOW
        finally:
            await aside.close()
    else:
        reading = hear.translate(original, header, source, lists=region.sensitive_codes)
    return hear.conclude(original, reading, header=header, live=settings.live)


async def _show(connection: asyncpg.Connection[asyncpg.Record], reference: OriginalReference) -> KeptMessage | None:
    row = await store.find_original(connection, reference)
    if row is None:
        return None
    return KeptMessage(
        reference=reference,
        source=row["source"],
        control_id=row["control_id"],
        message_type=row["message_type"],
        received_at=row["received_at"],
        content=dictionary.decompress(row["content"]),
        format=_FORMATS[row["format"]],
        first_outcome=Outcome(row["outcome"]),
        first_problems=_problems(row["problems"], _FORMATS[row["format"]]),
        replays=tuple(
            Replay(
                attempt=replay["attempt"],
                at=replay["at"],
                outcome=Outcome(replay["outcome"]),
                problems=_problems(replay["problems"], _FORMATS[row["format"]]),
            )
            for replay in await store.list_replays(connection, reference)
        ),
    )


def _problems(stored: bytes | None, spoken: Format) -> tuple[Problem, ...]:
    return _in_words_of(spoken, store.read_problems(stored))


def _in_words_of(spoken: Format, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """As their sender was told: whoever speaks FHIR knows no PID-3."""
    return problems if spoken == "hl7v2" else tuple(in_fhir(problem) for problem in problems)


def _refused(reference: OriginalReference, sentence: str) -> ReplayRefused:
    return ReplayRefused(reference=reference, sentence=sentence)
