"""What a push asks for, as one line of text: it is kept with the original, which could not be read again without it."""

from __future__ import annotations

import re

import msgspec

_ASKED = re.compile(r"(POST|PUT|entry)(?: (\S+))?")


class Asked(msgspec.Struct, frozen=True):
    """`how`: "POST" or "PUT" of one resource, "POST" of a Bundle where no type is named, or "entry" of a batch."""

    how: str
    resource_type: str = ""
    own_id: str = ""
    said_at: str = ""  # Bundle.timestamp of the batch that an entry came in

    def __str__(self) -> str:
        if self.how == "entry":
            return f"entry {self.said_at}".strip()
        where = f"{self.resource_type}/{self.own_id}" if self.own_id else self.resource_type
        return f"{self.how} {where}".strip()


def asked_of(text: str) -> Asked:
    """Reads what `str` of an Asked wrote."""
    found = _ASKED.fullmatch(text)
    if found is None:
        return Asked("POST")
    how, what = found[1], found[2] or ""
    if how == "entry":
        return Asked(how, said_at=what)
    resource_type, _, own_id = what.partition("/")
    return Asked(how, resource_type, own_id)
