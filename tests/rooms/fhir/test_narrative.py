"""A narrative is well-formed, holds what FHIR lets it hold, and runs and fetches nothing."""

from __future__ import annotations

import pytest

from carerecord.fhir import narrative

OPEN = '<div xmlns="http://www.w3.org/1999/xhtml">'


@pytest.mark.parametrize(
    "inside",
    [
        "Weight 70 kg",
        '<p class="x" style="color: red" xml:lang="en">a<br/>b &lt; c &#174;</p>',
        '<table border="1"><tr><td colspan="2"><a href="https://example.org/x">x</a></td></tr></table>',
        '<a href="#p1">see</a><a href="Patient/1">his</a><a name="p1"/><a href="mailto:a@example.org">write</a>',
        '<img src="#photo" alt="x"/>',
        '<img src="data:image/png;base64,AAAA"/>',
    ],
)
def test_what_fhir_allows_is_safe(inside: str) -> None:
    assert narrative.problems(f"{OPEN}{inside}</div>") == []


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        ("x<script>alert(1)</script>", "<script>"),
        ('<p onclick="x()">x</p>', "onclick"),
        ('<a href="javascript:x()">x</a>', "href"),
        ('<a href=" java&#10;script:x()">x</a>', "href"),
        ('<a href="data:text/html,x">x</a>', "href"),
        ('<p style="background: URL(https://example.org/x)">x</p>', "style"),
        ('<iframe src="https://example.org"/>x', "<iframe>"),
        ('<object data="x"/>x', "<object>"),
        ('<link rel="stylesheet" href="https://example.org/x.css"/>x', "<link>"),
        ("<style>@import url(x)</style>x", "<style>"),
        ("<form><input/></form>x", "<form>"),
        ('<svg xmlns="http://www.w3.org/2000/svg">x</svg>', "another namespace"),
        ("  ", "says nothing"),
        ("x &nbsp; y", "entity"),
        ("<p>x", "well-formed"),
        ("x\ud800", "surrogate"),
    ],
)
def test_what_could_do_harm_is_refused(inside: str, says: str) -> None:
    assert says in " ".join(narrative.problems(f"{OPEN}{inside}</div>"))


@pytest.mark.parametrize(
    "xhtml", ["<p xmlns='http://www.w3.org/1999/xhtml'>x</p>", "<div>x</div>", f"{OPEN}x</div>{OPEN}y</div>", "x", ""]
)
def test_it_is_one_div_of_xhtml(xhtml: str) -> None:
    assert narrative.problems(xhtml)


def test_entities_are_never_expanded() -> None:
    bomb = '<!DOCTYPE div [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + f"{OPEN}&b;</div>"
    assert narrative.problems(bomb) == ["declares a document type: leave the declaration out"]


def test_problems_are_told_once_and_not_without_end() -> None:
    assert len(narrative.problems(OPEN + "<script/>" * 1000 + "x</div>")) == 1
    many = "".join(f'<p a{number}="1">x</p>' for number in range(1000))
    assert len(narrative.problems(f"{OPEN}{many}</div>")) == narrative.PROBLEMS_MAX
