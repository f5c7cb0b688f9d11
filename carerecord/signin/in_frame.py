"""The cookie that opens one chart: in a window of its own, and in a frame of another system's page.

A frame of another site is given no cookie that is Lax. One that is Partitioned is kept apart for each site at the top
of the window (CHIPS, https://datatracker.ietf.org/doc/html/draft-cutler-httpbis-partitioned-cookies): what opens a
chart in one record system's frame opens nothing in any other's, nor in a tab of our own.
"""

from __future__ import annotations

from collections.abc import Mapping

from carerecord.signin.device import is_framed
from carerecord.signin.guard import patient_cookie


def chart_cookie(
    session_id: str, token: str, *, seconds: int, is_https: bool, headers: Mapping[str, str] | None = None
) -> str:
    """`Set-Cookie` of one chart: sent to its own path only; across sites only where it was opened in a frame of one.

    `headers` are those of the request by which a launch arrives; without them it was opened by a page of ours.
    """
    said = headers or {}
    is_across = is_https and is_framed(said) and said.get("sec-fetch-site") == "cross-site"
    return _cookie(session_id, token, seconds=seconds, is_https=is_https, is_across=is_across)


def forget_chart_cookie(session_id: str, *, is_https: bool, headers: Mapping[str, str]) -> list[str]:
    """`Set-Cookie`, as often as it takes. A form in a frame comes from our own page and does not say whose frame it is:
    both cookies are forgotten there, the one that is not there harmlessly."""
    across = (False, True) if is_https and is_framed(headers) else (False,)
    return [_cookie(session_id, '""', seconds=0, is_https=is_https, is_across=each) for each in across]


def _cookie(session_id: str, value: str, *, seconds: int, is_https: bool, is_across: bool) -> str:
    where = f"{patient_cookie(session_id)}={value}; HttpOnly; Max-Age={max(seconds, 0)}; Path=/patient/{session_id}"
    if is_across:
        return f"{where}; SameSite=None; Secure; Partitioned"
    return f"{where}; SameSite=lax; Secure" if is_https else f"{where}; SameSite=lax"
