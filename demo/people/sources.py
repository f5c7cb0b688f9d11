"""The systems of the region: their ids, whose they are, and what each calls its own numbers."""

from __future__ import annotations

import msgspec


class System(msgspec.Struct, frozen=True):
    """`speaks`: "hl7v2", "fhir", "both". `authority`: PID-3.4 in HL7 v2; `namespace`: Identifier.system in FHIR."""

    id: str
    ods: str
    name: str
    kind: str
    speaks: str
    authority: str = ""
    namespace: str = ""


def _system(id: str, ods: str, name: str, kind: str, speaks: str, authority: str = "") -> System:
    return System(id, ods, name, kind, speaks, authority, f"https://fhir.{id}.example/Id/patient")


_ALL = (
    _system("barts", "R1H", "Barts Health", "hospital", "hl7v2", "R1H"),
    _system("uclh", "RRV", "University College London Hospitals", "hospital", "both", "UCLH"),
    _system("gosh", "RP4", "Great Ormond Street Hospital", "hospital", "both", "GOSH"),
    _system("gp-mile-end", "Y99101", "Mile End Green Surgery", "practice", "fhir"),
    _system("gp-kilburn", "Y99104", "Kilburn Lane Health Centre", "practice", "fhir"),
    _system("nel-pathology", "NELP", "North East London Pathology", "laboratory", "hl7v2", "NELP"),
    _system("london-imaging", "IMGL", "London Imaging Network", "radiology", "hl7v2", "IMGL"),
    _system("east-london-mh", "RWK", "East London NHS Foundation Trust", "mental-health", "fhir"),
    _system("central-community", "RYX", "Central London Community Healthcare", "community", "fhir"),
    _system("london-ambulance", "RRU", "London Ambulance Service", "ambulance", "fhir"),
    _system("mile-end-council", "Y99301", "Mile End Borough Council", "social-care", "fhir"),
    _system("london-ucp", "Y99302", "London Urgent Care Plans", "plans", "fhir"),
)
SYSTEMS = {system.id: system for system in _ALL}
CONNECTED_PRACTICES = {"Y99101": "gp-mile-end", "Y99104": "gp-kilburn"}

# Neighbours that cover each area: the person's own hospital first. Which of several is decided by the town.
NEIGHBOURS_BY_TOWN = {
    "Oxford": ("oxford",), "Witney": ("oxford",), "Bicester": ("oxford",), "Abingdon": ("oxford",),
    "Banbury": ("oxford",), "Didcot": ("oxford",),
    "Bedford": ("bedfordshire",), "Kempston": ("bedfordshire",), "Luton": ("bedfordshire", "luton-community"),
    "Dunstable": ("bedfordshire", "luton-community"),
    "Milton Keynes": ("milton-keynes",), "Bletchley": ("milton-keynes",), "Newport Pagnell": ("milton-keynes",),
    "Ipswich": ("east-suffolk",), "Felixstowe": ("east-suffolk",), "Bury St Edmunds": ("west-suffolk",),
    "Sudbury": ("west-suffolk",),
    "Colchester": ("east-suffolk", "essex-ambulance"), "Clacton-on-Sea": ("east-suffolk", "essex-ambulance"),
    "Chelmsford": ("essex-ambulance",),
    "Watford": ("west-herts", "herts-council"), "St Albans": ("west-herts", "herts-council"),
    "Stevenage": ("east-herts", "herts-council"), "Hertford": ("east-herts", "herts-council"),
}  # fmt: skip
NEIGHBOUR_PRACTICES = {"Y99201": "beds-gp", "Y99211": "suffolk-gp"}
NEIGHBOURS = (
    "oxford", "bedfordshire", "milton-keynes", "east-suffolk", "west-suffolk", "west-herts", "east-herts", "beds-gp",
    "suffolk-gp", "luton-community", "essex-ambulance", "herts-council",
)  # fmt: skip
NEIGHBOUR_ODS = dict(
    zip(
        NEIGHBOURS,
        ("RTH", "RC9", "RD8", "RDE", "RGR", "RWG", "RWH", "Y99201", "Y99211", "RYV", "RYC", "Y99221"),
        strict=True,
    )
)
AREAS = ("Oxfordshire", "Bedfordshire", "Milton Keynes", "Suffolk", "Essex", "Hertfordshire")
