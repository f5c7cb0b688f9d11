"""What a change would do, as a Guardian reads it: one row for each reader and change, however many ways lead to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from carerecord.stewardship.in_force.what_would import Would
from carerecord.web import words

Row = tuple[str, ...]
DIFFERENCES_MAX = 100
NAMED_MAX = 4  # headings of a change that are named; of more, how many


class TriedView(msgspec.Struct, frozen=True, kw_only=True):
    sentence: str
    rows: tuple[Row, ...]


class ProposalPage(msgspec.Struct, frozen=True, kw_only=True):
    what: str
    proposal: Any
    tried: TriedView | None
    source: str
    wrong: str
    law: tuple[Row, ...]
    goes: tuple[Row, ...] = ()  # of a removal: what, and how many
    left: int = 0  # statements that stay, and lose the message that they came with


def proposal(shown: Any, would: Would, *, law: tuple[Row, ...]) -> ProposalPage:
    """`shown` is the proposal as every page shows it."""
    found = would.found
    looks = words.counted(found.looks, "decision") if found else ""
    since = f" since {words.moment(would.looks_since)}" if would.looks_since else ""
    return ProposalPage(
        what=shown.what,
        proposal=shown,
        tried=tried(found) if found else None,
        source=f"the newest {looks}{since}, made again as they would be then; and every role on paper, asked or not.",
        wrong=would.wrong,
        law=law,
    )


def tried(found: Any) -> TriedView:
    differences = [*found.by_readers, *found.on_paper]
    merged: dict[tuple[str, str], tuple[list[str], int]] = {}
    for each in differences:
        who = f"{each.role} of {each.organisation}" if each.organisation else f"{each.role}, on paper"
        ways, looks = merged.get((who, change := changes(each)), ([], 0))
        merged[who, change] = ([*ways, f"{each.evidence}, {each.route}, {each.purpose}"], looks + each.looks)
    return TriedView(
        sentence=f"Policy {found.before[:16]} against {found.after[:16]}: of {words.counted(found.looks, 'look')}, "
        f"{found.looks_changed} would have been decided otherwise; {found.looks_gaining} would show more, "
        f"{found.looks_losing} less.",
        rows=tuple(
            (who, "; ".join(dict.fromkeys(ways)), change, str(looks))
            for (who, change), (ways, looks) in list(merged.items())[:DIFFERENCES_MAX]
        ),
    )


def changes(each: Any) -> str:
    said = [f"{each.before} becomes {each.after}"] if each.before != each.after else []
    said += [f"gains {', '.join(each.headings_gained)}"] if each.headings_gained else []
    said += [f"loses {', '.join(each.headings_lost)}"] if each.headings_lost else []
    said += [f"gains {change}" for change in _labels(each.labels_gained)]
    said += [f"loses {change}" for change in _labels(each.labels_lost)]
    said += [f"{each.emergency} emergency access"] if each.emergency else []
    return "; ".join(said)


def _labels(by_heading: Mapping[str, Iterable[str]]) -> list[str]:
    """ "gender-history under 23 headings": what changes alike is said once."""
    alike: dict[str, list[str]] = {}
    for heading, labels in by_heading.items():
        alike.setdefault(", ".join(labels), []).append(heading)
    return [
        f"{labels} under {', '.join(headings) if len(headings) <= NAMED_MAX else f'{len(headings)} headings'}"
        for labels, headings in alike.items()
    ]
