"""What a subject access request is made of: the request, what must be decided, and what was decided."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from carerecord.model import Staff


class Ground(StrEnum):
    """Why something may be kept back. Stored: only add. Data Protection Act 2018, Schedules 2 to 4."""

    THIRD_PARTY = "third-party"  # Schedule 2, paragraph 16: somebody else can be known by it
    SERIOUS_HARM = "serious-harm"  # Schedule 3, Part 2: a health professional's opinion
    SAFEGUARDING = "safeguarding"  # Schedule 3, Parts 3 and 5: social work, child abuse data
    ASSISTED_CONCEPTION = "assisted-conception"  # Schedule 4, paragraph 2
    ADOPTION = "adoption"  # Schedule 4, paragraph 3
    STAFF_SAFETY = "staff-safety"
    UNREADABLE = "unreadable"  # no program can read it: somebody has to
    NONE = "none"  # it was looked at and is handed over


class Choice(StrEnum):
    """Stored: only add."""

    KEEP = "keep"
    REDACT = "redact"
    WITHHOLD = "withhold"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    patient_key: int
    id: int
    asked_at: datetime
    due_on: date
    requester: str  # who asked, and in what standing: "the person", "solicitor with authority"
    identity_check: str  # how it was made sure who asks
    opened_by: str
    exported_at: datetime | None = None
    exported_hash: str = ""  # SHA-256 of the file
    closed_at: datetime | None = None
    identified_at: datetime | None = None  # None: proof of who asks is awaited, and the clock stands
    identified_by: str = ""
    extended_at: datetime | None = None
    extended_because: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody must look at before anything is handed over."""

    id: str  # local id and version of the statement
    heading: str
    source: str
    said_on: date
    title: str
    why: tuple[str, ...]  # sentences
    ground: Ground  # the likely one
    spans: tuple[str, ...] = ()  # words that may have to go
    text: str = ""  # all its words, to be read in deciding
    files: int = 0  # how many files it holds, to be opened in deciding


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    item: str
    choice: Choice
    ground: Ground
    words: str  # why, by whoever decided
    spans: tuple[str, ...] = ()
    decided_by: str
    at: datetime
    advised_by: str = ""  # the health professional whose opinion it rests on


class FileState(StrEnum):
    """How far a file is. Stored: only add."""

    ASKED = "asked"
    READING = "reading"
    WRITING = "writing"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"  # a day is over, or the request is closed


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was asked for at the desk, without what is in it."""

    patient_key: int
    request_id: int
    id: int
    asked_at: datetime
    asked_by: Staff
    session: str
    seal_to: str  # JWK: the public half of the key of the browser that asked
    state: FileState
    tries: int
    statements: int
    said: str  # why it failed
    hash: str
    size: int
    has_paper: bool
    kept_back: dict[str, int]
    finished_at: datetime | None
    fetched_at: datetime | None

    @property
    def is_under_way(self) -> bool:
        return self.state in (FileState.ASKED, FileState.READING, FileState.WRITING)


class Worklist(msgspec.Struct, frozen=True, kw_only=True):
    request: Request
    items: tuple[Item, ...]
    decided: dict[str, Decided]
    statements: int  # held in all

    @property
    def undecided(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.id not in self.decided)


class Undecided(ValueError):
    """Nothing is handed over while an item waits: decide each on the worklist, then export again."""
