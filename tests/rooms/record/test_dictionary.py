"""A dictionary in use never changes, and every dictionary is a row."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b

import pytest

from carerecord import database
from carerecord.record import dictionary
from carerecord.settings import Settings
from scripts.train_dictionaries import said, train

AT = datetime(2026, 11, 22, 9, 12, tzinfo=UTC)
# Change these only before a dictionary was ever used for a patient; after that, ship a new number.
SHIPPED = {1: "f2acb796d9d73f1e7d6893341ff5d21a", 2: "e85487f48c008ae0b2da368bad2d9316"}


@pytest.mark.parametrize("number", sorted(SHIPPED))
def test_a_shipped_dictionary_is_the_one_it_always_was(number: int) -> None:
    assert blake2b(dictionary.shipped(number), digest_size=16).hexdigest() == SHIPPED[number]
    assert len(dictionary.shipped(number)) <= 112 * 1024


def test_training_twice_gives_the_same_dictionaries() -> None:
    assert train(10) == train(10)


def test_a_message_is_small_with_its_dictionary() -> None:
    for content, _ in said(4, seed=3):
        packed = dictionary.compress(content, dictionary=dictionary.ORIGINALS)
        assert dictionary.decompress(packed) == content
        assert len(packed) < len(content) / 2 or len(content) > 3000


async def test_every_shipped_dictionary_becomes_a_row_once(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        await dictionary.ensure_dictionaries(db, at=AT)
        await dictionary.ensure_dictionaries(db, at=AT)
        rows = await db.fetch("select id, content from record.dictionary order by id")
        assert [(row["id"], row["content"]) for row in rows] == [(n, dictionary.shipped(n)) for n in (1, 2)]


async def test_a_dictionary_that_differs_from_the_shipped_one_stops_us(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        await db.execute("delete from record.dictionary")
        await db.execute("insert into record.dictionary values (1, 'other', 'x', now())")
        with pytest.raises(dictionary.DictionaryChanged):
            await dictionary.ensure_dictionaries(db, at=AT)


async def test_a_dictionary_added_as_a_row_can_be_learnt(settings: Settings) -> None:
    async with database.connect(settings, "owner") as db:
        await db.execute("insert into record.dictionary values (300, $1, 'x', now())", dictionary.shipped(1))
        with pytest.raises(dictionary.UnknownDictionary):
            dictionary.compress(b"something", dictionary=300)
        await dictionary.load(db)
        assert dictionary.decompress(dictionary.compress(b"something", dictionary=300)) == b"something"
