"""Is Jinja2 fast enough to draw a clinical page? Its rows against compiled row functions: same page, same HTML.

The compiled rows live here alone: they are the ruler, not the product (docs/decisions/0011-rendering.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from markupsafe import (
    _escape_inner as escape,
)  # The fastest there is: a Markup inside an f-string costs more than Jinja2.

from benchmarks.promise import Benchmark, Promise
from carerecord.web import drawing, present
from carerecord.web.views import Cell, Flagged, Frame, Letter, Panel, PanelTable, Results, Row, SummaryView
from tests import samples

FRAME = Frame(
    title="Capital Care Record", phone="020 7946 0000", reader="Dr Amara Obi, Consultant", base="/patient/made-up"
)
ROUNDS = 60
TREND_HEAD = '<th scope="col">Trend</th>'


def measure() -> dict[str, tuple[float, str]]:
    shown = samples.summary()
    assert shown.record is not None
    count = samples.statement_count(shown.record)
    view = present.summary(shown, at=samples.AT)
    assert _compiled_rows(view) == _jinja_rows(view), (
        "The two must draw the same page, or comparing them means nothing."
    )
    figures = {
        "page_us_per_statement": lambda: drawing.text("pages/summary.html", frame=FRAME, page=view),
        "present_us_per_statement": lambda: present.summary(shown, at=samples.AT),
        "rows_us_per_statement": lambda: _jinja_rows(view),
        "compiled_rows_us_per_statement": lambda: _compiled_rows(view),
    }
    note = f"{count} statements, best of {ROUNDS} rounds, processor time"
    return {name: (round(_best_seconds(work) / count * 1e6, 2), note) for name, work in figures.items()}


def _best_seconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


# --- The same rows twice ----------------------------------------------------------------------------------------------


def _jinja_rows(view: SummaryView) -> str:
    macros = drawing.ENVIRONMENT.get_template("rows.html").module
    drawn = []
    for section in view.sections:
        if section.rows:
            drawn.append(macros.lines(section.rows, section.columns, section.title))  # type: ignore[attr-defined]
        if section.letters:
            drawn.append(macros.letters(section.letters, "Read it here"))  # type: ignore[attr-defined]
        if section.results:
            drawn.append(macros.results(section.results))  # type: ignore[attr-defined]
    return "".join(drawn)


def _compiled_rows(view: SummaryView) -> str:
    drawn = []
    for section in view.sections:
        if section.rows:
            drawn.append(_lines(section.rows, section.columns, section.title))
        if section.letters:
            drawn.append(_letters(section.letters, "Read it here"))
        if section.results:
            drawn.append(_results(section.results))
    return "".join(drawn)


def _marks(marks: tuple[tuple[str, str], ...]) -> str:
    return "".join(f' <span class="cr-mark cr-mark--{tone}">{escape(word)}</span>' for tone, word in marks)


def _line(row: Row) -> str:
    disputed = (
        f'<tr class="cr-disputed"><td colspan="4"><p class="cr-conflict">{escape(row.conflict)}</p></td></tr>\n'
        if row.conflict
        else ""
    )
    return (
        f'<tr><th scope="row"><a href="entry/{escape(row.id)}">{escape(row.what)}</a>{_marks(row.marks)}</th>'
        f"<td>{escape(row.detail)}</td>"
        f'<td class="cr-when">{escape(row.when)}</td><td class="cr-from">{escape(row.sources)}</td></tr>\n{disputed}'
    )


def _lines(rows: tuple[Row, ...], columns: tuple[str, ...], caption: str) -> str:
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    return (
        f'<table class="cr-table"><caption class="nhsuk-u-visually-hidden">{escape(caption)}</caption>'
        f'<thead><tr>{heads}<th scope="col">'
        f"From</th></tr></thead><tbody>\n{''.join(map(_line, rows))}</tbody></table>\n"
    )


def _letters(letters: tuple[Letter, ...], verb: str) -> str:
    return f'<ul class="cr-letters">\n{"".join(_letter(letter, verb) for letter in letters)}</ul>\n'


def _letter(letter: Letter, verb: str) -> str:
    row = letter.row
    detail = f"{escape(row.detail)} · " if row.detail else ""
    conflict = f'<p class="cr-conflict">{escape(row.conflict)}</p>' if row.conflict else ""
    file = (
        f'<p class="cr-letter__file"><a href="document/{escape(letter.document)}">Open this letter '
        f"({escape(letter.document_kind)})</a></p>\n"
        if letter.document
        else ""
    )
    words = f'<div class="cr-words">{escape(letter.text)}</div>' if letter.text else ""
    if words and verb:
        hidden = f'<span class="nhsuk-u-visually-hidden">: {escape(row.what)}, {escape(row.when)}</span>'
        words = f'<details class="cr-more"><summary>{verb}{hidden}</summary>{words}</details>'
    return (
        f'<li><p class="cr-letter"><a href="entry/{escape(row.id)}">{escape(row.what)}</a>{_marks(row.marks)} '
        f'<span class="cr-letter__about">{detail}{escape(row.when)} · {escape(row.sources)}</span></p>{conflict}{file}'
        f"{words + chr(10) if words else ''}</li>\n"
    )


def _cell(cell: Cell) -> str:
    value = f"<s>{escape(cell.text)}</s>" if cell.is_struck else f"<b>{escape(cell.text)}</b>"
    flag = f' <span class="cr-flag cr-flag--{cell.tone}">{escape(cell.flag)}</span>' if cell.flag else ""
    note = f'<span class="cr-about">{escape(cell.note)}</span>' if cell.note else ""
    return value + flag + note


def _panel_table(table: PanelTable, caption: str, has_trend: bool) -> str:
    heads = "".join(f'<th scope="col">{escape(at)}</th>' for at in table.times)
    drawn = []
    for row in table.rows:
        conflict = f'<p class="cr-conflict">{escape(row.conflict)}</p>' if row.conflict else ""
        cells = "".join(f"<td>{''.join(map(_cell, cells))}</td>" for cells in row.cells)
        drawn.append(
            f'<tr><th scope="row"><a href="entry/{escape(row.id)}">{escape(row.what)}</a>{_marks(row.marks)}'
            f'<span class="cr-about">'
            f"{escape(row.about)}</span>{conflict}</th>{f'<td>{row.trend}</td>' if has_trend else ''}{cells}</tr>\n"
        )
    return (
        f'<div class="cr-scroll"><table class="cr-table cr-table--results"><caption class="nhsuk-u-visually-hidden">'
        f'{escape(caption)}</caption><thead><tr><th scope="col">Test</th>{TREND_HEAD if has_trend else ""}'
        f"{heads}</tr></thead><tbody>\n{''.join(drawn)}</tbody></table></div>\n"
    )


def _panel(panel: Panel) -> str:
    earlier = ""
    if panel.earlier:
        times = "time" if panel.earlier_count == 1 else "times"
        tables = "".join(
            _panel_table(table, f"{panel.title}, {table.times[-1]} to {table.times[0]}", False) + "\n"
            for table in panel.earlier
        )
        earlier = (
            f'<details class="cr-more"><summary>{escape(panel.title)}: earlier values, '
            f"{panel.earlier_count} more {times}</summary>\n"
            f"{tables}</details>\n"
        )
    return (
        f'<h3 id="{panel.anchor}">{escape(panel.title)} <span class="cr-origin">{escape(panel.origin)}</span></h3>\n'
        f"{_panel_table(panel.newest, panel.title, True)}\n{earlier}"
    )


def _flagged(result: Flagged) -> str:
    value = f"<b>{escape(result.value)}</b> " if result.value else ""
    about = f", {escape(result.about)}" if result.about else ""
    return (
        f'<li><a href="entry/{escape(result.id)}">{escape(result.what)}</a> {value}'
        f'<span class="cr-flag cr-flag--{result.tone}">'
        f'{escape(result.flag)}</span> <span class="cr-about"><span class="cr-when">{escape(result.when)}</span>'
        f"{about}</span></li>\n"
    )


def _results(results: Results) -> str:
    flagged = ""
    if results.flagged:
        listed = "".join(map(_flagged, results.flagged))
        flagged = f'<h3>Flagged by the laboratory</h3>\n<ul class="cr-flagged">\n{listed}</ul>\n'
    texts = f"<h3>Reports in words</h3>\n{_letters(results.texts, '')}\n" if results.texts else ""
    return flagged + "".join(map(_panel, results.panels)) + texts


BENCHMARK = Benchmark(
    promises=(
        Promise(
            name="page_us_per_statement",
            area="skeleton",
            says="Drawing the whole summary, µs of processor time per statement.",
        ),
        Promise(
            name="present_us_per_statement",
            area="skeleton",
            says="Making plain values for it, µs of processor time per statement.",
        ),
        Promise(
            name="rows_us_per_statement",
            area="skeleton",
            says="Of that page its clinical rows alone, by Jinja2, µs per statement.",
        ),
        Promise(
            name="compiled_rows_us_per_statement",
            area="skeleton",
            says="The same rows by compiled functions, µs per statement.",
        ),
    ),
    measure=measure,
)
