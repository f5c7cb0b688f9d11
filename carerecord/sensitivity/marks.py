"""What a source itself says of how careful to be: FHIR security labels, and HL7 v2's codes that mean the same.

https://hl7.org/fhir/R4/security-labels.html; v3-Confidentiality; v3-ActCode, "InformationSensitivityPolicy";
HL7 v2 tables 0177 and 0272. A source's own word holds under every heading, medicines and results included.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from carerecord.sensitivity.findings import Finding
from carerecord.sensitivity.labels import Label

_SENSITIVE, _SEALED, _DISSENT = int(Label.SENSITIVE), int(Label.SEALED), int(Label.DISSENT)
# By code alone: systems are written in many ways ("http://hl7.org/fhir/v3/Confidentiality", "v2-0177").
MARKS: Final = {
    # v3-Confidentiality, and tables 0177 and 0272
    "R": _SENSITIVE,
    "V": _SENSITIVE,
    "B": 0,
    # v3-ActCode: what kind of thing it is
    "PSY": int(Label.MENTAL_HEALTH),
    "PSYTHPN": int(Label.MENTAL_HEALTH),
    "MH": int(Label.MENTAL_HEALTH),
    "BH": int(Label.MENTAL_HEALTH),
    "ETH": _SENSITIVE,
    "ETHUD": _SENSITIVE,
    "SUD": _SENSITIVE,
    "OPIOIDUD": _SENSITIVE,
    "GDIS": _SENSITIVE,
    "HIV": int(Label.SEXUAL_HEALTH),
    "AID": int(Label.SEXUAL_HEALTH),  # table 0177
    "STD": int(Label.SEXUAL_HEALTH),
    "SEX": int(Label.SEXUAL_HEALTH),
    "SDV": int(Label.SAFEGUARDING),
    "SA": int(Label.SEXUAL_HEALTH | Label.SAFEGUARDING),
    "VIO": int(Label.SAFEGUARDING),
    "SOC": int(Label.SOCIAL_CARE),
    "PREGNANT": _SENSITIVE,
    "TBOO": _SENSITIVE,  # "taboo": hide from the person, and from others as they would be hidden from it
    "TABOO": _SENSITIVE,
    "UWM": _SENSITIVE,  # table 0177
    "PDS": _SENSITIVE,
    "PHY": _SENSITIVE,
    "PRS": _SENSITIVE,
    "CEL": _SENSITIVE,
    "VIP": _SENSITIVE,
    "EMP": _SENSITIVE,
    # not to the person, nor to who speaks for them: as GP Connect marks what is hidden from online access
    "NOPAT": int(Label.THIRD_PARTY),
    # the person's own wish
    "SEAL": _SEALED,
    "SEALED": _SEALED,
    "PATRESTR": _SEALED,
    "DISSENT": _DISSENT,
    "DISSENTED": _DISSENT,
    "OPTOUT": _DISSENT,
    "NODSCLCD": _DISSENT,
    "NODSCLCDS": _DISSENT,
}


class Coding(msgspec.Struct, frozen=True):
    system: str = ""
    code: str = ""


class Concept(msgspec.Struct, frozen=True):
    coding: tuple[Coding, ...] = ()


class _Meta(msgspec.Struct, frozen=True):
    security: tuple[Coding, ...] = ()


class _Marked(msgspec.Struct):
    meta: _Meta = _Meta()
    securityLabel: tuple[Concept, ...] = ()  # noqa: N815 (FHIR's own name, of DocumentReference)
    confidentiality: Any = None  # of Composition


_read = msgspec.json.Decoder(_Marked).decode


def marks_of(body: bytes) -> list[Finding]:
    """Findings of a resource's own security labels."""
    marked = _read(body)
    said = [("meta.security", coding) for coding in marked.meta.security]
    said += [("securityLabel", coding) for concept in marked.securityLabel for coding in concept.coding]
    if isinstance(marked.confidentiality, str):
        said.append(("confidentiality", Coding(code=marked.confidentiality)))
    return [
        Finding(bits, f"source:{coding.code.upper()}", where)
        for where, coding in said
        if (bits := MARKS.get(coding.code.upper(), 0))
    ]
