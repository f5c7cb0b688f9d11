"""How other London hospitals say it: HL7 v2.5.1 in the manner of Epic."""

from __future__ import annotations

import base64
from datetime import datetime

from demo.messages.hl7 import day, escape, segment, with_offset
from demo.messages.hospital import LANGUAGES, Dialect, Happening, HospitalVoice, destination
from demo.messages.rtf import letter_as_rtf
from demo.people.nouns import Allergy, Clinician, Demographics, Diagnosis, Visit, Written

UCLH = Dialect(source="uclh", application="EPIC", facility="UCLH", authority="UCLH", is_in_capitals=True)
GOSH = Dialect(source="gosh", application="EPIC", facility="GOSH", authority="GOSH")

# MSH-9.3: several triggers share one structure (HL7 v2.5.1, table 0354).
_STRUCTURES = {
    "A01": "ADT_A01", "A02": "ADT_A02", "A03": "ADT_A03", "A04": "ADT_A01", "A05": "ADT_A05", "A08": "ADT_A01",
    "A11": "ADT_A09", "A12": "ADT_A12", "A13": "ADT_A01", "A28": "ADT_A05", "A31": "ADT_A05", "A40": "ADT_A39",
    "S12": "SIU_S12", "S13": "SIU_S12", "S14": "SIU_S12", "S15": "SIU_S12", "S26": "SIU_S12", "I12": "REF_I12",
    "T02": "MDM_T02",
}  # fmt: skip
_SEVERITIES = {"SV": "SV^Severe^HL70128", "MO": "MO^Moderate^HL70128", "MI": "MI^Mild^HL70128", "": ""}


class EpicVoice(HospitalVoice):
    """Writes the messages of one person as an Epic hospital does: structures named, times with their offset, ZPV."""

    def time(self, at: datetime | None) -> str:
        return with_offset(at)

    def header(self, at: datetime, kind: str, control_id: str) -> str:
        dialect, (family, trigger) = self.dialect, kind.split("^")
        return (
            f"MSH|^~\\&|{dialect.application}|{dialect.facility}|CARERECORD|LONDON|{with_offset(at)}|INTERFACE"
            f"|{family}^{trigger}^{_STRUCTURES[trigger]}|{control_id}|P|2.5.1|||AL|AL||UNICODE UTF-8"
        )

    def event(self, event: Happening, kind: str) -> list[str]:
        if kind[:3] in ("SIU", "REF"):
            return []
        operator = f"{self.dialect.facility}ADT^INTERFACE^ADT"
        return [f"EVN|{kind[4:]}|{with_offset(event.at)}||ADT_EVENT|{operator}|{with_offset(event.at)}"]

    def write_pid(self, who: Demographics, number: str) -> str:
        person, authority = self.person, self.dialect.authority
        numbers = f"{number}^^^{authority}^MRN"
        nhs_number = person.nhs_number_at(self.dialect.source)
        if nhs_number:
            numbers += f"~{nhs_number}^^^NHSNMBR^NHSNMBR"
        name = self._called(f"{escape(who.family)}^{escape(who.given[0])}^{escape(' '.join(who.given[1:]))}")
        name += f"^^{who.title}^^L"
        former = person.former_name
        if former and former != who.family:
            name += f"~{self._called(f'{escape(former)}^{escape(who.given[0])}')}^^^^^M"
        home = who.address
        where = f"{self._called(escape(home.line))}^^{self._called(home.town)}^^{home.postcode}^GBR^H^^{home.county}"
        return segment(
            "PID",
            {
                1: "1",
                3: numbers,
                5: name,
                7: day(who.birth_date),
                8: who.gender,
                11: where,
                13: f"^PRN^CP^^^^^^^^^{who.phone}",
                15: f"{LANGUAGES.get(who.language, who.language)}^^ISO639-2",
                18: f"{number}01^^^{authority}^HAR",
                29: with_offset(who.died_at),
                30: "Y" if who.died_at else "N",
                32: who.number_status or ("01" if nhs_number else "03"),
            },
        )

    def practice(self, who: Demographics) -> str:
        practice = who.practice
        gp = f"{practice.code}01^{self._called(escape(practice.gp))}"
        return f"PD1|||{self._called(escape(practice.name))}^^{practice.code}^^^^ODS|{gp}"

    def pv1(self, visit: Visit, trigger: str) -> str:
        """PV1 with the contact serial number (CSN) in PV1-19, and beside it the ZPV that only such systems have."""
        ended = visit.end if trigger in ("A03", "T02") else None
        place = self._called(escape(visit.place))
        consultant = self.xcn(visit.consultant)
        pv1 = segment(
            "PV1",
            {
                1: "1",
                2: visit.kind,
                3: f"{place}^{visit.room}^{visit.bed}^{escape(visit.site)}^^^^^{place}",
                4: "E" if visit.kind == "E" else "R",
                7: consultant,
                10: visit.specialty,
                17: consultant if visit.kind == "I" else "",
                19: f"{visit.number}^^^{self.dialect.authority}^CSN",
                36: destination(visit, ended),
                44: with_offset(visit.start),
                45: with_offset(ended),
            },
        )
        arrived = "Ambulance" if visit.kind == "E" else "Own transport"
        return f"{pv1}\rZPV|||||{arrived}|||{'Discharged' if ended else 'Arrived'}"

    def al1(self, place: int, allergy: Allergy) -> str:
        coded = f"{allergy.code}^{escape(allergy.text)}^SCT"
        told = f"{_SEVERITIES.get(allergy.severity, '')}|{escape(allergy.reaction)}|{day(allergy.recorded_on)}"
        return f"AL1|{place}|{allergy.kind}|{coded}|{told}"

    def dg1(self, place: int, diagnosis: Diagnosis) -> str:
        """Such systems send what the clinician chose, in SNOMED CT, and the classification as the alternate."""
        text = escape(diagnosis.text)
        code = f"{diagnosis.code}^{text}^I10"
        if diagnosis.snomed:
            code = f"{diagnosis.snomed.code}^{escape(diagnosis.snomed.display)}^SCT^{code}"
        return f"DG1|{place}||{code}|{text}|{with_offset(diagnosis.at)}|{diagnosis.kind}"

    def xcn(self, clinician: Clinician) -> str:
        name = self._called(f"{escape(clinician.family)}^{escape(clinician.given)}")
        return f"{clinician.code}^{name}^^^{clinician.title}^^^PROVID^L^^^PROVID"

    def document(self, event: Written, name: str) -> list[str]:
        """RTF in base64; every third letter as formatted text, as older templates still send it."""
        if event.is_pdf or int("0" + "".join(filter(str.isdigit, event.number))) % 3:
            if event.is_pdf:
                return super().document(event, name)
            data = base64.b64encode(letter_as_rtf(event.title, event.lines)).decode()
            return [f"OBX|1|ED|{name}||{self.dialect.authority}^TEXT^RTF^Base64^{data}||||||F"]
        text = "\\.br\\".join(escape(line) for line in event.lines)
        return [f"OBX|1|FT|{name}||{text}||||||F"]

    def _called(self, text: str) -> str:
        return text.upper() if self.dialect.is_in_capitals else text
