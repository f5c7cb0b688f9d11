"""Dates, times, names and marks as the NHS writes them: the words a page shows, from the values it is given. Pure."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from carerecord.disclosure import Mark, ResultValue
from carerecord.model import EvidenceClass, Heading, Standing

ZONE = ZoneInfo("Europe/London")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TWO = tuple(f"{number:02}" for number in range(60))  # A page writes hundreds; formatting each anew takes longer.

TITLES = {
    Heading.DEMOGRAPHICS: "About this person",
    Heading.ALLERGIES: "Allergies",
    Heading.RESULTS: "Results",
    Heading.STAYS: "Stays and visits",
    Heading.LETTERS: "Letters",
    Heading.PROBLEMS: "Problems",
    Heading.MEDICINES: "Medicines",
    Heading.IMAGING: "Imaging",
    Heading.PROCEDURES: "Procedures",
    Heading.IMMUNISATIONS: "Immunisations",
    Heading.APPOINTMENTS: "Appointments",
    Heading.REFERRALS: "Referrals",
    Heading.PLANS: "Plans and decisions",
    Heading.ALERTS: "Alerts",
    Heading.NEEDS: "Needs",
    Heading.SOCIAL_CARE: "Social care",
    Heading.CONTACTS: "Contacts and care team",
    Heading.OBSERVATIONS: "Observations",
    Heading.ASSESSMENTS: "Assessments",
    Heading.SAFEGUARDING: "Safeguarding",
    Heading.FAMILY_HISTORY: "Family history",
    Heading.DEVICES: "Devices and appliances",
    Heading.OTHER: "Other entries",
}
ANCHORS = {heading: title.lower().replace(" ", "-") for heading, title in TITLES.items()}

STANDINGS = {
    Standing.CURRENT: "Current",
    Standing.RESOLVED: "Ended or resolved",
    Standing.PLANNED: "Planned",
    Standing.PRELIMINARY: "Preliminary: may still change",
    Standing.CORRECTED: "Corrected",
    Standing.CANCELLED: "Cancelled",
    Standing.ENTERED_IN_ERROR: "Entered in error",
}

# What it rests on that a reader may see a record, as the reader is told.
RESTS_ON = {
    EvidenceClass.ENCOUNTER: "A visit or stay of this person with your organisation.",
    EvidenceClass.APPOINTMENT: "An appointment of this person with your organisation.",
    EvidenceClass.REFERRAL: "A referral of this person to your organisation.",
    EvidenceClass.CASELOAD: "This person is on a caseload of your organisation.",
    EvidenceClass.REGISTRATION: "This person is registered with your organisation.",
    EvidenceClass.INCIDENT: "An incident that your organisation attends.",
    EvidenceClass.RESIDENCY: "This person lives in a home of your organisation.",
    EvidenceClass.DECLARED: "The reason that you gave.",
    EvidenceClass.LAUNCH: "Your own system, which opened this record and named nothing more.",
    EvidenceClass.AGREEMENT: "The data sharing agreement of your organisation.",
    EvidenceClass.EMERGENCY: "The emergency that you declared. A privacy officer looks at it.",
    EvidenceClass.NONE: "Nothing that is known here.",
}

OVER = frozenset({Standing.CANCELLED, Standing.ENTERED_IN_ERROR})

# The tone is the name of a style; the word itself always stands on the page, so that colour is only a second signal.
MARKS = {
    Mark.NEW: ("new", "New"),
    Mark.CHANGED: ("changed", "Changed"),
    Mark.CORRECTED: ("changed", "Corrected"),
    Mark.STOPPED: ("over", "Stopped"),
    Mark.CANCELLED: ("over", "Cancelled"),
    Mark.ENTERED_IN_ERROR: ("over", "Entered in error"),
    Mark.PRELIMINARY: ("warn", "Preliminary"),
    Mark.SOURCES_DIFFER: ("warn", "Sources differ"),
}


def day(on: date) -> str:
    """12-Mar-1948."""
    return f"{_TWO[on.day]}-{_MONTHS[on.month]}-{on.year}"


def moment(at: datetime) -> str:
    """21-Nov-2026 06:40, as clocks in the region show it.

    A source that knows only the day sends no time, which is kept as midnight: then the day alone is shown, since 00:00
    would claim a precision that nobody stated.
    """
    local = at.astimezone(ZONE)
    hour, minute = local.hour, local.minute
    written = f"{_TWO[local.day]}-{_MONTHS[local.month]}-{local.year}"
    if not (hour or minute or local.second or local.microsecond):
        return written
    return f"{written} {_TWO[hour]}:{_TWO[minute]}"


def minute(at: datetime) -> str:
    """21-Nov-2026 00:00: of our own clock, which knows the minute at midnight too."""
    local = at.astimezone(ZONE)
    return f"{day(local)} {_TWO[local.hour]}:{_TWO[local.minute]}"


def day_of(at: datetime) -> str:
    return day(at.astimezone(ZONE))


def period(start: datetime | None, end: datetime | None) -> str:
    """14–20-Nov-2026, as short as it can be without a doubt."""
    if start is None:
        return f"until {day_of(end)}" if end else "date not sent"
    first = start.astimezone(ZONE)
    if end is None:
        return f"since {day(first)}"
    last = end.astimezone(ZONE)
    if first.date() == last.date():
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day:02}–{day(last)}"
    return f"{day(first)} to {day(last)}"


def names(sources: tuple[str, ...]) -> str:
    """Barts Health +1: the newest to say so, and how many more; the receipt names them all."""
    if len(sources) <= 1:
        return sources[0] if sources else ""
    return f"{sources[0]} +{len(sources) - 1}"


def counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def flag(value: ResultValue) -> tuple[str, str]:
    """(style, words) of what the laboratory said beside a value: an arrow is never without its word."""
    said = value.flag
    if not said:
        return "", ""
    if "high" in said:
        return ("critical" if "critical" in said else "high"), f"↑ {said}"
    if "low" in said:
        return ("critical" if "critical" in said else "low"), f"↓ {said}"
    return ("critical" if "critical" in said else "abnormal"), said


def none_recorded(source_count: int) -> str:
    """An empty heading is a sentence that says who was heard, never an empty box."""
    if source_count == 0:
        return "None recorded: no source has sent anything about this person."
    return f"None recorded by {counted(source_count, 'source')} that sent anything about this person."
