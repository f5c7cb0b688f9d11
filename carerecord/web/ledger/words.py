"""A look in plain words, for the person whose record it is. Pure."""

from __future__ import annotations

from carerecord.model import Heading
from carerecord.stewardship.ledger_values import Look
from carerecord.web import words

WHY = {
    "encounter": "You had a visit or a stay with them.",
    "appointment": "You had an appointment with them.",
    "referral": "You had been referred to them.",
    "caseload": "You are one of the people they look after.",
    "registration": "You are registered with them.",
    "incident": "They were called out to help you.",
    "residency": "You live in a home that they run.",
    "declared": "They gave a reason of their own. It is kept, and you can ask about it.",
    "launch": "They opened your record from their own system, which gave no other reason.",
    "agreement": "There is an agreement that lets this system have your record for care.",
    "emergency": "They said that it was an emergency.",
    "none": "No reason is kept. You can ask about it.",
}
PURPOSES = {
    "TREAT": "To care for you",
    "ETREAT": "To care for you urgently",
    "BTG": "Emergency access",
    "PATRQT": "Because you asked",
    "PATADMIN": "To look after the record",
    "HRESCH": "For research or planning",
}
WHATS = {
    "summary": "The summary of your record",
    "receipt": "What was said behind one entry",
    "original": "An original message about you",
    "document": "A letter or document",
    "patient": "Who you are: name, date of birth, address, contact details",
    "everything": "Your whole record, as far as they may have it",
    "file": "A copy of your record as a file",
    "paper": "Printed on paper",
    "person": "Who you are",
}
ROUTES = {
    "launch": "From their own record system",
    "sign-in": "Signed in to this record directly",
    "fhir": "Fetched by a computer system, not by a person",
    "push": "Sent by a computer system",
    "desk": "At a desk that looks after this record",
    "command-line": "By those who run this record",
}
REASONS = {
    "vital-interests": "Your life, or somebody else’s, was in danger.",
    "cannot-consent": "You could not be asked at that moment.",
    "other": "The reason that they gave is kept, and was checked.",
}
MONTHS_SHORT = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SPANS = {3: "The last 3 months", 12: "The last 12 months", 36: "The last 3 years"}


def why(look: Look) -> str:
    return WHY.get(look.evidence, WHY["none"])


def who(look: Look) -> str:
    return look.role or "A member of staff"


def what(name: str) -> str:
    return WHATS.get(name, "Part of your record")


def emergency_reason(code: str) -> str:
    return REASONS.get(code, "They had to give a reason, which is kept.")


def headings(look: Look) -> tuple[str, ...]:
    """Kinds of information that they could see, in the order of the record."""
    return tuple(words.TITLES[Heading[name]] for name in look.headings if name in Heading.__members__)


def clock_time(look: Look) -> str:
    """09:12, or 09:12 to 09:40."""
    first, last = (at.astimezone(words.ZONE).strftime("%H:%M") for at in (look.at, look.until))
    return first if first == last else f"{first} to {last}"
