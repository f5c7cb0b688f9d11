"""What is asked of the index and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property

import msgspec

from carerecord.model import AHEAD_MAX, Identifier, Merge, OriginalReference, Outcome, Problem, Subject

IDENTIFIER_CHARACTERS_MAX = 200
NOTHING_SAID_YET = datetime(1900, 1, 1, tzinfo=UTC)

Name = tuple[str, str]  # (system, value): how one source names a patient; the system begins with the source's own id


class Claim(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One message's claim about whose it is."""

    source: str
    subject: Subject  # as `rules.as_heard` left it
    said_at: datetime
    received_at: datetime
    original: OriginalReference | None = None
    merge: Merge | None = None
    updates_demographics: bool = False
    must_be_known: bool = False  # it only refers to the patient: it finds an identity and begins none

    @property
    def said_at_most(self) -> datetime:
        """When it was said; a sender whose clock is far ahead must not silence every later message."""
        return self.said_at if self.said_at <= self.received_at + AHEAD_MAX else self.received_at

    @cached_property
    def names(self) -> list[Name]:
        """The source's own identifiers in its own order; the NHS number serves where it gives no other."""
        if names := names_of(self.source, self.subject.local):
            return names
        return [(f"{self.source}:nhs", self.subject.nhs_number)] if self.subject.nhs_number else []

    def superseded_names(self) -> list[Name]:
        """MRG-1 often leaves out the assigning authority; it is then that of the survivor."""
        if self.merge is None:
            return []
        authority = self.subject.local[0].system if self.subject.local else ""
        return names_of(
            self.source,
            [Identifier(identifier.system or authority, identifier.value) for identifier in self.merge.superseded],
        )


class Identified(msgspec.Struct, frozen=True, kw_only=True):
    """Whose it is. What is said goes under `patient_key`, its home, for ever; `person_key` is who that is today."""

    patient_key: int
    identity_key: int
    person_key: int


class Undecided(msgspec.Struct, frozen=True, kw_only=True):
    """Whose it is must be decided first (waiting), or it names nobody (refused)."""

    outcome: Outcome
    problem: Problem


class Known(msgspec.Struct, kw_only=True):
    """One identity as the index knows it while a batch is decided. `stored_*` is what the database has; None if new."""

    identity_key: int
    home_key: int
    person_key: int
    source: str
    system: str
    value: str
    nhs_number: str | None
    is_verified: bool
    subject: Subject
    said_at: datetime
    is_contested: bool = False  # an operator undid a link of it; only an operator, or another number, links it again
    stored_person_key: int | None = None
    has_new_subject: bool = False
    has_new_number: bool = False
    replaced_at: datetime | None = None  # when what was known of it gave way to something else; None: it did not

    @property
    def identified(self) -> Identified:
        return Identified(patient_key=self.home_key, identity_key=self.identity_key, person_key=self.person_key)


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """Why an identity belongs where it does."""

    patient_key: int
    identity_key: int
    at: datetime
    from_person_key: int | None
    to_person_key: int
    rule: str
    reasons: tuple[str, ...]
    said_by: str
    original: OriginalReference | None = None


def names_of(source: str, identifiers: Sequence[Identifier]) -> list[Name]:
    return [
        (f"{source}:{identifier.system}", value)
        for identifier in identifiers
        if (value := identifier.value.strip())
        and value.isprintable()
        and len(value) <= IDENTIFIER_CHARACTERS_MAX
        and identifier.system.isprintable()
        and len(identifier.system) <= IDENTIFIER_CHARACTERS_MAX
    ]
