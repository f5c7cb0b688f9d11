r"""Escape sequences of HL7 v2 text (chapter 2.7): \T\, \.br\, \X..\ and the rest."""

from __future__ import annotations

from collections.abc import Mapping

_LINES_MAX = 50  # \.sp999999999\ must not become a gigabyte.
_SEQUENCE_MAX = 4096  # A closing character further away than this belongs to something else.


def unescape(text: str, *, escape: str, delimiters: Mapping[str, str]) -> str:
    """The text as its author wrote it. What is no escape sequence stays as it stands, such as the path C:\\temp."""
    if escape not in text:
        return text
    parts: list[str] = []
    position = 0
    while True:
        opening = text.find(escape, position)
        if opening < 0:
            parts.append(text[position:])
            return "".join(parts)
        parts.append(text[position:opening])
        closing = text.find(escape, opening + 1, opening + _SEQUENCE_MAX)
        meaning = None if closing < 0 else _meaning(text[opening + 1 : closing], delimiters)
        if meaning is None:
            parts.append(escape)  # The next one may open a true sequence, so only this character is passed over.
            position = opening + 1
        else:
            parts.append(meaning)
            position = closing + 1


def _meaning(sequence: str, delimiters: Mapping[str, str]) -> str | None:
    """What stands for \\sequence\\, or None where it is no sequence of the standard."""
    if (delimiter := delimiters.get(sequence)) is not None:
        return delimiter
    if sequence in {"H", "N"}:  # Highlighting: the words are what counts.
        return ""
    kind, rest = sequence[:1], sequence[1:]
    if kind == "X":
        return _from_hexadecimal(rest)
    if kind == "." and len(sequence) <= 8:
        return _format_command(sequence[1:3].lower(), sequence[3:])
    return None


def _from_hexadecimal(digits: str) -> str | None:
    try:
        content = bytes.fromhex(digits)
    except ValueError:
        return None
    if not content:
        return None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("windows-1252", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _format_command(command: str, argument: str) -> str | None:
    number = argument.strip().lstrip("+")
    count = min(int(number), _LINES_MAX) if number.isascii() and number.isdigit() else 1
    if command in {"br", "ce"} and not argument:
        return "\n"
    if command == "sp":
        return "\n" * count
    if command == "sk":
        return " " * count
    if command in {"in", "ti", "fi", "nf"}:  # Indents and filling: they move words on a printer, and change none.
        return ""
    return None
