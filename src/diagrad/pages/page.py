"""A derivation as a page: what stands on it and in which order, in no notation yet.

Formulas are functions from a notation to text; sentences are Unicode, which `show.sentences` turns
into the others. Every form of output draws the same page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

# How a formula is written in a notation: "unicode", "ascii", "latex"; "shaped" is LaTeX with
# the shape below every factor of a product of matrices.
Maths = Callable[[str], str]


class Side(NamedTuple):
    """One right side of an equation, and why it is equal to what stands before it."""

    maths: Maths
    why: str = ""


class Equation(NamedTuple):
    """left = side = side …; `shape` is that of the value, or of the factors and the value.

    `lead` are words in front of it. `aligned` sets every side on a line of its own.
    """

    left: Maths
    sides: tuple[Side, ...]
    shape: str = ""
    lead: str = ""
    aligned: bool = False


class Item(NamedTuple):
    """A step: its number, equations, the reason, the steps it consists of, and the rule."""

    number: str
    equations: tuple[Equation, ...]
    reason: str = ""
    parts: tuple[Item, ...] = ()
    rule: str = ""


class Defined(NamedTuple):
    name: Maths
    formula: Maths
    shape: str
    remark: str


class Vertex(NamedTuple):
    """A name in the computation graph: `below` are the places of the names that it is computed
    from, `passed` are those of them to which the derivative goes on; `role` is "given", "defined",
    or "wrt" for what is differentiated by."""

    name: Maths
    shape: str
    below: tuple[int, ...]
    passed: tuple[int, ...]
    role: str


class Given(NamedTuple):
    """The problem: its convention, variables with shape and facts, definitions, and the way back
    from the value to the variables; `signs` say what the signs of the page mean, `names` are all
    names of the problem, in Unicode, `dimensions` are those that shapes are made of, and `graph`
    has what is computed from what."""

    convention: str
    variables: tuple[tuple[Maths, str], ...]
    definitions: tuple[Defined, ...]
    way: tuple[Maths, ...]
    signs: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    dimensions: tuple[Maths, ...] = ()
    graph: tuple[Vertex, ...] = ()


class Heading(NamedTuple):
    """Words above a part of the page, what has a name from here on, and the way the part takes;
    `route` says that all steps are told again from here, on that route."""

    words: str
    called: tuple[Equation, ...] = ()
    way: tuple[Maths, ...] = ()
    route: str = ""


class Outcome(NamedTuple):
    """The results, the names that stand in them, how they were checked, and `remarks` on what was
    used in writing them out."""

    results: tuple[Equation, ...]
    named: tuple[tuple[Maths, Maths], ...]
    checks: tuple[str, ...]
    remarks: tuple[str, ...] = ()


Block = Given | Heading | Item | Outcome
Page = tuple[Block, ...]


def names_of(page: Page) -> frozenset[str]:
    """The names of the problem, in Unicode."""
    return frozenset().union(*(block.names for block in page if isinstance(block, Given)))
