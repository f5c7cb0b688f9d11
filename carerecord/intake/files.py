"""The words of a PDF, for the rules that read letters: within bounds, or not at all.

A PDF is a program of a kind, and hostile ones are made: it is read in the process aside alone, which is killed when it
takes too long or too much (decision record "Words of PDFs"). What cannot be read has no words, and says so.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from types import FrameType
from typing import TYPE_CHECKING, Final

from carerecord.formats import document

if TYPE_CHECKING:
    from pypdf import PdfReader

PAGES_MAX: Final = 300
LETTERS_MAX: Final = 2_000_000
UNPACKED_BYTES_MAX: Final = 32 << 20  # of one stream
SECONDS_MAX: Final = 3.0
_IN_BASE64: Final = b"JVBERi0"  # how a PDF begins


class _TooLong(BaseException):
    """No exception that a library catches in passing."""


def has_pdf(content: bytes) -> bool:
    """Whether an original may hold a PDF; cheap, since it is asked of every message."""
    return _IN_BASE64 in content or content.startswith(document.BEGINS)


def words_of_pdf(content: bytes) -> str | None:
    """None: it cannot be read, or not within bounds. "": it holds pictures of pages and no words."""
    try:
        import pypdf  # noqa: F401  # Half a second: in the process aside alone, and not of a file's time.

        with _within(SECONDS_MAX):
            return _read(content)
    except (Exception, _TooLong, RecursionError, MemoryError):
        return None


def _read(content: bytes) -> str | None:
    from pypdf import PdfReader, apply_configuration

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # It says aloud what stands in a file.
    with apply_configuration(
        zlib_maximum_output_length=UNPACKED_BYTES_MAX,
        lzw_maximum_output_length=UNPACKED_BYTES_MAX,
        run_length_maximum_output_length=UNPACKED_BYTES_MAX,
        array_based_stream_maximum_output_length=UNPACKED_BYTES_MAX,
        jbig2dec_binary=None,  # No program of another hand is started for a file of another hand.
    ):
        return _words(PdfReader(BytesIO(content), strict=False))


def _words(reader: PdfReader) -> str | None:
    if reader.is_encrypted and not reader.decrypt(""):
        return None
    if len(reader.pages) > PAGES_MAX:
        return None  # Part of the words is not the words.
    found: list[str] = []
    letters = 0
    for page in reader.pages:
        words = page.extract_text()
        letters += len(words)
        if letters > LETTERS_MAX:
            return None
        found.append(words)
    return "\n".join(found)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Ends what takes more of the processor's time, however busy the machine. Only a process's main thread can be
    interrupted so: the process aside has no other. What hangs without working, the process's own limit ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ended(number: int, frame: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGPROF, ended)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
