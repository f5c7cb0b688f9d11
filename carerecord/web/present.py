"""Turns what disclosure hands over into the finished, plain values a template draws. Pure: no query, rule or clock."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from carerecord.disclosure import Banner, Pathway, Receipt, Record, Saying, ShownOriginal, Step, Summary
from carerecord.model import Heading
from carerecord.web import sections, words
from carerecord.web.order import order
from carerecord.web.sections import joined, row
from carerecord.web.views import (
    BannerView,
    ChildView,
    OriginalView,
    PathView,
    ReceiptView,
    SayingView,
    Section,
    SourceRow,
    StepView,
    SummaryView,
    WaitingView,
)

# Headings that say so where nothing is recorded; the other empty ones are named together in one sentence.
ALWAYS_SHOWN = frozenset(
    (
        Heading.ALLERGIES,
        Heading.MEDICINES,
        Heading.PROBLEMS,
        Heading.RESULTS,
        Heading.STAYS,
        Heading.LETTERS,
        Heading.PLANS,
    )
)
PATHWAY_HEADINGS = frozenset((Heading.STAYS, Heading.LETTERS, Heading.APPOINTMENTS, Heading.REFERRALS))
BANNER_NAMES_MAX = 3
ADULT_YEARS = 16
SHORT_ROWS_MAX = 6
SHORT_WORDS_MAX = 36
GROWTH = ("weight", "height", "length", "centile", "head circumference", "bmi")


def summary(shown: Summary, *, at: datetime) -> SummaryView:
    record, source_count = shown.record, len(shown.sources)
    drawn, empty = _sections(shown, record, source_count, at) if record else ([], [])
    return SummaryView(
        banner=banner(shown.banner),
        as_at=words.minute(at),
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
        is_demographics_only=not shown.is_clinical or record is None,
        pathway=_pathway(shown, at),
        child=_child(shown, at),
        sections=tuple(_paired(drawn)),
        nothing_under=tuple(empty) if shown.is_clinical else (),
        who_says=tuple(row(entry, detail=entry.detail) for entry in record.demographics) if record else (),
        opened_from=shown.opened_from,
        why=shown.why,
        rests_on=words.RESTS_ON[shown.evidence],
        basis=shown.basis,
        policies=shown.policies,
        policy_version=shown.policy_version,
        limits=shown.limits,
        cautions=shown.cautions,
        since=words.day(shown.since) if shown.since else "",
    )


def _sections(shown: Summary, record: Record, source_count: int, at: datetime) -> tuple[list[Section], list[str]]:
    """Each heading that this reader may see as its section; of those that are only named as empty, the titles."""
    drawn: list[Section] = []
    empty: list[str] = []
    for heading in order(shown.role):
        if heading not in shown.headings:
            continue
        if sections.has_any(heading, record) or (heading in ALWAYS_SHOWN and shown.is_clinical):
            drawn.append(sections.section(heading, shown, record, source_count, at))
        elif heading not in ALWAYS_SHOWN:
            empty.append(words.TITLES[heading])
    return drawn, empty


def _paired(drawn: list[Section]) -> list[Section]:
    """Short lists side by side, two and two; the order of reading stays the order of the page."""
    made: list[Section] = []
    for each in drawn:
        before = made[-1] if made else None
        if before is not None and _is_short(before) and _is_short(each) and not before.is_half:
            made[-1] = msgspec.structs.replace(before, is_half=True)
            each = msgspec.structs.replace(each, is_half=True)
        made.append(each)
    return made


def _is_short(section: Section) -> bool:
    has_more = section.letters or section.plans or section.results or section.closed_letters or section.note
    if has_more or len(section.rows) > SHORT_ROWS_MAX:
        return False
    return all(len(line.what) <= SHORT_WORDS_MAX and len(line.detail) <= SHORT_WORDS_MAX for line in section.rows)


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
        alerts=_few(shown.alerts),
        decisions=shown.decisions,
        needs=_few(shown.needs),
        is_restricted=shown.is_restricted,
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
        received=words.moment(shown.received_at),
        segments=tuple(line for line in shown.lines if line),
        is_whole=shown.is_whole,
    )


def _few(names: tuple[str, ...]) -> tuple[str, ...]:
    more = len(names) - BANNER_NAMES_MAX
    return names if more <= 0 else (*names[:BANNER_NAMES_MAX], f"{more} more below")


# --- The pathway ------------------------------------------------------------------------------------------------------


def _pathway(shown: Summary, at: datetime) -> PathView | None:
    path, record = shown.pathway, shown.record
    if path is None or record is None or not PATHWAY_HEADINGS & set(shown.headings):
        return None
    if not (path.steps or path.pending or path.to_do):
        return None
    phones = {source.name: source.phone for source in shown.sources if source.phone}
    whom = next((step for step in path.steps if step.is_next), None) or (path.steps[-1] if path.steps else None)
    phone = phones.get(whom.source, "") if whom else ""
    return PathView(
        steps=tuple(_step(step, at) for step in path.steps),
        next="" if shown.banner.is_deceased else _next(path),
        phone=f"{whom.source}: {phone}" if whom and phone else "",
        pending=tuple(WaitingView(each.entry_id, each.what, each.who) for each in path.pending),
        to_do=tuple(WaitingView(each.entry_id, each.what, each.who) for each in path.to_do),
    )


def _next(path: Pathway) -> str:
    """Who holds the next step, as far as a source said; never a guess."""
    ahead = next((step for step in path.steps if step.is_next), None)
    if ahead is not None:
        who = ahead.source[:1].lower() + ahead.source[1:] if ahead.source.startswith(("A ", "An ")) else ahead.source
        return f"Next: {ahead.what}, {words.moment(ahead.start)}, with {who}"
    if path.waiting_for is not None:
        to = path.waiting_for.to or path.waiting_for.sources[0]
        return f"Next: waiting for {to}, who were asked and have sent no appointment"
    return "No next step is known to this record"


def _step(step: Step, at: datetime) -> StepView:
    when = words.day_of(step.start)
    if step.kind == "stay":
        is_stay = step.end is not None or step.is_ongoing
        when = sections.stay_when(step.start, step.end, is_stay=is_stay, at=at).removeprefix("planned ")
    elif step.kind == "appointment":
        when = words.moment(step.start)
    kinds = {"referral": "Referral", "appointment": "Appointment", "letter": "Letter"}
    kind = kinds.get(step.kind, step.what)
    where = "" if step.where.casefold() in (step.what.casefold(), step.source.casefold()) else step.where
    about = where if step.kind == "stay" else joined(step.what, "" if where in step.what else where)
    return StepView(
        step.entry_id, f"Next: {kind.lower()}" if step.is_next else kind, joined(about, step.source), when, step.is_next
    )


# --- Children ---------------------------------------------------------------------------------------------------------


def _child(shown: Summary, at: datetime) -> ChildView | None:
    """What a reader needs first of a child: how heavy, when weighed, and who decides for them."""
    record, born = shown.record, shown.banner.birth_date
    today = at.astimezone(words.ZONE).date()
    if (
        record is None
        or born is None
        or shown.banner.is_deceased
        or not shown.is_clinical
        or not _is_child(born, today)
    ):
        return None
    growth: list[tuple[str, str, str, str]] = []
    for word in GROWTH:
        for entry in record.observations:
            if entry.is_current and word in entry.what.casefold() and entry.id not in {each[3] for each in growth}:
                figure = f"{entry.latest.text} {entry.latest.unit}".strip()
                growth.append((entry.what, joined(figure, entry.latest.note), row(entry).when, entry.id))
    responsible = [entry for entry in record.contacts if entry.is_current and entry.has_parental_responsibility]
    return ChildView(
        growth=tuple(growth),
        responsible=tuple(joined(entry.what, *entry.phones) for entry in responsible),
        sees_contacts=Heading.CONTACTS in shown.headings,
        sees_growth=Heading.OBSERVATIONS in shown.headings,
    )


def _is_child(born: date, today: date) -> bool:
    return (today.year - born.year) - ((today.month, today.day) < (born.month, born.day)) < ADULT_YEARS


def _saying(saying: Saying) -> SayingView:
    return SayingView(
        source=saying.source,
        source_name=saying.source_name,
        said=words.moment(saying.said_at),
        happened=words.moment(saying.happened_at) if saying.happened_at else "",
        standing=words.STANDINGS[saying.standing],
        lines=saying.lines,
        original=f"{saying.original}?of={saying.statement_id}",
        is_superseded=saying.is_superseded,
    )
