"""One analyte's values as a small picture with its reference band: the table beside it says the same in numbers. Pure.

Drawn with attributes and classes only: it lives under a policy that forbids inline styles, prints, needs no script.
"""

from __future__ import annotations

from datetime import timedelta

from markupsafe import Markup

from carerecord.disclosure import ResultValue
from carerecord.web import words

# In tenths of a pixel: whole numbers are drawn as sharply and written faster.
WIDTH, HEIGHT, EDGE = 1200, 340, 50
RECENT = timedelta(days=30)
RECENT_VALUES_MIN = 3


def trend(values: tuple[ResultValue, ...]) -> Markup:
    """The picture of values newest first; nothing when fewer than two can be placed in time.

    Never across units: if they disagree nothing is drawn. The band is drawn only when every value came with the same
    range, because a band that holds for some of the points would misjudge the others.
    """
    drawn = _recent(_drawable(values))
    if len(drawn) < 2:
        return NOTHING
    first, last = drawn[0], drawn[-1]
    unit, low, high = first.unit, first.low, first.high
    has_one_range = True
    for value in drawn:
        if value.unit != unit:
            return NOTHING
        if value.low != low or value.high != high:
            has_one_range = False
    if not has_one_range:
        low = high = None
    numbers = [value.number or 0.0 for value in drawn]
    seconds = [value.happened_at.timestamp() if value.happened_at else 0.0 for value in drawn]
    reach = [*numbers, *(bound for bound in (low, high) if bound is not None)]
    bottom, since = min(reach), seconds[0]
    across = (WIDTH - 2 * EDGE) / ((seconds[-1] - since) or 1.0)
    up = (HEIGHT - 2 * EDGE) / ((max(reach) - bottom) or 1.0)
    line, marks = [], []
    for value, number, second in zip(drawn, numbers, seconds, strict=True):
        x, y = EDGE + int((second - since) * across), HEIGHT - EDGE - int((number - bottom) * up)
        line.append(f"{x},{y}")
        # A flagged value has another shape as well as another colour.
        if value.flag:
            marks.append(f'<path d="M{x} {y - 45}l45 45l-45 45l-45 -45z"/>')
        else:
            marks.append(f'<circle cx="{x}" cy="{y}" r="25"/>')
    # A one-sided range reaches to the edge of the picture.
    top_of_band = 0 if high is None else HEIGHT - EDGE - int((high - bottom) * up)
    end_of_band = HEIGHT if low is None else HEIGHT - EDGE - int((low - bottom) * up)
    band = ""
    if low is not None or high is not None:
        band = f'<rect y="{top_of_band}" width="{WIDTH}" height="{max(end_of_band - top_of_band, 5)}"/>'
    return Markup(  # noqa: S704 - numbers and dates of our own writing only.
        f'<svg class="cr-trend" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH // 10}" height="{HEIGHT // 10}" '
        f'role="img" aria-label="Trend of {len(drawn)} values">{band}<polyline points="{" ".join(line)}"/>'
        f'{"".join(marks)}</svg><span class="cr-about">{_of_pair(last)}'
        f"{words.period(first.happened_at, last.happened_at)}</span>"
    )


def _of_pair(value: ResultValue) -> str:
    """A blood pressure is written as two figures and drawn as one: which, is said."""
    return "systolic, " if "/" in value.text else ""


def _drawable(values: tuple[ResultValue, ...]) -> list[ResultValue]:
    """Oldest first. A value written "<5" has a number that is a bound, not a measurement; a struck-through one is no
    longer said."""
    return [
        value
        for value in reversed(values)
        if value.number is not None
        and value.happened_at is not None
        and value.superseded_by is None
        and value.text[:1] not in "<>≤≥~"
        and value.standing not in words.OVER
    ]


def _recent(drawn: list[ResultValue]) -> list[ResultValue]:
    """Values oldest first. Beside those of years, the days of one stay would fall on one another: they are drawn alone,
    and the span that is drawn stands under the picture."""
    newest = drawn[-1].happened_at if drawn else None
    if newest is None:
        return drawn
    since = newest - RECENT
    recent = [value for value in drawn if value.happened_at and value.happened_at >= since]
    return recent if len(recent) >= RECENT_VALUES_MIN else drawn


NOTHING = Markup("")
