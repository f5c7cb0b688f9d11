"""Writes the generated pages of docs/reference; with --check, says which are out of date."""

from __future__ import annotations

import sys
from pathlib import Path

from carerecord import access, api, launch, logs, settings, web
from carerecord.cli import parser

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
MADE = "Made by `make docs`; do not edit.\n"


def page_of_settings() -> str:
    lines = ["# Settings", "", MADE, "| variable | default | why |", "| --- | --- | --- |"]
    defaults = settings.Settings()
    for field, variable in zip(settings.Settings.__struct_fields__, settings.variables(), strict=True):
        default = getattr(defaults, field)
        lines.append(f"| `{variable}` | {f'`{default}`' if default != '' else 'none'} | {settings.REASONS[field]} |")
    return "\n".join(lines) + "\n"


def page_of_log_lines() -> str:
    lines = ["# Log lines", "", MADE, "| line | level | says |", "| --- | --- | --- |"]
    lines += [f"| `{line.name}` | {line.value[0]} | {line.value[1]} |" for line in logs.Line]
    return "\n".join(lines) + "\n"


def page_of_routes() -> str:
    lines = ["# Routes", "", MADE, "| method | path | who may | what |", "| --- | --- | --- | --- |"]
    table = (*web.routes, *launch.routes, *api.routes)
    lines += [f"| {route.method} | `{route.path}` | {route.access} | {route.summary} |" for route in table]
    lines += ["", "## Where pushes are heard", ""]
    lines += ["On a port of its own (`CARERECORD_LISTEN_FHIR_PORT`), by the process that may write.", ""]
    lines += ["| method | path | who may | what |", "| --- | --- | --- | --- |"]
    lines += [f"| {route.method} | `{route.path}` | {route.access} | {route.summary} |" for route in api.push_routes]
    return "\n".join(lines) + "\n"


def page_of_matrix() -> str:
    return "\n".join(["# Who may see what", "", MADE, access.matrix().rstrip()]) + "\n"


def page_of_commands() -> str:
    lines = ["# Commands", "", MADE, "```", parser().format_help().rstrip(), "```"]
    return "\n".join(lines) + "\n"


PAGES = {
    "settings.md": page_of_settings,
    "log-lines.md": page_of_log_lines,
    "routes.md": page_of_routes,
    "matrix.md": page_of_matrix,
    "commands.md": page_of_commands,
}


def main() -> int:
    stale = []
    for name, page in PAGES.items():
        path = FOLDER / name
        text = page()
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        print(f"docs/reference is out of date ({', '.join(stale)}): run make docs.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
