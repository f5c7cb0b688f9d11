"""The commands of the guides on proving and on changing, as they stand there, against the demonstration."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.journeys.conftest import ROOT, Region


@pytest.mark.parametrize(
    ("guide", "said"),
    [
        ("prove-the-audit", ["the chain holds", "events are in", "the chain holds"]),
        ("change-a-policy", ["clinician"]),
        ("open-a-route", ["The record opens.", "Policy version", "The record opens."]),
    ],
)
def test_every_command_of_a_guide_runs_as_it_stands(region: Region, guide: str, said: list[str]) -> None:
    text = (ROOT / "docs" / "howto" / f"{guide}.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(blocks)],
        cwd=ROOT,
        env=os.environ | {"DEMO": str(region.home)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    at = 0
    for words in said:
        found = done.stdout.find(words, at)
        assert found >= 0, (words, done.stdout)
        at = found + len(words)
