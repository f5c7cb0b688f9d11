"""Each heading as a section of the page: its lines, its gist, and what no longer counts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from carerecord.disclosure import (
    AppointmentEntry,
    AssessmentEntry,
    ContactEntry,
    Entry,
    LetterEntry,
    MedicineEntry,
    PlanEntry,
    Record,
    ResultEntry,
    StayEntry,
    Summary,
)
from carerecord.model import Heading
from carerecord.web import cumulative, words
from carerecord.web.views import Letter, PlanView, Results, Row, Section

COLUMNS = {
    Heading.ALLERGIES: ("Substance", "Reaction", "Since"),
    Heading.PROBLEMS: ("Problem", "Details", "Since"),
    Heading.MEDICINES: ("Medicine", "Dose, as its source wrote it", "When"),
    Heading.STAYS: ("Stay or visit", "Details", "When"),
    Heading.RESULTS: ("Test", "Result", "When"),
    Heading.LETTERS: ("Letter", "Author", "When"),
    Heading.APPOINTMENTS: ("Appointment", "Where and with whom", "When"),
    Heading.CONTACTS: ("Who", "How to reach them", "Since"),
    Heading.NEEDS: ("Need", "Details", "Since"),
    Heading.ALERTS: ("Alert", "Details", "Since"),
}
ANY_COLUMNS = ("What", "Details", "When")
# Headings under which the day is enough on the line: the receipt has the time.
BY_DAY = frozenset(
    (
        Heading.ALLERGIES,
        Heading.PROBLEMS,
        Heading.MEDICINES,
        Heading.PROCEDURES,
        Heading.IMMUNISATIONS,
        Heading.ALERTS,
        Heading.NEEDS,
        Heading.SAFEGUARDING,
        Heading.CONTACTS,
        Heading.DEVICES,
        Heading.REFERRALS,
        Heading.FAMILY_HISTORY,
    )
)
CLOSED = {
    Heading.APPOINTMENTS: "Past, cancelled and missed appointments",
    Heading.STAYS: "Cancelled, or entered in error",
    Heading.RESULTS: "Cancelled, or entered in error",
    Heading.PLANS: "No longer in force: replaced, completed or taken back",
    Heading.MEDICINES: "No longer taken: stopped, completed, given once or entered in error",
}
ANY_CLOSED = "No longer current: stopped, resolved, cancelled or entered in error"
NOTES = {
    # One constant sentence (field report, correction 4): it says nothing about this person.
    Heading.MEDICINES: "This list may be incomplete: check it with the person.",
    Heading.PLANS: "If a decision is not here, look for the form: this record may not hold it.",
}
# What is not listed may still be taken, or be so: hospitals name medicines in letters only.
NONE_HERE = {
    Heading.ALLERGIES: "This is not “no known allergies”: it is not known whether there are any. Ask.",
    Heading.MEDICINES: "This does not say that none is taken: letters and other systems may name medicines.",
}
GIST_NAMES_MAX = 4
DIED = ("died", "death", "dead", "deceased", "stillb")
_FIELDS = {heading: heading.name.lower() for heading in Heading}


def has_any(heading: Heading, record: Record) -> bool:
    """Whether anything stands under this heading, current or not."""
    return bool(entries_of(heading, record)) or (heading is Heading.RESULTS and bool(record.requests))


def entries_of(heading: Heading, record: Record) -> tuple[Entry, ...]:
    listed: tuple[Entry, ...] = getattr(record, _FIELDS[heading])
    return listed


def section(heading: Heading, shown: Summary, record: Record, source_count: int, at: datetime) -> Section:
    """One heading. What it counts is what this reader may see."""
    made = _MAKERS.get(heading, _lines)(heading, record, at)
    count = len(made.rows) + len(made.letters) + len(made.plans) + (made.results.count if made.results else 0)
    closed_count = len(made.closed) + len(made.closed_letters) + len(made.closed_plans)
    none = words.none_recorded(source_count) if not count else ""
    if none and closed_count:
        none = f"None current. {closed_count} no longer current."
    if none and heading in NONE_HERE:
        none = f"{none} {NONE_HERE[heading]}"
    return Section(
        anchor=words.ANCHORS[heading],
        title=words.TITLES[heading],
        columns=COLUMNS.get(heading, ANY_COLUMNS),
        count=count,
        gist=_gist(heading, made, is_closed=bool(closed_count)),
        none=none,
        note=NOTES.get(heading, ""),
        answers=tuple(answer.sentence for answer in shown.answers if answer.heading == heading),
        rows=tuple(made.rows),
        letters=tuple(made.letters),
        plans=tuple(made.plans),
        results=made.results,
        closed=tuple(made.closed),
        closed_letters=tuple(made.closed_letters),
        closed_plans=tuple(made.closed_plans),
        closed_count=closed_count,
        closed_title=CLOSED.get(heading, ANY_CLOSED),
    )


def _gist(heading: Heading, made: _Made, *, is_closed: bool) -> str:
    """For the closed heading of a narrow page, which must not hide that what is under it is in doubt."""
    if not made.gist:
        return "Not known: ask" if heading is Heading.ALLERGIES else "None current" if is_closed else "None sent here"
    differing = sum(1 for line in made.rows if line.conflict)
    return f"{made.gist}; sources disagree on {differing}" if differing else made.gist


class _Made:
    """What a heading is made of, before it is counted."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.closed: list[Row] = []
        self.letters: list[Letter] = []
        self.closed_letters: list[Letter] = []
        self.plans: list[PlanView] = []
        self.closed_plans: list[PlanView] = []
        self.results: Results | None = None
        self.gist = ""

    def part(self, drawn: Iterable[tuple[Entry, Row]]) -> None:
        for entry, line in drawn:
            (self.rows if entry.is_current else self.closed).append(line)


def row(
    entry: Entry, *, what: str = "", detail: str = "", when: str = "", marks: Sequence[tuple[str, str]] = ()
) -> Row:
    """One line of a list: what, how much, when, from whom, marks."""
    return Row(
        entry.id,
        what or entry.what,
        detail,
        when or (words.moment(entry.happened_at) if entry.happened_at else f"said {words.day_of(entry.said_at)}"),
        words.names(entry.sources),
        (*marks, *[words.MARKS[mark] for mark in entry.marks]) if marks or entry.marks else (),
        entry.conflict or "",
    )


def _lines(heading: Heading, record: Record, at: datetime) -> _Made:
    made = _Made()
    listed = entries_of(heading, record)
    made.part((entry, _line(heading, entry)) for entry in listed)
    made.gist = names_of(entry.what for entry in listed if entry.is_current)
    return made


def _line(heading: Heading, entry: Entry) -> Row:
    is_day = heading in BY_DAY and entry.happened_at is not None
    when = words.day_of(entry.happened_at) if is_day and entry.happened_at else ""
    return row(entry, detail=entry.detail, when=f"{entry.dated} {when}" if when and entry.dated else when)


def names_of(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - GIST_NAMES_MAX
    return ", ".join(listed[:GIST_NAMES_MAX]) + (f" and {more} more" if more > 0 else "")


def joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


# --- Headings with a way of their own ---------------------------------------------------------------------------------


def _medicines(heading: Heading, record: Record, at: datetime) -> _Made:
    made = _Made()
    made.part((entry, _medicine(entry)) for entry in record.medicines)
    marked = [entry.what for entry in record.medicines if entry.is_current and entry.high_risk]
    others = [entry.what for entry in record.medicines if entry.is_current and not entry.high_risk]
    made.gist = names_of([*marked, *others])
    return made


def _medicine(entry: MedicineEntry) -> Row:
    marks = []
    if entry.high_risk:
        marks.append(("risk", entry.high_risk.capitalize()))
    if entry.is_hospital_only:
        marks.append(("risk", "Hospital only"))
    when = entry.since or (words.day_of(entry.happened_at) if entry.happened_at else "")
    route = entry.route if entry.route and entry.route not in ("oral",) else ""
    is_said = route and route in f"{entry.what} {entry.detail}".casefold()
    return row(entry, detail=joined(entry.detail, "" if is_said else route), when=when, marks=marks)


def _results(heading: Heading, record: Record, at: datetime) -> _Made:
    made = _Made()
    made.results = cumulative.present(record.results)
    made.part((entry, _line(heading, entry)) for entry in record.requests)
    made.closed += [_value_line(entry) for entry in record.results if not entry.is_current]
    made.gist = made.results.gist
    return made


def _observations(heading: Heading, record: Record, at: datetime) -> _Made:
    made = _Made()
    made.results = cumulative.present(record.observations)
    made.closed += [_value_line(entry) for entry in record.observations if not entry.is_current]
    newest = [entry for entry in record.observations if entry.is_current][:GIST_NAMES_MAX]
    made.gist = ", ".join(f"{entry.what} {entry.latest.text} {entry.latest.unit}".rstrip() for entry in newest)
    return made


def _value_line(entry: ResultEntry) -> Row:
    return row(entry, detail=cumulative.spoken(entry.latest))


def _imaging(heading: Heading, record: Record, at: datetime) -> _Made:
    made = _Made()
    reports = [entry for entry in record.imaging if isinstance(entry, ResultEntry)]
    for entry in reports:
        (made.letters if entry.is_current else made.closed_letters).append(cumulative.text_of(entry))
    made.part((entry, _line(heading, entry)) for entry in record.imaging if not isinstance(entry, ResultEntry))
    current = [entry for entry in record.imaging if entry.is_current]
    made.gist = joined(current[0].what, words.day_of(current[0].happened_at or current[0].said_at)) if current else ""
    return made


def _letters(heading: Heading, record: Record, at: datetime) -> _Made:
    made = _Made()
    for entry in record.letters:
        (made.letters if entry.is_current else made.closed_letters).append(_letter(entry))
    made.gist = f"{made.letters[0].row.what}, {made.letters[0].row.when}" if made.letters else ""
    return made


def _letter(entry: LetterEntry) -> Letter:
    return Letter(
        row=row(entry, detail=entry.author or entry.detail),
        text=entry.text,
        document=entry.statement_ids[0] if entry.has_document else "",
        document_kind="PDF" if entry.content_type == "application/pdf" else entry.content_type,
    )


def _assessments(heading: Heading, record: Record, at: datetime) -> _Made:
    made = _Made()
    for entry in record.assessments:
        drawn = _assessment(entry)
        (made.letters if entry.is_current else made.closed_letters).append(drawn)
    made.gist = names_of(entry.what for entry in record.assessments if entry.is_current)
    return made


def _assessment(entry: AssessmentEntry) -> Letter:
    text = "\n".join(f"{question}: {answer}" for question, answer in entry.answers)
    return Letter(row=row(entry, detail=entry.detail), text=text, document="", document_kind="")


def _plans(heading: Heading, record: Record, at: datetime) -> _Made:
    made = _Made()
    listed = record.plans if heading is Heading.PLANS else record.social_care
    for entry in listed:
        (made.plans if entry.is_current else made.closed_plans).append(_plan(entry))
    made.gist = names_of(
        " ".join(part for part in (entry.kind or entry.what, entry.made) if part)
        for entry in listed
        if entry.is_current
    )
    return made


def _plan(entry: PlanEntry) -> PlanView:
    """The words in full: a decision cut short could say its opposite."""
    what = f"{entry.kind}: {entry.what}" if entry.kind and entry.kind.casefold() not in entry.what.casefold() else ""
    about = (entry.author, entry.place, f"until {entry.review}" if entry.review else "")
    state = entry.detail.partition(";")[0] if not entry.is_current else ""
    return PlanView(
        row=row(entry, what=what, detail=joined(state, *about), when=f"made {entry.made}" if entry.made else ""),
        words=entry.words,
        is_decision=entry.is_decision,
    )


def _contacts(heading: Heading, record: Record, at: datetime) -> _Made:
    made = _Made()
    made.part((entry, _contact(entry)) for entry in record.contacts)
    made.gist = names_of(entry.what for entry in record.contacts if entry.is_current)
    return made


def _contact(entry: ContactEntry) -> Row:
    marks = [("risk", "Parental responsibility")] if entry.has_parental_responsibility else []
    return row(
        entry, detail=entry.detail, when=words.day_of(entry.happened_at) if entry.happened_at else "", marks=marks
    )


def _appointments(heading: Heading, record: Record, at: datetime) -> _Made:
    made = _Made()
    ahead = sorted(
        (entry for entry in record.appointments if entry.is_current and _is_ahead(entry, at)),
        key=lambda entry: (entry.start.timestamp() if entry.start else float("inf"), entry.id),
    )
    made.rows = [row(entry, detail=entry.detail) for entry in ahead]
    made.closed = [row(entry, detail=entry.detail) for entry in record.appointments if entry not in ahead]
    made.gist = joined(ahead[0].what, made.rows[0].when) if ahead else ""
    return made


def _is_ahead(entry: AppointmentEntry, at: datetime) -> bool:
    """Today's appointments stand with those to come until the day is over; one without a time may be yet to come."""
    return entry.start is None or entry.start.astimezone(words.ZONE).date() >= at.astimezone(words.ZONE).date()


def _stays(heading: Heading, record: Record, at: datetime) -> _Made:
    made = _Made()
    made.part((entry, _stay(entry, at)) for entry in record.stays)
    made.gist = f"{made.rows[0].what}, {made.rows[0].when}" if made.rows else ""
    return made


def _stay(entry: StayEntry, at: datetime) -> Row:
    return row(
        entry,
        what=", ".join(part for part in (entry.kind, _own_place(entry)) if part) or entry.what,
        detail=joined(
            entry.reason,
            entry.consultant,
            _left(entry.discharged_to),
            # "Ended" and "Planned" are what the dates beside it say already.
            "" if entry.detail in ("Ended", "Planned") else entry.detail,
        ),
        when=stay_when(entry.start or entry.happened_at, entry.end, is_stay=entry.kind == "In hospital", at=at),
    )


def _left(to: str) -> str:
    """Nobody is discharged to a death: what was sent as the place someone went to says then how the stay ended."""
    return to if any(word in to.casefold() for word in DIED) else f"discharged to {to}" if to else ""


def _own_place(entry: StayEntry) -> str:
    """Where, unless the kind or the source beside it says the same: "Emergency department, Emergency Department"."""
    place = entry.place.casefold()
    return "" if place == entry.kind.casefold() or place in map(str.casefold, entry.sources) else entry.place


def stay_when(start: datetime | None, end: datetime | None, *, is_stay: bool, at: datetime) -> str:
    if start and start > at:
        return f"planned {words.moment(start)}"
    if start and end is None and not is_stay:
        return words.moment(start)  # A visit whose end was never sent did not go on since.
    return words.period(start, end)


_MAKERS: dict[Heading, Callable[[Heading, Record, datetime], _Made]] = {
    Heading.MEDICINES: _medicines,
    Heading.RESULTS: _results,
    Heading.OBSERVATIONS: _observations,
    Heading.IMAGING: _imaging,
    Heading.LETTERS: _letters,
    Heading.ASSESSMENTS: _assessments,
    Heading.PLANS: _plans,
    Heading.SOCIAL_CARE: _plans,
    Heading.CONTACTS: _contacts,
    Heading.APPOINTMENTS: _appointments,
    Heading.STAYS: _stays,
}
