"""A program that dribbles what it pushes, or pushes much at once, holds up nobody but itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from carerecord.api import bodies
from carerecord.api.answer import NotServed
from carerecord.api.bodies import WAITING_OF_ONE_MAX, Bodies, Room
from carerecord.settings import Settings
from tests.pushed import JSON, Pushing, pushing
from tests.rooms.api.test_push import JOAN, bundle

TURNS = 64
SMALL = Settings(listen_message_bytes_max=1000, listen_bytes_held_max=4000, listen_slow_seconds_max=3600)


class Dribbler:
    """A push under way over a socket of its own: its headers are sent, and its body as it is told to."""

    def __init__(self, it: Pushing, bearer: str, *, declared: int = 500) -> None:
        self._it, self._bearer, self._declared = it, bearer, declared

    async def begin(self) -> None:
        host, _, port = self._it.base.removeprefix("http://").partition(":")
        self.reader, self._writer = await asyncio.open_connection(host, int(port))
        await self.send(
            f"POST /fhir HTTP/1.1\r\nHost: {host}\r\nAuthorization: {self._bearer}\r\n"
            f"Content-Type: {JSON['content-type']}\r\nContent-Length: {self._declared}\r\n\r\n{{".encode()
        )

    async def send(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    async def is_held(self) -> bool:
        """Nothing was answered and nothing was closed, as far as the other side has said."""
        await asyncio.sleep(0)
        return not self.reader.at_eof() and not self.reader._buffer  # type: ignore[attr-defined]

    async def close(self) -> None:
        self._writer.close()


async def dribblers(stack: AsyncExitStack, it: Pushing, *, count: int, client_id: str) -> list[Dribbler]:
    bearer = await it.bearer(client_id=client_id)
    begun = []
    for _ in range(count):
        dribbler = Dribbler(it, bearer)
        await dribbler.begin()
        stack.push_async_callback(dribbler.close)
        begun.append(dribbler)
    return begun


async def test_more_bodies_that_dribble_than_there_are_turns_hold_up_no_other_program(settings: Settings) -> None:
    """Read under a turn, as they were once, these would have held every turn for a minute."""
    patient = msgspec.structs.replace(settings, listen_slow_seconds_max=3600)
    async with pushing(patient) as it, AsyncExitStack() as stack:
        slow = await dribblers(stack, it, count=TURNS + 10, client_id="gp-kilburn")
        status, _, _ = await it.send("POST", "/fhir", bundle("transaction", JOAN))
        assert status == 200
        assert all([await each.is_held() for each in slow])


async def test_a_body_that_comes_too_slowly_is_refused_its_connection_closed_and_nothing_of_it_kept(
    settings: Settings,
) -> None:
    hasty = msgspec.structs.replace(settings, listen_slow_seconds_max=1, listen_bytes_per_second_min=1_000_000)
    async with pushing(hasty) as it, AsyncExitStack() as stack:
        (slow,) = await dribblers(stack, it, count=1, client_id="gp-kilburn")
        answer = await slow.reader.read()  # to its end: the other side closes
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"It did not come whole in time" in answer
        status, _, _ = await it.send("POST", "/fhir", bundle("transaction", JOAN))
        assert status == 200
        assert len(await it.kept()) == 1


async def test_a_body_in_pieces_that_comes_fast_enough_is_taken(settings: Settings) -> None:
    async with pushing(settings) as it, AsyncExitStack() as stack:
        content = msgspec.json.encode(bundle("transaction", JOAN))
        bearer = await it.bearer()
        pieces = Dribbler(it, bearer, declared=len(content))
        await pieces.begin()
        stack.push_async_callback(pieces.close)
        for start in range(1, len(content), 97):
            await pieces.send(content[start : start + 97])
        assert (await pieces.reader.readline()).startswith(b"HTTP/1.1 200 ")


# --- What is held, without a socket -----------------------------------------------------------------------------------


class Body:
    """A body that comes when it is told to."""

    def __init__(self, content: bytes = b"{}") -> None:
        self.content, self.may_end = content, asyncio.Event()
        self.is_begun = asyncio.Event()

    async def stream(self) -> AsyncIterator[bytes]:
        self.is_begun.set()
        yield self.content
        await self.may_end.wait()


def take(held: Bodies, body: Body, client: str, *, declared: str | None = "1000") -> asyncio.Task[bytes]:
    async def taking() -> bytes:
        async with held.held(body.stream(), client=client, declared=declared) as content:
            return content

    return asyncio.create_task(taking())


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_program_has_half_of_the_places_and_half_of_the_room_and_the_others_have_the_rest() -> None:
    for limits, turns in ((SMALL, 1000), (msgspec.structs.replace(SMALL, listen_bytes_held_max=10**6), 4)):
        held = Bodies(limits, turns=turns)
        mine, others = [Body() for _ in range(4)], [Body() for _ in range(2)]
        tasks = [take(held, body, "mine") for body in mine]
        await settle()
        assert [body.is_begun.is_set() for body in mine] == [True, True, False, False]
        tasks += [take(held, body, "other") for body in others]
        await settle()
        assert [body.is_begun.is_set() for body in others] == [True, True]
        mine[0].may_end.set()
        await settle()
        assert [body.is_begun.is_set() for body in mine] == [True, True, True, False]
        for body in (*mine, *others):
            body.may_end.set()
        assert await asyncio.gather(*tasks) == [b"{}"] * 6
        assert held._clients == {}
        assert held._room.left == held._room.size


async def test_without_a_length_there_must_be_room_for_the_largest() -> None:
    held = Bodies(msgspec.structs.replace(SMALL, listen_bytes_held_max=2000), turns=64)
    first, second = Body(), Body()
    tasks = [take(held, first, "mine", declared=None), take(held, second, "mine", declared="1")]
    await settle()
    assert (first.is_begun.is_set(), second.is_begun.is_set()) == (True, False)
    first.may_end.set()
    second.may_end.set()
    await asyncio.gather(*tasks)


async def test_a_program_that_heaps_up_pushes_is_told_to_wait_for_answers() -> None:
    held = Bodies(SMALL, turns=4)
    heaped = [Body() for _ in range(2 + WAITING_OF_ONE_MAX)]
    tasks = [take(held, body, "mine") for body in heaped]
    await settle()
    with pytest.raises(NotServed) as refused:
        await take(held, Body(), "mine")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["retry-after"] == "10"
    other = Body()
    other.may_end.set()
    assert await take(held, other, "other") == b"{}"
    for body in heaped:
        body.may_end.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("declared", ["1001", "99999999999999999999"])
async def test_what_is_too_large_by_its_own_word_is_refused_unread(declared: str) -> None:
    body = Body()
    with pytest.raises(NotServed) as refused:
        await take(Bodies(SMALL, turns=4), body, "mine", declared=declared)
    assert (refused.value.response.status_code, body.is_begun.is_set()) == (413, False)


async def test_what_is_larger_than_its_own_word_is_refused() -> None:
    with pytest.raises(NotServed) as refused:
        await take(Bodies(SMALL, turns=4), Body(b"x" * 1001), "mine", declared=None)
    assert refused.value.response.status_code == 413


async def test_steady_bytes_buy_time_and_none_buys_more_than_a_minute() -> None:
    held = Bodies(msgspec.structs.replace(SMALL, listen_slow_seconds_max=5, listen_bytes_per_second_min=100), turns=4)
    assert [held._seconds_for(count) for count in (0, 1000, 10**9)] == [5, 15, bodies.BODY_SECONDS_MAX]


async def test_who_goes_away_while_waiting_leaves_its_place_to_the_next() -> None:
    room = Room(2)
    await room.take(2)
    waiting = [asyncio.create_task(room.take(size)) for size in (2, 1)]
    await settle()
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    room.give(1)
    await waiting[1]
    room.give(2)
    given_and_cancelled: Any = asyncio.create_task(room.take(1))
    await settle()
    assert room.left == 1
    await given_and_cancelled


async def test_who_goes_away_as_it_is_let_by_gives_back_what_it_had() -> None:
    room = Room(1)
    await room.take(1)
    waiting = asyncio.create_task(room.take(1))
    await settle()
    room.give(1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert room.left == 1
