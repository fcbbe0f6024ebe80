"""The sizes of dimensions from the shapes of arguments, as lines of Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from diagrad.compile.statements import Buffer
from diagrad.dimensions import Size


class Told(NamedTuple):
    """A dimension, and what it is where {0} is the size of an axis and {n} that of dimension n."""

    name: str
    buffer: Buffer
    axis: int
    formula: str


def told(inputs: Sequence[Buffer]) -> list[Told]:
    """The dimensions that follow from the shapes of inputs, each told by those before it."""
    axes = [(b, k) for b in inputs for k in range(len(b.axes))]
    found: dict[str, Told] = {}
    while True:
        solved = ((b, k, _solved(b.axes[k], found)) for b, k in axes)
        first = next(((b, k, pair) for b, k, pair in solved if pair), None)
        if first is None:
            return list(found.values())
        buffer, axis, (name, formula) = first
        found[name] = Told(name, buffer, axis, formula)


def lines(
    found: Sequence[Told], called: Mapping[Buffer, str], sized: Mapping[str, str]
) -> Iterator[str]:
    """`Dx, H = W1.shape`."""
    left = list(found)
    while left:
        first = left.pop(0)
        name = called[first.buffer]
        if first.formula != "{0}" or len(first.buffer.axes) < 2:
            value = first.formula.format(f"{name}.shape[{first.axis}]", **sized)
            yield f"{sized[first.name]} = {value}"
            continue
        names = ["_", "_"]
        names[first.axis] = sized[first.name]
        if left and left[0].buffer is first.buffer and left[0].formula == "{0}":
            second = left.pop(0)
            names[second.axis] = sized[second.name]
        yield f"{', '.join(names)} = {name}.shape"


def renamed(size: Size, names: Mapping[str, str]) -> Size:
    terms = ((tuple(d._replace(name=names[d.name]) for d in m), c) for m, c in size.terms)
    return Size(tuple(terms))


def _solved(size: Size, known: Mapping[str, Told]) -> tuple[str, str] | None:
    """The only dimension of a size that is not known, where it stands once, and what it is."""
    unknown = {d.name for d in size.dimensions} - known.keys()
    if len(unknown) != 1:
        return None
    (name,) = unknown
    having = [(m, c) for m, c in size.terms if name in {d.name for d in m}]
    ((monomial, c), *others) = having
    factors = [f"{{{d.name}}}" for d in monomial if d.name != name]
    if others or len(factors) < len(monomial) - 1 or c < 0:
        return None
    rest = Size(tuple((m, -c) for m, c in size.terms if name not in {d.name for d in m}))
    sum_ = str(renamed(rest, {d.name: f"{{{d.name}}}" for d in rest.dimensions}))
    joined = sum_ if sum_.startswith("-") else f"+{sum_}"
    above = f"{{0}} {joined[0]} {joined[1:]}" if rest.terms else "{0}"
    below = " * ".join([str(c), *factors] if c != 1 else factors)
    if not below:
        return name, above
    above = f"({above})" if rest.terms else above
    return name, f"{above} // ({below})" if " " in below else f"{above} // {below}"
