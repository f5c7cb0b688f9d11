"""Turns what disclosure hands over into the finished, plain values a template draws. Pure: no query, rule or clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from carerecord.disclosure import (
    Banner,
    Entry,
    LetterEntry,
    Mark,
    Receipt,
    Record,
    Saying,
    ShownOriginal,
    StayEntry,
    Summary,
)
from carerecord.model import Heading
from carerecord.web import cumulative, words
from carerecord.web.views import (
    BannerView,
    Letter,
    OriginalView,
    ReceiptView,
    Row,
    SayingView,
    Section,
    SourceRow,
    Step,
    SummaryView,
)

# What could hurt them, what they have, what just happened: the order in which readers ask (data, not code).
ORDER = (
    Heading.ALLERGIES,
    Heading.PROBLEMS,
    Heading.RESULTS,
    Heading.STAYS,
    Heading.LETTERS,
)
COLUMNS = {
    Heading.ALLERGIES: ("Substance", "Reaction", "Since"),
    Heading.PROBLEMS: ("Problem", "Details", "Since"),
    Heading.STAYS: ("Stay or visit", "Details", "When"),
    Heading.RESULTS: ("Test", "Result", "When"),
    Heading.LETTERS: ("Letter", "Author", "When"),
}
PATHWAY_STEPS_MAX = 6
GIST_NAMES_MAX = 4


def summary(shown: Summary, *, at: datetime) -> SummaryView:
    record, source_count = shown.record, len(shown.sources)
    sections: list[Section] = []
    if record is not None:
        sections = [
            _section(heading, shown, record, source_count, at) for heading in ORDER if heading in shown.headings
        ]
    return SummaryView(
        banner=banner(shown.banner),
        answers=tuple(answer.sentence for answer in shown.answers),
        sources=tuple(
            SourceRow(
                source.name,
                source.phone or "",
                words.moment(source.last_said_at) if source.last_said_at else "",
                source.statement_count,
            )
            for source in shown.sources
        ),
        sources_gist=f"From {words.counted(source_count, 'source')}" if source_count else "No source has sent anything",
        is_demographics_only=record is None,
        pathway=_pathway(record, at) if record and {Heading.STAYS, Heading.LETTERS} & set(shown.headings) else (),
        sections=tuple(sections),
        opened_from=shown.opened_from,
        why=shown.why,
        limits=shown.limits,
        cautions=shown.cautions,
        since=words.day(shown.since) if shown.since else "",
    )


def banner(shown: Banner) -> BannerView:
    born = words.day(shown.birth_date) if shown.birth_date else "not known"
    died = ""
    if shown.is_deceased:
        died = words.day(shown.deceased_on) if shown.deceased_on else "date not known"
    return BannerView(
        name=shown.name,
        born=f"{born} ({shown.age})" if shown.age and not shown.is_deceased else born,
        died=f"{died} (aged {shown.age})" if died and shown.age else died,
        gender=shown.gender,
        nhs_number=shown.nhs_number or "",
        is_nhs_number_verified=shown.nhs_number_verified,
        address=shown.address,
        phone=shown.phone,
        gp_practice=shown.gp_practice,
        allergy_title=shown.allergy_title or "",
        allergies=shown.allergies,
        said_by=f"As {shown.said_by} said on {words.moment(shown.said_at)}.",
    )


def receipt(shown: Receipt) -> ReceiptView:
    return ReceiptView(
        banner=banner(shown.banner),
        heading=words.TITLES[shown.entry.heading],
        anchor=words.ANCHORS[shown.entry.heading],
        row=row(shown.entry, detail=shown.entry.detail),
        rule=shown.entry.rule,
        sayings=tuple(_saying(saying) for saying in shown.sayings),
    )


def original(shown: ShownOriginal) -> OriginalView:
    return OriginalView(
        banner=banner(shown.banner),
        source_name=shown.source_name,
        message_type=shown.message_type,
        received=words.moment(shown.received_at),
        segments=tuple(line for line in shown.text.replace("\n", "\r").split("\r") if line),
    )


def row(entry: Entry, *, what: str = "", detail: str = "", when: str = "") -> Row:
    """One line of a list: what, how much, when, from whom, marks."""
    return Row(
        entry.id,
        what or entry.what,
        detail,
        when or (words.moment(entry.happened_at) if entry.happened_at else f"said {words.day_of(entry.said_at)}"),
        words.names(entry.sources),
        tuple(words.MARKS[mark] for mark in entry.marks),
        entry.conflict or "",
    )


# --- One heading ------------------------------------------------------------------------------------------------------


def _section(heading: Heading, shown: Summary, record: Record, source_count: int, at: datetime) -> Section:
    rows: list[Row] = []
    closed: list[Row] = []
    letters: list[Letter] = []
    closed_letters: list[Letter] = []
    results = None
    if heading in (Heading.ALLERGIES, Heading.PROBLEMS):
        listed = record.allergies if heading is Heading.ALLERGIES else record.problems
        rows, closed = _parted((entry, _dated(entry)) for entry in listed)
        gist = _names_of(entry.what for entry in listed if entry.is_current)
    elif heading is Heading.STAYS:
        rows, closed = _parted((entry, _stay(entry, at)) for entry in record.stays)
        gist = f"{rows[0].what}, {rows[0].when}" if rows else ""
    elif heading is Heading.LETTERS:
        letters = [_letter(entry) for entry in record.letters if entry.is_current]
        closed_letters = [_letter(entry) for entry in record.letters if not entry.is_current]
        gist = f"{letters[0].row.what}, {letters[0].row.when}" if letters else ""
    else:
        results = cumulative.present(record.results)
        closed = [
            row(entry, detail=cumulative.spoken(entry.latest)) for entry in record.results if not entry.is_current
        ]
        gist = results.gist
    count = len(rows) + len(letters) + (results.count if results else 0)
    closed_count = len(closed) + len(closed_letters)
    none = words.none_recorded(source_count) if not count else ""
    return Section(
        anchor=words.ANCHORS[heading],
        title=words.TITLES[heading],
        columns=COLUMNS[heading],
        count=count,
        gist=gist or ("None current" if closed_count else "None recorded"),
        none=f"None current. {closed_count} no longer current." if none and closed_count else none,
        answers=tuple(answer.sentence for answer in shown.answers if answer.heading == heading),
        rows=tuple(rows),
        letters=tuple(letters),
        results=results,
        closed=tuple(closed),
        closed_letters=tuple(closed_letters),
        closed_count=closed_count,
    )


def _parted(drawn: Iterable[tuple[Entry, Row]]) -> tuple[list[Row], list[Row]]:
    current: list[Row] = []
    closed: list[Row] = []
    for entry, line in drawn:
        (current if entry.is_current else closed).append(line)
    return current, closed


def _names_of(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - GIST_NAMES_MAX
    return ", ".join(listed[:GIST_NAMES_MAX]) + (f" and {more} more" if more > 0 else "")


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _dated(entry: Entry) -> Row:
    """An allergy or a problem: the day is enough here, the receipt has the time."""
    return row(entry, detail=entry.detail, when=words.day_of(entry.happened_at) if entry.happened_at else "")


def _stay(entry: StayEntry, at: datetime) -> Row:
    return row(
        entry,
        what=_stay_name(entry),
        detail=_joined(
            entry.reason,
            entry.consultant,
            f"discharged to {entry.discharged_to}" if entry.discharged_to else "",
            # "Ended" and "Planned" are what the dates beside it say already.
            "" if entry.detail in ("Ended", "Planned") else entry.detail,
        ),
        when=_stay_when(entry, at),
    )


def _stay_name(entry: StayEntry) -> str:
    return ", ".join(part for part in (entry.kind, entry.place) if part) or entry.what


def _stay_when(entry: StayEntry, at: datetime) -> str:
    start = entry.start or entry.happened_at
    if start and start > at:
        return f"planned {words.moment(start)}"
    if start and entry.end is None and entry.kind != "In hospital":
        return words.moment(start)  # A visit whose end was never sent did not go on since.
    return words.period(start, entry.end)


def _letter(entry: LetterEntry) -> Letter:
    return Letter(
        row=row(entry, detail=entry.author or entry.detail),
        text=entry.text,
        document=entry.statement_ids[0] if entry.has_document else "",
        document_kind="PDF" if entry.content_type == "application/pdf" else entry.content_type,
    )


# --- The pathway ------------------------------------------------------------------------------------------------------


def _pathway(record: Record, at: datetime) -> tuple[Step, ...]:
    """What happened, oldest first, from what is there: stays, visits and letters that still stand."""
    happenings: list[tuple[datetime, Step]] = []
    for stay in record.stays:
        start = stay.start or stay.happened_at
        if start and not _is_over(stay.marks):
            kind = f"Next: {stay.kind.lower()}" if start > at else stay.kind
            happenings.append(
                (start, Step(stay.id, kind or stay.what, _joined(stay.place), _stay_when(stay, at), start > at))
            )
    for letter in record.letters:
        if not _is_over(letter.marks):
            written = letter.happened_at or letter.said_at
            happenings.append((written, Step(letter.id, "Letter", letter.what, words.day_of(written), False)))
    happenings.sort(key=lambda happening: happening[0])
    return tuple(step for _, step in happenings[-PATHWAY_STEPS_MAX:])


def _is_over(marks: tuple[Mark, ...]) -> bool:
    return Mark.CANCELLED in marks or Mark.ENTERED_IN_ERROR in marks


def _saying(saying: Saying) -> SayingView:
    return SayingView(
        source=saying.source,
        source_name=saying.source_name,
        said=words.moment(saying.said_at),
        happened=words.moment(saying.happened_at) if saying.happened_at else "",
        standing=words.STANDINGS[saying.standing],
        lines=saying.lines,
        original=str(saying.original),
        is_superseded=saying.is_superseded,
    )
