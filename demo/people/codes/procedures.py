"""Procedures: SNOMED CT and OPCS-4.

Sources: SNOMED CT UK Edition (© SNOMED International, UK use under the NHS TRUD licence); OPCS Classification of
Interventions and Procedures version 4 (OPCS-4.10, Crown copyright, Open Government Licence v3). One to one.
"""

from __future__ import annotations

from demo.people.contents import Code, Concept


def _concept(text: str, snomed: str = "", opcs4: str = "") -> Concept:
    codes = (Code("sct", snomed, text),) if snomed else ()
    return Concept(text, (*codes, Code("opcs4", opcs4, text)) if opcs4 else codes)


PROCEDURES = {
    "aortic-valve": _concept("Xenograft replacement of aortic valve", "", "K26.2"),
    "stent": _concept("Percutaneous coronary intervention", "415070008", ""),
    "pacemaker": _concept("Implantation of cardiac pacemaker", "307280005", ""),
    "kidney-transplant": _concept("Allotransplantation of kidney from live donor", "", "M01.2"),
    "meningioma": _concept("Craniotomy", "25353009", ""),
    "cataract": _concept("Phacoemulsification of lens", "", "C71.2"),
    "cataract-extraction": _concept("Extraction of cataract", "54885007", ""),
    "chemotherapy": _concept("Chemotherapy", "367336001", ""),
    "atrial-septal-defect": _concept("Repair of atrial septal defect", "112811009", ""),
    "appendix": _concept("Appendicectomy", "80146002", ""),
    "local-venesection": Concept("Venesection", (Code("local", "VENESECT", "Venesection"),)),
}
