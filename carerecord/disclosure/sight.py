"""What one look may see, and the guard that tells a reader whom to phone when nothing can be shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import msgspec

from carerecord import access, audit, database, logs
from carerecord.disclosure import sentences
from carerecord.disclosure.values import Looking, Refusal
from carerecord.disclosure.withhold import IDENTIFYING, Withheld
from carerecord.model import Person, StoredStatement
from carerecord.organisations import Region
from carerecord.record import read

P = ParamSpec("P")
T = TypeVar("T")


class HasRegion(Protocol):
    region: Region


D = TypeVar("D", bound=HasRegion)


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What one look may see, with the witness under which it was read. Never leaves this room."""

    looking: Looking
    decision: access.Decision
    witness: audit.Witness
    person: Person
    known: Person  # the same as they were read, with every place: for the audit alone
    seen: Withheld
    names: Mapping[str, str]  # what the sources are called here
    withholding: frozenset[str] = frozenset()  # the sources that say themselves that they left something out
    true_sources: Mapping[str, str] = {}  # of a restricted person: which they are, for the audit alone

    @property
    def statements(self) -> list[StoredStatement]:
        return self.seen.shown

    @property
    def is_clinical(self) -> bool:
        return any(heading not in IDENTIFYING for heading in self.decision.headings)


def told(
    interaction: Callable[Concatenate[D, P], Awaitable[T]],
) -> Callable[Concatenate[D, P], Awaitable[T | Refusal]]:
    """An interaction of the door that, when witness or record cannot be reached, tells the reader whom to phone."""

    @wraps(interaction)
    async def guarded(self: D, /, *args: P.args, **kwargs: P.kwargs) -> T | Refusal:
        try:
            return await interaction(self, *args, **kwargs)
        except (audit.WitnessUnavailable, read.NotWitnessed):
            logs.say(logs.Line.WITNESS_FAILED)
        except (database.DatabaseLost, database.DatabaseRefused, OSError):
            logs.say(logs.Line.DATABASE_LOST)
        return sentences.unavailable(self.region)

    return guarded


def decision_words(decision: access.Decision | None) -> dict[str, Any]:
    """A decision as the audit keeps it: enough to say again why, under which version of the policy."""
    if decision is None:
        return {}
    return {
        "kind": decision.kind,
        "policies": list(decision.policies),
        "policy_version": decision.policy_version,
        "headings": {heading.name: bits for heading, bits in decision.headings.items()},
    }
