"""SQL stands in .sql files: a string in a Python file that reads like a statement is refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATEMENT = re.compile(
    r"""^\s*(--[^\n]*\n\s*)*(
        select\b.*\bfrom\b | select\s+[\w.]+\s*\( | with\b.*\bas\s*\(
      | insert\s+into\b | update\b.*\bset\b | delete\s+from\b
      | (create|alter|drop)\s+(or\s+replace\s+)?(table|schema|index|role|database|function|sequence|view|type)\b
      | (grant|revoke)\b.*\b(on|to|from)\b | (set|reset)\s+(local\s+)?role\b | truncate\b | copy\b.*\b(from|to)\b
      | lock\s+table\b | do\s+\$
    )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
# A sentence begins like a statement now and then; it also ends like a sentence, which no statement does.
SENTENCE = re.compile(r"^[A-Z][a-z][^;]*[.:]\s*$", re.DOTALL)


def statements(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each string that reads like SQL, docstrings apart."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if id(node) in docstrings:
            continue
        text = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else " something " for part in node.values)
        if STATEMENT.search(text) and not SENTENCE.match(text):
            yield node.lineno, text


def test_no_python_file_holds_a_statement() -> None:
    files = sorted((ROOT / "carerecord").rglob("*.py"))
    assert len(files) > 10
    found = [
        f"{file.relative_to(ROOT)}:{line}: {text.strip()[:60]!r} belongs in a queries.sql"
        for file in files
        for line, text in statements(file.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "statement",
    [
        "select 1 from x",
        "\n  SELECT a\n FROM b",
        "select pg_notify('a')",
        "insert into x values (1)",
        "update x set y = 1",
        "delete from x",
        "with a as (select 1) select",
        "set role someone",
        "create table x (n int)",
        "-- why\nselect a from b",
    ],
)
def test_a_statement_is_known_when_it_is_seen(statement: str) -> None:
    assert list(statements(f"QUERY = {statement!r}"))
    assert not list(statements(f"def f():\n    {statement!r}\n"))


@pytest.mark.parametrize(
    "text",
    ["Select a patient from the list.", "update", "With whom as a rule", "set", "from", "Delete from the list: ask."],
)
def test_prose_is_not_taken_for_a_statement(text: str) -> None:
    assert not list(statements(f"SAID = {text!r}"))


def test_a_formatted_statement_is_seen_too() -> None:
    assert list(statements('QUERY = f"select a from {table}"'))
