"""What the watch speaks of: a look, whom it was about, who works where, and what was found."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from carerecord.model import STRONG_EVIDENCE, EvidenceClass

Place = tuple[int, int]  # stream and seq of an event


class Look(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event of the audit, as far as the rules ask."""

    place: Place
    at: datetime
    kind: Literal["opened", "searched", "declared"]
    user_id: str
    name: str  # of the reader, as their provider or record system writes it
    role: str
    organisation: str
    area: str  # of that organisation
    patient_key: int  # 0: a search that found nobody
    evidence: EvidenceClass
    asked: str = ""  # of a search: a mark of the number that was asked for, the same for the same number; never itself

    @property
    def is_shown(self) -> bool:
        """Whether somebody other than the reader says that they are involved in the person's care."""
        return self.evidence in STRONG_EVIDENCE


class About(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the index knows of whom a look was about. Stays inside the watch: no finding repeats it."""

    family: str = ""
    given: str = ""
    birth_date: date | None = None
    nhs_number: str = ""
    postcode: str = ""
    address: str = ""  # the first line
    practice: str = ""
    died_on: date | None = None
    is_listed: bool = False
    is_related: bool = False  # the reader's organisation has, or had of late, something to do with them


class Colleague(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A member of staff as their organisation's register has them: given for this and used for nothing else."""

    user_id: str
    organisation: str
    family: str
    given: str = ""
    birth_date: date | None = None
    postcode: str = ""
    address: str = ""
    nhs_number: str = ""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that a look fits."""

    rule: str
    why: str  # a sentence without any patient
    weight: float


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A look that somebody should look into."""

    look: Look
    alerts: tuple[Alert, ...]  # the weightiest first
    score: float


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    sentence: str
    weight: float
    count: int = 0
    minutes: int = 0
    days: int = 0
    share_max: float = 0.0
    people_min: int = 0
    floor: int = 0
    days_min: int = 0
    unrelated_share: float = 0.0

    def why(self, **figures: int) -> str:
        return self.sentence.format(**figures) if figures else self.sentence


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    threshold: float
    prior: int
    rule: dict[str, Rule]

    def learnt(self, found: dict[str, tuple[int, int]]) -> Rules:
        """The same rules with weights moved by what the desk found: rule -> (closed, of these inappropriate)."""
        moved = {}
        for id_, rule in self.rule.items():
            closed, inappropriate = found.get(id_, (0, 0))
            weight = (rule.weight * self.prior + inappropriate) / (self.prior + closed)
            moved[id_] = msgspec.structs.replace(rule, weight=weight)
        return msgspec.structs.replace(self, rule=moved)


@cache
def read_rules() -> Rules:
    text = (files("carerecord.stewardship.watch") / "rules.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Rules)
