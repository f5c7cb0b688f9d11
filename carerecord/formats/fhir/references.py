"""References: to what the same source says they become ours; to anything else they stay as they were said.

https://hl7.org/fhir/R4/references.html. A reference that is not to a resource of the same push may never be found: it
keeps beside it how it was said, and leaves the record so unless the record holds what it means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from carerecord.fhir.references import AS_SAID, local_id
from carerecord.formats.fhir.entries import UUID, Entry, problem
from carerecord.model import Problem

_REFERENCE = re.compile(rb'"reference":("(?:[^"\\]|\\.)*")')
_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_ABSOLUTE = re.compile(r"(https?://\S+)/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")


class Target(NamedTuple):
    """What a reference is to, by its source's own id; `is_here`: in the same push."""

    resource_type: str
    own_id: str
    is_here: bool

    @property
    def key(self) -> tuple[str, str]:
        return self.resource_type, self.own_id


class References:
    """The references of one push of one source."""

    def __init__(self, entries: Iterable[Entry], *, source: str) -> None:
        self._source = source
        self._by_url = {entry.full_url: entry for entry in entries if entry.full_url}
        self._by_key = {entry.key: entry for entry in entries}
        # Where an entry's own address is on a server, relative references are to that server.
        self._bases = {found[1] for url in self._by_url if (found := _ABSOLUTE.fullmatch(url))}

    def resolve(self, reference: str) -> Target | None:
        """None: to something contained, or of another source, or that cannot be told."""
        if entry := self._by_url.get(reference):
            return Target(*entry.key, True)
        found = _RELATIVE.fullmatch(reference)
        if found is not None:
            key = found[1], found[2]
        elif (found := _ABSOLUTE.fullmatch(reference)) and found[1] in self._bases:
            key = found[2], found[3]
        else:
            return None
        return Target(*key, key in self._by_key)

    def patient(self, reference: Mapping[str, Any]) -> str | None:
        """The source's own id of the patient that is referred to; None where it is no patient, or cannot be told."""
        said = reference.get("reference")
        if not isinstance(said, str):
            return None
        target = self.resolve(said)
        if target is not None:
            return target.own_id if target.resource_type == "Patient" else None
        # In a batch the patient is another push: its fullUrl is all that is known of them.
        return said.removeprefix(UUID) if said.startswith(UUID) else None

    def find(self, reference: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The resource itself, where it is in the same push."""
        target = self.resolve(str(reference.get("reference", "")))
        entry = self._by_key.get(target.key) if target else None
        return entry.resource if entry else None

    def local(self, resource_type: str, own_id: str) -> str:
        return local_id(self._source, resource_type, own_id)

    def rewrite(self, content: bytes) -> bytes:
        """Compact JSON with its references as the record keeps them; not another byte is changed."""
        may_add = b'"_reference":' not in content

        def rewritten(found: re.Match[bytes]) -> bytes:
            target = self.resolve(msgspec.json.decode(found[1]))
            if target is None or not (target.is_here or may_add):
                return found[0]
            ours = f'"reference":"{target.resource_type}/{self.local(*target.key)}"'.encode()
            return ours if target.is_here else ours + AS_SAID % found[1]

        return _REFERENCE.sub(rewritten, content)


def conditional_problems(entries: Iterable[Entry]) -> Iterator[Problem]:
    """References that a server would have to search for ("Practitioner?identifier=…")."""
    for entry in entries:
        if any(b"?" in found[1] for found in _REFERENCE.finditer(entry.content)):
            for path, reference in _references(entry.resource, entry.path):
                if "?" in reference and ":" not in reference.partition("?")[0]:
                    said = "is a search, and nothing is searched for here: refer by id, or give an identifier"
                    yield problem(path, "not-supported", said)


def _references(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "reference" and isinstance(item, str):
                yield f"{path}.reference", item
            else:
                yield from _references(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, f"{path}[{index}]")
