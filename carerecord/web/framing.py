"""Who may show a page of ours inside its own: a registered record system what it launched, and nobody anything else.

Said once, by `Content-Security-Policy: frame-ancestors` (https://www.w3.org/TR/CSP3/#directive-frame-ancestors), which
holds every page around ours, to the top of the window. `X-Frame-Options` can name nobody, so it goes with 'none' alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import Scope

from carerecord.signin import is_framed
from carerecord.web import parts


def allow(request: Request, origins: Sequence[str]) -> None:
    """These origins may frame the answer to this request. The launch says it the same way, of what it answers."""
    request.state.framed_by = tuple(origins)


def allow_sentences(request: Request) -> bool:
    """A page that says why nothing is open, where a panel of some registered system waits for it: which system's can
    no longer be known, so all may show it. It holds nothing of anybody and nothing to send. False: in no frame."""
    if not is_framed(request.headers):
        return False
    allow(request, parts.of(request).region.frame_origins)
    return True


def allowed(scope: Scope) -> tuple[str, ...]:
    """The origins that may frame the answer; none, for whatever did not say."""
    origins: tuple[str, ...] = scope.get("state", {}).get("framed_by", ())
    return origins
