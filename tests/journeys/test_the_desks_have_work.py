"""What `make demo` does after Ready: each desk has something to do, done over the same wire as anybody's."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.browsing import Browser
from tests.journeys.conftest import READY_SECONDS_MAX, ROOT, Region, free_base
from tests.system import free_port

PRIVACY_OFFICER, OXFORDS = "555000000114", "555000000115"
AT_OXFORD = (
    "The reader seems to be the person whose record it is.",
    "The person works for the reader&#39;s own organisation.",
    "The person lives where the reader lives.",
)
ELSEWHERE = (
    "Emergency access was declared",
    "The reader searched 4 times within 15 minutes",
    "on evidence that Milton Keynes University Hospital NHS Foundation Trust says it does not hold",
)
WORK_SECONDS_MAX = 240


@pytest.fixture(scope="module")
def alive() -> Iterator[Region]:
    """A demonstration of its own, with everything that flows: other journeys want a region that stands still."""
    home = Path(tempfile.mkdtemp(prefix="carerecord-demo-"))
    home.chmod(0o711)
    command = [sys.executable, "-m", "demo", "--home", str(home), "--port-base", str(free_base())]
    log = (home.parent / f"{home.name}.log").open("w+b")
    process = subprocess.Popen(
        [*command, "--mllp-port", str(free_port())], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        _wait_for(home / "endpoints.json", process, log.name, seconds_max=READY_SECONDS_MAX)
        _wait_for(home / "desks.done", process, log.name, seconds_max=WORK_SECONDS_MAX)
        yield Region(home, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        log.close()
        shutil.rmtree(home, ignore_errors=True)


def _wait_for(file: Path, process: subprocess.Popen[bytes], log: str, *, seconds_max: float) -> None:
    until = time.monotonic() + seconds_max
    while not file.exists():
        assert process.poll() is None, Path(log).read_text()
        assert time.monotonic() < until, Path(log).read_text()
        time.sleep(0.5)


async def _cases(region: Region, user: str, wanted: int) -> str:
    """The desk's first page once it lists that many cases: the watch follows the audit some seconds behind."""
    async with Browser(region.told["record"]) as browser:
        await browser.sign_in(user)
        for _ in range(180):  # What neighbours attest is held against the launches every two minutes.
            page = await browser.get(f"{region.told['record']}/desk/privacy")
            assert page.status == 200
            if page.text.count("/desk/privacy/cases/") >= wanted:
                break
            await asyncio.sleep(1)
    return page.text.replace("'", "&#39;")


def test_every_look_that_was_planted_is_a_case_and_nobody_is_named(alive: Region) -> None:
    page = asyncio.run(_cases(alive, PRIVACY_OFFICER, len(AT_OXFORD) + len(ELSEWHERE)))
    assert [sentence for sentence in (*AT_OXFORD, *ELSEWHERE) if sentence not in page] == []
    names = {name for person in alive.truth["people"] for name in (person["family"], person["nhs_number"]) if name}
    assert [name for name in ("Whitlock", "Penhale", "Ogunleye", "Quenby") if name in page] == []
    assert not any(f">{name}<" in page for name in names)


def test_a_neighbours_desk_has_its_own_cases_and_no_others(alive: Region) -> None:
    page = asyncio.run(_cases(alive, OXFORDS, len(AT_OXFORD)))
    assert [sentence for sentence in AT_OXFORD if sentence not in page] == []
    assert [sentence for sentence in ELSEWHERE if sentence in page] == []


def test_an_objection_waits_a_removal_is_done_and_the_audit_holds(alive: Region) -> None:
    def operate(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([alive.told["operate"], *words], capture_output=True, text=True)

    assert "None waits" not in operate("objection", "list", "--by", "a test").stdout
    assert "rectification" in operate("removal", "list").stdout
    verified = operate("witness", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert list(Path(alive.told["seals"]).rglob("*")) != []
