"""How long the whole region takes to come up, and how much memory it holds: `make demo` as anybody starts it."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import msgspec

from benchmarks.harness import free_port
from benchmarks.promise import ROOT, Benchmark, Promise

SECONDS_MAX = 300
PORTS = 32
PROMISES = (
    Promise(name="region_ready", area="region", says="From the command to Ready, in seconds.", at_most=240),
    Promise(name="region_memory", area="region", says="Resident memory of all systems, in GB.", at_most=6),
)


def measure() -> dict[str, tuple[float, str]]:
    home = Path(tempfile.mkdtemp(prefix="carerecord-region-"))
    home.chmod(0o711)
    command = [sys.executable, "-m", "demo", "--quiet", "--home", str(home)]
    command += ["--port-base", str(_base()), "--mllp-port", str(free_port())]
    since = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert process.stdout
        for line in process.stdout:
            if line.startswith(b"Ready"):
                break
            if time.monotonic() - since > SECONDS_MAX:
                raise TimeoutError("The region was not ready in time.")
        ready_seconds = time.monotonic() - since
        told = msgspec.json.decode((home / "endpoints.json").read_bytes())
        page = urllib.request.urlopen(told["operator_page"], timeout=10).read().decode()
        found = re.search(r"(\d+) systems, ready after \d+ seconds, ([\d,]+) MB", page)
        if found is None:
            raise ValueError("The operator's page does not say what everything takes.")
        memory_gb = int(found[2].replace(",", "")) / 1024
        return {
            "region_ready": (round(ready_seconds, 1), f"{found[1]} systems, 2 cores; wall-clock time"),
            "region_memory": (round(memory_gb, 2), f"{found[1]} systems"),
        }
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=90)
        shutil.rmtree(home, ignore_errors=True)


def _base() -> int:
    """A free port with room above it."""
    while (base := free_port()) > 65_000 - PORTS:
        pass
    return base


BENCHMARK = Benchmark(promises=PROMISES, measure=measure, is_long=True)
