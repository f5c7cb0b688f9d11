"""A person's ledger for pages: made-up looks, handed out as the real door would, and what it was asked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec

from carerecord.disclosure import Refusal
from carerecord.model import Staff
from carerecord.stewardship.ledger import Own
from carerecord.stewardship.ledger_desk import Asked
from carerecord.stewardship.ledger_values import Hold, HoldKind, LedgerPage, Look, Month, Proof, Question, Step, Wanted
from carerecord.stewardship.objections import Objection, Scope, State, Told
from tests import samples

AT = samples.AT
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def look(number: int, **of: Any) -> Look:
    at = of.pop("at", AT - number * 7 * HOUR)
    whats = of.pop("whats", ("summary", "receipt", "document"))
    ref = f"{number:024x}"
    told: dict[str, Any] = {
        "ref": ref, "at": at, "until": at + timedelta(minutes=9), "is_sent": False, "organisation": "RTH",
        "organisation_name": "Oxford University Hospitals", "role": "Clinical Practitioner", "purpose": "TREAT",
        "evidence": "appointment", "route": "launch", "headings": ("ALLERGIES", "RESULTS", "LETTERS", "MEDICINES"),
        "steps": tuple(
            Step(ref=f"{number * 100 + place:024x}" if place else ref, at=at + place * timedelta(minutes=3), what=what)
            for place, what in enumerate(whats)
        ),
    }  # fmt: skip
    return Look(**{**told, **of})


LOOKS = (
    look(1),
    look(2, organisation="R1H", organisation_name="Barts Health NHS Trust", role="Nurse", evidence="encounter"),
    look(
        3, at=AT - 2 * DAY, evidence="emergency", purpose="BTG", is_emergency=True, reason="cannot-consent",
        told_at=AT - DAY,
    ),
    look(
        4, at=AT - 2 * DAY - HOUR, evidence="declared",
        question=Question(
            asked_at=AT - DAY, words="I was never there.", answered_at=AT - HOUR,
            answer="A referral of somebody with a similar name was opened by mistake. We are sorry.",
            answered_by="Oxford University Hospitals",
        ),
    ),
)  # fmt: skip
SENT = (
    look(
        9, is_sent=True, organisation="X26", organisation_name="Renal Registry", role="Renal Registry",
        evidence="agreement", route="fhir", whats=("everything",),
    ),
)  # fmt: skip


class MadeLedger:
    """Remembers what it was asked; a Refusal in `refuses` comes instead, whatever is asked."""

    def __init__(self) -> None:
        self.refuses: Refusal | None = None
        self.looks, self.sent = LOOKS, SENT
        self.asked: list[tuple[Any, ...]] = []

    async def may_open(self, own: Own, *, birth_date: date) -> Refusal | None:
        self.asked.append(("open", own, birth_date))
        return self.refuses

    async def read(self, own: Own, wanted: Wanted) -> LedgerPage | Refusal:
        self.asked.append(("read", own, wanted))
        months = tuple(
            Month(first=date(2025 + (number + 11) // 12, (number + 11) % 12 + 1, 1), seen=number % 5, sent=number % 3)
            for number in range(12)
        )
        listed = self.sent if wanted.is_sent else self.looks
        return self.refuses or LedgerPage(
            looks=listed, seen=len(self.looks), sent=len(self.sent), page=wanted.page, pages=2 if listed else 1,
            months=months, organisations=(("R1H", "Barts Health NHS Trust"), ("RTH", "Oxford University Hospitals")),
            own=(AT - HOUR, AT - DAY), stewards=(), news=0 if wanted.is_sent else 1,
        )  # fmt: skip

    async def find_look(self, own: Own, ref: str) -> Look | Refusal:
        found = next((each for each in (*self.looks, *self.sent) if each.ref == ref), None)
        return self.refuses or found or Refusal(kind="not-found", sentences=("What you asked for is not there.",))

    async def prove(self, own: Own, ref: str) -> Proof | Refusal:
        return self.refuses or (Proof(file=b"{}") if ref == LOOKS[0].ref else Proof(sentence="Ask again in a minute."))

    async def ask(self, own: Own, ref: str, *, words: str) -> Question | Refusal:
        self.asked.append(("ask", ref, words))
        return self.refuses or Question(asked_at=AT, words=words)


class MadeLedgerDesk:
    """One question and one hold; remembers what it was asked to do."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []

    async def list_questions(self, staff: Staff, **_: Any) -> tuple[Asked, ...]:
        words = "I was never in Oxford."
        return (Asked(id=12, case_id=12, organisation="RTH", words=words, asked_at=AT, answered_at=None, answer=""),)

    async def list_holds(self, staff: Staff, **_: Any) -> tuple[Hold, ...]:
        return (
            Hold(
                patient_key=0, id=31, kind=HoldKind.STAFF, value="555000111", because="Followed home", set_by="Ada",
                set_at=AT,
            ),
        )  # fmt: skip

    async def answer(self, staff: Staff, question_id: int, *, words: str, **_: Any) -> Refusal | None:
        self.done.append(("answer", question_id, words))
        return None if words else Refusal(kind="reason-needed", sentences=("Say in a few words why: it is kept.",))

    async def set_hold(self, staff: Staff, *, kind: HoldKind, value: str, case_id: int | None, **_: Any) -> None:
        self.done.append(("hold", kind, value, case_id))

    async def lift_hold(self, staff: Staff, hold_id: int, *, because: str, **_: Any) -> None:
        self.done.append(("lift", hold_id, because))


class MadeOwnObjections:
    def __init__(self) -> None:
        self.kept: list[Objection] = []

    async def list_own(self, own: Own) -> tuple[Objection, ...] | Refusal:
        return tuple(self.kept)

    async def receive(self, own: Own, *, scope: Scope, value: str) -> Told | Refusal:
        made = Objection(
            patient_key=own.patient_key, id=len(self.kept) + 1, scope=scope, value=value, state=State.WEIGHED,
            received_at=own.at, received_by="the person",
        )  # fmt: skip
        self.kept.append(made)
        return Told(objection=made, organisations=("RTH",))

    async def withdraw(self, own: Own, objection_id: int) -> Told | Refusal:
        found = next((each for each in self.kept if each.id == objection_id), None)
        if found is None:
            return Refusal(kind="not-found", sentences=("This objection is not one of yours.",))
        gone = msgspec.structs.replace(found, state=State.WITHDRAWN)
        self.kept = [gone if each.id == objection_id else each for each in self.kept]
        return Told(objection=gone, organisations=())
