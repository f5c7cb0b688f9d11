"""By what a reader came: enough to tell that a session is not on the machine it began on, and no more. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    *(("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS")),
    *(("Mac OS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
)
# https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header; what sends none is older than partitioned cookies.
FRAMES: Final = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})


def is_framed(headers: Mapping[str, str]) -> bool:
    """Whether this page is to stand inside another, by the browser's own word: no page can make it say otherwise."""
    return headers.get("sec-fetch-dest", "") in FRAMES


def device(headers: Mapping[str, str]) -> dict[str, Any]:
    """The class of browser and system, whether the page is framed, and a short mark that changes with the browser's own
    name for itself. It identifies nobody: many machines have the same."""
    said = headers.get("user-agent", "")
    browser = next((name for sign, name in _BROWSERS if sign in said), "other")
    version = re.search(r"(?:Edg|OPR|Firefox|Chrome|Version)/(\d+)", said)
    system = next((name for sign, name in _SYSTEMS if sign in said), "other")
    return {
        "class": f"{browser} {version[1] if version else '?'} on {system}",
        "framed": is_framed(headers),
        "mark": sha256(said.encode(errors="replace")).hexdigest()[:8],
    }
