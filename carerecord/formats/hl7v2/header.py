"""MSH alone, read cheaply: who sends what, before anything else of the message is understood."""

from __future__ import annotations

import msgspec

from carerecord.formats.hl7v2.grammar import read_first_line
from carerecord.model import Problem


class Header(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an MSH segment says, as text; "" where it says nothing."""

    field: str
    encoding: str  # the four encoding characters of MSH-2
    application: str  # MSH-3.1
    facility: str  # MSH-4.1
    sender: tuple[str, str]  # MSH-3 and MSH-4, whole: an acknowledgement returns them
    receiver: tuple[str, str]  # MSH-5 and MSH-6
    sent_at: str  # MSH-7
    message_type: str  # "ADT^A01"
    control_id: str  # MSH-10
    processing_id: str  # MSH-11
    version: str  # MSH-12.1
    charset: str  # MSH-18, first repetition


def header(content: bytes) -> Header | None:
    """The header of a message, or None where it has none that could be read."""
    first = read_first_line(content)
    if isinstance(first, Problem):
        return None
    field, encoding, charset, fields = first
    fields.extend([""] * (13 - len(fields)))
    _, _, application, facility, to_application, to_facility, sent_at, _, kind, control_id, processing, version = (
        fields[:12]
    )
    component = encoding[0]
    code, _, rest = kind.partition(component)
    code, trigger = code.strip(), rest.partition(component)[0].strip()
    return Header(
        field=field,
        encoding=encoding,
        application=application.partition(component)[0].strip(),
        facility=facility.partition(component)[0].strip(),
        sender=(application, facility),
        receiver=(to_application, to_facility),
        sent_at=sent_at.partition(component)[0].strip(),
        message_type=f"{code}^{trigger}" if trigger else code,
        control_id=control_id.strip(),
        processing_id=processing.partition(component)[0].strip(),
        version=version.partition(component)[0].strip(),
        charset=charset,
    )
