"""The lists of this room: services, codes and cues are data, with where they are from and a day of review."""

from __future__ import annotations

import tomllib
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec

from carerecord.organisations import SensitiveCodes

_NAMES = ("services", "codes", "words")


def _content(name: str) -> str:
    return (files("carerecord.sensitivity") / "lists" / f"{name}.toml").read_text(encoding="utf-8")


def read_list(name: str) -> dict[str, Any]:
    return tomllib.loads(_content(name))


@cache
def version() -> str:
    """By which lists something was classified: changes with any word of them."""
    return sha256("\0".join(map(_content, _NAMES)).encode()).hexdigest()[:12]


@cache
def labelling(own: tuple[SensitiveCodes, ...] = ()) -> str:
    """By what statements are labelled: the lists, those that a region adds, and the rules that read them."""
    rules = sorted(
        (each.name, each.read_bytes())
        for each in files("carerecord.sensitivity").iterdir()
        if each.is_file() and each.name.endswith(".py")
    )
    hashed = sha256(f"{version()}\0".encode() + msgspec.json.encode(own))
    for name, content in rules:
        hashed.update(f"\0{name}\0".encode() + content)
    return hashed.hexdigest()[:12]
