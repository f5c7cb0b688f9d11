"""Makes a small RTF of a letter: what hospital systems in the manner of Epic send their letters as."""

from __future__ import annotations


def letter_as_rtf(title: str, lines: tuple[str, ...]) -> bytes:
    """The title in bold, one paragraph a line; letters beyond ASCII as RTF writes them."""
    body = "\\par\n".join(_literal(line) for line in lines)
    head = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Arial;}}\f0\fs20"
    return f"{head}\n{{\\b {_literal(title)}}}\\par\n\\par\n{body}\\par\n}}".encode("ascii")


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("{", "\\{").replace("}", "\\}")
    if escaped.isascii():
        return escaped
    return "".join(letter if letter.isascii() else _unicode(letter) for letter in escaped)


def _unicode(letter: str) -> str:
    """Each half of UTF-16 as a signed number, with a question mark for readers that know no better."""
    units = letter.encode("utf-16-le")
    found = (int.from_bytes(units[place : place + 2], "little", signed=True) for place in range(0, len(units), 2))
    return "".join(f"\\u{unit}?" for unit in found)
