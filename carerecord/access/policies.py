"""Reads the policies and the matrix, compiles the matrix into Cedar, and checks everything before anything is decided.

https://docs.cedarpolicy.com. Cedar skips a policy that fails while it is evaluated, which turns a faulty `forbid` into
an Allow; so the schema always goes with the request, and a policy that does not fit the schema stops the start.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

import cedarpy
import msgspec

from carerecord.access.labels import WORDS
from carerecord.model import Heading
from carerecord.routing import DESKS

NO_LABEL = "none"
DESK_KIND = "desk"


class PolicyDoesNotFit(ValueError):
    """A policy does not fit: the message names it and the rule; mend it and start again."""


class HeadingOfMatrix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    kind: str


class RoleOfMatrix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    kind: str
    sees: tuple[str, ...]
    labels: tuple[str, ...] = ()
    labels_by_heading: dict[str, tuple[str, ...]] = {}
    desks: tuple[str, ...] = ()  # where this role may work: `routing.DESKS`
    limit: str = ""

    def labels_of(self, heading: str) -> tuple[str, ...]:
        return tuple(sorted({*self.labels, *self.labels_by_heading.get(heading, ())}))


class Matrix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    basis: str
    heading: dict[str, HeadingOfMatrix]
    role: dict[str, RoleOfMatrix]


class Annotation(msgspec.Struct, frozen=True):
    sentence: str
    basis: str


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """Policies that parsed, fit the schema and carry their sentences."""

    matrix: Matrix
    policy_set: Any  # cedarpy.PolicySet
    schema: Any  # cedarpy.Schema
    entities: Any  # cedarpy.Entities
    annotations: dict[str, Annotation]
    version: str


def read_policies() -> Policies:
    """The policies shipped with this version."""
    room = files("carerecord.access")
    folder = room / "policies"
    texts = {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir()}
    return compile_policies(
        written={name: text for name, text in texts.items() if name.endswith(".cedar")},
        schema=texts["schema.cedarschema"],
        matrix=(room / "policy.toml").read_text(encoding="utf-8"),
    )


def compile_policies(*, written: Mapping[str, str], schema: str, matrix: str) -> Policies:
    """Raises PolicyDoesNotFit when any part does not parse, fit, or say whom it lets see what and why."""
    table = _read_matrix(matrix)
    hand = "\n".join(text for _, text in sorted(written.items()))
    _check_written(_as_json(hand))
    whole = hand + "\n" + _matrix_as_cedar(table)
    annotations = _annotations(_as_json(whole))
    try:
        result = cedarpy.validate_policies(whole, schema)
        if not result.validation_passed:
            raise PolicyDoesNotFit(
                "; ".join(str(error) for error in result.errors) + ". Mend the policy and start again."
            )
        return Policies(
            matrix=table,
            policy_set=cedarpy.PolicySet.from_str(whole),
            schema=cedarpy.Schema.from_str(schema),
            entities=cedarpy.Entities.from_json_str(json.dumps(list(_entities(table))), schema),
            annotations=annotations,
            version=hashlib.sha256("\0".join([hand, schema, matrix]).encode()).hexdigest()[:12],
        )
    except PolicyDoesNotFit:
        raise
    except ValueError as wrong:
        raise PolicyDoesNotFit(f"{wrong}. Mend the policies or their schema and start again.") from wrong


def _read_matrix(text: str) -> Matrix:
    try:
        table = msgspec.convert(tomllib.loads(text), Matrix)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise PolicyDoesNotFit(f"policy.toml: {wrong}. Mend that entry and start again.") from wrong
    known = {heading.name for heading in Heading}
    if set(table.heading) != known:
        odd = ", ".join(sorted(known ^ set(table.heading)))
        raise PolicyDoesNotFit(
            f"policy.toml: its headings and the record's differ: {odd}. List exactly those of the record."
        )
    for role_id, role in table.role.items():
        if unknown := sorted({*role.sees, *role.labels_by_heading} - known):
            raise PolicyDoesNotFit(
                f"policy.toml: role {role_id} names heading {unknown[0]}, which is not known. Mend it."
            )
        labels = {label for heading in table.heading for label in role.labels_of(heading)}
        if unknown := sorted(labels - set(WORDS)):
            raise PolicyDoesNotFit(
                f"policy.toml: role {role_id} names label {unknown[0]}, which is not known. Mend it."
            )
        if unknown := sorted(set(role.desks) - set(DESKS)):
            raise PolicyDoesNotFit(f"policy.toml: role {role_id} names desk {unknown[0]}, which is not known. Mend it.")
        if (role.kind == DESK_KIND) != bool(role.desks) or (role.desks and role.sees):
            raise PolicyDoesNotFit(
                f"policy.toml: role {role_id} works at a desk and sees headings, or neither: separate the two roles."
            )
    return table


def _matrix_as_cedar(table: Matrix) -> str:
    """One permit for each role and heading that it sees, and for each role and desk that it works at."""
    policies = []
    for role_id, role in sorted(table.role.items()):
        for desk in role.desks:
            sentence = f"Your role ({role.name}) works at the {desk} desk."
            policies.append(
                f"@id({json.dumps(f'desk-{role_id}-{desk}')})\n"
                f"@sentence({json.dumps(sentence)})\n@basis({json.dumps(table.basis)})\n"
                f'permit (principal == Role::{json.dumps(role_id)}, action == Action::"work",'
                f" resource == Desk::{json.dumps(desk)});\n"
            )
        for heading in role.sees:
            labels = json.dumps([NO_LABEL, *role.labels_of(heading)])
            sentence = f"Your role ({role.name}) shows: {table.heading[heading].name}."
            policies.append(
                f"@id({json.dumps(f'matrix-{role_id}-{heading.lower()}')})\n"
                f"@sentence({json.dumps(sentence)})\n@basis({json.dumps(table.basis)})\n"
                f'permit (principal == Role::{json.dumps(role_id)}, action == Action::"see",'
                f" resource == Heading::{json.dumps(heading)})\nwhen {{ {labels}.contains(context.label) }};\n"
            )
    return "\n".join(policies)


def _entities(table: Matrix) -> Iterable[dict[str, Any]]:
    for role_id, role in table.role.items():
        kinds = [role.kind] if role.kind in ("program", DESK_KIND) else [role.kind, "staff"]
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


def _as_json(policies: str) -> list[dict[str, Any]]:
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(policies))
    except ValueError as wrong:
        raise PolicyDoesNotFit(f"{wrong}. Mend the policy and start again.") from wrong
    if parsed.get("templates"):
        raise PolicyDoesNotFit(
            "A policy is a template. Write it out for each role: a reader must be able to follow it."
        )
    return list(parsed["staticPolicies"].values())


def _check_written(policies: list[dict[str, Any]]) -> None:
    """Only the matrix lets a heading be seen or a desk be worked at: a policy written by hand permits no more than
    opening or declaring."""
    for policy in policies:
        action = policy["action"]
        named = action.get("entities") or ([action["entity"]] if "entity" in action else [])
        if policy["effect"] == "permit" and (
            not named or not {entity["id"] for entity in named} <= {"open", "declare"}
        ):
            name = policy.get("annotations", {}).get("id", "a policy without @id")
            raise PolicyDoesNotFit(
                f"{name} permits more than to open or declare. "
                "Only policy.toml lets a heading be seen or a desk be worked at."
            )


def _annotations(policies: list[dict[str, Any]]) -> dict[str, Annotation]:
    found: dict[str, Annotation] = {}
    for policy in policies:
        said = policy.get("annotations", {})
        name = said.get("id") or "A policy"
        if missing := [key for key in ("id", "sentence", "basis") if not said.get(key)]:
            raise PolicyDoesNotFit(f"{name} has no @{missing[0]}. Say it: readers are told it, and the audit keeps it.")
        if name in found:
            raise PolicyDoesNotFit(f"Two policies are called {name}. Give each its own @id.")
        found[name] = Annotation(said["sentence"], said["basis"])
    return found
