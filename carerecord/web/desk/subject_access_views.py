"""What the pages of subject access are given: finished values, made of a desk's answers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from carerecord.model import Heading
from carerecord.stewardship.notices import reference_of
from carerecord.stewardship.subject_access import (
    Choice,
    Decided,
    File,
    FileState,
    Ground,
    Item,
    Request,
    Standing,
    Worklist,
    may_extend,
    passages,
    standing,
    taken_out,
)
from carerecord.web import words

GROUNDS = {
    Ground.THIRD_PARTY: ("Somebody else can be known by it", "Data Protection Act 2018, Schedule 2, paragraph 16"),
    Ground.SERIOUS_HARM: ("It would do serious harm", "Data Protection Act 2018, Schedule 3, paragraph 5"),
    Ground.SAFEGUARDING: (
        "Social work or child abuse data",
        "Data Protection Act 2018, Schedule 3, paragraphs 11 and 21",
    ),
    Ground.ASSISTED_CONCEPTION: ("Assisted conception", "Data Protection Act 2018, Schedule 4, paragraph 2"),
    Ground.ADOPTION: ("Adoption", "Data Protection Act 2018, Schedule 4, paragraph 3"),
    Ground.STAFF_SAFETY: ("It would endanger somebody on the staff", "UK GDPR, Article 15(4)"),
    Ground.UNREADABLE: ("No program can read it: somebody must", ""),
    Ground.NONE: ("None", ""),
}
PASSAGES_SHOWN = 4
GROUNDS_TO_CHOOSE = tuple(ground for ground in Ground if ground not in (Ground.UNREADABLE, Ground.NONE))
CHOICES = {
    Choice.KEEP: ("Hand it over", "It was read, and is given as it stands."),
    Choice.REDACT: ("Hand it over without the marked words", "They go wherever they stand in the record."),
    Choice.WITHHOLD: ("Keep it back whole", "Only where no part of it can be given."),
}
STANDINGS = {
    Standing.AWAITED: "Clock stands: proof of who asks is awaited",
    Standing.OVERDUE: "Overdue",
    Standing.SOON: "Due within a week",
    Standing.OPEN: "Open",
    Standing.CLOSED: "Closed",
}
FILE_STATES = {
    FileState.ASKED: "Waits to be made",
    FileState.READING: "Being made: everything is read",
    FileState.WRITING: "Being made: written as PDF, FHIR and JSON",
    FileState.READY: "Ready",
    FileState.FAILED: "Could not be made",
    FileState.GONE: "Gone: a file is kept for a day",
}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One request in the list: by its reference and dates."""

    number: str
    reference: str
    asked: str
    due: str
    standing: str
    is_late: bool
    requester: str
    exported: str


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    line: Line
    is_open: bool
    is_awaited: bool
    identity: str
    extended: str
    cannot_extend: str


class GroupView(msgspec.Struct, frozen=True, kw_only=True):
    """Items of one likely ground."""

    ground: str
    name: str
    law: str
    decided: int
    total: int


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    asked: str
    by: str
    state: str
    said: str
    size: str
    hash: str
    fetched: str
    kept_back: str
    has_paper: bool
    is_ready: bool
    is_under_way: bool


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    field: str  # the name of its tick
    title: str
    why: tuple[str, ...]
    parts: tuple[tuple[str, bool], ...]  # (words, whether they may have to go)
    spans: str  # one passage a line
    passages: tuple[str, ...]  # the first of those words
    more_passages: str
    files: tuple[str, ...]
    choice: str
    ground: str
    decided: str  # in a sentence; "" while it waits
    words: str
    advised_by: str


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """What is not handed over, or not whole, and everything that a complaint would ask about it."""

    title: str
    what: str
    ground: str
    law: str
    words: str
    by: str
    advised_by: str
    after: str  # what is left of its words; "" where it is kept back whole


def line(request: Request, *, on: date) -> Line:
    where = standing(request, on=on)
    due = words.day(request.due_on)
    if where is Standing.OVERDUE:
        due = f"{due}, {words.counted((on - request.due_on).days, 'day')} late"
    return Line(
        number=str(request.id),
        reference=reference_of(request.id),
        asked=words.day_of(request.asked_at),
        due="" if where is Standing.AWAITED else due,
        standing=STANDINGS[where],
        is_late=where is Standing.OVERDUE,
        requester=request.requester,
        exported=words.day_of(request.exported_at) if request.exported_at else "",
    )


def request_view(request: Request, *, on: date) -> RequestView:
    identity = ""
    if request.identified_at is not None:
        by = f", {request.identified_by}" if request.identified_by else ""
        identity = f"{request.identity_check} ({words.day_of(request.identified_at)}{by})"
    return RequestView(
        line=line(request, on=on),
        is_open=request.closed_at is None,
        is_awaited=request.identified_at is None,
        identity=identity,
        extended=f"{words.day_of(request.extended_at)}: {request.extended_because}" if request.extended_at else "",
        cannot_extend=may_extend(request, on=on),
    )


def groups(worklist: Worklist) -> tuple[GroupView, ...]:
    """By the likely ground, in the order of the law; only what there is."""
    total = Counter(item.ground for item in worklist.items)
    decided = Counter(item.ground for item in worklist.items if item.id in worklist.decided)
    return tuple(
        GroupView(
            ground=ground.value, name=GROUNDS[ground][0], law=GROUNDS[ground][1], decided=decided[ground],
            total=total[ground],
        )
        for ground in Ground
        if total[ground]
    )  # fmt: skip


def file_view(file: File) -> FileView:
    kept_back = ", ".join(f"{count} ({_ground(name)})" for name, count in file.kept_back.items())
    statements = f" {words.counted(file.statements, 'statement')}" if file.statements and file.is_under_way else ""
    return FileView(
        number=str(file.id),
        asked=words.moment(file.asked_at),
        by=file.asked_by.name,
        state=FILE_STATES[file.state] + statements,
        said=file.said,
        size=_size(file.size),
        hash=file.hash,
        fetched=words.moment(file.fetched_at) if file.fetched_at else "",
        kept_back=kept_back or "nothing",
        has_paper=file.has_paper,
        is_ready=file.state is FileState.READY,
        is_under_way=file.is_under_way,
    )


def item_view(item: Item, decided: Decided | None, *, place: int) -> ItemView:
    spans = decided.spans if decided and decided.spans else item.spans
    return ItemView(
        id=item.id,
        field=f"item-{place}",
        title=title(item),
        why=item.why,
        parts=marked(item.text, spans),
        spans="\n".join(spans),
        passages=spans[:PASSAGES_SHOWN],
        more_passages=words.counted(len(spans) - PASSAGES_SHOWN, "more passage") if len(spans) > PASSAGES_SHOWN else "",
        files=tuple(str(number) for number in range(item.files)),
        choice=decided.choice.value if decided else "",
        ground=decided.ground.value if decided and decided.ground is not Ground.NONE else item.ground.value,
        decided=f"{CHOICES[decided.choice][0]}: {decided.decided_by}, {words.moment(decided.at)}" if decided else "",
        words=decided.words if decided else "",
        advised_by=decided.advised_by if decided else "",
    )


def left_out(worklist: Worklist) -> tuple[LeftOut, ...]:
    spans = [span for each in worklist.decided.values() if each.choice is Choice.REDACT for span in each.spans]
    found = []
    for item in worklist.items:
        decided = worklist.decided.get(item.id)
        if decided is None or decided.choice is Choice.KEEP:
            continue
        name, law = GROUNDS[decided.ground]
        is_redacted = decided.choice is Choice.REDACT
        found.append(
            LeftOut(
                title=title(item),
                what="Words are taken out" if is_redacted else "Kept back whole",
                ground=name,
                law=law,
                words=decided.words,
                by=f"{decided.decided_by}, {words.moment(decided.at)}",
                advised_by=decided.advised_by,
                after=taken_out(item.text, spans) if is_redacted else "",
            )
        )
    return tuple(found)


def title(item: Item) -> str:
    heading = words.TITLES[Heading[item.heading]] if item.heading in Heading.__members__ else item.heading
    return f"{heading}: {item.source}, {words.day(item.said_on)}"


def marked(text: str, spans: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """The words in order, each part with whether it is of those that would be taken out, wherever they stand."""
    parts: list[tuple[str, bool]] = []
    at = 0
    for start, end in passages(text, spans):
        parts += [(text[at:start], False), (text[start:end], True)]
        at = end
    return tuple(part for part in [*parts, (text[at:], False)] if part[0])


def _ground(name: str) -> str:
    return GROUNDS[Ground(name)][0].lower() if name in set(Ground) else name


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count >= 100_000 else f"{max(1, round(count / 1000))} kB"


def local_day(at: datetime) -> date:
    return at.astimezone(words.ZONE).date()
