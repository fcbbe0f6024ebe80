"""Letters for the labels of formulas by elements."""

from __future__ import annotations

from collections.abc import Sequence

from diagrad.matrix.elements import LETTERS

# For unit axes, whose labels are not printed.
TAIL = "abcdefgh"


def lettered(places: Sequence[int | None], skip: int = 0) -> str:
    """An alphabet for the labels: i, j, … for axes, letters of the end for unit axes, which are not
    printed, then those for what is summed over."""
    friendly, units = iter(LETTERS[skip:]), iter(TAIL)
    output = "".join(next(units) if place is None else next(friendly) for place in places)
    used = set(output)
    return output + "".join(c for c in LETTERS[skip:] + LETTERS[:skip] if c not in used)
