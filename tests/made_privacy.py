"""A privacy desk for pages: made-up cases, handed out as the real door would, and what it was asked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec

from carerecord.disclosure import Refusal
from carerecord.model import Staff
from carerecord.stewardship.cases import Case, Disposition
from carerecord.stewardship.notices import Notice
from carerecord.stewardship.privacy_values import (
    CaseFile,
    CaseList,
    Choice,
    Look,
    NamedPerson,
    Note,
    Precision,
    Reader,
    Record,
    Shared,
    Wanted,
)
from carerecord.stewardship.telling_rules import HeldBack, Telling
from tests import samples

AT = samples.AT
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def case(number: int, **of: Any) -> Case:
    told: dict[str, Any] = {
        "patient_key": 7,
        "desk": "privacy",
        "kind": "break-glass",
        "rule": "declared",
        "organisation": "RTH",
        "staff": "555000111",
        "sentence": "Emergency access was declared: Consultant, Oxford University Hospitals.",
        "detail": {"reason": "vital-interests", "hours": 4, "why": WHY},
        "about": (1, 12),
        "opened_at": AT - 3 * HOUR,
        "due_at": AT + 21 * HOUR,
    }
    return Case(id=number, **{**told, **of})


WHY = [
    "A reader declared emergency access to one person’s record, for 4 hours.",
    "Every declaration is looked at: most are right, and this is how it is known.",
]
TELLING = Telling(
    due_at=AT + 7 * DAY - 3 * HOUR,
    held=(
        HeldBack(because="Their partner reads over their shoulder", by="Ada Lead", until="the hold is lifted"),
        HeldBack(because="An unusual look of the same reader at the same person is being looked into.", by="the watch",
                 until="that case is closed"),
    ),
)  # fmt: skip
SURNAME = "A reader opened the record of somebody with their own surname and postcode."
CASES = (
    case(
        6917529027641081857,
        kind="misuse",
        rule="family",
        sentence=SURNAME,
        detail={"why": ["The reader and this person share a surname that is rare.", "No visit or referral is known."]},
        opened_at=AT - 3 * DAY,
        due_at=AT - 5 * HOUR,
    ),
    case(6917529027641081858),
    case(
        6917529027641081859,
        kind="evidence",
        rule="unmatched-after-24h",
        organisation="R1H",
        sentence="An appointment was claimed that the clinic’s own system does not know.",
        opened_at=AT - 20 * timedelta(minutes=1),
        due_at=AT + 6 * DAY,
    ),
)
CLOSED = case(6917529027641081860, opened_at=AT - 9 * DAY, closed_at=AT - 8 * DAY, disposition=Disposition.APPROPRIATE)
LOOKS = tuple(
    Look(
        at=AT - 3 * HOUR + minutes * timedelta(minutes=1), kind=kind, what=what, purpose="BTG", evidence=evidence,
        route="launch", person=person, is_the_case=kind == "declared",
    )
    for minutes, kind, what, person, evidence in (
        (42, "shown", "summary", 2, "encounter"),
        (9, "shown", "receipt", 1, "emergency"),
        (2, "shown", "summary", 1, "emergency"),
        (2, "opened", "", 1, "emergency"),
        (1, "declared", "emergency", 1, "emergency"),
        (0, "refused", "", 1, "none"),
        (0, "arrived", "", 1, "none"),
    )
)  # fmt: skip
SAID = "Brought in by ambulance, not responding, no next of kin. Need medicines and allergies now."


class MadePrivacy:
    """Remembers what it was asked; a Refusal in `refuses` comes instead, whatever is asked."""

    def __init__(self) -> None:
        self.cases: tuple[Case, ...] = CASES
        self.refuses: Refusal | None = None
        self.asked: list[tuple[Any, ...]] = []

    async def list_cases(self, staff: Staff, wanted: Wanted, **_: Any) -> CaseList | Refusal:
        self.asked.append(("list", wanted))
        shown = self.cases if wanted.is_open else (CLOSED,)
        return self.refuses or CaseList(
            cases=tuple(each for each in shown if wanted.kind in ("", each.kind)),
            choices=tuple(
                Choice(kind=each.kind, rule=each.rule, organisation=each.organisation, count=1) for each in shown
            ),
            open_count=len(self.cases),
            late_count=sum(each.due_at is not None and each.due_at < AT for each in self.cases),
            new_count=2 if self.cases else 0,
        )

    async def read_case(
        self, staff: Staff, case_id: int, *, names_reader: bool = False, because: str = "", **_: Any
    ) -> CaseFile | Refusal:
        self.asked.append(("case", case_id, names_reader, because))
        found = next((each for each in (*self.cases, CLOSED) if each.id == case_id), None)
        if found is None:
            return Refusal(kind="not-found", sentences=("What you asked for is not there.",))
        if names_reader and not because:
            return Refusal(kind="reason-needed", sentences=("Say in a few words why you need to know: it is kept.",))
        reader = Reader(role_name="Consultant", organisation="Oxford University Hospitals", sign_in="launch")
        named = msgspec.structs.replace(reader, name="Dr Amara Obi", user_id="555000111")
        is_declared = found.kind == "break-glass"
        return self.refuses or CaseFile(
            case=found,
            organisation="Oxford University Hospitals",
            why=tuple(found.detail["why"]),
            reader=named if names_reader else reader,
            said=SAID if is_declared else "",
            looks=LOOKS,
            notes=(
                Note(
                    at=AT - HOUR, by_name="Ada Lead", organisation="Barts Health", words="Rang the ward: back at four."
                ),
            ),
            shared=(Shared(organisation="Barts Health", at=AT - 3 * HOUR, read_at=AT - HOUR),) if is_declared else (),
            telling=TELLING if is_declared else None,
            share_with=() if is_declared else (("R1H", "Barts Health"),),
        )

    async def name_person(self, staff: Staff, case_id: int, *, because: str, **_: Any) -> NamedPerson | Refusal:
        self.asked.append(("person", case_id, because))
        if not because:
            return Refusal(kind="reason-needed", sentences=("Say in a few words why you need to know: it is kept.",))
        return self.refuses or NamedPerson(
            name="HARTLEY, Joan (Mrs)", birth_date=date(1948, 3, 12), nhs_number="999 012 3454", is_restricted=False
        )

    async def write_note(self, staff: Staff, case_id: int, *, words: str, **_: Any) -> Refusal | None:
        self.asked.append(("note", case_id, words))
        return self.refuses or (
            None if words else Refusal(kind="reason-needed", sentences=("Write a few words first.",))
        )

    async def share(self, staff: Staff, case_id: int, *, organisation: str, **_: Any) -> Refusal | None:
        self.asked.append(("share", case_id, organisation))
        return self.refuses

    async def close(self, staff: Staff, case_id: int, *, disposition: str, words: str, **_: Any) -> Refusal | None:
        self.asked.append(("close", case_id, disposition, words))
        return self.refuses

    async def reopen(self, staff: Staff, case_id: int, *, words: str, **_: Any) -> Refusal | None:
        self.asked.append(("reopen", case_id, words))
        return self.refuses

    async def read_record(self, staff: Staff, **_: Any) -> Record | Refusal:
        monday = date(2026, 9, 7)
        weeks = ((5, 1), (8, 2), (4, 1), (11, 3), (7, 3), (6, 2), (9, 2), (3, 1), (6, 2), (12, 4), (5, 1))
        return self.refuses or Record(
            weeks=tuple((monday + number * 7 * DAY, *counts) for number, counts in enumerate(weeks)),
            rules=(
                precision("declared", 41, 38, 3, 4, 29, 2, 0),
                precision("family", 22, 20, 9, 2, 6, 1, 2),
                precision("after-death", 9, 8, 6, 0, 1, 1, 0),
                precision("unmatched-after-24h", 4, 0, 0, 0, 0, 0, 0),
            ),
            months=(precision("2026-09", 28, 28, 7, 3, 17, 1, 0), precision("2026-10", 32, 30, 9, 2, 16, 2, 1)),
            median_hours=19.4,
        )

    async def list_notices(self, staff: Staff, **_: Any) -> tuple[Notice, ...] | Refusal:
        told = [
            Notice(
                patient_key=7, id=6917529027641081800 + number, organisation="RTH", kind="case", about=f"case {number}",
                sentence=CASES[1].sentence, detail={"case": str(CASES[1].id)}, created_at=AT - number * DAY,
                read_at=AT - HOUR if number else None,
            )
            for number in range(2)
        ]  # fmt: skip
        return self.refuses or tuple(told)

    async def read_notice(self, staff: Staff, reference: str, **_: Any) -> str | Refusal:
        self.asked.append(("notice", reference))
        return self.refuses or str(CASES[1].id)


def precision(name: str, *counts: int) -> Precision:
    fields = ("raised", "closed", "inappropriate", "training", "appropriate", "inconclusive", "duplicate")
    return Precision(name=name, **dict(zip(fields, counts, strict=True)))
