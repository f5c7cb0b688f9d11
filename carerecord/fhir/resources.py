"""R4 resources as a view reads them: only the fields it needs, decoded without dicts (https://hl7.org/fhir/R4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

import msgspec

# A record holds hundreds of resources and a view needs a few fields of each. Undeclared fields are skipped by the
# decoder; structs that the garbage collector need not visit keep a live view within its time.


class Coding(msgspec.Struct, gc=False):
    system: str = ""
    code: str = ""
    display: str = ""


class Concept(msgspec.Struct, gc=False):
    """A CodeableConcept."""

    text: str = ""
    coding: tuple[Coding, ...] = ()

    @property
    def words(self) -> str:
        """As a person would say it: the source's own words first, then a display, then the bare code."""
        if self.text:
            return self.text
        for coding in self.coding:
            if coding.display:
                return coding.display
        return self.coding[0].code if self.coding else ""


class Annotation(msgspec.Struct, gc=False):
    text: str = ""


class Extension(msgspec.Struct, gc=False):
    url: str = ""
    valueString: str = ""  # noqa: N815
    valueAnnotation: Annotation | None = None  # noqa: N815
    valueReference: Reference | None = None  # noqa: N815
    valueBoolean: bool | None = None  # noqa: N815
    valueCode: str = ""  # noqa: N815
    valueCodeableConcept: Concept | None = None  # noqa: N815


class Quantity(msgspec.Struct, gc=False):
    value: Decimal | None = None  # Decimal, because 5.0 and 5.00 are not the same statement about precision
    comparator: str = ""
    unit: str = ""
    code: str = ""
    extension: tuple[Extension, ...] = ()


class Ratio(msgspec.Struct, gc=False):
    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Range(msgspec.Struct, gc=False):
    """A Range, or an element of Observation.referenceRange."""

    low: Quantity | None = None
    high: Quantity | None = None
    text: str = ""


class Reference(msgspec.Struct, gc=False):
    reference: str = ""
    display: str = ""
    type: str = ""

    @property
    def local_id(self) -> str:
        return self.reference.rpartition("/")[2]


class Period(msgspec.Struct, gc=False):
    start: str = ""
    end: str = ""


class Reaction(msgspec.Struct, gc=False):
    manifestation: tuple[Concept, ...] = ()
    severity: str = ""
    description: str = ""
    extension: tuple[Extension, ...] = ()


class Participant(msgspec.Struct, gc=False):
    type: tuple[Concept, ...] = ()
    individual: Reference | None = None


class StayLocation(msgspec.Struct, gc=False):
    location: Reference | None = None
    status: str = ""


class Hospitalization(msgspec.Struct, gc=False):
    dischargeDisposition: Concept | None = None  # noqa: N815 (FHIR's own name)


class Attachment(msgspec.Struct, gc=False):
    contentType: str = ""  # noqa: N815
    data: msgspec.Raw = msgspec.Raw(b"")  # Left as it stands: a PDF is only decoded when somebody opens it.
    title: str = ""
    url: str = ""


class Content(msgspec.Struct, gc=False):
    attachment: Attachment | None = None


class RelatesTo(msgspec.Struct, gc=False):
    code: str = ""
    target: Reference | None = None


class Resource(msgspec.Struct, gc=False, kw_only=True):
    """What every resource may say. `was_readable` is False where something did not fit and was left out."""

    status: str = ""
    code: Concept | None = None
    note: tuple[Annotation, ...] = ()
    was_readable: bool = True


class Observation(Resource, gc=False, kw_only=True):
    effectiveDateTime: str = ""  # noqa: N815
    issued: str = ""
    valueQuantity: Quantity | None = None  # noqa: N815
    valueString: str | None = None  # noqa: N815
    valueCodeableConcept: Concept | None = None  # noqa: N815
    valueDateTime: str | None = None  # noqa: N815
    valueTime: str | None = None  # noqa: N815
    valueInteger: int | None = None  # noqa: N815
    valueBoolean: bool | None = None  # noqa: N815
    valueRange: Range | None = None  # noqa: N815
    valueRatio: Ratio | None = None  # noqa: N815
    dataAbsentReason: Concept | None = None  # noqa: N815
    interpretation: tuple[Concept, ...] = ()
    referenceRange: tuple[Range, ...] = ()  # noqa: N815
    specimen: Reference | None = None
    method: Concept | None = None
    performer: tuple[Reference, ...] = ()


class DiagnosticReport(Resource, gc=False, kw_only=True):
    result: tuple[Reference, ...] = ()
    conclusion: str = ""
    performer: tuple[Reference, ...] = ()
    specimen: tuple[Reference, ...] = ()
    presentedForm: tuple[Attachment, ...] = ()  # noqa: N815
    extension: tuple[Extension, ...] = ()


class Encounter(Resource, gc=False, kw_only=True):
    class_: Coding | None = msgspec.field(default=None, name="class")
    type: tuple[Concept, ...] = ()
    serviceType: Concept | None = None  # noqa: N815
    period: Period | None = None
    location: tuple[StayLocation, ...] = ()
    participant: tuple[Participant, ...] = ()
    reasonCode: tuple[Concept, ...] = ()  # noqa: N815
    hospitalization: Hospitalization | None = None
    serviceProvider: Reference | None = None  # noqa: N815


class AllergyIntolerance(Resource, gc=False, kw_only=True):
    clinicalStatus: Concept | None = None  # noqa: N815
    verificationStatus: Concept | None = None  # noqa: N815
    category: tuple[str, ...] = ()
    criticality: str = ""
    reaction: tuple[Reaction, ...] = ()
    onsetDateTime: str = ""  # noqa: N815
    recordedDate: str = ""  # noqa: N815
    recorder: Reference | None = None
    asserter: Reference | None = None


class DocumentReference(Resource, gc=False, kw_only=True):
    docStatus: str = ""  # noqa: N815
    type: Concept | None = None
    date: str = ""
    description: str = ""
    author: tuple[Reference, ...] = ()
    authenticator: Reference | None = None
    content: tuple[Content, ...] = ()
    relatesTo: tuple[RelatesTo, ...] = ()  # noqa: N815


class Condition(Resource, gc=False, kw_only=True):
    clinicalStatus: Concept | None = None  # noqa: N815
    verificationStatus: Concept | None = None  # noqa: N815
    severity: Concept | None = None
    onsetDateTime: str = ""  # noqa: N815
    abatementDateTime: str = ""  # noqa: N815
    recordedDate: str = ""  # noqa: N815
    asserter: Reference | None = None
    recorder: Reference | None = None


R = TypeVar("R", bound=Resource)

_observation = msgspec.json.Decoder(Observation)
_report = msgspec.json.Decoder(DiagnosticReport)
_encounter = msgspec.json.Decoder(Encounter)
_allergy = msgspec.json.Decoder(AllergyIntolerance)
_document = msgspec.json.Decoder(DocumentReference)
_condition = msgspec.json.Decoder(Condition)
_other = msgspec.json.Decoder(Resource)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_observation(body: bytes) -> Observation:
    return read_as(_observation, body)


def read_report(body: bytes) -> DiagnosticReport:
    return read_as(_report, body)


def read_encounter(body: bytes) -> Encounter:
    return read_as(_encounter, body)


def read_allergy(body: bytes) -> AllergyIntolerance:
    return read_as(_allergy, body)


def read_document(body: bytes) -> DocumentReference:
    return read_as(_document, body)


def read_condition(body: bytes) -> Condition:
    return read_as(_condition, body)


def read_other(body: bytes) -> Resource:
    return read_as(_other, body)


def read_as(decoder: msgspec.json.Decoder[R], body: bytes) -> R:
    """What fits of a stored resource: a shape that nobody foresaw leaves something out and never stops a view."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _tolerant(decoder.type, body)


def _tolerant(kind: type[R], body: bytes) -> R:
    """What fits of a resource that does not fit as a whole. A stored statement is never dropped for its shape."""
    fitting: dict[str, Any] = {}
    try:
        members = _members.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        members = {}
    for field in msgspec.structs.fields(kind):
        if field.encode_name in members:
            try:
                fitting[field.name] = msgspec.json.decode(members[field.encode_name], type=field.type)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
    return kind(**{**fitting, "was_readable": False})
