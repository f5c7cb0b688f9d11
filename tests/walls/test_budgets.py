"""Small files, short functions: what fits on a few screens can be read at three in the morning."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 70
# Path or path::function -> why it may be longer.
EXCEPTIONS: dict[str, str] = {}


def sources() -> list[Path]:
    return sorted(path for folder in ("carerecord", "demo", "benchmarks") for path in (ROOT / folder).rglob("*.py"))


def test_no_file_is_longer_than_its_budget() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LINES_OF_A_FILE
    }
    assert {name: lines for name, lines in long.items() if name not in EXCEPTIONS} == {}


def test_no_function_is_longer_than_its_budget() -> None:
    long = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                lines = node.end_lineno - node.lineno + 1
                if lines > LINES_OF_A_FUNCTION:
                    long[f"{path.relative_to(ROOT)}::{node.name}"] = lines
    assert {name: lines for name, lines in long.items() if name not in EXCEPTIONS} == {}


def test_every_exception_is_still_needed() -> None:
    names = {name.split("::")[0] for name in EXCEPTIONS}
    assert names <= {str(path.relative_to(ROOT)) for path in sources()}


def test_no_room_is_a_drawer() -> None:
    drawers = {"utils", "util", "helpers", "common", "misc", "shared", "core", "lib"}
    found = [str(path.relative_to(ROOT)) for path in sources() if path.stem in drawers or path.parent.name in drawers]
    assert found == []
