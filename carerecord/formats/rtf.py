r"""RTF: the words of a letter, and nothing else of it. Nothing is executed, fetched or followed.

In: the bytes of a file. Out: its text, "" where it has none. Rich Text Format 1.9: https://www.biblioscape.com/rtf15_spec.htm
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

BYTES_MAX = 32 * 1024 * 1024
WORDS_MAX = 2_000_000  # characters of text; a letter has some thousands
_TOKENS_MAX = 2_000_000
_DEPTH_MAX = 500
_BLANK_LINES = re.compile(r"\n{3,}")

_TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?"  # a control word with its number
    r"|\\'([0-9a-fA-F]{2})"  # a character of the code page
    r"|\\([^a-zA-Z'])"  # a control symbol
    r"|([{}])"
    r"|([^\\{}\r\n]+)",  # words; line ends between them mean nothing
    re.DOTALL,
)
_LITERALS = {
    "par": "\n",
    "line": "\n",
    "sect": "\n",
    "page": "\n",
    "row": "\n",
    "nestrow": "\n",
    "cell": "\t",
    "nestcell": "\t",
    "tab": "\t",
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
}
_SYMBOLS = {"\\": "\\", "{": "{", "}": "}", "~": " ", "_": "-", "-": "", "\n": "\n", "\r": "\n"}
# Groups that hold no words of the letter.
_NO_WORDS = frozenset(
    {
        "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "objdata", "themedata", "datastore",
        "colorschememapping", "latentstyles", "listtable", "listoverridetable", "rsidtbl", "revtbl", "generator",
        "filetbl", "fldinst", "xe", "tc", "bkmkstart", "bkmkend", "nonshppict", "sp", "annotation", "atnid",
        "atnauthor", "xmlnstbl", "mmathPr", "pgptbl", "userprops", "fontemb", "template", "private", "comment",
        "footnotesep", "ftnsep", "ftnsepc", "aftnsep", "aftnsepc", "blipuid", "picprop",
    }
)  # fmt: skip
_STARRED_WITH_WORDS = frozenset({"shpinst", "shptxt", "shppict", "nesttableprops"})
_CODE_PAGES = frozenset({437, 850, 852, 866, 874, *range(1250, 1259)})


class _Group:
    """What holds inside one pair of braces."""

    __slots__ = ("fallback", "is_hidden", "is_skipped")

    def __init__(self, *, is_skipped: bool = False, is_hidden: bool = False, fallback: int = 1) -> None:
        self.is_skipped = is_skipped
        self.is_hidden = is_hidden  # hidden or struck out by a reviser: not what the letter says
        self.fallback = fallback  # \uc: how many characters after \u stand for it in readers that know no Unicode


def is_rtf(content: bytes | str) -> bool:
    mark = b"{\\rtf" if isinstance(content, bytes) else "{\\rtf"
    return content.lstrip()[:5] == mark


def rtf_bytes(text: str) -> bytes:
    """RTF that came as text, as the ASCII that a file of it is: every other character by its number."""
    if text.isascii():
        return text.encode()
    units = text.encode("utf-16-le")
    numbers = (int.from_bytes(units[at : at + 2], "little") for at in range(0, len(units), 2))
    return "".join(chr(unit) if unit < 128 else f"\\u{unit - 65_536 * (unit > 32_767)}?" for unit in numbers).encode()


def text_of_rtf(content: bytes) -> str:
    """The words in order: paragraphs and rows of tables as lines, cells apart by tabs. Never raises."""
    words = "".join(_words(content[:BYTES_MAX].decode("latin-1")))
    # Characters beyond the first 65,536 come as two halves.
    words = words.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
    lines = "\n".join(line.rstrip() for line in words.split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip("\n")


def _words(text: str) -> Iterator[str]:
    here, outer, depth = _Group(), [], 0
    charset, to_skip, length, at = "cp1252", 0, 0, 0
    is_first, is_starred = False, False
    for count, token in enumerate(_TOKEN.finditer(text)):
        if count > _TOKENS_MAX or length > WORDS_MAX:
            return
        if token.start() < at:
            continue  # inside binary data
        word, number, byte, symbol, brace, plain = token.groups()
        said = ""
        if brace == "{":
            depth += 1
            if depth <= _DEPTH_MAX:
                outer.append(here)
                here = _Group(is_skipped=here.is_skipped, is_hidden=here.is_hidden, fallback=here.fallback)
            is_first, is_starred, to_skip = True, False, 0
            continue
        if brace == "}":
            if depth <= _DEPTH_MAX and outer:
                here = outer.pop()
            depth, to_skip = max(0, depth - 1), 0
            continue
        if symbol == "*":
            is_starred = True
            continue
        if word is not None:
            if (is_first and word in _NO_WORDS) or (is_starred and word not in _STARRED_WITH_WORDS):
                here.is_skipped = True
            if word == "bin" and number:
                at = token.end() + max(0, int(number))
            elif word == "ansicpg" and number:
                charset = f"cp{int(number)}" if int(number) in _CODE_PAGES else charset
            elif word == "uc" and number:
                here.fallback = min(max(0, int(number)), 64)
            elif word in {"v", "deleted"}:
                here.is_hidden = number != "0"
            elif word == "plain":
                here.is_hidden = False
            elif word == "u" and number:
                said, to_skip = chr(int(number) & 0xFFFF), here.fallback
            elif to_skip and word in _LITERALS:
                to_skip -= 1
            else:
                said = _LITERALS.get(word, "")
        elif to_skip and plain is None:
            to_skip -= 1
        elif byte is not None:
            said = codecs.decode(bytes.fromhex(byte), charset, "replace")
        elif symbol is not None:
            said = _SYMBOLS.get(symbol, "")
        elif plain is not None:
            plain, to_skip = plain[to_skip:], max(0, to_skip - len(plain))
            said = plain if plain.isascii() else codecs.decode(plain.encode("latin-1"), charset, "replace")
        is_first = is_starred = False
        if said and not here.is_skipped and not here.is_hidden:
            length += len(said)
            yield said
