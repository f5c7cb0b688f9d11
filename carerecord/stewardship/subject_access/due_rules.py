"""When a request must be answered: a month, two more where it is complex, none while it is not sure who asks. Pure.

UK GDPR Article 12(3): one month of receipt, and two further months where necessary, of which the person is told with
the reasons within the first month; Article 12(6): where it is doubtful who asks, proof may be asked for, and the
Information Commissioner counts from its receipt.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from carerecord.stewardship.subject_access.values import Request

SOON = timedelta(days=7)
EXTENDED_MONTHS = 3  # the first, and two further


class Standing(StrEnum):
    """Where a request stands on a day."""

    AWAITED = "awaited"  # proof of who asks: the clock stands
    OVERDUE = "overdue"
    SOON = "soon"
    OPEN = "open"
    CLOSED = "closed"


def months_later(day: date, months: int) -> date:
    """The same day so many months on, or that month's last: as the Information Commissioner counts it."""
    place = day.year * 12 + day.month - 1 + months
    year, month = place // 12, place % 12 + 1
    after = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, min(day.day, (after - timedelta(days=1)).day))


def month_later(day: date) -> date:
    return months_later(day, 1)


def standing(request: Request, *, on: date) -> Standing:
    if request.closed_at is not None:
        return Standing.CLOSED
    if request.identified_at is None:
        return Standing.AWAITED
    if request.due_on < on:
        return Standing.OVERDUE
    return Standing.SOON if request.due_on - on <= SOON else Standing.OPEN


def in_order(requests: tuple[Request, ...], *, on: date) -> tuple[Request, ...]:
    """Overdue first, then by the day they are due; those whose clock stands after them, and what is closed last."""
    last = {Standing.AWAITED: 1, Standing.CLOSED: 2}
    return tuple(sorted(requests, key=lambda each: (last.get(standing(each, on=on), 0), each.due_on, each.id)))


def may_extend(request: Request, *, on: date) -> str:
    """Why the time cannot be extended; "" where it can."""
    if request.closed_at is not None:
        return "This request is closed."
    if request.identified_at is None:
        return "The clock of this request stands: it begins when it is sure who asks."
    if request.extended_at is not None:
        return "The time of this request was extended before: two further months is all that the law gives."
    if on > request.due_on:
        return "The month is over: an extension is told to the person within it. Answer now, and say why it is late."
    return ""


def extended_due(request: Request) -> date:
    """Counted from the day the clock began."""
    assert request.identified_at is not None
    return months_later(request.identified_at.date(), EXTENDED_MONTHS)
