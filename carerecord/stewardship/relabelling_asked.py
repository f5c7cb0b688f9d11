"""Lowering labels: asked for and agreed at the Guardian's desk, for the lists of that day; carried out by command."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from carerecord import database
from carerecord.organisations import Region
from carerecord.sensitivity import labelling as lists_of
from carerecord.stewardship.notices import parse_reference
from carerecord.stewardship.proposals import DoesNotFit, Kind, Proposal, Stage, converted, proposal_of

if TYPE_CHECKING:
    from carerecord.database import Database

QUERIES = database.queries(__package__)


class NotAgreed(ValueError):
    """Two people have not agreed to it: the message says what to do."""


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of a proposal: under which lists everything is looked at again."""

    lists: str  # their digest, as a dry run says it


def check(content: Mapping[str, Any], region: Region, at: datetime) -> None:
    """Raises DoesNotFit."""
    said: Content = converted(content, Content, "Say for which lists.")
    if said.lists != lists_of(region.sensitive_codes):
        raise DoesNotFit("The lists are others now: look at a dry run of today's, then ask for it again.")


async def read_agreed(db: Database, reference: str, region: Region, *, at: datetime) -> Proposal:
    """What two people agreed, and what still holds for the lists of today. Raises NotAgreed."""
    row = await db.fetchrow(QUERIES["find_proposal"], parse_reference(reference) or 0)
    proposal = proposal_of(row) if row else None
    if proposal is None or proposal.kind is not Kind.LABELS:
        raise NotAgreed(
            "To lower labels shows more than before, so two people agree to it at the Guardian's desk, under "
            "“Two people”: then name its reference with --agreed."
        )
    if (stage := proposal.stage(at=at)) is not Stage.AGREED:
        raise NotAgreed(f"The proposal {reference} is {stage}: only what two people agreed is carried out.")
    try:
        check(proposal.content, region, at)
    except DoesNotFit as wrong:
        raise NotAgreed(str(wrong)) from wrong
    return proposal


async def note_done(db: Database, proposal: Proposal, outcome: str, *, at: datetime) -> None:
    await db.execute(QUERIES["carry_out_proposal"], proposal.id, at, outcome)
