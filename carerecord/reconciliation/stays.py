"""Stays and visits: one line for each visit as its own source knows it, never joined across sources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from carerecord.fhir.resources import Encounter, read_encounter
from carerecord.model import Standing
from carerecord.reconciliation.entries import Mark, StayEntry
from carerecord.reconciliation.versions import Context, Item, latest_other, source_names, statement_ids

# HL7 v3 ActCode, as FHIR R4 Encounter.class uses it.
KINDS = {
    "IMP": "In hospital",
    "ACUTE": "In hospital",
    "NONAC": "In hospital",
    "OBSENC": "Under observation",
    "SS": "Day stay",
    "EMER": "Emergency department",
    "AMB": "Outpatient clinic",
    "PRENC": "Before admission",
    "HH": "At home",
    "VR": "By telephone or video",
    "FLD": "In the community",
}
# Classes that only say in what manner: what it was stands in the source's own words, where it sent any. An ambulance
# at a station is not an emergency department, nor a surgery a clinic.
MANNERS = frozenset(("EMER", "AMB", "HH", "FLD", "VR"))
ATTENDING = ("ATND", "ADM", "PPRF", "CON")
STATUS = {
    Standing.CURRENT: "Current",
    Standing.CORRECTED: "Current",
    Standing.PRELIMINARY: "Current",
    Standing.RESOLVED: "Ended",
    Standing.PLANNED: "Planned",
    Standing.CANCELLED: "Cancelled",
    Standing.ENTERED_IN_ERROR: "Entered in error",
}


def entries(items: Sequence[Item], context: Context) -> tuple[StayEntry, ...]:
    return tuple(sorted((_entry(item, context) for item in items), key=_order, reverse=True))


def _order(entry: StayEntry) -> tuple[float, str]:
    return ((entry.start or entry.said_at).timestamp(), entry.id)


def _entry(item: Item, context: Context) -> StayEntry:
    newest = item.newest
    stay = read_encounter(newest.body)
    start = instant(stay.period.start if stay.period else "") or newest.happened_at
    end = instant(stay.period.end if stay.period else "")
    status = "Ended" if end and newest.standing is Standing.CURRENT else STATUS[newest.standing]
    is_current = newest.standing not in (Standing.CANCELLED, Standing.ENTERED_IN_ERROR)
    return StayEntry(
        id=item.id,
        heading=newest.heading,
        what=_what(stay),
        detail=status,
        happened_at=start,
        said_at=newest.said_at,
        sources=source_names([item], context),
        marks=_marks(item, stay, context),
        is_current=is_current,
        statement_ids=statement_ids([item]),
        rule="One visit of one source: nothing was joined.",
        kind=kind_words(stay),
        place=place_words(stay),
        start=start,
        end=end,
        consultant=consultant_words(stay),
        reason=", ".join(concept.words for concept in stay.reasonCode if concept.words),
        discharged_to=_discharged_to(stay),
    )


def instant(text: str) -> datetime | None:
    """A FHIR dateTime that carries a time zone; anything less precise is left to the words of the receipt."""
    if len(text) < 20:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo else None


def _what(stay: Encounter) -> str:
    service = stay.serviceType.words if stay.serviceType else ""
    return service or _type_words(stay) or kind_words(stay)


def _type_words(stay: Encounter) -> str:
    return next((concept.words for concept in stay.type if concept.words), "")


def kind_words(stay: Encounter) -> str:
    if stay.class_ is None:
        return _type_words(stay) or "Visit"
    if stay.class_.code in MANNERS and (own := _type_words(stay)):
        return own
    return KINDS.get(stay.class_.code) or stay.class_.display or stay.class_.code or "Visit"


def place_words(stay: Encounter) -> str:
    """Where the patient is, or last was: the active location, else the last one named."""
    named = [place for place in stay.location if place.location and place.location.display]
    active = [place for place in named if place.status == "active"] or named
    if active and active[-1].location:
        return active[-1].location.display
    return stay.serviceProvider.display if stay.serviceProvider else ""


def consultant_words(stay: Encounter) -> str:
    named = [
        (participant, participant.individual.display) for participant in stay.participant if participant.individual
    ]
    for wanted in ATTENDING:
        for participant, name in named:
            if name and any(coding.code == wanted for kind in participant.type for coding in kind.coding):
                return name
    return next((name for _, name in named if name), "")


def _discharged_to(stay: Encounter) -> str:
    disposition = stay.hospitalization.dischargeDisposition if stay.hospitalization else None
    return disposition.words if disposition else ""


def _marks(item: Item, stay: Encounter, context: Context) -> tuple[Mark, ...]:
    if item.newest.standing is Standing.CANCELLED:
        return (Mark.CANCELLED,)
    if item.newest.standing is Standing.ENTERED_IN_ERROR:
        return (Mark.ENTERED_IN_ERROR,)
    if context.is_new(item):
        return (Mark.NEW,)
    # Moving wards and going home is a stay taking its course: only another date, reason or consultant is news.
    if item.older and context.said_since(item) and (before := latest_other(item)):
        earlier = read_encounter(before.body)
        if _told(earlier) != _told(stay):
            return (Mark.CHANGED,)
    return ()


def _told(stay: Encounter) -> tuple[str, str, str, tuple[str, ...]]:
    return (
        stay.period.start if stay.period else "",
        _what(stay),
        consultant_words(stay),
        tuple(concept.words for concept in stay.reasonCode),
    )
