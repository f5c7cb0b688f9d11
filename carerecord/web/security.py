"""What every answer says to the browser about what it may do, and the check that a form came from a page of ours."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carerecord.settings import Settings
from carerecord.web import framing
from carerecord.web.limits import Limits

FORM = "application/x-www-form-urlencoded"
FORM_BYTES_MAX = 16_384
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'"
)
# A document is opened by the browser's own viewer: it may draw itself, run nothing, and send nothing anywhere.
DOCUMENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; form-action 'none'; base-uri 'none'"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    # Not "no-referrer": under that a browser sends `Origin: null` with our own forms, whose origin could then not be
    # checked. Nothing is sent to any other host either way.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class FormRefused(Exception):
    """This form was not sent from a page of this record, so nothing was done: open the page again, then send it."""

    def __init__(self) -> None:
        super().__init__(FormRefused.__doc__)


class SafeHeaders:
    """Adds the headers to every answer that does not set its own, and says of each who may frame it: the one place."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        self._headers = headers(is_https=is_https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = safe(message["headers"], self._headers, framed_by=framing.allowed(scope))
            await send(message)

        await self._app(scope, receive, send_safely)


def headers(*, is_https: bool) -> list[tuple[bytes, bytes]]:
    """What every answer has in common."""
    said = dict(HEADERS)
    if is_https:
        said["strict-transport-security"] = "max-age=31536000; includeSubDomains"
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in said.items()]


def safe(
    own: Iterable[tuple[bytes, bytes]], added: Iterable[tuple[bytes, bytes]], *, framed_by: tuple[str, ...] = ()
) -> list[tuple[bytes, bytes]]:
    """An answer's own headers with those that it lacks; the policy, its own too, with who may frame it."""
    kept, policy, names = [], CONTENT_SECURITY_POLICY.encode(), set()
    for name, value in own:
        names.add(name)
        if name == b"content-security-policy":
            policy = value
        else:
            kept.append((name, value))
    kept += [each for each in added if each[0] not in names]
    kept.append((b"content-security-policy", policy + _ancestors(framed_by)))
    if not framed_by:
        kept.append((b"x-frame-options", b"DENY"))  # frame-ancestors says the same, to every browser of today.
    return kept


@lru_cache(maxsize=1024)
def _ancestors(origins: tuple[str, ...]) -> bytes:
    return b"; frame-ancestors " + (" ".join(origins) or "'none'").encode()


def middleware(settings: Settings) -> list[Middleware]:
    return [Middleware(SafeHeaders, is_https=is_https(settings)), Middleware(Limits, settings=settings)]


def is_https(settings: Settings) -> bool:
    return settings.public_url.startswith("https:")


def is_by_a_person(request: Request) -> bool:
    """Whether somebody asked for this, and not a page by itself: a page without script asks again each half minute, and
    one with script waits to be told when it must go; neither may keep a session alive.

    A browser says so: `Sec-Fetch-User` is sent where a person set off to a page and not where the page did
    (https://www.w3.org/TR/fetch-metadata/#sec-fetch-user-header). A form is always sent by a person, a line that is
    opened in its place too, and a page that waits says whether it was touched. What says nothing is an old browser.
    """
    said = request.query_params
    if request.url.path.endswith("/open"):
        return said.get("touched") == "yes"
    return (
        request.method == "POST"
        or request.headers.get("sec-fetch-user") == "?1"
        or "sec-fetch-mode" not in request.headers
        or said.get("in") == "place"
    )


async def read_form(request: Request, settings: Settings, *, bytes_max: int = FORM_BYTES_MAX) -> dict[str, str]:
    """The fields of a form of ours. Raises FormRefused when it comes from anywhere else, or is not a form."""
    if not _is_ours(request, settings):
        raise FormRefused
    return await read_told(request, bytes_max=bytes_max)


async def read_told(request: Request, *, bytes_max: int = FORM_BYTES_MAX) -> dict[str, str]:
    """The fields of a form that no browser sends: what is in it must be signed. Raises FormRefused."""
    kind = request.headers.get("content-type", FORM).partition(";")[0].strip()
    if kind != FORM:
        raise FormRefused
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > bytes_max:
            raise FormRefused
    try:
        fields = dict(parse_qsl(content.decode("utf-8"), keep_blank_values=True, max_num_fields=32))
    except ValueError as wrong:
        raise FormRefused from wrong
    if any("\0" in text for field in fields.items() for text in field):
        raise FormRefused  # No browser sends one, and no table keeps one.
    return fields


def _is_ours(request: Request, settings: Settings) -> bool:
    """A browser says where a form comes from; a request that does not say is no browser of today and is refused."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    public = urlsplit(settings.public_url)
    return request.headers.get("origin", "").casefold() == f"{public.scheme}://{public.netloc}".casefold()
