"""Clock, chance and environment enter at the edge; committed files name no machine and no registry."""

import ast
import re
import subprocess
from pathlib import Path

from carerecord import settings

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "carerecord"
# Modules that may ask for the time or for chance: mouths, listeners, the assembly and the operator's hand.
EDGES = {"assembly.py", "clock.py"}


def committed_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def calls(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def test_only_the_edge_asks_the_clock() -> None:
    forbidden = re.compile(
        r"^(datetime\.)?(datetime\.now|datetime\.utcnow|date\.today)$|^time\.time(_ns)?$|^random\.|^secrets\.|^uuid\.uuid[14]$"
    )
    found = {
        f"{path.relative_to(ROOT)}: {call}"
        for path in PACKAGE.rglob("*.py")
        if path.name not in EDGES
        for call in calls(path)
        if forbidden.match(call)
    }
    assert found == set()


def test_only_settings_reads_the_environment() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*.py")
        if path.name != "settings.py" and re.search(r"os\.(environ\b|getenv)", path.read_text(encoding="utf-8"))
    }
    assert found <= {"carerecord/assembly.py"}, "children inherit it; nothing else may look"


def test_every_setting_has_its_reason() -> None:
    assert set(settings.REASONS) == set(settings.Settings.__struct_fields__)


def test_no_committed_file_names_a_registry_host() -> None:
    host = re.compile(rb"https?://[a-z0-9.-]*(pythonhosted|pypi\.|registry\.npm|deb\.debian|/simple/)", re.IGNORECASE)
    found = [str(path.relative_to(ROOT)) for path in committed_files() if host.search(path.read_bytes())]
    assert [name for name in found if name != "tests/walls/test_edges.py"] == []


def test_no_committed_file_names_a_path_of_one_machine() -> None:
    machine = re.compile(rb"(^|[\s\"'=(])/(home|work|root|Users|tmp/bash_jobs)/", re.MULTILINE)
    found = [
        str(path.relative_to(ROOT))
        for path in committed_files()
        if path.suffix not in {".zdict", ".png"} and machine.search(path.read_bytes())
    ]
    assert [name for name in found if name != "tests/walls/test_edges.py"] == []


def test_status_codes_live_at_the_mouths() -> None:
    mouths = {"web", "api", "launch"}
    found = [
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in mouths | EDGES
        and re.search(r"status_code|HTTPStatus|starlette\.status", path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_demo_speaks_only_over_the_wire() -> None:
    imported = re.compile(r"^\s*(from|import) carerecord\b", re.MULTILINE)
    found = [str(path) for path in (ROOT / "demo").rglob("*.py") if imported.search(path.read_text(encoding="utf-8"))]
    assert found == []
