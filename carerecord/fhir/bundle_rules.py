"""What FHIR demands of a Bundle as a whole (https://hl7.org/fhir/R4/bundle.html)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]
# (the step of the path, what must change)
Finding = tuple[str, str]

_REQUESTS = ("batch", "transaction", "history")
_RESPONSES = ("batch-response", "transaction-response", "history")
_KINDS = (*_REQUESTS, *_RESPONSES, "collection", "document", "message", "searchset")
_ONCE = ("self", "first", "prev", "previous", "next", "last")
_RESTFUL = re.compile(r"https?://[^\s?#]*/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")


def findings(bundle: Object, resource_names: Mapping[str, object]) -> Iterator[Finding]:
    kind = bundle.get("type")
    entries = [entry if isinstance(entry, dict) else {} for entry in _list(bundle, "entry")]
    yield from _of_the_whole(bundle, kind, entries)
    yield from _of_links(_list(bundle, "link"))
    seen = set()
    for index, entry in enumerate(entries):
        step = f".entry[{index}]"
        for member, sentence in _of_an_entry(entry, kind):
            yield step + member, sentence
        resource = entry.get("resource")
        known = resource if isinstance(resource, dict) else {}
        url = entry.get("fullUrl")
        if not isinstance(url, str):
            continue
        yield from ((step + member, sentence) for member, sentence in _of_an_address(url, known, resource_names))
        meta = known.get("meta")
        version = meta.get("versionId") if isinstance(meta, dict) else None
        same = (url, version if isinstance(version, str) else "")
        if kind != "history" and same in seen:
            yield f"{step}.fullUrl", "is that of another entry: each may come once (bdl-7)"
        seen.add(same)


def _of_the_whole(bundle: Object, kind: object, entries: Sequence[Object]) -> Iterator[Finding]:
    if "total" in bundle and kind in _KINDS and kind not in ("searchset", "history"):
        yield ".total", "may only stand in a searchset or a history (bdl-1)"
    if kind not in ("document", "message"):
        return
    first = entries[0].get("resource") if entries else None
    wanted = "Composition" if kind == "document" else "MessageHeader"
    if not isinstance(first, dict) or first.get("resourceType") != wanted:
        yield (
            ".entry",
            f"must begin with a {wanted} where type is {kind} ({'bdl-11' if kind == 'document' else 'bdl-12'})",
        )
    if kind == "document":
        identifier = bundle.get("identifier")
        if not isinstance(identifier, dict) or not ("system" in identifier and "value" in identifier):
            yield ".identifier", "is needed in a document, with a system and a value (bdl-9)"
        if "timestamp" not in bundle:
            yield ".timestamp", "is needed in a document (bdl-10)"


def _of_links(links: list[Any]) -> Iterator[Finding]:
    seen = set()
    for index, link in enumerate(links):
        relation = link.get("relation") if isinstance(link, dict) else None
        if isinstance(relation, str) and relation in _ONCE:
            if relation in seen:
                yield f".link[{index}].relation", "is that of another link: this one may come once"
            seen.add(relation)


def _of_an_entry(entry: Object, kind: object) -> Iterator[Finding]:
    if kind not in _KINDS:
        return
    if "search" in entry and kind != "searchset":
        yield ".search", "may only stand in a searchset (bdl-2)"
    for member, kinds, key in (("request", _REQUESTS, "bdl-3"), ("response", _RESPONSES, "bdl-4")):
        if (member in entry) != (kind in kinds):
            said = "is needed in" if kind in kinds else "may not stand in"
            yield f".{member}", f"{said} a bundle of type {kind} ({key})"
    if not any(member in entry for member in ("resource", "request", "response")):
        yield "", "must have a resource, a request or a response (bdl-5)"


def _of_an_address(url: str, resource: Object, resource_names: Mapping[str, object]) -> Iterator[Finding]:
    if ":" not in url:
        yield ".fullUrl", "must be a whole address that begins with its scheme, such as https: or urn:uuid:"
    if "/_history/" in url:
        yield ".fullUrl", "must not name a version: put that into meta.versionId (bdl-8)"
        return
    found = _RESTFUL.fullmatch(url)
    kind, own_id = resource.get("resourceType"), resource.get("id")
    if found and found[1] in resource_names and isinstance(kind, str):
        is_same_id = found[2] == own_id or not isinstance(own_id, str)
        if found[1] != kind or not is_same_id:
            yield ".fullUrl", "must end with the type and the id of the resource that it stands for"


def _list(value: Object, name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []
