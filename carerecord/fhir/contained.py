"""Resources that a resource contains: they have no life of their own and are found by their id alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Container:
    """What a resource contains (id -> type), and which of it was referred to."""

    __slots__ = ("is_inside", "referred", "types")

    def __init__(self, listed: object = None) -> None:
        self.types = {
            one["id"]: one["resourceType"]
            for one in (listed if isinstance(listed, list | tuple) else ())
            if isinstance(one, dict) and isinstance(one.get("id"), str) and isinstance(one.get("resourceType"), str)
        }
        self.referred: set[str] = set()
        self.is_inside = False

    def refer(self, own_id: str, path: str) -> None:
        """Something refers to one of them, or, with no id, one of them to its container."""
        if own_id in self.types:
            self.referred.add(own_id)
        elif not own_id and self.is_inside:
            # "[3]" for what is inside contained[3]: no id can be spelled so.
            self.referred.add(path.rpartition(".contained")[2].partition("]")[0] + "]")

    def unused(self, listed: object) -> Iterator[int]:
        """dom-3: those that nothing refers to, unless they refer to the container."""
        for index, one in enumerate(listed if isinstance(listed, list | tuple) else ()):
            own_id = one.get("id") if isinstance(one, dict) else None
            is_used = isinstance(own_id, str) and own_id in self.referred
            if not is_used and f"[{index}]" not in self.referred:
                yield index


# Shared by all resources that contain nothing: nothing can be referred to in it, so it never changes.
NOTHING = Container()


def findings(resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(step of the path, what must change) of one contained resource."""
    if "contained" in resource:
        yield ".contained", "must not be in a contained resource: move it up (dom-2)"
    meta = resource.get("meta")
    for name, key in (("versionId", "dom-4"), ("lastUpdated", "dom-4"), ("security", "dom-5")):
        if isinstance(meta, dict) and name in meta:
            yield f".meta.{name}", f"must not be in a contained resource: leave it out ({key})"
