"""A document dropped as a file: kept with its sidecar as one MIME message, read as a FHIR DocumentReference.

https://www.rfc-editor.org/rfc/rfc2387. Each part stands byte for byte behind its own length, so both files come out of
the original as they were dropped; the boundary is made of the content, so the same two files are the same original.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import quote, unquote

import msgspec

from carerecord.fhir.validate import validate
from carerecord.formats.fhir.entries import BYTE_ORDER_MARK, Entry, problem, read_bundle, read_entries, read_entry
from carerecord.formats.fhir.translate import problems_of, read, refused
from carerecord.model import Original, Problem, Reading, Source

# What may be dropped: (media type, how such a file begins).
TYPES: Final = {
    "pdf": ("application/pdf", b"%PDF-"),
    "rtf": ("application/rtf", b"{\\rtf"),
    "txt": ("text/plain; charset=utf-8", b""),
    "html": ("text/html", b""),
}
# How such an original begins: no message and no resource does.
BEGINS: Final = b'MIME-Version: 1.0\r\nContent-Type: multipart/related; type="application/fhir+json"; boundary='
_PART = re.compile(rb"--[0-9a-f]{32}\r\n((?:[!-~]+: [^\r\n]*\r\n)+)\r\n")
_LENGTH = re.compile(rb"Content-Length: (\d+)\r\n")
_NAME = re.compile(rb"filename\*=UTF-8''(\S+)\r\n")
_SIDECAR = "the file beside it"
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
Members = dict[str, msgspec.Raw]


class Dropped(msgspec.Struct, frozen=True):
    """Two files that were dropped together."""

    name: str  # of the document, with its suffix
    sidecar: bytes
    content: bytes

    @property
    def suffix(self) -> str:
        return self.name.rpartition(".")[2].lower()


class NotADrop(ValueError):
    """This original is no dropped document: it was not made by `pack`."""


def pack(dropped: Dropped) -> bytes:
    """Both files as one original."""
    boundary = blake2b(dropped.sidecar + dropped.content, digest_size=16).hexdigest().encode()
    kind = TYPES.get(dropped.suffix, ("application/octet-stream", b""))[0]
    name = quote(dropped.name, safe="")
    parts = (
        (f"Content-Type: application/fhir+json\r\nContent-Length: {len(dropped.sidecar)}\r\n", dropped.sidecar),
        (
            f"Content-Type: {kind}\r\nContent-Disposition: attachment; filename*=UTF-8''{name}\r\n"
            f"Content-Transfer-Encoding: binary\r\nContent-Length: {len(dropped.content)}\r\n",
            dropped.content,
        ),
    )
    body = b"".join(b"--%b\r\n%b\r\n%b\r\n" % (boundary, about.encode(), content) for about, content in parts)
    return b"%b%b\r\n\r\n%b--%b--\r\n" % (BEGINS, boundary, body, boundary)


def unpack(content: bytes) -> Dropped:
    """The two files again, byte for byte. Raises NotADrop."""
    if not content.startswith(BEGINS):
        raise NotADrop
    at = content.find(b"\r\n\r\n") + 4
    parts: list[tuple[bytes, bytes]] = []
    for _ in range(2):
        found = _PART.match(content, at)
        length = _LENGTH.search(found[1]) if found else None
        if found is None or length is None:
            raise NotADrop
        end = found.end() + int(length[1])
        parts.append((found[1], content[found.end() : end]))
        at = end + 2
    name = _NAME.search(parts[1][0])
    if name is None or len(content) < at:
        raise NotADrop
    return Dropped(unquote(name[1].decode()), parts[0][1], parts[1][1])


def text_of(content: bytes) -> str:
    """What was said of a document, as text; the document itself is a letter, and shown as that."""
    dropped = unpack(content)
    about = f"{dropped.name}, {len(dropped.content)} bytes, is kept with this:"
    return f"{about}\n\n{dropped.sidecar.decode('utf-8', 'replace').rstrip()}"


def translate(original: Original, *, source: Source) -> Reading:
    """What the sidecar says, with the file in the DocumentReference that it holds."""
    dropped = unpack(original.content)
    message_type = f"document {dropped.suffix}"
    try:
        said, wrong = _with_file(dropped)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said, wrong = b"", problem("DocumentReference", "structure", f"cannot be read: {_SIDECAR} is no FHIR JSON")
    if wrong is not None:
        return refused(original, [wrong], message_type=message_type)
    if found := problems_of(validate(said)):
        return refused(original, found, message_type=message_type)
    entries, timestamp = _entries(said)
    return read(entries, original, source=source, said=timestamp, message_type=message_type)


def _entries(said: bytes) -> tuple[list[Entry], str]:
    if msgspec.json.decode(said)["resourceType"] == "Bundle":
        bundle = read_bundle(said)
        return read_entries(bundle), bundle.timestamp
    return [read_entry(said, path="DocumentReference")], ""


def _with_file(dropped: Dropped) -> tuple[bytes, Problem | None]:
    """The sidecar with the file inside, or what is wrong with the two."""
    if wrong := _not_of_its_kind(dropped):
        return b"", wrong
    sidecar = _members(dropped.sidecar.removeprefix(BYTE_ORDER_MARK))
    kind = _type_of(sidecar)
    if kind == "DocumentReference":
        return _filled(sidecar, dropped, path=kind)
    if kind != "Bundle":
        said = f"is missing: {_SIDECAR} must be one, or a Bundle of one and its Patient"
        return b"", problem("DocumentReference", "required", said)
    entries = msgspec.json.decode(sidecar.get("entry", b"[]"), type=list[Members])
    resources = [_members(entry.get("resource", b"{}")) for entry in entries]
    here = [index for index, resource in enumerate(resources) if _type_of(resource) == "DocumentReference"]
    if len(here) != 1 or {_type_of(resource) for resource in resources} - {"Patient", "DocumentReference"}:
        return b"", problem("Bundle.entry", "invalid", "must hold one DocumentReference and its Patient, and no more")
    filled, wrong = _filled(resources[here[0]], dropped, path=f"Bundle.entry[{here[0]}].resource")
    entries[here[0]]["resource"] = msgspec.Raw(filled)
    sidecar["entry"] = msgspec.Raw(_encode(entries))
    return _encode(sidecar), wrong


def _filled(resource: Members, dropped: Dropped, *, path: str) -> tuple[bytes, Problem | None]:
    """The DocumentReference with the file in its one attachment."""
    contents = msgspec.json.decode(resource.get("content", b"[{}]"), type=list[Members])
    attachment: dict[str, Any] = {}
    if len(contents) == 1 and "attachment" in contents[0]:
        attachment = msgspec.json.decode(contents[0]["attachment"], type=dict[str, Any])
    if len(contents) != 1 or "data" in attachment or "url" in attachment:
        said = "must hold at most one attachment, without data or url: the file itself is the content"
        return b"", problem(f"{path}.content", "invalid", said)
    kind = TYPES[dropped.suffix][0]
    data = b64encode(_content_of(dropped)).decode()
    contents[0]["attachment"] = msgspec.Raw(_encode({**attachment, "contentType": kind, "data": data}))
    resource["content"] = msgspec.Raw(_encode(contents))
    return _encode(resource), None


def _content_of(dropped: Dropped) -> bytes:
    """The file; text that is not UTF-8 is taken for Windows' Latin alphabet (the original stays as it is)."""
    if dropped.suffix != "txt":
        return dropped.content
    try:
        dropped.content.decode("utf-8")
    except UnicodeDecodeError:
        return dropped.content.decode("windows-1252", "replace").encode()
    return dropped.content


def _not_of_its_kind(dropped: Dropped) -> Problem | None:
    if dropped.suffix not in TYPES:
        said = f"is of a kind that is not taken here: drop {', '.join(sorted(TYPES))}"
        return problem("DocumentReference.content", "not-supported", said)
    if not dropped.content:
        return problem("DocumentReference.content", "required", "is an empty file: drop the document itself")
    begins = TYPES[dropped.suffix][1]
    is_text = not begins
    if (is_text and b"\0" in dropped.content) or not dropped.content.removeprefix(BYTE_ORDER_MARK).startswith(begins):
        said = f"is a file that is no {dropped.suffix}: name it by what it is"
        return problem("DocumentReference.content", "invalid", said)
    return None


def _type_of(resource: Members) -> str:
    return str(msgspec.json.decode(resource["resourceType"])) if "resourceType" in resource else ""
