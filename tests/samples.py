"""A made-up person's record, as disclosure hands it to a page: about 300 statements, with every mark and a correction.

Everybody here is invented; the NHS number is of the range kept for testing. Nothing is random.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from carerecord.disclosure import (
    AllergyEntry,
    Answer,
    Banner,
    Entry,
    LetterEntry,
    Mark,
    Receipt,
    Record,
    Saying,
    ShownOriginal,
    SourceAnswer,
    StayEntry,
    Summary,
)
from carerecord.model import Heading, OriginalReference, Standing
from carerecord.reconciliation.pathway import pathway
from tests.sampled_results import PATIENT, ROYAL, ST_AGNES, Ids, ago, results

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
ALL_HEADINGS = (
    Heading.DEMOGRAPHICS,
    Heading.ALLERGIES,
    Heading.RESULTS,
    Heading.STAYS,
    Heading.LETTERS,
    Heading.PROBLEMS,
)

CONFLICT = f"{ST_AGNES} says no known allergies, 02-Sep-2026: check with the patient"


def banner(**changed: object) -> Banner:
    values: dict[str, object] = {
        "name": "HARTLEY, Joan (Mrs)",
        "birth_date": date(1948, 3, 12),
        "age": "78y",
        "gender": "Female",
        "nhs_number": "999 012 3454",
        "nhs_number_verified": True,
        "deceased_on": None,
        "is_deceased": False,
        "address": "14 Larkspur Close, Oxford, OX99 9ZZ",
        "phone": "01632 960 118",
        "gp_practice": "Dr T Okafor, Cowfield Road Practice",
        "allergy_title": "Known allergies",
        "allergies": ("penicillin (anaphylaxis)", "latex (contact dermatitis)", "co-trimoxazole (rash)"),
        "said_by": ROYAL,
        "said_at": datetime(2026, 11, 21, 6, 40, tzinfo=UTC),
    }
    return Banner(**{**values, **changed})  # type: ignore[arg-type]


def summary(**changed: object) -> Summary:
    """The whole record, as a clinician in another region sees it."""
    made = record()
    values: dict[str, object] = {
        "title": "Capital Care Record",
        "banner": banner(),
        "answers": (
            Answer(
                kind="outside-region",
                sentence="GP record: the practice is outside the Capital and not part of this record",
            ),
        ),
        "sources": (
            SourceAnswer(
                source="riverside",
                name=ROYAL,
                phone="020 7946 0011",
                last_said_at=datetime(2026, 11, 22, 8, 55, tzinfo=UTC),
                statement_count=252,
            ),
            SourceAnswer(
                source="st-agnes",
                name=ST_AGNES,
                phone="020 7946 0042",
                last_said_at=datetime(2026, 11, 20, 16, 5, tzinfo=UTC),
                statement_count=49,
            ),
        ),
        "record": made,
        "headings": ALL_HEADINGS,
        "opened_from": "Opened from Oxford University Hospitals, outpatient clinic, today 09:12",
        "why": (
            "Oxford University Hospitals says that you see this person at an appointment today.",
            "Clinicians may see every heading of this record for direct care.",
        ),
        "limits": (),
        "since": date(2026, 11, 14),
        "patient_id": PATIENT,
    }
    shown: Any = changed.get("record", made)
    values["pathway"] = pathway(shown, at=AT) if shown is not None else None
    return Summary(**{**values, **changed})  # type: ignore[arg-type]


def statement_count(made: Record) -> int:
    entries = (*made.allergies, *made.results, *made.stays, *made.letters, *made.problems)
    return sum(len(entry.statement_ids) for entry in entries)


def record() -> Record:
    ids = Ids()
    return Record(
        allergies=_allergies(ids),
        results=results(ids),
        stays=_stays(ids),
        letters=_letters(ids),
        problems=_problems(ids),
    )


def _allergies(ids: Ids) -> tuple[AllergyEntry, ...]:
    listed = (
        ("Penicillin", "Anaphylaxis (severe)", 2400, (ROYAL, ST_AGNES), (Mark.SOURCES_DIFFER,), True, CONFLICT),
        ("Latex", "Contact dermatitis (mild)", 900, (ROYAL,), (), True, None),
        ("Co-trimoxazole", "Rash", 3, (ST_AGNES,), (Mark.NEW,), True, None),
        ("Aspirin", "Nausea; resolved", 4000, (ROYAL,), (), False, None),
        ("Egg", "entered in error", 1200, (ROYAL,), (Mark.ENTERED_IN_ERROR,), False, None),
    )  # fmt: skip
    made = []
    for what, detail, days, sources, marks, is_current, conflict in listed:
        statement_ids = ids.next(len(sources))
        made.append(
            AllergyEntry(
                id=statement_ids[0],
                heading=Heading.ALLERGIES,
                what=what,
                detail=detail,
                happened_at=ago(days),
                said_at=ago(days),
                sources=sources,
                marks=marks,
                conflict=conflict,
                is_current=is_current,
                statement_ids=statement_ids,
                rule="Joined because the substance has the same code."
                if len(sources) > 1
                else "Said once: nothing was joined.",
            )
        )
    return tuple(made)


def _stays(ids: Ids) -> tuple[StayEntry, ...]:
    first = (
        ("Outpatient clinic", "Cardiology", "Valve Clinic", -17.1, None, "Review after surgery", "Planned", True, ()),
        ("In hospital", "Cardiac surgery", "Harbour Ward", 7.0, 1.4, "Valve replacement", "Ended", True, (Mark.NEW,)),
        ("Emergency department", "Emergency department", "Majors", 7.2, 7.0, "Collapse", "Ended", True, ()),
        ("Outpatient clinic", "Cardiology", "Valve Clinic", 52.0, None, "Assessment for surgery", "Ended", True, ()),
        ("Outpatient clinic", "Cardiology", "Valve Clinic", 45.0, None, "", "Cancelled", False, (Mark.CANCELLED,)),
    )  # fmt: skip
    older = tuple(
        ("Outpatient clinic", "Cardiology", "Valve Clinic", 90.0 + 31 * number, None, "Follow-up", "Ended", True, ())
        for number in range(20)
    )
    made = []
    for kind, service, place, start, end, reason, status, is_current, marks in (*first, *older):
        statement_ids = ids.next()
        made.append(
            StayEntry(
                id=statement_ids[0],
                heading=Heading.STAYS,
                what=service,
                detail=status,
                happened_at=ago(start),
                said_at=ago(max(start, 0)),
                sources=(ST_AGNES if service.startswith("Card") else ROYAL,),
                marks=marks,
                is_current=is_current,
                statement_ids=statement_ids,
                rule="One visit of one source: nothing was joined.",
                kind=kind,
                place=place,
                start=ago(start),
                end=ago(end) if end is not None else None,
                consultant="Miss R Adeyemi" if service.startswith("Card") else "Dr P Lindqvist",
                reason=reason,
                discharged_to="usual place of residence" if kind == "In hospital" else "",
            )
        )
    return tuple(made)


LETTER = """Dear Dr Okafor

Diagnosis: severe aortic stenosis, now treated by surgical aortic valve replacement (bioprosthesis) on 15-Nov-2026.

Mrs Hartley made a good recovery and went home on 20-Nov-2026. Her potassium was high on the day after; please repeat
it within 48 hours. Warfarin: dose per yellow book, target INR 2.0 to 3.0 for three months.

For you to do: INR in 7 days. Stop potassium supplements.
Pending: final report of the blood cultures (Riverside Pathology).

Yours sincerely
Miss R Adeyemi, Consultant Cardiothoracic Surgeon"""


def _letters(ids: Ids) -> tuple[LetterEntry, ...]:
    made = []
    for number in range(28):
        statement_ids = ids.next()
        is_file = number % 4 == 3
        made.append(
            LetterEntry(
                id=statement_ids[0],
                heading=Heading.LETTERS,
                what="Discharge summary"
                if number == 0
                else f"Clinic letter, {'cardiology' if number % 2 else 'valve clinic'}",
                happened_at=ago(0.6 + number * 34),
                said_at=ago(0.5 + number * 34),
                sources=(ST_AGNES,),
                marks=(Mark.NEW,) if number == 0 else (Mark.ENTERED_IN_ERROR,) if number == 27 else (),
                is_current=number != 27,
                statement_ids=statement_ids,
                rule="One letter of one source: nothing was joined.",
                author="Miss R Adeyemi",
                text="" if is_file else LETTER,
                content_type="application/pdf" if is_file else "text/plain",
                has_document=is_file,
            )
        )
    return tuple(made)


def _problems(ids: Ids) -> tuple[Entry, ...]:
    listed = (
        ("Severe aortic stenosis", "Principal diagnosis of a stay", 7, (ST_AGNES, ROYAL), (Mark.CHANGED,), True),
        ("Chronic kidney disease stage 3a", "Confirmed", 700, (ROYAL,), (), True),
        ("Type 2 diabetes mellitus", "Confirmed", 3000, (ROYAL,), (), True),
        ("Atrial fibrillation", "Confirmed", 420, (ST_AGNES, ROYAL), (), True),
        ("Hearing loss", "Confirmed", 1500, (ROYAL,), (), True),
        ("Urinary tract infection", "Resolved", 300, (ROYAL,), (Mark.STOPPED,), False),
    )
    made = []
    for what, detail, days, sources, marks, is_current in listed:
        statement_ids = ids.next(len(sources))
        made.append(
            Entry(
                id=statement_ids[0],
                heading=Heading.PROBLEMS,
                what=what,
                detail=detail,
                happened_at=ago(days).replace(hour=0, minute=0),
                said_at=ago(days),
                sources=sources,
                marks=marks,
                is_current=is_current,
                statement_ids=statement_ids,
                rule="Joined because the problem has the same code."
                if len(sources) > 1
                else "Said once: nothing was joined.",
            )
        )
    return tuple(made)


def receipt(entry: Entry | None = None) -> Receipt:
    entry = entry or record().allergies[0]
    reference = OriginalReference(date(2026, 11, 20), 1204)
    return Receipt(
        banner=banner(),
        entry=entry,
        sayings=(
            Saying(
                statement_id=entry.id,
                source="riverside",
                source_name=ROYAL,
                said_at=ago(1),
                happened_at=ago(2400),
                standing=Standing.CURRENT,
                lines=(
                    ("Substance", "Penicillin"),
                    ("Code", "SNOMED CT 91936005"),
                    ("Reaction", "Anaphylaxis"),
                    ("Severity", "severe"),
                ),
                original=reference,
            ),
            Saying(
                statement_id=f"{entry.id}x",
                source="riverside",
                source_name=ROYAL,
                said_at=ago(500),
                happened_at=ago(2400),
                standing=Standing.CURRENT,
                lines=(("Substance", "PENICILLIN V"), ("Note", "reported by the patient\nno record of the reaction")),
                original=OriginalReference(date(2025, 7, 9), 77),
                is_superseded=True,
            ),
        ),
    )


def original() -> ShownOriginal:
    return ShownOriginal(
        banner=banner(),
        reference=OriginalReference(date(2026, 11, 20), 1204),
        source_name=ROYAL,
        received_at=datetime(2026, 11, 20, 16, 5, 11, tzinfo=UTC),
        lines=("AL1||DA|91936005^Penicillin^SCT|SV|Anaphylaxis", "NTE||L|Told by her daughter & <her> GP"),
    )
