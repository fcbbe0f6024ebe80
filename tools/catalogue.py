"""Writes docs/operations.md, the catalogue of operations, from the rooms.

    python tools/catalogue.py           writes it
    python tools/catalogue.py --check   fails where it is out of date

Every derivative in it is derived, and so verified, while it is written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import diagrad as dg
from diagrad.dimensions import SCALAR, UNIT, Shape, describe, is_scalar
from diagrad.expression import Apply, Symbol
from diagrad.operations import ROOMS
from diagrad.operations.choices import COMPARISONS
from diagrad.operations.elementwise import Elementwise
from diagrad.operations.room import Operation
from diagrad.show import printed

PAGE = Path(__file__).resolve().parent.parent / "docs" / "operations.md"

OPERANDS = """
A: matrix[m, n]; B: matrix[m, n]; S: matrix[n, n]
row_m: row[m]; row_n: row[n]; column_m: column[m]; column_n: column[n]
positive_A: matrix[m, n] & positive; prob_A: matrix[m, n] & prob
"""

OPENING = """\
# The operations

<!-- Written by tools/catalogue.py from the rooms in src/diagrad/operations. Do not edit. -->

All operations of [the language](language.md), each with its derivative. Nothing here is copied from
a table: this page is written by a program that asks Diagrad for every derivative, and Diagrad
checks each one against numbers.

Operands in the examples: `A` and `B` are m×n, `S` is n×n, and the others say in their names what
they are. Where the value of an example is an array V, its derivative is shown as the *pull-back*:
if G = ∂J/∂V for some scalar J, it says what ∂J/∂A is. That is what backpropagation hands on. Where
the value is a scalar, the derivative is the gradient itself.

`∘` `⊘` and `∘²` work entry by entry, 𝟏 is a column of ones, I the identity, 𝟙[…] is 1 where the
condition holds and 0 elsewhere.
"""

# The modules of the rooms, in the order of the page, with what each group is called.
GROUPS = {
    "arithmetic": "Arithmetic, entry by entry",
    "products": "Matrix products, and moving entries",
    "einsum": "Sums of products by labels",
    "elementwise": "Functions, entry by entry",
    "choices": "Choices, entry by entry",
    "reductions": "Sums, means and norms",
    "softmax": "Softmax and its kin",
    "losses": "Losses",
    "linear_algebra": "Inverses and determinants",
    "factorisations": "Pseudoinverse and factors",
}

UNDER = {
    "elementwise": "The value of a function of one operand has its shape. Entry i depends on\n"
    "entry i of the operand alone: the Jacobian is diagonal, and the pull-back is G ∘ f′(A).\n",
}

# Facts as sentences about a value, the stronger one of two first.
FACTS = {
    "prob": "every value lies strictly between 0 and 1",
    "positive": "every value is positive",
    "nonneg": "no value is negative",
}


def page() -> str:
    """The catalogue as Markdown."""
    rooms: dict[str, list[Operation]] = {}
    for room in ROOMS:
        rooms.setdefault(type(room).__module__.rpartition(".")[2], []).append(room)
    ordered = [*(g for g in GROUPS if g in rooms), *(g for g in rooms if g not in GROUPS)]
    parts = [OPENING]
    for group in ordered:
        parts.append(f"## {GROUPS.get(group, group.capitalize())}\n")
        if group in UNDER:
            parts.append(UNDER[group])
        parts += [entry(room) for room in rooms[group]]
        if group == "choices":
            parts.append(comparisons())
    return "\n".join(parts)


def entry(room: Operation) -> str:
    """One operation: how it is written, what it is, and what is known of it."""
    lines = [f"### `{signature(room)}`", "", room.summary, ""]
    lines += derivative(room)
    known = "; ".join(facts(room))
    if known:
        lines.append(f"- known: {known}")
    if room.source:
        lines.append(f"- source: {room.source}")
    return "\n".join(lines) + "\n"


def signature(room: Operation) -> str:
    """How the operation is written: `A @ B`, `sum(A, axis=…)`, `eye(n)`."""
    takes = room.takes
    if room.operator:
        operands = tuple(Symbol(SCALAR, name, "variable") for name in takes.operands)
        return printed(Apply(SCALAR, room, operands), "source")
    if takes.subscripts:
        return f'{room.name}("…->…", A, B, …)'
    inside = [*takes.operands, *takes.sizes, *(["axis=…"] if takes.axis else [])]
    return f"{room.name}({', '.join(inside)})"


def derivative(room: Operation) -> Iterator[str]:
    """The derivative with the sentence that explains it, and the example with its shape."""
    if isinstance(room, Elementwise):
        prime = dg.parse("x: scalar").derive(f"{room.name}(x)", wrt="x").result
        yield f"- derivative: `f′(x) = {prime}`"
        yield f"- why: {room.because}"
        yield f"- example: `{room.example}`"
        return
    problem = dg.parse(OPERANDS)
    shape = problem.expression(room.example).shape
    yield f"- why: {room.because}"
    yield f"- example: `{room.example}` is {describe(shape)}"
    if not room.takes.sizes:
        yield from pullbacks(room.example, shape)


def pullbacks(example: str, shape: Shape) -> Iterator[str]:
    """What the example hands back to each of its operands."""
    given = "" if is_scalar(shape) else f"G: {kind(shape)}"
    problem = dg.parse(OPERANDS + given)
    of = example if is_scalar(shape) else f"sum(G * ({example}))"
    for name in problem.default_wrt(of):
        if name != "G":
            shown = problem.formula(name).unicode()
            above = f"∂{example}" if is_scalar(shape) else "∂J"
            yield f"    - `{above}/∂{shown} = {problem.derive(of, wrt=name).result}`"


def kind(shape: Shape) -> str:
    rows, columns = shape
    if rows == UNIT:
        return f"row[{columns}]"
    return f"column[{rows}]" if columns == UNIT else f"matrix[{rows}, {columns}]"


def facts(room: Operation) -> Iterator[str]:
    """What is known of the values, and simplifies results."""
    strongest = next((FACTS[fact] for fact in FACTS if fact in room.facts), None)
    if strongest:
        yield strongest
    if not isinstance(room, Elementwise):
        return
    if room.at:
        yield ", ".join(f"{room.name}({x}) = {y}" for x, y in room.at.items())
    if room.inverse:
        yield f"{room.name}({room.inverse}(x)) = x where {room.inverse} x is defined"
    if room.idempotent:
        yield "every value is 0 or 1, so that its powers are the value itself"


def comparisons() -> str:
    """The conditions of `where`, which have no derivative of their own."""
    written = ", ".join(f"`{signature(room)}`" for room in COMPARISONS)
    because = {room.because for room in COMPARISONS}
    return (
        "### Conditions of `where`\n\n"
        f"{written}. They stand nowhere else.\n\n"
        f"- derivative: 0; {', '.join(sorted(because))}\n"
    )


def main(arguments: list[str]) -> int:
    text = page()
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print("docs/operations.md is out of date: run python tools/catalogue.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
