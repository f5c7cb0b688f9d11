"""What every system that sends HL7 v2 does: fills its outbox, sends until answered, keeps the day flowing."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from demo import a_day
from demo.messages import Message, history
from demo.people import Person, generate
from demo.systems.life import ready
from demo.systems.mllp import Line, LineLost
from demo.systems.outbox import Outbox

_LONDON = ZoneInfo("Europe/London")


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """A sending system: which source it is, of which region, to whom it sends."""

    source: str
    name: str
    seed: int
    people: int
    until: date
    mllp_host: str
    mllp_port: int
    outbox: Path
    lanes: int = 4  # Connections at once; one person's messages always take the same one, in order.
    tick_seconds: float = 8.0  # 0: the history only


async def run(sender: Sender, stop: asyncio.Event) -> None:
    people = list(generate(sender.seed, sender.people, until=sender.until))
    outbox = Outbox(sender.outbox, lanes=sender.lanes)
    if outbox.find_note("history") is None:
        outbox.add(_history(people, sender.source), is_history=True, notes={"history": "filled"})
    ready()
    tasks = [
        asyncio.create_task(send_lane(outbox, lane, Line(sender.mllp_host, sender.mllp_port)))
        for lane in range(sender.lanes)
    ]
    if sender.tick_seconds:
        tasks.append(asyncio.create_task(_keep_flowing(sender, people, outbox)))
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


def _history(people: list[Person], source: str) -> list[Message]:
    messages = [message for person in people for message in history(person, source=source)]
    return sorted(messages, key=lambda message: message.at)


async def send_lane(outbox: Outbox, lane: int, line: Line) -> None:
    """Sends one lane in order for ever: the next message only after the last was answered; the same again if not."""
    pause = 0.1
    try:
        while True:
            message = outbox.next_waiting(lane)
            if message is None:
                await asyncio.sleep(0.25)
                continue
            try:
                answer = await line.send(message.content, control_id=message.control_id)
            except LineLost:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
                continue
            pause = 0.1
            state = "acknowledged" if answer.code in ("AA", "CA") else "parked"
            outbox.settle(message.seq, state=state, answer=f"{answer.code} {answer.text}".strip())
    finally:
        line.close()


async def _keep_flowing(sender: Sender, people: list[Person], outbox: Outbox) -> None:
    """One happening after another, counted on disk, so that a restart goes on where it was."""
    number = int(outbox.find_note("tick") or 0)
    while True:
        await asyncio.sleep(sender.tick_seconds)
        number += 1
        at = datetime.now(_LONDON).replace(tzinfo=None, microsecond=0)
        messages = a_day.tick(sender.seed, people, number, at, source=sender.source)
        outbox.add(messages, is_history=False, notes={"tick": str(number)})
