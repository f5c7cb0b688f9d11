"""The privacy desk in words: kinds, rules, findings, ages and events, as an officer reads them. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from carerecord.stewardship.telling_rules import Telling
from carerecord.web import words

KINDS = {
    "break-glass": "Emergency access",
    "evidence": "No match for what was claimed",
    "misuse": "Unusual look",
    "question": "Question from the person",
    "objection": "Objection",
    "safety": "Safety",
}
RULES = {
    "declared": "Emergency access declared",
    "unmatched-after-24h": "Claimed relationship without a match",
    "denied-by-its-own-organisation": "Claim denied by their own organisation",
    "own-record": "Own record",
    "household": "Same household",
    "family": "Same unusual surname",
    "colleague": "Colleague",
    "listed": "Listed person",
    "after-death": "After death",
    "no-relationship": "No relationship",
    "fishing": "Fishing",
    "volume": "Volume",
    "breadth": "Breadth",
    "neighbourhood": "One neighbourhood",
    "travel": "Impossible travel",
    "emergency-rate": "Emergencies",
    "returning": "Returning",
}
FOUND = {
    "appropriate": ("Appropriate", "The reader was involved in this person’s care, or had to be."),
    "inappropriate": ("Inappropriate", "The reader had no reason to look. Their organisation deals with it."),
    "training": ("A need for training", "Meant well, done wrongly: the reader is told how it is done."),
    "inconclusive": ("Inconclusive", "It cannot be found out."),
    "duplicate": ("Duplicate", "Another case is about the same. It does not count for the rule."),
}
EVENTS = {
    "opened": "Opened the record of",
    "shown": "Was shown",
    "refused": "Was refused",
    "searched": "Searched for",
    "arrived": "Arrived from their own system, for",
    "signed_in": "Signed in",
    "signed_out": "Signed out",
    "declared": "Declared emergency access to",
    "exported": "Exported the record of",
    "sent": "A program was sent the record of",
    "examined": "Looked, as a steward, at",
    "administered": "Changed something for",
    "notified": "A notice was given about",
}
WHATS = {
    "summary": "the summary of",
    "receipt": "what was said behind a line, of",
    "original": "an original message of",
    "document": "a letter of",
    "patient": "who they are, of",
    "everything": "the whole record of",
    "search": "a search, about",
}
ROUTES = {"launch": "from their own system", "sign-in": "signed in here", "fhir": "as a program", "desk": "at a desk"}


EVIDENCE = {
    "encounter": "involved by a visit or stay",
    "appointment": "involved by an appointment",
    "referral": "involved by a referral",
    "caseload": "on their caseload",
    "registration": "registered with them",
    "incident": "involved by an ambulance incident",
    "residency": "lives in their home",
    "none": "nothing shows that they are involved",
    "launch": "their system named no reason",
    "declared": "a reason of their own",
    "emergency": "emergency access",
}


def evidence(name: str) -> str:
    return EVIDENCE.get(name, f"involved by {name}" if name else "")


def kind(name: str) -> str:
    return KINDS.get(name, name.replace("-", " ").capitalize())


def rule(name: str) -> str:
    return RULES.get(name, name.replace("-", " ").capitalize())


def found(name: str) -> str:
    return FOUND[name][0] if name in FOUND else name.capitalize()


def age(since: datetime, at: datetime) -> str:
    """3 h, 2 days: how long a case has waited."""
    waited = max(at - since, timedelta())
    if waited < timedelta(hours=1):
        return f"{int(waited.total_seconds()) // 60} min"
    if waited < timedelta(days=2):
        return f"{int(waited.total_seconds()) // 3600} h"
    return words.counted(waited.days, "day")


def due(due_at: datetime | None, at: datetime) -> tuple[str, bool]:
    """(words, whether it is late)."""
    if due_at is None:
        return "no date", False
    if due_at < at:
        return f"late by {age(due_at, at)}", True
    local, today = due_at.astimezone(words.ZONE), at.astimezone(words.ZONE).date()
    if local.date() == today:
        return f"today {local:%H:%M}", False
    if local.date() == today + timedelta(days=1):
        return f"tomorrow {local:%H:%M}", False
    return words.day(local.date()), False


def telling(told: Telling, at: datetime) -> str:
    """Whether the person is told, when, and whether they have read it."""
    if told.told_at is not None:
        read = f"They read it on {words.day_of(told.read_at)}." if told.read_at else "They have not opened it yet."
        return f"The person was told on {words.day_of(told.told_at)}, in their own list of looks. {read}"
    if told.held:
        return "The person is not told: it is held back."
    if told.due_at <= at:
        return "The person is told within minutes."
    return f"The person is told on {words.day_of(told.due_at)}, in their own list of looks."


def person(number: int) -> str:
    """Whom an event was about, without saying who that is."""
    if number == 0:
        return "nobody in particular"
    return "this person" if number == 1 else f"another person ({number})"


def event(kind: str, what: str, number: int) -> str:
    said = EVENTS.get(kind, kind)
    if kind == "declared" and what == "rehearsal":
        return "Rehearsed emergency access"
    if kind == "declared" and what == "ended":
        return f"Ended emergency access to {person(number)}"
    if kind in ("signed_in", "signed_out"):
        return said
    if kind == "shown":
        return f"{said} {WHATS.get(what, 'something of')} {person(number)}"
    if kind == "searched" and number == 0:
        return "Searched, and found nobody"
    if kind == "refused":
        return f"{said} the record of {person(number)}" if number else said
    return f"{said} {person(number)}"
