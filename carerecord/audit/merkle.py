"""A Merkle tree that only grows: its root, and proofs that an entry is in it and that it holds an older one. Pure.

Hashes and proofs are those of RFC 9162 §2.1 (as in RFC 6962): SHA-256, a leaf behind 0x00, a node behind 0x01.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

EMPTY: Final = sha256(b"").digest()  # the root of no entries

Subtree = Callable[[int, int], bytes]  # the hash over the entries [first, last)


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the perfect trees that a tree of this size is made of, the largest first: enough to grow it by."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count():
            raise ValueError("A tree of this size has another number of peaks.")

    def extend(self, entries: Iterable[bytes]) -> None:
        peaks, size = self.peaks, self.size
        for entry in entries:
            top, carried = sha256(b"\x00" + entry).digest(), size
            while carried & 1:
                top = sha256(b"\x01" + peaks.pop() + top).digest()
                carried >>= 1
            peaks.append(top)
            size += 1
        self.size = size

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def spans(size: int) -> list[tuple[int, int]]:
    """Which entries each peak of a tree of this size is over: [first, last), the largest first."""
    found, first = [], 0
    for power in reversed(range(size.bit_length())):
        if size >> power & 1:
            found.append((first, first + (1 << power)))
            first += 1 << power
    return found


def subtrees(entries: Sequence[bytes], *, first: int, known: Mapping[tuple[int, int], bytes]) -> Subtree:
    """Hashes over entries of which those from `first` on are at hand; of those before it, what `known` says."""

    def subtree(start: int, end: int) -> bytes:
        if (start, end) in known:
            return known[start, end]
        if end - start == 1:
            if start < first:
                raise KeyError(start)
            return leaf_hash(entries[start - first])
        middle = start + _split(end - start)
        return node_hash(subtree(start, middle), subtree(middle, end))

    return subtree


def inclusion_path(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """What is needed to come from entry `index` to the root of a tree of `size` (RFC 9162 §2.1.3.1)."""
    path, first, last = [], 0, size
    while last - first > 1:
        middle = first + _split(last - first)
        if index < middle:
            path.append(subtree(middle, last))
            last = middle
        else:
            path.append(subtree(first, middle))
            first = middle
    return path[::-1]


def consistency_path(older: int, size: int, subtree: Subtree) -> list[bytes]:
    """What is needed to see that a tree of `size` begins with the one of size `older` (RFC 9162 §2.1.4.1)."""
    if not 0 < older < size:
        return []
    path, first, last, is_whole = [], 0, size, True
    while older != last:
        middle = first + _split(last - first)
        if older <= middle:
            path.append(subtree(middle, last))
            last = middle
        else:
            path.append(subtree(first, middle))
            first, is_whole = middle, False
    if not is_whole:
        path.append(subtree(first, last))
    return path[::-1]


def is_included(entry: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 §2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf_hash(entry)
    for step in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(*, older: int, older_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """RFC 9162 §2.1.4.2."""
    if older == size:
        return older_root == root and not path
    if not 0 <= older < size:
        return False
    if older == 0:
        return older_root == EMPTY and not path
    steps = [older_root, *path] if older & (older - 1) == 0 else list(path)
    if not steps:
        return False
    at, last = older - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, step)
        at, last = at >> 1, last >> 1
    return last == 0 and first == older_root and second == root


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
