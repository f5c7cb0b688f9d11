"""The nouns every room shares: Patient, Statement, Source, Purpose."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from enum import Enum, IntEnum, StrEnum
from operator import mul
from typing import Literal, TypeVar

import msgspec

E = TypeVar("E", bound=type[Enum])


def at_hand(enumeration: E) -> E:
    """Members as plain attributes of their class. Python 3.11 calls a function for each look at one, twenty times as
    long, and a view looks at thousands; from 3.12 on this changes nothing."""
    for name, member in enumeration.__members__.items():
        type.__setattr__(enumeration, name, member)
    return enumeration


# --- Who is cared for -------------------------------------------------------------------------------------------------


class NotAnNHSNumber(ValueError):
    """This is not an NHS number: it has ten digits, the last one a check on the others; ask the sender to check it."""


class NHSNumber(str):
    """Ten digits whose check digit has been verified (modulus 11, NHS Data Dictionary "NHS NUMBER").

    The digit alone proves nothing: one random number in eleven passes. It is only ever used with demographics.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> NHSNumber:
        digits = text if text.isdigit() else re.sub(r"[\s-]", "", text)
        if not (digits.isascii() and digits.isdigit() and len(digits) == 10):
            raise NotAnNHSNumber
        if len(set(digits)) == 1:  # 0000000000 and 9999999999 satisfy the arithmetic and are used as fillers.
            raise NotAnNHSNumber
        total = sum(map(mul, map(int, digits[:9]), range(10, 1, -1)))
        if (11 - total % 11) % 11 != int(digits[9]):
            raise NotAnNHSNumber
        return cls(digits)

    @classmethod
    def found_in(cls, text: str | None) -> NHSNumber | None:
        try:
            return cls.parse(text or "")
        except NotAnNHSNumber:
            return None

    def spaced(self) -> str:
        """As people read it: 3-3-4."""
        return f"{self[:3]} {self[3:6]} {self[6:]}"


class Identifier(msgspec.Struct, frozen=True, gc=False):
    """One identifier a source uses for a patient: `system` is the assigning authority as that source writes it."""

    system: str
    value: str


class Subject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one message says about who its patient is (demographics as said, nothing checked but shape)."""

    local: tuple[Identifier, ...] = ()
    nhs_number: str | None = None  # ten digits with a valid check digit, else None
    nhs_number_as_sent: str | None = None  # what stood there, valid or not
    nhs_number_status: str | None = None  # PID-32 / UK Core verification status "01".."08"
    family: str | None = None
    given: tuple[str, ...] = ()
    prefix: str | None = None
    former_names: tuple[str, ...] = ()
    birth_date: date | None = None
    gender: Literal["male", "female", "other", "unknown"] | None = None
    address: tuple[str, ...] = ()
    postcode: str | None = None
    phone: str | None = None
    deceased: bool | None = None
    deceased_at: datetime | None = None
    gp_practice: str | None = None  # ODS code
    gp_practice_name: str | None = None
    gp_name: str | None = None
    language: str | None = None
    is_copy: bool = False  # said in passing, by a message about something else: it stands where nobody says more
    restricted: bool | None = None  # the whereabouts are protected: no place is ever shown; None: nothing was said


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A patient as the index knows them: a set of source identities under one `patient_key`.

    `identities` maps each identity_key to the patient_key under which its rows are stored (nearly always the same one).
    """

    patient_key: int
    identities: dict[int, int]
    subject: Subject  # best current demographics; the identity that said them last with a verified NHS number
    said_by: str  # source of those demographics
    said_at: datetime
    nhs_number_verified: bool = False  # check digit and demographics agree


# --- Who said it ------------------------------------------------------------------------------------------------------


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One system of one organisation that sends to the record. `id` is ours; MSH-3 and MSH-4 choose which it is."""

    id: str
    organisation: str  # ODS code
    name: str  # as clinicians call it: "Barts Health"
    kind: str = "hospital"  # hospital, laboratory, ...
    phone: str | None = None  # whom to phone
    timezone: str = "Europe/London"
    nhs_authorities: tuple[str, ...] = ("NHS", "NHSNMBR", "NH", "NHSN", "NHSNBR")
    local_authorities: tuple[str, ...] = ()  # empty: every authority but the NHS ones
    charset: str = "utf-8"
    service: str = ""  # "sexual-health", "termination", ...: a service that everything it sends is of
    confidentiality: str = ""  # "R" or "V": the source marks everything it sends as sensitive
    units: tuple[tuple[str, str], ...] = ()  # (its own code of a ward or clinic, the service that this is)


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """What arrived, byte for byte."""

    source: str
    content: bytes
    received_at: datetime
    control_id: str = ""
    format: Literal["hl7v2", "fhir", "document"] = "hl7v2"


class OriginalReference(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where an original is kept: the day it was received and its number in the inbox."""

    day: date
    seq: int

    def __str__(self) -> str:
        return f"{self.day.isoformat().replace('-', '')}-{self.seq}"  # strftime takes longer than the rest of it

    @classmethod
    def parse(cls, text: str) -> OriginalReference:
        day, _, seq = text.partition("-")
        return cls(date(int(day[:4]), int(day[4:6]), int(day[6:8])), int(seq))


# --- What was said ----------------------------------------------------------------------------------------------------


@at_hand
class Heading(IntEnum):
    """The headings of the record (PRSB Core Information Standard). Numbers are stored: never renumber, only add."""

    DEMOGRAPHICS = 1
    ALLERGIES = 2
    RESULTS = 3
    STAYS = 4
    LETTERS = 5
    PROBLEMS = 6
    MEDICINES = 7
    IMAGING = 8
    PROCEDURES = 9
    IMMUNISATIONS = 10
    APPOINTMENTS = 11
    REFERRALS = 12
    PLANS = 13  # care plans, resuscitation and treatment decisions, legal information
    ALERTS = 14
    NEEDS = 15  # reasonable adjustments, interpreter, how to communicate
    SOCIAL_CARE = 16
    CONTACTS = 17  # the person's own people, and the teams that care for them
    OBSERVATIONS = 18  # vital signs, measurements, examination findings
    ASSESSMENTS = 19
    SAFEGUARDING = 20
    FAMILY_HISTORY = 21
    DEVICES = 22  # implants, aids, appliances
    OTHER = 23  # what no other heading has room for: nothing that a source said is out of reach


@at_hand
class Standing(IntEnum):
    """Whether a statement still stands, as its own source last said. Stored: only add."""

    CURRENT = 1
    RESOLVED = 2  # an allergy or problem that is over, a stay that ended
    PLANNED = 3
    PRELIMINARY = 4
    CORRECTED = 5
    CANCELLED = 6
    ENTERED_IN_ERROR = 7


# A clock further ahead than this is wrong: whatever it says was said when it came, else no later word could be newer.
AHEAD_MAX = timedelta(hours=1)


class Statement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One FHIR resource as one source said it at one time.

    `body` is the resource's JSON without `subject`: whose it is stands on its row. Its "id" and every reference inside
    ("Encounter/<local id>") use `local_id`; disclosure puts the patient-key part before it.
    """

    resource_type: str
    local_id: str  # 26 characters of base32: BLAKE2b-128 of length-prefixed (source, kind, the source's own id)
    heading: Heading
    code: str | None  # "system|code" of what it is about; hashed into the header for search
    happened_at: datetime | None  # clinical time
    said_at: datetime  # when the source said so; the newest said_at of a local_id is what the source says now
    standing: Standing
    sensitivity: int = 0  # label bits; 0 = none known
    body: bytes


class Problem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something in a message that could not be understood or used: kept with the original, shown to operators.

    `sentence` names no patient: it says which field broke which rule and what to do next.
    """

    segment: str  # "PID"
    field: str  # "PID-3.1", or "" for the whole segment
    rule: str  # "required", "unknown code", ...
    sentence: str
    fatal: bool = False  # True: nothing of the message can be used


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """A40: the sender says that `superseded` (MRG-1) is the same patient as the message's subject."""

    superseded: tuple[Identifier, ...]
    superseded_nhs_number: str | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a translation made of one original: statements and problems, whole or in part, never an exception."""

    message_type: str  # "ADT^A01"
    control_id: str
    subject: Subject | None = None
    statements: tuple[Statement, ...] = ()
    problems: tuple[Problem, ...] = ()
    merge: Merge | None = None
    said_at: datetime | None = None
    updates_demographics: bool = False
    translated: bool = True  # False: a type we do not translate yet
    about_nobody: bool = False  # a directory of organisations or staff: kept whole, and nothing of it in the record
    must_be_known: bool = False  # the patient is only referred to: never the beginning of a new identity
    settings: tuple[tuple[str, str, str], ...] = ()  # (system, code, name) of the service and place that it comes from
    may_bear_marks: bool = True  # False: no statement bears a security label of its source; none is looked for


@at_hand
class Outcome(StrEnum):
    """What became of an original. Stored."""

    RECORDED = "recorded"
    WAITING = "waiting"  # whose it is must be decided first
    REFUSED = "refused"  # a rule of the message broke; repair at the sender, or replay after a fix here
    UNTRANSLATED = "untranslated"  # a type not translated yet
    PARKED = "parked"  # the translation failed or took too long: ours to mend
    KEPT = "kept"  # about no patient (a directory of organisations or staff): kept whole, nothing of it in the record


class StoredStatement(msgspec.Struct, frozen=True, gc=False):
    """A statement as the record gives it back, with what its header says and where its original is.

    Not by keywords only: `record.chunk` makes hundreds for a view, from columns in this order.
    """

    local_id: str
    version: str  # 13 characters of base32: the first 8 bytes of BLAKE2b of its body
    resource_type: str
    heading: Heading
    standing: Standing
    happened_at: datetime | None
    said_at: datetime
    received_at: datetime
    source: str
    patient_key: int
    identity_key: int
    sensitivity: int
    code_hash: int
    original: OriginalReference
    body: bytes
    # Of a plain result, what others say alike and what is its own (fhir.cut). Made of `body` and of nothing else:
    # whoever replaces the one takes the other away.
    cut: tuple[bytes, str] | None = None


# --- Who looks, and why -----------------------------------------------------------------------------------------------


@at_hand
class Purpose(StrEnum):
    """HL7 v3 PurposeOfUse."""

    TREAT = "TREAT"
    ETREAT = "ETREAT"  # urgent care: as TREAT, said by the reader's own system
    BTG = "BTG"  # emergency access: declared by the reader, and looked at afterwards
    PATRQT = "PATRQT"  # the person's own request: their ledger, subject access
    PATADMIN = "PATADMIN"  # stewardship: privacy, objections, removal, repair
    HRESCH = "HRESCH"  # research and planning: a secondary use, which the National Data Opt-Out governs


@at_hand
class EvidenceClass(StrEnum):
    """What shows that a member of staff is involved in a person's care (a legitimate relationship)."""

    ENCOUNTER = "encounter"
    APPOINTMENT = "appointment"
    REFERRAL = "referral"
    CASELOAD = "caseload"
    REGISTRATION = "registration"
    INCIDENT = "incident"
    RESIDENCY = "residency"  # lives in a care home of the reader's organisation
    DECLARED = "declared"  # the reader gave a reason themselves
    LAUNCH = "launch"  # arrived with the patient chosen and nothing named
    AGREEMENT = "agreement"  # a program, under a data sharing agreement
    EMERGENCY = "emergency"  # declared by the reader, who may declare it: break-glass
    NONE = "none"


STRONG_EVIDENCE = frozenset(
    {
        EvidenceClass.ENCOUNTER,
        EvidenceClass.APPOINTMENT,
        EvidenceClass.REFERRAL,
        EvidenceClass.CASELOAD,
        EvidenceClass.REGISTRATION,
        EvidenceClass.INCIDENT,
        EvidenceClass.RESIDENCY,
    }
)


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Relationship evidence: named and signed by the reader's own system, or declared by the reader."""

    kind: EvidenceClass
    id: str | None = None
    start: str | None = None  # as the host wrote it (ISO 8601)
    place: str | None = None
    said_by: str | None = None  # ODS code, or "reader"
    reason: str | None = None  # the reader's own words or chosen reason
    called: str | None = None  # the family name by which the host calls the person, where it is unlike the one held

    @property
    def is_strong(self) -> bool:
        return self.kind in STRONG_EVIDENCE


class Staff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A member of staff (or a program, `is_program`) as at this session: who, in which role, for which organisation."""

    user_id: str
    name: str
    role_code: str  # national RBAC "S8000:G8000:R8000", or "program"
    role: str  # ours: "clinician", "admin", ... the rows of the matrix
    role_name: str
    organisation: str  # ODS code
    organisation_name: str
    is_program: bool = False
    sign_in: str = "launch"  # launch, cis2, private_key_jwt, nhs-login
    assurance: int | None = None  # authentication assurance level 1 to 3 as the provider said; None: it did not say
    activities: tuple[str, ...] = ()  # national RBAC activity codes ("B0083"), where the provider said any
