"""The codes of the invented region: what can be computed of them is right, and no two conditions share one."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator

from demo.people import codes, generate
from demo.people.codes.conditions import CONDITIONS
from demo.people.codes.imaging import EXAMINATIONS
from demo.people.codes.immunisations import IMMUNISATIONS
from demo.people.codes.medicines import PRODUCTS
from demo.people.codes.observations import OBSERVATIONS
from demo.people.codes.procedures import PROCEDURES
from demo.people.contents import Code, Concept
from demo.people.measurements import ANALYTES
from demo.people.nouns import Stated, Told
from demo.people.pathways import ALLERGIES, LOCAL, NO_KNOWN_ALLERGIES, SPECIALIST

_TIMES = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_TURNS = [(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)]
for _ in range(6):
    _TURNS.append(tuple(_TURNS[-1][_TURNS[1][each]] for each in range(10)))
_SHAPES = {
    "icd10": re.compile(r"[A-Z]\d\d(\.\d)?"),
    "opcs4": re.compile(r"[A-Z]\d\d\.\d"),
    "ctv3": re.compile(r"[A-Za-z0-9.]{5}"),
    "loinc": re.compile(r"\d{1,5}-\d"),
    "nicip": re.compile(r"[A-Z]{5}"),
    "local": re.compile(r"\S+"),
}


def _verhoeff(digits: str) -> int:
    """0 where the last digit checks the others (SNOMED CT Release File Specification, "SCTID check-digit")."""
    found = 0
    for place, digit in enumerate(reversed(digits)):
        found = _TIMES[found][_TURNS[place % 8][int(digit)]]
    return found


def _table() -> Iterator[Code]:
    for condition in CONDITIONS.values():
        yield from condition.as_hospital().codes
        yield from condition.as_practice(with_read=True).codes
    for examination in EXAMINATIONS.values():
        yield from examination.concept.codes
    concepts: list[Concept] = [
        *IMMUNISATIONS.values(), *OBSERVATIONS.values(), *PROCEDURES.values(),
        *(product.concept() for product in PRODUCTS.values()),
    ]  # fmt: skip
    for concept in concepts:
        yield from concept.codes
    yield from (Code("sct", code) for _, code, *_ in (*ALLERGIES, NO_KNOWN_ALLERGIES))
    yield from (Code("loinc", analyte.loinc) for analyte in ANALYTES.values())


def _said() -> Iterator[Code]:
    for person in generate(7, 120):
        for event in person.story:
            if isinstance(event, Stated):
                yield from event.content.concept.codes
            elif isinstance(event, Told):
                yield from (diagnosis.snomed for diagnosis in event.diagnoses if diagnosis.snomed)


def test_every_code_of_the_tables_and_of_the_stories_has_the_shape_and_check_digit_of_its_system():
    checked = Counter()
    for code in {*_table(), *_said()}:
        if code.system in ("sct", "dmd"):
            assert _verhoeff(code.code) == 0, code
            # A concept: partition 00, or 10 where a national release made it.
            assert code.code[-3:-1] in ("00", "10"), code
        else:
            assert _SHAPES[code.system].fullmatch(code.code), code
        checked[code.system] += 1
    assert checked["sct"] > 60
    assert checked["dmd"] > 20


def test_no_two_conditions_share_a_code_or_a_name():
    for name in ("text", "snomed", "icd10", "ctv3"):
        used = [value for condition in CONDITIONS.values() if (value := getattr(condition, name))]
        assert len(set(used)) == len(used), name


def test_no_two_products_share_a_code_a_name_or_a_respelling():
    names = [name for product in PRODUCTS.values() for name in (product.text, product.other_words) if name]
    assert len(set(names)) == len(names)
    used = [product.code for product in PRODUCTS.values() if product.code]
    assert len(set(used)) == len(used)


def test_every_diagnosis_of_a_pathway_is_a_condition_of_the_table():
    known = {condition.icd10 for condition in CONDITIONS.values()}
    for pathway in (*SPECIALIST, *LOCAL):
        assert {code for code, _ in (pathway.diagnosis, *pathway.also)} <= known


def test_every_table_names_its_source_and_licence():
    for found in pkgutil.iter_modules(codes.__path__):
        told = importlib.import_module(f"demo.people.codes.{found.name}").__doc__ or ""
        assert re.search(r"Sources?: ", told), found.name
        assert re.search(r"(?i)licence|©", told), found.name


def test_about_nineteen_of_twenty_hospital_diagnoses_bear_a_snomed_code_beside_the_icd_one():
    said = [
        diagnosis
        for person in generate(7, 300)
        for event in person.story
        if isinstance(event, Told)
        for diagnosis in event.diagnoses
    ]
    share = sum(diagnosis.snomed is not None for diagnosis in said) / len(said)
    assert 0.9 < share < 1.0
