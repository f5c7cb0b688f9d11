"""How the imaging network says it: HL7 v2.4 in the manner of SECTRA; the report in lines, OBR-24 RAD."""

from __future__ import annotations

import msgspec

from demo.messages.hl7 import day, escape, seconds, segment
from demo.messages.message import Message
from demo.people.nouns import Clinician, Imaged, Person

_SYSTEMS = {"nicip": "NICIP", "sct": "SCT", "local": "IMGL"}


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    source: str = "london-imaging"
    application: str = "SECTRA"
    facility: str = "IMGL"


LONDON = Dialect()


class RadiologyVoice:
    """Writes the imaging reports on one person."""

    def __init__(self, person: Person, dialect: Dialect = LONDON) -> None:
        self.person = person
        self.dialect = dialect

    def say(self, event: Imaged, control_id: str) -> Message:
        dialect = self.dialect
        header = (
            f"MSH|^~\\&|{dialect.application}|{dialect.facility}|CARERECORD|LONDON|{seconds(event.at)}||ORU^R01"
            f"|{control_id}|P|2.4|||||GBR|UNICODE UTF-8"
        )
        content = "\r".join([header, self._pid(event), *self._report(event), ""]).encode()
        return Message(
            source=dialect.source,
            at=event.at,
            kind="ORU^R01",
            control_id=control_id,
            about=self.person.index,
            content=content,
        )

    def _pid(self, event: Imaged) -> str:
        who, person, facility = event.who, self.person, self.dialect.facility
        numbers = f"{person.number_at(self.dialect.source, event.at)}^^^{facility}^PI"
        if nhs_number := person.nhs_number_at(self.dialect.source):
            numbers += f"~{nhs_number}^^^NHS^NH"
        name = f"{escape(who.family)}^{escape(who.given[0])}^{escape(' '.join(who.given[1:]))}^^{who.title}"
        home = who.address
        where = f"{escape(home.line)}^^{home.town}^{home.county}^{home.postcode}"
        return f"PID|1||{numbers}||{name}||{day(who.birth_date)}|{who.gender}|||{where}"

    def _report(self, event: Imaged) -> list[str]:
        performed, code = seconds(event.performed_at), _examination(event)
        number = f"{event.accession}^{self.dialect.application}"
        obr = {
            1: "1",
            2: number,
            3: number,
            4: code,
            7: performed,
            16: _xcn(event.requested_by) if event.requested_by else "",
            18: event.accession,
            22: seconds(event.at),
            24: "RAD",
            25: event.status,
            32: _cnn(event.reported_by),
        }
        orc = segment("ORC", {1: "RE", 2: number, 3: number, 5: "CM", 13: f"{escape(event.place)}"})
        tail = f"||||||{event.status}|||{performed}|{self.dialect.facility}|{_xcn(event.reported_by)}"
        # One system writes each line of a report as its own; computed tomography comes as one formatted text.
        if event.modality == "CT":
            texts = ["\\.br\\".join(escape(line) for line in event.lines)]
            kind = "FT"
        else:
            texts, kind = [escape(line) for line in event.lines], "TX"
        lines = [f"OBX|{place}|{kind}|{code}|1|{text}{tail}" for place, text in enumerate(texts, 1)]
        return [orc, segment("OBR", obr), *lines]


def _examination(event: Imaged) -> str:
    told = [code for code in event.examination.codes if code.system in _SYSTEMS]
    coded = "^".join(
        f"{code.code}^{escape(code.display or event.examination.text)}^{_SYSTEMS[code.system]}" for code in told[:2]
    )
    return coded or f"^{escape(event.examination.text)}"


def _xcn(clinician: Clinician) -> str:
    return f"{clinician.code}^{escape(clinician.family)}^{escape(clinician.given)}^^^{clinician.title}"


def _cnn(clinician: Clinician) -> str:
    """OBR-32: a name within a name, so its parts are parted by &."""
    return f"{clinician.code}&{escape(clinician.family)}&{escape(clinician.given)}&&&{clinician.title}"
