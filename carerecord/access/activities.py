"""National RBAC activity codes, and what each grants here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Literal

import msgspec

from carerecord.access.matrix import read_toml


class Activity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    grants: tuple[Literal["emergency"], ...]
    source: str


def read_activities(text: str) -> dict[str, Activity]:
    return read_toml("activities.toml", text, dict[str, Activity])


def may_declare(table: Mapping[str, Activity], codes: Iterable[str]) -> bool:
    """Whether one of these codes lets its holder declare an emergency."""
    return any("emergency" in table[code].grants for code in codes if code in table)


SHIPPED = read_activities((files("carerecord.access") / "activities.toml").read_text(encoding="utf-8"))
