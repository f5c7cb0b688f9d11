"""Results: one line for each analyte of one laboratory, unit, specimen and method; values never joined across those."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime
from operator import itemgetter

import msgspec

from carerecord.fhir.cut import read_alike_reports
from carerecord.fhir.resources import DiagnosticReport, read_report
from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation import analytes
from carerecord.reconciliation.analytes import Analyte
from carerecord.reconciliation.entries import Mark, ResultEntry, ResultValue
from carerecord.reconciliation.letters import attachment_text
from carerecord.reconciliation.values import detail_words
from carerecord.reconciliation.versions import OVER, Context, Item, source_names, statement_id, statement_ids

# One Observation with its value, read once; in front, what puts values of one line in order: when it happened, when it
# was said, its id. A plain tuple, because there are hundreds, and tuples are compared without a line of Python.
_Read = tuple[datetime, datetime, str, Item, Analyte, ResultValue, bool]


class _Line(msgspec.Struct, gc=False):
    """What will stand on one line, and the reports that stand behind it."""

    reads: list[_Read]
    reports: list[Item]


class _Report(msgspec.Struct, gc=False):
    """A report with what it says, and which results it names in which order."""

    item: Item
    said: DiagnosticReport
    result_ids: list[str]


_Homes = dict[str, dict[str, _Line]]  # source, local id: the line a result stands on
_Panels = dict[str, dict[str, _Report]]  # the same: the newest report that names it


def entries(items: Sequence[Item], context: Context) -> tuple[ResultEntry, ...]:
    homes: _Homes = {}
    reports: list[_Report] = []
    lines: dict[Hashable, _Line] = {}
    alike: dict[tuple[str, int, str, bool], _Line] = {}
    for item in items:
        newest = item.newest
        source = newest.source
        if newest.resource_type == "DiagnosticReport":
            reports.append(_read_report(item))
            continue
        read = _read(item, newest, context, id=item.id)
        _, _, _, _, analyte, value, is_words = read
        # Values share their analyte, one and the same as long as a read holds it: what it stands for is asked once.
        likeness = (source, id(analyte), value.unit, is_words)
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
    return tuple([entry for _, entry in listed])


def _read_report(item: Item) -> _Report:
    if (cut := item.newest.cut) is not None:
        return _Report(item, read_alike_reports(cut[0]), cut[1].split())
    said = read_report(item.newest.body)
    return _Report(item, said, [each.local_id for each in said.result])


def _read(
    item: Item, statement: StoredStatement, context: Context, *, id: str, superseded_by: str | None = None
) -> _Read:
    analyte, text, number, unit, is_words, note = analytes.read(statement)
    standing, happened_at = statement.standing, statement.happened_at
    value = ResultValue(
        id,
        "cancelled" if standing is Standing.CANCELLED and number is None else text,
        number,
        unit,
        analyte.low,
        analyte.high,
        analyte.range_text,
        analyte.flag,
        happened_at,
        analyte.specimen,
        analyte.laboratory or context.name(item.newest.source),
        standing,
        superseded_by,
        note,
    )
    return happened_at or statement.said_at, statement.said_at, id, item, analyte, value, is_words


def _key(read: _Read) -> Hashable:
    """What may stand on one line. Anything that differs here makes another line (correction 11)."""
    _, _, id, item, analyte, value, is_words = read
    source = item.newest.source
    if analyte.key is None:
        return (source, id)
    return (source, value.laboratory, analyte.key or id, value.unit, analyte.specimen, analyte.method, is_words)


def _panels(reports: Sequence[_Report]) -> _Panels:
    panels: _Panels = {}
    for report in reversed(reports):  # Items come newest first: the newest report names the panel.
        panels.setdefault(report.item.newest.source, {}).update(dict.fromkeys(report.result_ids, report))
    return panels


def _place(reports: Sequence[_Report], homes: _Homes) -> list[_Report]:
    """A report stands behind the line of its first result; with words of its own, or no result, it is its own line."""
    alone = []
    for report in reports:
        home = homes.get(report.item.newest.source, {})
        first = None
        for id_ in report.result_ids:
            if (first := home.get(id_)) is not None:
                break
        if first is None or report_text(report.said):
            alone.append(report)
        else:
            first.reports.append(report.item)
    return alone


def report_text(report: DiagnosticReport) -> str:
    if not (report.presentedForm or report.extension):
        return report.conclusion
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
        values.append(read[5])
        if read[3].older:
            values += _corrected(read, context)
    shown = next((read for read in reads if read[5].standing not in OVER), reads[0])
    _, _, id, item, analyte, latest, is_words = shown
    newest = item.newest
    panel = panels.get(newest.source, {}).get(newest.local_id)
    listed = [item, *[read[3] for read in reads if read is not shown], *line.reports]
    what = analyte.name or "Result without a name"
    panel_name = panel.said.code.words if panel and panel.said.code else ""
    entry = ResultEntry(
        id=id,
        heading=newest.heading,
        what=what,
        detail=detail_words(latest),
        happened_at=newest.happened_at,
        said_at=newest.said_at,
        sources=(context.name(newest.source),),
        marks=_marks(item, values, context),
        is_current=newest.standing not in OVER,
        statement_ids=statement_ids(listed),
        rule=_rule(reads),
        panel=panel_name,
        latest=latest,
        values=tuple(values),
        is_text=is_words,
    )
    of = panel.item.newest if panel else newest
    position = panel.result_ids.index(newest.local_id) if panel else 0
    return (-(of.happened_at or of.said_at).timestamp(), panel_name, position, what, id), entry


_newest_value_first = itemgetter(0, 1, 2)


def _rule(reads: Sequence[_Read]) -> str:
    if len(reads) == 1:
        return "One value: nothing was joined."
    return "Values of one laboratory with the same code, unit, specimen and method."


def _corrected(read: _Read, context: Context) -> list[ResultValue]:
    """The values that the one which stands has corrected, each named as superseded by it."""
    _, _, _, item, _, now, _ = read
    corrected = []
    shown = {(now.text, now.unit)}
    for statement in item.older:
        # A preliminary value that the final one confirms or replaces was never more than preliminary: it stays in the
        # receipt. Struck through is what once stood as a result and no longer does.
        if statement.standing is Standing.PRELIMINARY or statement.version == item.newest.version:
            continue
        value = _read(item, statement, context, id=statement_id(item, statement), superseded_by=item.id)[5]
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
