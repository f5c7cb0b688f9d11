"""In which order a reader of this role meets the headings: a table, read once when the process starts."""

from __future__ import annotations

import tomllib
from pathlib import Path

from carerecord.model import Heading

_TABLE = tomllib.loads((Path(__file__).parent / "order.toml").read_text(encoding="utf-8"))
_DEFAULT = tuple(Heading[name] for name in _TABLE["default"])
_BY_ROLE = {role: tuple(Heading[name] for name in names) for role, names in _TABLE["role"].items()}


def order(role: str) -> tuple[Heading, ...]:
    """Every heading that stands on the page, each once."""
    first = _BY_ROLE.get(role, ())
    return (*first, *(heading for heading in _DEFAULT if heading not in first))
