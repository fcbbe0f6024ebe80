"""A page of HTML as a reader of screens steps through it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

VOID = {"meta", "link"}


class Outline(HTMLParser):
    """Checks that elements nest, and remembers what a reader of screens steps through."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" not in self.open and "style" not in self.open:
            self.words += data

    @property
    def levels(self) -> list[int]:
        return [int(tag[1]) for tag, _ in self.attributes if re.fullmatch("h[1-6]", tag)]

    def values(self, name: str) -> Iterator[str]:
        return (of[name] or "" for _, of in self.attributes if name in of)
