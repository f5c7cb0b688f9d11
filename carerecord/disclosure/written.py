"""What a look, a search or a declaration is as an event of the audit. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from carerecord import access, audit
from carerecord.disclosure.facts import Resting
from carerecord.disclosure.sight import decision_words
from carerecord.disclosure.values import Looking
from carerecord.model import Evidence, Purpose, Staff


def event_of(
    looking: Looking,
    kind: str,
    decision: access.Decision,
    *,
    detail: dict[str, Any],
    about: audit.Witness | None = None,
    shown: bytes | None = None,
) -> audit.Event:
    return event(
        kind,
        patient_key=looking.patient_key,
        staff=looking.staff,
        evidence=looking.evidence,
        decision=decision,
        purpose=looking.purpose,
        route=looking.route,
        session=looking.session,
        at=looking.at,
        detail=detail,
        about=about,
        shown=shown,
    )


def event(
    kind: str,
    *,
    patient_key: int,
    staff: Staff | None,
    evidence: Evidence | None,
    decision: access.Decision | None,
    purpose: Purpose = Purpose.TREAT,
    route: str,
    session: str,
    at: datetime,
    detail: dict[str, Any],
    about: audit.Witness | None = None,
    shown: bytes | None = None,
) -> audit.Event:
    return audit.Event(
        kind=kind,
        patient_key=patient_key,
        staff=staff,
        purpose=purpose,
        evidence=evidence,
        decision=_said(decision),
        about=about,
        snapshot=shown,
        detail=detail,
        route=route,
        session=session,
        at=at,
    )


_SAID_MAX: Final = 4096
_said_before: dict[int, tuple[access.Decision | None, str]] = {}


def _said(decision: access.Decision | None) -> str:
    """A decision as the audit keeps it. The same decision answers many looks, and is put into words once."""
    before = _said_before.get(id(decision))
    if before is not None and before[0] is decision:
        return before[1]
    if len(_said_before) >= _SAID_MAX:
        _said_before.clear()
    words = audit.canonical_json(decision_words(decision))
    _said_before[id(decision)] = decision, words
    return words


def rested_on(resting: Resting) -> dict[str, Any]:
    """Beside the evidence that a look rests on: what the record knew, and what was signed where that was weaker."""
    told: dict[str, Any] = {"record_knew": resting.known is not None}
    if resting.known is not None and resting.known.kind is not resting.evidence.kind:
        told["known"] = msgspec.to_builtins(resting.known)
    if resting.signed is not None:
        told["signed"] = msgspec.to_builtins(resting.signed)
    return told
