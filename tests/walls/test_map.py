"""ARCHITECTURE.md and the code say the same: each room's line is the first line of its docstring."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "carerecord"


def captions_on_the_map() -> dict[str, str]:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([a-z_]+(?:\.py)?)` \| (.+?) \|$", text, re.MULTILINE))


def caption_of(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.splitlines()[0] if docstring else ""


def rooms() -> dict[str, Path]:
    found = {path.parent.name: path for path in PACKAGE.glob("*/__init__.py")}
    return found | {path.name: path for path in PACKAGE.glob("*.py") if not path.name.startswith("__")}


def test_every_room_is_on_the_map_and_nothing_else() -> None:
    assert set(captions_on_the_map()) == set(rooms())


def test_every_caption_on_the_map_is_the_first_line_of_the_room() -> None:
    on_the_map = captions_on_the_map()
    assert {name: caption_of(path) for name, path in rooms().items()} == on_the_map


def test_every_module_opens_with_its_caption() -> None:
    folders = [PACKAGE, ROOT / "demo", ROOT / "benchmarks"]
    silent = [
        str(path.relative_to(ROOT))
        for folder in folders
        for path in folder.rglob("*.py")
        if path.stat().st_size and not re.search(r"([.:?]|https://\S+)$", caption_of(path))
    ]
    assert silent == []


def test_every_file_that_the_map_names_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    entry_points = re.findall(r"`([a-z_]+/[a-z_]+\.py)`", text)
    missing = [link for link in links if not (ROOT / link).exists()]
    missing += [path for path in entry_points if not (PACKAGE / path).exists()]
    assert missing == []
