"""Draws a template. Strict: a name that is not there stops the page, since a silent gap on a clinical page is a lie."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator
from jinja2.compiler import Frame as Scope
from starlette.responses import HTMLResponse

from carerecord.web import assets
from carerecord.web.views import Frame


class DrawnUnescaped(TypeError):
    """A template would draw a value as it is, and every value is escaped: take its autoescape block away."""


class Generator(CodeGenerator):
    """Jinja2 with the two steps that every value on a page takes written as Python's own (docs/decisions/0018).

    `row.what` becomes that attribute and nothing else: templates get finished values, which have all they name, and one
    that is missing stops the page. What is drawn is escaped exactly as by Jinja2, but not wrapped before it is joined.
    """

    def visit_Template(self, node: nodes.Template, frame: Scope | None = None) -> None:  # noqa: N802
        self.writeline("from markupsafe import _escape_inner as escape_text")
        super().visit_Template(node, frame)

    def visit_Getattr(self, node: nodes.Getattr, frame: Scope) -> None:  # noqa: N802
        self.write("(")
        self.visit(node.node, frame)
        self.write(f").{node.attr}")

    def _output_child_pre(self, node: nodes.Expr, frame: Scope, finalize: CodeGenerator._FinalizeInfo) -> None:
        if not frame.eval_ctx.autoescape or frame.eval_ctx.volatile or finalize.src is not None:
            raise DrawnUnescaped(DrawnUnescaped.__doc__)
        self.write("(escape_text(_value) if type(_value := (")

    def _output_child_post(self, node: nodes.Expr, frame: Scope, finalize: CodeGenerator._FinalizeInfo) -> None:
        self.write(")) is str else escape(_value))")


# U+202A to U+202E and U+2066 to U+2069 in UTF-8: bytes are searched ten times as fast as letters.
_TURNING = re.compile(rb"\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])")
_SEEN = "\ufffd".encode()

FOLDER = Path(__file__).parent / "templates"


class Drawing(Environment):
    code_generator_class = Generator


ENVIRONMENT = Drawing(
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
    return HTMLResponse(upright(text(template, frame=frame, **values)), status_code=status)


def upright(drawn: str) -> bytes:
    """A page without the signs that turn text around: one in what a source said would show its neighbour's 12 as 21.

    Where one stood is seen (https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings, UTS 39).
    """
    return _TURNING.sub(_SEEN, drawn.encode())
