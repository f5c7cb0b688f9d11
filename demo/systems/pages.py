"""The simulators' own pages: one frame, one style sheet, nothing that the record's pages share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_STYLE = Path(__file__).with_name("templates") / "style.css"


def page(template: str, *, status: int = 200, **values: Any) -> web.Response:
    return web.Response(
        text=_TEMPLATES.get_template(template).render(values),
        status=status,
        content_type="text/html",
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )


async def style(_: web.Request) -> web.StreamResponse:
    return style_sheet()


def style_sheet(own: str = "") -> web.Response:
    """The style of every simulator, with the variables that give one its own look."""
    return web.Response(text=f"{_STYLE.read_text(encoding='utf-8')}:root {{ {own} }}\n", content_type="text/css")
