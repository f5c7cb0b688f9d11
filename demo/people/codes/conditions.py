"""Conditions: SNOMED CT, ICD-10 and, for the commonest, Clinical Terms Version 3 (CTV3, "Read v3").

Sources: SNOMED CT UK Edition (© SNOMED International; UK use under the NHS TRUD licence; a handful of identifiers only,
no content of the release); ICD-10 5th Edition (© WHO 2016, codes as used by NHS classifications); CTV3 (Crown
copyright, Open Government Licence v3). Each pair is one to one: no two rows share a code of any system, so that sources
which code alike speak of the same condition. Identifiers compared with public NHS examples where there was one.
"""

# ruff: noqa: E501 -- a table is read by its rows.

from __future__ import annotations

import msgspec

from demo.people.contents import Code, Concept


class Condition(msgspec.Struct, frozen=True):
    """What someone can have. `icd10` as hospitals write it; "" where a code is not sure or there is none."""

    key: str
    text: str
    snomed: str
    icd10: str = ""
    icd10_text: str = ""
    ctv3: str = ""

    @property
    def as_snomed(self) -> Code | None:
        return Code("sct", self.snomed, self.text) if self.snomed else None

    def as_practice(self, *, with_read: bool = False) -> Concept:
        """As a practice says it: SNOMED CT, and from older systems the Read code that it was first entered by."""
        codes: tuple[Code, ...] = (Code("sct", self.snomed, self.text),) if self.snomed else ()
        if with_read and self.ctv3:
            codes += (Code("ctv3", self.ctv3, self.text),)
        return Concept(self.text, codes)

    def as_hospital(self) -> Concept:
        """As a hospital that speaks FHIR says it: SNOMED CT and ICD-10."""
        codes: tuple[Code, ...] = (Code("sct", self.snomed, self.text),) if self.snomed else ()
        if self.icd10:
            codes += (Code("icd10", self.icd10, self.icd10_text or self.text),)
        return Concept(self.text, codes)


_C = Condition
_ALL = (
    _C("aortic-stenosis", "Aortic valve stenosis", "60573004", "I35.0", "Aortic (valve) stenosis"),
    _C("atrial-fibrillation", "Atrial fibrillation", "49436004", "I48.9", "Atrial fibrillation, unspecified", "G5730"),
    _C("hypertension", "Essential hypertension", "59621000", "I10", "Essential hypertension", "XE0Uc"),
    _C("lymphoma", "Diffuse large B-cell lymphoma", "109969005", "C83.3", "Diffuse large B-cell lymphoma"),
    _C("neutropenia", "Agranulocytosis", "17182001", "D70", "Agranulocytosis"),
    _C("breast-cancer", "Malignant neoplasm of breast", "254837009", "C50.9", "Malignant neoplasm of breast, unspecified"),
    _C("ckd-5", "Chronic kidney disease stage 5", "433146000", "N18.5", "Chronic kidney disease, stage 5"),
    _C("ckd-3", "Chronic kidney disease stage 3", "433144002", "N18.3", "Chronic kidney disease, stage 3"),
    _C("renal-hypertension", "Hypertensive renal disease with renal failure", "194774006", "I12.0", "Hypertensive renal disease with renal failure"),
    _C("meningioma", "Intracranial meningioma", "302820008", "D32.0", "Benign neoplasm of cerebral meninges"),
    _C("epilepsy", "Epilepsy", "84757009", "G40.9", "Epilepsy, unspecified"),
    _C("cataract", "Nuclear cataract", "53889007", "H25.1", "Senile nuclear cataract"),
    _C("glaucoma", "Primary open angle glaucoma", "77075001", "H40.1", "Primary open-angle glaucoma"),
    _C("atrial-septal-defect", "Atrial septal defect", "70142008", "Q21.1", "Atrial septal defect"),
    _C("ventricular-septal-defect", "Ventricular septal defect", "30288003", "Q21.0", "Ventricular septal defect"),
    _C("lobar-pneumonia", "Lobar pneumonia", "278516003", "J18.1", "Lobar pneumonia, unspecified"),
    _C("copd", "Chronic obstructive pulmonary disease", "13645005", "J44.9", "Chronic obstructive pulmonary disease, unspecified", "H3..."),
    _C("type-2-diabetes", "Type 2 diabetes mellitus", "44054006", "E11.9", "Type 2 diabetes mellitus without complications", "X40J5"),
    _C("nstemi", "Acute non-ST segment elevation myocardial infarction", "401314000", "I21.4", "Acute subendocardial myocardial infarction"),
    _C("hypercholesterolaemia", "Pure hypercholesterolaemia", "267432004", "E78.0", "Pure hypercholesterolaemia"),
    _C("asthma", "Asthma", "195967001", "J45.9", "Asthma, unspecified", "H33.."),
    _C("depression", "Depressive disorder", "35489007", "F32.9", "Depressive episode, unspecified"),
    _C("bipolar", "Bipolar disorder", "13746004", "F31.9", "Bipolar affective disorder, unspecified"),
    _C("schizophrenia", "Schizophrenia", "58214004", "F20.9", "Schizophrenia, unspecified"),
    _C("alzheimers", "Alzheimer's disease", "26929004", "G30.9", "Alzheimer disease, unspecified"),
    _C("parkinsons", "Parkinson's disease", "49049000", "G20", "Parkinson disease"),
    _C("heart-failure", "Heart failure", "84114007", "I50.9", "Heart failure, unspecified", "G58.."),
    _C("stroke", "Cerebrovascular accident", "230690007", "I64", "Stroke, not specified as haemorrhage or infarction"),
    _C("hypothyroidism", "Hypothyroidism", "40930008", "E03.9", "Hypothyroidism, unspecified"),
    _C("osteoarthritis", "Osteoarthritis", "396275006", "M19.9", "Arthrosis, unspecified"),
    _C("cystic-fibrosis", "Cystic fibrosis", "190905008", "E84.9", "Cystic fibrosis, unspecified"),
    _C("urinary-infection", "Urinary tract infectious disease", "68566005"),
    _C("gout", "Gout", "90560007", "M10.9", "Gout, unspecified"),
    _C("anxiety", "Anxiety disorder", "197480006"),
    _C("pressure-ulcer", "Pressure ulcer", "399912005"),
    _C("leg-ulcer", "Venous ulcer of leg", ""),
)  # fmt: skip
CONDITIONS = {condition.key: condition for condition in _ALL}
BY_ICD10 = {condition.icd10: condition for condition in _ALL if condition.icd10}


def snomed_beside(icd10: str) -> Code | None:
    """The SNOMED CT concept that a hospital sends beside this ICD-10 code; None where the table has none."""
    found = BY_ICD10.get(icd10)
    return found.as_snomed if found else None
