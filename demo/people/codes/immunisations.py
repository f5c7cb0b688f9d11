"""Immunisations, as the act of giving them: SNOMED CT.

Source: SNOMED CT UK Edition (© SNOMED International, UK use under the NHS TRUD licence), compared with public GP
Connect examples. Rows whose code was not sure have words and a code of the source's own list.
"""

from __future__ import annotations

from demo.people.contents import Code, Concept


def _concept(text: str, snomed: str, local: str = "") -> Concept:
    return Concept(text, (Code("sct", snomed, text) if snomed else Code("local", local, text),))


IMMUNISATIONS = {
    "influenza": _concept("Administration of influenza vaccine", "86198006"),
    "mmr": _concept("Administration of measles and mumps and rubella vaccine", "38598009"),
    "covid-first": _concept("Administration of first dose of SARS-CoV-2 vaccine", "1324681000000101"),
    "pneumococcal": _concept("Administration of pneumococcal vaccine", "12866006"),
    "six-in-one": _concept("6-in-1 vaccine (DTaP/IPV/Hib/HepB)", "", "6IN1"),
    "rotavirus": _concept("Rotavirus vaccine", "", "ROTA"),
    "shingles": _concept("Shingles vaccine", "", "SHING"),
}
