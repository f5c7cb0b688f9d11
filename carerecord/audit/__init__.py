"""The witness: every disclosure and every refusal, in a chain.

In: an `Event`, from `disclosure` and `signin`. Out: a `Witness`, once the event is durable. `verify` walks the chains,
`read_events` and `follow` read them.
Invariant: an event is never changed or taken away, and where one is, `verify` names it.
"""

from carerecord.audit.asked import Asked, list_asked
from carerecord.audit.chain import Event, Kind, UnwritableEvent, Witness
from carerecord.audit.events import (
    StoredEvent,
    advance,
    find_event,
    find_row,
    follow,
    is_as_written,
    read_events,
    read_marks,
)
from carerecord.audit.policy_served import note_policy
from carerecord.audit.sealer import are_seals_late, keep_sealed, make_folders, retire_streams
from carerecord.audit.verify import Report, is_sealed, verify
from carerecord.audit.walk import Fault, Finding
from carerecord.audit.witness import WitnessUnavailable, Writer
from carerecord.audit.writing import canonical_json

__all__ = [
    "Asked",
    "Event",
    "Fault",
    "Finding",
    "Kind",
    "Report",
    "StoredEvent",
    "UnwritableEvent",
    "Witness",
    "WitnessUnavailable",
    "Writer",
    "advance",
    "are_seals_late",
    "canonical_json",
    "find_event",
    "find_row",
    "follow",
    "is_as_written",
    "is_sealed",
    "keep_sealed",
    "list_asked",
    "make_folders",
    "note_policy",
    "read_events",
    "read_marks",
    "retire_streams",
    "verify",
]
