"""What two people of this region agreed on top of the policies: routes through legal bars, and what is hidden. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta

import msgspec

from carerecord.access.labels import WORDS
from carerecord.access.legal_bars import LegalBars, LetThrough, check_let_through
from carerecord.access.matrix import Matrix, PolicyDoesNotFit, annotated, check_known, headings_as_cedar

ROUTE_DAYS_MAX = 366  # a route ends unless two people agree to it again
REVIEW_DAYS = 30  # before a route ends, the Guardian is told


class Hidden(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that is not shown here: `labels` under `headings` to `roles`; an empty list stands for all of them,
    no labels for the headings as a whole."""

    sentence: str
    basis: str
    roles: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Guardian's route through one bar: on which exception, on whose advice, for whom, for what, until when."""

    bar: str
    roles: tuple[str, ...]
    purposes: tuple[str, ...]
    relies_on: str  # the paragraph of the statute's exception
    advice: str  # whose, and of when
    until: date  # its last day
    agreed_by: str = ""  # both people
    agreed_on: date | None = None
    reference: str = ""  # of the proposal


class AgreedHidden(msgspec.Struct, frozen=True, kw_only=True):
    """What two people hid."""

    reference: str  # of the proposal: by it the narrowing is lifted
    hidden: Hidden
    agreed_by: str
    agreed_on: date


class Agreed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that stands at one moment."""

    routes: tuple[Route, ...] = ()
    closed: tuple[str, ...] = ()  # bars whose route was closed here, whatever the files say
    hidden: tuple[AgreedHidden, ...] = ()

    def on(self, day: date) -> Agreed:
        """Without the routes whose last day is past."""
        return msgspec.structs.replace(self, routes=tuple(each for each in self.routes if each.until >= day))

    def beside(self, bars: LegalBars) -> Agreed:
        """Without what changes nothing: a route that was closed here, and that the files leave shut anyway."""
        closed = [name for name in self.closed if name in bars.bar and bars.bar[name].let_through.is_open]
        return msgspec.structs.replace(self, closed=tuple(closed))

    def shut(self, bars: Iterable[str] = ()) -> Agreed:
        """What still holds where nothing can be confirmed: no route at all, and every narrowing."""
        return msgspec.structs.replace(self, routes=(), closed=tuple(sorted({*self.closed, *bars})))

    def ending(self, *, on: date) -> list[Route]:
        return [each for each in self.routes if each.until <= on + timedelta(days=REVIEW_DAYS)]


NOTHING = Agreed()


def check_route(route: Route, bars: LegalBars, table: Matrix, *, on: date) -> None:
    """Raises PolicyDoesNotFit with what the proposal must say, or why it cannot be."""
    bar = bars.bar.get(route.bar)
    if bar is None:
        raise PolicyDoesNotFit("There is no such bar: choose one that is listed.")
    if not bar.has_route:
        raise PolicyDoesNotFit(f"No route leads through this bar: its exception is {bar.exception}.")
    if not (route.roles and route.purposes):
        raise PolicyDoesNotFit("A route names roles and purposes both: choose at least one of each.")
    check_let_through("The route", LetThrough(roles=route.roles, purposes=route.purposes), table)
    if not route.relies_on.strip():
        raise PolicyDoesNotFit("Say which paragraph of the statute's exception the route relies on.")
    if not route.advice.strip():
        raise PolicyDoesNotFit("Say whose advice was taken, and when: the second person decides by it.")
    if not on < route.until <= on + timedelta(days=ROUTE_DAYS_MAX):
        raise PolicyDoesNotFit("Say a last day within a year from today: a route is agreed to again or ends.")


def check_hidden(entry: Hidden, table: Matrix) -> None:
    """Raises PolicyDoesNotFit. To hide a medicine, an allergy or a result takes more than two people here."""
    check_entry("The narrowing", entry, table)
    if not (entry.sentence.strip() and entry.basis.strip()):
        raise PolicyDoesNotFit("Say in a sentence what is hidden, and on which basis: readers and the audit are told.")
    if not entry.headings:
        raise PolicyDoesNotFit("Name the headings: what is hidden under all of them hides medicines and allergies too.")
    always = [table.heading[name].name for name in entry.headings if name in table.always_shown.headings]
    if always:
        raise PolicyDoesNotFit(
            f"{' and '.join(always)} cannot be hidden here: what is hidden there is an interaction missed. An "
            "exception takes the clinical safety officer too, and stands in the region's narrowing.toml."
        )


def check_entry(where: str, entry: Hidden, table: Matrix) -> None:
    check_known(where, "role", entry.roles, table.role)
    check_known(where, "heading", entry.headings, table.heading)
    check_known(where, "label", entry.labels, WORDS)
    if not (entry.roles or entry.headings or entry.labels):
        raise PolicyDoesNotFit(f"{where} hides everything from everybody. Say what it hides, or from whom.")


def hidden_as_cedar(name: str, entry: Hidden, *, basis: str = "") -> str:
    """A forbid, which is all that a narrowing can be."""
    whom = "[" + ", ".join(f"Role::{json.dumps(role)}" for role in entry.roles) + "]"
    conditions = [f"{whom}.contains(principal)"] if entry.roles else []
    conditions += [f"{headings_as_cedar(entry.headings)}.contains(resource)"] if entry.headings else []
    conditions += [f"{json.dumps(list(entry.labels))}.contains(context.label)"] if entry.labels else []
    return (
        f"{annotated(name, entry.sentence, basis or entry.basis)}"
        f'forbid (principal, action == Action::"see", resource)\nwhen {{ {" && ".join(conditions)} }};\n'
    )


def narrowing_of(agreed: Agreed) -> dict[str, str]:
    """What was hidden here, as Cedar."""
    return {
        f"agreed-{each.reference}": hidden_as_cedar(
            f"agreed-{each.reference}",
            each.hidden,
            basis=f"{each.hidden.basis}; agreed by {each.agreed_by} on {each.agreed_on:%d-%b-%Y}",
        )
        for each in agreed.hidden
    }


def opened(bars: LegalBars, agreed: Agreed, table: Matrix) -> LegalBars:
    """The bars with the routes that stand here in place of what their file says."""
    changed = dict(bars.bar)
    for name in agreed.closed:
        if name in changed:
            changed[name] = msgspec.structs.replace(changed[name], let_through=LetThrough())
    for route in agreed.routes:
        bar = changed.get(route.bar)
        if bar is None or not bar.has_route:
            continue  # A statute that this version knows no route through stays shut.
        through = LetThrough(
            roles=route.roles,
            purposes=route.purposes,
            agreed_by=route.agreed_by,
            agreed_on=route.agreed_on,
            relies_on=route.relies_on,
            advice=route.advice,
            until=route.until,
            reference=route.reference,
        )
        check_let_through(f"The route through {route.bar}", through, table)
        changed[route.bar] = msgspec.structs.replace(bar, let_through=through)
    return msgspec.structs.replace(bars, bar=changed)
