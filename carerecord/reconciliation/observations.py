"""Observations: vital signs, measurements and social history; one line for each kind of one source, its values in time.

Values keep their own unit and time, and are never joined across sources. A centile stands as it was sent.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from carerecord.fhir.care_resources import Component, Measurement, read
from carerecord.fhir.resources import Observation
from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation import analytes, other
from carerecord.reconciliation.entries import Mark, ResultEntry, ResultValue
from carerecord.reconciliation.one_line import (
    STANDING_WORDS,
    Line,
    first_words,
    has_code,
    listed,
    newest_first,
    words_of,
)
from carerecord.reconciliation.one_line import marks as line_marks
from carerecord.reconciliation.values import Said, detail_words, flag_words, note_words, value_of
from carerecord.reconciliation.versions import OVER, Context, Item, statement_id, statement_ids

GROUPS = {
    "vital-signs": "Vital signs",
    "exam": "Measurements and examination",
    "social-history": "Social history",
    "activity": "Activity",
    "therapy": "Therapy",
    "procedure": "Procedures",
}
SYSTOLIC = ("8480-6", "271649006", "72313002")


class _Read:
    """One observation as it will be drawn."""

    __slots__ = ("group", "item", "key", "name", "value")

    def __init__(self, item: Item, context: Context) -> None:
        said = read(Measurement, item.newest.body)
        self.item = item
        self.name = words_of(said.code) or "Observation without a name"
        self.group = _group(said)
        self.value = _value(item.newest, said, context, id=item.id)
        analyte = analytes.analyte_of(Observation(code=said.code, method=said.method))
        # Without a code or words nothing says that two are of one kind.
        alone = analyte.key is None or not analyte.key
        self.key: Hashable = (
            item.newest.source,
            item.id if alone else analyte.key,
            self.value.unit,
            analyte.method,
            self.group,
        )


def entries(items: Sequence[Item], context: Context) -> tuple[ResultEntry, ...]:
    series: dict[Hashable, list[_Read]] = {}
    strangers: list[Item] = []
    for item in items:
        if item.newest.resource_type != "Observation":
            strangers.append(item)
            continue
        each = _Read(item, context)
        series.setdefault(each.key, []).append(each)
    made = [_series(reads, context) for reads in series.values()]
    made += [_stranger(item, context) for item in strangers]
    order = list(GROUPS.values())
    return tuple(
        sorted(newest_first(made), key=lambda entry: order.index(entry.panel) if entry.panel in order else len(order))
    )


def _group(said: Measurement) -> str:
    for category in said.category:
        for coding in category.coding:
            if coding.code in GROUPS:
                return GROUPS[coding.code]
    return first_words(said.category) or "Observations"


def _series(reads: list[_Read], context: Context) -> ResultEntry:
    reads.sort(key=lambda each: (each.item.newest.happened_at or each.item.newest.said_at, each.item.id), reverse=True)
    shown = next((each for each in reads if each.item.newest.standing not in OVER), reads[0])
    values: list[ResultValue] = []
    for each in reads:
        values += [each.value, *_corrected(each, context)]
    newest = shown.item.newest
    behind = [shown.item, *(each.item for each in reads if each is not shown)]
    return ResultEntry(
        id=shown.item.id,
        heading=newest.heading,
        what=shown.name,
        detail=detail_words(shown.value),
        happened_at=newest.happened_at,
        said_at=newest.said_at,
        sources=(context.name(newest.source),),
        marks=_marks(shown.item, values, context),
        is_current=newest.standing not in OVER,
        statement_ids=statement_ids(behind),
        rule="Values of one kind from one source." if len(reads) > 1 else "One value: nothing was joined.",
        panel=shown.group,
        latest=shown.value,
        values=tuple(values),
    )


def _corrected(read_: _Read, context: Context) -> list[ResultValue]:
    """What the same source once gave as the value of this very item, struck through beside what it gives now."""
    item = read_.item
    seen = {(read_.value.text, read_.value.unit)}
    found = []
    for statement in item.older:
        if statement.standing is Standing.PRELIMINARY or statement.version == item.newest.version:
            continue
        value = _value(
            statement,
            read(Measurement, statement.body),
            context,
            id=statement_id(item, statement),
            superseded_by=item.id,
        )
        if (value.text, value.unit) not in seen and value.text:
            seen.add((value.text, value.unit))
            found.append(value)
    return found


def _value(
    statement: StoredStatement, said: Measurement, context: Context, *, id: str, superseded_by: str | None = None
) -> ResultValue:
    value, notes = _said(said)
    analyte = analytes.analyte_of(said)
    return ResultValue(
        statement_id=id,
        text=value.text,
        number=value.number,
        unit=value.unit,
        low=analyte.low,
        high=analyte.high,
        range_text=analyte.range_text,
        flag=flag_words(said.interpretation),
        happened_at=statement.happened_at,
        specimen="",
        laboratory=context.name(statement.source),
        standing=statement.standing,
        superseded_by=superseded_by,
        note="; ".join(part for part in (notes, note_words(said.note)) if part),
    )


def _said(said: Measurement) -> tuple[Said, str]:
    """The value, and what stands beside it: a blood pressure is written as one, a centile keeps its name."""
    whole = value_of(said)
    parts = [
        (words_of(part.code), has_code(listed(part.code), *SYSTOLIC), value_of(part_value(part)))
        for part in said.component
    ]
    parts = [part for part in parts if part[2].text]
    if not parts:
        return whole, ""
    if whole.text and not said.dataAbsentReason:
        return whole, "; ".join(f"{name} {value.text} {value.unit}".strip() for name, _, value in parts)
    units = {value.unit for _, _, value in parts}
    if len(parts) == 2 and any(is_systolic for _, is_systolic, _ in parts) and len(units) == 1:
        parts.sort(key=lambda part: not part[1])
        text = "/".join(value.text for _, _, value in parts)
        return Said(text, parts[0][2].number, units.pop(), False), ""
    return Said("; ".join(f"{name} {value.text} {value.unit}".strip() for name, _, value in parts), None, "", False), ""


def part_value(part: Component) -> Observation:
    """A part has a value of its own, read as that of any observation."""
    return Observation(
        valueQuantity=part.valueQuantity,
        valueString=part.valueString,
        valueCodeableConcept=part.valueCodeableConcept,
        valueRatio=part.valueRatio,
    )


def _marks(item: Item, values: Sequence[ResultValue], context: Context) -> tuple[Mark, ...]:
    standing = item.newest.standing
    if standing in OVER:
        return (Mark.CANCELLED if standing is Standing.CANCELLED else Mark.ENTERED_IN_ERROR,)
    marks = [Mark.NEW] if context.is_new(item) else []
    if standing is Standing.CORRECTED or any(value.superseded_by == item.id for value in values):
        marks.append(Mark.CORRECTED)
    if standing is Standing.PRELIMINARY:
        marks.append(Mark.PRELIMINARY)
    return tuple(marks)


def _stranger(item: Item, context: Context) -> ResultEntry:
    """Anything else that stands under this heading: its words, in a line of its own."""
    newest = item.newest
    line: Line = other.line_of(newest)
    is_over = newest.standing in OVER or line.is_over
    text = "; ".join(part for part in (*line.details, STANDING_WORDS.get(newest.standing, "")) if part)
    value = ResultValue(
        statement_id=item.id,
        text=text,
        number=None,
        unit="",
        low=None,
        high=None,
        range_text="",
        flag="",
        happened_at=newest.happened_at,
        specimen="",
        laboratory=context.name(newest.source),
        standing=newest.standing,
    )
    return ResultEntry(
        id=item.id,
        heading=newest.heading,
        what=line.what,
        detail=text,
        happened_at=newest.happened_at,
        said_at=newest.said_at,
        sources=(context.name(newest.source),),
        marks=line_marks(item, line, context, other.line_of, is_over=is_over),
        is_current=not is_over,
        statement_ids=statement_ids([item]),
        rule="One item of one source: nothing was joined.",
        panel="Other",
        latest=value,
        values=(value,),
    )
