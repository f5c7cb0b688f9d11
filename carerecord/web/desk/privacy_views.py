"""What the pages of the privacy desk are given: finished values, and how they are made of a desk's answer. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from urllib.parse import urlencode

import msgspec

from carerecord.model import Heading
from carerecord.stewardship.cases import Case
from carerecord.stewardship.objections import ObjectionNotice, Scope
from carerecord.stewardship.privacy_values import CaseFile, CaseList, NamedPerson, Precision, Wanted
from carerecord.web import words
from carerecord.web.desk import privacy_words as said
from carerecord.web.emergency import REASONS

NEAR = 12  # looks that stand open besides


class CaseLine(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    sentence: str
    kind: str
    rule: str
    organisation: str
    raised: str
    age: str
    due: str
    is_late: bool
    found: str
    closed: str


class Option(msgspec.Struct, frozen=True):
    value: str
    words: str
    is_chosen: bool


class Filter(msgspec.Struct, frozen=True):
    field: str
    label: str
    options: tuple[Option, ...]


class LookView(msgspec.Struct, frozen=True, kw_only=True):
    at: str
    what: str
    how: str
    is_the_case: bool


class NoteView(msgspec.Struct, frozen=True, kw_only=True):
    by: str
    at: str
    words: str


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    line: CaseLine
    reference: str  # as it is said on the phone
    is_open: bool
    why: tuple[str, ...]
    reason: str
    hours: str
    said: str
    reader_role: str
    reader_organisation: str
    reader_name: str
    reader_id: str
    looks: tuple[LookView, ...]
    near: int  # so many of them stand open: down to the case's own event, and some before it
    others: str  # how many other people the reader looked at around it
    notes: tuple[NoteView, ...]
    shared: tuple[tuple[str, str], ...]
    share_with: tuple[tuple[str, str], ...]
    telling: str  # whether and when the person is told; "" where there is nothing to tell
    held: tuple[tuple[str, str], ...]  # (why not yet, by whom and until when)


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    born: str
    nhs_number: str
    is_restricted: bool


class RuleLine(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    raised: int
    closed: int
    inappropriate: int
    training: int
    appropriate: int
    inconclusive: int
    share: str


class NoticeLine(msgspec.Struct, frozen=True, kw_only=True):
    reference: str
    sentence: str
    at: str
    read: str
    is_case: bool
    is_objection: bool


class Concerned(msgspec.Struct, frozen=True, kw_only=True):
    """Who objects, and to what: what an organisation reads behind its notice."""

    sentence: str
    person: PersonView
    scope: str


def case_line(case: Case, *, organisation: str, at: datetime) -> CaseLine:
    due, is_late = said.due(case.due_at, at)
    return CaseLine(
        number=str(case.id),
        sentence=case.sentence,
        kind=said.kind(case.kind),
        rule=said.rule(case.rule),
        organisation=organisation,
        raised=words.moment(case.opened_at),
        age=said.age(case.opened_at, at),
        due=due,
        is_late=is_late and case.closed_at is None,
        found=said.found(case.disposition.value) if case.disposition else "",
        closed=words.moment(case.closed_at) if case.closed_at else "",
    )


def unlisted(listed: CaseList, wanted: Wanted) -> int:
    """How many cases fit this choice besides those that stand on the page."""
    chosen = (wanted.kind, wanted.rule, wanted.organisation)
    fits = sum(
        each.count
        for each in listed.choices
        if all(want in ("", has) for want, has in zip(chosen, (each.kind, each.rule, each.organisation), strict=True))
    )
    return max(0, fits - len(listed.cases))


def case_view(file: CaseFile, *, at: datetime) -> CaseView:
    case, reader, detail = file.case, file.reader, file.case.detail
    hours = detail.get("hours")
    others = {look.person for look in file.looks if look.person > 1}
    return CaseView(
        line=case_line(case, organisation=file.organisation, at=at),
        reference=reference(case.id),
        is_open=case.closed_at is None,
        why=file.why,
        reason=next((each.name for each in REASONS if each.code == detail.get("reason")), ""),
        hours=words.counted(hours, "hour") if isinstance(hours, int) else "",
        said=file.said,
        reader_role=reader.role_name if reader else "",
        reader_organisation=reader.organisation if reader else file.organisation,
        reader_name=reader.name if reader else "",
        reader_id=reader.user_id if reader else "",
        looks=tuple(
            LookView(
                at=words.moment(look.at),
                what=said.event(look.kind, look.what, look.person)
                + (f", {look.times} times" if look.times > 1 else ""),
                how=", ".join(filter(None, (said.ROUTES.get(look.route, look.route), said.evidence(look.evidence)))),
                is_the_case=look.is_the_case,
            )
            for look in file.looks
        ),
        near=next((place for place, look in enumerate(file.looks) if look.is_the_case), 0) + NEAR,
        others=words.counted(len(others), "other person", "other people") if others else "",
        notes=tuple(
            NoteView(by=f"{note.by_name}, {note.organisation}", at=words.moment(note.at), words=note.words)
            for note in file.notes
        ),
        shared=tuple(
            (each.organisation, f"read {words.moment(each.read_at)}" if each.read_at else "not read yet")
            for each in file.shared
        ),
        share_with=file.share_with,
        telling=said.telling(file.telling, at) if file.telling else "",
        held=tuple((each.because, f"{each.by}, until {each.until}") for each in file.telling.held)
        if file.telling
        else (),
    )


def reference(number: int) -> str:
    digits = f"{number:016X}"
    return "-".join(digits[place : place + 4] for place in range(0, 16, 4))


def person_view(named: NamedPerson) -> PersonView:
    return PersonView(
        name=named.name,
        born=words.day(named.birth_date) if named.birth_date else "not known",
        nhs_number=named.nhs_number or "not known",
        is_restricted=named.is_restricted,
    )


def concerned_view(read: ObjectionNotice, name_of: Callable[[str], str]) -> Concerned:
    scope = "Their whole record"
    if read.scope is Scope.ORGANISATION:
        scope = f"What is shared with {name_of(read.value)}"
    elif read.scope is Scope.HEADING:
        scope = words.TITLES[Heading[read.value]]
    named = NamedPerson(
        name=read.name, birth_date=read.birth_date, nhs_number=read.nhs_number, is_restricted=read.is_restricted
    )
    return Concerned(sentence=read.sentence.partition(" Open this notice")[0], person=person_view(named), scope=scope)


def filters(listed: CaseList, wanted: Wanted, name_of: Callable[[str], str]) -> tuple[Filter, ...]:
    """Only what there is to choose from, each with its count; what is chosen stays even where nothing is left of it."""
    fields: tuple[tuple[str, str, Callable[[str], str]], ...] = (
        ("kind", "Kind", said.kind),
        ("rule", "Rule", said.rule),
        ("organisation", "Organisation of the reader", name_of),
    )
    made = []
    for field, label, named in fields:
        chosen, counts = getattr(wanted, field), dict.fromkeys(filter(None, (getattr(wanted, field),)), 0)
        for choice in listed.choices:
            value = getattr(choice, field)
            counts[value] = counts.get(value, 0) + choice.count
        options = [
            Option(value, f"{named(value)} ({count})", value == chosen) for value, count in sorted(counts.items())
        ]
        made.append(Filter(field, label, (Option("", "All", not chosen), *options)))
    return tuple(made)


def address(wanted: Wanted, *, state: str) -> str:
    """The same choice, among cases that are open or closed."""
    kept = {"state": state, "kind": wanted.kind, "rule": wanted.rule, "organisation": wanted.organisation}
    return "?" + urlencode({field: value for field, value in kept.items() if value})


def rule_line(counted: Precision, name: str) -> RuleLine:
    share = "none judged yet"
    if counted.share is not None:
        share = f"{round(100 * counted.share)} %, {counted.inappropriate} of {counted.judged}"
    return RuleLine(
        name=name,
        raised=counted.raised,
        closed=counted.closed,
        inappropriate=counted.inappropriate,
        training=counted.training,
        appropriate=counted.appropriate,
        inconclusive=counted.inconclusive,
        share=share,
    )


def month(name: str) -> str:
    """2026-11 as Nov-2026."""
    return words.day(date(int(name[:4]), int(name[5:]), 1))[3:]


def hours(number: float) -> str:
    return words.counted(round(number), "hour") if number < 48 else words.counted(round(number / 24), "day")
