"""Small pictures of results: what is drawn, and above all what is not."""

import re
from datetime import timedelta
from xml.etree import ElementTree

import msgspec

from carerecord.model import Standing
from carerecord.web.trends import trend
from tests import samples

SODIUM = samples.record().results[0].values
replace = msgspec.structs.replace


def shapes(drawn: str) -> list[str]:
    return [element.tag for element in picture(drawn)]


def picture(drawn: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<td>{drawn}</td>")[0]


def test_a_trend_has_a_band_a_line_and_a_point_for_each_value() -> None:
    values = tuple(replace(value, flag="") for value in SODIUM)
    assert shapes(trend(values)) == ["rect", "polyline", *["circle"] * len(values)]


def test_a_flagged_value_has_another_shape_and_not_only_another_colour() -> None:
    assert shapes(trend((replace(SODIUM[0], flag="high"), replace(SODIUM[1], flag="")))) == [
        "rect",
        "polyline",
        "circle",
        "path",
    ]


def test_one_value_alone_has_no_trend() -> None:
    assert trend(SODIUM[:1]) == trend(()) == ""


def test_nothing_is_drawn_across_units() -> None:
    assert trend((SODIUM[0], replace(SODIUM[1], unit="mg/L"))) == ""


def test_the_band_is_left_out_when_ranges_differ() -> None:
    assert "rect" not in shapes(trend((SODIUM[0], replace(SODIUM[1], high=150.0))))


def test_bounds_corrected_and_withdrawn_values_are_not_points() -> None:
    odd = (
        replace(SODIUM[2], text="<5"),
        replace(SODIUM[3], superseded_by="x"),
        replace(SODIUM[4], standing=Standing.ENTERED_IN_ERROR),
        replace(SODIUM[5], happened_at=None),
        replace(SODIUM[6], number=None),
    )
    assert trend((*SODIUM[:2], *odd)) == trend(SODIUM[:2])


def test_a_one_sided_range_reaches_to_the_edge() -> None:
    drawn = trend(tuple(replace(value, low=None) for value in SODIUM[:3]))
    band = picture(drawn)[0]
    assert int(band.get("y", "0")) + int(band.get("height", "0")) == 340


def test_values_that_are_all_alike_and_at_one_time_still_draw() -> None:
    assert shapes(trend((SODIUM[0], SODIUM[0])))


def test_a_trend_needs_no_style_and_says_in_words_what_it_spans() -> None:
    drawn = trend(SODIUM)
    assert "style" not in drawn
    assert re.search(r'aria-label="Trend of 20 values".*>02–21-Nov-2026<', drawn)


def test_the_days_of_one_stay_are_drawn_alone_when_the_values_before_them_are_years_older() -> None:
    old = tuple(replace(SODIUM[4], happened_at=SODIUM[4].happened_at - timedelta(days=days)) for days in (400, 900))
    assert trend((*SODIUM[:3], *old)) == trend(SODIUM[:3])
    assert ">20-Nov-2026<" not in trend((*SODIUM[:2], *old))  # Two are too few to stand alone.
    assert "Trend of 4 values" in trend((*SODIUM[:2], *old))


def test_of_two_figures_the_one_that_is_drawn_is_named() -> None:
    pressures = tuple(replace(value, text="150/77", number=150.0) for value in SODIUM[:2])
    assert '<span class="cr-about">systolic, ' in trend(pressures)
    assert "systolic" not in trend(SODIUM[:2])
