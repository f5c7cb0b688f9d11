"""The file that is handed over: paper, FHIR, JSON, who looked, and a list of what is in it. Pure but for the paper."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from carerecord.disclosure import programs
from carerecord.model import Person, StoredStatement
from carerecord.reconciliation.sayings import said_lines
from carerecord.reconciliation.versions import recency
from carerecord.stewardship.subject_access import paper
from carerecord.stewardship.subject_access.redact import redacted
from carerecord.stewardship.subject_access.rules import item_id
from carerecord.stewardship.subject_access.values import Choice, Decided, Request

_encode: Final = msgspec.json.Encoder(order="sorted").encode
ELSEWHERE: Final = "the same words elsewhere"
ZONE: Final = ZoneInfo("Europe/London")
HEADINGS: Final = {
    "DEMOGRAPHICS": "Who you are and how to reach you", "ALLERGIES": "Allergies and adverse reactions",
    "RESULTS": "Test results",
    "STAYS": "Hospital stays and visits", "LETTERS": "Letters and documents", "PROBLEMS": "Problems and diagnoses",
    "MEDICINES": "Medicines", "IMAGING": "Scans and X-rays", "PROCEDURES": "Operations and procedures",
    "IMMUNISATIONS": "Vaccinations", "APPOINTMENTS": "Appointments", "REFERRALS": "Referrals",
    "PLANS": "Care plans and decisions", "ALERTS": "Alerts", "NEEDS": "Needs and adjustments",
    "SOCIAL_CARE": "Social care",
    "CONTACTS": "People and teams around you", "OBSERVATIONS": "Measurements", "ASSESSMENTS": "Assessments",
    "SAFEGUARDING": "Safeguarding", "FAMILY_HISTORY": "Family history", "DEVICES": "Devices and aids",
    "OTHER": "Other entries",
}  # fmt: skip
README: Final = """What is in this file

record.pdf        All of it to read and to print{pdf}.
record.json       The same for a computer, in plain words.
record.fhir.json  The same as FHIR R4 (https://hl7.org/fhir/R4), as other health systems read it.
{looks}
manifest.json     What this file holds, with a SHA-256 of each part, and how much was kept back on which ground.

"[taken out]" stands where words about somebody else had to go.
If you think that something is missing or wrong, phone {phone}.
You may complain to the Information Commissioner: https://ico.org.uk, 0303 123 1113.
"""


LOOKS: Final = "looks.json        Who looked at the record here: which organisation, in which role, when and why."
NO_LOOKS: Final = "Who looked at the record is not in this file: somebody will talk it through with you, phone {phone}."


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """All that is held about a person."""

    person: Person
    statements: tuple[StoredStatement, ...]
    names: Mapping[str, str]  # what the sources are called
    looks: tuple[dict[str, Any], ...] | None  # None: their whole list is held, and is talked through with them
    demographics: tuple[dict[str, Any], ...]  # as each source says now
    originals: tuple[dict[str, Any], ...]  # the messages that came: from whom, when, of which type


class Made(msgspec.Struct, frozen=True, kw_only=True):
    content: bytes
    hash: str
    kept_back: dict[str, int]  # ground -> how many
    has_paper: bool


def make(
    holding: Holding, request: Request, decided: Mapping[str, Decided], *, title: str, phone: str, at: datetime
) -> Made:
    """What somebody decided to take out goes wherever those words stand, not only where they were found."""
    spans = [span for each in decided.values() if each.choice is Choice.REDACT for span in each.spans]
    kept_back: Counter[str] = Counter()
    given: list[StoredStatement] = []
    for statement in sorted(holding.statements, key=recency, reverse=True):
        decision = decided.get(item_id(statement))
        if decision and decision.choice is Choice.WITHHOLD:
            kept_back[decision.ground.value] += 1
            continue
        body = redacted(statement.body, spans)
        if body != statement.body:
            is_here = decision is not None and decision.choice is Choice.REDACT
            kept_back[decision.ground.value if decision and is_here else ELSEWHERE] += 1
        given.append(msgspec.structs.replace(statement, body=body, cut=None))
    plain = _plain(holding, given, spans, title=title, at=at)
    pdf = paper.draw({**plain, "request": _request(request), "phone": phone, "kept_back": dict(kept_back)})
    parts: dict[str, bytes] = {"record.json": _encode(plain)}
    parts["record.fhir.json"] = programs.everything_bundle(holding.person, given, answers=(), base="", at=at)
    if holding.looks is not None:
        parts["looks.json"] = _encode(holding.looks)
    if pdf is not None:
        parts["record.pdf"] = pdf
    missing = "" if pdf is not None else " (not made here: print record.json's words instead)"
    parts["README.txt"] = README.format(
        pdf=missing, phone=phone, looks=LOOKS if holding.looks is not None else NO_LOOKS.format(phone=phone)
    ).encode()
    parts["manifest.json"] = _encode(
        {
            "made_at": at,
            "request": str(request.id),
            "parts": {name: sha256(content).hexdigest() for name, content in parts.items()},
            "statements_held": len(holding.statements),
            "statements_given": len(given),
            "kept_back": dict(kept_back),
        }
    )
    content = _zip(parts, at)
    return Made(content=content, hash=sha256(content).hexdigest(), kept_back=dict(kept_back), has_paper=pdf is not None)


def _plain(
    holding: Holding, given: Sequence[StoredStatement], spans: Sequence[str], *, title: str, at: datetime
) -> dict[str, Any]:
    by_heading: dict[str, list[dict[str, Any]]] = {}
    for statement in given:
        lines = [[label, text] for label, text in said_lines(statement) if text]
        by_heading.setdefault(statement.heading.name, []).append(
            {
                "source": holding.names.get(statement.source, statement.source),
                "said_at": _local(statement.said_at),
                "happened_at": _local(statement.happened_at) if statement.happened_at else None,
                "kind": statement.resource_type,
                "standing": statement.standing.name.lower().replace("_", " "),
                "lines": lines,
            }
        )
    whole = {
        "title": title,
        "made_at": _local(at),
        "person": holding.demographics,
        "headings": [{"name": HEADINGS[name], "entries": by_heading[name]} for name in HEADINGS if name in by_heading],
        "originals": [{**each, "received_at": _local(each["received_at"])} for each in holding.originals],
        "looks": None if holding.looks is None else [{**each, "at": _local(each["at"])} for each in holding.looks],
    }
    cleaned: dict[str, Any] = msgspec.json.decode(redacted(_encode(whole), spans))
    return cleaned


def _local(at: datetime) -> datetime:
    """As the clock on the wall said, with its offset: what a person remembers."""
    return at.astimezone(ZONE)


def _request(request: Request) -> dict[str, Any]:
    return {"asked_on": request.asked_at.date(), "requester": request.requester}


def _zip(parts: Mapping[str, bytes], at: datetime) -> bytes:
    """The same parts make the same bytes: nothing of this machine or moment but `at` goes in."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(parts):
            entry = zipfile.ZipInfo(name, date_time=at.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, parts[name])
    return into.getvalue()
