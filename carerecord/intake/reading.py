"""What an original says, with how much care each part of it needs; or that it is of a kind that is never kept."""

from __future__ import annotations

from carerecord.formats.translate import translate
from carerecord.model import Original, Reading, Source
from carerecord.organisations import SensitiveCodes
from carerecord.sensitivity import Files, labelled, never_kept

Lists = tuple[SensitiveCodes, ...]


def read(original: Original, *, source: Source, lists: Lists = (), files: Files | None = None) -> Reading:
    """`lists`: those that the region adds to the record's own. `files`: reads the words of a PDF."""
    if refusal := never_kept(original, source=source):
        return Reading(message_type="", control_id=original.control_id, problems=(refusal,))
    return labelled(translate(original, source=source), source=source, own=lists, files=files)
