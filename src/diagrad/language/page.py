"""The text as its writer sees it: a place is a character index, shown as line and column."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right

from diagrad.errors import ProblemError, Span
from diagrad.language.limits import LONGEST_SHOWN, LONGEST_TEXT


class Page:
    """A text and the name of its file. Raises ProblemError for what is no text, or too long."""

    def __init__(self, text: str, file: str) -> None:
        if not isinstance(text, str):
            raise ProblemError(f"a problem is text (str), not {type(text).__name__}")
        if len(text) > LONGEST_TEXT:
            raise ProblemError(
                f"the text has {len(text)} characters; at most {LONGEST_TEXT} are allowed"
            )
        self.file = file
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.lines = self.text.split("\n")
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def line(self, index: int) -> int:
        """The number, from 1, of the line on which a character stands."""
        return bisect_right(self._starts, index, hi=len(self.lines))

    def span(self, start: int, end: int) -> Span:
        """The part on its first line of a piece of the text."""
        line = self.line(start)
        first = self._starts[line - 1]
        end = min(end, first + len(self.lines[line - 1]))
        return Span(line, start - first + 1, max(end, start + 1) - first + 1)

    def error(
        self, message: str, start: int, end: int, kind: type[ProblemError] = ProblemError
    ) -> ProblemError:
        """The error to raise about a piece of the text."""
        span = self.span(start, end)
        return kind(message, span, visible(self.lines[span.line - 1]), self.file)


def visible(text: str) -> str:
    """Tabs stay; other control characters and surrogates, which a terminal may obey, do not."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_hidden(c) else c for c in text)


def _is_hidden(character: str) -> bool:
    hidden = unicodedata.category(character) in ("Cc", "Cs", "Cf", "Zl", "Zp")
    return hidden and character != "\t"


def shortened(text: str) -> str:
    """One line of at most LONGEST_SHOWN characters, the middle left out."""
    text = " ".join(text.split())
    if len(text) <= LONGEST_SHOWN:
        return text
    half = (LONGEST_SHOWN - 3) // 2
    return f"{text[:half]} … {text[-half:]}"
