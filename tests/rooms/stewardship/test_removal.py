"""Removal: gone from every reader at once, taken out after, and not brought back by anything that is sent again."""

from __future__ import annotations

import pytest

from carerecord import database
from carerecord.fhir.references import logical_id
from carerecord.intake import inbox
from carerecord.model import OriginalReference, StoredStatement
from carerecord.record import rewrite
from carerecord.settings import Settings
from carerecord.stewardship.removal_plan import Target
from tests.rooms.stewardship.removals import complete, withdraw
from tests.safety.ward import (
    JOAN,
    PATHOLOGY,
    POTASSIUM,
    Ward,
    but,
    found,
    letter,
    open_ward,
    order,
    visit,
    wrote,
)

SECRET = "The patient told us in confidence of the quarrel with her neighbour about the hedge."
LETTER = letter("D1", SECRET)
OTHER_LETTER = letter("D2", "Seen in the valve clinic, all well, to come again in a year from now.")
BLOODS = wrote(
    "ORU^R01",
    order("L1"),
    found(POTASSIUM, "7.9", flag="HH"),
    found("NA^Sodium", "140"),
    by=PATHOLOGY,
    about=but(JOAN, number="L1000"),
    at="20261109080000",
)


async def held(ward: Ward, patient_key: int) -> list[StoredStatement]:
    async with ward.owner.connection() as connection:
        return await rewrite.read_all(connection, patient_key)


async def letter_of(ward: Ward, words: str) -> StoredStatement:
    """The statement of the letter with these words."""
    import base64

    coded = base64.b64encode(words.encode()).decode()
    return next(each for each in await held(ward, await ward.key_of(JOAN)) if coded.encode() in each.body)


def the(statement: StoredStatement, *, only: bool = False) -> Target:
    version = statement.version if only else ""
    return Target(kind="statement", patient_key=statement.patient_key, local_id=statement.local_id, version=version)


@pytest.mark.parametrize("is_folded", [False, True], ids=["in the log", "folded"])
async def test_a_letter_is_gone_from_every_page_before_anything_is_rewritten(
    settings: Settings, is_folded: bool
) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER, OTHER_LETTER)
        if is_folded:
            await ward.fold()
        chart = await ward.open()
        assert SECRET in (await chart.get()).text
        statement = await letter_of(ward, SECRET)
        await withdraw(settings, the(statement))
        page = await chart.get()
        assert SECRET not in page.text
        assert "valve clinic" in page.text
        # Not rewritten yet: it is the reading that withholds.
        assert statement.version in {each.version for each in await held(ward, statement.patient_key)}
        for place in (
            f"entry/{logical_id(statement.patient_key, statement.local_id)}",
            f"original/{statement.original}",
            f"document/{logical_id(statement.patient_key, statement.local_id)}",
        ):
            answer = await chart.get(place)
            assert answer.status_code == 404, place
            assert SECRET not in answer.text
        async with database.connect(settings, "operate") as operator:
            assert await inbox.show(operator, statement.original) is None


async def test_what_is_withdrawn_is_taken_out_and_the_rest_stays_as_it_was(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(LETTER, OTHER_LETTER, wrote("ADT^A01", visit("V1")))
        await ward.fold()
        await ward.hear(BLOODS)
        statement = await letter_of(ward, SECRET)
        before = {each for each in map(_said, await held(ward, statement.patient_key))}
        await withdraw(settings, the(statement))
        (done,) = await complete(settings)
        assert done.completed_at is not None
        after = {each for each in map(_said, await held(ward, statement.patient_key))}
        assert before - after == {_said(statement)}
        assert after < before
        assert (
            await ward.owner.fetchval("select count(*) from intake.original where seq = $1", statement.original.seq)
            == 0
        )
        assert await complete(settings) == []


def _said(statement: StoredStatement) -> tuple[str, str, OriginalReference, bytes]:
    return statement.local_id, statement.version, statement.original, statement.body
