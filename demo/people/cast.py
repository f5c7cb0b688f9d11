"""The people chosen by hand to show something; everyone else is chosen by lot (lots.py)."""

# ruff: noqa: E501 -- a table is read by its rows.

from __future__ import annotations

from datetime import date

import msgspec


class Mould(msgspec.Struct, frozen=True, kw_only=True):
    """What is decided about a person before their story is told. Ages are in days at the anchor date."""

    area: str
    gender: str
    family: str
    given: tuple[str, ...]
    title: str
    age_days: int
    pathway: str = ""
    allergies: str = "unrecorded"  # "none", "some", "penicillin", "none-then-penicillin"
    quirks: frozenset[str] = frozenset()
    shows: str = ""
    is_cast: bool = False
    town: str = ""  # where it matters which
    practice: str = ""  # ODS code, where it matters which
    conditions: tuple[str, ...] = ()  # keys of codes.conditions beside those of the pathway
    language: str = "en"


def find_cast(block: int, place: int) -> Mould | None:
    """The mould of person `place` (0 or 1) of household `block`, where somebody chose it by hand."""
    return _CAST[block][place] if block < len(_CAST) else None


def _cast(
    area: str,
    gender: str,
    family: str,
    given: str,
    title: str,
    age: float,
    pathway: str,
    allergies: str,
    quirks: str,
    shows: str,
    *,
    town: str = "",
    practice: str = "",
    conditions: str = "",
    language: str = "en",
) -> Mould:
    return Mould(
        area=area,
        gender=gender,
        family=family,
        given=tuple(given.split()),
        title=title,
        age_days=int(age * 365.25),
        pathway=pathway,
        allergies=allergies,
        quirks=frozenset(quirks.split()),
        shows=shows,
        is_cast=True,
        town=town,
        practice=practice,
        conditions=tuple(conditions.split()),
        language=language,
    )


_OX, _LON = "Oxfordshire", "London"
_CAST = (
    (
        _cast(_OX, "F", "Hartley", "Joan Margaret", "Mrs", 78.7, "heart-valve", "penicillin", "recent planned",
              "a penicillin allergy, a potassium trend around a valve replacement, a discharge letter"),
        _cast(_OX, "M", "Hartley", "Arthur", "Mr", 81.2, "eye", "none", "", "no known allergies, a cataract operation"),
    ),
    (
        _cast(_LON, "M", "Ogunleye", "Adebayo", "Mr", 57.3, "diabetes", "none", "moved-house", "an HbA1c trend over years, a changed address"),
        _cast(_LON, "F", "Begum", "Fatima", "Mrs", 44.9, "pneumonia", "some", "merged",
              "two hospital numbers that the hospital later merged"),
    ),
    (
        _cast(_OX, "F", "Fairbrother", "Maisie", "", 4.4, "children", "none", "", "a child's heart operation; her twin is somebody else"),
        _cast(_OX, "F", "Fairbrother", "Isla", "", 4.4, "", "unrecorded", "twin", "the twin: a few blood tests, never her sister's operation"),
    ),
    (
        _cast(_LON, "M", "Zieliński", "Łukasz", "Mr", 33.1, "chest-pain", "unrecorded", "no-nhs-number",
              "nobody knew his NHS number: hospital and laboratory cannot be joined by themselves", practice="Y99103"),
        _cast(_LON, "M", "Braithwaite", "Winston", "Mr", 88.6, "pneumonia", "some", "died", "died in hospital"),
    ),
    (
        _cast(_OX, "M", "Raghunathan", "Vikram", "Mr", 46.8, "cancer", "penicillin", "in-hospital recent",
              "in hospital now: low counts after chemotherapy, a preliminary then a final report, histology"),
        _cast(_OX, "F", "Whitlock", "Charlotte Grace", "Mrs", 36.2, "neuro", "none", "renamed assisted-conception",
              "a name changed on marriage; a letter on assisted conception that the law bars from everyone"),
    ),
    (
        _cast(_LON, "F", "Warsame", "Hodan", "", 0.02, "", "unrecorded", "newborn child-of-next", "a newborn, first blood tests"),
        _cast(_LON, "F", "Warsame", "Amina", "Mrs", 29.4, "pneumonia", "none", "", "the newborn's mother, a separate person"),
    ),
    (
        _cast(_OX, "M", "O'Halloran", "Declan", "Mr", 51.5, "transplant", "some", "corrected pdf recent",
              "a kidney transplant: a creatinine trend, a corrected potassium, a letter as PDF"),
        _cast(_OX, "F", "Öztürk", "Zeynep", "Ms", 62.0, "heart-valve", "none-then-penicillin", "recent",
              "no known allergies on one stay, a penicillin allergy on the next"),
    ),
    (
        _cast(_LON, "F", "Grandison", "Claudette", "Mrs", 104.1, "eye", "none", "", "104 years old"),
        _cast(_LON, "M", "Kowalczyk", "Paweł", "Mr", 39.9, "chest-pain", "none", "sexual-health",
              "chest pain: a short stay and its troponins; a letter of a sexual health clinic that is shown in an emergency only"),
    ),
    (
        _cast(_OX, "M", "Penhale", "Stanley", "Mr", 73.3, "eye", "some", "pdf", "an eye operation, a letter as PDF"),
        _cast(_OX, "F", "Thornbury", "Alice", "Ms", 27.6, "", "unrecorded", "unknown-in-london", "nothing: London has never met her"),
    ),
    (
        _cast(_LON, "F", "Mensah", "Abena", "Ms", 61.7, "", "unrecorded", "", "known to the laboratory only", practice="Y99102"),
        _cast(_LON, "M", "Campbell-Reid", "Leroy", "Mr", 69.2, "diabetes", "none", "misfiled",
              "someone else's blood test sent under his NHS number: it must not be joined"),
    ),
    # --- one resident of each neighbour's area, then what no lot can be trusted to show -------------------------------
    (
        _cast("Bedfordshire", "F", "Okonkwo-Reyes", "Grace Adaeze", "Mrs", 68.4, "heart-valve", "penicillin", "recent planned referred appointment-moved appointment-cancelled move-cancelled",
              "a Bedford practice's patient after a heart valve in London: whom to phone, what is pending", town="Bedford", practice="Y99201"),
        _cast("Bedfordshire", "M", "Mirza", "Tariq", "Mr", 59.1, "transplant", "some", "recent referred dna discharge-cancelled",
              "a Luton man with a new kidney: a clinic missed, another booked", town="Luton"),
    ),
    (
        _cast("Milton Keynes", "M", "Stacey", "Gordon", "Mr", 71.9, "heart-rhythm-uclh", "none", "recent referred pdf",
              "a pacemaker at UCLH: MRI alert, discharge medicines in codes and in the letter", town="Milton Keynes"),
        _cast("Milton Keynes", "F", "Nguyễn", "Lan", "Ms", 38.3, "neuro-uclh", "some", "recent referred names-swapped",
              "the imaging network has her family and given name exchanged", town="Milton Keynes", language="vi"),
    ),
    (
        _cast("Suffolk", "F", "Baldry", "Doreen", "Mrs", 83.5, "heart-rhythm-uclh", "penicillin", "recent referred ambulance admission-cancelled",
              "an Ipswich woman taken ill in London: an ambulance, a pacemaker, a letter home", town="Ipswich", practice="Y99211"),
        _cast("Suffolk", "M", "Catchpole", "Edwin James", "Mr", 66.2, "cancer", "none", "in-hospital recent referred",
              "in hospital in London now, from Bury St Edmunds", town="Bury St Edmunds"),
    ),
    (
        _cast("Essex", "M", "D'Souza", "Anthony", "Mr", 49.6, "neuro-uclh", "none-then-penicillin", "recent referred ambulance replaced-letter",
              "seizures on a visit to London, then neurosurgery; the discharge letter was corrected", town="Colchester"),
        _cast("Essex", "F", "Tiptree", "Hazel", "Mrs", 79.0, "eye", "some", "referred", "a cataract done in London", town="Chelmsford"),
    ),
    (
        _cast("Hertfordshire", "M", "Abernethy-Cole", "Theo", "", 2.1, "heart-gosh", "none", "recent referred",
              "a child with a heart defect: weights with their centiles at Great Ormond Street", town="Watford"),
        _cast("Hertfordshire", "F", "Rahman", "Sadia", "", 9.6, "lungs-gosh", "penicillin", "recent referred",
              "a child with cystic fibrosis, from Stevenage",
              town="Stevenage"),
    ),
    (
        _cast(_LON, "F", "Castellane", "Iris", "Ms", 41.2, "pneumonia", "penicillin", "restricted", "restricted: where she lives and is seen must not be shown",
              practice="Y99101", conditions="asthma anxiety"),
        _cast(_LON, "M", "Pettifer", "Albert Roy", "Mr", 91.3, "pneumonia", "none", "recent respect community council ambulance home-care",
              "a ReSPECT form that replaced an older one, district nurses, home care", practice="Y99101", conditions="alzheimers heart-failure hypertension copd"),
    ),
    (
        _cast(_LON, "M", "Achterberg", "Joel", "Mr", 34.7, "", "some", "mental-health council crisis", "a crisis plan, a key worker, a social worker; an assessment in a crisis that mental health staff alone see",
              practice="Y99101", conditions="schizophrenia"),
        _cast(_LON, "F", "Mensah-Clarke", "Efua", "Mrs", 72.8, "heart-rhythm-uclh", "some", "recent dose-conflict status-conflict problem-conflict community",
              "her practice and UCLH list the same medicine at different doses, and one stopped", practice="Y99104", conditions="type-2-diabetes hypertension"),
    ),
    (
        _cast(_LON, "F", "Yusuf", "Ifrah", "Mrs", 31.5, "", "none", "interpreter", "mother of newborn twins, needs a Somali interpreter", practice="Y99104", language="so"),
        _cast(_LON, "M", "Yusuf", "Ayub", "", 0.05, "", "unrecorded", "newborn child-of-before", "a newborn: his NHS number not yet confirmed", practice="Y99104"),
    ),
    (
        _cast(_LON, "M", "Featherstone", "Colin", "Mr", 55.4, "diabetes", "none", "superseded moved-house adopted", "the imaging network still has a superseded NHS number; adopted, which is shown to nobody",
              practice="Y99101", conditions="gout"),
        _cast(_LON, "F", "Oyelaran", "Folasade", "Ms", 47.0, "heart-rhythm-uclh", "unrecorded", "allergy-one-source status-conflict problem-conflict termination", "an allergy that only her practice knows; a termination that is shown in an emergency only",
              practice="Y99101", conditions="asthma"),
    ),
    (
        _cast(_LON, "M", "Nwachukwu", "Chukwuemeka", "Mr", 76.3, "heart-rhythm-uclh", "some", "recent other-strength",
              "his practice lists the strength from before UCLH's: two lines, never one", practice="Y99104"),
        _cast("Essex", "F", "St.-Hilaire", "Yvonne", "Mrs", 70.8, "heart-valve", "penicillin", "recent planned referred pdf",
              "from Clacton: a heart valve in London, what is pending and whom to ring", town="Clacton-on-Sea"),
    ),
)  # fmt: skip

ANCHOR = date(2026, 11, 20)
"""The day on which the histories end unless another is asked for: fixed, so that a seed means the same everywhere."""
