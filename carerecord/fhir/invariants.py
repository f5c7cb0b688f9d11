"""What FHIR demands between the members of one object: HL7's invariants that need no more than that object to judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

Object = Mapping[str, Any]
# (the member it is about, as a step of a path, or ""; what must change), or None where all is well.
Finding = tuple[str, str] | None
Rule = Callable[[Object], Finding]

UCUM = "http://unitsofmeasure.org"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
# Of HL7's own addresses alone: IHE has a code system whose address speaks of a value set.
_VALUE_SETS = ("http://hl7.org/fhir/ValueSet/", "http://terminology.hl7.org/ValueSet/")


def _has(value: Object, name: str) -> bool:
    """Whether an element is there: one without a value may still have an extension. `name[x]` is any of a choice."""
    if not name.endswith("[x]"):
        return name in value or f"_{name}" in value
    stem = name[:-3]
    for key in value:
        if (
            isinstance(key, str)
            and (bare := key.removeprefix("_")).startswith(stem)
            and bare[len(stem) :][:1].isupper()
        ):
            return True
    return False


def _objects(value: Object, name: str) -> list[Object]:
    """The objects in a member, whether it is one or a list; whatever else it holds is said elsewhere."""
    found = value.get(name)
    return [one for one in (found if isinstance(found, list | tuple) else [found]) if isinstance(one, dict)]


def _text(value: Object, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _coded_as(value: Object, name: str, system: str, *codes: str) -> bool:
    return any(
        coding.get("system") == _TERMINOLOGY + system and coding.get("code") in codes
        for concept in _objects(value, name)
        for coding in _objects(concept, "coding")
    )


def _number(value: Object, name: str) -> Decimal | float | int | None:
    found = value.get(name)
    if isinstance(found, Decimal):
        return found if found.is_finite() else None
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return found if is_number and found == found else None


def needs(key: str, name: str, *others: str) -> Rule:
    """Where one member is, one of the others must be."""

    def rule(value: Object) -> Finding:
        if not _has(value, name) or any(_has(value, other) for other in others):
            return None
        return f".{others[0].removesuffix('[x]')}", f"is needed beside {name}: give {_or(others)} ({key})"

    return rule


def one_of(key: str, *names: str) -> Rule:
    """At least one of these must be there."""

    def rule(value: Object) -> Finding:
        return None if any(_has(value, name) for name in names) else ("", f"must have {_or(names)} ({key})")

    return rule


def just_one_of(key: str, *names: str) -> Rule:
    def rule(value: Object) -> Finding:
        if sum(_has(value, name) for name in names) == 1:
            return None
        return "", f"must have one, and only one, of {_or(names)} ({key})"

    return rule


def not_both(key: str, first: str, second: str) -> Rule:
    def rule(value: Object) -> Finding:
        if _has(value, first) and _has(value, second):
            return f".{second.removesuffix('[x]')}", f"must not stand beside {first}: leave out one of them ({key})"
        return None

    return rule


def not_negative(key: str, name: str) -> Rule:
    def rule(value: Object) -> Finding:
        number = _number(value, name)
        return (f".{name}", f"must not be negative ({key})") if number is not None and number < 0 else None

    return rule


def only_where(key: str, name: str, member: str, *values: str) -> Rule:
    """One member may only be there where another has one of these values."""

    def rule(value: Object) -> Finding:
        if not _has(value, name) or value.get(member) in values:
            return None
        return f".{name.removesuffix('[x]')}", f"may only stand where {member} is {_or(values)} ({key})"

    return rule


def also_where(key: str, name: str, member: str, *values: str) -> Rule:
    """One member must be there where another has one of these values."""

    def rule(value: Object) -> Finding:
        if value.get(member) not in values or _has(value, name):
            return None
        return f".{name.removesuffix('[x]')}", f"is needed where {member} is {_or(values)} ({key})"

    return rule


def distinct(key: str, name: str, *members: str) -> Rule:
    """No two of a list's objects may be the same in these members."""

    def rule(value: Object) -> Finding:
        seen = set()
        for index, one in enumerate(_objects(value, name)):
            same = tuple(_text(one, member) for member in members)
            if all(same) and same in seen:
                return f".{name}[{index}]", f"has the {_and(members)} of another {name}: each may come once ({key})"
            seen.add(same)
        return None

    return rule


def _or(names: Iterable[str]) -> str:
    return " or ".join(names)


def _and(names: Iterable[str]) -> str:
    return " and ".join(names)


def absolute_system(value: Object) -> Finding:
    system = value.get("system")
    if not isinstance(system, str) or not system:
        return None
    if ":" not in system:
        return ".system", "must be a whole address that begins with its scheme, such as http: or urn:"
    if system.startswith(_VALUE_SETS):
        return ".system", "is the address of a value set: give that of the code system"
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
    start, end = _text(value, "start"), _text(value, "end")
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
    low, high = (_objects(value, name) for name in ("low", "high"))
    if not low or not high or low[0].get("code") != high[0].get("code") or low[0].get("unit") != high[0].get("unit"):
        return None
    least, most = _number(low[0], "value"), _number(high[0], "value")
    return (".high", "must not be lower than low (rng-2)") if None not in (least, most) and least > most else None  # type: ignore[operator]


def ratio(value: Object) -> Finding:
    both = [_has(value, name) for name in ("numerator", "denominator")]
    if all(both) or (not any(both) and _has(value, "extension")):
        return None
    return "", "must have both a numerator and a denominator (rat-1)"


def duration(value: Object) -> Finding:
    if _has(value, "code") and not (_text(value, "system") == UCUM and _has(value, "value")):
        return ".code", f"is needed with a value, and with the system {UCUM} (drt-1)"
    return None


def no_comparator(value: Object) -> Finding:
    return (".comparator", "must not be used here: leave it out (sqty-1)") if _has(value, "comparator") else None


def age(value: Object) -> Finding:
    number = _number(value, "value")
    if (_has(value, "value") and not _has(value, "code")) or (_has(value, "system") and value["system"] != UCUM):
        return ".code", f"must be a unit of time of the system {UCUM} (age-1)"
    return (".value", "must be more than 0 (age-1)") if number is not None and number <= 0 else None


def component_of_the_same_code(value: Object) -> Finding:
    if not _has(value, "value[x]"):
        return None
    mine = _codings(value)
    for index, component in enumerate(_objects(value, "component")):
        if mine & _codings(component):
            return f".component[{index}]", "has the code of the observation, which has a value: say it once (obs-7)"
    return None


def _codings(value: Object) -> set[tuple[str, str]]:
    return {
        (_text(coding, "system"), _text(coding, "code"))
        for concept in _objects(value, "code")
        for coding in _objects(concept, "coding")
        if _text(coding, "code")
    }


def allergy_status(value: Object) -> Finding:
    is_error = _coded_as(value, "verificationStatus", "allergyintolerance-verification", "entered-in-error")
    if is_error == _has(value, "clinicalStatus"):
        said = "must not be given where" if is_error else "is needed unless"
        return ".clinicalStatus", f"{said} verificationStatus is entered-in-error ({'ait-2' if is_error else 'ait-1'})"
    return None


def condition_status(value: Object) -> Finding:
    if _has(value, "abatement[x]") and not _coded_as(
        value, "clinicalStatus", "condition-clinical", "resolved", "remission", "inactive"
    ):
        return ".clinicalStatus", "must be resolved, remission or inactive where there is an abatement (con-4)"
    if _has(value, "clinicalStatus") and _coded_as(
        value, "verificationStatus", "condition-ver-status", "entered-in-error"
    ):
        return ".clinicalStatus", "must not be given where verificationStatus is entered-in-error (con-5)"
    return None


def appointment_times(value: Object) -> Finding:
    start, end = _has(value, "start"), _has(value, "end")
    if start != end:
        return ".end" if start else ".start", "is needed: give both start and end, or neither (app-2)"
    if not start and value.get("status") not in ("proposed", "cancelled", "waitlist"):
        return ".start", "is needed unless the status is proposed, cancelled or waitlist (app-3)"
    return None


def work_contact(name: str, key: str) -> Rule:
    def rule(value: Object) -> Finding:
        for index, one in enumerate(_objects(value, name)):
            if one.get("use") == "home":
                return f".{name}[{index}].use", f"must not be home: an organisation has none ({key})"
        return None

    return rule


def prediction(value: Object) -> Finding:
    probability = _number(value, "probabilityDecimal")
    too_much = probability is not None and probability > 100
    return (".probability", "must be 100 or less (ras-2)") if too_much else None


def enable_behavior(value: Object) -> Finding:
    if len(_objects(value, "enableWhen")) > 1 and not _has(value, "enableBehavior"):
        return ".enableBehavior", "is needed where there is more than one enableWhen: all or any (que-12)"
    return None


def composite(value: Object) -> Finding:
    if value.get("type") == "composite" and len(_objects(value, "component")) < 2:
        return ".component", "is needed twice or more where the type is composite"
    return None


def parameter(value: Object) -> Finding:
    said = [_has(value, "value[x]"), _has(value, "resource"), _has(value, "part")]
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
    "Expression": (one_of("exp-1", "expression", "reference"),),
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
        not_both("vsd-3", "concept", "filter"),
    ),
}
