"""The banner: who this is and what could hurt them, in the words of the NHS patient banner. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from carerecord.disclosure.values import Banner
from carerecord.model import NHSNumber, Person, Subject
from carerecord.organisations import Region
from carerecord.reconciliation import AllergyEntry, Record
from carerecord.reconciliation.entries import PlanEntry
from carerecord.reconciliation.versions import CLOCK

Title = Literal["Known allergies", "No known allergies", "Allergies not recorded", "Allergies unavailable"]
ADULT_YEARS = 16
NAME_MIN = 3  # letters: what is shorter may be initials
INTERPRETER = "interpreter needed"  # as formats writes it beside the language
DECISION_WORDS_MAX = 120
GENDERS = {"male": "Male", "female": "Female", "other": "Other", "unknown": "Not known"}


def banner(
    person: Person, *, region: Region, record: Record | None, shows_allergies: bool = True, at: datetime
) -> Banner:
    """Where this reader's role shows no allergies, the banner is silent about them: "not recorded" would be a lie."""
    subject = person.subject
    allergies = record.allergies if record is not None and shows_allergies else None
    deceased_on = subject.deceased_at.astimezone(CLOCK).date() if subject.deceased_at else None
    is_deceased = bool(subject.deceased) or deceased_on is not None
    number = NHSNumber.found_in(subject.nhs_number)
    return Banner(
        name=name_words(subject),
        birth_date=subject.birth_date,
        age=_age(subject, deceased_on=deceased_on, is_deceased=is_deceased, at=at),
        gender=GENDERS[subject.gender or "unknown"],
        nhs_number=number.spaced() if number else None,
        nhs_number_verified=person.nhs_number_verified,
        deceased_on=deceased_on,
        is_deceased=is_deceased,
        address=", ".join(part for part in (*subject.address, subject.postcode) if part),
        phone=subject.phone or "",
        gp_practice=gp_words(subject, region),
        allergy_title=allergy_title(allergies) if allergies is not None else None,
        allergies=allergy_words(allergies or ()),
        said_by=_source_name(person.said_by, region) or "a source",
        said_at=person.said_at,
        alerts=tuple(entry.what for entry in record.alerts if entry.is_current) if record else (),
        decisions=tuple(decision_words(entry) for entry in record.plans if is_for_banner(entry)) if record else (),
        needs=needs_words(subject, record),
        is_restricted=bool(subject.restricted),
    )


def name_words(subject: Subject) -> str:
    """ "HARTLEY, Joan (Mrs)": the form of the NHS Common User Interface guidance."""
    family = (subject.family or "").upper()
    given = " ".join(_mixed(name) for name in subject.given)
    name = ", ".join(part for part in (family, given) if part) or "Name not known"
    return f"{name} ({subject.prefix})" if subject.prefix else name


def _mixed(given: str) -> str:
    """The form keeps capitals for the family name: a system that writes all in capitals would lose where it ends."""
    return given.title() if given.isupper() and len(given) >= NAME_MIN else given


def age_words(birth_date: date, on: date) -> str:
    """Days below four weeks, weeks below a year, months below two years, years and months of a child, then years."""
    days = (on - birth_date).days
    if days < 0:
        return ""
    if days < 28:
        return f"{days}d"
    months = (on.year - birth_date.year) * 12 + on.month - birth_date.month - (on.day < birth_date.day)
    if months < 12:
        return f"{days // 7}w"
    if months < 24:
        return f"{months}m"
    is_child = months < 12 * ADULT_YEARS
    return f"{months // 12}y {months % 12}m" if is_child and months % 12 else f"{months // 12}y"


def _age(subject: Subject, *, deceased_on: date | None, is_deceased: bool, at: datetime) -> str:
    if subject.birth_date is None or (is_deceased and deceased_on is None):
        return ""  # How old someone would be is not how old they were.
    return age_words(subject.birth_date, deceased_on or at.astimezone(CLOCK).date())


def gp_words(subject: Subject, region: Region) -> str:
    practice = region.find_organisation(subject.gp_practice)
    name = practice.name if practice else subject.gp_practice_name or ""
    if not name and subject.gp_practice:
        name = f"practice {subject.gp_practice}"
    return ", ".join(part for part in (subject.gp_name, name) if part)


def _source_name(source_id: str, region: Region) -> str:
    source = region.find_source(source_id)
    return source.name if source else source_id


def needs_words(subject: Subject, record: Record | None) -> tuple[str, ...]:
    """Reasonable adjustments, and an interpreter where whoever registered the person said that one is needed."""
    needs = [entry.what for entry in record.needs if entry.is_current] if record else []
    language = subject.language or ""
    said = " ".join(needs).casefold()
    if INTERPRETER in language.casefold() and "interpreter" not in said:
        needs.insert(0, language)
    spoken = language.partition(",")[0]
    # Which language, where the record knows it and more than its code: or somebody is sent to ask.
    if len(spoken) >= NAME_MIN and INTERPRETER not in spoken.casefold() and spoken.casefold() not in said:
        needs = [f"{need} ({spoken})" if need.casefold() == INTERPRETER else need for need in needs]
    return tuple(needs)


def is_for_banner(entry: PlanEntry) -> bool:
    """A decision about resuscitation or treatment that its own source says is in force; no date is asked."""
    return entry.is_current and entry.is_decision and (entry.is_resuscitation or entry.kind.startswith("Advance"))


def decision_words(entry: PlanEntry) -> str:
    """ "ReSPECT 03-Oct-2026: for full treatment, not for CPR". The words are the decision's own, or a way to them."""
    named = " ".join(part for part in (entry.kind or entry.what, entry.made) if part)
    words = entry.words[0] if entry.words else entry.what if entry.what != entry.kind else ""
    if len(words) > DECISION_WORDS_MAX:
        words = "see Plans and decisions for its words"  # Cut short, a decision could say its opposite.
    return f"{named}: {words}" if words else named


def allergy_title(allergies: Sequence[AllergyEntry]) -> Title:
    """One of exactly four titles. That an allergy is listed always wins over that none is known.

    That no food allergy is known says nothing about drugs.
    """
    current = [entry for entry in allergies if entry.is_current]
    if any(not entry.is_absence for entry in current):
        return "Known allergies"
    is_denied = any(entry.absence_scope in ("any", "drug") for entry in current)
    return "No known allergies" if is_denied else "Allergies not recorded"


def _danger(entry: AllergyEntry) -> int:
    """What could kill stands first: the end of a line is read last, and cut first where there is no room."""
    said = f"{entry.reaction} {entry.severity}".casefold()
    if "anaphyla" in said or "severe" in said:
        return 0
    return 2 if entry.severity.casefold() == "mild" else 1  # Of how bad it was nothing may have been said.


def allergy_words(allergies: Sequence[AllergyEntry]) -> tuple[str, ...]:
    """Each current allergy with its reaction, the worst first; where only an absence is known, what exactly was said to
    be absent."""
    listed = [entry for entry in allergies if entry.is_current and not entry.is_absence]
    listed.sort(key=_danger)
    if listed:
        return tuple(
            f"{entry.what} ({told})" if (told := entry.reaction or entry.severity) else entry.what for entry in listed
        )
    return tuple(entry.what for entry in allergies if entry.is_current)
