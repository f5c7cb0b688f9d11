"""Draws a template. Strict: a name that is not there stops the page, since a silent gap on a clinical page is a lie."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from carerecord.web import assets
from carerecord.web.views import Frame

FOLDER = Path(__file__).parent / "templates"
ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
ENVIRONMENT.globals["asset"] = assets.address


def text(template: str, *, frame: Frame, **values: object) -> str:
    return ENVIRONMENT.get_template(template).render(frame=frame, **values)


def page(template: str, *, frame: Frame, status: int = 200, **values: object) -> HTMLResponse:
    return HTMLResponse(text(template, frame=frame, **values), status_code=status)
