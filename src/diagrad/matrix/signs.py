"""Minus signs where a reader expects them: (b − a) c for −(a − b) c, and differences the way round
in which the problem has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from diagrad.dimensions import is_scalar
from diagrad.expression import Apply, Expression, Number, Symbol, walk
from diagrad.index.context import Context
from diagrad.index.term import Factor, Sum, Term
from diagrad.matrix import make

# Operations that are linear in these operands, so that a sign may stand inside.
LINEAR = {"@": (0, 1), "*": (0, 1), "/": (0, 1), "T": (0,), "sum": (0,), "mean": (0,), "diag": (0,)}
LINEAR |= {"trace": (0,), "diagonal": (0,)}
# Matrices that come first in a difference, as in I − A and diag(p) − p pᵀ.
FIRST = ("eye", "ones", "diag")
Turn = Callable[[Apply], Expression | None]


def negated(expression: Expression) -> Expression:
    """−A: with a difference inside turned, otherwise with the minus before the first factor."""
    counted = Counter(walk(expression))
    for turn in (_turned_difference, _turned_count):
        turned = _inside(expression, turn, counted)
        if turned is not None:
            return turned
    return _in_front(expression)


def _inside(node: Expression, turn: Turn, counted: Counter[Expression]) -> Expression | None:
    """The first difference inside turned; one that stands twice stays, as in −r rᵀ."""
    if not isinstance(node, Apply):
        return None
    if counted[node] == 1:
        turned = turn(node)
        if turned is not None:
            return turned
    for k in LINEAR.get(node.operation.name, ()):
        inner = _inside(node.operands[k], turn, counted)
        if inner is not None:
            operands = (*node.operands[:k], inner, *node.operands[k + 1 :])
            return make.apply(node.operation, *operands, parameters=node.parameters)
    return None


def _turned_difference(node: Apply) -> Expression | None:
    """b − a for a − b, of which neither is a number or a diagonal matrix."""
    if node.operation.name != "-" or any(_comes_first(operand) for operand in node.operands):
        return None
    return make.minus(node.operands[1], node.operands[0])


def _turned_count(node: Apply) -> Expression | None:
    """n − 1 for 1 − n with a dimension n."""
    if node.operation.name != "-" or not isinstance(node.operands[0], Number):
        return None
    size = node.operands[1]
    counts = isinstance(size, Symbol) and size.role == "dimension"
    return make.minus(size, node.operands[0]) if counts else None


def _comes_first(node: Expression) -> bool:
    """A number, a diagonal matrix or one of ones, also in a multiple or a quotient."""
    if isinstance(node, Apply) and node.operation.name in ("*", "/"):
        return all(_comes_first(operand) or is_scalar(operand.shape) for operand in node.operands)
    first = isinstance(node, Apply) and node.operation.name in FIRST
    return first or isinstance(node, Number)


def _in_front(expression: Expression) -> Expression:
    """The minus before the first factor of a product: −A B is (−A) B."""
    if isinstance(expression, Apply) and expression.operation.name in ("@", "*", "/"):
        first, second = expression.operands
        return make.apply(expression.operation, _in_front(first), second)
    return make.negative(expression)


def as_written(term: Term, context: Context) -> Term:
    """The term with differences in even powers, and those that stand twice, as the problem has
    them: (x − c)² for (c − x)²."""
    factors = list(term.factors)
    waiting: dict[Sum, int] = {}
    for place, factor in enumerate(term.factors):
        head = factor.head
        if not isinstance(head, Sum) or context.written.get(head, 1) > 0:
            continue
        if isinstance(factor.exponent, int) and factor.exponent % 2 == 0:
            factors[place] = _opposite(factor, head)
        elif factor.exponent == 1:
            first = waiting.setdefault(head, place)
            if first != place:
                del waiting[head]
                factors[first] = _opposite(factors[first], head)
                factors[place] = _opposite(factor, head)
    return term._replace(factors=tuple(factors))


def _opposite(factor: Factor, head: Sum) -> Factor:
    terms = tuple(t._replace(coefficient=-t.coefficient) for t in head.terms)
    return factor._replace(head=Sum(head.axes, terms))
