"""A made-up person's record, as disclosure hands it to a page: about 300 statements, every kind of mark, conflict and correction.

Everybody here is invented; the NHS number is of the range kept for testing. Nothing is random: the same call gives the same value.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from carerecord.disclosure import (
    AllergyEntry,
    Answer,
    Banner,
    Entry,
    LetterEntry,
    Mark,
    Receipt,
    Record,
    ResultEntry,
    ResultValue,
    Saying,
    ShownOriginal,
    SourceAnswer,
    StayEntry,
    Summary,
)
from carerecord.model import Heading, OriginalReference, Standing

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
ROYAL, ST_AGNES, LAB = "Royal Riverside", "St Agnes Heart Centre", "Riverside Pathology"
ALL_HEADINGS = (
    Heading.DEMOGRAPHICS,
    Heading.ALLERGIES,
    Heading.RESULTS,
    Heading.STAYS,
    Heading.LETTERS,
    Heading.PROBLEMS,
)
PATIENT = "f4k2m7q3zt5ra"

# (panel, laboratory, days between, times, tests as (name, unit, low, high, starting value, step))
PANELS = (
    (
        "Urea and electrolytes",
        LAB,
        1,
        12,
        (
            ("Sodium", "mmol/L", 133, 146, 138.0, 0.6),
            ("Potassium", "mmol/L", 3.5, 5.3, 4.3, 0.16),
            ("Urea", "mmol/L", 2.5, 7.8, 6.1, 0.5),
            ("Creatinine", "umol/L", 45, 84, 78.0, 6.0),
            ("eGFR", "mL/min/1.73m2", 90, None, 62.0, -2.4),
        ),
    ),
    (
        "Full blood count",
        LAB,
        2,
        8,
        (
            ("Haemoglobin", "g/L", 115, 165, 128.0, -3.2),
            ("White cell count", "10*9/L", 4.0, 11.0, 8.2, 0.4),
            ("Platelets", "10*9/L", 150, 450, 241.0, 9.0),
            ("Neutrophils", "10*9/L", 2.0, 7.5, 5.1, 0.35),
            ("Lymphocytes", "10*9/L", 1.0, 4.0, 1.9, -0.05),
        ),
    ),
    (
        "Liver function",
        LAB,
        4,
        5,
        (
            ("Bilirubin", "umol/L", None, 21, 11.0, 0.7),
            ("Alanine transferase", "U/L", None, 35, 24.0, 1.5),
            ("Alkaline phosphatase", "U/L", 30, 130, 88.0, 2.0),
            ("Albumin", "g/L", 35, 50, 39.0, -0.8),
        ),
    ),
    ("Clotting", LAB, 2, 7, (("INR", "", 0.8, 1.2, 1.1, 0.25),)),
    ("C-reactive protein", LAB, 2, 7, (("C-reactive protein", "mg/L", None, 5, 4.0, 9.0),)),
    ("Troponin", LAB, 3, 3, (("High-sensitivity troponin I", "ng/L", None, 16, 9.0, 4.0),)),
    ("Troponin", "St Agnes laboratory", 3, 3, (("High-sensitivity troponin T", "ng/L", None, 14, 8.0, 3.0),)),
    ("Thyroid", LAB, 90, 3, (("TSH", "mU/L", 0.3, 4.2, 2.1, 0.2), ("Free T4", "pmol/L", 12, 22, 15.3, 0.1))),
    ("HbA1c", LAB, 120, 4, (("HbA1c", "mmol/mol", 20, 41, 39.0, 1.0),)),
    (
        "Lipids",
        LAB,
        180,
        3,
        (("Cholesterol", "mmol/L", None, 5.0, 5.4, -0.3), ("HDL cholesterol", "mmol/L", 1.2, None, 1.5, 0.0)),
    ),
)


class Ids:
    """Logical ids in the shape of the record's own, counted."""

    def __init__(self) -> None:
        self.count = 0

    def next(self, number: int = 1) -> tuple[str, ...]:
        start = self.count
        self.count += number
        return tuple(f"{PATIENT}-{'abcdefghijklmnopqrstu'}{at:05}" for at in range(start, start + number))


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
                statement_count=236,
            ),
            SourceAnswer(
                source="st-agnes",
                name=ST_AGNES,
                phone="020 7946 0042",
                last_said_at=datetime(2026, 11, 20, 16, 5, tzinfo=UTC),
                statement_count=64,
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
    return Summary(**{**values, **changed})  # type: ignore[arg-type]


def statement_count(made: Record) -> int:
    entries = (*made.allergies, *made.results, *made.stays, *made.letters, *made.problems)
    return sum(len(entry.statement_ids) for entry in entries)


def record() -> Record:
    ids = Ids()
    return Record(
        allergies=_allergies(ids),
        results=_results(ids),
        stays=_stays(ids),
        letters=_letters(ids),
        problems=_problems(ids),
    )


def _on(days_ago: float) -> datetime:
    return datetime(2026, 11, 21, 6, 40, tzinfo=UTC) - timedelta(days=days_ago)


def _allergies(ids: Ids) -> tuple[AllergyEntry, ...]:
    listed = (
        ("Penicillin", "Anaphylaxis (severe)", 2400, (ROYAL, ST_AGNES), (Mark.SOURCES_DIFFER,), True, f"{ST_AGNES} says no known allergies, 02-Sep-2026: check with the patient"),
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
                happened_at=_on(days),
                said_at=_on(days),
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


def _results(ids: Ids) -> tuple[ResultEntry, ...]:
    made = [
        _analyte(ids, panel, laboratory, every, times, test)
        for panel, laboratory, every, times, tests in PANELS
        for test in tests
    ]
    made += [_report(ids, number) for number in range(6)]
    made.append(_cancelled(ids))
    return tuple(made)


def _analyte(
    ids: Ids,
    panel: str,
    laboratory: str,
    every: int,
    times: int,
    test: tuple[str, str, float | None, float | None, float, float],
) -> ResultEntry:
    name, unit, low, high, start, step = test
    is_corrected = name == "Potassium"
    statement_ids = ids.next(times + is_corrected)
    values = []
    for number in range(times):
        amount = start + step * (times - 1 - number) * (1 if number % 3 else 0.7)
        written = f"{amount:.0f}" if abs(start) >= 20 else f"{amount:.1f}"
        values.append(_value(statement_ids[number], written, test, laboratory, _on(every * number)))
    marks: tuple[Mark, ...] = ()
    if is_corrected:
        values[0] = _value(
            statement_ids[0], "6.1", test, laboratory, _on(0), flag="critically high", standing=Standing.CORRECTED
        )
        values.insert(1, _value(statement_ids[-1], "5.6", test, laboratory, _on(0), superseded_by=statement_ids[0]))
        marks = (Mark.NEW, Mark.CORRECTED)
    source = ROYAL if laboratory == LAB else ST_AGNES
    return ResultEntry(
        id=statement_ids[0],
        heading=Heading.RESULTS,
        what=name,
        detail=f"{values[0].text} {unit}".strip(),
        happened_at=values[0].happened_at,
        said_at=_on(0),
        sources=(source,),
        marks=marks,
        statement_ids=statement_ids,
        rule="Values of one laboratory, unit, specimen and method.",
        panel=panel,
        latest=values[0],
        values=tuple(values),
    )


def _value(
    statement_id: str,
    written: str,
    test: tuple[str, str, float | None, float | None, float, float],
    laboratory: str,
    at: datetime,
    *,
    flag: str | None = None,
    standing: Standing = Standing.CURRENT,
    superseded_by: str | None = None,
) -> ResultValue:
    _, unit, low, high, _, _ = test
    number = float(written)
    said = "high" if high is not None and number > high else "low" if low is not None and number < low else ""
    range_text = (
        f"{low}–{high}"
        if low is not None and high is not None
        else f"below {high}"
        if high is not None
        else f"above {low}"
    )
    return ResultValue(
        statement_id=statement_id,
        text=written,
        number=number,
        unit=unit,
        low=low,
        high=high,
        range_text=range_text,
        flag=said if flag is None else flag,
        happened_at=at,
        specimen="serum" if unit not in ("g/L", "10*9/L") else "blood",
        laboratory=laboratory,
        standing=standing,
        superseded_by=superseded_by,
    )


def _words(
    ids: Ids, *, what: str, text: str, days: float, marks: tuple[Mark, ...], is_current: bool, standing: Standing
) -> ResultEntry:
    statement_ids = ids.next()
    value = ResultValue(
        statement_id=statement_ids[0],
        text=text,
        number=None,
        unit="",
        low=None,
        high=None,
        range_text="",
        flag="",
        happened_at=_on(days),
        specimen="",
        laboratory=LAB,
        standing=standing,
    )
    return ResultEntry(
        id=statement_ids[0],
        heading=Heading.RESULTS,
        what=what,
        happened_at=_on(days),
        said_at=_on(days),
        sources=(ROYAL,),
        marks=marks,
        is_current=is_current,
        statement_ids=statement_ids,
        rule="One report: nothing was joined.",
        panel=what,
        latest=value,
        values=(value,),
        is_text=True,
    )


def _report(ids: Ids, number: int) -> ResultEntry:
    if number == 0:
        return _words(
            ids,
            what="Blood culture",
            text="Aerobic bottle: no growth after 48 hours.\nAnaerobic bottle: no growth after 48 hours.\nFinal report to follow at 5 days.",
            days=1,
            marks=(Mark.NEW, Mark.PRELIMINARY),
            is_current=True,
            standing=Standing.PRELIMINARY,
        )
    kinds = ("Echocardiogram", "Chest X-ray", "Urine culture", "CT pulmonary angiogram", "Electrocardiogram")
    return _words(
        ids,
        what=kinds[number - 1],
        text=f"{kinds[number - 1]}: no acute abnormality. Compared with the study of {10 + number}-Mar-2025, no change.",
        days=20.0 * number,
        marks=(),
        is_current=True,
        standing=Standing.CURRENT,
    )


def _cancelled(ids: Ids) -> ResultEntry:
    return _words(
        ids,
        what="D-dimer",
        text="Sample haemolysed: not tested.",
        days=2,
        marks=(Mark.CANCELLED,),
        is_current=False,
        standing=Standing.CANCELLED,
    )


def _stays(ids: Ids) -> tuple[StayEntry, ...]:
    first = (
        ("Outpatient clinic", "Cardiology", "Valve Clinic", -17.1, None, "Review after surgery", "Planned", True, ()),
        ("In hospital", "Cardiothoracic surgery", "Harbour Ward", 7.0, 1.4, "Aortic valve replacement", "Ended", True, (Mark.NEW,)),
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
                happened_at=_on(start),
                said_at=_on(max(start, 0)),
                sources=(ST_AGNES if service.startswith("Cardio") else ROYAL,),
                marks=marks,
                is_current=is_current,
                statement_ids=statement_ids,
                rule="One visit of one source: nothing was joined.",
                kind=kind,
                place=place,
                start=_on(start),
                end=_on(end) if end is not None else None,
                consultant="Miss R Adeyemi" if service.startswith("Cardio") else "Dr P Lindqvist",
                reason=reason,
                discharged_to="usual place of residence" if kind == "In hospital" else "",
            )
        )
    return tuple(made)


LETTER = """Dear Dr Okafor

Diagnosis: severe aortic stenosis, now treated by surgical aortic valve replacement (bioprosthesis) on 15-Nov-2026.

Mrs Hartley made a good recovery and went home on 20-Nov-2026. Her potassium was high on the day after and should be repeated
within 48 hours. Warfarin: dose per yellow book, target INR 2.0 to 3.0 for three months.

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
                happened_at=_on(0.6 + number * 34),
                said_at=_on(0.5 + number * 34),
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
                happened_at=_on(days).replace(hour=0, minute=0),
                said_at=_on(days),
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
                said_at=_on(1),
                happened_at=_on(2400),
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
                said_at=_on(500),
                happened_at=_on(2400),
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
        message_type="ADT^A01",
        received_at=datetime(2026, 11, 20, 16, 5, 11, tzinfo=UTC),
        text="\r".join(
            (
                "MSH|^~\\&|PAS|RIVERSIDE|CARERECORD|CAPITAL|20261120160510||ADT^A01|RR00001204|P|2.4",
                "EVN|A01|20261120160510",
                "PID|1||9990123454^^^NHS^NH~RR123456^^^RIVERSIDE^MR||HARTLEY^JOAN^^^MRS||19480312|F|||14 LARKSPUR CLOSE^^OXFORD^^OX99 9ZZ",
                "AL1|1|DA|91936005^Penicillin^SCT|SV|Anaphylaxis",
            )
        ),
    )
