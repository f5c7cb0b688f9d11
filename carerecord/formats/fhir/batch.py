"""A batch is many pushes in one envelope: each entry is an original of its own (https://hl7.org/fhir/R4/http.html)."""

from __future__ import annotations

import msgspec

from carerecord.fhir.validate import validate
from carerecord.formats.fhir.asked import Asked

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _Envelope(msgspec.Struct):
    resourceType: str = ""  # noqa: N815
    type: str = ""
    timestamp: str = ""
    entry: tuple[msgspec.Raw, ...] = ()


class Batch(msgspec.Struct, frozen=True):
    """The entries byte for byte as they stood in the batch, and with what each of them is kept."""

    asked: Asked
    entries: tuple[bytes, ...]


_read = msgspec.json.Decoder(_Envelope).decode


def split(content: bytes) -> Batch | None:
    """The entries of a batch; None where the content is no batch, or one whose envelope is wrong: it is then one."""
    try:
        found = _read(content.removeprefix(_BYTE_ORDER_MARK))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if (found.resourceType, found.type) != ("Bundle", "batch") or not found.entry:
        return None
    if validate({"resourceType": "Bundle", "type": "batch", "timestamp": found.timestamp or "2000-01-01T00:00:00Z"}):
        return None
    return Batch(Asked("entry", said_at=found.timestamp), tuple(bytes(entry) for entry in found.entry))
