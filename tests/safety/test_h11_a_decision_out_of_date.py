"""H11: a resuscitation decision is out of date, and is shown as if it held."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from carerecord.model import Standing, StoredStatement
from carerecord.settings import Settings
from tests.safety.ward import JOAN, open_ward, section, visit, wrote
from tests.said import day, said

FOR = "For full treatment and for CPR"
NOT = "For full treatment, not for CPR"


def decision(words: str, own_id: str, *, made: str, **more: Any) -> StoredStatement:
    body = {
        "status": more.pop("status", "active"),
        "category": [{"text": "ReSPECT"}],
        "dateTime": made,
        "performer": [{"display": "Dr M Haddad"}],
        "organization": [{"display": "Marsh Lane Practice"}],
        "note": [{"text": words}],
        **more.pop("body", {}),
    }
    return said("Consent", own_id, body, source="marsh-lane", **more)


async def test_a_superseded_decision_is_closed_and_its_successor_stands_in_the_banner(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        old = decision(FOR, "1", made="2024-02-11", at=day(1))
        replaces = {"url": "urn:carerecord:replaces", "valueReference": {"reference": f"Consent/{old.local_id}"}}
        new = decision(NOT, "2", made="2026-10-03", at=day(2), body={"extension": [replaces]})
        await ward.remember(await ward.key_of(JOAN), [new, old])
        page = await ward.summary()
        banner = page.one(".cr-banner").words
        assert f"ReSPECT 03-Oct-2026: {NOT}" in banner
        assert FOR not in banner
        plans = section(page, "plans-and-decisions")
        assert "Dr M Haddad" in plans.words
        assert "Marsh Lane Practice" in plans.words
        (closed,) = plans.all(".cr-closed")
        assert FOR in closed.words
        assert NOT not in closed.words


async def test_a_decision_holds_or_ends_by_its_source_alone_and_never_by_its_date(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        ancient = decision(NOT, "1", made="2009-01-01", body={"period": {"end": "2010-01-01"}})
        await ward.remember(await ward.key_of(JOAN), [ancient])
        assert f"ReSPECT 01-Jan-2009: {NOT}" in (await ward.summary()).one(".cr-banner").words
        taken_back = decision(NOT, "1", made="2009-01-01", status="inactive", at=day(20), standing=Standing.RESOLVED)
        await ward.remember(await ward.key_of(JOAN), [taken_back])
        page = await ward.summary()
        assert NOT not in page.one(".cr-banner").words
        assert NOT in section(page, "plans-and-decisions").one(".cr-closed").words


async def test_a_decision_too_long_for_the_banner_is_never_cut_and_where_there_is_none_the_form_is_named(
    settings: Settings,
) -> None:
    words = f"For CPR {'unless ' * 40}she has a further stroke, then not for CPR"
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        assert "look for the form" in section(await ward.summary(), "plans-and-decisions").words
        await ward.remember(await ward.key_of(JOAN), [decision(words, "1", made="2026-10-03")])
        page = await ward.summary()
        banner = page.one(".cr-banner").words
        assert "For CPR" not in banner
        assert "ReSPECT 03-Oct-2026: see Plans and decisions for its words" in banner
        assert words in section(page, "plans-and-decisions").words


async def test_a_decisions_words_are_found_where_sources_write_them(settings: Settings) -> None:
    """R4 gives a Consent no member for its words: they come as the rule, as a document of plain text, or as both."""
    document = {
        "contentType": "text/plain; charset=utf-8",
        "data": b64encode(f"{NOT}\nHospital admission if she wishes it.".encode()).decode(),
    }
    more = {"note": [], "policyRule": {"text": NOT}, "sourceAttachment": document}
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")))
        both = decision("", "1", made="2026-10-03", body=more)
        rule = decision("", "2", made="2026-09-01", body={"note": [], "policyRule": {"text": FOR}})
        await ward.remember(await ward.key_of(JOAN), [both, rule])
        page = await ward.summary()
        banner = page.one(".cr-banner").words
        assert f"ReSPECT 03-Oct-2026: {NOT} Hospital admission if she wishes it." in banner
        assert f"ReSPECT 01-Sep-2026: {FOR}" in banner
        assert section(page, "plans-and-decisions").words.count(NOT) == 1
