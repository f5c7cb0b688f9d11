"""Whether a narrative's XHTML is well-formed and can do no harm (https://hl7.org/fhir/R4/narrative.html)."""

from __future__ import annotations

from xml.parsers import expat

NAMESPACE = "http://www.w3.org/1999/xhtml"
_XML = "http://www.w3.org/XML/1998/namespace"
PROBLEMS_MAX = 20
# Chapters 7-11 (except 9.4) and 15 of HTML 4: what FHIR lets a narrative hold, and no more.
_ELEMENTS = """
a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6
hr i img kbd li map ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var
"""
_ATTRIBUTES = """
title style class id idref lang dir accesskey tabindex span width align valign char charoff abbr axis headers scope
rowspan colspan
"""
ELEMENTS = frozenset(_ELEMENTS.split())
ATTRIBUTES = frozenset(_ATTRIBUTES.split())
_OF_ONE_ELEMENT = {
    "a": "href name charset type hreflang rel rev shape coords",
    "img": "src border alt longdesc height width usemap ismap",
    "area": "shape coords href nohref alt",
    "map": "name",
    "table": "summary border frame rules cellspacing cellpadding",
    "blockquote": "cite",
    "q": "cite",
    "pre": "space",
    "td": "nowrap",
    "ol": "start type",
    "li": "value",
}
_ALLOWED = {element: ATTRIBUTES | frozenset(own.split()) for element, own in _OF_ONE_ELEMENT.items()}
_LINKS = frozenset(("href", "src", "cite", "longdesc"))
_SCHEMES = frozenset(("http", "https", "mailto", "tel", "ftp"))
_STYLES_THAT_FETCH = ("url(", "@import", "expression(", "javascript:", "behavior:", "-moz-binding", "\\")


class _Unsafe(Exception):
    """The narrative declares a document type: leave the declaration out."""


class _Reader:
    """Reads one narrative, keeping what is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.has_content = False
        self.is_in_root = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, element = tag.rpartition(" ")
        if not self.is_in_root:
            self.is_in_root = True
            if (namespace, element) != (NAMESPACE, "div"):
                self.say(f'must be one div with xmlns="{NAMESPACE}"')
        elif namespace != NAMESPACE:
            self.say("holds an element of another namespace than XHTML: leave it out")
        if element not in ELEMENTS:
            self.say(f"holds <{_shown(element)}>, which a narrative may not: leave it out")
        self.has_content = self.has_content or element == "img"
        allowed = _ALLOWED.get(element, ATTRIBUTES)
        for name, value in attributes.items():
            self.attribute(element, name, value, allowed)

    def attribute(self, element: str, name: str, value: str, allowed: frozenset[str]) -> None:
        if name not in allowed and name not in (f"{_XML} lang", f"{_XML} space"):
            self.say(f"has {_shown(name)} at <{_shown(element)}>, which a narrative may not: leave it out")
        elif name in _LINKS and not _is_safe_link(value, is_image=element == "img"):
            self.say(f"has a {name} at <{element}> that is no web, mail or telephone address: leave it out")
        elif name == "style" and any(word in value.lower() for word in _STYLES_THAT_FETCH):
            self.say(f"has a style at <{element}> that fetches or runs something: leave it out")

    def text(self, text: str) -> None:
        self.has_content = self.has_content or not text.isspace()

    def refuse_doctype(self, *_: object) -> None:
        # Entities could make a small text grow without end: nothing of the declaration is read.
        raise _Unsafe

    def say(self, sentence: str) -> None:
        if len(self.problems) < PROBLEMS_MAX and sentence not in self.problems:
            self.problems.append(sentence)


def problems(xhtml: str) -> list[str]:
    """What must change before it may stand in a resource: nothing, if it is right."""
    reader = _Reader()
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    try:
        parser.Parse(xhtml.encode(), True)
    except _Unsafe:
        return ["declares a document type: leave the declaration out"]
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        if error.code == expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]:
            reason = "an entity that XML does not know; write the character itself"
        return [*reader.problems, f"is not well-formed XML: {reason} (line {error.lineno})"]
    except UnicodeEncodeError:
        return ["holds half of a surrogate pair: write the character itself"]
    if not reader.has_content:
        reader.say("says nothing: write some text or leave the whole narrative out")
    return reader.problems


def is_safe(xhtml: str) -> bool:
    return not problems(xhtml)


def _is_safe_link(value: str, *, is_image: bool) -> bool:
    """Whether following it is harmless: browsers ignore spaces and control characters in a scheme, so do we."""
    cleaned = "".join(character for character in value if character > " ").lower()
    scheme, colon, _ = cleaned.partition(":")
    if not colon or any(sign in scheme for sign in "/?#"):
        return True
    return scheme in _SCHEMES or (is_image and cleaned.startswith(("data:image/", "cid:")))


def _shown(name: str) -> str:
    """A name out of foreign text, short and without surprises."""
    return ascii(name.rpartition(" ")[2][:40])[1:-1]
