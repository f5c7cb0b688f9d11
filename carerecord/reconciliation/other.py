"""Everything that no other heading has room for: one line each, so that nothing a source said is out of reach."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from carerecord.fhir.care_resources import Anything, read
from carerecord.fhir.resources import Concept, Resource
from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation.entries import Entry
from carerecord.reconciliation.one_line import Line, first_words, listed, words_of
from carerecord.reconciliation.one_line import entries as line_entries
from carerecord.reconciliation.versions import Context, Item

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
ENDED = frozenset(
    ("inactive", "completed", "stopped", "ended", "finished", "revoked", "cancelled", "entered-in-error", "rejected")
)
UNREADABLE = "could not be read: open the original message"


def entries(items: Sequence[Item], context: Context) -> tuple[Entry, ...]:
    return line_entries(items, context, line_of, Entry)


def line_of(statement: StoredStatement) -> Line:
    """What any resource is about, in whatever words it has: used too where another heading holds a stranger."""
    if statement.resource_type == "Communication":
        return _message(statement)
    said = read(Anything, statement.body)
    kind = kind_words(statement.resource_type)
    name = said.name if isinstance(said.name, str) else next((each.words for each in said.name), "")
    what = words_of(said.code) or said.title or name or first_words(listed(said.type)) or said.description
    details = (
        kind if what else "",
        said.status,
        f"for {owner}" if (owner := said.named(said.owner)) else "",
    )
    if not what and not said.was_readable:
        what = f"{kind} that {UNREADABLE}"
    return Line(what=what or kind, details=details, is_over=is_ended(said.status, statement))


class Payload(msgspec.Struct, frozen=True, gc=False):
    contentString: str = ""  # noqa: N815


class Communication(Resource, gc=False, kw_only=True):
    """https://hl7.org/fhir/R4/communication.html"""

    category: tuple[Concept, ...] = ()
    payload: tuple[Payload, ...] = ()


def _message(statement: StoredStatement) -> Line:
    """Words to whoever meets the person next. "Completed" says that they were sent, not that they are over."""
    said = read(Communication, statement.body)
    told = " ".join(each.contentString for each in said.payload if each.contentString)
    is_over = said.status in ("entered-in-error", "not-done", "stopped")
    about = first_words(said.category) or kind_words(statement.resource_type)
    return Line(what=about, details=(told, said.status if is_over else ""), is_over=is_over)


def is_ended(status: str, statement: StoredStatement) -> bool:
    return status in ENDED or statement.standing is Standing.RESOLVED


def kind_words(resource_type: str) -> str:
    """ "MedicationKnowledge" is "Medication knowledge"."""
    return _WORD.sub(" ", resource_type).capitalize()
