"""What is observed: SNOMED CT and LOINC for vital signs, measures of growth, scores and social facts.

Sources: SNOMED CT UK Edition (© SNOMED International, UK use under the NHS TRUD licence), compared with public UK Core
examples; LOINC (© Regenstrief Institute, free of charge under the LOINC licence, https://loinc.org/license).
"""

from __future__ import annotations

from demo.people.contents import Code, Concept


def _concept(text: str, snomed: str = "", loinc: str = "") -> Concept:
    codes = (Code("sct", snomed, text),) if snomed else ()
    return Concept(text, (*codes, Code("loinc", loinc, text)) if loinc else codes)


OBSERVATIONS = {
    "blood-pressure": _concept("Blood pressure", "75367002", "85354-9"),
    "systolic": _concept("Systolic blood pressure", "271649006", "8480-6"),
    "diastolic": _concept("Diastolic blood pressure", "271650006", "8462-4"),
    "heart-rate": _concept("Heart rate", "364075005", "8867-4"),
    "respiratory-rate": _concept("Respiratory rate", "86290005", "9279-1"),
    "oxygen-saturation": _concept("Oxygen saturation", "103228002", "2708-6"),
    "temperature": _concept("Body temperature", "", "8310-5"),
    "weight": _concept("Body weight", "27113001", "29463-7"),
    "height": _concept("Body height", "50373000", "8302-2"),
    "bmi": _concept("Body mass index", "60621009", "39156-5"),
    "weight-centile": _concept("Weight centile for age", "", "8336-0"),
    "news2": _concept("NEWS2 total score", "1104051000000101"),
    "smoker": _concept("Smoker", "77176002"),
    "ex-smoker": _concept("Ex-smoker", "8517006"),
    "never-smoked": _concept("Never smoked tobacco", "266919005"),
}
SMOKING = ("smoker", "ex-smoker", "never-smoked", "never-smoked")
