"""H22: a living person is shown as deceased."""

from __future__ import annotations

import json

import pytest

from carerecord.settings import Settings
from tests.house import program_looking
from tests.safety.ward import (
    ARTHUR,
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    ROYAL,
    banner,
    but,
    found,
    letter,
    open_ward,
    order,
    visit,
    wrote,
)

DEAD = but(JOAN, died_at="202611091412", is_dead="Y")
ALIVE = but(JOAN, is_dead="N")


async def test_a_death_is_named_with_its_date_and_the_age_at_it(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A08", visit(), about=DEAD))
        page = await ward.summary()
        assert "Died 09-Nov-2026 (aged 78y)" in banner(page)
        assert page.one(".cr-banner").is_of(".cr-banner--died"), "and never by a colour alone"


async def test_a_later_message_that_says_alive_undoes_it_for_people_and_programs(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A08", visit(), about=DEAD, at="20261110120000"),
            wrote("ADT^A08", visit(), about=ALIVE, at="20261111120000"),
        )
        page = await ward.summary()
        assert "Died" not in banner(page)
        assert "(78y)" in banner(page)
        assert not page.all(".cr-banner--died")
        patient = await ward.door.patient(program_looking(await ward.key_of(JOAN)))
        assert isinstance(patient, bytes)
        assert json.loads(patient).get("deceasedBoolean") is not True
        assert "deceasedDateTime" not in json.loads(patient)


async def test_the_mistake_that_arrives_after_its_correction_does_not_come_back(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit(), at="20261109080000"),
            wrote("ADT^A08", visit(), about=ALIVE, at="20261111120000"),
            wrote("ADT^A08", visit(), about=DEAD, at="20261110120000"),
        )
        assert "Died" not in banner(await ward.summary())


async def test_another_hospital_that_says_alive_later_is_believed(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A08", visit(), about=DEAD, at="20261110120000"),
            wrote("ADT^A01", visit("R1"), by=ROYAL, about=but(ALIVE, number="R1"), at="20261112120000"),
        )
        assert "Died" not in banner(await ward.summary())


async def test_another_hospital_that_says_nothing_of_it_brings_nobody_back(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A08", visit(), about=DEAD, at="20261110120000"))
        await ward.hear(wrote("ADT^A01", visit("R1"), about=but(JOAN, number="R77"), by=ROYAL, at="20261112120000"))
        assert "Died 09-Nov-2026" in banner(await ward.summary())


async def test_a_contradiction_in_one_message_is_alive(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A08", visit(), about=but(DEAD, is_dead="N")))
        assert "Died" not in banner(await ward.summary())


@pytest.mark.parametrize("died_at", ["", '""', "00000000", "soon"])
async def test_a_field_that_says_nothing_is_no_death(settings: Settings, died_at: str) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A08", visit(), about=but(JOAN, died_at=died_at)))
        assert "Died" not in banner(await ward.summary())


async def test_a_copy_on_a_result_or_a_letter_neither_kills_nor_revives(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A08", visit(), at="20261110120000"),
            wrote(
                "ORU^R01",
                order("L1"),
                found(POTASSIUM, "4"),
                by=PATHOLOGY,
                about=but(DEAD, number="L1"),
                at="20261112120000",
            ),
        )
        assert "Died" not in banner(await ward.summary())
        await ward.hear(
            wrote("ADT^A08", visit(), about=DEAD, at="20261113120000"),
            letter("D1", "Dictated in life.", about=JOAN, at="20261114120000"),
            wrote(
                "ORU^R01",
                order("L2"),
                found(POTASSIUM, "4"),
                by=PATHOLOGY,
                about=but(JOAN, number="L1"),
                at="20261115120000",
            ),
        )
        assert "Died 09-Nov-2026" in banner(await ward.summary())


async def test_a_death_without_a_date_gives_no_age_and_no_date(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(wrote("ADT^A08", visit(), about=but(JOAN, is_dead="Y")))
        said = banner(await ward.summary())
        assert "Died date not known" in said
        assert "aged" not in said
        assert "(78y)" not in said


async def test_the_husbands_death_is_not_hers(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            wrote("ADT^A01", visit("V1")),
            wrote("ADT^A08", visit("V2"), about=but(ARTHUR, died_at="20261109", is_dead="Y")),
        )
        assert "Died" not in banner(await ward.summary(JOAN))
        assert "Died" in banner(await ward.summary(ARTHUR))
