"""Imaging examinations: NICIP short codes and SNOMED CT.

Sources: National Interim Clinical Imaging Procedure code set (NICIP, NHS England, Open Government Licence v3); SNOMED
CT UK Edition (© SNOMED International, UK use under the NHS TRUD licence). Without a sure code: the network's own.
"""

from __future__ import annotations

import msgspec

from demo.people.contents import Code, Concept


class Examination(msgspec.Struct, frozen=True):
    concept: Concept
    modality: str
    findings: tuple[str, ...]
    conclusion: str


def _concept(text: str, nicip: str, snomed: str) -> Concept:
    codes = (Code("nicip", nicip, text),) if nicip else (Code("local", text.upper().replace(" ", "-"), text),)
    return Concept(text, (*codes, Code("sct", snomed, text)) if snomed else codes)


EXAMINATIONS = {
    "chest": Examination(
        _concept("XR Chest", "XCHES", "399208008"), "XR",
        ("The heart is not enlarged.", "The lungs are clear, no effusion."), "No active lung disease."),
    "chest-pneumonia": Examination(
        _concept("XR Chest", "XCHES", "399208008"), "XR",
        ("Consolidation at the right base.", "Small right pleural effusion."),
        "Right lower lobe pneumonia. Repeat in six weeks."),
    "head-ct": Examination(
        _concept("CT Head", "CSKUH", "303653007"), "CT",
        ("No haemorrhage, no infarct.", "The ventricles are of normal size."), "No acute intracranial abnormality."),
    "brain-mr": Examination(
        _concept("MRI Brain", "", "816077007"), "MR",
        ("A well defined extra-axial mass, 31 x 28 mm, over the left frontal lobe.", "Mild oedema, no midline shift."),
        "Appearances of a meningioma."),
    "abdomen-us": Examination(
        _concept("US Abdomen", "UABDO", "45036003"), "US",
        ("Liver, gallbladder, spleen and both kidneys look normal.",), "Normal study."),
    "renal-us": Examination(
        _concept("US Transplant kidney", "", ""), "US",
        ("The graft measures 11.2 cm. Good perfusion throughout.", "No hydronephrosis, no collection."),
        "Normal graft."),
    "echo": Examination(
        _concept("Echocardiogram", "", "40701008"), "US",
        ("Left ventricular ejection fraction 58 %.", "Aortic valve: peak gradient 68 mmHg."),
        "Severe aortic stenosis with good left ventricular function."),
}  # fmt: skip
