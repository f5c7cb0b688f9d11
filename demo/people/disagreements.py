"""Disagreements planted on purpose: one medicine at two doses, or going on at one source and stopped at another."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from demo.people.codes.medicines import PRODUCTS, Product
from demo.people.contents import Medicine
from demo.people.nouns import Stated
from demo.people.story import Teller

_PRACTICES = ("gp-mile-end", "gp-kilburn")
_BY_TEXT = {text: product for product in PRODUCTS.values() for text in (product.text, product.other_words) if text}


def plant(teller: Teller, quirks: frozenset[str]) -> None:
    """Every newest word of a practice on a medicine that another source lists too may be made to differ."""
    if not quirks & {"dose-conflict", "status-conflict"}:
        return
    by_product: dict[str, list[int]] = {}
    for position, event in enumerate(teller.events):
        if isinstance(event, Stated) and isinstance(event.content, Medicine):
            by_product.setdefault(_product(event.content).key, []).append(position)
    shared = [
        (PRODUCTS[key], practice, [each for each in places if each != practice])
        for key, places in by_product.items()
        if (practice := _said_by_practice(teller, places)) is not None and len(places) > 1
    ]
    for product, practice, _ in shared:
        if "dose-conflict" in quirks and product.other_dose:
            _say(teller, practice, dose=product.other_dose)
            teller.planted.append("dose-differs")
            shared = [each for each in shared if each[0] is not product]
            break
    for _, _, others in shared:
        if "status-conflict" in quirks:
            event = teller.events[others[0]]
            at = min(event.at + timedelta(days=9), teller.until)
            _say(teller, others[0], status="stopped", stopped_on=at.date(), reason="Dizzy: stopped in clinic")
            teller.planted.append("stopped-at-one-active-at-other")
            break


def _product(medicine: Medicine) -> Product:
    return _BY_TEXT[medicine.concept.text]


def _said_by_practice(teller: Teller, places: list[int]) -> int | None:
    return next((place for place in places if teller.events[place].source in _PRACTICES), None)


def _say(teller: Teller, position: int, **changed: object) -> None:
    event = teller.events[position]
    if isinstance(event, Stated):
        content = msgspec.structs.replace(event.content, **changed)
        teller.events[position] = msgspec.structs.replace(event, content=content)
