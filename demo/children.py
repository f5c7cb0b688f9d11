"""The processes of the demonstration: started, waited for, watched, stopped; none is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

from demo.plan import CannotStart

_ROOT = Path(__file__).parent.parent


def _die_with_parent() -> None:
    """On Linux the system itself ends the child when we are killed without a chance to stop it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Child:
    """One process. Its output is kept in a file; the line that says it is ready is watched for."""

    def __init__(self, name: str, log: Path, ready_line: str) -> None:
        self.name = name
        self.log = log
        self._ready_line = ready_line
        self.ready = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self, module: list[str], *, environment: dict[str, str] | None = None, stop_with_us: bool) -> None:
        """Starts `python -m module…` in a session of its own, so that Ctrl-C reaches it through us, in our order."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *module,
            cwd=_ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            stdin=asyncio.subprocess.PIPE if stop_with_us else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process
        assert self._process.stdout
        with self.log.open("ab") as log:
            while chunk := await self._process.stdout.readline():
                log.write(chunk)
                log.flush()
                if chunk.decode("utf-8", "replace").strip() == self._ready_line:
                    self.ready.set()

    @property
    def is_over(self) -> bool:
        return self._process is not None and self._process.returncode is not None

    async def ended(self) -> int:
        """Waits for its end and gives its exit code."""
        assert self._process
        return await self._process.wait()

    async def until_ready(self, *, seconds_max: float) -> None:
        """Raises CannotStart with its last words when it ends or stays silent instead."""
        ready, ended = asyncio.create_task(self.ready.wait()), asyncio.create_task(self.ended())
        try:
            done, _ = await asyncio.wait({ready, ended}, timeout=seconds_max, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            ended.cancel()
        if ended in done and self._reading:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._reading), 2)
        if not self.ready.is_set():
            what = "ended before it was ready" if ended in done else f"was not ready after {seconds_max:.0f} seconds"
            raise CannotStart(f"{self.name} {what}. Its last words, from {self.log}:\n{self.last_words()}")

    def last_words(self, lines: int = 8) -> str:
        if not self.log.exists():
            return "  (none)"
        return (
            "\n".join(f"  {line}" for line in self.log.read_text("utf-8", "replace").splitlines()[-lines:])
            or "  (none)"
        )

    async def stop(self, *, seconds_max: float = 20.0) -> None:
        """SIGTERM, time to finish, then SIGKILL."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), seconds_max)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if self._reading:
            await asyncio.wait([self._reading], timeout=2)
            self._reading.cancel()
