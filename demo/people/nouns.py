"""The nouns of the invented region: a person, where they live, and what happened to them, in order."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from demo.people.contents import Clinician, Code, Concept, Content


class Practice(msgspec.Struct, frozen=True):
    """A GP practice, invented, with a code that no real practice has."""

    code: str
    name: str
    town: str
    area: str  # "Oxfordshire" or "London"
    gp: str


class Address(msgspec.Struct, frozen=True):
    line: str
    town: str
    county: str
    postcode: str


class Demographics(msgspec.Struct, frozen=True, kw_only=True):
    """Who someone is, as told at one time."""

    family: str
    given: tuple[str, ...]
    title: str
    birth_date: date
    gender: str  # "F", "M", "U"
    address: Address
    phone: str
    practice: Practice
    died_at: datetime | None = None
    number_status: str = ""  # verification of the NHS number where it is not the usual: "08" a newborn's, postponed
    language: str = "en"  # "en", "bn", "so", ...: spoken, for the interpreter
    former_family: str = ""  # a former family name as this source lists it; "" = Person.former_name


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A stay or an attendance: `number` is the hospital's own and stays the same for all that is said about it."""

    number: str
    kind: str  # "I" in hospital, "O" outpatient clinic, "E" emergency department
    place: str
    room: str
    bed: str
    site: str
    specialty: str  # NHS treatment function code
    consultant: Clinician
    reason: str
    start: datetime
    end: datetime | None = None
    discharged_to: str = ""


class Allergy(msgspec.Struct, frozen=True, kw_only=True):
    kind: str  # "DA" drug, "FA" food, "MA" other
    code: str  # SNOMED CT
    text: str
    severity: str  # "SV", "MO", "MI" or ""
    reaction: str
    recorded_on: date


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    code: str  # ICD-10
    text: str
    at: datetime
    kind: str  # "A" admitting, "W" working, "F" final
    snomed: Code | None = None  # the alternate code beside the ICD-10 one, where the hospital's table has it


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One observation of one report. `is_text`: words, not a number."""

    code: str
    name: str
    loinc: str
    text: str
    unit: str = ""
    reference: str = ""
    flag: str = ""
    pbcl: str = ""  # Pathology Bounded Code List (Read v2), by which practices file it
    status: str = ""  # where it differs from its report's: "C" corrected
    is_text: bool = False


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One battery on one specimen."""

    code: str
    name: str
    filler: str  # the laboratory's own number of this battery on this specimen
    values: tuple[Value, ...]
    note: str = ""


# --- What happened, each as told by one source at one time ------------------------------------------------------------


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """`source` is the id of the system in region.toml that tells it; `who` is the person as that system knows them."""

    at: datetime
    who: Demographics
    source: str = "barts"


class Told(Event, frozen=True, kw_only=True, tag="told"):
    """The hospital's administration says something: admitted, moved, discharged, seen, changed."""

    trigger: str  # "A01"
    visit: Visit | None = None
    allergies: tuple[Allergy, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()


class Merged(Event, frozen=True, kw_only=True, tag="merged"):
    """The hospital found that it knew one person twice."""

    former_number: str


class Reported(Event, frozen=True, kw_only=True, tag="reported"):
    """The laboratory reports on one specimen."""

    source: str = "nel-pathology"
    specimen: str
    collected_at: datetime
    status: str  # "P" preliminary, "F" final, "C" corrected
    panels: tuple[Panel, ...]
    requested_by: Clinician | None
    place: str
    number: str  # the local number the laboratory used: nearly always the person's own
    nhs_number: str | None


class Written(Event, frozen=True, kw_only=True, tag="written"):
    """The hospital sends a letter."""

    number: str
    kind: str  # "DS" discharge summary, "OL" outpatient letter
    title: str
    author: Clinician
    visit: Visit
    lines: tuple[str, ...]
    is_pdf: bool = False
    replaces: str = ""


class Booked(Event, frozen=True, kw_only=True, tag="booked"):
    """An appointment: SIU S12 booked, S13 moved, S14 changed, S15 cancelled, S26 did not attend."""

    trigger: str
    number: str  # the scheduler's own number, the same in all that is said about one appointment
    start: datetime
    minutes: int
    clinic: str
    site: str
    specialty: str
    consultant: Clinician
    reason: str = ""
    was: datetime | None = None  # where it was moved from


class Referred(Event, frozen=True, kw_only=True, tag="referred"):
    """REF I12: somebody asks a service to see the person."""

    number: str  # the referral's own number
    ubrn: str
    priority: str  # "routine", "urgent", "two-week-wait"
    reason: str
    diagnosis: Concept | None
    referred_by: Clinician
    referring_practice: Practice | None
    to_service: str
    specialty: str
    status: str = "active"  # "active", "completed", "cancelled"


class Imaged(Event, frozen=True, kw_only=True, tag="imaged"):
    """An imaging report: ORU R01 of a radiology system."""

    accession: str
    examination: Concept  # NICIP and SNOMED CT
    modality: str  # "XR", "CT", "MR", "US"
    performed_at: datetime
    status: str  # "P", "F", "C"
    lines: tuple[str, ...]
    requested_by: Clinician | None
    reported_by: Clinician
    place: str


class Stated(Event, frozen=True, kw_only=True, tag="stated"):
    """A system that speaks FHIR says one thing. `own_id` is its own: the same id again is a newer version of it."""

    own_id: str
    content: Content
    stay: str = ""  # number of the visit it belongs to
    is_in_error: bool = False  # the source takes it back: entered in error


Happening = Told | Merged | Reported | Written | Booked | Referred | Imaged | Stated


class EarlyNumber(msgspec.Struct, frozen=True):
    """Until `until` the hospital told of this person under another number, which a merge later joined."""

    number: str
    until: datetime


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One invented person with all that the region's systems will say about them."""

    index: int
    nhs_number: str | None
    now: Demographics
    hospital_number: str  # at barts
    laboratory_number: str
    oxford_number: str | None  # number in Oxford's own system, for residents of Oxfordshire
    numbers: dict[str, str] = {}  # source or neighbour id -> the person's own number there
    numbers_elsewhere: dict[str, str | None] = {}  # source -> the NHS number it uses, where it is not `nhs_number`
    superseded_number: str | None = None  # an NHS number that the national service has superseded by `nhs_number`
    former_name: str = ""
    early_number: EarlyNumber | None = None  # at barts
    twin_of: int | None = None
    mother: int | None = None
    is_restricted: bool = False  # PDS flag "S": sources still send, but where they live or are seen must not be shown
    shows: str = ""  # what a reader will find, in words
    pathway: str = ""
    is_cast: bool = False
    not_to_join: tuple[tuple[str, str, str], ...] = ()  # (source, local number, why)
    apart: dict[str, str] = {}  # source -> why its identity is theirs and yet must not be joined without a human
    planted: tuple[str, ...] = ()  # names of the disagreements and corrections put here on purpose
    guarded: tuple[tuple[str, tuple[str, ...]], ...] = ()  # told in confidence: (label, own ids and numbers)
    story: tuple[Happening, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.now.family.upper()}, {' '.join(self.now.given)}" + (
            f" ({self.now.title})" if self.now.title else ""
        )

    @property
    def home(self) -> str:
        return self.now.practice.area

    def number_at(self, source: str, at: datetime | None = None) -> str:
        """The person's own number at a source: before a merge, the one it then used."""
        if source == "barts":
            early = self.early_number
            return early.number if early and at and at < early.until else self.hospital_number
        return self.laboratory_number if source == "nel-pathology" else self.numbers[source]

    def nhs_number_at(self, source: str) -> str | None:
        """The NHS number that a source uses for this person: not every source knows it, and one may have an old one."""
        return self.numbers_elsewhere.get(source, self.nhs_number)
