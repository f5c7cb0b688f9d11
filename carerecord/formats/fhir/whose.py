"""Whose a push is: one patient, by their own resource in it or by reference; or nobody's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from carerecord.fhir.compartments import is_somebodys, patient_element
from carerecord.formats.fhir.entries import Entry, problem, read_entry
from carerecord.formats.fhir.references import References
from carerecord.formats.fhir.subject import OWN_ID, identifiers, nhs_numbers, read_subject
from carerecord.model import Identifier, NHSNumber, Problem, Source, Subject

Object = Mapping[str, Any]

ONE_PATIENT = "one patient"
_LINK = (
    "joins nobody here: the two are one person once both are sent with the same NHS number and demographics,"
    " or by an HL7 v2 merge (ADT A40)"
)
# Types that name their patient among others.
_LISTED = {"Appointment": ("participant", "actor"), "AppointmentResponse": ("actor", ""), "Account": ("subject", "")}


class _Contained(msgspec.Struct):
    contained: tuple[msgspec.Raw, ...] = ()


_read_contained = msgspec.json.Decoder(_Contained).decode
_read_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """`patient` is their own resource, in the push or contained in one of it; None where they are only referred to."""

    subject: Subject | None = None
    patient: Entry | None = None
    is_contained: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def is_nobodys(self) -> bool:
        return self.subject is None and not any(found.fatal for found in self.problems)


class _Mention(msgspec.Struct, frozen=True):
    """One reference to a patient, by which resource."""

    entry: Entry
    path: str
    reference: Object


def whose(entries: list[Entry], references: References, *, source: Source) -> Whose:
    patients = [entry for entry in entries if entry.resource_type == "Patient"]
    if len(patients) > 1:
        return _refused(patients[1].path)
    mentions = [mention for entry in entries for mention in _mentions(entry)]
    if patients:
        return _of_a_patient(patients[0], mentions, references, source=source)
    contained = [found for mention in mentions if (found := _contained(mention))]
    if contained:
        return _of_contained(contained, mentions, references, source=source)
    return _of_mentions(entries, mentions, references, first=source.local_authorities)


def _of_a_patient(patient: Entry, mentions: list[_Mention], references: References, *, source: Source) -> Whose:
    said = _identifiers(patient.resource)
    for mention in mentions:
        own_id = references.patient(mention.reference)
        if own_id not in (None, patient.own_id) or _names_another(mention.reference, said):
            return _refused(mention.path)
    subject, problems = read_subject(
        patient.resource,
        own_id=patient.own_id if patient.resource.get("id") else None,
        path=patient.path,
        find=references.find,
        timezone=source.timezone,
        first=source.local_authorities,
    )
    if not patient.resource.get("id"):
        # An id that only this push gave may still be referred to; it is no way to know the patient again.
        subject = msgspec.structs.replace(subject, local=(*subject.local, Identifier(OWN_ID, patient.own_id)))
    if any(link.get("type") in ("replaces", "replaced-by") for link in _links(patient.resource)):
        problems.append(msgspec.structs.replace(problem(f"{patient.path}.link", "not-supported", _LINK), fatal=False))
    return Whose(subject=subject, patient=patient, problems=tuple(problems))


def _links(patient: Object) -> list[Object]:
    links = patient.get("link")
    return [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []


def _of_contained(contained: list[Entry], mentions: list[_Mention], references: References, *, source: Source) -> Whose:
    first, said = contained[0], _identifiers(contained[0].resource)
    for other in contained[1:]:
        if other.own_id != first.own_id:
            return _refused(other.path)
    for mention in mentions:
        if references.patient(mention.reference) is not None or _names_another(mention.reference, said):
            return _refused(mention.path)
    subject, problems = read_subject(
        first.resource,
        own_id=None,
        path=first.path,
        find=references.find,
        timezone=source.timezone,
        first=source.local_authorities,
    )
    return Whose(subject=subject, patient=first, is_contained=True, problems=tuple(problems))


def _of_mentions(
    entries: list[Entry], mentions: list[_Mention], references: References, *, first: tuple[str, ...]
) -> Whose:
    """Nothing but references: they find a patient who is known, and say nothing of them."""
    own_ids: list[str] = []
    said: list[Object] = []
    for mention in mentions:
        own_id = references.patient(mention.reference)
        identifier = mention.reference.get("identifier")
        if (own_ids and own_id not in (None, own_ids[0])) or _names_another(mention.reference, said):
            return _refused(mention.path)
        own_ids += [own_id] if own_id else []
        said += [identifier] if isinstance(identifier, dict) else []
    numbers = [str(number) for text in nhs_numbers(said) if (number := NHSNumber.found_in(text))]
    local = tuple(Identifier(OWN_ID, own_id) for own_id in dict.fromkeys(own_ids)) + identifiers(said, first=first)
    if local or numbers:
        one = next(iter(numbers), None)
        return Whose(subject=Subject(local=local, nhs_number=one, nhs_number_as_sent=one))
    missing = [
        problem(f"{entry.path}.{patient_element(entry.resource_type)}", "required", _MISSING)
        for entry in entries
        if is_somebodys(entry.resource_type) and not _is_said_of_another(entry)
    ]
    return Whose(problems=tuple(missing))


def _mentions(entry: Entry) -> Iterator[_Mention]:
    """The references that say whose a resource is, as far as they are to a patient or do not say to what."""
    listed, inner = _LISTED.get(entry.resource_type, (patient_element(entry.resource_type), ""))
    if listed is None:
        return
    value = entry.resource.get(listed)
    for index, item in enumerate(value) if isinstance(value, list) else [(-1, value)]:
        reference = item.get(inner) if inner and isinstance(item, dict) else item
        if isinstance(reference, dict) and _may_be_patient(reference):
            step = f"{listed}[{index}]" if index >= 0 else listed
            yield _Mention(entry, f"{entry.path}.{step}{'.' if inner else ''}{inner}", reference)


def _may_be_patient(reference: Object) -> bool:
    if reference.get("type") not in (None, "Patient"):
        return False
    return "reference" in reference or reference.get("type") == "Patient" or bool(nhs_numbers(_identifier(reference)))


def _is_said_of_another(entry: Entry) -> bool:
    """Of a group, a place, a device: it has a subject, which is no patient."""
    reference = entry.resource.get(patient_element(entry.resource_type) or "")
    return isinstance(reference, dict) and ("reference" in reference or "type" in reference)


def _contained(mention: _Mention) -> Entry | None:
    """The patient whom a resource contains."""
    said = str(mention.reference.get("reference", ""))
    if not said.startswith("#") or len(said) == 1:
        return None
    for index, item in enumerate(mention.entry.resource.get("contained", ())):
        if item.get("id") == said[1:] and item.get("resourceType") == "Patient":
            members = _read_members(_read_contained(mention.entry.content).contained[index])
            del members["id"]
            path = f"{mention.entry.path}.contained[{index}]"
            return read_entry(msgspec.json.encode(members), path=path)
    return None


def _names_another(reference: Object, said: Iterable[Object]) -> bool:
    """Whether an identifier is unlike the one of the same system that is known of the patient."""
    known = list(said)
    for identifier in _identifier(reference):
        of_system = [_plain(each) for each in known if each.get("system") == identifier.get("system")]
        if of_system and _plain(identifier) not in of_system:
            return True
    return False


def _plain(identifier: Object) -> str:
    return str(identifier.get("value", "")).replace(" ", "")


def _identifier(reference: Object) -> list[Object]:
    identifier = reference.get("identifier")
    return [identifier] if isinstance(identifier, dict) else []


def _identifiers(patient: Object) -> list[Object]:
    return [each for each in patient.get("identifier", ()) if isinstance(each, dict)]


def _refused(path: str) -> Whose:
    said = "is of another patient: a transaction is about one; send each patient's own, or all as a batch"
    return Whose(problems=(problem(path, ONE_PATIENT, said),))


_MISSING = "does not say whose it is: refer to the patient"
