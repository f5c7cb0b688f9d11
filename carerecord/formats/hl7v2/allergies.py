"""AL1, IAM: AllergyIntolerance, and the statement that there are none. https://hl7.org/fhir/R4/allergyintolerance.html"""

from __future__ import annotations

from typing import Any

from carerecord.formats.hl7v2.codes import SNOMED
from carerecord.formats.hl7v2.datatypes import Concept, concept
from carerecord.formats.hl7v2.grammar import Segment, value
from carerecord.formats.hl7v2.translating import DATA_ABSENT, Translating
from carerecord.model import Heading, Standing

_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
SEVERITY_AS_SENT = "urn:carerecord:severity-as-sent"

_CATEGORIES = {
    "DA": "medication",
    "DRUG": "medication",
    "FA": "food",
    "FOOD": "food",
    "EA": "environment",
    "ENVIRON": "environment",
    "ENVIRONMENT": "environment",
    "LA": "environment",
    "PA": "environment",
    "AA": "environment",
}
_SEVERITIES = {
    "SV": "severe",
    "MO": "moderate",
    "MI": "mild",
    "SEVERE": "severe",
    "MODERATE": "moderate",
    "MILD": "mild",
}

NO_KNOWN_ALLERGY = ("716186003", "No known allergy")
_NEGATIONS = {
    "716186003": NO_KNOWN_ALLERGY,
    "409137002": ("409137002", "No known drug allergy"),
    "428607008": ("428607008", "No known environmental allergy"),
    "429625007": ("429625007", "No known food allergy"),
    "428197003": ("428197003", "No known insect allergy"),
}
_NEGATION_WORDS = {
    "nka": NO_KNOWN_ALLERGY,
    "nkda": _NEGATIONS["409137002"],
    "nkfa": _NEGATIONS["429625007"],
    "nil known": NO_KNOWN_ALLERGY,
    "none known": NO_KNOWN_ALLERGY,
    "no allergies known": NO_KNOWN_ALLERGY,
    "no known drug allergies": _NEGATIONS["409137002"],
    "no known drug allergy": _NEGATIONS["409137002"],
    "no known medication allergies": _NEGATIONS["409137002"],
    "no known food allergies": _NEGATIONS["429625007"],
}
# These say neither that there is an allergy nor that none is known: shown as either they could harm.
_SAYS_NOTHING = {"none", "nil", "n/a", "na", "no", "unknown", "not known", "not recorded", "none recorded", "not asked"}


def read_allergies(translating: Translating) -> None:
    """State every AL1 and IAM of a message."""
    message = translating.message
    seen: dict[str, int] = {}
    for segment in message.segments:
        if segment[0] == "AL1":
            _read(translating, segment, seen, onset=6, reaction=5)
        elif segment[0] == "IAM":
            _read(translating, segment, seen, onset=11, reaction=5)


def _read(translating: Translating, segment: Segment, seen: dict[str, int], *, onset: int, reaction: int) -> None:
    """State one allergy. `seen` counts what comes twice in one message: each reaction may have a segment of its own."""
    message, source, name = translating.message, translating.source.id, segment[0]
    raw = value(segment, 3)
    substance = concept(raw, message, source=source, table=f"{name}-3")
    unique = translating.text(segment, 7) if name == "IAM" else ""
    words = " ".join(substance.text.lower().split()) if substance else ""
    negation = find_negation(substance, words) if substance else None
    own = substance.key or words if substance else ""
    if negation is None and (not words or words in _SAYS_NOTHING):
        _unnamed(translating, f"{name}-3", words)
        reacted = translating.text(segment, reaction, 2) or translating.text(segment, reaction)
        if not reacted or reacted.lower() in _SAYS_NOTHING:
            return
        own = f"{own}\r{reacted}"  # Who reacted to something that nobody named has an allergy all the same.
    ordinal = seen[unique or own] = seen.get(unique or own, 0) + 1
    local = translating.id("AllergyIntolerance", unique or own, *((str(ordinal),) if ordinal > 1 else ()))
    started = translating.instant(segment, onset)
    clinical, verification, standing = _status(translating, segment)
    body: dict[str, Any] = {"resourceType": "AllergyIntolerance", "id": local}
    if unique:
        body["identifier"] = [{"system": translating.local_system("allergy"), "value": unique}]
    if clinical:
        body["clinicalStatus"] = {"coding": [{"system": _CLINICAL, "code": clinical}]}
    body["verificationStatus"] = {"coding": [{"system": _VERIFICATION, "code": verification}]}
    if category := _category(translating, segment):
        body["category"] = [category]
    if substance:
        body["code"] = _negated(substance, negation) if negation else substance.json
    if started:
        body["onsetDateTime"] = started.text
    if name == "IAM" and (recorded := translating.instant(segment, 13)):
        body["recordedDate"] = recorded.text
    if described := _reaction(translating, segment, reaction):
        body["reaction"] = [described]
    translating.state(
        body,
        heading=Heading.ALLERGIES,
        code=f"{SNOMED}|{negation[0]}" if negation else substance.key if substance else None,
        happened_at=started.at if started else None,
        standing=standing,
    )


def _unnamed(translating: Translating, field: str, words: str) -> None:
    if words:
        sentence = f"{field} says neither what the allergy is nor that none is known: send a substance, or 716186003."
    else:
        sentence = f"{field} is missing: the allergy names no substance and is not used; send its code or its name."
    translating.problem(field, "unclear" if words else "required", sentence)


def find_negation(substance: Concept, words: str) -> tuple[str, str] | None:
    """The SNOMED CT code and term where a source says that no allergy is known."""
    if substance.key and substance.key.startswith(f"{SNOMED}|") and (found := _NEGATIONS.get(substance.code)):
        return found
    if found := _NEGATION_WORDS.get(words) or _NEGATION_WORDS.get(substance.code.lower()):
        return found
    # Nothing may follow or stand between: "no known allergies except penicillin" names one, "no known latex allergy"
    # denies one alone.
    return NO_KNOWN_ALLERGY if words.strip(" .,;:*-") in ("no known allergy", "no known allergies") else None


def _negated(substance: Concept, negation: tuple[str, str]) -> Any:
    """The source's own code and words with the national code beside them: "none known" is never read as a substance."""
    code, display = negation
    coding = {"system": SNOMED, "code": code, "display": display}
    if substance.key == f"{SNOMED}|{code}":
        return substance.json
    codings = [coding]
    if substance.key:
        system, _, own = substance.key.partition("|")
        codings.append({"system": system, "code": own})
    return {"coding": codings, "text": substance.text}


def _status(translating: Translating, segment: Segment) -> tuple[str | None, str, Standing]:
    """(clinical status, verification status, standing): IAM-6 says what was done, IAM-17 how sure it is."""
    if segment[0] != "IAM":
        return "active", "confirmed", Standing.CURRENT
    certainty = translating.text(segment, 17).upper()
    if certainty == "E":
        return None, "entered-in-error", Standing.ENTERED_IN_ERROR
    if translating.text(segment, 6).upper() == "D" or certainty == "I":
        return "inactive", "confirmed", Standing.RESOLVED
    return "active", "unconfirmed" if certainty in {"U", "P", "S", "D"} else "confirmed", Standing.CURRENT


def _category(translating: Translating, segment: Segment) -> str | None:
    kind = translating.text(segment, 2).upper()
    return _CATEGORIES.get(kind) or ("medication" if kind.startswith("DRUG") else None)


def _reaction(translating: Translating, segment: Segment, number: int) -> dict[str, Any] | None:
    message, source = translating.message, translating.source.id
    manifestations: list[Any] = []
    for repetition in message.repetitions(value(segment, number)):
        if said := concept(repetition, message, source=source, table=f"{segment[0]}-{number}"):
            manifestations.append(said.json)
    sent = translating.text(segment, 4, 2) or translating.text(segment, 4)
    severity = _SEVERITIES.get(translating.text(segment, 4).upper()) or _SEVERITIES.get(sent.upper())
    if not manifestations and (not sent or sent.upper() == "U"):
        return None
    # R4 asks for a manifestation; where only the severity was sent, it says that it does not know one.
    reaction: dict[str, Any] = {
        "manifestation": manifestations or [{"extension": [{"url": DATA_ABSENT, "valueCode": "unknown"}]}]
    }
    if severity:
        reaction["severity"] = severity
    elif sent and sent.upper() != "U":
        reaction["extension"] = [{"url": SEVERITY_AS_SENT, "valueString": sent}]
    return reaction
