"""Reads the policies and their data, compiles the data into Cedar, and checks everything before anything is decided.

https://docs.cedarpolicy.com. Cedar skips a policy that fails while it is evaluated, which turns a faulty `forbid` into
an Allow; so the schema always goes with the request, and a policy that does not fit the schema stops the start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import cedarpy
import msgspec

from carerecord.access import agreed as agreed_
from carerecord.access.activities import Activity, read_activities
from carerecord.access.agreed import NOTHING, Agreed
from carerecord.access.legal_bars import LegalBars, bars_as_cedar, read_legal_bars
from carerecord.access.matrix import Matrix, PolicyDoesNotFit, Written, entities_of, matrix_as_cedar, read_matrix
from carerecord.access.objections import ObjectionPolicy, read_objection_policy

SCHEMA = "schema.cedarschema"
MATRIX, BARS, ACTIVITIES, OBJECTIONS = "policy.toml", "legal_bars.toml", "activities.toml", "objections.toml"
# An action and those that are asked for together with it: Cedar looks at every policy of a set for each request, so
# each role and each group has a set of its own, of nothing but what can concern it.
GROUPS = {"open": {"open", "declare", "declare-emergency"}, "see": {"see"}, "work": {"work"}}


class Annotation(msgspec.Struct, frozen=True):
    sentence: str
    basis: str


class Policies(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Policies that parsed, fit the schema and carry their sentences."""

    matrix: Matrix
    bars: LegalBars
    activities: dict[str, Activity]
    objections: ObjectionPolicy
    by_hand: tuple[tuple[frozenset[str], str], ...]  # the actions that each concerns, and its text
    from_data: tuple[Written, ...]
    schema: Any  # cedarpy.Schema
    entities: Any  # cedarpy.Entities
    annotations: dict[str, Annotation]
    narrowed_by: tuple[str, ...] = ()  # names of the region's own policies
    agreed: Agreed = NOTHING  # what two people of the region agreed on top
    texts: Mapping[str, str] = {}  # of what these were compiled, so that they can be compiled again with more agreed
    narrowing: Mapping[str, str] = {}
    version: str

    @cached_property
    def _sets(self) -> dict[tuple[str, str], Any]:
        return {}

    @cached_property
    def decided(self) -> dict[Any, Any]:
        """Question -> Decision, of what is asked again and again: see `decide.decide_again`."""
        return {}

    def set_for(self, role: str, group: str) -> Any:
        """The cedarpy.PolicySet of all policies that can concern this role and this group of actions."""
        known = role if role in self.matrix.role else ""
        found = self._sets.get((known, group))
        if found is None:
            texts = [text for actions, text in self.by_hand if actions & GROUPS[group]]
            texts += [each.text for each in self.from_data if each.action in GROUPS[group] and each.role in ("", known)]
            found = self._sets[known, group] = cedarpy.PolicySet.from_str("\n".join(texts))
        return found


def shipped_texts() -> dict[str, str]:
    """The files of this version's policies and of their data, by name."""
    room = files("carerecord.access")
    texts = {entry.name: entry.read_text(encoding="utf-8") for entry in (room / "policies").iterdir()}
    return texts | {name: (room / name).read_text(encoding="utf-8") for name in (MATRIX, BARS, ACTIVITIES, OBJECTIONS)}


def read_policies(folder: Path | None = None) -> Policies:
    """The policies shipped with this version; or those of a folder, whose files stand in place of shipped ones.

    A folder may hold one changed file alone, or more *.cedar files. An empty .cedar file takes a shipped one away.
    """
    texts = shipped_texts()
    if folder is not None:
        if not folder.is_dir():
            raise PolicyDoesNotFit(f"{folder} is not a folder. Name one that holds policies, or say: shipped.")
        own = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
        own = {name: text for name, text in own.items() if name.endswith(".cedar") or name in texts}
        if not own:
            raise PolicyDoesNotFit(f"{folder} holds no policy. Put a changed copy of a shipped file there.")
        texts |= own
    return compile_texts(texts)


def with_agreed(base: Policies, agreed: Agreed) -> Policies:
    """The same policies with what two people agreed; the base itself where that is nothing."""
    return base if agreed == base.agreed else compile_texts(base.texts, narrowing=base.narrowing, agreed=agreed)


def compile_texts(
    texts: Mapping[str, str], *, narrowing: Mapping[str, str] | None = None, agreed: Agreed = NOTHING
) -> Policies:
    """Raises PolicyDoesNotFit when any part does not parse, fit, or say whom it lets see what and why."""
    table = read_matrix(texts[MATRIX])
    shut = read_legal_bars(texts[BARS], table)
    agreed = agreed.beside(shut)
    bars = agreed_.opened(shut, agreed, table)
    hand = "\n".join(text for name, text in sorted(texts.items()) if name.endswith(".cedar"))
    by_hand = _as_json(hand)
    _check_permits(by_hand)
    hidden = {**(narrowing or {}), **agreed_.narrowing_of(agreed)}
    narrowed = _as_json("\n".join(text for _, text in sorted(hidden.items())))
    _check_forbids_only(narrowed)
    from_data = [*matrix_as_cedar(table), *bars_as_cedar(bars, table)]
    data = _as_json("\n".join(each.text for each in from_data))
    said = [texts[name] for name in (SCHEMA, MATRIX, BARS, ACTIVITIES, OBJECTIONS)]
    said += [text for _, text in sorted((narrowing or {}).items())]
    said += [msgspec.json.encode(agreed).decode()] if agreed != NOTHING else []
    whole = _as_text([*by_hand, *narrowed, *data])
    _check_schema(whole, texts[SCHEMA])
    return Policies(
        matrix=table,
        bars=bars,
        activities=read_activities(texts[ACTIVITIES]),
        objections=read_objection_policy(texts[OBJECTIONS]),
        by_hand=tuple((_actions_of(policy), _as_text([policy])) for policy in (*by_hand, *narrowed)),
        from_data=tuple(from_data),
        schema=cedarpy.Schema.from_str(texts[SCHEMA]),
        entities=_entities(table, texts[SCHEMA]),
        annotations=_annotations([*by_hand, *narrowed, *data]),
        narrowed_by=tuple(_name(policy) for policy in narrowed),
        agreed=agreed,
        texts=texts,
        narrowing=narrowing or {},
        version=hashlib.sha256("\0".join([hand, *said]).encode()).hexdigest()[:12],
    )


def _check_schema(whole: str, schema: str) -> None:
    try:
        result = cedarpy.validate_policies(whole, schema)
    except ValueError as wrong:
        raise PolicyDoesNotFit(f"{wrong}. Mend the policies or their schema and start again.") from wrong
    if not result.validation_passed:
        raise PolicyDoesNotFit("; ".join(str(error) for error in result.errors) + ". Mend the policy and start again.")


def _entities(table: Matrix, schema: str) -> Any:
    try:
        return cedarpy.Entities.from_json_str(json.dumps(list(entities_of(table))), schema)
    except ValueError as wrong:
        raise PolicyDoesNotFit(f"{wrong}. Mend the policies or their schema and start again.") from wrong


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


def _as_text(policies: Iterable[dict[str, Any]]) -> str:
    numbered = {f"policy{number}": policy for number, policy in enumerate(policies)}
    whole = {"staticPolicies": numbered, "templates": {}, "templateLinks": []}
    return str(cedarpy.policies_from_json_str(json.dumps(whole)))


def _actions_of(policy: Mapping[str, Any]) -> frozenset[str]:
    """The actions that a policy can concern, as its scope names them; all of them where it names none."""
    action = policy["action"]
    named = action.get("entities") or ([action["entity"]] if "entity" in action else [])
    return frozenset(entity["id"] for entity in named) or frozenset().union(*GROUPS.values())


def _check_permits(policies: Sequence[Mapping[str, Any]]) -> None:
    """Only data lets a heading be seen or a desk be worked at: by hand no more than opening is permitted."""
    for policy in policies:
        if policy["effect"] == "permit" and not _actions_of(policy) <= GROUPS["open"]:
            raise PolicyDoesNotFit(
                f"{_name(policy)} permits more than to open or declare. "
                "Only policy.toml lets a heading be seen or a desk be worked at."
            )


def _check_forbids_only(policies: Sequence[Mapping[str, Any]]) -> None:
    for policy in policies:
        if policy["effect"] != "forbid":
            raise PolicyDoesNotFit(f"{_name(policy)} permits something. A region only narrows: write it as a forbid.")


def _name(policy: Mapping[str, Any]) -> str:
    return str(policy.get("annotations", {}).get("id", "a policy without @id"))


def _annotations(policies: Iterable[Mapping[str, Any]]) -> dict[str, Annotation]:
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
