"""What the Guardian's pages are given: finished values, made of what the desk's door answers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup

from carerecord.stewardship.guardian import Due, Overview, Usage
from carerecord.stewardship.in_force.rules import Row as Agreed
from carerecord.stewardship.retention_rules import Rule
from carerecord.web import words
from carerecord.web.desk import pictures, what_if_views
from carerecord.web.desk.what_if_views import TriedView

if TYPE_CHECKING:
    from datetime import date

Row = tuple[str, ...]
STATES = {"weighed": "Being weighed", "upheld": "Upheld", "overruled": "Overruled", "withdrawn": "Withdrawn"}
SHORT = {
    "mental-health": "MH",
    "safeguarding": "SG",
    "sensitive": "SN",
    "sealed": "SL",
    "social-care": "SC",
    "sexual-health": "SH",
    "termination": "TP",
    "assisted-conception": "AC",
    "gender-history": "GH",
    "adoption": "AD",
    "third-party": "3P",
    "dissent": "DS",
}


class OverviewView(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    figures: tuple[tuple[str, str, bool], ...]
    reviews_due: tuple[str, ...]
    seal: str
    is_seal_late: bool
    agreements: tuple[Row, ...]
    without_end: str
    objections: tuple[Row, ...]
    schedule: tuple[Row, ...]
    schedule_review: str
    schedule_source: str
    due: tuple[Row, ...] | None  # None: not counted
    operator_looks: tuple[Row, ...]
    leads: bool


class CellView(msgspec.Struct, frozen=True):
    is_shown: bool
    labels: str
    emergency: str


class HeadingRow(msgspec.Struct, frozen=True):
    heading: str
    cells: tuple[CellView, ...]


class MatrixView(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    legend: tuple[Row, ...]
    roles: Row
    rows: tuple[HeadingRow, ...]
    declares: Row
    always: str
    desks: tuple[Row, ...]
    activities: tuple[Row, ...]


class BarView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    label: str
    is_open: bool
    facts: tuple[Row, ...]
    sentence: str
    statute: str
    exception: str
    review: str
    is_due: bool
    route: str


class PoliciesView(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    policies: tuple[Row, ...]
    narrowing: tuple[Row, ...]
    bars: tuple[BarView, ...]
    agreed: tuple[Row, ...]
    tried: TriedView | None


class UseView(msgspec.Struct, frozen=True, kw_only=True):
    leads: bool
    organisation: str
    emergencies: tuple[Row, ...]
    emergency_picture: Markup
    shares: tuple[Row, ...]
    shares_picture: Markup


def overview(read: Overview, due: Sequence[Due] | None) -> OverviewView:
    lapsing = len(read.lapsing)
    open_objections = read.objections.get("weighed", 0)
    return OverviewView(
        version=short(read.version),
        figures=(
            ("Reviews due", str(len(read.reviews_due)), bool(read.reviews_due)),
            ("Agreements ended, or ending within 30 days", str(lapsing), lapsing > 0),
            ("Objections being weighed", str(open_objections), False),
            ("Last seal", words.moment(read.seal.at) if read.seal else "none", read.is_seal_late),
        ),
        reviews_due=read.reviews_due,
        seal=_seal(read),
        is_seal_late=read.is_seal_late,
        agreements=tuple(
            (each.name, words.day(each.agreement_until), _state(each.agreement_until, read, each.ods_code))
            for each in read.agreements
            if each.agreement_until
        ),
        without_end=f"{words.counted(read.without_end, 'organisation')} without an end to their agreement.",
        objections=tuple((name, str(read.objections.get(state, 0))) for state, name in STATES.items()),
        schedule=tuple((rule.name, _kept(rule)) for rule in read.schedule.rule),
        schedule_review=f"The schedule is to be reviewed by {words.day(read.schedule.review_by)}.",
        schedule_source=f"{read.schedule.source}.",
        due=None if due is None else tuple((each.source, each.rule, str(each.count)) for each in due),
        operator_looks=tuple(
            (words.moment(each.at), each.name, f"{each.what} {each.reference}".strip(), each.because)
            for each in read.operator_looks
        ),
        leads=read.leads,
    )


def matrix(read: Any) -> MatrixView:
    """`read` is the policy as a Guardian reads it."""
    used = {label for row in read.roles for cell in row.cells for label in (*cell.labels, *cell.in_an_emergency)}
    headings, labels = read.always_shown
    return MatrixView(
        version=short(read.version),
        legend=tuple((code, word.replace("-", " ")) for word, code in SHORT.items() if word in used),
        roles=tuple(row.name for row in read.roles),
        rows=tuple(
            HeadingRow(
                name[0].upper() + name[1:],
                tuple(
                    CellView(
                        row.cells[place].is_shown,
                        _codes(row.cells[place].labels),
                        _codes(row.cells[place].in_an_emergency),
                    )
                    for row in read.roles
                ),
            )
            for place, name in enumerate(read.headings)
        ),
        declares=tuple("yes" if row.may_declare_emergency else "no" for row in read.roles),
        always=f"Under {_and(heading.capitalize() for heading in headings)} no class hides anything from a role that "
        f"sees the heading at all ({', '.join(label.replace('-', ' ') for label in labels)}): what is hidden there is "
        "an interaction missed.",
        desks=tuple((row.name, ", ".join(row.desks)) for row in read.desks),
        activities=tuple((row.code, row.name, ", ".join(row.grants)) for row in read.activities),
    )


def policies(read: Any, agreed: Sequence[Agreed], tried: Any = None) -> PoliciesView:
    return PoliciesView(
        version=short(read.version),
        policies=tuple((row.sentence, row.basis, row.id) for row in read.policies),
        narrowing=tuple(
            (row.sentence, row.basis, f"agreed here, {row.source}" if row.source else f"the region’s folder, {row.id}")
            for row in read.narrowing
        ),
        bars=tuple(
            BarView(
                id=bar.label,
                is_open=bool(bar.let_through),
                facts=_route_facts(bar),
                label=bar.label.replace("-", " ").capitalize(),
                sentence=bar.sentence,
                statute=bar.statute,
                exception=bar.exception,
                review=words.day(bar.review),
                is_due=bar.is_due,
                route=bar.let_through or _shut(bar),
            )
            for bar in read.bars
        ),
        agreed=tuple(
            (words.moment(row.at), _put(row), row.people if row.reference else f"{row.people}, alone", row.because)
            for row in agreed
        ),
        tried=what_if_views.tried(tried) if tried else None,
    )


def _shut(bar: Any) -> str:
    return "Closed: nobody is let through." if bar.has_route else "There is none: a care record cannot rely on it."


def _route_facts(bar: Any) -> tuple[Row, ...]:
    if not bar.reference:
        return (("Where it stands", "the package’s file"),) if bar.let_through else ()
    return (
        ("Relies on", bar.relies_on),
        ("Advice", bar.advice),
        ("Last day", words.day(bar.until)),
        ("Where it stands", f"agreed here, {bar.reference}"),
    )


def _put(row: Agreed) -> str:
    """What a row put in force, or ended, without the parts that stand elsewhere on the page."""
    content = row.content
    if row.kind == "legal-bar":
        if not row.is_in_force:
            return f"Route through {row.name} shut"
        return f"Route through {row.name}: {_and(content['roles'])}, for {_and(content['purposes'])}"
    if row.kind == "policy":
        return f"Hidden: {content['sentence']}" if row.is_in_force else f"Narrowing {row.name} lifted"
    if row.kind == "role":
        return f"Role {row.name}: {content['role'] or 'nothing'}"
    if row.name == "witness":
        return "A new key that seals the audit"
    return f"Key {str(content['thumbprint'])[:12]} of {content['whose']} {'added' if row.is_in_force else 'ends'}"


def law_of(read: Any, bar: str) -> tuple[Row, ...]:
    """What the statute says of this bar, for whoever is to agree to a route through it."""
    return next(
        (
            (("Statute", row.statute), ("Says", row.sentence), ("Its exception", row.exception), ("Source", row.source))
            for row in read.bars
            if row.label == bar
        ),
        (),
    )


def usage(read: Usage, *, organisation: str) -> UseView:
    months: dict[date, list[int]] = {}
    for each in reversed(read.emergencies):
        sums = months.setdefault(each.month, [0, 0])
        sums[0] += each.declared
        sums[1] += each.inappropriate
    opened = [each for each in read.shares if each.launches]
    return UseView(
        leads=read.leads,
        organisation=organisation,
        emergencies=tuple(
            (
                each.organisation,
                each.role or "not kept",
                words.day(each.month)[3:],
                str(each.declared),
                str(each.open),
                str(each.inappropriate),
            )
            for each in read.emergencies
        ),
        emergency_picture=pictures.weeks(
            [(words.day(month)[3:], *sums) for month, sums in months.items()],  # type: ignore[misc]
            label=f"Emergency access declared in each of {words.counted(len(months), 'month')}",
        ),
        shares=tuple(
            (
                each.name,
                words.day(each.month)[3:],
                str(each.launches),
                str(each.matched),
                str(each.denied),
                str(each.unmatched),
                str(each.waiting),
                _percent(each.share),
            )
            for each in opened
        ),
        shares_picture=pictures.shares(
            [
                (each.name, each.share, _percent(each.share))
                for each in opened
                if each.month == max(share.month for share in opened)
            ],
            label="Share of launches borne out in the newest month, by neighbour",
        ),
    )


def short(version: str) -> str:
    """Enough of a version to tell it from another, on paper too."""
    return version[:16]


def _seal(read: Overview) -> str:
    if read.seal is None:
        return "There is no seal yet: the chains alone hold the audit."
    late = (
        "Events wait to be sealed for longer than they should: tell whoever runs the record. "
        if read.is_seal_late
        else ""
    )
    return (
        f"{late}Seal {read.seal.number}, {words.moment(read.seal.at)}, over {read.seal.events} events, signed with key "
        f"{read.seal.key_id[:12]}."
    )


def _state(until: date | None, read: Overview, code: str) -> str:
    if until and until < read.at.date():
        return "ended: nothing new is opened"
    return "lapses within 30 days" if code in read.lapsing else "runs"


def _kept(rule: Rule) -> str:
    said = []
    if rule.years is not None:
        said.append(f"{words.counted(rule.years, 'year')} after the last contact")
    if rule.years_after_death is not None:
        said.append(f"{words.counted(rule.years_after_death, 'year')} after death")
    if rule.child_until is not None:
        said.append(f"a child’s until the {rule.child_until}th birthday")
    return ", or ".join(said) or "while the source keeps it"


def _codes(labels: Iterable[str]) -> str:
    return " ".join(SHORT.get(label, label) for label in labels)


def _and(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:-1]) + f" and {listed[-1]}" if len(listed) > 1 else "".join(listed)


def _percent(share: float | None) -> str:
    return "none settled" if share is None else f"{round(100 * share)} %"
