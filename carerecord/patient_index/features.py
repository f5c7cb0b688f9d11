"""How two demographics compare, one feature at a time. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from enum import Enum
from functools import lru_cache

from carerecord.model import Subject


class Match(Enum):
    """How one feature of two demographics compares."""

    EQUAL = "equal"
    FORMER = "former"  # a family name that the other gives as a former one
    SIMILAR = "similar"  # a slip of the pen, a short form, one half of a double name
    NEAR = "near"  # a birth date with one part different, or day and month exchanged
    INITIAL = "initial"
    DIFFERENT = "different"
    UNKNOWN = "unknown"  # one of the two does not say


# Systems write these when nobody knows; they compare with nothing.
FILLER_BIRTH_DATES = frozenset(
    {date(1800, 1, 1), date(1900, 1, 1), date(1901, 1, 1), date(1890, 1, 1), date(1899, 12, 30), date(1899, 12, 31)}
)
FILLER_NAMES = frozenset(
    {"unknown", "unk", "notknown", "nfn", "nln", "noname", "unnamed", "baby", "babyboy", "babygirl", "babyof", "infant"}
    | {"infantof", "newborn", "male", "female", "boy", "girl", "boyof", "girlof"}
)
# Newborn twins are registered so; "twin one" and "twin two" are two people.
_BIRTH_ORDER = re.compile(r"^(?:baby)?(?:twin|triplet)?(?:[1-5]|one|two|three|four|five|a|b|c|i|ii|iii)$")

_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"})
_SHORT_FORMS = (
    {"william", "will", "bill", "billy", "liam"},
    {"elizabeth", "liz", "lizzie", "beth", "betty", "eliza", "libby"},
    {"margaret", "maggie", "peggy", "meg", "greta"},
    {"robert", "bob", "rob", "bobby", "robbie", "bert"},
    {"richard", "dick", "rick", "richie", "ricky"},
    {"john", "jack", "johnny", "jon"},
    {"james", "jim", "jimmy", "jamie"},
    {"edward", "ted", "ed", "eddie", "teddy", "ned"},
    {"katherine", "kate", "kathy", "katie", "kitty", "cathy", "catherine", "kathryn"},
    {"henry", "harry", "hal"},
    {"charles", "charlie", "chuck"},
    {"mary", "molly", "polly"},
    {"anthony", "tony"},
    {"dorothy", "dot", "dolly", "dottie"},
    {"susan", "sue", "susie", "suzanne"},
    {"patricia", "pat", "trish", "tricia", "patsy"},
    {"michael", "mike", "mick", "mickey"},
    {"theresa", "teresa", "terry", "tess", "tessa"},
    {"alexander", "alex", "sandy", "sasha", "alec"},
    {"andrew", "andy", "drew"},
    {"deborah", "debra", "debbie", "deb"},
)


@lru_cache(maxsize=8192)
def normal(name: str) -> str:
    """A name as letters and digits only: no case, accents, spaces, hyphens or apostrophes."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    return "".join(letter for letter in plain if letter.isalnum())


def birth(one: Subject, other: Subject) -> Match:
    first, second = known_birth_date(one), known_birth_date(other)
    if first is None or second is None:
        return Match.UNKNOWN
    if first == second:
        return Match.EQUAL
    return Match.NEAR if _is_near(first, second) else Match.DIFFERENT


def known_birth_date(subject: Subject) -> date | None:
    return subject.birth_date if subject.birth_date not in FILLER_BIRTH_DATES else None


def family(one: Subject, other: Subject) -> Match:
    first, second = known_family(one), known_family(other)
    if not first or not second:
        return Match.UNKNOWN
    if first == second:
        return Match.EQUAL
    former_names = {end for name in (*one.former_names, *other.former_names) for end in _ends(name)}
    if first in former_names or second in former_names:
        return Match.FORMER
    if _is_half_of_double(one.family or "", other.family or "") or _is_slip(first, second):
        return Match.SIMILAR
    return Match.DIFFERENT


def _ends(name: str) -> list[str]:
    """What may be the family name in a whole one: "Ann van Dyke" ends in "Dyke", "van Dyke"."""
    words = name.split()
    return [normal("".join(words[first:])) for first in range(len(words))]


def known_family(subject: Subject) -> str:
    name = normal(subject.family or "")
    return "" if name in FILLER_NAMES else name


def given(one: Subject, other: Subject) -> Match:
    """First given names. A person called by a middle name agrees; a twin who shares one does not go by it."""
    first, second = _givens(one), _givens(other)
    if not first or not second:
        return Match.UNKNOWN
    if first[0] == second[0]:
        return Match.EQUAL
    orders = [bool(_BIRTH_ORDER.match(name[0])) and len(name[0]) > 1 for name in (first, second)]
    if any(orders):
        return Match.DIFFERENT if all(orders) else Match.UNKNOWN
    if min(len(first[0]), len(second[0])) == 1:
        return Match.INITIAL if first[0][0] == second[0][0] else Match.DIFFERENT
    if _is_short_form(first[0], second[0]) or (first[0][0] == second[0][0] and _is_slip(first[0], second[0])):
        return Match.SIMILAR
    if _only_name_is_other_middle_name(first, second):
        return Match.SIMILAR
    return Match.DIFFERENT


def gender(one: Subject, other: Subject) -> Match:
    said = {one.gender, other.gender}
    if said <= {"male", "female"}:
        return Match.EQUAL if len(said) == 1 else Match.DIFFERENT
    return Match.UNKNOWN


def postcode(one: Subject, other: Subject) -> Match:
    first, second = normal(one.postcode or ""), normal(other.postcode or "")
    if not first or not second:
        return Match.UNKNOWN
    return Match.EQUAL if first == second else Match.DIFFERENT


def _givens(subject: Subject) -> list[str]:
    """Given names as single words, fillers left out: "Mary Ann" in one field is "Mary" and "Ann"."""
    whole = normal("".join(subject.given))
    if whole in FILLER_NAMES:
        return []
    if _BIRTH_ORDER.match(whole) and len(whole) > 1:
        return [whole]
    words = [normal(word) for name in subject.given for word in name.split()]
    return [word for word in words if word and word not in FILLER_NAMES]


def _is_near(first: date, second: date) -> bool:
    if (first.year, first.month, first.day) == (second.year, second.day, second.month):
        return True
    if (first.month, first.day) == (second.month, second.day):
        # Parents and children may share a birthday: only a year that looks like a slip is near.
        digits = sum(a != b for a, b in zip(f"{first.year:04}", f"{second.year:04}", strict=True))
        return digits == 1 or abs(first.year - second.year) == 1
    return first.year == second.year and (first.month == second.month or first.day == second.day)


def _is_half_of_double(one: str, other: str) -> bool:
    """ "Ashdown-Reed" and "Reed"."""
    first, second = ({normal(part) for part in re.split(r"[\s\-\u2010-\u2015]+", name)} - {""} for name in (one, other))
    small, large = sorted((first, second), key=len)
    return len(small) < len(large) and small < large and all(len(part) > 2 for part in small)


def _is_short_form(first: str, second: str) -> bool:
    short, long = sorted((first, second), key=len)
    if len(short) >= 3 and long.startswith(short):
        return True
    return any(first in forms and second in forms for forms in _SHORT_FORMS)


def _only_name_is_other_middle_name(first: list[str], second: list[str]) -> bool:
    return (len(first) == 1 and first[0] in second[1:]) or (len(second) == 1 and second[0] in first[1:])


def _is_slip(first: str, second: str) -> bool:
    """One letter wrong, missing, doubled or exchanged with its neighbour; or the same consonants, spelt otherwise."""
    if min(len(first), len(second)) < 4:
        return False
    return _is_one_edit(first, second) or (_consonants(first) == _consonants(second) and len(_consonants(first)) >= 4)


def _consonants(name: str) -> str:
    return re.sub(r"(.)\1+", r"\1", name[0] + re.sub(r"[aeiouy]", "", name[1:]))


def _is_one_edit(first: str, second: str) -> bool:
    if abs(len(first) - len(second)) > 1:
        return False
    short, long = sorted((first, second), key=len)
    at = next((index for index, letter in enumerate(short) if letter != long[index]), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    exchanged = short[:at] + short[at + 1 : at + 2] + short[at : at + 1] + short[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] or exchanged == long
