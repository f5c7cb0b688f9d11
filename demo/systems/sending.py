"""What every system that sends does: fills its outbox, sends until answered, keeps the day flowing, obeys outages."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from demo import a_day
from demo.messages import Message, history
from demo.people import generate
from demo.systems.life import ready
from demo.systems.lines import LineLost, Sending
from demo.systems.mllp import Line
from demo.systems.outbox import Outbox

_LONDON = ZoneInfo("Europe/London")
_PEOPLE_AT_ONCE = 50
_LOOK_SECONDS = 0.25


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """A sending system: which source it is, of which region, to whom and how it sends. "" is a way it does not have."""

    source: str
    name: str
    seed: int
    people: int
    until: date
    outbox: Path
    mllp_host: str = ""
    mllp_port: int = 0
    fhir: str = ""  # base address of FHIR that is pushed
    token: str = ""  # where tokens are given
    client_id: str = ""
    key: str = ""  # file with the private key of `client_id`
    drop_folder: str = ""  # this source's own folder
    pause: str = ""  # while this file exists the line is down: messages wait, and go out in a burst afterwards
    state: str = ""  # file that says what the system is doing; beside the outbox if not named
    lanes: int = 4  # Connections at once; one person's messages always take the same one, in order.
    tick_seconds: float = 8.0  # between two happenings of an average hour, as the clock on the wall runs; 0: none
    speed: float = 1.0  # how much faster than the clock the day goes, until it has met the present
    outages: bool = True  # whether the day's own outages are played


class Gate:
    """Whether the line is up, and why not. A pause is somebody's wish; an outage is part of the day."""

    def __init__(self, pause: str, outage: Callable[[], datetime | None]) -> None:
        self._pause = pause
        self._outage = outage
        self._looked = 0.0
        self.why = ""

    def is_open(self) -> bool:
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            if self._pause and os.path.exists(self._pause):
                self.why = "paused"
            elif until := self._outage():
                self.why = f"outage until {until:%H:%M}"
            else:
                self.why = ""
        return not self.why


class Day:
    """The day as one system lives it: which moment it has come to."""

    def __init__(self, sender: Sender, outbox: Outbox) -> None:
        self.sender = sender
        self.outbox = outbox
        self.rhythm = a_day.Rhythm(
            sender.seed, since=sender.until, tick_seconds=sender.tick_seconds, speed=sender.speed
        )
        self.people = a_day.People(sender.seed, sender.people, until=sender.until)
        told = outbox.find_note("day")
        begun = datetime.fromisoformat(told) if told else a_day.morning(sender.until)
        self._begun = begun if sender.speed > 1 else max(begun, _now())
        self._started = time.monotonic()
        self._history_is_sent = False

    def now(self) -> datetime:
        """Faster than the clock until it has met the present: nothing is ever said before it happened."""
        gone = (time.monotonic() - self._started) * self.sender.speed
        return min(a_day.after(self._begun, gone), _now())

    def outage(self) -> datetime | None:
        """Until when the line is down by the day's own lot. Histories are let through first: they are over."""
        sender = self.sender
        if not sender.outages or not sender.tick_seconds or not self._is_history_sent():
            return None
        return a_day.find_outage(sender.seed, sender.source, self.now())

    def _is_history_sent(self) -> bool:
        if not self._history_is_sent:
            self._history_is_sent = bool(self.outbox.find_note("history")) and not self.outbox.has_history_waiting()
        return self._history_is_sent

    async def flow(self) -> None:
        """One happening after another, counted on disk, so that a restart goes on where it was."""
        last = self.rhythm.number_at(self._begun)
        while True:
            now = self.now()
            for number in range(last + 1, self.rhythm.number_at(now) + 1):
                messages = self._tell(number)
                self.outbox.add(messages, is_history=False, notes={"day": now.isoformat()})
                last = number
                await asyncio.sleep(0)
            await asyncio.sleep(min(1.0, self.rhythm.step_seconds / self.sender.speed / 4))

    def _tell(self, number: int) -> list[Message]:
        at = self.rhythm.find_happening(number)
        if at is None:
            return []
        return a_day.tick(self.sender.seed, self.people, number, at, source=self.sender.source)


def _now() -> datetime:
    return datetime.now(_LONDON).replace(tzinfo=None, microsecond=0)


async def run(sender: Sender, stop: asyncio.Event) -> None:
    outbox = Outbox(sender.outbox, lanes=sender.lanes)
    day = Day(sender, outbox)
    gate = Gate(sender.pause, day.outage)
    tasks = [
        asyncio.create_task(send_lane(outbox, lane, sending, channel=channel, gate=gate))
        for channel, make in _ways(sender).items()
        for lane in range(sender.lanes)
        for sending in (make(),)
    ]
    tasks.append(asyncio.create_task(_tell_state(sender, gate)))
    tasks.append(asyncio.create_task(_tell_everything(sender, outbox, day)))
    stopped = asyncio.create_task(_stopped(stop))
    done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    outbox.close()
    for task in done - {stopped}:
        task.result()  # A fault in a lane must end the process loudly, not leave it silent.


async def _stopped(stop: asyncio.Event) -> None:
    await stop.wait()


def _ways(sender: Sender) -> dict[str, Callable[[], Sending]]:
    """How this system reaches the record, by channel."""
    ways: dict[str, Callable[[], Sending]] = {}
    if sender.mllp_port:
        ways["mllp"] = lambda: Line(sender.mllp_host, sender.mllp_port)
    if sender.fhir and sender.client_id:
        # Only here: a system that pushes nothing needs no cryptography and starts without it.
        from demo.systems.fhir_push import Push
        from demo.systems.tokens import Tokens

        tokens = Tokens(sender.token, client_id=sender.client_id, key=Path(sender.key))
        ways["fhir"] = lambda: Push(sender.fhir, tokens)
    if sender.drop_folder:
        from demo.systems.drop_folder import DropFolder

        ways["drop"] = lambda: DropFolder(Path(sender.drop_folder))
    return ways


async def _tell_everything(sender: Sender, outbox: Outbox, day: Day) -> None:
    """The history, then the day. Sending goes on meanwhile; `ready` is said when the history is in the outbox."""
    if outbox.find_note("history") is None:
        await fill_history(sender, outbox)
    ready()
    if sender.tick_seconds:
        await day.flow()
    await asyncio.Event().wait()


async def fill_history(sender: Sender, outbox: Outbox) -> None:
    """A few people at a time, so that a hundred thousand need no more memory than fifty; a restart goes on."""
    first = int(outbox.find_note("history_next") or 0)
    messages: list[Message] = []
    place = first
    for person in generate(sender.seed, sender.people - first, start=first, until=sender.until):
        messages += history(person, source=sender.source)
        place += 1
        if place % _PEOPLE_AT_ONCE == 0:
            outbox.add(messages, is_history=True, notes={"history_next": str(place)})
            messages = []
            await asyncio.sleep(0)
    outbox.add(messages, is_history=True, notes={"history_next": str(place), "history": "filled"})


async def send_lane(
    outbox: Outbox, lane: int, sending: Sending, *, channel: str = "mllp", gate: Gate | None = None
) -> None:
    """Sends one lane in order for ever: the next message only after the last was answered; the same again if not."""
    pause = 0.1
    try:
        while True:
            if gate and not gate.is_open():
                sending.close()
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            message = outbox.next_waiting(lane, channel=channel)
            if message is None:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            try:
                answer = await sending.send(message)
            except LineLost:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
                continue
            pause = 0.1
            state = "acknowledged" if answer.is_taken else "parked"
            outbox.settle(message.seq, state=state, answer=f"{answer.code} {answer.text}".strip())
    finally:
        sending.close()


async def _tell_state(sender: Sender, gate: Gate) -> None:
    """Keeps a small file for whoever shows the systems: {"state": "up" | "paused" | "outage until 11:20", "since"}."""
    path = Path(sender.state) if sender.state else sender.outbox.with_suffix(".state.json")
    told = None
    while True:
        state = "up" if gate.is_open() else gate.why
        if state != told:
            beside = path.with_name(f".{path.name}.new")
            beside.write_bytes(msgspec.json.encode({"state": state, "since": _now()}))
            beside.replace(path)
            told = state
        await asyncio.sleep(_LOOK_SECONDS)
