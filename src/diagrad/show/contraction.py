"""An einsum by elements: `einsum("ij,jk->ik", A, B)` as Σⱼ Aᵢⱼ Bⱼₖ. Labels of unit axes are not
shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import ascii_letters

from diagrad.dimensions import SCALAR
from diagrad.expression import Apply, Expression, Number, number
from diagrad.matrix import make
from diagrad.operations import OPERATORS
from diagrad.operations.arithmetic import Add, Divide, Multiply, Negate, Subtract
from diagrad.operations.einsum import split_subscripts
from diagrad.operations.linear_algebra import INVERSE_TRANSPOSED, Inverse
from diagrad.operations.products import Transpose
from diagrad.show.entries import Entry, axis_labels, entry

# Those that Unicode has as subscripts, the usual ones first.
LABELS = "ijklmnprstuvxaeoh"
ZERO = number(0)


@dataclass(frozen=True)
class Contraction(Expression):
    """The sum of the body over the bound labels: the entry, at the free labels, of an array."""

    body: Expression
    bound: str
    free: str


def by_elements(node: Expression, notation: str) -> Expression:
    """The node as the notation shows it: an einsum, and an entry of one, as a contraction, and the
    transpose of an inverse with one sign, A⁻ᵀ. It stays as it is in source, and where no letter is
    left for a label."""
    if notation == "source":
        return node
    match node:
        case Apply() if node.operation.takes.subscripts:
            return _contraction(node, None, notation) or node
        case Entry(array=Apply() as array) if array.operation.takes.subscripts:
            return _contraction(array, node.labels, notation) or node
        case Apply(operation=Negate() | Add() | Subtract()):
            return _with_one_sign(node, notation)
        case Apply(operation=Transpose(), operands=(Apply(operation=Inverse()) as inverse,)):
            turned = Apply(node.shape, INVERSE_TRANSPOSED, inverse.operands)
            return turned if notation in ("unicode", "latex") else node
        case Apply(operation=Multiply(), operands=(factor, array)):
            ones = _ones(array, notation)
            return replace(ones, body=factor) if ones else node
    return node


def _ones(array: Expression, notation: str) -> Contraction | None:
    """An einsum of ones alone, along axes that only the shape needs."""
    shown = by_elements(array, notation)
    one = isinstance(shown, Contraction) and not shown.bound and shown.body == number(1)
    return shown if isinstance(shown, Contraction) and one else None


def _with_one_sign(node: Apply, notation: str) -> Expression:
    """The sign in front of an einsum and the minus that comes out of it as one: −(−Σ) is Σ."""
    *first, last = node.operands
    if not (isinstance(last, Apply) and last.operation.takes.subscripts):
        return node
    match by_elements(last, notation):
        case Apply(operation=Negate(), operands=(positive,)):
            sign = "+" if node.operation.name == "-" else "-"
            return Apply(node.shape, OPERATORS[sign], (*first, positive)) if first else positive
    return node


def _contraction(node: Apply, given: str | None, notation: str) -> Expression | None:
    """An einsum at free labels of its own, or at given ones as part of another entry."""
    inputs, output = split_subscripts(node.parameters[0])
    groups = [axis_labels(g, o.shape) for g, o in zip(inputs, node.operands, strict=True)]
    used = dict.fromkeys(label for group in groups for label in group if label)
    free = [label for label in output if label in used]
    letters = _letters(list(used), dict(zip(free, given or "", strict=False)), notation)
    if letters is None:
        return None
    factors = [
        entry(operand, tuple(letters.get(label, "") for label in group))
        for operand, group in zip(node.operands, groups, strict=True)
    ]
    negative, body = _product(factors)
    bound = "".join(letters[label] for label in used if label not in free)
    shown = "".join(letters[label] for label in free) if given is None else ""
    shape = node.shape if given is None else SCALAR
    total = Contraction(shape, body, bound, shown)
    return Apply(shape, Negate(), (total,)) if negative else total


def _letters(used: Sequence[str], given: dict[str, str], notation: str) -> dict[str, str] | None:
    """The letter for each label: the one given, or its own where the notation has it and it is not
    taken, or another."""
    alphabet = LABELS if notation == "unicode" else dict.fromkeys(LABELS + ascii_letters)
    free = [c for c in alphabet if c not in given.values()]
    kept = {c: c for c in used if c in free and c not in given}
    spare = [c for c in free if c not in kept]
    missing = [c for c in used if c not in kept and c not in given]
    if len(missing) > len(spare):
        return None
    return kept | given | dict(zip(missing, spare, strict=False))


def _product(factors: Sequence[Expression]) -> tuple[bool, Expression]:
    """The product as one quotient, and whether a minus belongs in front of it."""
    above: list[Expression] = []
    below: list[Expression] = []
    signs = [_collect(factor, above, below) for factor in factors]
    above.sort(key=lambda factor: not isinstance(factor, Number))
    if above.count(ZERO) > 1:
        above = [ZERO, *(factor for factor in above if factor != ZERO)]
    return sum(signs) % 2 == 1, make.over(make.product(above), make.product(below))


def _collect(factor: Expression, above: list[Expression], below: list[Expression]) -> bool:
    """Adds the parts of a factor to numerator and denominator; whether it has a minus."""
    match factor:
        case Apply(operation=Multiply(), operands=(first, second)):
            return _collect(first, above, below) != _collect(second, above, below)
        case Apply(operation=Divide(), operands=(first, second)):
            below.append(second)
            return _collect(first, above, below)
        case Apply(operation=Negate(), operands=(inner,)):
            return not _collect(inner, above, below)
        case Number(value=value) if value < 0:
            above.append(number(-value))
            return True
    above.append(factor)
    return False
