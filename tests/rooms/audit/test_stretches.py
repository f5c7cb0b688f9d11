"""However streams grow between seals, each event has exactly one place in the tree, and the places leave no gap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from carerecord.audit.merkle import EMPTY
from carerecord.audit.seals import NO_SEAL, Head, Seal
from tests.rooms.audit.test_witness import AT

GROWTH = st.lists(st.dictionaries(st.integers(1, 6), st.integers(0, 5), max_size=6), max_size=12)


@given(GROWTH)
def test_every_event_has_one_place_and_the_places_are_all_there_are(growth: list[dict[int, int]]) -> None:
    ends: dict[int, int] = {}
    before: Seal | None = None
    places: dict[tuple[int, int], int] = {}
    for number, grown in enumerate(growth, 1):
        ends = {stream: ends.get(stream, 0) + grown.get(stream, 0) for stream in sorted(ends.keys() | grown.keys())}
        heads = tuple(Head(stream, seq, EMPTY) for stream, seq in ends.items() if seq)
        seal = Seal(
            number=number,
            at=AT,
            size=sum(ends.values()),
            root=EMPTY,
            peaks=(),
            heads=heads,
            previous=NO_SEAL,
            leaves=("", 0),
        )
        stretches = seal.stretches(before)
        assert [each.stream for each in stretches] == sorted(each.stream for each in stretches)
        for stretch in stretches:
            for seq in range(stretch.first, stretch.last + 1):
                assert (stretch.stream, seq) not in places
                places[stretch.stream, seq] = stretch.place + seq - stretch.first
        before = seal
        assert sorted(places.values()) == list(range(seal.size))
    assert set(places) == {(stream, seq) for stream, last in ends.items() for seq in range(1, last + 1)}
