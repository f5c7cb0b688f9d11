"""One message as one source sends it, whatever language it is in."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """`about` is the number of the person it is about; `kind` says what it is in the words of its channel.

    channel  kind                                   content
    mllp     "ADT^A01"                              an HL7 v2 message
    fhir     "POST " (a Bundle), "PUT Condition/7"  the resource: method and place below the base address
    drop     "pdf"                                  the file; `beside` is what stands in the JSON file next to it
    """

    source: str
    at: datetime
    kind: str
    control_id: str
    about: int
    content: bytes
    channel: str = "mllp"
    beside: bytes = b""
