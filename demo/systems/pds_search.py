"""How the Personal Demographics Service finds people: what a search must say at least, whom it fits and how well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

from demo.systems.pds_resources import Entry

MATCHES_MAX = 50
_KNOWN = frozenset(
    {
        "family", "given", "gender", "birthdate", "death-date", "address-postcode", "general-practitioner", "email",
        "phone", "_exact-match", "_fuzzy-match", "_history", "_max-results",
    }
)  # fmt: skip
_BIRTH = "birth_date/birth_date_range_start/birth_date_range_end"
_SOUNDEX = {letter: str(digit) for digit, letters in enumerate(
    ("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1) for letter in letters}  # fmt: skip


class Refused(ValueError):
    """The search cannot be made: a Spine code and why."""

    def __init__(self, code: str, diagnostics: str = "") -> None:
        super().__init__(code)
        self.code, self.diagnostics = code, diagnostics


class Search(msgspec.Struct, frozen=True, kw_only=True):
    family: str = ""
    given: tuple[str, ...] = ()
    gender: str = ""
    born: tuple[date, date]
    died: tuple[date, date] | None = None
    phone: str = ""
    email: str = ""
    postcode: str = ""
    practice: str = ""
    is_fuzzy: bool = False
    is_exact: bool = False
    with_history: bool = False
    matches_max: int = MATCHES_MAX


def read_search(query: Mapping[str, Sequence[str]]) -> Search:
    """The search that a query asks for. Raises Refused for one that is not offered or says too little."""
    if not query:
        raise Refused("UNSUPPORTED_SERVICE")
    if strange := sorted(set(query) - _KNOWN):
        were = "was" if len(strange) == 1 else "were"
        named = ", ".join(f"'{name[:40]}'" for name in strange)
        raise Refused(
            "ADDITIONAL_PROPERTIES",
            f"Invalid request with error - Additional properties are not allowed ({named} {were} unexpected)",
        )
    if "birthdate" not in query:
        raise Refused("MISSING_VALUE", f"Missing value - '{_BIRTH}'")
    search = Search(
        family=_one(query, "family"),
        given=tuple(query.get("given", ())),
        gender=_one(query, "gender"),
        born=_span(query["birthdate"], "birthdate"),
        died=_span(query["death-date"], "death-date") if "death-date" in query else None,
        phone=_one(query, "phone").replace(" ", ""),
        email=_one(query, "email"),
        postcode=_one(query, "address-postcode").replace(" ", "").upper(),
        practice=_one(query, "general-practitioner").upper(),
        is_fuzzy=_is_true(query, "_fuzzy-match"),
        is_exact=_is_true(query, "_exact-match"),
        with_history=_is_true(query, "_history"),
        matches_max=_matches_max(query),
    )
    _check_enough(search)
    return search


def _check_enough(search: Search) -> None:
    """Family and birth date at least; a fuzzy search also a given name, or gender and postcode."""
    enough = bool(search.family)
    if search.is_fuzzy:
        by_place = bool(search.gender and search.postcode)
        enough = bool(search.family and search.given) or (by_place and bool(search.family or search.given))
    if not enough:
        raise Refused(
            "INVALID_SEARCH_DATA",
            "Invalid search data provided - 'No searches were performed as the search criteria did not meet the"
            " minimum requirements'",
        )


def find(search: Search, entries: Iterable[Entry]) -> list[tuple[float, Entry]]:
    """Everybody who fits, best first. Who is restricted is never found by where they live or are registered."""
    found = [(score, entry) for entry in entries if (score := _score(search, entry))]
    return sorted(found, key=lambda each: (-each[0], each[1].nhs_number))


def _score(search: Search, entry: Entry) -> float:
    now = entry.now
    if not _fits(search, entry):
        return 0.0
    families = [now.family, *([entry.former_family] if search.with_history or search.is_fuzzy else [])]
    scores = [max((_alike(search, search.family, family) for family in families if family), default=0.0)]
    scores = scores if search.family else []
    scores += [max((_alike(search, asked, given) for given in now.given), default=0.0) for asked in search.given]
    return round(min(scores), 4) if scores else 1.0


def _fits(search: Search, entry: Entry) -> bool:
    """Whatever is asked besides names must be as asked; nobody here has an email address."""
    now = entry.now
    if entry.is_restricted and (search.postcode or search.practice or search.phone):
        return False
    died = now.died_at.date() if now.died_at else None
    return (
        search.born[0] <= now.birth_date <= search.born[1]
        and (not search.died or (died is not None and search.died[0] <= died <= search.died[1]))
        and search.gender in ("", {"F": "female", "M": "male"}.get(now.gender, "unknown"))
        and (not search.postcode or _begins(now.address.postcode.replace(" ", ""), search.postcode))
        and search.practice in ("", now.practice.code)
        and search.phone in ("", now.phone.replace(" ", ""))
        and not search.email
    )


def _alike(search: Search, asked: str, held: str) -> float:
    """1 for the same, less for a wild card, for history or for a sound alike, 0 for anything else."""
    one, other = asked.casefold(), held.casefold()
    if one == other:
        return 1.0
    if search.is_exact:
        return 0.0
    if "*" in one and len(one.split("*")[0]) >= 2:
        return 0.8343 if other.startswith(one.split("*")[0]) else 0.0
    return 0.8976 if search.is_fuzzy and soundex(asked) == soundex(held) else 0.0


def soundex(name: str) -> str:
    """The code of the United States census of 1900, as most systems count it."""
    letters = [letter for letter in name.casefold() if letter.isascii() and letter.isalpha()]
    if not letters:
        return ""
    code, last = letters[0].upper(), _SOUNDEX.get(letters[0], "")
    for letter in letters[1:]:
        digit = _SOUNDEX.get(letter, "")
        if digit and digit != last:
            code += digit
        if letter not in "hw":
            last = digit
    return f"{code}000"[:4]


def _begins(held: str, asked: str) -> bool:
    return held.upper().startswith(asked.rstrip("*"))


def _one(query: Mapping[str, Sequence[str]], name: str) -> str:
    values = query.get(name, ("",))
    return values[0].strip()


def _is_true(query: Mapping[str, Sequence[str]], name: str) -> bool:
    value = _one(query, name) or "false"
    if value not in ("true", "false"):
        raise Refused("INVALID_VALUE", f"Invalid value - '{value[:20]}' in field '{name}'")
    return value == "true"


def _matches_max(query: Mapping[str, Sequence[str]]) -> int:
    value = _one(query, "_max-results") or str(MATCHES_MAX)
    if not value.isdecimal() or not 1 <= int(value) <= MATCHES_MAX:
        raise Refused("INVALID_VALUE", f"Invalid value - '{value[:20]}' in field '_max-results'")
    return int(value)


def _span(values: Sequence[str], field: str) -> tuple[date, date]:
    """ "eq2010-10-22", "2010-10-22", or "ge…" with "le…"."""
    first, last = date.min, date.max
    for value in values:
        how, day = (value[:2], value[2:]) if value[:2] in ("eq", "ge", "le") else ("eq", value)
        try:
            if len(day) != 10:
                raise ValueError
            told = date.fromisoformat(day)
        except ValueError:
            raise Refused("INVALID_VALUE", f"Invalid value - '{value[:20]}' in field '{field}'") from None
        first = told if how in ("eq", "ge") else first
        last = told if how in ("eq", "le") else last
    return first, last
