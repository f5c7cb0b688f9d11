"""Patient: who the source says its patient is (https://hl7.org/fhir/R4/patient.html, UK Core Patient)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from carerecord.fhir.headings import codes
from carerecord.formats.fhir.moments import parse_moment
from carerecord.model import Identifier, NHSNumber, Problem, Subject

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
OWN_ID = "Patient"  # the authority of a Patient resource's own id
_VERIFICATION = "NHSNumberVerificationStatus"
_INTERPRETER = ("interpreterRequired", "patient-interpreterRequired", "InterpreterRequired")
# NHS Data Dictionary "NHS NUMBER STATUS INDICATOR CODE", and the words that CareConnect had for its codes.
_STATUSES = {f"{number:02}": f"{number:02}" for number in range(1, 9)} | {
    "number-present-and-verified": "01",
    "number-present-but-not-traced": "02",
    "trace-required": "03",
    "trace-attempted-no-match-or-multiple-match-found": "04",
    "trace-needs-to-be-resolved-nhs-number-or-patient-detail-conflict": "05",
    "trace-in-progress": "06",
    "number-not-present-and-trace-not-required": "07",
    "trace-postponed-baby-under-six-weeks-old": "08",
}
# HL7 table 0203: these number a person for the state or another purpose, and none is the source's own.
_NOT_ITS_OWN = frozenset({"SS", "DL", "PPN", "TAX", "NI", "NIIP", "SB", "PRN", "DR", "MCN"})

Object = Mapping[str, Any]


def read_subject(
    patient: Object,
    *,
    own_id: str | None,
    path: str,
    find: Callable[[Object], Object | None],
    timezone: str,
    first: Sequence[str] = (),
) -> tuple[Subject, list[Problem]]:
    """`own_id`: of the resource, where it has one that lasts. `first`: authorities whose numbers go before others."""
    problems: list[Problem] = []
    number, as_sent, status = _nhs_number(patient, path, problems)
    name, former = _names(patient)
    address = _address(patient)
    practice, practice_name, gp_name = _practice(patient, find)
    deceased_at = patient.get("deceasedDateTime")
    deceased = True if deceased_at else patient.get("deceasedBoolean")
    lines = [*_texts(address.get("line")), *_texts([address.get(part) for part in ("city", "district")])]
    local = identifiers(_many(patient.get("identifier")), first=first)
    return Subject(
        local=((Identifier(OWN_ID, own_id),) if own_id else ()) + local,
        nhs_number=number,
        nhs_number_as_sent=as_sent,
        nhs_number_status=status,
        family=name.get("family") or _family_of_text(name),
        given=tuple(_texts(name.get("given"))) or _given_of_text(name),
        prefix=" ".join(_texts(name.get("prefix"))) or None,
        former_names=former,
        birth_date=_birth_date(patient.get("birthDate")),
        gender=patient.get("gender"),
        address=tuple(lines) or tuple(_texts(str(address.get("text", "")).split("\n"))),
        postcode=address.get("postalCode"),
        phone=_phone(patient),
        deceased=deceased,
        deceased_at=parse_moment(deceased_at, timezone) if deceased_at else None,
        gp_practice=practice,
        gp_practice_name=practice_name,
        gp_name=gp_name,
        language=_language(patient),
        restricted=_is_restricted(patient),
    ), problems


def _is_restricted(patient: Object) -> bool | None:
    """Whether their whereabouts are protected: PDS writes R or V into `meta.security`, U where they are not."""
    meta = patient.get("meta")
    labels = meta.get("security") if isinstance(meta, Mapping) else None
    said = {label.get("code") for label in _many(labels)}
    return True if said & {"R", "V"} else False if said & {"U", "N"} else None


def identifiers(said: Iterable[Object], *, first: Sequence[str] = ()) -> tuple[Identifier, ...]:
    """The source's own numbers for a patient, those of its named authorities first."""
    own = dict.fromkeys(
        Identifier(str(each.get("system", "")), str(each["value"]))
        for each in said
        if each.get("value")
        and each.get("system") != NHS_NUMBER
        and each.get("use") not in ("old", "temp")
        and not _NOT_ITS_OWN & set(codes(each.get("type")))
    )
    return tuple(sorted(own, key=lambda each: each.system not in first))


def nhs_numbers(said: Iterable[Object]) -> list[str]:
    """As they were sent, in order."""
    return [str(each["value"]) for each in said if each.get("system") == NHS_NUMBER and each.get("value")]


def _nhs_number(patient: Object, path: str, problems: list[Problem]) -> tuple[str | None, str | None, str | None]:
    """(with a valid check digit, as it was sent, verification status)."""
    said = [each for each in _many(patient.get("identifier")) if each.get("use") != "old"]
    sent = nhs_numbers(said)
    if not sent:
        return None, None, None
    valid = list(dict.fromkeys(str(number) for text in sent if (number := NHSNumber.found_in(text))))
    if len(valid) != 1:
        what = "holds two different NHS numbers" if valid else "holds an NHS number that fails its check digit"
        sentence = f"{path}.identifier {what}: it is not used; send the one that was traced."
        rule = "one NHS number" if valid else "check digit"
        problems.append(Problem(segment="Patient", field=f"{path}.identifier", rule=rule, sentence=sentence))
        return None, sent[0], None
    for each in said:
        if each.get("system") == NHS_NUMBER:
            for extension in _many(each.get("extension")):
                if str(extension.get("url", "")).endswith(_VERIFICATION):
                    found = codes(extension.get("valueCodeableConcept"))
                    return valid[0], sent[0], next((_STATUSES[code] for code in found if code in _STATUSES), None)
    return valid[0], sent[0], None


def _names(patient: Object) -> tuple[Object, tuple[str, ...]]:
    """The name to use, and the former ones."""
    names = _many(patient.get("name"))
    former = tuple(filter(None, (_whole(name) for name in names if name.get("use") in ("old", "maiden"))))
    usable = [name for name in names if name.get("use") not in ("old", "maiden", "temp", "anonymous", "nickname")]
    order = {"official": 0, "usual": 1, None: 2}
    usable.sort(key=lambda name: ("end" in (name.get("period") or {}), order.get(name.get("use"), 3)))
    return next(iter(usable), {}), former


def _whole(name: Object) -> str:
    return " ".join(_texts([*_texts(name.get("given")), name.get("family")])) or str(name.get("text", ""))


def _family_of_text(name: Object) -> str | None:
    """ "HARTLEY, Joan" is how the NHS writes a name in one text; any other order cannot be told."""
    family, comma, _ = str(name.get("text", "")).partition(",")
    return family.strip() or None if comma else None


def _given_of_text(name: Object) -> tuple[str, ...]:
    _, comma, given = str(name.get("text", "")).partition(",")
    return tuple(given.split("(")[0].split()) if comma else ()


def _birth_date(said: Any) -> date | None:
    """A whole date only: a year alone compares with nobody's."""
    try:
        return date.fromisoformat(said) if isinstance(said, str) and len(said) == 10 else None
    except ValueError:
        return None


def _address(patient: Object) -> Object:
    found = [each for each in _many(patient.get("address")) if each.get("use") not in ("old", "temp", "billing")]
    found.sort(key=lambda each: ("end" in (each.get("period") or {}), each.get("use") not in ("home", None)))
    return next(iter(found), {})


def _phone(patient: Object) -> str | None:
    phones = [
        each
        for each in _many(patient.get("telecom"))
        if each.get("system") in ("phone", "sms") and each.get("value") and each.get("use") not in ("old", "temp")
    ]
    order = {"home": 0, "mobile": 1}
    phones.sort(key=lambda each: (each.get("rank", 100), order.get(each.get("use"), 2)))
    return str(phones[0]["value"]) if phones else None


def _practice(patient: Object, find: Callable[[Object], Object | None]) -> tuple[str | None, str | None, str | None]:
    """(ODS code, name of the practice, name of the GP), from the references or from what they refer to."""
    practice = practice_name = gp_name = None
    for reference in _many(patient.get("generalPractitioner")):
        found = find(reference) or {}
        kind = found.get("resourceType") or reference.get("type")
        said = [*_many(reference.get("identifier")), *_many(found.get("identifier"))]
        code = next((str(each["value"]) for each in said if each.get("system") == ODS and each.get("value")), None)
        if code and practice is None:
            named = found.get("name")
            practice, practice_name = code, (named if isinstance(named, str) else None) or reference.get("display")
        elif kind != "Organization" and gp_name is None:
            names = [_whole(each) for each in _many(found.get("name")) if isinstance(each, dict)]
            gp_name = reference.get("display") or next(iter(names), None)
    return practice, practice_name, gp_name


def _language(patient: Object) -> str | None:
    """In words, and whether an interpreter is needed."""
    spoken = sorted(_many(patient.get("communication")), key=lambda each: not each.get("preferred"))
    concept: Object = next((each["language"] for each in spoken if "language" in each), {})
    is_needed = _needs_interpreter(patient) or any(_needs_interpreter(each) for each in spoken)
    for extension in _many(patient.get("extension")):
        if str(extension.get("url", "")).endswith("NHSCommunication"):
            is_needed = is_needed or _needs_interpreter(extension)
            parts = (part.get("valueCodeableConcept") for part in _many(extension.get("extension")))
            concept = concept or next((part for part in parts if part), {})
    words = _words(concept)
    if not is_needed:
        return words
    return f"{words}, interpreter needed" if words else "Interpreter needed"


def _needs_interpreter(value: Object) -> bool:
    return any(
        str(extension.get("url", "")).endswith(_INTERPRETER) and extension.get("valueBoolean") is True
        for extension in _many(value.get("extension"))
    )


def _words(concept: Object) -> str | None:
    if concept.get("text"):
        return str(concept["text"])
    said = [str(coding.get("display") or coding.get("code") or "") for coding in _many(concept.get("coding"))]
    return next(filter(None, said), None)


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _texts(values: Any) -> list[str]:
    return [str(value).strip() for value in _many(values) if value and str(value).strip()]
