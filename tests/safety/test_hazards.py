"""The hazard log and the tests agree: what is said to be controlled is proven, and what is proven is said."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HAZARDS: dict[str, dict[str, Any]] = tomllib.loads((ROOT / "docs/safety/hazards.toml").read_text(encoding="utf-8"))
FIELDS = {"title", "severity", "likelihood", "status", "control", "tests"}
STATUSES = {"controlled", "partial", "not-built"}


def test_hazards_are_numbered_in_order_without_a_gap() -> None:
    assert len(HAZARDS) >= 25
    assert list(HAZARDS) == [f"H{number:02}" for number in range(1, len(HAZARDS) + 1)]


@pytest.mark.parametrize("name", list(HAZARDS))
def test_a_hazard_says_everything_that_a_safety_officer_asks(name: str) -> None:
    hazard = HAZARDS[name]
    assert set(hazard) == FIELDS
    assert hazard["status"] in STATUSES
    assert hazard["severity"] in range(1, 6)
    assert hazard["likelihood"] in range(1, 6)
    assert hazard["control"].endswith(".")
    assert not hazard["title"].endswith(".")


@pytest.mark.parametrize("name", list(HAZARDS))
def test_a_control_is_proven_by_a_test_that_is_there(name: str) -> None:
    hazard = HAZARDS[name]
    if hazard["status"] == "not-built":
        assert hazard["tests"] == []
        return
    assert hazard["tests"], "a control that nothing proves is a hope"
    for path in hazard["tests"]:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(r"^(?:async )?def test_", text, re.MULTILINE), path
    own = [path for path in hazard["tests"] if Path(path).name.startswith(f"test_{name.lower()}_")]
    assert own, "one test file is the hazard's own"
    assert (ROOT / own[0]).read_text(encoding="utf-8").startswith(f'"""{name}: ')


@pytest.mark.parametrize("name", [name for name, hazard in HAZARDS.items() if hazard["status"] == "partial"])
def test_a_partial_control_says_what_is_missing(name: str) -> None:
    said = HAZARDS[name]["control"]
    assert re.search(r"\bnot\b|\bno\b|\bonly\b|the deployment's", said, re.IGNORECASE), said


def test_a_test_of_a_hazard_is_named_by_its_hazard() -> None:
    for path in sorted(Path(__file__).parent.glob("test_h[0-9][0-9]_*.py")):
        name = path.name[5:8].upper()
        assert f"tests/safety/{path.name}" in HAZARDS[name]["tests"], path.name
