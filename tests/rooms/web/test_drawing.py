"""What is drawn is escaped, whatever it is and wherever it comes from, and a name that is not there stops the page."""

from __future__ import annotations

import msgspec
import pytest
from jinja2 import Environment, StrictUndefined, UndefinedError
from markupsafe import Markup

from carerecord.web.drawing import ENVIRONMENT, DrawnUnescaped, upright

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "O'Brien & Sons <b>",
    "&lt;script&gt;",
    "]]><!--",
    "{{ 7 * 7 }}",
    "\x00\u2028\ud7ff\U0001f9ea",
    "",
)
SOURCE = """
{% macro line(row, extra) %}
<td title="{{ row.what }}">{{ row.what }} {{ row.notes[0] }} {{ extra ~ row.what }}</td>
{% endmacro %}
{{ line(row, "<i>") }}{% for note in row.notes %}{{ loop.index }}{{ note }}{% endfor %}
{{ row.notes|join(" <br> ") }}{{ row.made }}{{ row.count }}{{ none }}{% if row.what %}{{ row.what|upper }}{% endif %}
{% set other = row.what %}{{ other }}{% filter lower %}{{ row.what }}{% endfilter %}
"""


class Shown(msgspec.Struct, frozen=True):
    what: str
    notes: tuple[str, ...]
    made: Markup = Markup("<svg></svg>")
    count: int = 3


class Spelling(str):
    """Text of another type than str must be escaped too."""

    __slots__ = ()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_drawn_as_jinja2_itself_draws_it(text: str) -> None:
    row = Shown(what=text, notes=(text, Spelling(text)))
    usual = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    expected = usual.from_string(SOURCE).render(row=row)
    page = ENVIRONMENT.from_string(SOURCE).render(row=row)
    assert page == expected
    assert "<script" not in page
    assert "<img" not in page


def test_only_what_was_made_as_html_is_left_as_it_is() -> None:
    drawn = ENVIRONMENT.from_string("{{ value }}").render
    assert drawn(value="<b>") == "&lt;b&gt;"
    assert drawn(value=Spelling("<b>")) == "&lt;b&gt;"
    assert drawn(value=Markup("<b>")) == "<b>"
    assert drawn(value=5) == "5"


@pytest.mark.parametrize(
    "source", ["{{ row.waht }}", "{% if row.waht %}{% endif %}", "{% for x in row.waht %}{% endfor %}"]
)
def test_a_field_that_is_not_there_stops_the_page(source: str) -> None:
    with pytest.raises(AttributeError):
        ENVIRONMENT.from_string(source).render(row=Shown(what="", notes=()))


@pytest.mark.parametrize("source", ["{{ raw }}", "{{ raw.what }}", "{% if raw %}{% endif %}", "{{ rows[0].what }}"])
def test_a_name_that_is_not_there_stops_the_page(source: str) -> None:
    with pytest.raises(UndefinedError):
        ENVIRONMENT.from_string(source).render(row=Shown(what="", notes=()))


def test_nothing_can_be_drawn_unescaped() -> None:
    with pytest.raises(DrawnUnescaped, match="escaped"):
        ENVIRONMENT.from_string("{% autoescape false %}{{ what }}{% endautoescape %}")


def test_nothing_that_a_source_said_turns_around_what_stands_beside_it() -> None:
    turning = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    for sign in map(chr, turning):
        assert upright(f"<b>5{sign} mg</b><s>12</s>").decode() == "<b>5\ufffd mg</b><s>12</s>"
    kept = "<p>Ångström – “Joan’s” \u200e\u200f\u2026\u2070 שלום مرحبا 😀</p>"
    assert upright(kept).decode() == kept
