"""The policy as a Caldicott Guardian reads it: finished plain values for a page, a print-out or a command."""

from __future__ import annotations

from datetime import date

import msgspec

from carerecord.access.decide import decide_for, in_force, may_work_under
from carerecord.access.labels import Label
from carerecord.access.policies import Policies
from carerecord.access.questions import Question
from carerecord.model import EvidenceClass, Heading, Purpose
from carerecord.routing import DESKS


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What one role sees of one heading: made from decisions, not from the file that they were made of."""

    heading: str
    is_shown: bool
    labels: tuple[str, ...] = ()
    in_an_emergency: tuple[str, ...] = ()  # labels that emergency access shows besides

    @property
    def words(self) -> str:
        if not self.is_shown:
            return "not shown"
        said = "shown" + (f", with {', '.join(self.labels)}" if self.labels else "")
        return said + (f"; in an emergency also {', '.join(self.in_an_emergency)}" if self.in_an_emergency else "")


class RoleRow(msgspec.Struct, frozen=True, kw_only=True):
    role: str
    name: str
    cells: tuple[Cell, ...]
    may_declare_emergency: bool


class DeskRow(msgspec.Struct, frozen=True, kw_only=True):
    role: str
    name: str
    desks: tuple[str, ...]


class PolicyRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sentence: str
    basis: str
    source: str = ""  # of a narrowing: the region's folder, or the reference under which two people agreed here


class BarRow(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    statute: str
    sentence: str
    exception: str
    source: str
    review: date
    is_due: bool
    has_route: bool
    let_through: str  # whom, for what, agreed by whom and when; "" while the route is closed
    until: date | None  # the last day of a route that was agreed here
    relies_on: str
    advice: str
    reference: str  # of the proposal by which it was agreed; "": it stands in the package's file


class ActivityRow(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    name: str
    grants: tuple[str, ...]
    source: str


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, under one version of the policy."""

    version: str
    headings: tuple[str, ...]
    heading_names: tuple[tuple[str, str], ...]  # those that may be hidden here, and what they are called
    labels: tuple[str, ...]
    roles: tuple[RoleRow, ...]
    desks: tuple[DeskRow, ...]
    policies: tuple[PolicyRow, ...]  # what is written by hand; the matrix stands in `roles`
    narrowing: tuple[PolicyRow, ...]  # the region's own
    bars: tuple[BarRow, ...]
    always_shown: tuple[tuple[str, ...], tuple[str, ...]]  # headings, and the labels that hide nothing there
    emergency_labels: tuple[str, ...]
    objection_in_an_emergency: str
    activities: tuple[ActivityRow, ...]
    reviews_due: tuple[str, ...]


def guardian(*, on: date, policies: Policies | None = None) -> Reading:
    """The policy in force (or `policies`) as at `on`."""
    held = policies or in_force()
    by_hand = [name for name in held.annotations if not name.startswith(("matrix-", "desk-", "emergency-set-", "bar-"))]
    by_hand += [name for name in held.annotations if name == "desk-opens-no-record"]
    return Reading(
        version=held.version,
        headings=tuple(held.matrix.heading[heading.name].name for heading in Heading),
        heading_names=tuple(
            (heading.name, held.matrix.heading[heading.name].name)
            for heading in Heading
            if heading.name not in held.matrix.always_shown.headings
        ),
        labels=tuple(label.word for label in Label),
        roles=tuple(row_of(held, role_id) for role_id, role in held.matrix.role.items() if not role.desks),
        desks=tuple(
            DeskRow(role=role_id, name=role.name, desks=desks)
            for role_id, role in held.matrix.role.items()
            if (desks := tuple(desk for desk in DESKS if may_work_under(held, role_id, desk)))
        ),
        policies=tuple(_policy(held, name) for name in sorted(by_hand) if name not in held.narrowed_by),
        narrowing=tuple(_narrowing(held, name) for name in held.narrowed_by),
        bars=tuple(_bars(held, on=on)),
        always_shown=(held.matrix.always_shown.headings, held.matrix.always_shown.labels),
        emergency_labels=held.matrix.emergency.labels,
        objection_in_an_emergency=held.objections.emergency,
        activities=tuple(
            ActivityRow(code=code, name=entry.name, grants=tuple(entry.grants), source=entry.source)
            for code, entry in held.activities.items()
        ),
        reviews_due=reviews_due(on=on, policies=held),
    )


def row_of(policies: Policies, role_id: str) -> RoleRow:
    role = policies.matrix.role[role_id]
    usual = decide_for(policies, _usual(role_id, is_program=role.kind == "program"))
    emergency = decide_for(policies, _emergency(role_id))
    return RoleRow(
        role=role_id,
        name=role.name,
        cells=tuple(
            Cell(
                heading=heading.name,
                is_shown=heading in usual.headings,
                labels=_words(usual.headings.get(heading, 0)),
                in_an_emergency=_words(emergency.headings.get(heading, 0) & ~usual.headings.get(heading, 0)),
            )
            for heading in Heading
        ),
        may_declare_emergency=emergency.kind == "permit",
    )


def reviews_due(*, on: date, policies: Policies | None = None) -> tuple[str, ...]:
    """A sentence for each part of the policy whose day of review is past."""
    held = policies or in_force()
    entries = [("the matrix (policy.toml)", held.matrix.review), ("objections.toml", held.objections.review)]
    entries += [(f"{name} (legal_bars.toml)", entry.review) for name, entry in held.bars.bar.items()]
    entries += [(f"{name} (legal_bars.toml)", entry.review) for name, entry in held.bars.policy.items()]
    due = [
        f"The review of {what} was due on {review:%d-%b-%Y}: the Guardian confirms or changes it."
        for what, review in entries
        if review < on
    ]
    due += [
        f"The route through {route.bar} ends after {route.until:%d-%b-%Y}: two people agree to it again, or it is shut."
        for route in held.agreed.ending(on=on)
    ]
    return tuple(due)


def matrix(policies: Policies | None = None) -> str:
    """Roles by headings as Markdown tables, made from the decisions themselves."""
    held = policies or in_force()
    names = [held.matrix.heading[heading.name].name for heading in Heading]
    lines = ["| Role | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    emergency = ["", "| Role | may declare an emergency, which shows besides |", "| --- | --- |"]
    desks = ["", "| Role | works at the desks |", "| --- | --- |"]
    for role_id, role in held.matrix.role.items():
        if role.desks:
            worked = [desk for desk in DESKS if may_work_under(held, role_id, desk)]
            desks.append(f"| {role.name} | {', '.join(worked)} |")
            continue
        row = row_of(held, role_id)
        lines.append(f"| {role.name} | " + " | ".join(_words_of(cell) for cell in row.cells) + " |")
        if row.may_declare_emergency:
            more = sorted({label for cell in row.cells for label in cell.in_an_emergency})
            emergency.append(f"| {role.name} | {', '.join(more) or 'nothing: it stands in for a relationship'} |")
    return "\n".join(lines + emergency + desks)


def _words_of(cell: Cell) -> str:
    return msgspec.structs.replace(cell, in_an_emergency=()).words


def _usual(role_id: str, *, is_program: bool) -> Question:
    return Question(
        role=role_id,
        organisation_in_agreement=True,
        route="fhir" if is_program else "launch",
        evidence=EvidenceClass.AGREEMENT if is_program else EvidenceClass.ENCOUNTER,
        purpose=Purpose.TREAT,
    )


def _emergency(role_id: str) -> Question:
    return Question(
        role=role_id,
        organisation_in_agreement=True,
        route="sign-in",
        evidence=EvidenceClass.EMERGENCY,
        purpose=Purpose.BTG,
    )


def _words(bits: int) -> tuple[str, ...]:
    return tuple(label.word for label in Label if label & bits)


def _policy(policies: Policies, name: str) -> PolicyRow:
    said = policies.annotations[name]
    return PolicyRow(id=name, sentence=said.sentence, basis=said.basis)


def _narrowing(policies: Policies, name: str) -> PolicyRow:
    reference = next((each.reference for each in policies.agreed.hidden if name == f"agreed-{each.reference}"), "")
    return msgspec.structs.replace(_policy(policies, name), source=reference)


def _bars(policies: Policies, *, on: date) -> list[BarRow]:
    rows = []
    for bar in policies.bars.bar.values():
        through = bar.let_through
        agreed = f"agreed by {through.agreed_by} on {through.agreed_on:%d-%b-%Y}" if through.is_open else ""
        rows.append(
            BarRow(
                label=bar.label,
                statute=bar.statute,
                sentence=bar.sentence,
                exception=bar.exception,
                source=bar.source,
                review=bar.review,
                is_due=bar.review < on,
                has_route=bar.has_route,
                until=through.until if through.is_open else None,
                relies_on=through.relies_on,
                advice=through.advice,
                reference=through.reference if through.is_open else "",
                let_through=f"{', '.join(through.roles)} for {', '.join(through.purposes)}, {agreed}" if agreed else "",
            )
        )
    return rows
