"""The demonstration itself, started by its own command once for all journeys."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests import browser as browsers
from tests.system import free_port

ROOT = Path(__file__).parents[2]
WORKERS_MAX = 4  # as `make test` starts them
READY_SECONDS_MAX = 240  # The promise: everything is up within four minutes.


class Region:
    """The running demonstration and what it tells of itself."""

    def __init__(self, home: Path, process: subprocess.Popen[bytes]) -> None:
        self.home, self.process = home, process
        self.told: dict[str, Any] = json.loads((home / "endpoints.json").read_text())
        self.truth: dict[str, Any] = json.loads(Path(self.told["truth"]).read_text())

    @property
    def oxford(self) -> str:
        return str(self.told["neighbours"][0]["address"])

    def environment(self) -> dict[str, str]:
        """For the operator's commands."""
        named = {
            "CARERECORD_HOME": self.home / "carerecord",
            "CARERECORD_REGION": self.home / "region" / "region.toml",
            "CARERECORD_WITNESS_SEALS": self.home / "seals",
        }
        return os.environ | {name: str(value) for name, value in named.items()}

    def operate(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "carerecord", *words],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
        )


def free_base() -> int:
    """The first of 32 web ports in a row that are free, below those that the system hands out to connections. Each
    process of tests has its own: what another has chosen and not yet bound looks free."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        base = 20_000 + 40 * (WORKERS_MAX * random.randrange(300 // WORKERS_MAX) + worker % WORKERS_MAX)
        if all(_is_free(port) for port in range(base, base + 32)):
            return base


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture(scope="session")
def region() -> Iterator[Region]:
    home = Path(tempfile.mkdtemp(prefix="carerecord-demo-"))
    home.chmod(0o711)
    command = [sys.executable, "-m", "demo", "--quiet", "--home", str(home)]
    command += ["--port-base", str(free_base()), "--mllp-port", str(free_port())]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    os.set_blocking(process.stdout.fileno(), False)
    said, until = b"", time.monotonic() + READY_SECONDS_MAX
    while b"\nReady" not in said:
        said += process.stdout.read() or b""
        assert process.poll() is None, said.decode()[-3000:]
        assert time.monotonic() < until, said.decode()[-3000:]
        time.sleep(0.05)
    yield Region(home, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """One for each module: while it is open its own event loop runs in this thread, and no test may begin another."""
    with browsers.chromium() as started:
        yield started
