"""The resources of one push, each with what was asked for it and the id by which its source knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from carerecord.formats.fhir.asked import Asked
from carerecord.model import Problem

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UUID = "urn:uuid:"
_RESTFUL = re.compile(r"(?:https?://\S+/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")
_NOT_TAKEN = {
    "ifNoneExist": "is a condition, and conditions are not looked into here: give the resource an id of your own",
    "ifMatch": "names a version, and versions are not compared here: leave it out",
    "ifNoneMatch": "is a condition, and conditions are not looked into here: leave it out",
    "ifModifiedSince": "is a condition, and conditions are not looked into here: leave it out",
}

_UNKNOWN_RULES = "names rules by which the rest is to be read, and none are known here: send what needs none"
_UNKNOWN_MODIFIER = (
    "changes what the rest means in a way that is not known here: say it in FHIR's own (a status, doNotPerform)"
)


class Request(msgspec.Struct, frozen=True):
    """Bundle.entry.request."""

    method: str = ""
    url: str = ""
    ifNoneExist: str | None = None  # noqa: N815 (FHIR's own names)
    ifMatch: str | None = None  # noqa: N815
    ifNoneMatch: str | None = None  # noqa: N815
    ifModifiedSince: str | None = None  # noqa: N815


class BundleEntry(msgspec.Struct, frozen=True):
    fullUrl: str = ""  # noqa: N815
    resource: msgspec.Raw = msgspec.Raw(b"")
    request: Request = Request()


class Bundle(msgspec.Struct, frozen=True):
    type: str = ""
    timestamp: str = ""
    entry: tuple[BundleEntry, ...] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One resource. `path` is where it stands in what was pushed; `content` is its JSON without insignificant space."""

    path: str
    full_url: str
    content: bytes
    resource: Mapping[str, Any]
    own_id: str

    @property
    def resource_type(self) -> str:
        return str(self.resource.get("resourceType"))

    @property
    def key(self) -> tuple[str, str]:
        return self.resource_type, self.own_id


read_bundle = msgspec.json.Decoder(Bundle).decode
read_bundle_entry = msgspec.json.Decoder(BundleEntry).decode
_read_resource = msgspec.json.Decoder(dict[str, Any]).decode


def problem(path: str, rule: str, said: str) -> Problem:
    """What is wrong at a path. `said` goes on from the path, and holds nothing that was pushed."""
    return Problem(segment=path.partition(".")[0], field=path, rule=rule, sentence=f"{path} {said}.", fatal=True)


def read_entry(content: bytes, *, path: str, full_url: str = "") -> Entry:
    """`content` is right by FHIR R4 already."""
    compact = msgspec.json.format(content.removeprefix(BYTE_ORDER_MARK), indent=-1)
    resource = _read_resource(compact)
    return Entry(
        path=path, full_url=full_url, content=compact, resource=resource, own_id=_own_id(resource, full_url, compact)
    )


def read_entries(bundle: Bundle) -> list[Entry]:
    return [
        read_entry(bytes(entry.resource), path=f"Bundle.entry[{index}].resource", full_url=entry.fullUrl)
        for index, entry in enumerate(bundle.entry)
        if bytes(entry.resource)
    ]


def request_problems(bundle: Bundle) -> Iterator[Problem]:
    """Entries that ask for more than to keep one resource under its source's own id."""
    for index, entry in enumerate(bundle.entry):
        yield from one_request_problems(entry, path=f"Bundle.entry[{index}]")


def one_request_problems(entry: BundleEntry, *, path: str) -> Iterator[Problem]:
    request = entry.request
    if request.method not in ("POST", "PUT"):
        said = "must be POST or PUT: what a source takes back it sends again with the status entered-in-error"
        yield problem(f"{path}.request.method", "not-supported", said)
        return
    for name, said in _NOT_TAKEN.items():
        if getattr(request, name) is not None:
            yield problem(f"{path}.request.{name}", "not-supported", said)
    if not bytes(entry.resource):
        yield problem(f"{path}.resource", "required", "is missing: give the resource that is to be kept")
        return
    asked = Asked(request.method, *request.url.strip("/").partition("/")[::2])
    if "?" in request.url:
        said = "is a condition, and conditions are not looked into here: name the resource's own id"
        yield problem(f"{path}.request.url", "not-supported", said)
    elif found := asked_problem(_read_resource(bytes(entry.resource)), asked, path=f"{path}.request.url"):
        yield found


def asked_problem(resource: Mapping[str, Any], asked: Asked, *, path: str) -> Problem | None:
    """Whether the address names another resource than the one that was sent."""
    if asked.resource_type != resource.get("resourceType"):
        return problem(path, "invalid", "must name the type of the resource that is sent")
    if asked.how == "PUT" and (not asked.own_id or asked.own_id != resource.get("id")):
        return problem(path, "invalid", "must end with the id of the resource that is sent")
    if asked.how == "POST" and asked.own_id:
        return problem(path, "invalid", "must be the type alone: PUT is for a resource whose id is named")
    return None


def not_stated(entries: list[Entry]) -> Iterator[Problem]:
    """What cannot be one statement: a resource that comes twice, and a Bundle where a resource should be."""
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        if entry.resource_type == "Bundle":
            said = "is a Bundle: send it to the base address, as a transaction or as a batch"
            yield problem(entry.path, "not-supported", said)
        if entry.key in seen:
            yield problem(entry.path, "invalid", "is the same resource as another entry: send each once")
        seen.add(entry.key)
        yield from _not_understood(entry)


def _not_understood(entry: Entry) -> Iterator[Problem]:
    """What FHIR forbids to pass over: it may turn what is beside it into its contrary.

    https://hl7.org/fhir/R4/extensibility.html#modifierExtension, https://hl7.org/fhir/R4/resource.html#implicit-rules
    """
    if entry.resource.get("implicitRules"):
        yield problem(f"{entry.path}.implicitRules", "not-supported", _UNKNOWN_RULES)
    if b'"modifierExtension"' in entry.content:
        for path in _modified(entry.resource, entry.path):
            yield problem(path, "not-supported", _UNKNOWN_MODIFIER)


def _modified(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "modifierExtension":
                yield f"{path}.{name}"
            else:
                yield from _modified(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _modified(inner, f"{path}[{index}]")


def _own_id(resource: Mapping[str, Any], full_url: str, content: bytes) -> str:
    """The id by which the source knows the resource, so that a later version of it is known again."""
    if own_id := resource.get("id"):
        return str(own_id)
    if full_url.startswith(UUID):
        return full_url.removeprefix(UUID)
    if found := _RESTFUL.fullmatch(full_url):
        return found[2]
    identifiers = resource.get("identifier")
    for identifier in identifiers if isinstance(identifiers, list) else [identifiers]:
        if isinstance(identifier, dict) and identifier.get("value"):
            return f"{identifier.get('system', '')}|{identifier['value']}"
    return blake2b(content, digest_size=16).hexdigest()
