"""Each kind of content as a FHIR R4 resource in the profiles of UK Core, one small file each.

In: what is stated and who states it (`Speaking`). Out: the resource as plain JSON values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from demo.messages.resources import (
    alerts,
    allergies,
    appointments,
    assessments,
    contacts,
    decisions,
    devices,
    documents,
    encounters,
    family_history,
    immunisations,
    medicines,
    notices,
    observations,
    plans,
    problems,
    procedures,
    referrals,
    services,
    teams,
)
from demo.messages.resources.speaking import Speaking
from demo.people.contents import (
    Alert,
    AllergyEntry,
    Assessment,
    Contact,
    Content,
    Decision,
    Encounter,
    FamilyHistory,
    Immunisation,
    Implant,
    Measurement,
    Medicine,
    Notice,
    Operation,
    Plan,
    Problem,
    Referral,
    Report,
    Service,
    Slot,
    Team,
)

WRITERS: dict[type[Content], Callable[[Any, Speaking], dict[str, Any]]] = {
    Medicine: medicines.write,
    Problem: problems.write,
    AllergyEntry: allergies.write,
    Immunisation: immunisations.write,
    Measurement: observations.write,
    Operation: procedures.write,
    Plan: plans.write,
    Decision: decisions.write,
    Alert: alerts.write,
    Service: services.write,
    Contact: contacts.write,
    Team: teams.write,
    Assessment: assessments.write,
    Encounter: encounters.write,
    Referral: referrals.write,
    Slot: appointments.write,
    FamilyHistory: family_history.write,
    Implant: devices.write,
    Report: documents.write,
    Notice: notices.write,
}

__all__ = ["WRITERS", "Speaking"]
