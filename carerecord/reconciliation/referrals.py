"""Referrals: who was asked to see the person, by whom, why and how urgently; closed only when their source says so."""

from __future__ import annotations

from collections.abc import Sequence

from carerecord.fhir.care_resources import ServiceRequest, read
from carerecord.model import Standing, StoredStatement
from carerecord.reconciliation import other
from carerecord.reconciliation.entries import ReferralEntry
from carerecord.reconciliation.one_line import Line, all_words, first_words, words_of
from carerecord.reconciliation.one_line import entries as line_entries
from carerecord.reconciliation.versions import Context, Item

PRIORITY = {"asap": "as soon as possible", "stat": "immediate", "routine": "routine", "urgent": "urgent"}
CLOSED = frozenset(("completed", "revoked", "entered-in-error"))


def entries(items: Sequence[Item], context: Context) -> tuple[ReferralEntry, ...]:
    return line_entries(items, context, line_of, ReferralEntry)


def line_of(statement: StoredStatement) -> Line:
    if statement.resource_type != "ServiceRequest":
        return other.line_of(statement)
    said = read(ServiceRequest, statement.body)
    to = ", ".join(name for each in said.performer if (name := said.named(each))) or words_of(said.performerType)
    what = words_of(said.code) or first_words(said.category) or (f"Referral to {to}" if to else "Referral")
    priority = PRIORITY.get(said.priority, said.priority)
    by = said.named(said.requester)
    status = "" if said.status in ("active", "") else said.status.replace("-", " ")
    is_open = said.status not in CLOSED and statement.standing is not Standing.RESOLVED
    return Line(
        what=what,
        details=(
            priority,
            f"to {to}" if to and to not in what else "",
            f"from {by}" if by else "",
            all_words(said.reasonCode),
            status,
        ),
        # A referral that was dealt with did happen: only one taken back is out of the list.
        is_over=said.status in ("revoked", "entered-in-error"),
        more={"to": to, "priority": priority, "is_open": is_open},
    )
