"""What FHIR demands between the members of one object: HL7's invariants that need no more than that object to judge."""

from __future__ import annotations

from datetime import datetime

from carerecord.fhir.demands import (
    Finding,
    Object,
    Rule,
    also_where,
    distinct,
    has,
    just_one_of,
    needs,
    not_both,
    not_negative,
    number_in,
    objects_in,
    one_of,
    only_where,
    text_in,
)
from carerecord.fhir.expressions import is_readable

UCUM = "http://unitsofmeasure.org"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
# Of HL7's own addresses alone: IHE has a code system whose address speaks of a value set.
_VALUE_SETS = ("http://hl7.org/fhir/ValueSet/", "http://terminology.hl7.org/ValueSet/")


def _coded_as(value: Object, name: str, system: str, *codes: str) -> bool:
    return any(
        coding.get("system") == _TERMINOLOGY + system and coding.get("code") in codes
        for concept in objects_in(value, name)
        for coding in objects_in(concept, "coding")
    )


def absolute_system(value: Object) -> Finding:
    system = value.get("system")
    if not isinstance(system, str) or not system:
        return None
    if ":" not in system:
        return ".system", "must be a whole address that begins with its scheme, such as http: or urn:"
    if system.startswith(_VALUE_SETS):
        return ".system", "is the address of a value set: give that of the code system"
    return None


def readable_expression(value: Object) -> Finding:
    text = value.get("expression")
    if value.get("language") == "text/fhirpath" and isinstance(text, str) and not is_readable(text):
        return ".expression", "cannot be read as FHIRPath"
    return None


def extension(value: Object) -> Finding:
    """ext-1, spelled out: it is asked more often than all others together."""
    has_value = False
    for name in value:
        if isinstance(name, str) and name.startswith(("value", "_value")):
            has_value = True
    if ("extension" in value) == has_value:
        return "", "must have either a value or extensions of its own, not both and not neither (ext-1)"
    return None


def attachment_size(value: Object) -> Finding:
    data, size = value.get("data"), value.get("size")
    if not isinstance(data, str) or type(size) is not int:
        return None
    packed = "".join(data.split())
    if len(packed) * 3 // 4 - packed.count("=", -2) == size:
        return None
    return ".size", "must be the number of bytes of the data before it was made base64"


def period(value: Object) -> Finding:
    start, end = text_in(value, "start"), text_in(value, "end")
    if start <= end or not end or not _is_after(start, end):
        return None
    return ".end", "must not be before its start (per-1)"


def _is_after(start: str, end: str) -> bool:
    """Whether a start is later than an end, as far as both are precise; offsets are counted in."""
    if "T" in start and "T" in end:
        try:
            return datetime.fromisoformat(start) > datetime.fromisoformat(end)
        except (ValueError, TypeError):
            return False
    length = min(len(start), len(end), 10)
    return start[:length] > end[:length]


def range_(value: Object) -> Finding:
    low, high = (objects_in(value, name) for name in ("low", "high"))
    if not low or not high or low[0].get("code") != high[0].get("code") or low[0].get("unit") != high[0].get("unit"):
        return None
    least, most = number_in(low[0], "value"), number_in(high[0], "value")
    return (".high", "must not be lower than low (rng-2)") if None not in (least, most) and least > most else None  # type: ignore[operator]


def ratio(value: Object) -> Finding:
    both = [has(value, name) for name in ("numerator", "denominator")]
    if all(both) or (not any(both) and has(value, "extension")):
        return None
    return "", "must have both a numerator and a denominator (rat-1)"


def duration(value: Object) -> Finding:
    if has(value, "code") and not (text_in(value, "system") == UCUM and has(value, "value")):
        return ".code", f"is needed with a value, and with the system {UCUM} (drt-1)"
    return None


def no_comparator(value: Object) -> Finding:
    return (".comparator", "must not be used here: leave it out (sqty-1)") if has(value, "comparator") else None


def age(value: Object) -> Finding:
    number = number_in(value, "value")
    if (has(value, "value") and not has(value, "code")) or (has(value, "system") and value["system"] != UCUM):
        return ".code", f"must be a unit of time of the system {UCUM} (age-1)"
    return (".value", "must be more than 0 (age-1)") if number is not None and number <= 0 else None


def component_of_the_same_code(value: Object) -> Finding:
    if "component" not in value or not has(value, "value[x]"):
        return None
    mine = _codings(value)
    for index, component in enumerate(objects_in(value, "component")):
        if mine & _codings(component):
            return f".component[{index}]", "has the code of the observation, which has a value: say it once (obs-7)"
    return None


def _codings(value: Object) -> set[tuple[str, ...]]:
    """As they are compared in FHIRPath: two are the same if they say the same words too."""
    return {
        tuple(text_in(coding, name) for name in ("system", "version", "code", "display"))
        for concept in objects_in(value, "code")
        for coding in objects_in(concept, "coding")
    }


def allergy_status(value: Object) -> Finding:
    is_error = _coded_as(value, "verificationStatus", "allergyintolerance-verification", "entered-in-error")
    if is_error == has(value, "clinicalStatus"):
        said = "must not be given where" if is_error else "is needed unless"
        return ".clinicalStatus", f"{said} verificationStatus is entered-in-error ({'ait-2' if is_error else 'ait-1'})"
    return None


def condition_status(value: Object) -> Finding:
    if has(value, "abatement[x]") and not _coded_as(
        value, "clinicalStatus", "condition-clinical", "resolved", "remission", "inactive"
    ):
        return ".clinicalStatus", "must be resolved, remission or inactive where there is an abatement (con-4)"
    if has(value, "clinicalStatus") and _coded_as(
        value, "verificationStatus", "condition-ver-status", "entered-in-error"
    ):
        return ".clinicalStatus", "must not be given where verificationStatus is entered-in-error (con-5)"
    return None


def appointment_times(value: Object) -> Finding:
    start, end = has(value, "start"), has(value, "end")
    if start != end:
        return ".end" if start else ".start", "is needed: give both start and end, or neither (app-2)"
    if not start and value.get("status") not in ("proposed", "cancelled", "waitlist"):
        return ".start", "is needed unless the status is proposed, cancelled or waitlist (app-3)"
    return None


def work_contact(name: str, key: str) -> Rule:
    def rule(value: Object) -> Finding:
        for index, one in enumerate(objects_in(value, name)):
            if one.get("use") == "home":
                return f".{name}[{index}].use", f"must not be home: an organisation has none ({key})"
        return None

    return rule


def prediction(value: Object) -> Finding:
    probability = number_in(value, "probabilityDecimal")
    too_much = probability is not None and probability > 100
    return (".probability", "must be 100 or less (ras-2)") if too_much else None


def enable_behavior(value: Object) -> Finding:
    if len(objects_in(value, "enableWhen")) > 1 and not has(value, "enableBehavior"):
        return ".enableBehavior", "is needed where there is more than one enableWhen: all or any (que-12)"
    return None


def composite(value: Object) -> Finding:
    if value.get("type") == "composite" and len(objects_in(value, "component")) < 2:
        return ".component", "is needed twice or more where the type is composite"
    return None


def parameter(value: Object) -> Finding:
    said = [has(value, "value[x]"), has(value, "resource"), has(value, "part")]
    return None if sum(said) == 1 else ("", "must have one, and only one, of value, resource and part (inv-1)")


INVARIANTS: dict[str, tuple[Rule, ...]] = {
    "Age": (age,),
    "AllergyIntolerance": (allergy_status,),
    "Appointment": (
        appointment_times,
        only_where("app-4", "cancelationReason", "status", "noshow", "cancelled"),
    ),
    "Appointment.participant": (one_of("app-1", "type", "actor"),),
    "AppointmentResponse": (one_of("apr-1", "participantType", "actor"),),
    "Attachment": (needs("att-1", "data", "contentType"), attachment_size),
    "AuditEvent.entity": (not_both("sev-1", "name", "query"),),
    "CapabilityStatement": (
        one_of("cpb-1", "rest", "messaging", "document"),
        one_of("cpb-2", "description", "software", "implementation"),
    ),
    "CapabilityStatement.rest.resource": (distinct("cpb-12", "searchParam", "name"),),
    "CarePlan.activity": (not_both("cpl-3", "detail", "reference"),),
    "Coding": (absolute_system,),
    "Composition.section": (
        one_of("cmp-1", "text", "entry", "section"),
        not_both("cmp-2", "entry", "emptyReason"),
    ),
    "Condition": (condition_status,),
    "Condition.evidence": (one_of("con-2", "code", "detail"),),
    "Condition.stage": (one_of("con-1", "summary", "assessment"),),
    "Consent": (one_of("ppc-1", "policy", "policyRule"),),
    "ContactPoint": (needs("cpt-2", "value", "system"),),
    "DataRequirement.codeFilter": (just_one_of("drq-1", "path", "searchParam"),),
    "DataRequirement.dateFilter": (just_one_of("drq-2", "path", "searchParam"),),
    "Duration": (duration,),
    "Expression": (one_of("exp-1", "expression", "reference"), readable_expression),
    "Extension": (extension,),
    "FamilyMemberHistory": (
        not_both("fhs-1", "age[x]", "born[x]"),
        needs("fhs-2", "estimatedAge", "age[x]"),
    ),
    "Goal.target": (needs("gol-1", "detail[x]", "measure"),),
    "Identifier": (absolute_system,),
    "Immunization.education": (one_of("imm-1", "documentType", "reference"),),
    "ImmunizationRecommendation.recommendation": (one_of("imr-1", "vaccineCode", "targetDisease"),),
    "List": (not_both("lst-1", "entry", "emptyReason"),),
    "MedicationAdministration.dosage": (one_of("mad-1", "dose", "rate[x]"),),
    "Observation": (not_both("obs-6", "value[x]", "dataAbsentReason"), component_of_the_same_code),
    "Observation.referenceRange": (one_of("obs-3", "low", "high", "text"),),
    "Organization": (
        one_of("org-1", "identifier", "name"),
        work_contact("address", "org-2"),
        work_contact("telecom", "org-3"),
    ),
    "Parameters.parameter": (parameter,),
    "Patient.contact": (one_of("pat-1", "name", "telecom", "address", "organization"),),
    "Period": (period,),
    "Quantity": (needs("qty-3", "code", "system"),),
    "Questionnaire.item": (
        enable_behavior,
        also_where("que-1", "item", "type", "group"),
        not_both("que-4", "answerOption", "answerValueSet"),
        not_both("que-11", "answerOption", "initial"),
    ),
    "QuestionnaireResponse.item": (not_both("qrs-1", "answer", "item"),),
    "Range": (range_,),
    "Ratio": (ratio,),
    "RiskAssessment.prediction": (prediction,),
    "SearchParameter": (composite, only_where("spd-2", "chain", "type", "reference")),
    "ServiceRequest": (needs("prr-1", "orderDetail", "code"),),
    "SimpleQuantity": (no_comparator,),
    "Timing.repeat": (
        needs("tim-1", "duration", "durationUnit"),
        needs("tim-2", "period", "periodUnit"),
        not_negative("tim-4", "duration"),
        not_negative("tim-5", "period"),
        needs("tim-6", "periodMax", "period"),
        needs("tim-7", "durationMax", "duration"),
        needs("tim-8", "countMax", "count"),
        needs("tim-9", "offset", "when"),
        not_both("tim-10", "timeOfDay", "when"),
    ),
    "ValueSet.compose.include": (
        one_of("vsd-1", "valueSet", "system"),
        needs("vsd-2", "concept", "system"),
        needs("vsd-2", "filter", "system"),
        not_both("vsd-3", "concept", "filter"),
    ),
}
