"""Promises have one name each, stand in a known area, and the page that tells of them tells of these and no others."""

from __future__ import annotations

import msgspec

from benchmarks.__main__ import found
from benchmarks.promise import AREAS, ROOT, Measured, Promise

PROMISES: list[Promise] = [promise for benchmark in found().values() for promise in benchmark.promises]
TOLD = msgspec.json.decode((ROOT / "docs" / "promises.json").read_bytes(), type=list[Measured])


def test_every_promise_has_a_name_of_its_own() -> None:
    names = [promise.name for promise in PROMISES]
    assert len(PROMISES) > 10
    assert sorted(names) == sorted(set(names))


def test_every_promise_stands_in_a_known_area_and_says_what_it_is() -> None:
    for promise in PROMISES:
        assert promise.area in AREAS, promise.name
        assert promise.says.endswith("."), promise.name


def test_a_promise_has_at_most_one_bar() -> None:
    assert [p.name for p in PROMISES if p.at_most is not None and p.at_least is not None] == []


def test_the_page_tells_of_every_promise_with_the_target_that_it_has() -> None:
    declared = {promise.name: (promise.area, promise.target, promise.says) for promise in PROMISES}
    assert {row.name: (row.area, row.target, row.says) for row in TOLD} == declared


def test_the_page_judges_by_the_figures_that_it_shows() -> None:
    promises = {promise.name: promise for promise in PROMISES}
    for row in TOLD:
        expected = None if row.measured is None else promises[row.name].is_met_by(row.measured)
        assert row.met == expected, row.name


def test_both_pages_say_the_same() -> None:
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    assert [row.name for row in TOLD if f"| {row.name} | {row.says}" not in text] == []
