"""What a region takes away from the shipped policies. It can add nothing, and that is shown before it is used."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from carerecord.access.agreed import Hidden, check_entry, hidden_as_cedar
from carerecord.access.decide import SHIPPED, decide_again, may_work_under
from carerecord.access.matrix import Matrix, PolicyDoesNotFit, read_toml
from carerecord.access.policies import Policies, compile_texts, shipped_texts
from carerecord.access.questions import Decision, Question
from carerecord.model import EvidenceClass, Purpose
from carerecord.routing import DESKS

FILE = "narrowing.toml"
EACH_STRENGTH = (
    EvidenceClass.ENCOUNTER,
    EvidenceClass.DECLARED,
    EvidenceClass.LAUNCH,
    EvidenceClass.EMERGENCY,
    EvidenceClass.NONE,
)
WAYS = (
    *itertools.product(("launch", "sign-in"), EACH_STRENGTH),
    *itertools.product(("print", "fhir"), (EvidenceClass.ENCOUNTER, EvidenceClass.EMERGENCY)),
    ("card", EvidenceClass.ENCOUNTER),
    ("fhir", EvidenceClass.AGREEMENT),
)
OPENNESS = {"deny": 0, "emergency-needed": 1, "reason-needed": 2, "permit": 3}


class Narrowing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    hide: tuple[Hidden, ...]


def read_narrowed(folder: Path, *, texts: Mapping[str, str] | None = None) -> Policies:
    """The shipped policies (or `texts`), narrowed by what a region's folder holds: narrowing.toml, forbids in *.cedar.

    Raises PolicyDoesNotFit when a part of it permits something, or when any decision would show more than before.
    """
    if not folder.is_dir():
        raise PolicyDoesNotFit(f"{folder} is not a folder. Set CARERECORD_POLICY_NARROWING to one, or to nothing.")
    whole = dict(texts or shipped_texts())
    base = compile_texts(whole)
    narrowing = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.cedar"))}
    if (folder / FILE).is_file():
        narrowing[FILE] = narrowing_as_cedar((folder / FILE).read_text(encoding="utf-8"), base.matrix)
    narrowed = compile_texts(whole, narrowing=narrowing)
    if widened := next(find_widened(base, narrowed), None):
        raise PolicyDoesNotFit(f"{folder} shows more than the shipped policies: {widened}. A region only narrows.")
    return narrowed


def read_in_force(folder: str) -> Policies:
    """The shipped policies as the region narrows them: `settings.policy_narrowing`, "" for not at all."""
    return read_narrowed(Path(folder)) if folder else SHIPPED


def narrowing_as_cedar(text: str, table: Matrix) -> str:
    """A forbid for each thing that is hidden."""
    written = []
    for number, entry in enumerate(read_toml(FILE, text, Narrowing).hide, start=1):
        check_entry(f"{FILE}: entry {number}", entry, table)
        written.append(hidden_as_cedar(f"narrowing-{number}", entry))
    return "\n".join(written)


def find_widened(base: Policies, narrowed: Policies) -> Iterator[str]:
    """Where the second shows more: every role by heading and label, and every way of opening and every desk."""
    for role in narrowed.matrix.role:
        for desk in DESKS:
            if may_work_under(narrowed, role, desk) and not may_work_under(base, role, desk):
                yield f"role {role} works at the {desk} desk"
        for asked in every_question(role):
            before, after = decide_again(base, asked), decide_again(narrowed, asked)
            if what := more_than(before, after):
                yield f"role {role}, {asked.route}, {asked.evidence}: {what}"


def more_than(before: Decision, after: Decision) -> str:
    """What the second decision opens or shows that the first does not; "" when nothing."""
    if OPENNESS[after.kind] > OPENNESS[before.kind]:
        return f"{before.kind} becomes {after.kind}"
    for heading, bits in after.headings.items():
        if heading not in before.headings:
            return f"heading {heading.name}"
        if bits & ~before.headings[heading]:
            return f"labels under {heading.name}"
    return ""


def every_question(role: str) -> Iterator[Question]:
    """Every way by which a role may come, with one class of evidence for each strength."""
    for route, evidence in WAYS:
        yield Question(
            role=role,
            organisation_in_agreement=True,
            route=route,
            evidence=evidence,
            behind=EvidenceClass.LAUNCH if evidence is EvidenceClass.DECLARED else EvidenceClass.NONE,
            purpose=Purpose.BTG if evidence is EvidenceClass.EMERGENCY else Purpose.TREAT,
            assurance=2,
        )
