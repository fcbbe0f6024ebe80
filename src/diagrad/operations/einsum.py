"""einsum, for users who think in labels and for results that no matrix can say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diagrad.dimensions import UNIT, Shape, is_scalar, is_vector
from diagrad.expression import Apply
from diagrad.index.build import Indexed, as_polynomial, labels, tensor
from diagrad.operations.room import (
    SUBSCRIPT_LETTERS,
    Array,
    Operation,
    ShapeError,
    Takes,
    Use,
    entry_text,
)
from diagrad.operations.saying import above, bare, factor, held, onward, summed


class Einsum(Operation):
    """Sums of products by their labels; also the form of a result that no matrix can say."""

    name = "einsum"
    takes = Takes(operands=("A",), subscripts=True)
    entrywise = False
    summary = 'Sums of products by labels: einsum("ij,jk->ik", A, B).'
    example = 'einsum("ij,kj->ik", A, B)'
    because = "it is its own index notation"
    rule = "sum of products"

    def says(self, use: Use) -> str:
        inputs, output = split_subscripts(use.node.parameters[0])
        own = inputs[use.operand]
        if not set("".join(inputs)) <= SUBSCRIPT_LETTERS.keys() or len(set(own)) < len(own):
            return "every label that the operand lacks is summed, the other factors as they are"
        entries = [_entry(t, at) for t, at in zip(use.operands, inputs, strict=True)]
        whole = summed(_lacking(inputs, output), " · ".join(entries))
        others = [e for k, e in enumerate(entries) if k != use.operand]
        back = summed(_lacking([*inputs, output], own), " · ".join([above(use, output), *others]))
        derivative = f"{held(use)}{onward(use, entries[use.operand])} = {back}"
        return f"{_entry(use.value, output)} = {whole}, so {derivative}"

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        inputs, output = split_subscripts(parameters[0])
        if len(inputs) != len(shapes):
            raise ShapeError(
                f"einsum needs labels for each operand: it has {len(inputs)} for {len(shapes)}"
            )
        sizes: dict[str, Any] = {}
        for k, (group, shape) in enumerate(zip(inputs, shapes, strict=True)):
            for label, size in zip(group, label_sizes(group, shape, k), strict=True):
                if sizes.setdefault(label, size) != size:
                    raise ShapeError(
                        f"einsum's label {label} is {sizes[label]} in one operand "
                        f"and {size} in {{{k}}}"
                    )
        missing = [label for label in output if label not in sizes]
        if missing or len(set(output)) < len(output):
            raise ShapeError(
                f"einsum's output labels {output!r} must be different labels of the operands"
            )
        if len(output) > 2:
            return tuple(sizes[label] for label in output)
        return tuple(sizes[label] for label in output) + (UNIT,) * (2 - len(output))

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        inputs, output = split_subscripts(parameters[0])
        made: dict[str, Any] = {}
        product = as_polynomial(1)
        for group, operand in zip(inputs, operands, strict=True):
            if len(group) == 2:
                axes = [operand.rows, operand.columns]
            else:
                axes = [operand.tensor.axes] if group else []
            at = [
                made.setdefault(label, labels(axis))
                for label, axis in zip(group, axes, strict=True)
            ]
            product = product * operand.tensor[at]
        free = [made[label] for label in output]
        return Indexed(tensor(free, product), len(free[0]) if free else 0)

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        inputs, output = split_subscripts(node.parameters[0])
        flat = [
            a if len(group) > 1 else a.reshape(a.shape[:-2] + (-1,) * len(group))
            for group, a in zip(inputs, arrays, strict=True)
        ]
        spec = ",".join("..." + group for group in inputs) + "->..." + output
        value: Array = np.einsum(spec, *flat, optimize=len(flat) > 2)
        return value.reshape(value.shape + (1,) * (2 - len(output))) if len(output) < 2 else value


def _entry(text: str, at: str) -> str:
    return entry_text(bare(text), at) if at else factor(text)


def _lacking(groups: Sequence[str], kept: str) -> str:
    """The labels of the groups that are not kept, each once."""
    return "".join(dict.fromkeys(label for label in "".join(groups) if label not in kept))


def split_subscripts(spec: str) -> tuple[list[str], str]:
    """`"ij,jk->ik"` as (["ij", "jk"], "ik"). Raises ShapeError where it is not of that form."""
    before, arrow, output = spec.replace(" ", "").partition("->")
    inputs = before.split(",")
    if not arrow or not all(c.isalpha() and c.isascii() for c in before.replace(",", "") + output):
        raise ShapeError(f'einsum\'s labels are written like "ij,jk->ik", not {spec!r}')
    return inputs, output


def label_sizes(group: str, shape: Shape, k: int) -> Shape:
    """The size of each label of one operand. Raises ShapeError where their number does not fit."""
    if len(group) == len(shape):
        return shape
    if len(group) == 1 and (is_vector(shape) or is_scalar(shape)):
        return (shape[0] * shape[1],)
    if not group and is_scalar(shape):
        return ()
    raise ShapeError(f"einsum's labels {group!r} do not fit {{{k}}}")


OPERATIONS: tuple[Operation, ...] = (Einsum(),)
