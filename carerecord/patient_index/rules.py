"""When demographics agree, contradict, or say too little: the rules by which an NHS number joins identities. Pure."""

from __future__ import annotations

from enum import StrEnum
from functools import cache, lru_cache

import msgspec

from carerecord.model import NHSNumber, Problem, Subject
from carerecord.patient_index import features
from carerecord.patient_index.features import Match

SAME_NAME = frozenset({Match.EQUAL, Match.FORMER, Match.SIMILAR})
# UK Core verification status: a trace found none or several, or must be resolved: the sender itself doubts the number.
DOUBTED_BY_SENDER = frozenset({"04", "05"})


class Verdict(StrEnum):
    AGREE = "agree"
    CONTRADICT = "contradict"
    TOO_LITTLE = "too little"


class Agreement(msgspec.Struct, frozen=True):
    """Whether two demographics are of one person, given one NHS number; the reasons hold no detail of any patient."""

    verdict: Verdict
    reasons: tuple[str, ...]


_SENTENCES: dict[str, dict[Match, str]] = {
    "birth": {
        Match.EQUAL: "The birth date is the same.",
        Match.NEAR: "The birth date differs in one part, or day and month are exchanged.",
        Match.DIFFERENT: "The birth dates differ.",
        Match.UNKNOWN: "One of the two gives no birth date.",
    },
    "family": {
        Match.EQUAL: "The family name is the same.",
        Match.FORMER: "The family name is a former name.",
        Match.SIMILAR: "The family names are spelt nearly alike, or one is half of the other.",
        Match.DIFFERENT: "The family names differ.",
        Match.UNKNOWN: "One of the two gives no family name.",
    },
    "given": {
        Match.EQUAL: "The given name is the same.",
        Match.SIMILAR: "The given names are spelt nearly alike, or one is a short form or middle name.",
        Match.INITIAL: "The given name agrees by its initial only.",
        Match.DIFFERENT: "The given names differ.",
        Match.UNKNOWN: "One of the two gives no given name.",
    },
    "postcode": {Match.EQUAL: "The postcode is the same."},
    "gender": {Match.DIFFERENT: "The genders differ."},
}


def agreement(one: Subject, other: Subject) -> Agreement:
    """Compares two demographics that came with the same NHS number."""
    found = {
        "birth": features.birth(one, other),
        "family": features.family(one, other),
        "given": features.given(one, other),
        "postcode": features.postcode(one, other),
        "gender": features.gender(one, other),
    }
    verdict, rule = _decide(found["birth"], found["family"], found["given"], found["gender"])
    said = tuple(sentence for feature, match in found.items() if (sentence := _SENTENCES[feature].get(match)))
    return Agreement(verdict, (rule, *said))


@cache
def _decide(birth: Match, family: Match, given: Match, gender: Match) -> tuple[Verdict, str]:
    if birth is Match.UNKNOWN:
        return Verdict.TOO_LITTLE, "A number is only trusted with a birth date: there is nothing to compare."
    if birth is Match.DIFFERENT:
        return Verdict.CONTRADICT, "A number whose birth dates differ is not taken for one person."
    if given is Match.DIFFERENT:
        # Twins share family name, birth date and address; only the given name tells them apart.
        return Verdict.CONTRADICT, "A number whose given names differ may be a twin's: it is not taken for one person."
    if given is Match.SIMILAR and gender is Match.DIFFERENT:
        return Verdict.CONTRADICT, "Nearly the same given name with another gender may be a twin's."
    if birth is Match.NEAR:
        return _decide_near(family, given)
    if family in SAME_NAME:
        return Verdict.AGREE, "The same birth date and family name, and no other given name: one person."
    if given in {Match.EQUAL, Match.SIMILAR}:
        return Verdict.AGREE, "The same birth date and given name: one person, even if a family name was changed."
    if family is Match.DIFFERENT and given is Match.INITIAL:
        return Verdict.CONTRADICT, "Another family name with an initial alone is not taken for one person."
    return Verdict.TOO_LITTLE, "A birth date without an agreeing name is too little."


def _decide_near(family: Match, given: Match) -> tuple[Verdict, str]:
    if family is Match.DIFFERENT:
        return Verdict.CONTRADICT, "A birth date that is only near needs both names to agree, and one does not."
    if family in SAME_NAME and given in {Match.EQUAL, Match.SIMILAR}:
        return Verdict.AGREE, "A birth date that is only near, with both names agreeing: one person."
    return Verdict.TOO_LITTLE, "A birth date that is only near needs both names, and one is missing."


def is_someone_else(before: Subject, after: Subject) -> bool:
    """True if a source's own identifier suddenly speaks of another person: used again, or mixed up (hazard H02)."""
    if before.birth_date == after.birth_date or after.birth_date is None:
        return False  # As almost every message is: nothing further need be compared.
    birth, family, given = features.birth(before, after), features.family(before, after), features.given(before, after)
    if birth is Match.DIFFERENT:
        return Match.DIFFERENT in {family, given}
    return birth is Match.NEAR and family is Match.DIFFERENT and given is Match.DIFFERENT


def may_verify(subject: Subject) -> bool:
    """A number alone never verifies: it needs a birth date and a family name beside it, and a sender that trusts it."""
    return bool(
        subject.nhs_number
        and features.known_birth_date(subject)
        and features.known_family(subject)
        and subject.nhs_number_status not in DOUBTED_BY_SENDER
    )


def as_heard(subject: Subject, *, live: bool) -> tuple[Subject, Problem | None]:
    """The subject, with only such an NHS number as a patient here can have. Live, those that begin with 9 are tests."""
    if subject.nhs_number is None:
        return subject, None
    # Ten characters are all that can be one; what is longer is not worth keeping in mind.
    find = _find_number_once if len(subject.nhs_number) == 10 else NHSNumber.found_in
    number = find(subject.nhs_number)
    if number is None:
        return msgspec.structs.replace(subject, nhs_number=None), None
    if not live or number[0] != "9":
        return subject, None
    return msgspec.structs.replace(subject, nhs_number=None), Problem(
        segment="PID",
        field="PID-3",
        rule="test number",
        sentence="PID-3 holds an NHS number of the range for testing; it was not used. Send the patient's own number.",
    )


_find_number_once = lru_cache(maxsize=8192)(NHSNumber.found_in)


def updated(before: Subject, after: Subject) -> Subject:
    """What is known after a newer message. HL7 v2: an empty field says nothing, so it takes nothing away."""
    changed = {field: value for field in _ALONE if (value := getattr(after, field)) not in (None, ())}
    for fields in _TOGETHER:
        values = {field: getattr(after, field) for field in fields}
        if any(value not in (None, ()) for value in values.values()):
            changed |= values
    return msgspec.structs.replace(before, **changed) if changed else before


def with_number_of(subject: Subject, said: Subject) -> Subject:
    return msgspec.structs.replace(subject, **{field: getattr(said, field) for field in _NUMBER})


_NUMBER = ("nhs_number", "nhs_number_as_sent", "nhs_number_status")
_ALONE = ("local", "birth_date", "gender", "phone", "language", "former_names", "restricted", "is_copy")
_TOGETHER = (  # A new address must not keep the old postcode.
    ("family", "given", "prefix"),
    ("address", "postcode"),
    ("deceased", "deceased_at"),
    ("gp_practice", "gp_practice_name", "gp_name"),
    _NUMBER,
)
