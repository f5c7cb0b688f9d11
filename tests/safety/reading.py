"""A page as its reader meets it: parts found by tag, class or id, and their words."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

EMPTY = frozenset({"br", "img", "input", "link", "meta", "path", "circle", "line", "polyline", "rect", "use"})


class Part:
    """One element with what is inside it, in order."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.inside: list[Part | str] = []

    def __iter__(self) -> Iterator[Part]:
        for each in self.inside:
            if isinstance(each, Part):
                yield each
                yield from each

    @property
    def words(self) -> str:
        """What can be read here, with single spaces."""
        return " ".join(" ".join(self.strings()).split())

    def strings(self) -> Iterator[str]:
        for each in self.inside:
            if isinstance(each, str):
                yield each
            elif each.tag not in ("style", "script", "head", "noscript"):
                yield from each.strings()

    def is_of(self, name: str) -> bool:
        """`name` is "tag", ".class" or "#id"."""
        if name.startswith("."):
            return name[1:] in self.attributes.get("class", "").split()
        if name.startswith("#"):
            return self.attributes.get("id") == name[1:]
        return self.tag == name

    def all(self, *path: str) -> list[Part]:
        """Every part at the end of a path of names, each somewhere inside the one before."""
        found: list[Part] = [self]
        for name in path:
            seen: dict[int, Part] = {id(part): part for outer in found for part in outer if part.is_of(name)}
            found = list(seen.values())
        return found

    def one(self, *path: str) -> Part:
        (found,) = self.all(*path)
        return found

    def words_of(self, *path: str) -> list[str]:
        return [part.words for part in self.all(*path)]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack = [Part("", {})]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        part = Part(tag, {name: value or "" for name, value in attributes})
        self.stack[-1].inside.append(part)
        if tag not in EMPTY:
            self.stack.append(part)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.stack[-1].inside.append(Part(tag, {name: value or "" for name, value in attributes}))

    def handle_endtag(self, tag: str) -> None:
        if tag in EMPTY:
            return
        assert self.stack[-1].tag == tag, f"</{tag}> closes <{self.stack[-1].tag}>"
        self.stack.pop()

    def handle_data(self, text: str) -> None:
        if text.strip():
            self.stack[-1].inside.append(text)


def read(html: str) -> Part:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.stack) == 1, [part.tag for part in reader.stack]
    return reader.stack[0]
