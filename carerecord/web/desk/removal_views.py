"""What the pages about removals show: plain values, and no key of any person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from carerecord.model import Heading
from carerecord.stewardship import off_disk, removal_asked
from carerecord.stewardship.notices import reference_of
from carerecord.stewardship.off_disk import WrittenAnew
from carerecord.stewardship.proposals import Proposal
from carerecord.stewardship.removal_asked import BY_COMMAND, Content
from carerecord.stewardship.removal_desk import Departure, Ledger, is_overdue
from carerecord.stewardship.removal_ledger import Entry
from carerecord.stewardship.removal_proofs import Kept
from carerecord.web import words
from carerecord.web.desk.frame import Working


class WaitingLine(msgspec.Struct, frozen=True, kw_only=True):
    reference: str
    what: str
    because: str
    asked: str
    agreed: str
    command: str  # by which it is carried out where this desk cannot
    may_look: bool
    may_agree: bool
    is_own: bool
    is_agreed: bool


class RemovalLine(msgspec.Struct, frozen=True, kw_only=True):
    """One removal under one key, as far as it is."""

    reference: str
    what: str
    steps: tuple[tuple[str, str], ...]  # each step and when; "" while it is to come
    state: str
    who: str
    reason: str
    is_late: bool


def fields_of(content: Content) -> tuple[tuple[str, str], ...]:
    """Of a form that asks for the same again."""
    said = {
        "named": content.named,
        "authority": content.authority.value,
        "source": content.source,
        "reach": content.reach.value,
        "given_back": "yes" if content.is_given_back else "",
    }
    return tuple((name, value) for name, value in said.items() if value)


def waiting_of(proposal: Proposal, working: Working) -> WaitingLine:
    is_agreed = proposal.agreed_at is not None
    content = removal_asked.content_of(proposal)
    return WaitingLine(
        reference=reference_of(proposal.id),
        what=removal_asked.said_of(proposal.content),
        because=proposal.because,
        asked=f"{proposal.asked_by_name}, {words.moment(proposal.asked_at)}",
        agreed=f"{proposal.agreed_by_name}, {words.moment(proposal.agreed_at)}" if proposal.agreed_at else "",
        command=f"carerecord removal carry-out {reference_of(proposal.id)}" if is_agreed else "",
        may_look=content.reach not in BY_COMMAND,
        may_agree=not is_agreed and proposal.asked_by != working.staff.user_id,
        is_own=not is_agreed and proposal.asked_by == working.staff.user_id,
        is_agreed=is_agreed,
    )


def is_on_disk(entry: Entry) -> bool:
    return entry.completed_at is not None and entry.scrubbed_at is None


def line_of(entry: Entry, ledger: Ledger, *, at: datetime) -> RemovalLine:
    proven = next((each for each in ledger.proofs if each.removal == entry.id and each.of == "the record"), None)
    restored = next((each for each in ledger.proofs if each.removal in (entry.id, 0) and each.of != "the record"
                     and each.at > entry.withdrawn_at), None)  # fmt: skip
    steps = (
        ("Withdrawn from every reader", words.moment(entry.withdrawn_at)),
        ("Taken out of the record", _when(entry.completed_at)),
        ("Off the disk since", _when(entry.scrubbed_at)),
        ("Proven", _verdict(proven)),
        ("Proven of a restored backup", _verdict(restored)),
    )
    state = "off the disk" if entry.scrubbed_at else "taken out" if entry.completed_at else "withdrawn"
    late = is_overdue(entry, at=at)
    due = entry.withdrawn_at + off_disk.DEADLINE
    return RemovalLine(
        reference=reference_of(entry.id),
        what=f"{entry.target.capitalize()} of {entry.source or 'no source'}: "
        f"{words.counted(entry.counts.get('statements', 0), 'statement')}, "
        f"{words.counted(entry.counts.get('originals', 0), 'message')}",
        steps=steps,
        state=f"{state}, late since {words.moment(due)}" if late else state,
        who=f"{entry.asked_by} and {entry.agreed_by}",
        reason=f"{entry.authority.replace('-', ' ').capitalize()}. {entry.reason}",
        is_late=late,
    )


def _when(at: datetime | None) -> str:
    return words.moment(at) if at else ""


def _verdict(kept: Kept | None) -> str:
    if kept is None:
        return ""
    return f"{words.moment(kept.at)}: {'nothing of it is left' if kept.holds else 'it does not hold'}"


def proof_row(kept: Kept) -> tuple[str, ...]:
    found = kept.proof
    looked = (
        f"{found.chunks} chunks, {found.log_rows} log rows, {found.statements} statements, {found.originals} messages, "
        f"{found.values} other values"
    )
    verdict = "holds" if kept.holds else f"does not hold: {found.found} found, {found.not_completed} not taken out"
    return words.moment(kept.at), kept.of, kept.by, looked, f"{found.looked_for} hashes", verdict


def departure_row(each: Departure) -> tuple[str, ...]:
    returned = words.moment(each.returned_at) if each.returned_at else "not returned"
    destroyed = words.moment(each.destroyed_at) if each.destroyed_at else "not destroyed"
    return each.source, each.name, returned, destroyed, str(each.identities)


def table_row(each: WrittenAnew) -> tuple[str, ...]:
    size = f"{each.bytes / off_disk.MEBIBYTE:.1f} MiB"
    return each.name, words.moment(each.began_at), each.how, size, f"{each.locked_ms} ms"


def counts_of(found: Sequence[Mapping[str, int]]) -> list[tuple[str, str]]:
    """What goes, by heading, and what goes with it."""
    total: dict[str, int] = {}
    for counts in found:
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    titles = {f"heading {heading.name.lower()}": words.TITLES[heading] for heading in Heading}
    said = {
        "statements": "Statements that go",
        "originals": "Messages that go whole",
        "identities": "Identities that go, with names and numbers",
        "given_back": "Messages that wait to be filed again",
    }
    rows = [(said[name], str(total[name])) for name in said if total.get(name)]
    return [*rows, *((f"Of these under {titles[name]}", str(total[name])) for name in titles if total.get(name))]
