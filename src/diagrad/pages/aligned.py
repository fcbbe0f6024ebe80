"""Equations below each other in LaTeX, in lines that fit a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

# What is equal, to what, and its shape.
Rows = Sequence[tuple[str, str, str]]
# What takes no room of its own in a formula.
UNSEEN = re.compile(r"\\(?:left|right|frac|mathrm|operatorname|text)(?![A-Za-z])|[{}_^\s]")
SEEN = re.compile(r"\\[A-Za-z]+|.")
WIDE = frozenset({"+", "-", "=", *(rf"\{name}" for name in ("circ", "oslash", "cdot", "sum"))})
TOKEN = re.compile(r"\\(?:left|right)(?![A-Za-z])|\\.|[{}]| [+-] ")
# More signs than LONG: a left side has a line of its own, of shapes only the last is shown. More
# than LINE: a sum goes on in the next line.
LONG, LINE = 26, 50


def aligned(rows: Rows) -> str:
    r"""The rows of `align*` or `aligned`."""
    return " \\\\\n".join(line for row in rows for line in _lines(*row))


def _lines(left: str, right: str, note: str) -> Iterator[str]:
    alone = signs(left) > LONG
    if alone:
        yield f"& {left}"
    shape = note if signs(note) <= LONG else note.rpartition(" = ")[2]
    beside = f" && {shape}" if shape else ""
    first, *others = _broken(right)
    yield (rf"&\quad = {first}" if alone else f"{left} &= {first}") + beside
    for other in others:
        yield rf"&\quad {other}"


def signs(latex: str) -> int:
    """The width of a formula, about: its signs, those with space around them twice."""
    return sum(1 + (sign in WIDE) for sign in SEEN.findall(UNSEEN.sub("", latex)))


def _broken(right: str) -> list[str]:
    """A sum in lines, each but the first beginning with its sign."""
    lines = [""]
    for term in _terms(right):
        if lines[-1] and signs(lines[-1] + term) > LINE:
            lines.append("")
        lines[-1] += term
    return [line.strip() for line in lines]


def _terms(latex: str) -> Iterator[str]:
    """The terms of a sum with their signs; what stands in brackets or braces is one term."""
    depth = start = 0
    for token in TOKEN.finditer(latex):
        depth += {"{": 1, r"\left": 1, "}": -1, r"\right": -1}.get(token[0], 0)
        if depth == 0 and token[0].startswith(" "):
            yield latex[start : token.start()]
            start = token.start()
    yield latex[start:]
