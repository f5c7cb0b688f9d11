"""Results: one line for each analyte of one laboratory, unit, specimen and method; values never joined across those."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import msgspec

from carerecord.fhir.resources import DiagnosticReport, Observation, read_report
from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation import analytes
from carerecord.reconciliation.analytes import Analyte
from carerecord.reconciliation.entries import Mark, ResultEntry, ResultValue
from carerecord.reconciliation.letters import attachment_text
from carerecord.reconciliation.values import Said, detail_words
from carerecord.reconciliation.versions import OVER, Context, Item, source_names, statement_id, statement_ids

Place = tuple[str, str]  # (source, local id)


class _Read(msgspec.Struct, gc=False):
    """One Observation with its value, read once."""

    item: Item
    analyte: Analyte
    said: Said
    note: str
    laboratory: str


class _Panel(msgspec.Struct, gc=False):
    """Which report a result belongs to: its name, its time, and the result's place in it."""

    name: str
    at: float
    position: int


def entries(items: Sequence[Item], context: Context) -> tuple[ResultEntry, ...]:
    series: dict[Hashable, list[_Read]] = {}
    home: dict[Place, Hashable] = {}
    reports: list[tuple[Item, DiagnosticReport]] = []
    for item in items:
        newest = item.newest
        if newest.resource_type == "DiagnosticReport":
            reports.append((item, read_report(newest.body)))
            continue
        analyte, said, note = analytes.read(newest.body)
        read = _Read(item, analyte, said, note, analyte.laboratory or context.name(newest.source))
        key = _series(read)
        home[(newest.source, newest.local_id)] = key
        series.setdefault(key, []).append(read)
    panels = _panels(reports)
    beside, alone = _place(reports, home)
    listed = [_series_entry(reads, beside.get(key, []), panels, context) for key, reads in series.items()]
    listed += [(_report_order(item), _report_entry(item, report, context)) for item, report in alone]
    listed.sort(key=lambda pair: pair[0])
    return tuple(entry for _, entry in listed)


def _series(read: _Read) -> Hashable:
    """What may stand on one line. Anything that differs here makes another line (correction 11)."""
    analyte, source = read.analyte, read.item.newest.source
    if analyte.key is None:
        return (source, read.item.id)
    return (
        source,
        read.laboratory,
        analyte.key or read.item.id,
        read.said.unit,
        analyte.specimen,
        analyte.method,
        read.said.is_words,
    )


def _panels(reports: Sequence[tuple[Item, DiagnosticReport]]) -> dict[Place, _Panel]:
    panels: dict[Place, _Panel] = {}
    for item, report in reversed(reports):  # Items come newest first: the newest report names the panel.
        name = report.code.words if report.code else ""
        at = (item.newest.happened_at or item.newest.said_at).timestamp()
        for position, result in enumerate(report.result):
            panels[(item.newest.source, result.local_id)] = _Panel(name, at, position)
    return panels


def _place(
    reports: Sequence[tuple[Item, DiagnosticReport]], home: dict[Place, Hashable]
) -> tuple[dict[Hashable, list[Item]], list[tuple[Item, DiagnosticReport]]]:
    """A report stands behind the line of its first result; with words of its own, or no result, it is its own line."""
    beside: dict[Hashable, list[Item]] = {}
    alone = []
    for item, report in reports:
        first = next(
            (home[place] for result in report.result if (place := (item.newest.source, result.local_id)) in home), None
        )
        if first is None or report_text(report):
            alone.append((item, report))
        else:
            beside.setdefault(first, []).append(item)
    return beside, alone


def report_text(report: DiagnosticReport) -> str:
    # R4 gives a report no note of its own; the extension is R5's, as HL7 writes it in R4.
    texts = [report.conclusion, *(each.valueAnnotation.text for each in report.extension if each.valueAnnotation)]
    texts += [attachment_text(form) for form in report.presentedForm if form.contentType.startswith("text/plain")]
    return "\n".join(text for text in texts if text)


def _series_entry(
    reads: list[_Read], reports: Sequence[Item], panels: dict[Place, _Panel], context: Context
) -> tuple[tuple[object, ...], ResultEntry]:
    if len(reads) > 1:
        reads.sort(key=_newest_value_first, reverse=True)
    values: list[ResultValue] = []
    for read in reads:
        values += _values(read, context)
    shown = next((read for read in reads if read.item.newest.standing not in OVER), reads[0])
    latest = next(value for value in values if value.statement_id == shown.item.id)
    newest = shown.item.newest
    panel = panels.get((newest.source, newest.local_id))
    listed = [shown.item, *(read.item for read in reads if read is not shown), *reports]
    what = shown.analyte.name or "Result without a name"
    entry = ResultEntry(
        id=shown.item.id,
        heading=newest.heading,
        what=what,
        detail=detail_words(latest),
        happened_at=newest.happened_at,
        said_at=newest.said_at,
        sources=(context.name(newest.source),),
        marks=_marks(shown.item, values, latest, context),
        is_current=newest.standing not in OVER,
        statement_ids=statement_ids(listed),
        rule=_rule(reads),
        panel=panel.name if panel else "",
        latest=latest,
        values=tuple(values),
        is_text=shown.said.is_words,
    )
    at = panel.at if panel else (newest.happened_at or newest.said_at).timestamp()
    return (-at, entry.panel, panel.position if panel else 0, what, entry.id), entry


def _newest_value_first(read: _Read) -> tuple[object, ...]:
    newest = read.item.newest
    return (newest.happened_at or newest.said_at, newest.said_at, read.item.id)


def _rule(reads: Sequence[_Read]) -> str:
    if len(reads) == 1:
        return "One value: nothing was joined."
    return "Values of one laboratory with the same code, unit, specimen and method."


def _values(read: _Read, context: Context) -> list[ResultValue]:
    """The value that stands, then those of the same item that it corrected, each named as superseded by it."""
    item = read.item
    now = _value(item.newest, read, statement_id=item.id)
    if not item.older:
        return [now]
    values = [now]
    shown = {(now.text, now.unit)}
    for statement in item.older:
        # A preliminary value that the final one confirms or replaces was never more than preliminary: it stays in the
        # receipt. Struck through is what once stood as a result and no longer does.
        if statement.standing is Standing.PRELIMINARY or statement.version == item.newest.version:
            continue
        analyte, said, note = analytes.read(statement.body)
        if (said.text, said.unit) in shown or not said.text:
            continue
        shown.add((said.text, said.unit))
        values.append(
            _value(
                statement,
                _Read(item, analyte, said, note, analyte.laboratory or context.name(item.newest.source)),
                statement_id=statement_id(item, statement),
                superseded_by=item.id,
            )
        )
    return values


def _value(
    statement: StoredStatement, read: _Read, *, statement_id: str, superseded_by: str | None = None
) -> ResultValue:
    analyte, said = read.analyte, read.said
    return ResultValue(
        statement_id=statement_id,
        text="cancelled" if statement.standing is Standing.CANCELLED and said.number is None else said.text,
        number=said.number,
        unit=said.unit,
        low=analyte.low,
        high=analyte.high,
        range_text=analyte.range_text,
        flag=analyte.flag,
        happened_at=statement.happened_at,
        specimen=analyte.specimen,
        laboratory=read.laboratory,
        standing=statement.standing,
        superseded_by=superseded_by,
        note=read.note,
    )


def _marks(item: Item, values: Sequence[ResultValue], latest: ResultValue, context: Context) -> tuple[Mark, ...]:
    standing = item.newest.standing
    if standing is Standing.ENTERED_IN_ERROR:
        return (Mark.ENTERED_IN_ERROR,)
    if standing is Standing.CANCELLED:
        return (Mark.CANCELLED,)
    marks = []
    if context.is_new(item):
        marks.append(Mark.NEW)
    if standing is Standing.CORRECTED or any(value.superseded_by == latest.statement_id for value in values):
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
    read = _Read(item, analytes.analyte_of(Observation()), Said(text, None, "", True), "", laboratory)
    value = _value(newest, read, statement_id=item.id)
    return ResultEntry(
        id=item.id,
        heading=newest.heading,
        what=name,
        detail="" if text else "Cancelled" if newest.standing in OVER else "No values were sent",
        happened_at=newest.happened_at,
        said_at=newest.said_at,
        sources=source_names([item], context),
        marks=_marks(item, (), value, context),
        is_current=newest.standing not in OVER,
        statement_ids=statement_ids([item]),
        rule="One report: nothing was joined.",
        panel=name,
        latest=value,
        values=(value,),
        is_text=True,
    )
