"""What of an original one statement was made of: lines of a message, one resource of a push, what was said of a file.

Nothing is kept for this at intake: the original is translated again with lines left out, and a line without which the
statement is not the same, is one that made it. Lines of an HL7 v2 message stand without their set ids (OBX-1, DG1-1):
a count of a message tells what else stood in it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from carerecord.formats import document, hl7v2
from carerecord.formats.fhir.entries import BYTE_ORDER_MARK, Entry, read_bundle, read_bundle_entry, read_entries
from carerecord.formats.fhir.entries import read_entry as read_resource
from carerecord.formats.fhir.references import References
from carerecord.formats.fhir.whose import whose
from carerecord.formats.hl7v2.grammar import Message, parse
from carerecord.model import Heading, Original, Source

Wanted = tuple[str, str]  # (resource type, local id)

# Of which segments a resource is made. What is of the message, or of the person, is of no line alone.
MADE_OF: Final[Mapping[str, frozenset[str]]] = {
    "AllergyIntolerance": frozenset(("AL1", "IAM")),
    "Appointment": frozenset(("SCH", "TQ1", "RGS", "AIS", "AIG", "AIL", "AIP", "NTE")),
    "Condition": frozenset(("DG1", "PRB", "NTE")),
    "DiagnosticReport": frozenset(("OBR", "SPM", "NTE")),
    "DocumentReference": frozenset(("TXA", "OBX", "NTE")),
    "Encounter": frozenset(("PV1", "PV2")),
    "Observation": frozenset(("OBX", "NTE")),
    "ServiceRequest": frozenset(("RF1", "PRD", "PR1", "NTE")),
}
# A report of images is its own words; that of a laboratory only names its results, which have lines of their own.
_IMAGES: Final = MADE_OF["DiagnosticReport"] | {"OBX"}
_NUMBERED: Final = frozenset(
    ("AIG", "AIL", "AIP", "AIS", "AL1", "DG1", "IAM", "NTE", "OBR", "OBX", "PV1", "RGS", "SPM", "TQ1", "TXA")
)
TRIES_MAX: Final = 400


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One statement whose part is asked for."""

    resource_type: str
    local_id: str
    heading: Heading

    @property
    def names(self) -> frozenset[str]:
        is_of_images = self.resource_type == "DiagnosticReport" and self.heading is Heading.IMAGING
        return _IMAGES if is_of_images else MADE_OF.get(self.resource_type, frozenset())


def lines_of(original: Original, parts: Sequence[Part], *, source: Source) -> tuple[str, ...]:
    """The lines that made these statements, in their order; none where that cannot be told any more."""
    content = original.content
    if content.startswith(document.BEGINS):
        return _of_document(content)
    if content.lstrip(BYTE_ORDER_MARK + b" \t\r\n").startswith(b"{"):
        return _of_push(content, parts, source)
    return _of_message(original, parts, source)


# --- FHIR -------------------------------------------------------------------------------------------------------------


def _of_document(content: bytes) -> tuple[str, ...]:
    """The file is a letter and shown as that: this is what was said of it, without whose it is."""
    said = document.unpack(content).sidecar.removeprefix(BYTE_ORDER_MARK)
    try:
        return _lines([entry for entry in _entries(said) if entry.resource_type == "DocumentReference"])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()


def _of_push(content: bytes, parts: Sequence[Part], source: Source) -> tuple[str, ...]:
    wanted = {(part.resource_type, part.local_id) for part in parts}
    try:
        entries = _entries(content.removeprefix(BYTE_ORDER_MARK))
        references = References(entries, source=source.id)
        owner = whose(entries, references, source=source)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    if owner.is_contained and owner.patient is not None:
        entries = [*entries, owner.patient]
    return _lines([each for each in entries if (each.resource_type, references.local(*each.key)) in wanted])


def _entries(content: bytes) -> list[Entry]:
    kind = msgspec.json.decode(content).get("resourceType")
    if kind == "Bundle":
        return read_entries(read_bundle(content))
    if kind is None:  # one entry of a batch
        found = read_bundle_entry(content)
        return [read_resource(bytes(found.resource), path="", full_url=found.fullUrl)]
    return [read_resource(content, path="")]


def _lines(entries: Iterable[Entry]) -> tuple[str, ...]:
    lines: list[str] = []
    for entry in entries:
        resource: dict[str, Any] = dict(entry.resource)
        if inside := [each for each in resource.get("contained", ()) if each.get("resourceType") != "Patient"]:
            resource["contained"] = inside
        else:
            resource.pop("contained", None)
        lines += msgspec.json.format(msgspec.json.encode(resource), indent=2).decode().split("\n")
    return tuple(lines)


# --- HL7 v2 -----------------------------------------------------------------------------------------------------------


def _of_message(original: Original, parts: Sequence[Part], source: Source) -> tuple[str, ...]:
    message = parse(original.content, expected_charset=source.charset)
    if not isinstance(message, Message):
        return ()
    looking = _Looking(original, message, source)
    found: set[int] = set()
    for part in parts:
        found |= looking.find(part)
    return tuple(_line(message, index) for index in sorted(found))


def _line(message: Message, index: int) -> str:
    segment = list(message.segments[index])
    if segment[0] in _NUMBERED and len(segment) > 1:
        segment[1] = ""
    return message.field.join(segment)


class _Looking:
    """One message, translated again and again with fewer lines."""

    def __init__(self, original: Original, message: Message, source: Source) -> None:
        self._original = original
        self._source = source
        self._names = message.names
        first, *others = message.segments
        # MSH-1 is the separator itself: it stands between MSH and MSH-2.
        begins = message.field.join([first[0], *first[2:]])
        self._lines = [begins, *(message.field.join(segment) for segment in others)]
        self._tries = 0
        self._whole = self._without(frozenset())

    def find(self, part: Part) -> set[int]:
        """The lines that make a statement; none, if this message does not say it as it is read today."""
        key = (part.resource_type, part.local_id)
        body = self._whole.get(key)
        if body is None:
            return set()

        def stands(gone: Collection[int]) -> bool:
            return self._without(frozenset(gone)).get(key) == body

        may = [index for index, name in enumerate(self._names) if name in part.names]
        near, gone = self._nearest(may, stands)
        made = set(_needed(near, gone, stands))
        # A line that makes another statement of the same kind is shown with that one: of what organism a sensitivity
        # is, say its own words too.
        return {index for index in made if len(made) == 1 or not self._makes_another(index, key)}

    def _nearest(self, may: list[int], stands: Callable[[Collection[int]], bool]) -> tuple[list[int], frozenset[int]]:
        """Halves what may have made it, as long as one half alone makes it: nearly all of a long message goes."""
        gone: frozenset[int] = frozenset()
        while len(may) > 1:
            half = len(may) // 2
            first, second = may[:half], may[half:]
            if stands(gone.union(second)):
                may, gone = first, gone.union(second)
            elif stands(gone.union(first)):
                may, gone = second, gone.union(first)
            else:
                break
        return may, gone

    def _makes_another(self, index: int, key: Wanted) -> bool:
        left = self._without(frozenset((index,)))
        return key in left and any(other[0] == key[0] for other in self._whole.keys() - left.keys())

    def _without(self, gone: frozenset[int]) -> dict[Wanted, bytes]:
        """What is said without these lines. Past a bound nothing is said any more, and so nothing is shown."""
        self._tries += 1
        if self._tries > TRIES_MAX:
            return {}
        content = "\r".join(line for index, line in enumerate(self._lines) if index not in gone)
        original = msgspec.structs.replace(self._original, content=content.encode())
        # The text was decoded once: MSH-18 may name another set of characters than the one it is in now.
        source = msgspec.structs.replace(self._source, charset="utf-8")
        reading = hl7v2.translate(original, source=source)
        return {(each.resource_type, each.local_id): each.body for each in reading.statements}


def _needed(may: Sequence[int], gone: frozenset[int], stands: Callable[[Collection[int]], bool]) -> list[int]:
    """Those of `may` without which it does not stand. Of two of which either is enough, one."""
    if not may or stands(gone.union(may)):
        return []
    if len(may) == 1:
        return list(may)
    half = len(may) // 2
    first, second = may[:half], may[half:]
    found = _needed(first, gone, stands) + _needed(second, gone, stands)
    return found or _needed(first, gone.union(second), stands)
