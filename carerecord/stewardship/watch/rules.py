"""Rules of one look: who the person is to the reader. Pure: each gives an alert, or None."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta

from carerecord.model import EvidenceClass
from carerecord.stewardship.watch.values import About, Alert, Colleague, Look, Rules

OWN_REASON = frozenset((EvidenceClass.DECLARED, EvidenceClass.LAUNCH, EvidenceClass.NONE))
_TITLES = frozenset(
    ("mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "sister", "nurse", "rev")
)


def words_of(name: str) -> tuple[str, ...]:
    """Lower-case words of a name without marks, brackets and titles: "O'Neil, Siân (Mrs)" -> ("o'neil", "sian")."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    return tuple(word for word in re.findall(r"[a-z']+", plain.replace("-", "")) if word not in _TITLES)


def one_word(name: str) -> str:
    return "".join(words_of(name))


def own_record(look: Look, about: About, reader: Colleague | None, rules: Rules) -> Alert | None:
    """By the register: the same number, or name and birth date. Without one: both names, which is weaker."""
    rule = rules.rule["own-record"]
    if reader and (reader.nhs_number or reader.birth_date):
        same_number = bool(reader.nhs_number) and reader.nhs_number == about.nhs_number
        same_birth = reader.birth_date is not None and reader.birth_date == about.birth_date
        if same_number or (same_birth and _same_name(reader.family, reader.given, about)):
            return Alert(rule="own-record", why=rule.why(), weight=rule.weight)
        return None
    words = set(words_of(look.name))
    family, given = words_of(about.family), words_of(about.given)
    if family and given and words.issuperset(family) and given[0] in words:
        return Alert(rule="own-record", why=rule.why(), weight=rule.weight)
    return None


def household(about: About, reader: Colleague | None, rules: Rules) -> Alert | None:
    """The same postcode and first line; with the same postcode alone the surname must agree."""
    rule = rules.rule["household"]
    if reader is None or not reader.postcode or _squeezed(reader.postcode) != _squeezed(about.postcode):
        return None
    same_line = bool(reader.address) and _squeezed(reader.address) == _squeezed(about.address)
    if same_line or one_word(reader.family) == one_word(about.family):
        return Alert(rule="household", why=rule.why(), weight=rule.weight)
    return None


def family(
    look: Look, about: About, reader: Colleague | None, surnames: Mapping[str, int], people: int, rules: Rules
) -> Alert | None:
    """A surname that few bear: among thousands of Patels and Smiths a shared one says nothing."""
    rule = rules.rule["family"]
    name = one_word(about.family)
    if not name or people < rule.people_min or surnames.get(name, 0) > rule.share_max * people:
        return None
    own = {one_word(reader.family)} if reader else set(words_of(look.name))
    if name not in own:
        return None
    return Alert(rule="family", why=rule.why(), weight=_where_care_is_shown(look, about, rule.weight))


def colleague(look: Look, about: About, colleagues: Mapping[str, Colleague], rules: Rules) -> Alert | None:
    """`colleagues` of the reader's organisation by NHS number and by name and birth date (`marks`)."""
    rule = rules.rule["colleague"]
    found = next((colleagues[mark] for mark in marks(about) if mark in colleagues), None)
    if found is None or found.user_id == look.user_id:
        return None
    return Alert(rule="colleague", why=rule.why(), weight=_where_care_is_shown(look, about, rule.weight))


def listed(look: Look, about: About, rules: Rules) -> Alert | None:
    rule = rules.rule["listed"]
    if not about.is_listed:
        return None
    return Alert(rule="listed", why=rule.why(), weight=_where_care_is_shown(look, about, rule.weight))


def after_death(look: Look, about: About, rules: Rules) -> Alert | None:
    rule = rules.rule["after-death"]
    if about.died_on is None or look.at.date() - about.died_on <= timedelta(days=rule.days):
        return None
    weight = _where_care_is_shown(look, about, rule.weight)
    return Alert(rule="after-death", why=rule.why(days=rule.days), weight=weight)


def no_relationship(look: Look, about: About, rules: Rules) -> Alert | None:
    rule = rules.rule["no-relationship"]
    if about.is_related or look.evidence not in OWN_REASON:
        return None
    return Alert(rule="no-relationship", why=rule.why(), weight=rule.weight)


def marks(person: About | Colleague) -> tuple[str, ...]:
    """By what a member of staff is known again as a patient."""
    found = [f"nhs {person.nhs_number}"] if person.nhs_number else []
    if person.birth_date and person.family:
        found.append(f"{one_word(person.family)} {words_of(person.given)[:1]} {person.birth_date}")
    return tuple(found)


def _where_care_is_shown(look: Look, about: About, weight: float) -> float:
    """People are cared for where they work and where their family works: then it takes more than that to ask."""
    return weight * 0.5 if look.is_shown and about.is_related else weight


def _same_name(family_name: str, given: str, about: About) -> bool:
    return one_word(family_name) == one_word(about.family) and words_of(given)[:1] == words_of(about.given)[:1]


def _squeezed(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())
