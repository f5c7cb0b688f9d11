"""What the privacy desk hands over: finished values, in which nobody is named before it was asked for and witnessed."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from carerecord.disclosure.banner import name_words
from carerecord.model import NHSNumber, Person
from carerecord.stewardship.cases import Case, Note
from carerecord.stewardship.telling_rules import Telling


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which cases: an empty word stands for any."""

    is_open: bool = True
    kind: str = ""
    rule: str = ""
    organisation: str = ""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One way to narrow the list, and how many cases of it are open."""

    kind: str
    rule: str
    organisation: str
    count: int


class CaseList(msgspec.Struct, frozen=True, kw_only=True):
    cases: tuple[Case, ...]
    choices: tuple[Choice, ...]
    open_count: int
    late_count: int
    new_count: int  # opened within the last day


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the reader. Whom it was about stands as a number: who that is is asked for elsewhere, witnessed."""

    at: datetime
    kind: str  # as audit.Kind
    what: str  # summary, receipt, search...
    purpose: str
    evidence: str
    route: str
    person: int  # 0: about nobody; 1: whom the case is about; then each other person in turn
    is_the_case: bool
    times: int = 1  # the same again within a minute or two


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    organisation: str  # name
    at: datetime
    read_at: datetime | None


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Who looked, as at the time: the role and the organisation. The name is asked for, and that is witnessed."""

    role_name: str
    organisation: str
    sign_in: str
    name: str = ""
    user_id: str = ""


class CaseFile(msgspec.Struct, frozen=True, kw_only=True):
    case: Case
    organisation: str  # name of the reader's
    why: tuple[str, ...]
    reader: Reader | None
    said: str  # what the reader wrote when they declared
    looks: tuple[Look, ...]  # newest first
    notes: tuple[Note, ...]
    shared: tuple[Shared, ...]
    share_with: tuple[tuple[str, str], ...]  # (ODS code, name) of the desks that may be asked
    telling: Telling | None = None  # the person, of emergency access; None: it is about nothing else


class NamedPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Who a case is about."""

    name: str
    birth_date: date | None
    nhs_number: str | None
    is_restricted: bool


def named(person: Person) -> NamedPerson:
    number = NHSNumber.found_in(person.subject.nhs_number)
    return NamedPerson(
        name=name_words(person.subject),
        birth_date=person.subject.birth_date,
        nhs_number=number.spaced() if number else None,
        is_restricted=bool(person.subject.restricted),
    )


class Precision(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the cases of one rule, or of one month."""

    name: str
    raised: int
    closed: int
    inappropriate: int
    training: int
    appropriate: int
    inconclusive: int
    duplicate: int

    @property
    def judged(self) -> int:
        """Closed with a finding: a duplicate says nothing about its rule."""
        return self.closed - self.duplicate

    @property
    def share(self) -> float | None:
        """Of the cases that were judged, how many were found inappropriate; None while none was."""
        return self.inappropriate / self.judged if self.judged else None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """How the desk does: cases raised in each week, and how often each rule was right."""

    weeks: tuple[tuple[date, int, int], ...]  # (Monday, raised, of these found inappropriate)
    rules: tuple[Precision, ...]
    months: tuple[Precision, ...]
    median_hours: float | None  # from raised to closed
