"""Room for the recursion over a deep expression."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# An expression of the deepest nesting that the language allows takes some thousand calls.
RECURSION = 20_000


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Room for the recursion over a deep expression; the interpreter's limit is put back."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
