"""Results as the cumulative tables a ward knows: a row for each test, a column for each time, newest first. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from carerecord.disclosure import ResultEntry, ResultValue
from carerecord.model import Standing
from carerecord.web import words
from carerecord.web.trends import NOTHING, trend
from carerecord.web.views import Cell, Flagged, Letter, Panel, PanelRow, PanelTable, Results, Row

COLUMNS_MAX = 5
# Said without a value ("Ex-smoker"): an empty cell would read as never said.
NO_VALUE = "recorded"
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def present(entries: tuple[ResultEntry, ...]) -> Results:
    """Current results: those the laboratory flagged, then every panel in full.

    A test is never joined across laboratory, unit or method: each such entry keeps a row of its own.
    """
    panels: dict[tuple[str, str, str], list[ResultEntry]] = {}
    texts: list[ResultEntry] = []
    flagged: list[ResultEntry] = []
    for entry in entries:
        if not entry.is_current:
            continue
        if entry.is_text:
            texts.append(entry)
        else:
            panels.setdefault(
                (entry.panel, entry.latest.laboratory, entry.sources[0] if entry.sources else ""), []
            ).append(entry)
        if entry.latest.flag:
            flagged.append(entry)
    flagged.sort(key=_urgency)
    return Results(
        count=sum(map(len, panels.values())) + len(texts),
        gist=_gist(flagged, entries),
        flagged=tuple(_flagged(entry) for entry in flagged),
        panels=tuple(_panel(number, key, group) for number, (key, group) in enumerate(panels.items(), start=1)),
        texts=tuple(text_of(entry) for entry in texts),
    )


def spoken(value: ResultValue) -> str:
    """6.1 mmol/L ↑ high (3.5–5.3)."""
    about = f" ({value.range_text})" if value.range_text else ""
    return (
        f"{value.text}{' ' + value.unit if value.unit else ''}{' ' + words.flag(value)[1] if value.flag else ''}{about}"
    )


def _urgency(entry: ResultEntry) -> tuple[bool, float]:
    """What a laboratory called critical first, then the newest: a closed heading has room for one."""
    at = entry.latest.happened_at or _NEVER
    return words.flag(entry.latest)[0] != "critical", -at.timestamp()


def _gist(flagged: list[ResultEntry], entries: tuple[ResultEntry, ...]) -> str:
    if flagged:
        first = flagged[0]
        figure = "" if first.is_text else f"{first.latest.text} {first.latest.unit}".rstrip()
        told = " ".join(part for part in (first.what, figure, words.flag(first.latest)[1]) if part)
        return _joined(told, _when(first.latest)) + (f"; {len(flagged) - 1} more flagged" if len(flagged) > 1 else "")
    newest = next((entry for entry in entries if entry.is_current), None)
    return f"None flagged; newest {newest.what}, {_when(newest.latest)}" if newest else ""


def _flagged(entry: ResultEntry) -> Flagged:
    latest = entry.latest
    tone, said = words.flag(latest)
    range_text = f"range {latest.range_text}" if latest.range_text else ""
    return Flagged(
        entry.id,
        entry.what,
        "" if entry.is_text else f"{latest.text} {latest.unit}".rstrip(),
        tone,
        said,
        _joined(range_text, latest.specimen, latest.laboratory),
        _when(latest),
    )


def text_of(entry: ResultEntry) -> Letter:
    latest = entry.latest
    older = [value for value in entry.values if value is not latest]
    said = [latest.text, *(f"{_joined(_when(value), _became(value))}:\n{value.text}" for value in older)]
    line = Row(
        entry.id,
        entry.what,
        _joined("" if latest.text else entry.detail, words.flag(latest)[1], latest.specimen, latest.laboratory),
        _when(latest),
        words.names(entry.sources),
        tuple(words.MARKS[mark] for mark in entry.marks),
        entry.conflict or "",
    )
    return Letter(row=line, text="\n\n".join(said), document="", document_kind="")


def _panel(number: int, key: tuple[str, str, str], entries: list[ResultEntry]) -> Panel:
    title, laboratory, source = key
    times = sorted({value.happened_at or _NEVER for entry in entries for value in entry.values}, reverse=True)
    newest, *earlier = _tables(entries, times)
    return Panel(
        f"panel-{number}",
        title or "Other tests",
        ", ".join(dict.fromkeys(part for part in (laboratory, source) if part)),
        newest,
        tuple(earlier),
        max(len(times) - COLUMNS_MAX, 0),
    )


def _tables(entries: list[ResultEntry], times: list[datetime]) -> list[PanelTable]:
    """The panel cut into tables of a few columns. A test that was not done in the columns of an earlier table needs no
    row there, but every test has one in the newest."""
    starts = range(0, len(times), COLUMNS_MAX)
    columns = {at: column for column, at in enumerate(times)}
    rows: list[list[PanelRow]] = [[] for _ in starts]
    for entry in entries:
        cells: list[tuple[Cell, ...]] = [()] * len(times)
        latest = entry.latest
        for value in entry.values:
            cells[columns[value.happened_at or _NEVER]] += (_cell(value, latest),)
        about = _about(latest)
        for table, start in enumerate(starts):
            part = tuple(cells[start : start + COLUMNS_MAX])
            if table == 0:
                marks = tuple(words.MARKS[mark] for mark in entry.marks)
                row = PanelRow(entry.id, entry.what, about, trend(entry.values), part, marks, entry.conflict or "")
                rows[0].append(row)
            elif any(part):
                rows[table].append(PanelRow(entry.id, entry.what, about, NOTHING, part, (), ""))
    said = ["time not sent" if at is _NEVER else words.moment(at) for at in times]
    return [
        PanelTable(tuple(said[start : start + COLUMNS_MAX]), tuple(rows[table])) for table, start in enumerate(starts)
    ]


def _about(latest: ResultValue) -> str:
    about = " ".join(part for part in (latest.range_text, latest.unit) if part)
    return f"{about} · {latest.specimen}" if latest.specimen and about else about or latest.specimen


def _cell(value: ResultValue, latest: ResultValue) -> Cell:
    tone, said = words.flag(value) if value.flag else ("", "")
    is_struck = value.superseded_by is not None or value.standing in words.OVER
    # Every value keeps its own unit, range and specimen: they are repeated only where they are not those of the row.
    if (
        not is_struck
        and value.standing is Standing.CURRENT
        and value.unit == latest.unit
        and value.range_text == latest.range_text
        and value.specimen == latest.specimen
    ):
        return Cell(value.text or NO_VALUE, tone, said, "", False)
    notes = []
    if value.unit != latest.unit:
        notes.append(value.unit)
    if value.range_text != latest.range_text:
        notes.append(f"range {value.range_text}" if value.range_text else "no range sent")
    if value.specimen != latest.specimen:
        notes.append(value.specimen or "specimen not sent")
    if became := _became(value):
        notes.append(became)
    return Cell(value.text or NO_VALUE, tone, said, ", ".join(notes), is_struck)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _became(value: ResultValue) -> str:
    if value.superseded_by is not None:
        return "since corrected"
    if value.standing in (Standing.CURRENT, Standing.RESOLVED):
        return ""
    return words.STANDINGS[value.standing].partition(":")[0].lower()


def _when(value: ResultValue) -> str:
    return words.moment(value.happened_at) if value.happened_at else "time not sent"
