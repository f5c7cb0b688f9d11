"""What a reader is told when nothing is shown: what happened, what it means for care now, what to do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from carerecord.access import Decision, in_force
from carerecord.disclosure.values import Refusal
from carerecord.organisations import Region


def unavailable(region: Region) -> Refusal:
    """No witness, no record: a look that could not be written down must not happen."""
    return Refusal(
        kind="unavailable",
        sentences=(
            "The record cannot be shown because it cannot write down who looks at it just now.",
            "Nothing in it is lost. Care should not wait for it: ask the person, and phone their hospital or practice.",
            f"For help, phone {region.phone}.",
        ),
        phone=region.phone,
    )


def not_allowed(region: Region, reasons: Sequence[str]) -> Refusal:
    return Refusal(kind="not-allowed", sentences=tuple(reasons), phone=region.phone)


def reason_needed(reasons: Sequence[str]) -> Refusal:
    return Refusal(kind="reason-needed", sentences=tuple(reasons))


def refused(region: Region, decision: Decision) -> Refusal:
    """Why a decision opens nothing. What an objection closes is told in the words for what does not exist."""
    if decision.kind == "reason-needed":
        return reason_needed(decision.reasons)
    if decision.kind == "emergency-needed":
        return Refusal(kind="emergency-needed", sentences=decision.reasons, phone=region.phone)
    if "objection" in decision.policies:
        return no_record(region)
    return not_allowed(region, decision.reasons)


def no_record(region: Region) -> Refusal:
    return Refusal(kind="not-found", sentences=(in_force().objections.sentence,), phone=region.phone)


def nobody_found(region: Region) -> Refusal:
    """One answer for a person nobody knows and for a date of birth that does not agree: neither tells the other."""
    return Refusal(
        kind="not-found",
        sentences=(
            "No person is found with this NHS number and this date of birth.",
            "Check both with the person. They may also be new to this region, or known without an NHS number.",
        ),
        phone=region.phone,
    )


def protected(region: Region) -> Refusal:
    """A restricted person: a document or message as a whole says where they live, or where they are treated."""
    return Refusal(
        kind="not-allowed",
        sentences=(
            "This person's whereabouts are protected, so documents and original messages are not opened here.",
            f"What it says for care stands on the summary. If you need the document, phone {region.phone}.",
        ),
        phone=region.phone,
    )


def original_removed(region: Region, *, at: datetime) -> Refusal:
    """Of a statement that stays: its message held something that had to go, and no message is altered."""
    return Refusal(
        kind="not-found",
        sentences=(
            f"The message that this came in was lawfully removed on {at:%d-%b-%Y}.",
            "It held something that may not be kept. What you opened it from stands as it was said; its source may "
            "hold the message still.",
        ),
        phone=region.phone,
    )


def nothing_there(region: Region) -> Refusal:
    return Refusal(
        kind="not-found",
        sentences=(
            "What you asked for is not in the record that you may see.",
            "It may have been corrected since the page was opened. Open the record again.",
        ),
        phone=region.phone,
    )
