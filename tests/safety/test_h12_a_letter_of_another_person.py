"""H12: a document is attached to the wrong person."""

from __future__ import annotations

from base64 import b64encode

from carerecord.settings import Settings
from tests.house import segment
from tests.safety.reading import Part
from tests.safety.ward import ARTHUR, JOAN, Someone, Ward, but, entries, letter, open_ward, section, visit, wrote

HERS, HIS = b"%PDF-1.4 Her valve was replaced.", b"%PDF-1.4 His eye was mended."


def file_letter(number: str, content: bytes, about: Someone) -> bytes:
    txa = segment("TXA", {1: "1", 2: "DS^Discharge summary", 3: "AP", 4: "20261110", 12: number, 17: "AU", 19: "AV"})
    obx = f"OBX|1|ED|DS^Discharge summary||^APPLICATION^PDF^Base64^{b64encode(content).decode()}||||||F"
    return wrote("MDM^T02", txa, obx, about=about)


def document_link(page: Part) -> str:
    (link,) = {link.attributes["href"] for link in page.all("a") if "document/" in link.attributes.get("href", "")}
    return link


async def a_letter_each(ward: Ward) -> None:
    await ward.hear(
        wrote("ADT^A01", visit("V1")),
        wrote("ADT^A01", visit("V2"), about=ARTHUR),
        file_letter("D-1", HERS, JOAN),
        file_letter("D-2", HIS, ARTHUR),
    )


async def test_each_document_opens_from_its_own_persons_chart_and_from_no_other(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_letter_each(ward)
        browser = await ward.browser()
        hers, his = await ward.open(JOAN, browser=browser), await ward.open(ARTHUR, browser=browser)
        her_link, his_link = document_link(await hers.page()), document_link(await his.page())
        assert (await hers.get(her_link)).content == HERS
        assert (await his.get(his_link)).content == HIS
        for chart, link in ((hers, his_link), (his, her_link)):
            answer = await chart.get(link)
            assert answer.status_code == 404
            assert b"%PDF" not in answer.content
        outside = await ward.browser()
        assert b"%PDF" not in (await outside.get(f"{hers.address}/{her_link}")).content


async def test_opening_a_document_is_witnessed_under_its_own_person(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_letter_each(ward)
        his = await ward.open(ARTHUR)
        link = document_link(await his.page())
        await his.get(link)
        last = (await ward.events())[-1]
        assert (last["kind"], last["patient_key"], last["detail"]["what"]) == (
            "shown",
            await ward.key_of(ARTHUR),
            "document",
        )


async def test_an_original_message_of_another_person_is_not_opened(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await a_letter_each(ward)
        hers, his = await ward.open(JOAN), await ward.open(ARTHUR)
        line = entries(section(await hers.page(), "letters"))[0]
        receipt = await hers.page(f"entry/{line}")
        (place,) = {link.attributes["href"] for link in receipt.all("a") if "/original/" in link.attributes["href"]}
        reference = place.rpartition("/")[2]
        assert (await hers.get(f"original/{reference}")).status_code == 200
        answer = await his.get(f"original/{reference}")
        assert answer.status_code == 404
        assert "TXA|" not in answer.text


async def test_a_letter_with_ones_hospital_number_and_the_others_nhs_number_is_filed_under_neither(
    settings: Settings,
) -> None:
    mixed = but(JOAN, number=ARTHUR.number)
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")), wrote("ADT^A01", visit("V2"), about=ARTHUR))
        assert await ward.told(letter("D-3", "Start warfarin.", about=mixed)) == ["waiting"]
        for person in (JOAN, ARTHUR):
            assert "warfarin" not in (await ward.summary(person)).words


async def test_a_letter_with_one_digit_of_the_hospital_number_wrong_is_not_filed_by_it(settings: Settings) -> None:
    """Number of the one, name and birth date of the other, and no NHS number to tell."""
    slip = but(JOAN, number=ARTHUR.number, nhs_number="")
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A01", visit("V1")), wrote("ADT^A01", visit("V2"), about=ARTHUR))
        assert await ward.told(letter("D-3", "Start warfarin.", about=slip)) == ["waiting"]
        assert "warfarin" not in (await ward.summary(ARTHUR)).words


async def test_the_same_document_number_of_two_people_is_two_documents(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1")),
            wrote("ADT^A01", visit("V2"), about=ARTHUR),
            letter("D-1", "Hers alone.", about=JOAN),
            letter("D-1", "His alone.", about=ARTHUR),
        )
        hers, his = (
            section(await ward.summary(JOAN), "letters").words,
            section(await ward.summary(ARTHUR), "letters").words,
        )
        assert ("Hers alone." in hers, "His alone." in hers) == (True, False)
        assert ("Hers alone." in his, "His alone." in his) == (False, True)
