"""Counts as small pictures of bars, each beside a table that says the same in numbers. Pure.

Drawn with attributes and classes only: it lives under a policy that forbids inline styles, prints, needs no script.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, ROW, NAMES = 520, 24, 220
HIGH, FOOT, HEAD = 120, 20, 14


def shares(rows: Sequence[tuple[str, float | None, str]], *, label: str) -> Markup:
    """One bar for each (name, share from 0 to 1 or None, words), the whole length standing for all."""
    if not rows:
        return Markup("")
    long = WIDTH - NAMES - 90
    drawn = []
    for place, (name, share, said) in enumerate(rows):
        y = place * ROW
        end = NAMES + int((share or 0) * long) + 6
        bar = (
            f'<rect class="cr-bars__found" x="{NAMES}" y="{y + 5}" width="{max(int(share * long), 1)}" height="14"/>'
            if share
            else ""
        )
        drawn.append(
            f'<text x="0" y="{y + 16}">{escape(_short(name))}</text>'
            f'<line x1="{NAMES}" x2="{NAMES}" y1="{y + 2}" y2="{y + 22}"/>{bar}'
            f'<text class="cr-bars__quiet" x="{end}" y="{y + 16}">{escape(said)}</text>'
        )
    return _picture("".join(drawn), height=len(rows) * ROW, label=label)


def weeks(rows: Sequence[tuple[str, int, int]], *, label: str) -> Markup:
    """One column for each (week, all, of these found), as high as it counts."""
    if not rows:
        return Markup("")
    most = max(count for _, count, _ in rows) or 1
    step = WIDTH // max(len(rows), 8)
    drawn = [f'<line x1="0" x2="{WIDTH}" y1="{HEAD + HIGH}" y2="{HEAD + HIGH}"/>']
    every = max(len(rows) // 5, 1)
    for place, (name, count, found) in enumerate(rows):
        x, tall, part = place * step, int(HIGH * count / most), int(HIGH * found / most)
        wide = min(step - 4, 40)
        drawn.append(f'<rect x="{x}" y="{HEAD + HIGH - tall}" width="{wide}" height="{tall}"/>')
        if found:
            drawn.append(
                f'<rect class="cr-bars__found" x="{x}" y="{HEAD + HIGH - part}" width="{wide}" height="{part}"/>'
            )
        if count:
            drawn.append(f'<text class="cr-bars__quiet" x="{x}" y="{HEAD + HIGH - tall - 3}">{count}</text>')
        if place % every == 0:
            drawn.append(f'<text class="cr-bars__quiet" x="{x}" y="{HEAD + HIGH + 15}">{escape(name)}</text>')
    return _picture("".join(drawn), height=HEAD + HIGH + FOOT, label=label)


def _short(name: str) -> str:
    return name if len(name) <= 34 else f"{name[:33]}…"


def _picture(drawn: str, *, height: int, label: str) -> Markup:
    return Markup(  # noqa: S704 - numbers of our own, and names that were escaped.
        f'<svg class="cr-bars" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">{drawn}</svg>'
    )
