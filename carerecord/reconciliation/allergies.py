"""Allergies and adverse reactions: one line for each substance, whoever said it, and every disagreement in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from carerecord.fhir.resources import AllergyIntolerance, read_allergy
from carerecord.model import Standing
from carerecord.reconciliation.dates import recorded_only
from carerecord.reconciliation.entries import AllergyEntry, Mark
from carerecord.reconciliation.same import absence_scope, code_keys, gather, says_only_absence, substance, words
from carerecord.reconciliation.versions import (
    Context,
    Item,
    latest_other,
    less_than_a_day,
    source_names,
    statement_ids,
    written_day,
)

UNREADABLE = "An allergy that could not be read: open the original message"
CRITICALITY = {"high": "high risk", "low": "low risk"}
Bucket = Literal["current", "resolved", "error"]


class _Said(msgspec.Struct, gc=False):
    """One item with what it says, read once."""

    item: Item
    what: str
    reaction: str
    severity: str
    scope: str  # of an absence: "any", "drug", ...; "" for an allergy
    bucket: Bucket
    categories: tuple[str, ...]
    resource: AllergyIntolerance


def entries(items: Sequence[Item], context: Context) -> tuple[AllergyEntry, ...]:
    said = [_read(item) for item in items]
    groups = gather(said, [_keys(each) for each in said])
    listed = [_entry(group, said, context) for group in groups]
    # What could hurt comes first; what no longer counts comes last.
    return tuple(
        sorted(listed, key=lambda entry: (not entry.is_current, entry.is_absence, words(entry.what), entry.id))
    )


def _read(item: Item) -> _Said:
    resource = read_allergy(item.newest.body)
    return _Said(
        item=item,
        what=(resource.code.words if resource.code else "") or UNREADABLE,
        reaction=reaction_words(resource),
        severity=severity_words(resource),
        scope=absence_scope(resource.code),
        bucket=_bucket(item.newest.standing),
        categories=resource.category,
        resource=resource,
    )


def _bucket(standing: Standing) -> Bucket:
    if standing in (Standing.ENTERED_IN_ERROR, Standing.CANCELLED):
        return "error"
    return "resolved" if standing is Standing.RESOLVED else "current"


def reaction_words(resource: AllergyIntolerance) -> str:
    said = [concept.words for reaction in resource.reaction for concept in reaction.manifestation if concept.words] or [
        reaction.description for reaction in resource.reaction if reaction.description
    ]
    return ", ".join(dict.fromkeys(said))


def severity_words(resource: AllergyIntolerance) -> str:
    said = [reaction.severity for reaction in resource.reaction if reaction.severity]
    # What a source wrote that is none of FHIR's three severities stands beside the reaction as it was sent.
    said += [own.valueString for reaction in resource.reaction for own in reaction.extension if own.valueString]
    if not said and resource.criticality in CRITICALITY:
        said = [CRITICALITY[resource.criticality]]
    return ", ".join(dict.fromkeys(said))


def _keys(said: _Said) -> list[tuple[str, ...]]:
    """What this item may be joined by. Never upwards or downwards: penicillin and amoxicillin share nothing here."""
    newest = said.item.newest
    if said.what == UNREADABLE:
        return [(said.bucket, "alone", said.item.id)]
    if said.scope:
        # Words beyond the plain ones may name what is the exception: they keep a line of their own.
        return [(said.bucket, "absence", said.scope, "" if says_only_absence(said.what) else words(said.what))]
    codes = [(said.bucket, "code", *key) for key in code_keys(said.resource.code, source=newest.source)]
    return [*codes, (said.bucket, "words", substance(said.what))]


def _entry(group: Sequence[_Said], everything: Sequence[_Said], context: Context) -> AllergyEntry:
    first = group[0]
    listed = [said.item for said in group]
    is_current = first.bucket == "current"
    conflict = _conflict(group, everything, context) if is_current else ""
    severities = dict.fromkeys(said.severity for said in group if said.severity)
    reactions = dict.fromkeys(said.reaction for said in group if said.reaction)
    spellings = dict.fromkeys(
        said.what for said in group if not said.scope and substance(said.what) != substance(first.what)
    )
    reaction = ", ".join(reactions)
    severity = ", ".join(severities)
    detail = [f"{reaction} ({severity})" if reaction and severity else reaction or severity]
    detail += [f"also written {' and '.join(spellings)}"] if spellings else []
    detail += [_status(first)] if _status(first) else []
    since = less_than_a_day(first.resource.onsetDateTime)
    detail += [f"since {since}"] if since else []
    return AllergyEntry(
        id=first.item.id,
        heading=first.item.newest.heading,
        what=first.what,
        detail="; ".join(part for part in detail if part),
        happened_at=None if since else first.item.newest.happened_at,
        dated=recorded_only(first.resource.onsetDateTime, first.resource.recordedDate, first.item.newest.happened_at),
        said_at=first.item.newest.said_at,
        sources=source_names(listed, context),
        marks=_marks(group, conflict, context),
        conflict=conflict or None,
        is_current=is_current,
        statement_ids=statement_ids(listed),
        rule=_rule(group),
        reaction=reaction,
        severity=severity,
        is_absence=bool(first.scope),
        absence_scope=first.scope,
    )


def _status(said: _Said) -> str:
    if said.bucket == "resolved":
        return "resolved"
    if said.bucket == "error":
        return "entered in error" if said.item.newest.standing is Standing.ENTERED_IN_ERROR else "cancelled"
    verification = said.resource.verificationStatus
    code = verification.coding[0].code if verification and verification.coding else ""
    return code if code in ("unconfirmed", "refuted") else ""


def _rule(group: Sequence[_Said]) -> str:
    if len(group) == 1:
        return "Said once: nothing was joined."
    if group[0].scope:
        return "Joined because each says that no allergy is known."
    if len({substance(said.what) for said in group}) == 1:
        return "Joined because the substance is written in the same words."
    return "Joined because the substance has the same code."


def _marks(group: Sequence[_Said], conflict: str, context: Context) -> tuple[Mark, ...]:
    marks = []
    if group[0].bucket == "current":
        if all(context.is_new(said.item) for said in group):
            marks.append(Mark.NEW)
        elif any(_has_changed(said, context) for said in group):
            marks.append(Mark.CHANGED)
    elif group[0].item.newest.standing is Standing.ENTERED_IN_ERROR:
        marks.append(Mark.ENTERED_IN_ERROR)
    elif group[0].item.newest.standing is Standing.CANCELLED:
        marks.append(Mark.CANCELLED)
    if conflict:
        marks.append(Mark.SOURCES_DIFFER)
    return tuple(marks)


def _has_changed(said: _Said, context: Context) -> bool:
    if not said.item.older or not context.said_since(said.item):
        return False
    before = latest_other(said.item)
    if before is None:
        return False
    earlier = _read(Item(before, (), ""))
    return (earlier.what, earlier.reaction, earlier.severity, earlier.bucket) != (
        said.what,
        said.reaction,
        said.severity,
        said.bucket,
    )


def _conflict(group: Sequence[_Said], everything: Sequence[_Said], context: Context) -> str:
    """Who says otherwise, in one sentence that ends with what to do; "" where nobody does."""
    if group[0].scope:
        others = [said for said in everything if not said.scope and said.bucket == "current"]
        against = [_says(said, f"lists {said.what}", context) for said in others if _denies(group[0], said)]
    else:
        against = [
            _says(said, f"says {words(said.what)}", context)
            for said in everything
            if said.scope and said.bucket == "current" and _denies(said, group[0])
        ]
        against += _resolved_elsewhere(group, everything, context)
        if len({said.severity for said in group if said.severity}) > 1:
            against += [_says(said, f"says {said.severity}", context) for said in group if said.severity]
    dated = list(dict.fromkeys(against))
    return f"{'; '.join(dated)}: check with the patient" if dated else ""


def _says(said: _Said, what: str, context: Context) -> str:
    return f"{context.name(said.item.newest.source)} {what}, {written_day(said.item.newest.said_at)}"


def _denies(absence: _Said, listed: _Said) -> bool:
    """Whether "no known food allergy" and the like speaks of this kind of allergy. In doubt it does."""
    if absence.scope == "any" or not listed.categories:
        return True
    kind = {"drug": "medication", "food": "food", "environmental": "environment"}[absence.scope]
    return kind in listed.categories


def _resolved_elsewhere(group: Sequence[_Said], everything: Sequence[_Said], context: Context) -> list[str]:
    own = {key[1:] for said in group for key in _keys(said)}
    return [
        _says(said, "lists it as resolved", context)
        for said in everything
        if said.bucket == "resolved" and own.intersection(key[1:] for key in _keys(said))
    ]
