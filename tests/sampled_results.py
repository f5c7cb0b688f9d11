"""The results of the made-up person in tests/samples.py: panels over time, a correction, reports in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from carerecord.disclosure import Mark, ResultEntry, ResultValue
from carerecord.model import Heading, Standing

ROYAL, ST_AGNES, LAB = "Royal Riverside", "St Agnes Heart Centre", "Riverside Pathology"
PATIENT = "f4k2m7q3zt5ra"
# (panel, laboratory, days between, times, tests as (name, unit, low, high, starting value, step))
PANELS = (
    (
        "Urea and electrolytes",
        LAB,
        1,
        20,
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
        14,
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


def ago(days: float) -> datetime:
    return datetime(2026, 11, 21, 6, 40, tzinfo=UTC) - timedelta(days=days)


def results(ids: Ids) -> tuple[ResultEntry, ...]:
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
    name, unit, _, _, start, step = test
    is_corrected = name == "Potassium"
    statement_ids = ids.next(times + is_corrected)
    values = []
    for number in range(times):
        amount = start + step * (times - 1 - number) * (1 if number % 3 else 0.7)
        written = f"{amount:.0f}" if abs(start) >= 20 else f"{amount:.1f}"
        values.append(_value(statement_ids[number], written, test, laboratory, ago(every * number)))
    marks: tuple[Mark, ...] = ()
    if is_corrected:
        values[0] = _value(
            statement_ids[0],
            "6.1",
            test,
            laboratory,
            ago(0),
            flag="critically high",
            standing=Standing.CORRECTED,
        )
        values.insert(1, _value(statement_ids[-1], "5.6", test, laboratory, ago(0), superseded_by=statement_ids[0]))
        marks = (Mark.NEW, Mark.CORRECTED)
    source = ROYAL if laboratory == LAB else ST_AGNES
    return ResultEntry(
        id=statement_ids[0],
        heading=Heading.RESULTS,
        what=name,
        detail=f"{values[0].text} {unit}".strip(),
        happened_at=values[0].happened_at,
        said_at=ago(0),
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
        happened_at=ago(days),
        specimen="",
        laboratory=LAB,
        standing=standing,
    )
    return ResultEntry(
        id=statement_ids[0],
        heading=Heading.RESULTS,
        what=what,
        happened_at=ago(days),
        said_at=ago(days),
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
            text="Aerobic bottle: no growth after 48 hours.\nAnaerobic bottle: no growth after 48 hours.\nMore later.",
            days=1,
            marks=(Mark.NEW, Mark.PRELIMINARY),
            is_current=True,
            standing=Standing.PRELIMINARY,
        )
    kinds = ("Echocardiogram", "Chest X-ray", "Urine culture", "CT pulmonary angiogram", "Electrocardiogram")
    return _words(
        ids,
        what=kinds[number - 1],
        text=f"{kinds[number - 1]}: no acute abnormality. No change since {10 + number}-Mar-2025.",
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
