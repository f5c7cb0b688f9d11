"""Services that give a thing away by having seen somebody: by kind of source, by code, by what a clinic is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final

import msgspec

from carerecord.model import Heading
from carerecord.sensitivity.labels import bits_of
from carerecord.sensitivity.shipped import read_list

# What tells the detail of a person's care. Whoever treats them must still know that the service knows them, when they
# are seen next, what to do in a crisis and which diagnoses were made.
DETAIL: Final = frozenset((Heading.LETTERS, Heading.ASSESSMENTS))
_SNOMED: Final = "http://snomed.info/sct"
# Systems under which main specialties and treatment functions are sent: named by the end of their address.
_SPECIALTIES: Final = re.compile(
    r"(?:PracticeSettingCode|[Ss]pecialty(?:Code)?|treatment[-_ ]?function(?:[-_ ]?code)?|PV1-10|main-?specialty|TFC)$"
)


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """`detail`: only what tells the detail bears the label."""

    id: str
    bits: int
    kinds: frozenset[str]
    specialties: frozenset[str]
    snomed: frozenset[str]
    names: re.Pattern[str]
    detail: bool

    @property
    def rule(self) -> str:
        return f"service:{self.id}"


@cache
def read_services() -> tuple[Service, ...]:
    return tuple(
        Service(
            id=name,
            bits=bits_of(entry["label"]),
            kinds=frozenset(entry.get("kinds", ())),
            specialties=frozenset(entry.get("tfc", ())),
            snomed=frozenset(entry.get("sct", ())),
            names=re.compile(entry.get("names", r"(?!)"), re.IGNORECASE),
            detail=entry.get("detail", False),
        )
        for name, entry in read_list("services")["service"].items()
    )


@lru_cache(maxsize=1024)
def by_kind(kind: str) -> tuple[Service, ...]:
    """Of a source's or an organisation's kind, or the `service` that region.toml names."""
    return tuple(service for service in read_services() if kind == service.id or kind in service.kinds)


@lru_cache(maxsize=8192)
def by_code(system: str, code: str) -> tuple[Service, ...]:
    if system == _SNOMED:
        return tuple(service for service in read_services() if code in service.snomed)
    if _SPECIALTIES.search(system):
        return tuple(service for service in read_services() if code in service.specialties)
    return ()


@lru_cache(maxsize=16_384)
def by_name(name: str) -> tuple[Service, ...]:
    """Of what a clinic, ward, team or specialty is called."""
    return tuple(service for service in read_services() if service.names.search(name))


def by_unit(units: Mapping[str, str], code: str) -> tuple[Service, ...]:
    """Of a source's own code of a ward or clinic, as region.toml maps it."""
    return by_kind(units[code]) if code in units else ()
