"""What an answer may ask of the machine: arrays of bounded size and bounded work, told from shapes
before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

from diagrad.check.reading import Line
from diagrad.dimensions import Shape
from diagrad.errors import ProblemError
from diagrad.evaluate import parts
from diagrad.expression import Apply, Expression

LARGEST, MOST_TOGETHER = 200_000, 4_000_000
MOST_OPERANDS, MOST_WORK = 8, 20_000_000


def check_bounds(lines: Iterable[Line], sizes: Mapping[str, int]) -> None:
    """Raises ProblemError where an answer makes arrays that are too large, or computes too long."""
    together = 0
    for line in lines:
        for claim in line.claims:
            for node in parts(claim.expression):
                together += _entries(node, sizes, line)
    if together > MOST_TOGETHER:
        raise ProblemError(
            f"the answer makes arrays of more than {MOST_TOGETHER} entries in all, at sizes "
            f"{_listed(sizes)}"
        )


def _entries(node: Expression, sizes: Mapping[str, int], line: Line) -> int:
    count = _size(node.shape, sizes)
    if count > LARGEST:
        raise ProblemError(
            f"line {line.number} makes an array of {count} entries at sizes {_listed(sizes)}; at "
            f"most {LARGEST} are allowed"
        )
    if isinstance(node, Apply):
        if node.operation.name == "einsum" and len(node.operands) > MOST_OPERANDS:
            raise ProblemError(
                f"line {line.number}: einsum has at most {MOST_OPERANDS} operands in an answer"
            )
        if _work(node, sizes) > MOST_WORK:
            raise ProblemError(f"line {line.number} computes too long at sizes {_listed(sizes)}")
    return count


def _size(shape: Shape, sizes: Mapping[str, int]) -> int:
    return prod(size.evaluate(sizes) for size in shape)


def _work(node: Apply, sizes: Mapping[str, int]) -> int:
    """About how many multiplications an operation takes: those of a matrix product, or of the cubic
    methods of linear algebra; of einsum, one for each setting of its labels."""
    shapes = [operand.shape for operand in node.operands if len(operand.shape) == 2]
    if not shapes:
        return 0
    if node.operation.name == "einsum":
        labels = str(node.parameters[0]).partition("->")[0].replace(" ", "").split(",")
        known = {
            label: size.evaluate(sizes)
            for text, shape in zip(labels, shapes, strict=False)
            for label, size in zip(text, shape[-len(text) :], strict=False)
        }
        return prod(known.values())
    rows = max(size.evaluate(sizes) for size in shapes[0])
    return _size(node.shape, sizes) * rows


def _listed(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {size}" for name, size in sizes.items()) or "none"
