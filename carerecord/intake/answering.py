"""What waits for a message to be kept and makes the sender's answer of it, without a task of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from carerecord.formats import hl7v2
from carerecord.intake.values import Kept, Receipt, receipt
from carerecord.model import Original

T = TypeVar("T")


class Answering(Generic[T]):
    """`answer` is made in the turn in which the commit is known. `what` says which part of the receipt it is."""

    __slots__ = ("_clock", "_header", "_original", "_told", "_what", "answer")

    def __init__(
        self,
        original: Original,
        header: hl7v2.Header | None,
        *,
        clock: Callable[[], datetime],
        what: Callable[[Receipt], T],
        told: Callable[[str, datetime], None] | None,
    ) -> None:
        self._original = original
        self._header = header
        self._clock = clock
        self._what = what
        self._told = told
        self.answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def done(self) -> bool:
        return self.answer.done()

    def set_result(self, kept: Kept, /) -> None:
        original = self._original
        try:
            if self._told is not None:
                self._told(original.source, original.received_at)
            self.answer.set_result(self._what(receipt(original.content, kept, at=self._clock(), header=self._header)))
        except Exception as error:  # Its own sender gets no answer; those of the same commit get theirs.
            self.answer.set_exception(error)

    def set_exception(self, error: BaseException, /) -> None:
        self.answer.set_exception(error)
