"""Whether what a resource says still stands, from its status (https://hl7.org/fhir/R4/resource.html, "status")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from carerecord.fhir.headings import codes
from carerecord.model import Standing

_BY_STATUS: Final = {
    **dict.fromkeys(("cancelled", "revoked", "not-done", "declined", "abandoned", "nullified"), Standing.CANCELLED),
    **dict.fromkeys(("finished", "fulfilled", "noshow", "inactive", "superseded", "stopped"), Standing.RESOLVED),
    **dict.fromkeys(("not-taken", "rejected", "ended", "retired", "closed"), Standing.RESOLVED),
    **dict.fromkeys(("planned", "proposed", "pending", "booked", "waitlist", "draft"), Standing.PLANNED),
    **dict.fromkeys(("intended", "requested", "preparation"), Standing.PLANNED),
    **dict.fromkeys(("preliminary", "registered", "partial"), Standing.PRELIMINARY),
    **dict.fromkeys(("amended", "corrected", "appended"), Standing.CORRECTED),
}
# Completed, these are over; what tells of an event that took place stays true.
_OVER_WHEN_COMPLETED: Final = frozenset(
    {"MedicationRequest", "MedicationStatement", "CarePlan", "ServiceRequest", "Goal", "DeviceUseStatement", "Task"}
    | {"NutritionOrder", "RequestGroup", "CommunicationRequest", "DeviceRequest", "VisionPrescription"}
)
_ENDED: Final = frozenset({"inactive", "remission", "resolved"})  # clinicalStatus
_STATUS: Final = ("status", "lifecycleStatus")


def standing_of(resource: Mapping[str, Any]) -> Standing:
    status = next((said for name in _STATUS if isinstance(said := resource.get(name), str)), "")
    verified = set(codes(resource.get("verificationStatus")))
    if status == "entered-in-error" or "entered-in-error" in verified:
        return Standing.ENTERED_IN_ERROR
    if "refuted" in verified or _ENDED & set(codes(resource.get("clinicalStatus"))):
        return Standing.RESOLVED
    resource_type = resource.get("resourceType")
    if status == "completed" and resource_type in _OVER_WHEN_COMPLETED:
        return Standing.RESOLVED
    if status == "in-progress" and resource_type == "QuestionnaireResponse":
        return Standing.PRELIMINARY
    if resource.get("docStatus") == "preliminary" and status == "current":
        return Standing.PRELIMINARY
    if resource.get("docStatus") == "entered-in-error":
        return Standing.ENTERED_IN_ERROR
    if resource.get("active") is False:
        return Standing.RESOLVED
    return _BY_STATUS.get(status, Standing.CURRENT)
