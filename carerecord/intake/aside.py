"""Big messages, and those with a PDF, are translated in a process aside: others need not wait, and limits end it."""

from __future__ import annotations

import asyncio
import struct
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

import carerecord
from carerecord import logs
from carerecord.intake.files import has_pdf, words_of_pdf
from carerecord.intake.reading import Lists, read
from carerecord.model import Original, Reading, Source

START_SECONDS_MAX = 30
ASIDE_BYTES = 256 << 10  # From here on a translation may take more of the loop's time than others can wait.
MEMORY_BYTES_MAX = 2 << 30
_LENGTH = struct.Struct(">Q")
_READY = b"ready"
_ROOT = str(Path(carerecord.__file__).parents[1])
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from carerecord.intake.aside import main; main()"
_read_reading = msgspec.msgpack.Decoder(Reading).decode
_read_task = msgspec.msgpack.Decoder(tuple[Original, Source, Lists, bool]).decode
_encode = msgspec.msgpack.Encoder().encode


def goes_aside(content: bytes) -> bool:
    return len(content) >= ASIDE_BYTES or has_pdf(content)


class AsideFailed(Exception):
    """The process aside ended before it had answered: the message is parked, and the next one gets a new process."""


class AsideTooSlow(Exception):
    """The translation took longer than CARERECORD_TRANSLATE_SECONDS_MAX: the message is parked."""


class Aside:
    """One process, started when first needed, killed and replaced when it fails or is too slow; one message a time."""

    def __init__(self, *, seconds_max: float) -> None:
        self._seconds_max = seconds_max
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def translate(self, original: Original, source: Source, *, lists: Lists = ()) -> Reading:
        """A PDF that ends the process is not read: what the message says is kept all the same."""
        try:
            return await self._translate(original, source, lists, reads_files=True)
        except (AsideFailed, AsideTooSlow) as failed:
            if not has_pdf(original.content):
                raise
            logs.say(logs.Line.FILE_NOT_READ, source=source.id, kind=type(failed).__name__)
        return await self._translate(original, source, lists, reads_files=False)

    async def _translate(self, original: Original, source: Source, lists: Lists, *, reads_files: bool) -> Reading:
        async with self._turn:
            answered = False
            try:
                process = self._process or await self._start()
                answer = await self._ask(process, _encode((original, source, lists, reads_files)))
                answered = True
            except (OSError, EOFError, asyncio.IncompleteReadError) as error:
                raise AsideFailed from error
            finally:
                if not answered:  # Also where the caller was cancelled: a late answer must not go to the next one.
                    await self.close()
        return _read_reading(answer)

    async def close(self) -> None:
        process, self._process = self._process, None
        if process and process.returncode is None:
            process.kill()
            await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _PROGRAM,
            _ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                await _read(process)
        except TimeoutError as error:
            raise AsideFailed from error
        return process

    async def _ask(self, process: asyncio.subprocess.Process, task: bytes) -> bytes:
        try:
            async with asyncio.timeout(self._seconds_max):
                assert process.stdin is not None
                process.stdin.write(_LENGTH.pack(len(task)) + task)
                await process.stdin.drain()
                return await _read(process)
        except TimeoutError as error:
            raise AsideTooSlow from error


async def _read(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
    return await process.stdout.readexactly(length)


def main() -> None:
    """The process aside: tasks on standard input, answers on standard output, until its parent is gone."""
    _limit_memory()
    tasks, answers = sys.stdin.buffer, sys.stdout.buffer
    _write(answers, _READY)
    while len(length := tasks.read(_LENGTH.size)) == _LENGTH.size:
        original, source, lists, reads_files = _read_task(tasks.read(_LENGTH.unpack(length)[0]))
        files = words_of_pdf if reads_files else None
        _write(answers, _encode(read(original, source=source, lists=lists, files=files)))


def _write(answers: BinaryIO, answer: bytes) -> None:
    answers.write(_LENGTH.pack(len(answer)) + answer)
    answers.flush()


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
