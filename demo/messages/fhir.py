"""How systems that speak FHIR say it: UK Core R4 resources in a transaction, in a nightly batch, or one by one.

https://hl7.org/fhir/R4/http.html#transaction, https://hl7.org/fhir/R4/http.html#update
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import blake2b

import msgspec

from demo.messages.message import Message
from demo.messages.resources import WRITERS, Speaking, documents, patient
from demo.messages.resources.speaking import Resource, instant
from demo.people.contents import Report
from demo.people.nouns import Demographics, Person, Stated
from demo.people.sources import SYSTEMS


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from one system to the next."""

    source: str
    sends: str = "transaction"  # "transaction", "batch" (what a day held, together), "single" (a resource a request)
    method: str = "PUT"  # "PUT" under its own id, or "POST"
    says_dmd_as_snomed: bool = False
    drops_reports: bool = False  # reports go as files into a folder, not over HTTP


STYLES = {
    style.source: style
    for style in (
        Style(source="uclh"),
        Style(source="gosh", says_dmd_as_snomed=True),
        Style(source="gp-mile-end"),
        Style(source="gp-kilburn", method="POST", says_dmd_as_snomed=True),
        Style(source="east-london-mh"),
        Style(source="central-community", sends="single"),
        Style(source="london-ambulance", sends="single", method="POST", drops_reports=True),
        Style(source="mile-end-council", sends="batch"),
        Style(source="london-ucp"),
    )
}
_encoder = msgspec.json.Encoder()


class FhirVoice:
    """Writes what one system states of one person; keeps their Patient, which most of it shares word for word."""

    def __init__(self, person: Person, style: Style) -> None:
        self.person = person
        self.style = style
        self._patients: dict[int, tuple[Demographics, msgspec.Raw]] = {}
        self._introduced: int | None = None

    def together(self, event: Stated) -> datetime | date:
        """What goes in one message: all of one moment; in a nightly batch all of one day."""
        return event.at.date() if self.style.sends == "batch" else event.at

    def say(self, events: Sequence[Stated], control_id: str) -> list[Message]:
        """Events of one message, as this system sends them: some need several requests."""
        messages = []
        if self.style.drops_reports:
            dropped = [event for event in events if isinstance(event.content, Report)]
            events = [event for event in events if not isinstance(event.content, Report)]
            messages = [self._dropped(event, f"{control_id}D{place}") for place, event in enumerate(dropped)]
        if not events:
            return messages
        if self.style.sends == "single":
            return [*self._singly(events, control_id), *messages]
        return [self._bundled(events, control_id), *messages]

    def _bundled(self, events: Sequence[Stated], control_id: str) -> Message:
        last = events[-1]
        number = self.person.number_at(last.source, last.at)
        # The entries of a batch stand alone: none may refer to another by the address that it has in the bundle.
        is_batch = self.style.sends == "batch"
        subject = {"reference": f"Patient/{number}" if is_batch else _urn(self.style.source, "Patient", number)}
        entries = [self._entry("Patient", number, self._patient(last))]
        for event in events:
            resource = self._resource(event, subject)
            entries.append(self._entry(resource["resourceType"], event.own_id, resource))
        bundle = {
            "resourceType": "Bundle",
            "identifier": {"system": f"https://fhir.{self.style.source}.example/Id/message", "value": control_id},
            "type": self.style.sends,
            "timestamp": instant(last.at),
            "entry": entries,
        }
        return self._message("POST ", last.at, control_id, _encoder.encode(bundle))

    def _entry(self, kind: str, own_id: str, resource: Resource | msgspec.Raw) -> Resource:
        method = self.style.method
        request = {"method": method, "url": f"{kind}/{own_id}" if method == "PUT" else kind}
        return {"fullUrl": _urn(self.style.source, kind, own_id), "resource": resource, "request": request}

    def _singly(self, events: Sequence[Stated], control_id: str) -> list[Message]:
        """Each resource by itself, and the Patient before the first and whenever who they are has changed."""
        messages = []
        for place, event in enumerate(events):
            number = self.person.number_at(event.source, event.at)
            if self._introduced != id(event.who):
                self._introduced = id(event.who)
                content = bytes(self._patient(event))
                messages.append(self._single("Patient", number, event, f"{control_id}P{place}", content))
            subject: Resource = {"reference": f"Patient/{number}"}
            if nhs_number := self.person.nhs_number_at(event.source):
                subject["identifier"] = {"system": patient.NHS_NUMBER, "value": nhs_number}
            resource = self._resource(event, subject)
            content = _encoder.encode(resource)
            messages.append(
                self._single(resource["resourceType"], event.own_id, event, f"{control_id}R{place}", content)
            )
        return messages

    def _single(self, kind: str, own_id: str, event: Stated, control_id: str, content: bytes) -> Message:
        place = f"PUT {kind}/{own_id}" if self.style.method == "PUT" else f"POST {kind}"
        return self._message(place, event.at, control_id, content)

    def _dropped(self, event: Stated, control_id: str) -> Message:
        """A file, and beside it a Bundle of who it is about and what it is."""
        assert isinstance(event.content, Report)
        number = self.person.number_at(event.source, event.at)
        source = self.style.source
        subject = {"reference": _urn(source, "Patient", number)}
        document = documents.write_without_content(event.content, self._speaking(event, subject))
        bundle = {
            "resourceType": "Bundle",
            "type": "collection",
            "timestamp": instant(event.at),
            "entry": [
                {"fullUrl": subject["reference"], "resource": self._patient(event)},
                {"fullUrl": _urn(source, "DocumentReference", event.own_id), "resource": document},
            ],
        }
        return Message(
            source=source,
            at=event.at,
            kind=documents.kind_of(event.content),
            control_id=control_id,
            about=self.person.index,
            content=documents.file_of(event.content),
            channel="drop",
            beside=_encoder.encode(bundle),
        )

    def _resource(self, event: Stated, subject: Resource) -> Resource:
        return WRITERS[type(event.content)](event.content, self._speaking(event, subject))

    def _speaking(self, event: Stated, subject: Resource) -> Speaking:
        return Speaking(
            source=event.source,
            organisation=SYSTEMS[event.source].name,
            own_id=event.own_id,
            at=event.at,
            subject=subject,
            stay=event.stay,
            is_in_error=event.is_in_error,
            says_dmd_as_snomed=self.style.says_dmd_as_snomed,
        )

    def _patient(self, event: Stated) -> msgspec.Raw:
        """As this system last wrote it: its time is that of the first word about who they now are."""
        key = id(event.who)
        if key not in self._patients:  # Demographics are kept beside it, so that their id stays theirs.
            written = patient.write(self.person, event.who, source=event.source, at=event.at)
            self._patients[key] = (event.who, msgspec.Raw(_encoder.encode(written)))
        return self._patients[key][1]

    def _message(self, kind: str, at: datetime, control_id: str, content: bytes) -> Message:
        return Message(
            source=self.style.source,
            at=at,
            kind=kind,
            control_id=control_id,
            about=self.person.index,
            content=content,
            channel="fhir",
        )


def _urn(source: str, kind: str, own_id: str) -> str:
    """The same resource of the same source has the same uuid in every bundle (version 8: of our own making)."""
    digits = blake2b(f"{source}/{kind}/{own_id}".encode(), digest_size=16).hexdigest()
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
