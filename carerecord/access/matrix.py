"""The matrix of policy.toml: roles by headings and labels, read, checked and written out as Cedar."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from datetime import date
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from carerecord.access.labels import WORDS
from carerecord.model import Heading, Purpose
from carerecord.routing import DESKS

NO_LABEL = "none"
DESK_KIND = "desk"
DECLARES = "declares-emergency"
T = TypeVar("T")


class PolicyDoesNotFit(ValueError):
    """A policy does not fit: the message names it and the rule; mend it and start again."""


class Written(NamedTuple):
    """One policy written from data: it concerns nobody but `role` ("": everybody) and nothing but `action`."""

    role: str
    action: str
    text: str


class HeadingOfMatrix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    kind: str


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Labels that are shown under some headings only."""

    labels: tuple[str, ...]
    headings: tuple[str, ...]


class EmergencyOfMatrix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    labels: tuple[str, ...]
    basis: str


class RoleOfMatrix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    kind: Literal["clinical", "administrative", "program", "desk"]
    sees: tuple[str, ...]
    labels: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    emergency: Literal["no", "relationship", "relationship-and-labels"] = "no"
    desks: tuple[str, ...] = ()  # where this role may work: `routing.DESKS`
    limit: str = ""


class Matrix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    basis: str
    review: date
    always_shown: Part
    emergency: EmergencyOfMatrix
    part: dict[str, Part] = {}
    heading: dict[str, HeadingOfMatrix]
    role: dict[str, RoleOfMatrix]

    def labels_of(self, role: RoleOfMatrix, heading: str) -> tuple[str, ...]:
        """The labels that the role sees under this heading without declaring an emergency."""
        parts = [self.always_shown, *(self.part[name] for name in role.parts)]
        under = {label for part in parts if heading in part.headings for label in part.labels}
        return tuple(sorted(under.union(role.labels)))

    def labels_at_most(self, role_id: str, heading: str, *, purpose: Purpose) -> frozenset[str]:
        """The labels that any permit written from this matrix could let the role see: no need to ask for others."""
        role = self.role.get(role_id)
        if role is None or heading not in role.sees:
            return frozenset()
        widens = purpose is Purpose.BTG and role.emergency == "relationship-and-labels"
        in_an_emergency = self.emergency.labels if widens else ()
        return frozenset(self.labels_of(role, heading)).union(in_an_emergency)


def read_toml(name: str, text: str, into: type[T]) -> T:
    try:
        return msgspec.convert(tomllib.loads(text), into)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise PolicyDoesNotFit(f"{name}: {wrong}. Mend that entry and start again.") from wrong


def read_matrix(text: str) -> Matrix:
    """Raises PolicyDoesNotFit when it names what the record does not know."""
    table = read_toml("policy.toml", text, Matrix)
    known = {heading.name for heading in Heading}
    if set(table.heading) != known:
        odd = ", ".join(sorted(known ^ set(table.heading)))
        raise PolicyDoesNotFit(
            f"policy.toml: its headings and the record's differ: {odd}. List exactly those of the record."
        )
    for name, part in {**table.part, "always_shown": table.always_shown}.items():
        check_known(f"policy.toml: {name}", "heading", part.headings, known)
        check_known(f"policy.toml: {name}", "label", part.labels, WORDS)
    check_known("policy.toml: emergency", "label", table.emergency.labels, WORDS)
    for role_id, role in table.role.items():
        where = f"policy.toml: role {role_id}"
        check_known(where, "heading", role.sees, known)
        check_known(where, "label", role.labels, WORDS)
        check_known(where, "part", role.parts, table.part)
        check_known(where, "desk", role.desks, DESKS)
        _check_separate(where, role)
    return table


def check_known(where: str, what: str, named: Iterable[str], known: Iterable[str]) -> None:
    if unknown := sorted(set(named) - set(known)):
        raise PolicyDoesNotFit(f"{where} names {what} {unknown[0]}, which is not known. Mend it.")


def _check_separate(where: str, role: RoleOfMatrix) -> None:
    if (role.kind == DESK_KIND) != bool(role.desks) or (role.desks and role.sees):
        raise PolicyDoesNotFit(f"{where} works at a desk and sees headings, or neither. Make two roles of it.")
    if role.emergency != "no" and role.kind != "clinical":
        raise PolicyDoesNotFit(f"{where} may declare an emergency, but is not a clinical role. Take that away.")


def matrix_as_cedar(table: Matrix) -> list[Written]:
    """One permit for each role and heading that it sees, for its emergency set, and for each desk that it works at."""
    written: list[Written] = []
    for role_id, role in sorted(table.role.items()):
        for desk in role.desks:
            sentence = f"Your role ({role.name}) works at the {desk} desk."
            text = permit(f"desk-{role_id}-{desk}", sentence, table.basis, role_id, "work", f'== Desk::"{desk}"')
            written.append(Written(role_id, "work", text + ";\n"))
        for heading in role.sees:
            labels = json.dumps([NO_LABEL, *table.labels_of(role, heading)])
            sentence = f"Your role ({role.name}) shows: {table.heading[heading].name}."
            name = f"matrix-{role_id}-{heading.lower()}"
            text = permit(name, sentence, table.basis, role_id, "see", f'== Heading::"{heading}"')
            written.append(Written(role_id, "see", f"{text}\nwhen {{ {labels}.contains(context.label) }};\n"))
        if role.emergency == "relationship-and-labels":
            written.append(Written(role_id, "see", _emergency_as_cedar(table, role_id, role)))
    return written


def _emergency_as_cedar(table: Matrix, role_id: str, role: RoleOfMatrix) -> str:
    sentence = f"In an emergency your role ({role.name}) shows what is marked too, but not dissent or what a law bars."
    text = permit(f"emergency-set-{role_id}", sentence, table.emergency.basis, role_id, "see", "")
    labels = json.dumps(list(table.emergency.labels))
    return (
        f'{text}\nwhen {{ context.purpose == "BTG" && context.evidence == "emergency" &&'
        f" {headings_as_cedar(role.sees)}.contains(resource) && {labels}.contains(context.label) }};\n"
    )


def permit(name: str, sentence: str, basis: str, role_id: str, action: str, resource: str) -> str:
    return (
        f"{annotated(name, sentence, basis)}"
        f'permit (principal == Role::{json.dumps(role_id)}, action == Action::"{action}", resource {resource})'
    )


def annotated(name: str, sentence: str, basis: str) -> str:
    said = (("id", name), ("sentence", sentence), ("basis", basis))
    return "".join(f"@{key}({json.dumps(_plain(text), ensure_ascii=False)})\n" for key, text in said)


def _plain(text: str) -> str:
    """Without what Cedar writes otherwise than JSON: a sign that cannot be printed."""
    return "".join(letter for letter in text if letter.isprintable())


def headings_as_cedar(names: Iterable[str]) -> str:
    return "[" + ", ".join(f'Heading::"{name}"' for name in names) + "]"


def entities_of(table: Matrix) -> Iterable[dict[str, Any]]:
    for role_id, role in table.role.items():
        kinds: list[str] = [role.kind] if role.kind in ("program", DESK_KIND) else [role.kind, "staff"]
        if role.emergency != "no":
            kinds.append(DECLARES)
        yield _entity("Role", role_id, [("Kind", kind) for kind in kinds])
    for heading, entry in table.heading.items():
        yield _entity("Heading", heading, [("HeadingKind", entry.kind)])
    for desk in DESKS:
        yield _entity("Desk", desk, [])


def _entity(kind: str, name: str, parents: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "uid": {"type": kind, "id": name},
        "attrs": {},
        "parents": [{"type": parent_kind, "id": parent} for parent_kind, parent in parents],
    }
