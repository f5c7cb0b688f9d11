"""The paper: the record as a PDF that can be read, printed, and heard by a screen reader (PDF/UA-1), by typst.

Data goes in as JSON and is never markup: no word of a record can change how the page is made.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any

import msgspec


def draw(data: dict[str, Any]) -> bytes | None:
    """None where the extra `pdf` is not installed."""
    try:
        import typst
    except ImportError:
        return None
    with as_file(files("carerecord.stewardship.subject_access") / "record.typ") as template:
        made: bytes = typst.compile(
            str(template),
            format="pdf",
            ignore_system_fonts=True,
            sys_inputs={"data": msgspec.json.encode(data, order="sorted").decode()},
            pdf_standards=["ua-1"],
        )
    return made
