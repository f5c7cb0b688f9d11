"""Who speaks of whom, and the data types that every resource is made of (https://hl7.org/fhir/R4/datatypes.html)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from demo.messages.hl7 import is_summer_time
from demo.people.contents import Clinician, Concept

Resource = dict[str, Any]
PROFILES = "https://fhir.hl7.org.uk/StructureDefinition"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_SYSTEMS = {
    "sct": "http://snomed.info/sct",
    "dmd": "https://dmd.nhs.uk",
    "icd10": "http://hl7.org/fhir/sid/icd-10",
    "opcs4": "https://fhir.hl7.org.uk/CodeSystem/OPCS-4",
    "ctv3": "http://read.info/ctv3",
    "readv2": "http://read.info/readv2",
    "loinc": "http://loinc.org",
    "nicip": "https://nicip.nhs.uk",
}


class Speaking(msgspec.Struct, frozen=True, kw_only=True):
    """What a resource says beside its content: who states it, when, of whom, and whether it is taken back."""

    source: str
    organisation: str  # its name
    own_id: str
    at: datetime
    subject: Resource
    stay: str = ""
    is_in_error: bool = False
    says_dmd_as_snomed: bool = False  # dm+d codes are SNOMED CT identifiers too, and some systems send them so

    def resource(self, kind: str, *, profile: str | None = None, about: str = "subject") -> Resource:
        """The beginning of a resource. `about`: the member that names the patient."""
        meta: Resource = {"lastUpdated": instant(self.at)}
        if profile is None:
            profile = f"UKCore-{kind}"
        if profile:
            meta["profile"] = [f"{PROFILES}/{profile}"]
        return {"resourceType": kind, "id": self.own_id, "meta": meta, about: self.subject}

    def concept(self, told: Concept) -> Resource:
        codings = [
            {"system": self.system(code.system), "code": code.code, "display": code.display or told.text}
            for code in told.codes
        ]
        return {"coding": codings, "text": told.text} if codings else {"text": told.text}

    def system(self, name: str) -> str:
        if name == "dmd" and self.says_dmd_as_snomed:
            name = "sct"
        return _SYSTEMS.get(name) or f"https://fhir.{self.source}.example/CodeSystem/own"

    def encounter(self) -> Resource:
        """To the stay it belongs to, by the number that this source gives it."""
        return {"reference": f"Encounter/{self.stay}"}


def coded(system: str, code: str, display: str = "") -> Resource:
    """A CodeableConcept of a code list of HL7 (terminology.hl7.org)."""
    coding = {"system": f"{_TERMINOLOGY}/{system}", "code": code}
    return {"coding": [{**coding, "display": display} if display else coding]}


def called(clinician: Clinician) -> Resource:
    return {"display": clinician.called}


def instant(at: datetime) -> str:
    """London's clock with its offset, to the second."""
    return f"{at:%Y-%m-%dT%H:%M:%S}+0{'1' if is_summer_time(at) else '0'}:00"


def day(on: date) -> str:
    return on.isoformat()[:10]


def period(since: date | datetime | None, until: date | datetime | None) -> Resource:
    return {
        name: instant(at) if isinstance(at, datetime) else day(at)
        for name, at in (("start", since), ("end", until))
        if at is not None
    }


def notes(*texts: str) -> list[Resource]:
    return [{"text": text} for text in texts if text]
