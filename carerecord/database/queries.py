"""Named, captioned SQL: reads a room's `queries.sql`, in which alone its SQL may stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- :name ([a-z][a-z0-9_]*)[ \t]*$")


class QueriesUnreadable(Exception):
    """A queries file cannot be used: write for each query `-- :name its_name`, a `-- caption.`, one statement."""

    def __init__(self, package: str, reason: str) -> None:
        super().__init__(f"{package}/queries.sql cannot be used: {reason}")


class _Queries(Mapping[str, str]):
    def __init__(self, package: str, statements: dict[str, str]) -> None:
        self._package = package
        self._statements = statements

    def __getitem__(self, name: str) -> str:
        if name not in self._statements:
            raise QueriesUnreadable(self._package, f"it has no query named {name}.")
        return self._statements[name]

    def __contains__(self, name: object) -> bool:
        return name in self._statements

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


@cache
def queries(package: str) -> Mapping[str, str]:
    """The queries of a room by name, read once: `QUERIES = database.queries(__package__)`."""
    text = resources.files(package).joinpath("queries.sql").read_text(encoding="utf-8")
    return _Queries(package, parse_queries(text, package=package))


def parse_queries(text: str, *, package: str) -> dict[str, str]:
    """Statement by name. Refuses a query without caption or statement, a name used twice, SQL before the first name."""
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in text.splitlines():
        if named := _NAME.match(line):
            if named[1] in found:
                raise QueriesUnreadable(package, f"the name {named[1]} stands twice; give each query its own name.")
            lines = found[named[1]] = []
        elif line.startswith("-- :name"):
            raise QueriesUnreadable(package, f"`{line}` is not a name: use small letters, digits and underscores.")
        elif lines is not None:
            lines.append(line)
        elif line.strip() and not line.startswith("--"):
            raise QueriesUnreadable(package, "there is SQL before the first `-- :name`.")
    return {name: _statement(name, lines, package=package) for name, lines in found.items()}


def _statement(name: str, lines: list[str], *, package: str) -> str:
    if not lines or not re.match(r"^-- *\w", lines[0]):
        raise QueriesUnreadable(package, f"{name} has no caption; say on the next line, after `-- `, what it is for.")
    body = "\n".join(lines)
    if not any(line.strip() and not line.lstrip().startswith("--") for line in lines):
        raise QueriesUnreadable(package, f"{name} has no statement.")
    # The name stays in front as a comment: pg_stat_activity and slow-query logs then speak our language.
    return f"-- {name}\n{_without_leading_comments(body).rstrip().removesuffix(';')}"


def _without_leading_comments(body: str) -> str:
    lines = body.splitlines()
    while lines and (not lines[0].strip() or lines[0].startswith("--")):
        lines.pop(0)
    return "\n".join(lines)
