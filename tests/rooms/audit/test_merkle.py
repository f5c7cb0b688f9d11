"""The tree is that of RFC 9162: known roots, and proofs that hold for what is true and for nothing else."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carerecord.audit.merkle import (
    EMPTY,
    Frontier,
    consistency_path,
    inclusion_path,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    spans,
    subtrees,
)

# The entries of the reference tests of Certificate Transparency and the roots of their trees.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive(entries: list[bytes]) -> bytes:
    """MTH as RFC 9162 §2.1.1 writes it."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return leaf_hash(entries[0])
    middle = 1
    while middle * 2 < len(entries):
        middle *= 2
    return node_hash(naive(entries[:middle]), naive(entries[middle:]))


def test_roots_are_those_of_the_reference() -> None:
    for count, root in enumerate(ROOTS, 1):
        frontier = Frontier()
        frontier.extend(ENTRIES[:count])
        assert frontier.root().hex() == root
    assert Frontier().root() == EMPTY


@given(st.lists(st.binary(max_size=8), max_size=70), st.data())
def test_a_tree_grown_in_any_portions_is_the_same_tree(entries: list[bytes], data: st.DataObject) -> None:
    frontier, at = Frontier(), 0
    while at < len(entries):
        step = data.draw(st.integers(1, len(entries) - at))
        frontier = Frontier(frontier.size, frontier.peaks)
        frontier.extend(entries[at : at + step])
        at += step
    assert frontier.root() == naive(entries)
    assert [naive(entries[first:last]) for first, last in spans(len(entries))] == frontier.peaks


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=70), st.data())
def test_an_entry_is_proven_from_its_own_portion_and_the_peaks_before_it(
    entries: list[bytes], data: st.DataObject
) -> None:
    older = data.draw(st.integers(0, len(entries) - 1))
    index = data.draw(st.integers(older, len(entries) - 1))
    frontier = Frontier()
    frontier.extend(entries[:older])
    known = dict(zip(spans(older), frontier.peaks, strict=True))
    path = inclusion_path(index, len(entries), subtrees(entries[older:], first=older, known=known))
    proven = {"index": index, "size": len(entries), "root": naive(entries)}
    assert is_included(entries[index], path=path, **proven)
    assert not is_included(entries[index] + b"!", path=path, **proven)
    assert not is_included(entries[index], path=[*path, b"\0" * 32], **proven)
    if path:
        assert not is_included(entries[index], path=path[:-1], **proven)
        assert not is_included(entries[index], path=[bytes(32), *path[1:]], **proven)
    assert not is_included(entries[index], path=path, **{**proven, "root": EMPTY})
    assert not is_included(entries[index], path=path, **{**proven, "index": len(entries)})


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=70), st.data())
def test_an_older_tree_is_proven_to_be_the_beginning_of_a_newer_one(entries: list[bytes], data: st.DataObject) -> None:
    older = data.draw(st.integers(1, len(entries)))
    frontier = Frontier()
    frontier.extend(entries[:older])
    known = dict(zip(spans(older), frontier.peaks, strict=True))
    path = consistency_path(older, len(entries), subtrees(entries[older:], first=older, known=known))
    proven = {"older": older, "size": len(entries), "root": naive(entries)}
    assert is_consistent(older_root=naive(entries[:older]), path=path, **proven)
    other = naive([*entries[: older - 1], entries[older - 1] + b"!"])
    assert not is_consistent(older_root=other, path=path, **proven)
    assert not is_consistent(older_root=naive(entries[:older]), path=[*path, bytes(32)], **proven)
    if path:
        assert not is_consistent(older_root=naive(entries[:older]), path=path[:-1], **proven)
    assert not is_consistent(older_root=naive(entries), path=path, **{**proven, "older": len(entries) + 1})


def test_a_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="peaks"):
        Frontier(3, [EMPTY])
