"""SIU S12 to S15 and S26: an appointment as hospital systems say it (HL7 v2, chapter 10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from demo.messages.hl7 import escape, segment
from demo.people.nouns import Booked, Clinician

_STATUSES = {"S12": "Booked", "S13": "Booked", "S14": "Booked", "S15": "Cancelled", "S26": "Noshow"}
_EVENT_REASONS = {"S12": "New", "S13": "Rescheduled", "S14": "Modified", "S15": "Cancelled", "S26": "DNA"}


def segments(
    event: Booked, pid: str, *, authority: str, time: Callable[[datetime | None], str], xcn: Callable[[Clinician], str]
) -> list[str]:
    """SCH, NTE, PID and the resources: what is done, by whom, where."""
    start, end = time(event.start), time(event.start + timedelta(minutes=event.minutes))
    clinic, status = escape(event.clinic), _STATUSES[event.trigger]
    length = f"{event.minutes}|MIN^Minutes"
    sch = segment(
        "SCH",
        {
            1: f"{event.number}^{authority}",
            2: f"{event.number}^{authority}",
            6: _EVENT_REASONS[event.trigger],
            7: f"^{escape(event.reason)}" if event.reason else "",
            8: f"{event.specialty}^{clinic}",
            9: f"{event.minutes}",
            10: "MIN^Minutes",
            11: f"^^M{event.minutes}^{start}^{end}",
            16: xcn(event.consultant),
            25: status,
        },
    )
    moved = [f"NTE|1|L|Moved from {event.was:%d/%m/%Y %H:%M}"] if event.was else []
    place = f"{clinic}^^^{escape(event.site)}"
    return [
        sch,
        *moved,
        pid,
        "RGS|1|A",
        f"AIS|1|A|{event.specialty}^{clinic}^{authority}|{start}|||{length}||{status}",
        f"AIG|1|A|{event.consultant.code}^{escape(event.consultant.called)}|||||{start}|||{length}||{status}",
        f"AIL|1|A|{place}|C^Clinic^HL70305||{start}|||{length}||{status}",
        f"AIP|1|A|{xcn(event.consultant)}|||{start}|||{length}||{status}",
    ]
