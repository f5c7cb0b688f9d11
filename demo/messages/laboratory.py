"""How the pathology network says it: HL7 v2.3 in plain capitals, its own numbers, no second in any time."""

from __future__ import annotations

import unicodedata

import msgspec

from demo.messages.hl7 import day, escape, minutes, segment
from demo.messages.message import Message
from demo.people.nouns import Clinician, Panel, Person, Reported, Value

_UNDECOMPOSED = str.maketrans({"ł": "l", "Ł": "L", "ı": "i", "ø": "o", "Ø": "O", "ß": "ss", "’": "'"})


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    source: str = "nel-pathology"
    application: str = "WINPATH"
    facility: str = "NELP"


NORTH_EAST_LONDON = Dialect()


class LaboratoryVoice:
    """Writes the reports on one person."""

    def __init__(self, person: Person, dialect: Dialect = NORTH_EAST_LONDON) -> None:
        self.person = person
        self.dialect = dialect

    def say(self, event: Reported, control_id: str) -> Message:
        dialect = self.dialect
        sender = f"{dialect.application}|{dialect.facility}"
        header = f"MSH|^~\\&|{sender}|LCR|LONDON|{minutes(event.at)}||ORU^R01|{control_id}|P|2.3"
        segments = [header, self._pid(event)]
        for place, panel in enumerate(event.panels, 1):
            segments += self._panel(place, panel, event)
        content = "\r".join([*segments, ""]).encode("ascii")
        return Message(
            source=dialect.source,
            at=event.at,
            kind="ORU^R01",
            control_id=control_id,
            about=self.person.index,
            content=content,
        )

    def _pid(self, event: Reported) -> str:
        who, authority = event.who, self.dialect.facility
        numbers = f"{event.number}^^^{authority}^PI"
        if event.nhs_number:
            numbers += f"~{event.nhs_number}^^^NHS^NH"
        given = "^".join((who.given[0], " ".join(who.given[1:])))
        name = _capitals(f"{who.family}^{given}^^{who.title}")
        home = who.address
        where = _capitals(f"{home.line}^^{home.town}^{home.county}^{home.postcode}")
        return f"PID|1||{numbers}||{name}||{day(who.birth_date)}|{who.gender}|||{where}"

    def _panel(self, place: int, panel: Panel, event: Reported) -> list[str]:
        taken, status = minutes(event.collected_at), event.status
        placer = f"R{panel.filler.split('-')[0][3:]}"
        obr = {
            1: f"{place}",
            2: placer,
            3: panel.filler,
            4: f"{panel.code}^{panel.name}^{self.dialect.application}",
            7: taken,
            14: taken,
            15: event.specimen,
            16: _xcn(event.requested_by),
            22: minutes(event.at),
            24: "LAB",
            25: status,
        }
        segments = [f"ORC|RE|{placer}|{panel.filler}||CM||||||||{_plain(event.place)}", segment("OBR", obr)]
        if panel.note:
            segments.append(f"NTE|1|L|{_plain(escape(panel.note))}")
        return segments + [self._value(number, value, status, taken) for number, value in enumerate(panel.values, 1)]

    def _value(self, place: int, value: Value, status: str, taken: str) -> str:
        kind, text = "NM", value.text
        if value.is_text:
            kind, text = "FT", _plain(escape(text))
        elif text[0] in "<>":
            kind, text = "SN", f"{text[0]}^{text[1:]}"
        code = f"{value.code}^{value.name}^{self.dialect.application}"
        if value.loinc:
            code += f"^{value.loinc}^^LN"
        return (
            f"OBX|{place}|{kind}|{code}||{text}|{value.unit}|{value.reference}|{value.flag}|||{value.status or status}"
            f"|||{taken}|{self.dialect.facility}"
        )


def _plain(text: str) -> str:
    """The nearest words in ASCII: this system knows no other letters."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_UNDECOMPOSED))
    return decomposed.encode("ascii", "ignore").decode()


def _capitals(text: str) -> str:
    return _plain(text).upper()


def _xcn(clinician: Clinician | None) -> str:
    return f"{clinician.code}^{clinician.family}^{clinician.given}^^^{clinician.title}" if clinician else ""
