"""What a removal is asked for as: the content of a proposal that two people decide on, and the target it names.

Names no patient: a statement by its id, a message by its number, a person by the id of their FHIR Patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from carerecord import database
from carerecord.fhir.references import parse_logical_id
from carerecord.model import OriginalReference
from carerecord.organisations import Region
from carerecord.settings import Settings
from carerecord.stewardship.notices import parse_reference
from carerecord.stewardship.proposals import DoesNotFit, Kind, Proposal, Stage, converted, proposal_of
from carerecord.stewardship.removal_plan import Authority, Decision, RemovalRefused, Target, patient_key_of

if TYPE_CHECKING:
    from carerecord.database import Database

QUERIES = database.queries(__package__)


class Reach(StrEnum):
    """How much is asked for. Stored: only add."""

    NAMED = "named"  # a statement, or a message and all that came of it
    PERSON = "person"  # all that one source said of a person
    DUE = "due"  # what may no longer be kept, by the schedule
    DEPARTURE = "departure"  # all that a source ever sent


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The content of a proposal: {"named": "20261122-7", "authority": "misfiled"}."""

    named: str = ""  # a statement, a message; or whom it is about
    authority: Authority
    source: str = ""
    reach: Reach = Reach.NAMED
    is_given_back: bool = False  # a misfiled message waits again for whose it is


BY_COMMAND = (Reach.DUE, Reach.DEPARTURE)  # they take long: whoever runs the record carries them out
_SENTENCE = "Say what is to go, and on whose authority."
_NAMED = "Name a statement by its id, as its receipt shows it, or a message, such as 20261122-7."


def check(content: Mapping[str, Any], region: Region, at: datetime) -> None:
    """Raises DoesNotFit."""
    said: Content = converted(content, Content, _SENTENCE)
    if said.reach in (Reach.PERSON, Reach.DEPARTURE) and not said.source:
        raise DoesNotFit("Say which source it is about.")
    if said.reach is Reach.PERSON and patient_key_of(said.named) is None:
        raise DoesNotFit("Say whom it is about: look them up first.")
    if said.reach is Reach.NAMED:
        target = target_of(said)
        if said.is_given_back and (target.original is None or said.authority is not Authority.MISFILED):
            raise DoesNotFit("Only a misfiled message can be kept to be filed again: name it by its number.")


def content_of(proposal: Proposal) -> Content:
    """Raises DoesNotFit."""
    content: Content = converted(proposal.content, Content, _SENTENCE)
    return content


def target_of(said: Content) -> Target:
    """Raises DoesNotFit."""
    if said.reach is Reach.PERSON:
        return Target(kind="source", patient_key=patient_key_of(said.named) or 0, source=said.source)
    text = said.named.strip().rpartition("/")[2]
    try:
        return Target(kind="original", original=OriginalReference.parse(text))
    except ValueError:
        pass
    logical, _, version = text.partition(".")
    found = parse_logical_id(logical)
    if found is None:
        raise DoesNotFit(_NAMED)
    return Target(kind="statement", patient_key=found[0], local_id=found[1], version=version)


def decision_of(proposal: Proposal) -> Decision:
    """Who asked and who agreed, as they signed in: by name and by user id, which no two people share."""
    if proposal.agreed_at is None or proposal.asked_by == proposal.agreed_by:
        raise RemovalRefused("Two people have to agree to it at the records desk first.")
    return Decision(
        authority=content_of(proposal).authority,
        reason=proposal.because,
        asked_by=f"{proposal.asked_by_name} ({proposal.asked_by})",
        agreed_by=f"{proposal.agreed_by_name} ({proposal.agreed_by})",
    )


async def read_agreed(db: Database, reference: str, *, at: datetime) -> Proposal:
    """What two people agreed at a desk, for whoever carries it out by command. Raises RemovalRefused."""
    row = await db.fetchrow(QUERIES["find_proposal"], parse_reference(reference) or 0)
    proposal = proposal_of(row) if row else None
    if proposal is None or proposal.kind is not Kind.REMOVAL:
        raise RemovalRefused(f"No removal was asked for as {reference}: the records desk lists them.")
    stage = proposal.stage(at=at)
    if stage is not Stage.AGREED:
        raise RemovalRefused(f"The removal {reference} is {stage}: only what two people agreed is carried out.")
    return proposal


async def note_done(db: Database, proposal: Proposal, outcome: str, *, at: datetime) -> None:
    await db.execute(QUERIES["carry_out_proposal"], proposal.id, at, outcome)


def refuse_names(chosen: Settings) -> None:
    """Two typed names are two people only where no desk is. Raises RemovalRefused."""
    if not chosen.removal_by_names:
        raise RemovalRefused(
            "Two people have to agree to it at the records desk, as they signed in: then run `carerecord removal "
            "carry-out` with its reference. Where no desk is staffed, CARERECORD_REMOVAL_BY_NAMES says so."
        )


def said_of(content: Mapping[str, Any]) -> str:
    """What is asked for, in a sentence that names no patient."""
    said: Content = converted(content, Content, _SENTENCE)
    authority = said.authority.value.replace("-", " ")
    what = {
        Reach.NAMED: said.named,
        Reach.PERSON: f"all that {said.source} said of {said.named}",
        Reach.DUE: "what may no longer be kept",
        Reach.DEPARTURE: f"all that {said.source} ever sent",
    }[said.reach]
    return f"{'Take back' if said.is_given_back else 'Remove'} {what} ({authority})."
