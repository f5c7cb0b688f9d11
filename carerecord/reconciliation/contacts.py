"""Contacts and care team: the person's own people, and the teams that care for them, each with whom to phone."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.fhir.care_resources import CareTeam, ContactPoint, RelatedPerson, read
from carerecord.fhir.resources import Concept, Reference
from carerecord.model import StoredStatement
from carerecord.reconciliation import other
from carerecord.reconciliation.dates import span
from carerecord.reconciliation.entries import ContactEntry
from carerecord.reconciliation.one_line import (
    Line,
    all_words,
    first_words,
    has_code,
)
from carerecord.reconciliation.one_line import (
    entries as line_entries,
)
from carerecord.reconciliation.versions import Context, Item

TEAMS = frozenset(("CareTeam", "EpisodeOfCare"))


def entries(items: Sequence[Item], context: Context) -> tuple[ContactEntry, ...]:
    made = line_entries(items, context, line_of, ContactEntry)
    # Who holds parental responsibility, then their own people, then teams; newest first among each.
    return tuple(sorted(made, key=lambda entry: (not entry.has_parental_responsibility, entry.is_team)))


def line_of(statement: StoredStatement) -> Line:
    if statement.resource_type == "RelatedPerson":
        return _person(statement)
    if statement.resource_type in TEAMS:
        return _team(statement)
    return other.line_of(statement)


def _person(statement: StoredStatement) -> Line:
    said = read(RelatedPerson, statement.body)
    name = next((each.words for each in said.name if each.words), "")
    relationship = all_words(said.relationship)
    phones = _phones(said.telecom)
    return Line(
        what=name or relationship or "Contact without a name",
        details=(relationship if name else "", *phones, *(note.text for note in said.note)),
        is_over=said.active is False or other.is_ended("", statement),
        more={
            "phones": phones,
            "has_parental_responsibility": _is_responsible(said),
        },
    )


def _is_responsible(said: RelatedPerson) -> bool:
    """Only what a source says: that someone is the mother does not say that she holds it."""
    if has_code(said.relationship, "PARRES"):
        return True
    texts = [text for each in said.relationship for text in (each.text, *(code.display for code in each.coding))]
    texts += [each.url for each in said.extension if each.valueBoolean]
    return any("parental responsibility" in _plain(text) for text in texts)


def _plain(text: str) -> str:
    return text.casefold().replace("-", " ").replace("parentalresponsibility", "parental responsibility")


def _team(statement: StoredStatement) -> Line:
    said = read(CareTeam, statement.body)
    members = tuple(text for each in said.participant if (text := _member(said.named(each.member), each.role)))
    managed = said.managingOrganization
    organisations = managed if isinstance(managed, tuple) else (managed,) if managed else ()
    run_by = ", ".join(name for each in organisations if (name := said.named(each)))
    manager = said.named(said.careManager) if isinstance(said.careManager, Reference) else ""
    phones = _phones(said.telecom)
    what = said.name or first_words(said.category) or first_words(said.type) or run_by
    return Line(
        what=what or other.kind_words(statement.resource_type),
        details=(
            "" if said.status in ("active", "") else said.status,
            *phones,
            *members,
            manager,
            run_by if run_by != what else "",
            span(said.period),
        ),
        is_over=said.status in ("finished", "cancelled", "inactive", "entered-in-error")
        or other.is_ended("", statement),
        more={"phones": phones, "is_team": True, "members": members},
    )


def _member(name: str, roles: Sequence[Concept]) -> str:
    role = all_words(roles)
    return f"{name} ({role})" if name and role else name or role


def _phones(telecom: Sequence[ContactPoint]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.value for each in telecom if each.value and each.system in ("phone", "sms", "")))
