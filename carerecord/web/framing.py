"""Who may show a page of ours inside its own: a registered record system what it launched, and nobody anything else.

Said once, by `Content-Security-Policy: frame-ancestors` (https://www.w3.org/TR/CSP3/#directive-frame-ancestors), which
holds every page around ours, to the top of the window. `X-Frame-Options` can name nobody, so it goes with 'none' alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import Scope

from carerecord.organisations import Region, RegionDoesNotFit
from carerecord.settings import Settings
from carerecord.signin import is_framed
from carerecord.web import parts


def check(region: Region, settings: Settings) -> None:
    """Raises RegionDoesNotFit where a page without TLS might frame a record with TLS: whoever can alter that page on
    its way could lead clicks astray. Without TLS, as in the demonstration, both stand on one machine."""
    plain = [origin for origin in region.frame_origins if origin.startswith("http:")]
    if plain and settings.public_url.startswith("https:"):
        raise RegionDoesNotFit(
            f"frame_origins: {plain[0]} has no TLS and the record has ({settings.public_url}): name an https:// origin."
        )


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
