"""Disagreements planted on purpose: one medicine at two doses, or going on at one source and stopped at another."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from demo.people.codes.medicines import NEAR, PRODUCTS, Product
from demo.people.contents import Medicine, Problem
from demo.people.nouns import Stated
from demo.people.story import Teller

BETWEEN_SOURCES = frozenset(
    (
        "allergy-denied-elsewhere",
        "allergy-known-to-one-source",
        "dose-differs",
        "other-strength",
        "problem-resolved-at-one",
        "stopped-at-one-active-at-other",
    )
)
"""What shows only where the sources are joined: of people without an NHS number nothing of it is promised."""
_PRACTICES = ("gp-mile-end", "gp-kilburn")
_BY_TEXT = {text: product for product in PRODUCTS.values() for text in (product.text, product.other_words) if text}


def plant(teller: Teller, quirks: frozenset[str]) -> None:
    """Every newest word of a practice on a medicine that another source lists too may be made to differ."""
    listed = _listed(teller)
    if any(key in listed and other in listed for key, other in NEAR.items()):
        teller.planted.append("other-strength")
    if "problem-conflict" in quirks:
        _resolve_at_the_practice(teller)
    if not quirks & {"dose-conflict", "status-conflict"}:
        return
    shared = _shared(teller)
    if "dose-conflict" in quirks:
        for product, practice, _ in shared:
            if product.other_dose:
                _say(teller, practice, dose=product.other_dose)
                teller.planted.append("dose-differs")
                shared = [each for each in shared if each[0] is not product]
                break
    if "status-conflict" in quirks and shared:
        _, _, other = shared[0]
        event = teller.events[other]
        stopped_on = min(event.at + timedelta(days=9), teller.until).date()
        _say(teller, other, status="stopped", stopped_on=stopped_on, reason="Dizzy: stopped in clinic")
        teller.planted.append("stopped-at-one-active-at-other")


def _listed(teller: Teller) -> set[str]:
    """Keys of the products that anybody lists."""
    return {
        _BY_TEXT[event.content.concept.text].key
        for event in teller.events
        if isinstance(event, Stated) and isinstance(event.content, Medicine)
    }


def _shared(teller: Teller) -> list[tuple[Product, int, int]]:
    """Medicines that a practice and another source list: where the newest word of each is. Hospitals come first."""
    newest: dict[tuple[str, str], int] = {}
    for position, event in enumerate(teller.events):
        if isinstance(event, Stated) and isinstance(event.content, Medicine):
            newest[_BY_TEXT[event.content.concept.text].key, event.source] = position
    found = [
        (PRODUCTS[key], position, other)
        for (key, source), position in newest.items()
        if source in _PRACTICES
        for (same, elsewhere), other in newest.items()
        if same == key and elsewhere not in _PRACTICES
    ]
    return sorted(found, key=lambda each: teller.events[each[2]].source not in ("uclh", "gosh"))


def _resolve_at_the_practice(teller: Teller) -> None:
    """A problem that another source still lists as active is over at the practice."""
    elsewhere = {
        event.content.concept.text
        for event in teller.events
        if isinstance(event, Stated) and isinstance(event.content, Problem) and event.source not in _PRACTICES
    }
    for position, event in enumerate(teller.events):
        if (
            isinstance(event, Stated)
            and event.source in _PRACTICES
            and isinstance(event.content, Problem)
            and event.content.concept.text in elsewhere
            and event.content.status == "active"
        ):
            _say(teller, position, status="resolved", ended_on=event.at.date())
            teller.planted.append("problem-resolved-at-one")
            return


def _say(teller: Teller, position: int, **changed: object) -> None:
    event = teller.events[position]
    if isinstance(event, Stated):
        content = msgspec.structs.replace(event.content, **changed)
        teller.events[position] = msgspec.structs.replace(event, content=content)
