"""REF I12: a referral as hospital systems say it (HL7 v2, chapter 11)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from demo.messages.hl7 import escape, segment
from demo.people.nouns import Clinician, Referred

# HL7 table 0283 has no word for a referral that is over: hospitals write their own.
_STATUSES = {"active": "A^Accepted^HL70283", "completed": "C^Completed^L", "cancelled": "X^Cancelled^L"}
_PRIORITIES = {
    "routine": "R^Routine^HL70280",
    "urgent": "A^Urgent^HL70280",
    "two-week-wait": "S^Two week wait^HL70280",
}
_CODE_SYSTEMS = {"sct": "SCT", "icd10": "I10"}


def segments(
    event: Referred,
    pid: str,
    *,
    authority: str,
    time: Callable[[datetime | None], str],
    xcn: Callable[[Clinician], str],
) -> list[str]:
    """RF1, who refers and to whom (PRD), PID, and why (DG1)."""
    rf1 = segment(
        "RF1",
        {
            1: _STATUSES.get(event.status, f"^{escape(event.status)}"),
            2: _PRIORITIES.get(event.priority, f"^{escape(event.priority)}"),
            3: f"{event.specialty}^{escape(event.to_service)}",
            6: f"{event.number}^{authority}",
            7: time(event.at),
            10: f"^{escape(event.reason)}",
            11: f"{event.ubrn}^UBRN" if event.ubrn else "",
        },
    )
    by, practice = event.referred_by, event.referring_practice
    referrer = {
        1: "RP^Referring Provider^HL70286",
        2: f"{escape(by.family)}^{escape(by.given)}^^^{by.title}",
        4: f"{escape(practice.name)}^^^{practice.code}" if practice else "",
        7: f"{by.code}^{practice.code if practice else authority}",
    }
    referred_to = {1: "RT^Referred to Provider^HL70286", 4: f"{escape(event.to_service)}^^^{authority}"}
    return [rf1, segment("PRD", referrer), segment("PRD", referred_to), pid, *_diagnosis(event, time)]


def _diagnosis(event: Referred, time: Callable[[datetime | None], str]) -> list[str]:
    if not event.diagnosis:
        return []
    coded = "^".join(
        f"{code.code}^{escape(code.display or event.diagnosis.text)}^{_CODE_SYSTEMS[code.system]}"
        for code in event.diagnosis.codes[:3]
        if code.system in _CODE_SYSTEMS
    )
    text = escape(event.diagnosis.text)
    return [f"DG1|1||{coded or f'^{text}'}|{text}|{time(event.at)}|W"]
