"""What a statute keeps from disclosure, as data: statute by statute, hidden by default, with a Guardian's route."""

from __future__ import annotations

import json
from datetime import date

import msgspec

from carerecord.access.labels import WORDS
from carerecord.access.matrix import (
    Matrix,
    PolicyDoesNotFit,
    Written,
    annotated,
    check_known,
    headings_as_cedar,
    permit,
    read_toml,
)
from carerecord.model import Purpose

# What is let through is for the eyes of who asked: never for paper, a card in another system, or a program.
ON_THE_SCREEN = '["launch", "sign-in"].contains(context.route)'


class LetThrough(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Guardian's route: for whom, and for what, a statute's own exception is used. Closed unless all is said."""

    roles: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    agreed_by: str = ""
    agreed_on: date | None = None
    relies_on: str = ""  # the paragraph of the exception; these four are said where two people agreed at their desk
    advice: str = ""
    until: date | None = None
    reference: str = ""

    @property
    def is_open(self) -> bool:
        return bool(self.roles and self.purposes and self.agreed_by.strip() and self.agreed_on)


class Bar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    label: str
    statute: str
    sentence: str
    exception: str
    source: str
    review: date
    has_route: bool = True  # False: the exception is nothing that a care record can rely on
    let_through: LetThrough = LetThrough()


class NoBar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is thought to be a bar and is policy."""

    label: str
    was: str
    why: str
    review: date


class LegalBars(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    bar: dict[str, Bar]
    policy: dict[str, NoBar] = {}

    def let_through_of(self, role: str) -> frozenset[str]:
        """The labels for which the Guardian's route is open to this role."""
        return frozenset(
            bar.label for bar in self.bar.values() if bar.let_through.is_open and role in bar.let_through.roles
        )


def read_legal_bars(text: str, table: Matrix) -> LegalBars:
    bars = read_toml("legal_bars.toml", text, LegalBars)
    named = [(name, bar.label) for name, bar in bars.bar.items()]
    for name, label in [*named, *((name, entry.label) for name, entry in bars.policy.items())]:
        check_known(f"legal_bars.toml: {name}", "label", (label,), WORDS)
    barred = {bar.label for bar in bars.bar.values()}
    for name, bar in bars.bar.items():
        where = f"legal_bars.toml: {name}"
        check_let_through(where, bar.let_through, table)
        if bar.let_through.until or bar.let_through.reference:
            raise PolicyDoesNotFit(
                f"{where} ends by itself. Only a route that two people agreed at their desk does so."
            )
        if bar.let_through.is_open and not bar.has_route:
            raise PolicyDoesNotFit(f"{where} has no route. Take the roles off its list.")
    for where, labels in _labels_that_are_shown(table):
        if found := sorted(barred.intersection(labels)):
            raise PolicyDoesNotFit(f"policy.toml: {where} shows {found[0]}, which a statute bars. Take it away.")
    return bars


def check_let_through(where: str, through: LetThrough, table: Matrix) -> None:
    check_known(where, "role", through.roles, table.role)
    check_known(where, "purpose", through.purposes, [purpose.value for purpose in Purpose])
    if not all(table.role[role].kind == "clinical" for role in through.roles):
        raise PolicyDoesNotFit(f"{where} lets a role through that is not clinical. Take it off the list.")


def _labels_that_are_shown(table: Matrix) -> list[tuple[str, tuple[str, ...]]]:
    shown = [("emergency", table.emergency.labels), ("always_shown", table.always_shown.labels)]
    shown += [(f"part {name}", part.labels) for name, part in table.part.items()]
    return shown + [(f"role {name}", role.labels) for name, role in table.role.items()]


def bars_as_cedar(bars: LegalBars, table: Matrix) -> list[Written]:
    """A forbid for each bar; and, where the Guardian opened its route, a permit for those whom it lets through."""
    written: list[Written] = []
    for name, bar in sorted(bars.bar.items()):
        through = bar.let_through
        exempt = ""
        if through.is_open:
            roles = "[" + ", ".join(f"Role::{json.dumps(role)}" for role in through.roles) + "]"
            when = f"{json.dumps(list(through.purposes))}.contains(context.purpose) && {ON_THE_SCREEN}"
            exempt = f"\nunless {{ {roles}.contains(principal) && {when} }}"
            agreed = (
                f"{through.relies_on or bar.exception}; agreed by {through.agreed_by} on {through.agreed_on:%d-%b-%Y}"
            )
            for role in through.roles:
                text = permit(f"let-through-{name}-{role}", bar.sentence, agreed, role, "see", "")
                headings = headings_as_cedar(table.role[role].sees)
                whom = f"context.label == {json.dumps(bar.label)} && {headings}.contains(resource) && {when}"
                written.append(Written(role, "see", f"{text}\nwhen {{ {whom} }};\n"))
        forbid = f'forbid (principal, action == Action::"see", resource)\nwhen {{ context.label == "{bar.label}" }}'
        written.append(Written("", "see", f"{annotated(f'bar-{name}', bar.sentence, bar.statute)}{forbid}{exempt};\n"))
    return written
