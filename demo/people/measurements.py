"""What the laboratory measures: analytes, their ranges and units, and how a stay in hospital moves them."""

from __future__ import annotations

import random

import msgspec

from demo.people.codes.laboratory import PBCL
from demo.people.nouns import Panel, Value


class Analyte(msgspec.Struct, frozen=True):
    code: str
    name: str
    loinc: str
    unit: str
    low: float
    high: float
    decimals: int
    spread: float  # how much one healthy person's values move from day to day
    critical_low: float = float("-inf")
    critical_high: float = float("inf")
    women: tuple[float, float] | None = None
    children: tuple[float, float] | None = None
    upper_only: bool = False

    def range_for(self, gender: str, age: int) -> tuple[float, float]:
        if age < 16 and self.children:
            return self.children
        return self.women if gender == "F" and self.women else (self.low, self.high)


_A = Analyte
ANALYTES = {
    analyte.code: analyte
    for analyte in (
        _A("NA", "Sodium", "2951-2", "mmol/L", 133, 146, 0, 1.5, 120, 158),
        _A("K", "Potassium", "2823-3", "mmol/L", 3.5, 5.3, 1, 0.2, 2.5, 6.5),
        _A("UREA", "Urea", "22664-7", "mmol/L", 2.5, 7.8, 1, 0.6, children=(2.0, 6.5)),
        _A("CREA", "Creatinine", "14682-9", "umol/L", 59, 104, 0, 5, women=(45, 84), children=(20, 60)),
        _A("EGFR", "eGFR (CKD-EPI)", "62238-1", "mL/min/1.73m2", 60, 90, 0, 3),
        _A("HB", "Haemoglobin", "718-7", "g/L", 130, 170, 0, 3, 70, 220, women=(115, 155), children=(105, 145)),
        _A("WBC", "White cell count", "6690-2", "10*9/L", 3.7, 11.0, 1, 0.8, children=(4.5, 14.5)),
        _A("PLT", "Platelet count", "777-3", "10*9/L", 150, 410, 0, 20, 50),
        _A("MCV", "Mean cell volume", "787-2", "fL", 80, 100, 0, 1),
        _A("NEUT", "Neutrophils", "751-8", "10*9/L", 1.7, 7.5, 1, 0.6, 0.5),
        _A("LYMPH", "Lymphocytes", "731-0", "10*9/L", 1.0, 3.5, 1, 0.3),
        _A("BILI", "Bilirubin", "14631-6", "umol/L", 2, 20, 0, 2),
        _A("ALT", "Alanine transaminase", "1742-6", "U/L", 5, 40, 0, 4),
        _A("ALP", "Alkaline phosphatase", "6768-6", "U/L", 30, 130, 0, 6, children=(60, 425)),
        _A("ALB", "Albumin", "1751-7", "g/L", 35, 50, 0, 1.2),
        _A("CRP", "C reactive protein", "1988-5", "mg/L", 0, 5, 0, 0.8, upper_only=True),
        _A("INR", "INR", "6301-6", "", 0.9, 1.2, 1, 0.05, critical_high=5.0),
        _A("TROPT", "Troponin T (high sensitivity)", "67151-1", "ng/L", 0, 14, 0, 2, upper_only=True),
        _A("HBA1C", "HbA1c (IFCC)", "59261-8", "mmol/mol", 20, 41, 0, 1),
    )
}

# code of the panel: (name, specimen, its analytes)
PANELS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "UE": ("Urea and electrolytes", "Serum", ("NA", "K", "UREA", "CREA", "EGFR")),
    "LFT": ("Liver function tests", "Serum", ("BILI", "ALT", "ALP", "ALB")),
    "CRP": ("C reactive protein", "Serum", ("CRP",)),
    "TROP": ("Troponin T", "Serum", ("TROPT",)),
    "FBC": ("Full blood count", "Whole blood (EDTA)", ("HB", "WBC", "PLT", "MCV", "NEUT", "LYMPH")),
    "HBA1C": ("HbA1c", "Whole blood (EDTA)", ("HBA1C",)),
    "COAG": ("Coagulation screen", "Citrated plasma", ("INR",)),
}


def baseline(rng: random.Random, gender: str, age: int, offsets: dict[str, float]) -> dict[str, float]:
    """What is usual for this person: inside the range, moved by what ails them."""
    usual = {}
    for code, analyte in ANALYTES.items():
        low, high = analyte.range_for(gender, age)
        usual[code] = low + (high - low) * (0.3 + 0.4 * rng.random()) + offsets.get(code, 0.0)
    usual["EGFR"] = max(8.0, min(120.0, 118 - age * 0.55)) + offsets.get("EGFR", 0.0)
    return usual


def panel(rng: random.Random, code: str, *, filler: str, who: tuple[str, int], levels: dict[str, float]) -> Panel:
    """One battery with values around `levels`, each with its range, unit and flag. `who` is (gender, age)."""
    name, _, codes = PANELS[code]
    return Panel(
        code=code,
        name=name,
        filler=filler,
        values=tuple(
            value(ANALYTES[each], levels[each] + rng.gauss(0.0, ANALYTES[each].spread), who=who) for each in codes
        ),
    )


def value(analyte: Analyte, number: float, *, who: tuple[str, int]) -> Value:
    low, high = analyte.range_for(*who)
    number = max(number, 0.0)
    text = f"{number:.{analyte.decimals}f}"
    reference = f"<{high:g}" if analyte.upper_only else f"{low:g}-{high:g}"
    if analyte.code == "EGFR":
        text, reference = (">90", ">60") if number > 90 else (text, ">60")
    return Value(
        code=analyte.code,
        name=analyte.name,
        loinc=analyte.loinc,
        text=text,
        unit=analyte.unit,
        reference=reference,
        flag=_flag(analyte, float(text.lstrip(">")), low, high),
        pbcl=PBCL.get(analyte.code, ""),
    )


def _flag(analyte: Analyte, number: float, low: float, high: float) -> str:
    if analyte.code == "EGFR":
        return "L" if number < low else ""
    if number >= analyte.critical_high:
        return "HH"
    if number <= analyte.critical_low:
        return "LL"
    return "H" if number > high else "L" if number < low and not analyte.upper_only else ""
