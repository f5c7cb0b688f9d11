"""Problems: one line for each, whoever said it; never a broader or narrower term, and every disagreement in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from carerecord.fhir.resources import Condition, read_condition
from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation.dates import recorded_only, written
from carerecord.reconciliation.entries import Entry, Mark
from carerecord.reconciliation.joining import Key, join, shared_keys
from carerecord.reconciliation.one_line import joined, newest_first, words_of
from carerecord.reconciliation.same import words
from carerecord.reconciliation.versions import (
    Context,
    Item,
    latest_other,
    less_than_a_day,
    source_names,
    statement_ids,
    written_day,
)

UNREADABLE = "A problem that could not be read: open the original message"
State = Literal["active", "said", "resolved", "refuted", "error"]
STATES: dict[str, State] = {
    "active": "active",
    "recurrence": "active",
    "relapse": "active",
    "inactive": "resolved",
    "remission": "resolved",
    "resolved": "resolved",
}
RANK: dict[State, int] = {"active": 0, "said": 1, "resolved": 2, "refuted": 3, "error": 4}
STATUS = {
    Standing.RESOLVED: "Resolved",
    Standing.PRELIMINARY: "provisional",
    Standing.CANCELLED: "Cancelled",
    Standing.ENTERED_IN_ERROR: "Entered in error",
}
SAYS = {"active": "lists it as active", "resolved": "lists it as resolved"}


class _Said(msgspec.Struct, gc=False):
    item: Item
    what: str
    state: State
    status: str
    codes: tuple[Key, ...]
    resource: Condition


def entries(items: Sequence[Item], context: Context) -> tuple[Entry, ...]:
    said = [_read(item, item.newest) for item in items]
    groups = join(
        said, [each.codes for each in said], [words(each.what) if each.what != UNREADABLE else None for each in said]
    )
    return newest_first([_entry(group, context) for group in groups])


def _read(item: Item, statement: StoredStatement) -> _Said:
    resource = read_condition(statement.body)
    return _Said(
        item=item,
        what=words_of(resource.code) or UNREADABLE,
        state=_state(resource, statement.standing),
        status=_status(resource, statement.standing),
        codes=shared_keys(resource.code),
        resource=resource,
    )


def _state(resource: Condition, standing: Standing) -> State:
    verification = _code(resource, "verificationStatus")
    if standing in (Standing.ENTERED_IN_ERROR, Standing.CANCELLED) or verification == "entered-in-error":
        return "error"
    if verification == "refuted":
        return "refuted"
    clinical = _code(resource, "clinicalStatus")
    if clinical in STATES:
        return STATES[clinical]
    # A diagnosis that was once made, with no word on whether it lasts, takes no side against one that says so.
    return "resolved" if standing is Standing.RESOLVED else "said"


def _code(resource: Condition, name: str) -> str:
    concept = getattr(resource, name)
    return next((coding.code for coding in concept.coding), concept.text.casefold()) if concept else ""


def _status(resource: Condition, standing: Standing) -> str:
    if standing is Standing.CANCELLED:
        return STATUS[standing]
    verification = _code(resource, "verificationStatus")
    if standing is Standing.ENTERED_IN_ERROR or verification == "entered-in-error":
        return STATUS[Standing.ENTERED_IN_ERROR]
    if verification == "refuted":
        return "Refuted"
    clinical = words_of(resource.clinicalStatus).capitalize()
    if standing is Standing.RESOLVED and not clinical:
        clinical = STATUS[standing]
    is_unsure = verification in ("provisional", "differential", "unconfirmed") or standing is Standing.PRELIMINARY
    return ", ".join(
        part for part in (clinical, (verification or STATUS[Standing.PRELIMINARY]) if is_unsure else "") if part
    )


def _entry(group: Sequence[_Said], context: Context) -> Entry:
    ranked = sorted(group, key=lambda said: RANK[said.state])  # Stable: newest first within a state.
    states = {said.state for said in group}
    is_current = "active" in states or ("said" in states and "resolved" not in states)
    if not is_current:
        ranked.sort(key=lambda said: (said.state != "resolved", RANK[said.state]))
    first, listed = ranked[0], [said.item for said in ranked]
    conflict = _conflict(group, context)
    newest, problem = first.item.newest, first.resource
    severity = next((text for said in ranked if (text := words_of(said.resource.severity))), "")
    onset = problem.onsetDateTime or problem.recordedDate
    since = less_than_a_day(onset)
    spellings = dict.fromkeys(said.what for said in ranked if words(said.what) != words(first.what))
    ended = written(problem.abatementDateTime) if not is_current else ""
    return Entry(
        id=first.item.id,
        heading=newest.heading,
        what=first.what,
        detail=", ".join(
            part
            for part in (
                first.status,
                severity,
                since and f"since {since}",
                ended and f"until {ended}",
                joined(*(f"also written {name}" for name in spellings)),
            )
            if part
        ),
        happened_at=None if since else newest.happened_at,
        dated=recorded_only(problem.onsetDateTime, problem.recordedDate, newest.happened_at),
        said_at=newest.said_at,
        sources=source_names(listed, context),
        marks=_marks(ranked, conflict, context, is_current=is_current),
        conflict=conflict or None,
        is_current=is_current,
        statement_ids=statement_ids(listed),
        rule=_rule(group),
    )


def _rule(group: Sequence[_Said]) -> str:
    if len(group) == 1:
        return "Said once: nothing was joined."
    if len({words(said.what) for said in group}) == 1:
        return "Joined because the problem is written in the same words."
    return "Joined because the problem has the same code."


def _conflict(group: Sequence[_Said], context: Context) -> str:
    """Sources that disagree on whether it is over. A source that lists it active anywhere lists it active."""
    by_source: dict[str, _Said] = {}
    for said in group:
        if said.state in ("active", "resolved"):
            source = said.item.newest.source
            if source not in by_source or (said.state == "active" and by_source[source].state == "resolved"):
                by_source[source] = said
    refuted = [said for said in group if said.state == "refuted"]
    sides = [*by_source.values()]
    is_denied = bool(refuted) and any(said.state in ("active", "said") for said in group)
    if len({said.state for said in sides}) < 2 and not is_denied:
        return ""
    told = [_says(said, SAYS[said.state], context) for said in sides]
    if is_denied:
        told += [_says(said, "says it is refuted", context) for said in refuted]
    return f"{'; '.join(dict.fromkeys(told))}: check with the patient"


def _says(said: _Said, what: str, context: Context) -> str:
    return f"{context.name(said.item.newest.source)} {what}, {written_day(said.item.newest.said_at)}"


def _marks(ranked: Sequence[_Said], conflict: str, context: Context, *, is_current: bool) -> tuple[Mark, ...]:
    first = ranked[0]
    if first.state == "error":
        is_cancelled = first.item.newest.standing is Standing.CANCELLED
        return (Mark.CANCELLED if is_cancelled else Mark.ENTERED_IN_ERROR,)
    marks: list[Mark] = []
    if all(context.is_new(said.item) for said in ranked if said.state != "error"):
        marks.append(Mark.NEW)
    elif any(_has_changed(said, context) for said in ranked):
        marks.append(Mark.CHANGED)
    if conflict:
        marks.append(Mark.SOURCES_DIFFER)
    return tuple(marks)


def _has_changed(said: _Said, context: Context) -> bool:
    if said.state == "error" or not said.item.older or not context.said_since(said.item):
        return False
    before = latest_other(said.item)
    if before is None:
        return False
    earlier = _read(said.item, before)
    return (earlier.state, earlier.what, earlier.status, earlier.resource.severity) != (
        said.state,
        said.what,
        said.status,
        said.resource.severity,
    )
