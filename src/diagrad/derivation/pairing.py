"""How factors go over from one side of ⟨G, dZ⟩ to the other: ⟨G, dh W⟩ = ⟨G Wᵀ, dh⟩.

Each operation on the way to a differential is linear in it, and has a transposed one, which is
applied to G instead. The sentences say which, from the outside in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from diagrad.dimensions import UNIT, is_scalar
from diagrad.expression import Apply, Expression, Symbol
from diagrad.matrix import make
from diagrad.operations.saying import transposed

Printed = Callable[[Expression], str]
STANDS = (
    "{0} on the right goes over as {1}, on the right",
    "{0} on the left goes over as {1}, on the left",
)
ONE_NUMBER = "{0} is one number, so all that it multiplies is added up"
REPEATED = "{0} is repeated, so what is paired with it is added up over the repetitions"
ENTRIES = "what multiplies entry by entry goes over as it is"
LINEAR = {
    "T": "a transpose goes over as a transpose",
    "sum": "a sum goes over as repetition",
    "mean": "a mean goes over as repetition, divided by the number of entries",
    "trace": "⟨g, tr A⟩ = ⟨g I, A⟩",
    "diag": "of diag(v) only the diagonal counts",
    "diagonal": "the diagonal goes over as a diagonal matrix",
}


def carried(node: Expression, by: str, printed: Printed) -> list[str]:
    """What is done to the factors around the differential `by`, each thing once."""
    if isinstance(node, Symbol):
        return [f"{printed(node)} comes in as it is"]
    return list(dict.fromkeys(_carried(node, by, printed)))


def _carried(node: Expression, by: str, printed: Printed) -> Iterator[str]:
    if not isinstance(node, Apply):
        return
    for k, operand in enumerate(node.operands):
        if not has(operand, by):
            continue
        stretched = operand.shape != node.shape and node.operation.entrywise
        yield from _own(node, k, printed)
        if stretched and not is_scalar(node.shape):
            how = ONE_NUMBER if is_scalar(operand.shape) else REPEATED
            yield how.format(printed(operand).lstrip("−"))
            continue
        yield from _carried(operand, by, printed)


def _own(node: Apply, k: int, printed: Printed) -> Iterator[str]:
    match node.operation.name:
        case "@":
            other = node.operands[1 - k]
            if not any(is_scalar(operand.shape) for operand in node.operands):
                if isinstance(other, Apply) and other.operation.name == "negate":
                    (other,) = other.operands
                text = printed(other)
                yield STANDS[k].format(text, transposed(text))
        case "*" | "/":
            other = node.operands[1 - k]
            if not is_scalar(other.shape) and not is_scalar(node.operands[k].shape):
                yield ENTRIES
        case name:
            if name in LINEAR and not is_scalar(node.operands[k].shape):
                yield LINEAR[name]


def turned(node: Expression, by: str, printed: Printed) -> list[str]:
    """What a product by a row or entry by entry is for columns: (dx W)ᵀ = Wᵀ dxᵀ."""
    match node:
        case Apply(operation=op, operands=(Symbol(name=name), other)):
            if op.name == "@" and name == by and node.shape[0] == UNIT:
                product = make.matmul(make.transposed(other), make.transposed(node.operands[0]))
                return [f"{printed(make.transposed(node))} = {printed(product)}"]
        case Apply(operation=op, operands=(_, Symbol(name=name))):
            if op.name == "*" and name == by and UNIT in node.shape and not is_scalar(node.shape):
                return ["for columns u ∘ v = diag(u) v"]
    return []


def has(node: Expression, name: str) -> bool:
    """Whether a name stands in an expression."""
    if isinstance(node, Symbol):
        return node.name == name
    return isinstance(node, Apply) and any(has(operand, name) for operand in node.operands)
