"""Whether a message came by its own source's connection: MSH-3 and MSH-4 are words that anybody can write."""

from __future__ import annotations

from datetime import datetime

from carerecord import clock, logs
from carerecord.formats import hl7v2
from carerecord.model import Problem
from carerecord.organisations import Region

NOT_ITS_OWN = Problem(
    segment="MSH",
    field="MSH-3",
    rule="connection",
    sentence="This connection's certificate is not one of the source that MSH-3 and MSH-4 name: connect with its own,"
    " or have those who run the record register this one. Nothing of this message is kept.",
    fatal=True,
)


def find_stranger(content: bytes, region: Region, certificate: str | None) -> str | None:
    """The source in whose name this came by a connection that is not its own; None where nothing is against it."""
    header = hl7v2.header(content)
    source = region.find_sender(application=header.application, facility=header.facility) if header else None
    if source is None or not source.certificates or certificate in source.certificates:
        return None
    return source.id


def refuse(content: bytes, *, source: str, at: datetime) -> bytes:
    """The answer (AR) to a message in the name of `source`; told in the log, since somebody may be trying."""
    logs.say(logs.Line.SENDER_NOT_PROVEN, source=source)
    return hl7v2.acknowledge(content, code="AR", problems=[NOT_ITS_OWN], at=at, control_id=clock.random_token()[:20])
