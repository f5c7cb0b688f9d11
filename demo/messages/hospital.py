"""How the London hospital says it: HL7 v2.4 in the manner of a Cerner Millennium trust."""

from __future__ import annotations

import base64
from datetime import datetime

import msgspec

from demo.messages import referring, scheduling
from demo.messages.hl7 import day, escape, seconds, segment
from demo.messages.message import Message
from demo.messages.pdf import letter_as_pdf
from demo.people.nouns import (
    Allergy,
    Booked,
    Clinician,
    Demographics,
    Diagnosis,
    Merged,
    Person,
    Referred,
    Told,
    Visit,
    Written,
)

DESTINATIONS = {"Usual place of residence": "19", "Patient died": "79"}
# ISO 639-1 as the people of the region have it, ISO 639-2 as hospitals write it.
LANGUAGES = {
    "en": "eng", "bn": "ben", "so": "som", "ur": "urd", "pl": "pol", "tr": "tur", "pt": "por", "ar": "ara", "gu": "guj",
    "ta": "tam", "ro": "ron", "es": "spa", "fr": "fra", "it": "ita", "zh": "zho", "pa": "pan", "lt": "lit", "bg": "bul",
    "ti": "tir", "fa": "fas", "uk": "ukr", "yo": "yor", "vi": "vie",
}  # fmt: skip
Happening = Told | Merged | Written | Booked | Referred


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from one hospital to the next of the same manner."""

    source: str = "barts"
    application: str = "CERNER"
    facility: str = "R1H"
    authority: str = "R1H"
    is_in_capitals: bool = False  # names as a system that knows no small letters writes them


BARTS = Dialect()


class HospitalVoice:
    """Writes the messages of one person; keeps their PID, which most messages share word for word."""

    def __init__(self, person: Person, dialect: Dialect = BARTS) -> None:
        self.person = person
        self.dialect = dialect
        self._identity: dict[tuple[int, str], str] = {}

    def say(self, event: Happening, control_id: str) -> Message:
        if isinstance(event, Told):
            kind, segments = f"ADT^{event.trigger}", self._told(event)
        elif isinstance(event, Merged):
            kind, segments = "ADT^A40", self._merged(event)
        elif isinstance(event, Booked):
            kind = f"SIU^{event.trigger}"
            pid = self.pid(event.who, event.at)
            segments = scheduling.segments(event, pid, authority=self.dialect.authority, time=self.time, xcn=self.xcn)
        elif isinstance(event, Referred):
            kind = "REF^I12"
            pid = self.pid(event.who, event.at)
            segments = referring.segments(event, pid, authority=self.dialect.authority, time=self.time, xcn=self.xcn)
        else:
            kind, segments = "MDM^T02", self._written(event)
        content = "\r".join([self.header(event.at, kind, control_id), *self.event(event, kind), *segments, ""]).encode()
        return Message(
            source=self.dialect.source,
            at=event.at,
            kind=kind,
            control_id=control_id,
            about=self.person.index,
            content=content,
        )

    # --- what another manner does otherwise ---------------------------------------------------------------------------

    def time(self, at: datetime | None) -> str:
        return seconds(at)

    def header(self, at: datetime, kind: str, control_id: str) -> str:
        dialect = self.dialect
        return (
            f"MSH|^~\\&|{dialect.application}|{dialect.facility}|CARERECORD|LONDON|{seconds(at)}||{kind}"
            f"|{control_id}|P|2.4|||||GBR|UNICODE UTF-8"
        )

    def event(self, event: Happening, kind: str) -> list[str]:
        """EVN, which messages about appointments and referrals do not have."""
        return [] if kind[:3] in ("SIU", "REF") else [f"EVN|{kind[4:]}|{seconds(event.at)}"]

    def write_pid(self, who: Demographics, number: str) -> str:
        person, authority = self.person, self.dialect.authority
        numbers = f"{number}^^^{authority}^MRN"
        nhs_number = person.nhs_number_at(self.dialect.source)
        if nhs_number:
            numbers += f"~{nhs_number}^^^NHSNMBR^NHSNMBR"
        given, others = escape(who.given[0]), escape(" ".join(who.given[1:]))
        name = f"{escape(who.family)}^{given}^{others}^^{who.title}^^L"
        former = person.former_name
        if former and former != who.family:
            name += f"~{escape(former)}^{escape(who.given[0])}^^^^^M"
        home = who.address
        where = f"{escape(home.line)}^^{home.town}^{home.county}^{home.postcode}^GBR^H"
        return segment(
            "PID",
            {
                1: "1",
                3: numbers,
                5: name,
                7: day(who.birth_date),
                8: who.gender,
                11: where,
                13: f"{who.phone}^PRN^CP",
                15: LANGUAGES.get(who.language, who.language),
                29: seconds(who.died_at),
                30: "Y" if who.died_at else "N",
                32: who.number_status or ("01" if nhs_number else "03"),
            },
        )

    def pv1(self, visit: Visit, trigger: str) -> str:
        ended = visit.end if trigger in ("A03", "T02") else None
        return segment(
            "PV1",
            {
                1: "1",
                2: visit.kind,
                3: f"{escape(visit.place)}^{visit.room}^{visit.bed}^{escape(visit.site)}",
                4: "E" if visit.kind == "E" else "R",
                7: self.xcn(visit.consultant),
                10: visit.specialty,
                19: f"{visit.number}^^^{self.dialect.authority}^VISITID",
                36: destination(visit, ended),
                44: seconds(visit.start),
                45: seconds(ended),
            },
        )

    def al1(self, place: int, allergy: Allergy) -> str:
        coded = f"{allergy.code}^{escape(allergy.text)}^SCT"
        told = f"{allergy.severity}|{escape(allergy.reaction)}|{day(allergy.recorded_on)}"
        return f"AL1|{place}|{allergy.kind}|{coded}|{told}"

    def dg1(self, place: int, diagnosis: Diagnosis) -> str:
        text = escape(diagnosis.text)
        code = f"{diagnosis.code}^{text}^I10"
        if diagnosis.snomed:
            code += f"^{diagnosis.snomed.code}^{escape(diagnosis.snomed.display)}^SCT"
        return f"DG1|{place}||{code}|{text}|{seconds(diagnosis.at)}|{diagnosis.kind}"

    def xcn(self, clinician: Clinician) -> str:
        return f"{clinician.code}^{escape(clinician.family)}^{escape(clinician.given)}^^^{clinician.title}"

    def practice(self, who: Demographics) -> str:
        practice = who.practice
        return f"PD1|||{escape(practice.name)}^^{practice.code}|G{practice.code[1:]}01^{escape(practice.gp)}"

    def document(self, event: Written, name: str) -> list[str]:
        """The content of a letter: a PDF, or its lines as they are."""
        if event.is_pdf:
            data = base64.b64encode(letter_as_pdf(event.title, event.lines)).decode()
            return [f"OBX|1|ED|{name}||{self.dialect.authority}^Application^PDF^Base64^{data}||||||F"]
        return [f"OBX|{place}|TX|{name}||{escape(line)}||||||F" for place, line in enumerate(event.lines, 1)]

    # --- the same in every manner -------------------------------------------------------------------------------------

    def pid(self, who: Demographics, at: datetime) -> str:
        number = self.person.number_at(self.dialect.source, at)
        key = (id(who), number)
        if key not in self._identity:
            self._identity[key] = self.write_pid(who, number)
        return self._identity[key]

    def _told(self, event: Told) -> list[str]:
        segments = [self.pid(event.who, event.at), self.practice(event.who)]
        if event.visit:
            segments += [self.pv1(event.visit, event.trigger), f"PV2|||^{escape(event.visit.reason)}"]
        segments += [self.al1(place, allergy) for place, allergy in enumerate(event.allergies, 1)]
        segments += [self.dg1(place, diagnosis) for place, diagnosis in enumerate(event.diagnoses, 1)]
        return segments

    def _merged(self, event: Merged) -> list[str]:
        return [
            self.pid(event.who, event.at),
            self.practice(event.who),
            f"MRG|{event.former_number}^^^{self.dialect.authority}^MRN",
        ]

    def _written(self, event: Written) -> list[str]:
        authority, author = self.dialect.authority, self.xcn(event.author)
        txa = {
            1: "1",
            2: f"{event.kind}^{escape(event.title)}",
            3: "AP" if event.is_pdf else "TX",
            4: self.time(event.visit.end or event.visit.start),
            5: author,
            6: self.time(event.at),
            9: author,
            12: f"{event.number}^{authority}",
            13: f"{event.replaces}^{authority}" if event.replaces else "",
            17: "AU",
            19: "AV",
        }
        head = [self.pid(event.who, event.at), self.pv1(event.visit, "T02"), segment("TXA", txa)]
        return head + self.document(event, f"{event.kind}^{escape(event.title)}^{authority}")


def destination(visit: Visit, ended: datetime | None) -> str:
    """PV1-36: where somebody went on leaving."""
    if not ended or not visit.discharged_to:
        return ""
    return f"{DESTINATIONS.get(visit.discharged_to, '')}^{escape(visit.discharged_to)}"
