"""From the rows that two people's words left to what holds at a moment. Pure.

A row that cannot be read stops whoever reads it: what was agreed must not be half believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from carerecord import access, organisations
from carerecord.organisations.agreed import AgreedKey, RetiredKey

LEGAL_BAR, POLICY, ROLE, KEY = "legal-bar", "policy", "role", "key"
WITNESS = "witness"  # whose key seals the audit


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table, as it stands there."""

    number: int
    kind: str
    name: str
    is_in_force: bool
    content: Mapping[str, Any]
    because: str
    asked_by_name: str
    agreed_by_name: str  # "": closed by one person
    reference: str  # of the proposal
    at: datetime

    @property
    def people(self) -> str:
        return f"{self.asked_by_name} and {self.agreed_by_name}" if self.agreed_by_name else self.asked_by_name


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """All that stands, for whoever decides (`policies`) and whoever lets in (`region`)."""

    number: int
    policies: access.Agreed
    region: organisations.Agreed
    sealing_keys: tuple[datetime, ...] = ()  # when two people agreed to a new key for seals


class Unreadable(ValueError):
    """Something that was agreed cannot be read by this version: run the version that wrote it, or a newer one."""

    def __init__(self) -> None:
        super().__init__(Unreadable.__doc__)


def standing_of(rows: Iterable[Row], *, on: date) -> Standing:
    """`rows` are the newest of each kind and name, in their order. Raises Unreadable."""
    held = list(rows)
    try:
        return Standing(
            number=max((row.number for row in held), default=0),
            policies=_policies([row for row in held if row.kind in (LEGAL_BAR, POLICY)]).on(on),
            region=_region([row for row in held if row.kind in (ROLE, KEY)]),
            sealing_keys=tuple(row.at for row in held if row.kind == KEY and row.name == WITNESS and row.is_in_force),
        )
    except (msgspec.ValidationError, KeyError, TypeError, ValueError) as wrong:
        raise Unreadable from wrong


def _policies(rows: list[Row]) -> access.Agreed:
    return access.Agreed(
        routes=tuple(
            access.Route(
                **msgspec.structs.asdict(msgspec.convert(row.content, RouteWords)),
                bar=row.name,
                agreed_by=row.people,
                agreed_on=row.at.date(),
                reference=row.reference,
            )
            for row in rows
            if row.kind == LEGAL_BAR and row.is_in_force
        ),
        closed=tuple(sorted(row.name for row in rows if row.kind == LEGAL_BAR and not row.is_in_force)),
        hidden=tuple(
            access.AgreedHidden(
                reference=row.name,
                hidden=msgspec.convert(row.content, access.Hidden),
                agreed_by=row.people,
                agreed_on=row.at.date(),
            )
            for row in rows
            if row.kind == POLICY and row.is_in_force
        ),
    )


class RouteWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What two people say of a route; who they were and when stands beside it."""

    roles: tuple[str, ...]
    purposes: tuple[str, ...]
    relies_on: str
    advice: str
    until: date


class KeyWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that was added (`jwk`), or one that ends (`ends_at`)."""

    whose: str
    thumbprint: str
    jwk: dict[str, Any] = {}
    ends_at: datetime | None = None


def _region(rows: list[Row]) -> organisations.Agreed:
    keys = [(row, msgspec.convert(row.content, KeyWords)) for row in rows if row.kind == KEY and row.name != WITNESS]
    return organisations.Agreed(
        roles={row.name: str(row.content["role"]) for row in rows if row.kind == ROLE and row.is_in_force},
        keys=tuple(
            AgreedKey(whose=said.whose, jwk=said.jwk, thumbprint=said.thumbprint, since=row.at)
            for row, said in keys
            if said.jwk  # also of one that ends: it speaks until the end of its overlap
        ),
        retired=tuple(
            RetiredKey(whose=said.whose, thumbprint=said.thumbprint, at=said.ends_at or row.at)
            for row, said in keys
            if not row.is_in_force
        ),
    )
