"""The hook that runs async tests is itself tested: a test that is not awaited would pass whatever it says."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

seen: list[int] = []


@pytest.mark.xfail(strict=True, raises=ZeroDivisionError)
async def test_an_async_test_is_really_run() -> None:
    await asyncio.sleep(0)
    raise ZeroDivisionError


@settings(max_examples=5, deadline=None, database=None)
@given(number=st.integers())
async def test_an_async_property_is_really_run(number: int) -> None:
    await asyncio.sleep(0)
    seen.append(number)


def test_the_property_above_saw_examples() -> None:
    assert len(seen) >= 5
