"""Emergency access in words: its reasons as data, what a reader filled in, and the line on every page. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from carerecord.model import Evidence
from carerecord.signin import EMERGENCY_HOURS, Session
from carerecord.web import words
from carerecord.web.views import EmergencyView

LETTERS_MIN, LETTERS_MAX = 10, 500
REASON_MISSING = "Choose what kind of emergency it is"
WORDS_MISSING = "Say in a few words what is happening, at least 10 letters"
HOURS_MISSING = "Choose how long you need it"
CONFIRM_MISSING = "Tick that you know this will be looked at"


class Reason(msgspec.Struct, frozen=True):
    code: str
    name: str


REASONS = msgspec.convert(
    tomllib.loads((Path(__file__).parent / "emergency.toml").read_text(encoding="utf-8"))["reason"],
    tuple[Reason, ...],
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was filled in, as far as it can be used."""

    code: str
    words: str
    hours: int
    wrong: Mapping[str, str]  # sentences by the id of the field they belong to


def read_asked(fields: Mapping[str, str]) -> Asked:
    """What was asked for, or what to mend."""
    wrong: dict[str, str] = {}
    code = next((reason.code for reason in REASONS if reason.code == fields.get("reason")), "")
    if not code:
        wrong[f"reason-{REASONS[0].code}"] = REASON_MISSING
    said = " ".join(fields.get("words", "").split())[:LETTERS_MAX]
    if sum(letter.isalpha() for letter in said) < LETTERS_MIN:
        wrong["words"] = WORDS_MISSING
    hours = next((each for each in EMERGENCY_HOURS if str(each) == fields.get("hours")), 0)
    if not hours:
        wrong[f"hours-{EMERGENCY_HOURS[0]}"] = HOURS_MISSING
    if fields.get("confirmed") != "yes":
        wrong["confirmed"] = CONFIRM_MISSING
    return Asked(code=code, words=said, hours=hours, wrong=wrong)


def view(session: Session, *, at: datetime) -> EmergencyView | None:
    """The banner of a session that stands on emergency access."""
    if session.emergency_until is None:
        return None
    return line(session.evidence, until=session.emergency_until, at=at)


def line(evidence: Evidence, *, until: datetime, at: datetime) -> EmergencyView:
    name = next((reason.name for reason in REASONS if reason.code == evidence.id), "")
    local = until.astimezone(words.ZONE)
    is_today = local.date() == at.astimezone(words.ZONE).date()
    return EmergencyView(
        reason=name,
        words=evidence.reason or "",
        until=f"{local:%H:%M}" if is_today else f"{words.day(local.date())} {local:%H:%M}",
        left=time_left(until - at),
        ends_at=until.isoformat(timespec="seconds"),
    )


def time_left(left: timedelta) -> str:
    """3 h 12 min: never longer than it is, so that nobody counts on a minute that is not there."""
    minutes = max(int(left.total_seconds()) // 60, 0)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min" if rest else "less than a minute"
