"""What this record does not hold, who contributed, how the reader came: sentences for the head of a page. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from carerecord.disclosure.values import Answer, Looking, SourceAnswer
from carerecord.fhir.cut import SENT_SO
from carerecord.model import EvidenceClass, Heading, Standing, StoredStatement, Subject
from carerecord.organisations import Region
from carerecord.reconciliation.versions import CLOCK, written_day
from carerecord.sources import Feed

LATE_TOGETHER = 3
KINDS = {
    EvidenceClass.ENCOUNTER: "a visit",
    EvidenceClass.APPOINTMENT: "an appointment",
    EvidenceClass.REFERRAL: "a referral",
    EvidenceClass.CASELOAD: "a caseload",
    EvidenceClass.REGISTRATION: "a registration",
    EvidenceClass.INCIDENT: "an incident",
    EvidenceClass.RESIDENCY: "a place in a care home",
    EvidenceClass.EMERGENCY: "emergency access",
}


def answers(subject: Subject, region: Region) -> tuple[Answer, ...]:
    """What a reader would look for and not find, by what is known about the person and the region alone."""
    if subject.restricted:
        sentence = (
            "Places: this person's whereabouts are protected, so no address, practice or place of care is shown, "
            "and letters stand here without their words"
        )
        return (Answer(kind="withheld-by-source", sentence=sentence),)
    if not subject.gp_practice:
        return (Answer(kind="not-connected", sentence="GP record: no practice is known for this person"),)
    practice = region.find_organisation(subject.gp_practice)
    if practice is None or not practice.in_region:
        sentence = f"GP record: the practice is outside {region.name} and not part of this record"
        return (Answer(kind="outside-region", sentence=sentence),)
    if not any(source.organisation == practice.ods_code for source in region.sources):
        return (Answer(kind="not-connected", sentence=f"GP record: {practice.called} is not connected to this record"),)
    return ()


LEFT_OUT = re.compile(rb'"code"\s*:\s*(?:%s)' % b"|".join(SENT_SO))


def withholding_sources(shown: Iterable[StoredStatement]) -> frozenset[str]:
    """The sources that say so themselves: never what this record withholds."""
    listed = [statement for statement in shown if statement.cut is None]  # What says so is never cut.
    together = b"\n".join([statement.body for statement in listed])  # Nearly no record has any: one look for all.
    if not any(word in together for word in SENT_SO):
        return frozenset()
    return frozenset(statement.source for statement in listed if LEFT_OUT.search(statement.body))


def withheld_answers(sources: Iterable[str], names: Mapping[str, str]) -> tuple[Answer, ...]:
    """A warning that a source sends is always shown (field report, correction 15)."""
    named = sorted(names.get(source, source) for source in sources)
    return tuple(
        Answer(kind="withheld-by-source", sentence=f"{name}: some items may be withheld at source") for name in named
    )


def feed_answers(
    feeds: Iterable[Feed], shown: Sequence[StoredStatement], region: Region, *, is_restricted: bool
) -> tuple[Answer, ...]:
    """Sources that were not heard when they usually are, each with when it was heard last.

    A silent source may lack anything about anybody, so everybody is told. A late one is named to those who see
    something of it, and never where its name would say where a protected person is cared for.
    """
    unwell = [feed for feed in feeds if feed.kind in ("silent", "late") and feed.last_heard_at]
    if not unwell:
        return ()
    seen = set() if is_restricted else {statement.source for statement in shown}
    told: list[Answer] = []
    late: list[tuple[str, str]] = []
    for feed in unwell:
        source = region.find_source(feed.source)
        if source is None or feed.last_heard_at is None:
            continue
        since = f"{written_day(feed.last_heard_at)} {feed.last_heard_at.astimezone(CLOCK):%H:%M}"
        if feed.kind == "silent":
            phone = f"; to ask, phone {source.phone}" if source.phone else ""
            sentence = f"{source.name}: nothing heard since {since}, so what is newer is not here{phone}"
            told.append(Answer(kind="silent", sentence=sentence))
        elif feed.source in seen:
            late.append((source.name, since))
    told.sort(key=lambda answer: answer.sentence)
    return (*told, *_late(sorted(late)))


def _late(late: Sequence[tuple[str, str]]) -> tuple[Answer, ...]:
    """Several in one sentence: a line for each would push the record itself off a small screen (H21)."""
    if len(late) < LATE_TOGETHER:
        return tuple(Answer(kind="late", sentence=f"{name}: late, last heard {since}") for name, since in late)
    each = ", ".join(f"{name} ({since})" for name, since in late)
    return (Answer(kind="late", sentence=f"{len(late)} sources are late, with when each was last heard: {each}"),)


def cautions(looking: Looking, *, held_name: str) -> tuple[str, ...]:
    """What the reader must check before acting on what they see."""
    called = looking.evidence.called
    if not called:
        return ()
    system = looking.staff.organisation_name
    return (
        f"Check that this is the same person: {system} calls them {called.upper()}; here they are {held_name}. "
        "The NHS number and the date of birth agree.",
    )


def source_answers(
    shown: Sequence[StoredStatement], region: Region, names: Mapping[str, str] | None = None
) -> tuple[SourceAnswer, ...]:
    """The sources behind what is shown, and nothing about what is not: a source that is withheld whole is not named."""
    counted: dict[str, int] = {}
    last: dict[str, datetime] = {}
    for statement in shown:
        source_id, said_at = statement.source, statement.said_at
        counted[source_id] = counted.get(source_id, 0) + 1
        if source_id not in last or said_at > last[source_id]:
            last[source_id] = said_at
    listed = []
    for source_id, count in counted.items():
        source = region.find_source(source_id)
        organisation = region.find_organisation(source.organisation) if source else None
        listed.append(
            SourceAnswer(
                source=source_id,
                name=source.name if source else (names or {}).get(source_id, source_id),
                phone=(source.phone if source else None) or (organisation.phone if organisation else None),
                last_said_at=last[source_id],
                statement_count=count,
            )
        )
    return tuple(sorted(listed, key=lambda answer: (answer.name, answer.source)))


def last_contact(shown: Sequence[StoredStatement], *, at: datetime) -> date | None:
    """The default of "new": the day the last stay or visit before today began; without one, that of the last letter.

    The day a stay began, not ended: what happened during it is what the next reader has not seen. Anybody's contact in
    the region counts, because the record cannot know which of them the reader was told about.
    """
    today = at.astimezone(CLOCK).date()
    over = (Standing.CANCELLED, Standing.ENTERED_IN_ERROR, Standing.PLANNED)
    newest: dict[tuple[str, str], StoredStatement] = {}
    stays, letters = Heading.STAYS, Heading.LETTERS
    for statement in shown:
        if statement.heading is stays or statement.heading is letters:
            key = (statement.source, statement.local_id)
            if key not in newest or statement.said_at > newest[key].said_at:
                newest[key] = statement
    days: dict[Heading, list[date]] = {Heading.STAYS: [], Heading.LETTERS: []}
    for statement in newest.values():
        if statement.happened_at and statement.standing not in over:
            day = statement.happened_at.astimezone(CLOCK).date()
            if day < today:
                days[statement.heading].append(day)
    return max(days[Heading.STAYS] or days[Heading.LETTERS], default=None)


def opened_from(looking: Looking) -> str:
    """ "Opened from Oxford University Hospitals, outpatient clinic, today 09:12"."""
    evidence = looking.evidence
    organisation = looking.staff.organisation_name
    if looking.staff.is_program:
        return f"Asked for by {looking.staff.name}, {organisation}"
    if evidence.kind is EvidenceClass.DECLARED and evidence.reason:
        return f"Opened from {organisation}; reason given: {evidence.reason}"
    place = evidence.place or KINDS.get(evidence.kind, "")
    return "Opened from " + ", ".join(part for part in (organisation, place, _when(evidence.start, looking.at)) if part)


def _when(start: str | None, at: datetime) -> str:
    try:
        instant = datetime.fromisoformat(start) if start else None
    except ValueError:
        return ""
    if instant is None or start is None:
        return ""
    local = instant.astimezone(CLOCK) if instant.tzinfo else instant.replace(tzinfo=CLOCK)
    day = "today" if local.date() == at.astimezone(CLOCK).date() else written_day(local)
    return f"{day} {local:%H:%M}" if len(start) > len("2026-11-22") else day
