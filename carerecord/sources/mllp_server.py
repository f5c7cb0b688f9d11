"""Hears HL7 v2 over MLLP: many connections, one message at a time on each, none acknowledged before it is delivered.

What bounds it: connections, bytes of a message and of all, seconds for a message, seconds of silence, messages waiting.
A sender whose messages are delivered slowly is read slowly; the network holds the rest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec

from carerecord import clock, logs
from carerecord.formats import hl7v2
from carerecord.model import Problem
from carerecord.settings import Settings
from carerecord.sources.framing import Framer, FrameTooLarge, frame
from carerecord.sources.tls import tls_context

WAITING_MAX = 16  # whole messages held for a connection while one of them is being delivered
HELD_BYTES_MAX = 268_435_456  # of messages that have begun and not ended, over all connections
JUNK_BYTES_MAX = 65_536  # so much without a message: it does not speak MLLP
FRAME_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 30.0
HANDSHAKE_SECONDS_MAX = 10.0
READ_BYTES_MAX = 262_144  # at once, from one connection


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """Who is at the other end, as the network knows it; never who a message says it is."""

    address: str
    port: int
    certificate_subject: str | None = None  # "commonName=lab.example" where TLS asked for a certificate


Deliver = Callable[[bytes, Peer], Awaitable[bytes]]


async def serve(
    settings: Settings,
    *,
    deliver: Deliver,
    frame_seconds_max: float = FRAME_SECONDS_MAX,
    stop_seconds_max: float = STOP_SECONDS_MAX,
) -> Listener:
    """Begin to listen. Each message is given to `deliver`, and answers go back in the order in which messages came.

    A `deliver` that gives a future rather than a coroutine saves a task for each message.
    """
    loop = asyncio.get_running_loop()
    listener = Listener(settings, deliver, frame_seconds_max=frame_seconds_max, stop_seconds_max=stop_seconds_max)
    tls = tls_context(settings)
    listener._server = await loop.create_server(
        lambda: _Connection(listener),
        settings.listen_host,
        settings.listen_port,
        ssl=tls,
        ssl_handshake_timeout=HANDSHAKE_SECONDS_MAX if tls else None,
        backlog=settings.listen_connections_max,
    )
    listener.port = int(listener._server.sockets[0].getsockname()[1])  # Port 0 asks for any that is free.
    listener._watching = loop.create_task(listener._watch())
    logs.say(logs.Line.LISTENING, port=listener.port, tls=int(tls is not None))
    return listener


class Listener:
    """A running server. `stop` lets what was given to `deliver` come to its answer, and takes nothing more."""

    def __init__(
        self, settings: Settings, deliver: Deliver, *, frame_seconds_max: float, stop_seconds_max: float
    ) -> None:
        self.deliver = deliver
        self.connections: set[_Connection] = set()
        self.working: set[_Connection] = set()  # those with a message that is being delivered, or an answer unread
        self.buffer = memoryview(bytearray(READ_BYTES_MAX))  # what is read is taken out of it before anything else is
        self.held_bytes = 0
        self.connections_max = settings.listen_connections_max
        self.message_bytes_max = settings.listen_message_bytes_max
        self.idle_seconds_max = float(settings.listen_idle_seconds_max)
        self.frame_seconds_max = frame_seconds_max
        self.stop_seconds_max = stop_seconds_max
        self.junk_bytes = 0  # of connections that have ended
        self.is_stopping = False
        self.port = settings.listen_port
        self._server: asyncio.Server | None = None
        self._watching: asyncio.Task[None] | None = None
        self._rested: asyncio.Future[None] | None = None

    def rest(self, connection: _Connection) -> None:
        """Nothing of this connection is being delivered."""
        self.working.discard(connection)
        if self._rested is not None and not self.working and not self._rested.done():
            self._rested.set_result(None)

    async def stop(self) -> None:
        self.is_stopping = True
        if self._server is not None:
            self._server.close()
        if self._watching is not None:
            self._watching.cancel()
        for connection in list(self.connections):
            connection.finish()
        if self.working:
            self._rested = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._rested], timeout=self.stop_seconds_max)
        unfinished = list(self.working)
        for connection in unfinished:
            connection.cancel()
        for connection in list(self.connections):
            connection.close()
        await asyncio.sleep(0)  # Transports say goodbye in the next turn of the loop.
        logs.say(logs.Line.STOPPED, unfinished=len(unfinished))

    async def _watch(self) -> None:
        """One look over all connections now and then is cheaper than a timer for each message."""
        loop = asyncio.get_running_loop()
        pause = max(0.02, min(1.0, self.idle_seconds_max / 4, self.frame_seconds_max / 4))
        while True:
            await asyncio.sleep(pause)
            for connection in list(self.connections):
                connection.check_limits(loop.time())


class _Connection(asyncio.BufferedProtocol):
    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._framer = Framer(bytes_max=listener.message_bytes_max)
        self._waiting: deque[bytes] = deque()
        self._transport: asyncio.Transport | None = None
        self._delivering: asyncio.Future[bytes] | None = None
        self._is_unread = False  # the sender does not read its answers
        self._is_paused = False
        self._is_ending = False  # nothing more is taken from this connection
        self._too_large: bytes | None = None  # the beginning of a message that is refused for its size
        self._held_bytes = 0
        self._loop = asyncio.get_running_loop()
        self._last_at = self._loop.time()
        self._began_at: float | None = None  # when the message that is still incomplete began
        self._peer = Peer(address="", port=0)

    # --- what the event loop says -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        listener = self._listener
        self._transport = cast(asyncio.Transport, transport)
        if listener.is_stopping or len(listener.connections) >= listener.connections_max:
            logs.say(logs.Line.CONNECTION_REFUSED, open=len(listener.connections))
            self._transport.abort()
            return
        listener.connections.add(self)
        self._peer = _peer(self._transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._listener.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._last_at = self._loop.time()
        if self._is_ending:
            return
        self._framer.take(self._listener.buffer[:nbytes])
        self._take_messages()
        if self._waiting or self._too_large is not None:
            self._go_on()

    def pause_writing(self) -> None:
        # The sender does not read its answers: it gets no more of them until it does.
        self._is_unread = True

    def resume_writing(self) -> None:
        self._is_unread = False
        if self in self._listener.working:
            self._go_on()

    def eof_received(self) -> bool:
        # A sender may close its half and still wait for answers. TLS knows no half-closed connection.
        self._is_ending = True
        over_tls = self._transport is not None and self._transport.get_extra_info("ssl_object") is not None
        return self in self._listener.working and not over_tls

    def connection_lost(self, exc: Exception | None) -> None:
        # What was given to `deliver` runs to its end: it may be in the middle of a commit. The sender sends it again.
        self._is_ending = True
        self._waiting.clear()
        self._listener.connections.discard(self)
        self._listener.held_bytes -= self._held_bytes
        self._held_bytes = 0
        self._listener.junk_bytes += self._framer.junk
        self.resume_writing()

    # --- one message after the other ----------------------------------------------------------------------------------

    def _take_messages(self) -> None:
        framer, waiting = self._framer, self._waiting
        had = len(waiting)
        try:
            while len(waiting) < WAITING_MAX and (message := framer.next()) is not None:
                waiting.append(message)
        except FrameTooLarge as large:
            self._too_large = large.beginning
            self._is_ending = True
        if framer.junk > JUNK_BYTES_MAX:
            self._close_by_limit("junk")
            return
        self._count_held(framer.held_bytes)
        if not framer.is_inside:
            self._began_at = None
        elif self._began_at is None or len(waiting) > had:
            self._began_at = self._loop.time()
        if len(waiting) >= WAITING_MAX or self._is_ending:
            self._pause()

    def _go_on(self) -> None:
        """Deliver the next message, if nothing is in its way; where there is none, be at rest."""
        if self._delivering is not None or self._is_unread:
            return
        if not self._waiting and self._is_paused and not self._is_ending:
            self._resume()
        if self._waiting:
            self._listener.working.add(self)
            try:
                self._delivering = asyncio.ensure_future(
                    self._listener.deliver(self._waiting.popleft(), self._peer), loop=self._loop
                )
            except Exception as error:
                self._fail(error)
            else:
                self._delivering.add_done_callback(self._answer)
            return
        if self._too_large is not None:
            self._refuse_too_large(self._too_large)
        self._rest()

    def _answer(self, delivered: asyncio.Future[bytes]) -> None:
        self._delivering = None
        if delivered.cancelled():
            return self._rest()
        if (error := delivered.exception()) is not None:
            return self._fail(error)
        self._last_at = self._loop.time()
        if self._transport is None or self._transport.is_closing():
            return self._rest()
        self._transport.write(frame(delivered.result()))
        return self._go_on()

    def _fail(self, error: BaseException) -> None:
        # No answer: the sender keeps the message and sends it again. Nothing of the error is told to it.
        logs.say(logs.Line.DELIVERY_FAILED, kind=type(error).__name__)
        self._is_ending = True
        if self._transport is not None:
            self._transport.abort()
        self._rest()

    def _rest(self) -> None:
        self._listener.rest(self)
        if self._is_ending:
            self.close()

    def _count_held(self, held_bytes: int) -> None:
        """Connections and sizes are bounded one by one; together they could still be more than the machine has."""
        listener = self._listener
        listener.held_bytes += held_bytes - self._held_bytes
        self._held_bytes = held_bytes
        if listener.held_bytes > HELD_BYTES_MAX and held_bytes:
            self._close_by_limit("memory")

    def _refuse_too_large(self, beginning: bytes) -> None:
        limit = self._listener.message_bytes_max
        logs.say(logs.Line.MESSAGE_TOO_LARGE, bytes_max=limit)
        sentence = f"The message is larger than {limit} bytes: send it in parts."
        problem = Problem(segment="MSH", field="", rule="size", sentence=sentence, fatal=True)
        answer = hl7v2.acknowledge(
            beginning, code="AR", problems=[problem], at=clock.now(), control_id=clock.random_token()[:20]
        )
        self._too_large = None
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(answer))

    def _pause(self) -> None:
        if not self._is_paused and self._transport is not None and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        """What is held already comes first; only then is more read."""
        self._take_messages()
        if self._transport is not None and not self._is_ending and len(self._waiting) < WAITING_MAX:
            self._is_paused = False
            self._began_at = self._loop.time() if self._framer.is_inside else None
            self._transport.resume_reading()

    # --- limits and ending --------------------------------------------------------------------------------------------

    def check_limits(self, now: float) -> None:
        if self in self._listener.working:
            if self._is_unread and now - self._last_at > self._listener.frame_seconds_max:
                self._close_by_limit("answers-unread")
        elif self._began_at is not None and now - self._began_at > self._listener.frame_seconds_max:
            self._close_by_limit("slow")
        elif now - self._last_at > self._listener.idle_seconds_max:
            self._close_by_limit("idle")

    def _close_by_limit(self, limit: str) -> None:
        logs.say(logs.Line.CONNECTION_CLOSED, limit=limit)
        self._is_ending = True
        self._waiting.clear()
        if self._transport is not None:
            self._transport.abort()

    def finish(self) -> None:
        """Take nothing more. What waits was never given on: its sender will send it again."""
        self._is_ending = True
        self._waiting.clear()
        self._pause()

    def cancel(self) -> None:
        """Wait no longer for what is being delivered."""
        if self._delivering is not None:
            self._delivering.cancel()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _peer(transport: asyncio.Transport) -> Peer:
    name = transport.get_extra_info("peername") or ("", 0)
    certificate = transport.get_extra_info("peercert")
    subject = None
    if certificate:
        parts = [f"{key}={_escape(text)}" for group in certificate.get("subject", ()) for key, text in group]
        subject = ",".join(parts) or None
    return Peer(address=str(name[0]), port=int(name[1]), certificate_subject=subject)


def _escape(text: str) -> str:
    """No value of a name may pass for two of them (RFC 4514 §2.4)."""
    return text.replace("\\", "\\\\").replace(",", "\\,")
