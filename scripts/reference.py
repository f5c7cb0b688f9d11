"""Writes the generated pages of docs/reference; with --check, says which are out of date."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from carerecord import access, api, launch, logs, settings, web
from carerecord.audit import kinds
from carerecord.cli import parser
from carerecord.stewardship.ledger_values import LedgerPage

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
    read = access.guardian(on=access.SHIPPED.matrix.review, policies=access.SHIPPED)
    lines = ["# Who may see what", "", MADE, access.matrix(access.SHIPPED).rstrip()]
    headings, labels = read.always_shown
    lines += ["", f"Under {', '.join(headings)}, none of these labels hides anything: {', '.join(labels)}."]
    lines += ["", "## Policies", "", "| policy | says | basis |", "| --- | --- | --- |"]
    lines += [f"| {row.id} | {row.sentence} | {row.basis} |" for row in read.policies]
    lines += [
        "",
        "## What a statute bars",
        "",
        "Hidden from everybody, in an emergency too, unless a Guardian opens a route.",
    ]
    lines += ["", "| label | statute | its own exception | source | review by |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {bar.label} | {bar.statute} | {bar.exception} | {bar.source} | {bar.review} |" for bar in read.bars]
    lines += ["", "## National activity codes", "", "| code | name | grants | source |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {each.code} | {each.name} | {', '.join(each.grants) or 'nothing'} | {each.source} |"
        for each in read.activities
    ]
    return "\n".join(lines) + "\n"


def page_of_commands() -> str:
    lines = ["# Commands", "", MADE, "```", parser().format_help().rstrip(), "```"]
    return "\n".join(lines) + "\n"


def page_of_ledger() -> str:
    """What `GET /my-record/looks.json` answers to the person who is signed in."""
    schema = msgspec.json.format(msgspec.json.encode(msgspec.json.schema(LedgerPage)), indent=2).decode()
    lines = ["# A person's own ledger", "", MADE, "`GET /my-record/looks.json`, for the person who is signed in there."]
    lines += ["Parameters: `kind=sent`, `organisation` (ODS code), `months` (3, 12, 36), `page`.", ""]
    return "\n".join([*lines, "```json", schema, "```"]) + "\n"


def page_of_openapi() -> str:
    table = (*web.routes, *launch.routes, *api.routes)
    said = api.document(table, title="Shared care record", version="1")
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def page_of_audit() -> str:
    return "\n".join(["# What the audit holds", "", MADE, *kinds.page()]) + "\n"


PAGES = {
    "audit.md": page_of_audit,
    "openapi.json": page_of_openapi,
    "settings.md": page_of_settings,
    "log-lines.md": page_of_log_lines,
    "routes.md": page_of_routes,
    "ledger.md": page_of_ledger,
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
