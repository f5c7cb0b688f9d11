"""Named queries: each has a name of its own, a caption and a statement, or the room does not load."""

from __future__ import annotations

import pytest

from carerecord import database
from carerecord.database.queries import parse_queries

GOOD = """-- What this room asks.

-- :name find_one
-- Finds one.
-- Slowly.
select 1
where $1;  -- a remark

-- :name find_two
-- Finds two.
select 2
"""


def test_queries_are_found_by_name_without_caption_and_semicolon() -> None:
    found = parse_queries(GOOD.replace("  -- a remark", ""), package="room")
    assert found == {"find_one": "-- find_one\nselect 1\nwhere $1", "find_two": "-- find_two\nselect 2"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-- :name one\nselect 1\n", "no caption"),
        ("-- :name one\n-- \nselect 1\n", "no caption"),
        ("-- :name one\n-- Caption.\n\n", "no statement"),
        ("-- :name one\n-- A.\nselect 1\n-- :name one\n-- B.\nselect 2\n", "stands twice"),
        ("-- :name One-Two\n-- A.\nselect 1\n", "is not a name"),
        ("select 1\n-- :name one\n-- A.\nselect 1\n", "before the first"),
    ],
)
def test_a_query_that_is_not_whole_is_refused(text: str, words: str) -> None:
    with pytest.raises(database.QueriesUnreadable, match=words):
        parse_queries(text, package="room")


def test_a_rooms_queries_are_read_once_and_a_missing_name_says_where_it_is_missing() -> None:
    ours = database.queries("carerecord.database")
    assert ours is database.queries("carerecord.database")
    assert "lock_migrations" in ours
    assert len(ours) == len(list(ours))
    with pytest.raises(
        database.QueriesUnreadable, match=r"carerecord\.database/queries\.sql .* no query named nothing"
    ):
        ours["nothing"]
