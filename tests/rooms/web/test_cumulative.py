"""Cumulative results: every value on the page, each with what is its own."""

import re
from datetime import timedelta

import msgspec

from carerecord.disclosure import ResultEntry
from carerecord.model import Standing
from carerecord.web import cumulative
from carerecord.web.views import Cell, Panel
from tests import samples

RESULTS = samples.record().results
replace = msgspec.structs.replace


def cells(panel: Panel, what: str) -> list[Cell]:
    tables = (panel.newest, *panel.earlier)
    return [
        cell for table in tables for row in table.rows if row.what == what for column in row.cells for cell in column
    ]


def panel_of(title: str) -> Panel:
    return next(panel for panel in cumulative.present(RESULTS).panels if panel.title == title)


def test_every_value_of_every_current_result_is_in_the_tables() -> None:
    shown = cumulative.present(RESULTS)
    drawn = sum(
        len(column)
        for panel in shown.panels
        for table in (panel.newest, *panel.earlier)
        for row in table.rows
        for column in row.cells
    )
    assert drawn == sum(len(entry.values) for entry in RESULTS if entry.is_current and not entry.is_text)


def test_columns_are_newest_first_and_older_ones_are_in_tables_of_their_own() -> None:
    panel = panel_of("Urea and electrolytes")
    assert panel.newest.times[:2] == ("21-Nov-2026 06:40", "20-Nov-2026 06:40")
    assert len(panel.newest.times) == cumulative.COLUMNS_MAX
    assert panel.earlier_count == 15
    assert panel.earlier[-1].times[-1] == "02-Nov-2026 06:40"


def test_the_same_panel_of_two_laboratories_is_two_panels() -> None:
    origins = [panel.origin for panel in cumulative.present(RESULTS).panels if panel.title == "Troponin"]
    assert origins == ["Riverside Pathology, Royal Riverside", "St Agnes laboratory, St Agnes Heart Centre"]


def test_a_corrected_value_is_struck_through_beside_its_correction() -> None:
    now, before = cells(panel_of("Urea and electrolytes"), "Potassium")[:2]
    assert (now.text, now.is_struck, now.note, now.flag) == ("6.1", False, "corrected", "↑ critically high")
    assert (before.text, before.is_struck, before.note) == ("5.6", True, "since corrected")


def test_a_value_whose_range_unit_or_specimen_differs_says_so_itself() -> None:
    sodium = RESULTS[0]
    odd = replace(
        sodium.values[1], range_text="130–150", unit="meq/L", specimen="plasma", standing=Standing.PRELIMINARY
    )
    entry = replace(sodium, values=(sodium.values[0], odd))
    (panel,) = cumulative.present((entry,)).panels
    assert cells(panel, "Sodium")[1].note == "meq/L, range 130–150, plasma, preliminary"


def test_a_value_without_a_time_says_that_none_was_sent() -> None:
    value = replace(RESULTS[0].latest, happened_at=None)
    (panel,) = cumulative.present((replace(RESULTS[0], latest=value, values=(value,)),)).panels
    assert panel.newest.times == ("time not sent",)


def test_what_the_laboratory_flagged_stands_first_with_its_range_and_laboratory() -> None:
    first = cumulative.present(RESULTS).flagged[0]
    assert (first.what, first.value, first.flag) == ("Potassium", "6.1 mmol/L", "↑ critically high")
    assert (first.when, first.about) == ("21-Nov-2026 06:40", "range 3.5–5.3, serum, Riverside Pathology")


def test_what_a_laboratory_called_critical_is_never_behind_what_it_called_high() -> None:
    """The heading of a closed section names one: it was the first of the alphabet."""
    sodium = RESULTS[0]

    def flagged(what: str, flag: str, days: int) -> ResultEntry:
        at = sodium.latest.happened_at
        assert at is not None
        value = replace(sodium.latest, flag=flag, happened_at=at - timedelta(days=days))
        return replace(sodium, id=what, what=what, latest=value, values=(value,))

    shown = cumulative.present(
        (
            flagged("C reactive protein", "high", 0),
            flagged("Albumin", "low", 300),
            flagged("Bilirubin", "high", 1),
            flagged("Potassium", "critically high", 2),
        )
    )
    assert [each.what for each in shown.flagged] == ["Potassium", "C reactive protein", "Bilirubin", "Albumin"]
    assert shown.gist.startswith("Potassium ")
    assert shown.gist.endswith("; 3 more flagged")


def test_a_report_in_words_is_given_in_full() -> None:
    culture = next(text for text in cumulative.present(RESULTS).texts if text.row.what == "Blood culture")
    assert culture.text.startswith("Aerobic bottle: no growth after 48 hours.\nAnaerobic")


def test_a_report_without_words_says_that_nothing_was_sent() -> None:
    empty = next(entry for entry in RESULTS if entry.is_text)
    value = replace(empty.latest, text="")
    (text,) = cumulative.present((replace(empty, detail="No values were sent", latest=value, values=(value,)),)).texts
    assert text.row.detail.startswith("No values were sent")


def test_cancelled_results_are_not_among_the_current_ones() -> None:
    assert not re.search("D-dimer", str(cumulative.present(RESULTS)))


def test_an_observation_without_a_value_is_no_empty_cell() -> None:
    """ "Ex-smoker" is said whole by its name: an empty cell beside it would read as never said."""
    entry = next(entry for entry in RESULTS if entry.is_current and not entry.is_text)
    silent = replace(entry.latest, text="", unit="", flag="")
    shown = cumulative.present((replace(entry, what="Ex-smoker", latest=silent, values=(silent,)),))
    assert [cell.text for cell in cells(shown.panels[0], "Ex-smoker")] == ["recorded"]
