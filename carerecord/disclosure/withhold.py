"""Withholds, without a trace, what a decision does not let this reader see. Pure.

To withhold is the same as never to have held: everything after this is made of what is shown and of nothing else, so a
page, a receipt or a bundle is byte for byte that of a record without the rest (tests/properties/test_withholding.py).
Time: a withheld statement costs its unpacking and no reconciling or drawing: measured over whole answers some eight
microseconds where it is folded and twenty-five where it is not, so that hundreds of them can be told from none by who
may ask often enough, and one cannot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from carerecord.access import Decision
from carerecord.fhir.references import LOCAL_ID_LENGTH
from carerecord.model import Heading, OriginalReference, StoredStatement
from carerecord.organisations import Region
from carerecord.reconciliation.versions import recency

Item = tuple[str, str]  # (source, local id)


class Withheld(NamedTuple):
    """`shown` is all that anything after this may know; `kinds` is for the audit alone."""

    shown: list[StoredStatement]
    kinds: dict[str, int]  # heading -> how many statements
    items: frozenset[Item]
    originals: frozenset[OriginalReference]


# What a role without any clinical heading may see.
IDENTIFYING = frozenset((Heading.DEMOGRAPHICS, Heading.CONTACTS))
NOTHING: frozenset[Item] = frozenset()
# Of these the name alone says what somebody is treated for.
TELLING_KINDS: Final = frozenset(("mental-health", "sexual-health", "fertility", "social-care", "prison"))
# Resources that are about nothing but what they refer to: by these members.
ABOUT: Final = {
    "DiagnosticReport": b"result",
    "Observation": b"hasMember",
    "Provenance": b"target",
    "List": b"entry",
    "Task": b"focus",
    "Composition": b"section",
    "DocumentManifest": b"content",
    "AppointmentResponse": b"appointment",
    "ImmunizationEvaluation": b"immunizationEvent",
    "Linkage": b"item",
}
_REFERS: Final = re.compile(rb'"reference"\s*:\s*"(?!Patient/)[A-Z][A-Za-z]+/([a-z2-7]{%d})"' % LOCAL_ID_LENGTH)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
SAID = 3  # of what makes a version newer: said, received, original; the rest only breaks ties


def withhold(statements: Sequence[StoredStatement], decision: Decision) -> Withheld:
    """What may be shown. An item whose newest version may not be shown is withheld with every version: an older one
    alone would stand on the page as if it were what the source says now."""
    may: dict[tuple[int, int], bool] = {}
    shown: list[StoredStatement] = []
    hidden: list[StoredStatement] = []
    # Who only needs to reach somebody is shown their own people: a team, or who sent a record of them, tells why.
    is_clinical = any(heading not in IDENTIFYING for heading in decision.headings)
    for statement in statements:
        key = (statement.heading, statement.sensitivity)
        allowed = may.get(key)
        if allowed is None:
            allowed = may[key] = decision.may_show(statement.heading, statement.sensitivity)
        if not is_clinical and statement.resource_type != "RelatedPerson":
            allowed = False
        (shown if allowed else hidden).append(statement)
    if not hidden:
        return Withheld(shown, {}, NOTHING, frozenset())
    shown = _as_labelled_last(shown, hidden)
    gone = _items_gone(shown, hidden)
    while emptied := _emptied(shown, gone):  # A list of reports, all of which went, goes too.
        gone |= emptied
    kept = [statement for statement in shown if (statement.source, statement.local_id) not in gone]
    hidden += [statement for statement in shown if (statement.source, statement.local_id) in gone]
    kinds: dict[str, int] = {}
    for statement in hidden:
        kinds[statement.heading.name] = kinds.get(statement.heading.name, 0) + 1
    return Withheld(kept, kinds, frozenset(gone), frozenset(statement.original for statement in hidden))


def may_name(source_id: str, seen: Withheld, region: Region) -> bool:
    """Whether a source may be named where nothing clinical of it is: who registered somebody can tell what for."""
    source = region.find_source(source_id)
    if source is None or source.kind not in TELLING_KINDS:
        return True
    return any(statement.source == source_id for statement in seen.shown)


def _as_labelled_last(shown: list[StoredStatement], hidden: list[StoredStatement]) -> list[StoredStatement]:
    """Without what was labelled anew since, and is hidden: the same words of the same message are kept twice then."""
    if {statement.version for statement in hidden}.isdisjoint([statement.version for statement in shown]):
        return shown
    last: dict[tuple[object, ...], datetime] = {}
    for each in hidden:
        key = (each.original, each.source, each.local_id, each.version)
        last[key] = max(last.get(key, each.received_at), each.received_at)
    kept: list[StoredStatement] = []
    for each in shown:
        since = last.get((each.original, each.source, each.local_id, each.version))
        (kept if since is None or since <= each.received_at else hidden).append(each)
    return kept


def _items_gone(shown: Sequence[StoredStatement], hidden: Sequence[StoredStatement]) -> set[Item]:
    newest_shown: dict[Item, StoredStatement] = {}
    for statement in shown:
        item = (statement.source, statement.local_id)
        if item not in newest_shown or recency(statement) > recency(newest_shown[item]):
            newest_shown[item] = statement
    gone: set[Item] = set()
    for statement in hidden:
        item = (statement.source, statement.local_id)
        # Said in the same message as what may be shown: which came last is not known, so both go.
        if item not in newest_shown or recency(statement)[:SAID] >= recency(newest_shown[item])[:SAID]:
            gone.add(item)
    return gone


def _emptied(shown: Sequence[StoredStatement], gone: set[Item]) -> set[Item]:
    """What names nothing but what is withheld: the title of an empty panel would tell what it was."""
    found: set[Item] = set()
    for statement in shown:
        member = ABOUT.get(statement.resource_type)
        item = (statement.source, statement.local_id)
        if member is None or member not in statement.body or item in gone:
            continue
        named = {(statement.source, local_id) for local_id in _named(statement.body, member.decode())}
        if named and named <= gone:
            found.add(item)
    return found


def _named(body: bytes, member: str) -> list[str]:
    try:
        said = _members.decode(body).get(member)
    except msgspec.DecodeError:
        return []
    return [local_id.decode() for local_id in _REFERS.findall(bytes(said))] if said is not None else []
