"""How the London hospital says it: HL7 v2.4 in the manner of a Cerner Millennium trust."""

from __future__ import annotations

import base64
from datetime import datetime

import msgspec

from demo.messages.hl7 import Message, day, escape, seconds, segment
from demo.messages.pdf import letter_as_pdf
from demo.people.nouns import Allergy, Clinician, Demographics, Diagnosis, Merged, Person, Told, Visit, Written

_DESTINATIONS = {"Usual place of residence": "19", "Patient died": "79"}


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from one Cerner hospital to the next."""

    source: str = "barts"
    application: str = "CERNER"
    facility: str = "R1H"
    authority: str = "R1H"


BARTS = Dialect()


class HospitalVoice:
    """Writes the messages of one person; keeps their PID, which most messages share word for word."""

    def __init__(self, person: Person, dialect: Dialect = BARTS) -> None:
        self.person = person
        self.dialect = dialect
        self._identity: dict[tuple[int, str], str] = {}

    def say(self, event: Told | Merged | Written, control_id: str) -> Message:
        if isinstance(event, Told):
            kind, segments = f"ADT^{event.trigger}", self._told(event)
        elif isinstance(event, Merged):
            kind, segments = "ADT^A40", self._merged(event)
        else:
            kind, segments = "MDM^T02", self._written(event)
        dialect = self.dialect
        header = (
            f"MSH|^~\\&|{dialect.application}|{dialect.facility}|CARERECORD|LONDON|{seconds(event.at)}||{kind}"
            f"|{control_id}|P|2.4|||||GBR|UNICODE UTF-8"
        )
        content = "\r".join([header, f"EVN|{kind[4:]}|{seconds(event.at)}", *segments, ""]).encode()
        return Message(
            source=dialect.source,
            at=event.at,
            kind=kind,
            control_id=control_id,
            about=self.person.index,
            content=content,
        )

    def _told(self, event: Told) -> list[str]:
        segments = [self._pid(event.who, event.at), _pd1(event.who)]
        if event.visit:
            segments += [self._pv1(event.visit, event.trigger), f"PV2|||^{escape(event.visit.reason)}"]
        segments += [_al1(place, allergy) for place, allergy in enumerate(event.allergies, 1)]
        segments += [_dg1(place, diagnosis) for place, diagnosis in enumerate(event.diagnoses, 1)]
        return segments

    def _merged(self, event: Merged) -> list[str]:
        return [
            self._pid(event.who, event.at),
            _pd1(event.who),
            f"MRG|{event.former_number}^^^{self.dialect.authority}^MRN",
        ]

    def _written(self, event: Written) -> list[str]:
        dialect, author = self.dialect, _xcn(event.author)
        name = f"{event.kind}^{escape(event.title)}^{dialect.authority}"
        txa = {
            1: "1",
            2: f"{event.kind}^{escape(event.title)}",
            3: "AP" if event.is_pdf else "TX",
            4: seconds(event.visit.end or event.visit.start),
            5: author,
            6: seconds(event.at),
            9: author,
            12: f"{event.number}^{dialect.authority}",
            13: f"{event.replaces}^{dialect.authority}" if event.replaces else "",
            17: "AU",
            19: "AV",
        }
        segments = [self._pid(event.who, event.at), self._pv1(event.visit, "T02"), segment("TXA", txa)]
        if event.is_pdf:
            data = base64.b64encode(letter_as_pdf(event.title, event.lines)).decode()
            return [*segments, f"OBX|1|ED|{name}||{dialect.authority}^Application^PDF^Base64^{data}||||||F"]
        return segments + [f"OBX|{place}|TX|{name}||{escape(line)}||||||F" for place, line in enumerate(event.lines, 1)]

    def _pid(self, who: Demographics, at: datetime) -> str:
        person = self.person
        early = person.early_number
        number = early.number if early and at < early.until else person.hospital_number
        key = (id(who), number)
        if key not in self._identity:
            self._identity[key] = self._write_pid(who, number)
        return self._identity[key]

    def _write_pid(self, who: Demographics, number: str) -> str:
        person, authority = self.person, self.dialect.authority
        numbers = f"{number}^^^{authority}^MRN"
        if person.nhs_number:
            numbers += f"~{person.nhs_number}^^^NHSNMBR^NHSNMBR"
        given, others = escape(who.given[0]), escape(" ".join(who.given[1:]))
        name = f"{escape(who.family)}^{given}^{others}^^{who.title}^^L"
        if person.former_name and person.former_name != who.family:
            name += f"~{escape(person.former_name)}^{escape(who.given[0])}^^^^^M"
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
                15: "eng",
                29: seconds(who.died_at),
                30: "Y" if who.died_at else "N",
                32: "01" if person.nhs_number else "03",
            },
        )

    def _pv1(self, visit: Visit, trigger: str) -> str:
        authority = self.dialect.authority
        place = f"{escape(visit.place)}^{visit.room}^{visit.bed}^{escape(visit.site)}"
        ended = visit.end if trigger in ("A03", "T02") else None
        to = (
            f"{_DESTINATIONS.get(visit.discharged_to, '')}^{visit.discharged_to}"
            if ended and visit.discharged_to
            else ""
        )
        pv1 = {
            1: "1",
            2: visit.kind,
            3: place,
            4: "E" if visit.kind == "E" else "R",
            7: _xcn(visit.consultant),
            10: visit.specialty,
            19: f"{visit.number}^^^{authority}^VISITID",
            36: to,
            44: seconds(visit.start),
            45: seconds(ended),
        }
        return segment("PV1", pv1)


def _pd1(who: Demographics) -> str:
    return f"PD1|||{who.practice.name}^^{who.practice.code}|G{who.practice.code[1:]}01^{escape(who.practice.gp)}"


def _al1(place: int, allergy: Allergy) -> str:
    coded = f"{allergy.code}^{escape(allergy.text)}^SCT"
    return (
        f"AL1|{place}|{allergy.kind}|{coded}|{allergy.severity}|{escape(allergy.reaction)}|{day(allergy.recorded_on)}"
    )


def _dg1(place: int, diagnosis: Diagnosis) -> str:
    text = escape(diagnosis.text)
    return f"DG1|{place}||{diagnosis.code}^{text}^I10|{text}|{seconds(diagnosis.at)}|{diagnosis.kind}"


def _xcn(clinician: Clinician) -> str:
    return f"{clinician.code}^{escape(clinician.family)}^{clinician.given}^^^{clinician.title}"
