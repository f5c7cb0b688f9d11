"""No two events have the same encoding, and no chain can be changed anywhere without its walk saying so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, given, strategies
from hypothesis.strategies import DrawFn, composite

from carerecord.audit.chain import Row, canonical, first_hash, link
from carerecord.audit.walk import Finding, Head, Walk

small = strategies.integers(0, 3)
texts = strategies.text("ab{", max_size=3)
AT = datetime(2026, 11, 22, tzinfo=UTC)


digests = strategies.sampled_from([bytes(32), b"\1" + bytes(31)])


@composite
def rows(draw: DrawFn, seq: int | None = None) -> Row:
    """Of both encodings: what staff, decision and evidence say stands in the row, or their digests do."""
    manner = draw(strategies.none() | digests)
    names = (
        dict[str, Any](
            staff="",
            decision="",
            evidence="",
            asked_at=draw(strategies.none() | strategies.just(AT)),
            about_stream=draw(strategies.none() | small),
            manner=manner,
            grounds=draw(digests),
        )
        if manner
        else dict[str, Any](staff=draw(texts), decision=draw(texts), evidence=draw(texts))
    )
    return Row(
        patient_key=draw(small),
        stream=1,
        seq=draw(small) if seq is None else seq,
        recorded_at=AT + timedelta(microseconds=draw(small)),
        kind=draw(texts),
        purpose=draw(texts),
        about_seq=draw(strategies.none() | small),
        snapshot=draw(strategies.none() | strategies.binary(max_size=2)),
        detail=draw(texts),
        route=draw(texts),
        session=draw(texts),
        **names,
    )


@composite
def chains(draw: DrawFn) -> list[tuple[Row, bytes]]:
    chain: list[tuple[Row, bytes]] = []
    before = first_hash(1)
    for seq in range(1, draw(strategies.integers(1, 8)) + 1):
        row = draw(rows(seq=seq))
        before = link(before, row)
        chain.append((row, before))
    return chain


def walked(chain: list[tuple[Row, bytes]], head: Head | None) -> list[Finding]:
    walk = Walk(1, head)
    for row, stored in chain:
        walk.take(row, stored)
    return walk.end()


def head_of(chain: list[tuple[Row, bytes]]) -> Head:
    return Head(chain[-1][0].seq, chain[-1][1])


@given(one=rows(), other=rows())
def test_rows_that_differ_are_encoded_differently(one: Row, other: Row) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


@given(chain=chains())
def test_a_chain_as_it_was_written_is_sound(chain: list[tuple[Row, bytes]]) -> None:
    assert walked(chain, head_of(chain)) == []


@given(chain=chains(), data=strategies.data())
def test_a_changed_row_is_the_one_that_is_named(chain: list[tuple[Row, bytes]], data: strategies.DataObject) -> None:
    place = data.draw(strategies.integers(0, len(chain) - 1))
    row, stored = chain[place]
    changed = data.draw(rows(seq=row.seq))
    assume(changed != row)
    found = walked([*chain[:place], (changed, stored), *chain[place + 1 :]], head_of(chain))
    assert [(finding.fault, finding.seq) for finding in found] == [("changed", row.seq)]


@given(chain=chains(), data=strategies.data())
def test_rows_taken_out_are_named_by_the_first_of_them(
    chain: list[tuple[Row, bytes]], data: strategies.DataObject
) -> None:
    first = data.draw(strategies.integers(0, len(chain) - 1))
    last = data.draw(strategies.integers(first, len(chain) - 1))
    found = walked([*chain[:first], *chain[last + 1 :]], head_of(chain))
    assert [finding.seq for finding in found] == [first + 1]


@given(chain=chains(), data=strategies.data())
def test_rows_in_another_order_are_never_sound(chain: list[tuple[Row, bytes]], data: strategies.DataObject) -> None:
    places = data.draw(strategies.permutations(range(len(chain))))
    assume(list(places) != sorted(places))
    moved = [(chain[old][0]._replace(seq=new), chain[old][1]) for new, old in enumerate(places, 1)]
    assert walked(moved, head_of(chain))
