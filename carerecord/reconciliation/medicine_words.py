"""Reads the words of a medicine: ingredient, strength, form and route, or nothing where they do not say all. Pure.

It only serves to compare: no word of it is shown. What it does not know it leaves in the ingredient, where it keeps two
medicines apart; it never drops a word, so that no salt, release or brand is taken for another.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

# Words of one form, singular first; the longest match wins, so that a modified-release tablet is no plain tablet.
FORMS = {
    "gastro-resistant modified-release tablet": "oral",
    "gastro-resistant tablet": "oral",
    "gastro-resistant capsule": "oral",
    "modified-release tablet": "oral",
    "modified-release capsule": "oral",
    "prolonged-release tablet": "oral",
    "prolonged-release capsule": "oral",
    "orodispersible tablet": "oral",
    "dispersible tablet": "oral",
    "effervescent tablet": "oral",
    "soluble tablet": "oral",
    "chewable tablet": "oral",
    "sublingual tablet": "sublingual",
    "buccal tablet": "buccal",
    "vaginal tablet": "vaginal",
    "tablet": "oral",
    "capsule": "oral",
    "oral solution": "oral",
    "oral suspension": "oral",
    "oral drops": "oral",
    "oral powder": "oral",
    "syrup": "oral",
    "granules": "oral",
    "lozenge": "oral",
    "dry powder inhaler": "inhaled",
    "breath actuated inhaler": "inhaled",
    "inhaler cfc free": "inhaled",
    "inhaler": "inhaled",
    "nebuliser liquid": "inhaled",
    "inhalation powder": "inhaled",
    "nasal spray": "nasal",
    "sublingual spray": "sublingual",
    "eye drops": "eye",
    "eye ointment": "eye",
    "ear drops": "ear",
    "ear spray": "ear",
    "transdermal patch": "transdermal",
    "patch": "transdermal",
    "cream": "skin",
    "ointment": "skin",
    "gel": "skin",
    "lotion": "skin",
    "shampoo": "skin",
    "suppository": "rectal",
    "enema": "rectal",
    "pessary": "vaginal",
    "solution for injection pre-filled pen": "",
    "solution for injection pre-filled syringe": "",
    "solution for injection cartridge": "",
    "solution for injection vial": "",
    "solution for injection ampoule": "",
    "suspension for injection pre-filled pen": "",
    "solution for injection": "",
    "suspension for injection": "",
    "powder for solution for injection": "",
    "solution for infusion": "intravenous",
    "injection": "",
}
_SPELLINGS = (
    (r"\b(?:m/r|mr|modified release|sustained release|s/r|slow release)\b", "modified-release"),
    (r"\bprolonged release\b|\bp/r\b", "prolonged-release"),
    (r"\b(?:e/c|ec|g/r|gastro resistant|enteric coated|enteric-coated)\b", "gastro-resistant"),
    (r"\b(?:tablets|tabs|tab)\b", "tablet"),
    (r"\b(?:capsules|caps|cap)\b", "capsule"),
    (r"\binhalers?\b|\bmdi\b", "inhaler"),
    (r"\bpatch(?:es)?\b", "patch"),
    (r"\bsuppositor(?:y|ies)\b|\bsupps\b", "suppository"),
    (r"\bpessar(?:y|ies)\b", "pessary"),
    (r"\blozenges\b", "lozenge"),
    (r"\b(?:oral )?susp\b", "oral suspension"),
    (r"\b(?:oral )?soln\b", "oral solution"),
    (r"\b(?:inj|injections)\b", "injection"),
    (r"\b(?:vials|ampoules|cartridges|syringes|pens)\b", lambda found: found[0][:-1]),
    (r"\bpre-?filled disposable devices?\b", "pre-filled pen"),
    (r"\bprefilled\b", "pre-filled"),
)
_UNITS = {
    "kg": ("mass", Decimal("1e9")),
    "g": ("mass", Decimal("1e6")),
    "gram": ("mass", Decimal("1e6")),
    "mg": ("mass", Decimal(1000)),
    "milligram": ("mass", Decimal(1000)),
    "microgram": ("mass", Decimal(1)),
    "mcg": ("mass", Decimal(1)),
    "ug": ("mass", Decimal(1)),
    "µg": ("mass", Decimal(1)),
    "μg": ("mass", Decimal(1)),
    "nanogram": ("mass", Decimal("0.001")),
    "unit": ("units", Decimal(1)),
    "iu": ("units", Decimal(1)),
    "mmol": ("mmol", Decimal(1)),
    "ml": ("volume", Decimal(1)),
    "litre": ("volume", Decimal(1000)),
    "hour": ("hour", Decimal(1)),
    "dose": ("dose", Decimal(1)),
    "actuation": ("dose", Decimal(1)),
    "%": ("%", Decimal(1)),
}
_NAMES = "|".join(sorted((f"{re.escape(unit)}s?" for unit in _UNITS), key=len, reverse=True))
_AMOUNT = rf"\d+(?:,\d{{3}})*(?:\.\d+)?\s?(?:{_NAMES})(?![a-z])"
_STRENGTH = re.compile(rf"{_AMOUNT}(?:\s?(?:/|\+|per)\s?(?:{_AMOUNT}|(?:{_NAMES})(?![a-z])))*")
_PART = re.compile(rf"(\d+(?:,\d{{3}})*(?:\.\d+)?)?\s?({_NAMES})")
_ROUTES = {
    "oral": "oral", "by mouth": "oral", "po": "oral", "per oral": "oral",
    "sublingual": "sublingual", "buccal": "buccal",
    "intravenous": "intravenous", "iv": "intravenous",
    "intramuscular": "intramuscular", "im": "intramuscular",
    "subcutaneous": "subcutaneous", "sc": "subcutaneous", "s/c": "subcutaneous",
    "inhalation": "inhaled", "inhaled": "inhaled", "respiratory tract": "inhaled", "by inhalation": "inhaled",
    "topical": "skin", "cutaneous": "skin", "to the skin": "skin", "skin": "skin", "transdermal": "transdermal",
    "ophthalmic": "eye", "ocular": "eye", "eye": "eye", "otic": "ear", "auricular": "ear", "ear": "ear",
    "nasal": "nasal", "rectal": "rectal", "pr": "rectal", "vaginal": "vaginal", "pv": "vaginal",
}  # fmt: skip
_ROUTE_CODES = {
    "26643006": "oral", "37839007": "sublingual", "54471007": "buccal", "47625008": "intravenous",
    "78421000": "intramuscular", "34206005": "subcutaneous", "447694001": "inhaled", "6064005": "skin",
    "448598008": "skin", "45890007": "transdermal", "54485002": "eye", "10547007": "ear", "46713006": "nasal",
    "37161004": "rectal", "16857009": "vaginal",
}  # fmt: skip


class MedicineWords(NamedTuple):
    ingredient: str
    strength: str
    form: str
    route: str  # "" where neither the words nor the form say it

    @property
    def is_whole(self) -> bool:
        return bool(self.ingredient and self.strength and self.form)


@lru_cache(maxsize=4096)
def read_words(text: str) -> MedicineWords:
    """ "Bisoprolol 2.5mg tablets" is bisoprolol, 2500 micrograms, tablet, oral."""
    plain = re.sub(r"\s+", " ", text.casefold()).strip(" .;:*-")
    # A maker's name in brackets at the end says who packed it, not what it is.
    plain = re.sub(r"\s*\([^()\d]*\)$", "", plain)
    for pattern, word in _SPELLINGS:
        plain = re.sub(pattern, word, plain)
    strengths = [found[0] for found in _STRENGTH.finditer(plain)]
    rest = re.sub(r"[,()]", " ", _STRENGTH.sub(" ", plain))
    rest = f" {' '.join(rest.split())} "
    form = next((known for known in _BY_LENGTH if f" {known} " in rest), "")
    ingredient = " ".join(rest.replace(f" {form} ", " ", 1).split()) if form else rest.strip()
    return MedicineWords(ingredient, "|".join(map(_strength_key, strengths)), form, FORMS.get(form, ""))


_BY_LENGTH = sorted(FORMS, key=len, reverse=True)


def route_of(words: str, codes: tuple[str, ...]) -> str:
    """One word for a route that a source said; its own words where they are none we know; "" where it said none."""
    known = next((_ROUTE_CODES[code] for code in codes if code in _ROUTE_CODES), "")
    plain = words.casefold().strip().removesuffix(" route").removesuffix(" use")
    return known or _ROUTES.get(plain, plain)


def _strength_key(text: str) -> str:
    """Equal for equal strengths: 0.5 mg and 500 micrograms are one, 250 mg/5 ml and 50 mg/ml are not asked to be."""
    parts = []
    for number, unit in _PART.findall(text):
        kind, factor = _UNITS.get(unit) or _UNITS[unit.removesuffix("s")]
        try:
            amount = Decimal(number.replace(",", "")) * factor if number else factor
        except InvalidOperation:
            return text
        parts.append(f"{amount.normalize():f} {kind}")
    return "/".join(parts)


_NUMBER = r"(?<![\w.,])(\d*\.?\d+)"
_TIDY = (
    (re.compile(rf"{_NUMBER}\s?(?:mcg|ug|µg|μg)\b", re.IGNORECASE), r"\1 micrograms"),
    (re.compile(rf"{_NUMBER}\s?micrograms?\b", re.IGNORECASE), r"\1 micrograms"),
    (re.compile(rf"{_NUMBER}\s?ng\b", re.IGNORECASE), r"\1 nanograms"),
    (re.compile(rf"{_NUMBER}\s?(?:iu|units?|u)\b", re.IGNORECASE), r"\1 units"),
    (re.compile(rf"{_NUMBER}\s?(mg|g|kg)\b", re.IGNORECASE), lambda found: f"{found[1]} {found[2].lower()}"),
    (re.compile(rf"{_NUMBER}\s?mls?\b", re.IGNORECASE), r"\1 ml"),
)
_UNIT_AHEAD = r"(?=\s(?:mg|g|kg|ml|micrograms|nanograms|units|mmol)\b)"
_TRAILING = re.compile(rf"(?<![\w.])(\d+)\.0+{_UNIT_AHEAD}")
_TRAILING_AFTER = re.compile(rf"(?<![\w.])(\d+\.\d*[1-9])0+{_UNIT_AHEAD}")
_LEADING = re.compile(rf"(?<![\w.])\.(\d+){_UNIT_AHEAD}")


def tidy(text: str) -> str:
    """Units as NHS guidance writes them: 5 mg and never 5.0 mg, 0.5 and never .5, micrograms in full. Nothing else."""
    for pattern, written in _TIDY:
        text = pattern.sub(written, text)
    text = _LEADING.sub(r"0.\1", text)
    return _TRAILING_AFTER.sub(r"\1", _TRAILING.sub(r"\1", text))
