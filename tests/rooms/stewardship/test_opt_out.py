"""The National Data Opt-Out: a hard check by purpose, on a list of which only hashes are kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from carerecord import audit, database
from carerecord.model import Purpose
from carerecord.settings import Settings
from carerecord.stewardship.opt_out import (
    LIST_DAYS_MAX,
    NotAList,
    find_list,
    has_opted_out,
    import_list,
    may_export,
)
from tests.house import AT, NHS_NUMBER, as_role

ANNA, BELA = NHS_NUMBER, "9990000018"
KEY = b"k" * 32
RECORDS = as_role("records-manager")


@pytest.mark.parametrize("opted_out", [True, False, None])
def test_only_a_secondary_use_asks_and_only_a_known_no_opens_it(opted_out: bool | None) -> None:
    for purpose in Purpose:
        assert may_export(purpose, opted_out=opted_out) is (purpose is not Purpose.HRESCH or opted_out is False)


async def test_a_list_says_who_opted_out_and_the_next_takes_its_place(settings: Settings) -> None:
    async with database.connect(settings, "steward") as db, audit.Writer.open(db) as writer:
        lines = ["999 012 3454\n", "\n", '"9990123454",\n']
        held = await import_list(db, writer, lines, hash_key=KEY, by=RECORDS, at=AT)
        assert (held.numbers, await find_list(db)) == (1, held)
        async with database.connect(settings, "serve") as serving:
            assert await has_opted_out(serving, ANNA, at=AT) is True
            assert await has_opted_out(serving, BELA, at=AT) is False
            await import_list(db, writer, [BELA], hash_key=b"n" * 32, by=RECORDS, at=AT)
            assert await has_opted_out(serving, ANNA, at=AT) is False
            assert await has_opted_out(serving, BELA, at=AT) is True


async def test_without_a_list_or_with_one_that_is_too_old_nobody_is_known_not_to_have_opted_out(
    settings: Settings,
) -> None:
    async with database.connect(settings, "steward") as db, audit.Writer.open(db) as writer:
        assert await has_opted_out(db, ANNA, at=AT) is None
        await import_list(db, writer, [BELA], hash_key=KEY, by=RECORDS, at=AT)
        assert await has_opted_out(db, ANNA, at=AT + timedelta(days=LIST_DAYS_MAX)) is False
        assert await has_opted_out(db, ANNA, at=AT + timedelta(days=LIST_DAYS_MAX, seconds=1)) is None
        assert await has_opted_out(db, None, at=AT) is None


async def test_a_file_that_is_no_list_changes_nothing(settings: Settings) -> None:
    async with database.connect(settings, "steward") as db, audit.Writer.open(db) as writer:
        await import_list(db, writer, [ANNA], hash_key=KEY, by=RECORDS, at=AT)
        for lines in ([BELA, "Bela Example"], ["9990123455"]):
            with pytest.raises(NotAList) as wrong:
                await import_list(db, writer, lines, hash_key=KEY, by=RECORDS, at=AT)
            assert not any(line in str(wrong.value) for line in lines)
        assert await has_opted_out(db, ANNA, at=AT) is True


async def test_no_number_of_the_list_stands_in_the_database_and_its_import_is_witnessed(settings: Settings) -> None:
    async with (
        database.connect(settings, "steward") as db,
        audit.Writer.open(db) as writer,
        database.connect(settings, "owner") as owner,
    ):
        await import_list(db, writer, [ANNA, BELA], hash_key=KEY, by=RECORDS, at=AT)
        kept = str([dict(row) for row in await owner.fetch("select * from stewardship.national_opt_out")])
        assert ANNA not in kept
        assert await owner.fetchval("select count(*) from audit.event where kind = 'administered'") == 1
