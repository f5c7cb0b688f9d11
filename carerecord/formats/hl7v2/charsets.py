"""Which characters the bytes are: MSH-18, then the source's own, then UTF-8, then Windows-1252; never ASCII."""

from __future__ import annotations

import codecs
from functools import lru_cache

# HL7 table 0211, and what senders write instead. Not ASCII: whoever says ASCII has not thought of it.
_NAMES = {
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "8859/1": "windows-1252",  # As browsers do: the letters are the same, and Windows quotation marks are not lost.
    "ISO-8859-1": "windows-1252",
    "ISO8859-1": "windows-1252",
    "WINDOWS-1252": "windows-1252",
    "CP1252": "windows-1252",
    "8859/2": "iso8859-2",
    "8859/15": "iso8859-15",
    "ISO-8859-15": "iso8859-15",
}
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xc3\xaf\xc2\xbb\xc2\xbf", "utf-8"),  # A byte-order mark that somebody has encoded a second time.
)


def decode(content: bytes, *, declared: str, expected: str) -> tuple[str, str | None]:
    """The text, and why the declared characters were not believed (None where they were)."""
    mark = next((mark for mark, _ in _MARKS if content.startswith(mark)), b"")
    if content[len(mark) :].isascii() and mark[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        return content[len(mark) :].decode("ascii"), None
    named = find_charset(declared)
    marked = dict(_MARKS).get(mark)
    if marked == "utf-16":
        return content.decode("utf-16", "replace"), None
    content = content[len(mark) :]
    if named is None:
        for charset in dict.fromkeys((find_charset(expected) or "utf-8", "utf-8")):
            if (text := _strictly(content, charset)) is not None:
                return text, None
        return _at_last(content), None
    if named != "utf-8":
        # Text in one of the single-byte sets is never by accident sound UTF-8: such a declaration is a stale setting.
        if (text := _strictly(content, "utf-8")) is not None:
            return text, "another character set than the one that was sent"
        return _strictly(content, named) or _at_last(content), None
    if (text := _strictly(content, named)) is not None:
        return text, None
    return _at_last(content), "a character set that its bytes do not follow"


@lru_cache(maxsize=256)
def find_charset(name: str) -> str | None:
    """Python's name of a character set as HL7 writes it; None where there is none, or where it says ASCII."""
    found = _NAMES.get(name.strip().upper())
    if found or not name or len(name) > 40:
        return found
    try:
        known = codecs.lookup(name.strip())
    except (LookupError, ValueError):
        return None
    return known.name if known.name.startswith(("utf-8", "iso8859", "cp125")) else None


def _strictly(content: bytes, charset: str) -> str | None:
    try:
        return content.decode(charset)
    except UnicodeError:
        return None


def _at_last(content: bytes) -> str:
    """Windows-1252, with the five bytes that it does not define as Latin-1 has them: no byte is ever lost."""
    return _strictly(content, "windows-1252") or content.decode("latin-1")
