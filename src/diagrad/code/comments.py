"""Text of users in comments, out of which it cannot come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def in_python(lines: Iterable[str]) -> Iterator[str]:
    """As comments of Python."""
    return (f"# {visible(line)}".rstrip() for line in lines)


def in_c(lines: Iterable[str]) -> Iterator[str]:
    """As one comment of C: no line of it ends the comment, begins another or is joined to the
    next."""
    yield "/*"
    yield from (f" * {harmless(line)}".rstrip() for line in lines)
    yield " */"


def visible(line: str) -> str:
    """Characters that do not print, among them those that end lines or turn the direction of
    writing, as what they are."""
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in line)


def harmless(line: str) -> str:
    line = visible(line).replace("\\", "<backslash>")
    for pair in ("*/", "/*", "??"):
        while pair in line:
            line = line.replace(pair, " ".join(pair))
    return line
