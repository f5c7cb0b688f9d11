"""Appointments: one line for each, as its own source knows it; cancelled and missed ones are closed."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.fhir.care_resources import Appointment, read
from carerecord.fhir.resources import Reference
from carerecord.model import StoredStatement
from carerecord.reconciliation import other
from carerecord.reconciliation.entries import AppointmentEntry
from carerecord.reconciliation.one_line import Line, all_words, first_words, words_of
from carerecord.reconciliation.one_line import entries as line_entries
from carerecord.reconciliation.stays import instant
from carerecord.reconciliation.versions import Context, Item

STATUS = {"noshow": "did not attend", "fulfilled": "attended", "waitlist": "waiting list", "booked": ""}
OVER = frozenset(("cancelled", "noshow", "entered-in-error"))
PLACES = ("Location", "HealthcareService", "Organization")
PEOPLE = ("Practitioner", "PractitionerRole")


def entries(items: Sequence[Item], context: Context) -> tuple[AppointmentEntry, ...]:
    return line_entries(items, context, line_of, AppointmentEntry)


def line_of(statement: StoredStatement) -> Line:
    if statement.resource_type != "Appointment":
        return other.line_of(statement)
    said = read(Appointment, statement.body)
    actors = [each.actor for each in said.participant if each.actor]
    place = ", ".join(_named(said, actors, PLACES))
    seen_by = ", ".join(_named(said, actors, PEOPLE))
    what = (
        first_words(said.serviceType)
        or first_words(said.specialty)
        or said.description
        or words_of(said.appointmentType)
        or "Appointment"
    )
    described = said.description if said.description != what else ""
    reason = all_words(said.reasonCode) or words_of(said.cancelationReason)
    status = STATUS.get(said.status, said.status)
    return Line(
        what=what,
        details=(status, place, seen_by, described, reason),
        is_over=said.status in OVER,
        more={"start": instant(said.start) or statement.happened_at, "place": place, "seen_by": seen_by},
    )


def _named(said: Appointment, actors: Sequence[Reference], kinds: tuple[str, ...]) -> list[str]:
    found = []
    for actor in actors:
        inside = next((each.resourceType for each in said.contained if f"#{each.id}" == actor.reference), "")
        kind = actor.type or inside or actor.reference.rpartition("/")[0].rpartition("/")[2]
        if (kind in kinds or (not kind and kinds is PEOPLE)) and (name := said.named(actor)):
            found.append(name)
    return found
