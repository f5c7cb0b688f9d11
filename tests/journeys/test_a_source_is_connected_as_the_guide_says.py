"""Every command of docs/howto/connect-a-source.md, as it stands there, against the demonstration."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.journeys.conftest import ROOT, Region

GUIDE = ROOT / "docs" / "howto" / "connect-a-source.md"


def test_every_command_of_the_guide_does_what_the_guide_says(region: Region) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(blocks)],
        cwd=ROOT,
        env=os.environ | {"DEMO": str(region.home), "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = done.stdout
    assert (done.returncode, done.stderr) == (0, "")
    at = 0
    for words in (
        "gp-mile-end",
        "MSA|AA|TRY1",
        "MSA|AE|TRY2",
        "ERR||PID",
        "/fhir/Patient/",
        "/fhir/Observation/",
        "400",
        "Observation.status",
        "done/try-3.json",
        "waiting",
        "/fhir/Patient/",
        ": waiting",
        ": recorded",
        "is 1 identity.",
        "usage: carerecord patient-index unlink",
    ):
        found = said.find(words, at)
        assert found >= 0, (words, said[at:])
        at = found + len(words)
