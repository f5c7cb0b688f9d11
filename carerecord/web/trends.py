"""One analyte's values as a small picture with its reference band: the table beside it says the same in numbers. Pure.

Drawn with attributes and classes only, so that it lives under a policy that forbids inline styles, prints, and needs no script.
"""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from carerecord.disclosure import ResultValue
from carerecord.web import words

WIDTH, HEIGHT, EDGE = 120, 34, 5


def trend(values: tuple[ResultValue, ...]) -> Markup:
    """The picture of values newest first; nothing when fewer than two can be placed in time.

    Never across units (correction 11): if they disagree nothing is drawn. The band is drawn only when every value came with the
    same range, because a band that holds for some of the points would misjudge the others.
    """
    drawn = [value for value in values if _may_be_drawn(value)]
    if len(drawn) < 2 or len({value.unit for value in drawn}) > 1:
        return Markup("")
    drawn.reverse()
    numbers = [value.number or 0.0 for value in drawn]
    seconds = [value.happened_at.timestamp() if value.happened_at else 0.0 for value in drawn]
    band = {(value.low, value.high) for value in drawn}
    low, high = band.pop() if len(band) == 1 else (None, None)
    bottom, top = min(numbers + [low] * (low is not None)), max(numbers + [high] * (high is not None))
    since, span = seconds[0], (seconds[-1] - seconds[0]) or 1.0
    down = (HEIGHT - 2 * EDGE) / ((top - bottom) or 1.0)

    def across(second: float) -> float:
        return EDGE + (second - since) / span * (WIDTH - 2 * EDGE)

    def height(number: float) -> float:
        return HEIGHT - EDGE - (number - bottom) * down

    points = [(across(second), height(number)) for second, number in zip(seconds, numbers, strict=True)]
    return Markup(  # noqa: S704 - numbers and our own dates only
        f'<svg class="cr-trend" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="'
        f'Trend of {len(drawn)} values, {_on(drawn[0])} to {_on(drawn[-1])}">'
        f"{_band(low, high, height)}"
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
        f"{''.join(_point(x, y, bool(value.flag)) for (x, y), value in zip(points, drawn, strict=True))}</svg>"
    )


def _may_be_drawn(value: ResultValue) -> bool:
    # A value written "<5" has a number that is a bound, not a measurement; a struck-through one is not what the laboratory says now.
    return (
        value.number is not None
        and value.happened_at is not None
        and value.superseded_by is None
        and value.text[:1] not in "<>≤≥~"
        and value.standing not in words.OVER
    )


def _band(low: float | None, high: float | None, height: Callable[[float], float]) -> str:
    if low is None and high is None:
        return ""
    # A one-sided range reaches to the edge of the picture.
    upper = 0.0 if high is None else height(high)
    lower = float(HEIGHT) if low is None else height(low)
    return f'<rect x="0" y="{upper:.1f}" width="{WIDTH}" height="{max(lower - upper, 0.5):.1f}"/>'


def _point(x: float, y: float, is_flagged: bool) -> str:
    # A flagged value has another shape as well as another colour.
    if is_flagged:
        return f'<path d="M{x:.1f} {y - 4.5:.1f}l4.5 4.5l-4.5 4.5l-4.5 -4.5z"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'


def _on(value: ResultValue) -> str:
    return words.day_of(value.happened_at) if value.happened_at else "no date"
