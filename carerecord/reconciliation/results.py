"""Results: one line for each analyte of one laboratory, unit, specimen and method; values never joined across those."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime
from itertools import count
from operator import attrgetter, itemgetter

import msgspec

from carerecord.fhir.resources import DiagnosticReport, read_report
from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation import analytes
from carerecord.reconciliation.analytes import Analyte
from carerecord.reconciliation.entries import Mark, ResultEntry, ResultValue
from carerecord.reconciliation.letters import attachment_text
from carerecord.reconciliation.values import detail_words
from carerecord.reconciliation.versions import OVER, Context, Item, source_names, statement_id, statement_ids


class _Read(msgspec.Struct, gc=False):
    """One Observation with its value, read once; in front, what puts values of one line in order."""

    at: datetime
    said_at: datetime
    id: str
    item: Item
    analyte: Analyte
    value: ResultValue
    is_words: bool


class _Line(msgspec.Struct, gc=False):
    """What will stand on one line, and the reports that stand behind it."""

    reads: list[_Read]
    reports: list[Item]


class _Panel(msgspec.Struct, gc=False):
    """What a report calls its results, when it was, and the place of each in it."""

    name: str
    at: float
    positions: dict[str, int]


class _Report(msgspec.Struct, gc=False):
    item: Item
    said: DiagnosticReport
    result_ids: list[str]


_Homes = dict[str, dict[str, _Line]]  # source, local id: the line a result stands on
_Panels = dict[str, dict[str, _Panel]]


def entries(items: Sequence[Item], context: Context) -> tuple[ResultEntry, ...]:
    homes: _Homes = {}
    reports: list[_Report] = []
    lines: dict[Hashable, _Line] = {}
    alike: dict[tuple[str, int, str, bool], _Line] = {}
    for item in items:
        newest = item.newest
        source = newest.source
        if newest.resource_type == "DiagnosticReport":
            said = read_report(newest.body)
            reports.append(_Report(item, said, [result.local_id for result in said.result]))
            continue
        read = _read(item, newest, context, id=item.id)
        analyte, unit, is_words = read.analyte, read.value.unit, read.is_words
        # Values share their analyte, one and the same as long as a read holds it: what it stands for is asked once.
        likeness = (source, id(analyte), unit, is_words)
        line = alike.get(likeness)
        if line is None:
            line = lines.setdefault(_key(read), _Line([], []))
            if analyte.key:
                alike[likeness] = line
        line.reads.append(read)
        home = homes.get(source)
        if home is None:
            home = homes[source] = {}
        home[newest.local_id] = line
    panels = _panels(reports)
    alone = _place(reports, homes)
    listed = [_line_entry(line, panels, context) for line in lines.values()]
    listed += [(_report_order(report.item), _report_entry(report.item, report.said, context)) for report in alone]
    listed.sort(key=itemgetter(0))
    return tuple(entry for _, entry in listed)


def _read(
    item: Item, statement: StoredStatement, context: Context, *, id: str, superseded_by: str | None = None
) -> _Read:
    said = analytes.read(statement.body)
    analyte, standing, happened_at = said.analyte, statement.standing, statement.happened_at
    value = ResultValue(
        statement_id=id,
        text="cancelled" if standing is Standing.CANCELLED and said.number is None else said.text,
        number=said.number,
        unit=said.unit,
        low=analyte.low,
        high=analyte.high,
        range_text=analyte.range_text,
        flag=analyte.flag,
        happened_at=happened_at,
        specimen=analyte.specimen,
        laboratory=analyte.laboratory or context.name(item.newest.source),
        standing=standing,
        superseded_by=superseded_by,
        note=said.note,
    )
    return _Read(happened_at or statement.said_at, statement.said_at, id, item, analyte, value, said.is_words)


def _key(read: _Read) -> Hashable:
    """What may stand on one line. Anything that differs here makes another line (correction 11)."""
    analyte, source = read.analyte, read.item.newest.source
    if analyte.key is None:
        return (source, read.id)
    return (
        source,
        read.value.laboratory,
        analyte.key or read.id,
        read.value.unit,
        analyte.specimen,
        analyte.method,
        read.is_words,
    )


def _panels(reports: Sequence[_Report]) -> _Panels:
    panels: _Panels = {}
    for report in reversed(reports):  # Items come newest first: the newest report names the panel.
        newest, ids = report.item.newest, report.result_ids
        name = report.said.code.words if report.said.code else ""
        panel = _Panel(name, (newest.happened_at or newest.said_at).timestamp(), dict(zip(ids, count(), strict=False)))
        panels.setdefault(newest.source, {}).update(dict.fromkeys(ids, panel))
    return panels


def _place(reports: Sequence[_Report], homes: _Homes) -> list[_Report]:
    """A report stands behind the line of its first result; with words of its own, or no result, it is its own line."""
    alone = []
    for report in reports:
        home = homes.get(report.item.newest.source, {})
        first = next((home[id_] for id_ in report.result_ids if id_ in home), None)
        if first is None or report_text(report.said):
            alone.append(report)
        else:
            first.reports.append(report.item)
    return alone


def report_text(report: DiagnosticReport) -> str:
    # R4 gives a report no note of its own; the extension is R5's, as HL7 writes it in R4.
    texts = [report.conclusion, *(each.valueAnnotation.text for each in report.extension if each.valueAnnotation)]
    texts += [attachment_text(form) for form in report.presentedForm if form.contentType.startswith("text/plain")]
    return "\n".join(text for text in texts if text)


def _line_entry(line: _Line, panels: _Panels, context: Context) -> tuple[tuple[object, ...], ResultEntry]:
    reads = line.reads
    if len(reads) > 1:
        reads.sort(key=_newest_value_first, reverse=True)
    values: list[ResultValue] = []
    for read in reads:
        values.append(read.value)
        if read.item.older:
            values += _corrected(read, context)
    shown = next((read for read in reads if read.item.newest.standing not in OVER), reads[0])
    latest = shown.value
    newest = shown.item.newest
    panel = panels.get(newest.source, {}).get(newest.local_id)
    listed = [shown.item, *(read.item for read in reads if read is not shown), *line.reports]
    what = shown.analyte.name or "Result without a name"
    entry = ResultEntry(
        id=shown.item.id,
        heading=newest.heading,
        what=what,
        detail=detail_words(latest),
        happened_at=newest.happened_at,
        said_at=newest.said_at,
        sources=(context.name(newest.source),),
        marks=_marks(shown.item, values, context),
        is_current=newest.standing not in OVER,
        statement_ids=statement_ids(listed),
        rule=_rule(reads),
        panel=panel.name if panel else "",
        latest=latest,
        values=tuple(values),
        is_text=shown.is_words,
    )
    at = panel.at if panel else (newest.happened_at or newest.said_at).timestamp()
    position = panel.positions[newest.local_id] if panel else 0
    return (-at, entry.panel, position, what, entry.id), entry


_newest_value_first = attrgetter("at", "said_at", "id")


def _rule(reads: Sequence[_Read]) -> str:
    if len(reads) == 1:
        return "One value: nothing was joined."
    return "Values of one laboratory with the same code, unit, specimen and method."


def _corrected(read: _Read, context: Context) -> list[ResultValue]:
    """The values that the one which stands has corrected, each named as superseded by it."""
    item, now = read.item, read.value
    corrected = []
    shown = {(now.text, now.unit)}
    for statement in item.older:
        # A preliminary value that the final one confirms or replaces was never more than preliminary: it stays in the
        # receipt. Struck through is what once stood as a result and no longer does.
        if statement.standing is Standing.PRELIMINARY or statement.version == item.newest.version:
            continue
        value = _read(item, statement, context, id=statement_id(item, statement), superseded_by=item.id).value
        if (value.text, value.unit) in shown or not value.text:
            continue
        shown.add((value.text, value.unit))
        corrected.append(value)
    return corrected


def _marks(item: Item, values: Sequence[ResultValue], context: Context) -> tuple[Mark, ...]:
    standing = item.newest.standing
    if standing is Standing.ENTERED_IN_ERROR:
        return (Mark.ENTERED_IN_ERROR,)
    if standing is Standing.CANCELLED:
        return (Mark.CANCELLED,)
    marks = []
    if context.is_new(item):
        marks.append(Mark.NEW)
    if standing is Standing.CORRECTED or (item.older and any(value.superseded_by == item.id for value in values)):
        marks.append(Mark.CORRECTED)
    if standing is Standing.PRELIMINARY:
        marks.append(Mark.PRELIMINARY)
    return tuple(marks)


def _report_order(item: Item) -> tuple[object, ...]:
    return (-(item.newest.happened_at or item.newest.said_at).timestamp(), "", 0, "", item.id)


def _report_entry(item: Item, report: DiagnosticReport, context: Context) -> ResultEntry:
    newest = item.newest
    name = (report.code.words if report.code else "") or "Report without a name"
    text = report_text(report)
    laboratory = analytes.laboratory_of(report.performer) or context.name(newest.source)
    value = ResultValue(
        statement_id=item.id,
        text="cancelled" if newest.standing is Standing.CANCELLED else text,
        number=None,
        unit="",
        low=None,
        high=None,
        range_text="",
        flag="",
        happened_at=newest.happened_at,
        specimen="",
        laboratory=laboratory,
        standing=newest.standing,
    )
    return ResultEntry(
        id=item.id,
        heading=newest.heading,
        what=name,
        detail="" if text else "Cancelled" if newest.standing in OVER else "No values were sent",
        happened_at=newest.happened_at,
        said_at=newest.said_at,
        sources=source_names([item], context),
        marks=_marks(item, (), context),
        is_current=newest.standing not in OVER,
        statement_ids=statement_ids([item]),
        rule="One report: nothing was joined.",
        panel=name,
        latest=value,
        values=(value,),
        is_text=True,
    )
