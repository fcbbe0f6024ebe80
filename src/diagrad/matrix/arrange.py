"""How a product and a sum are put together: signs and scalars in front, means, norms."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from typing import NamedTuple, TypeGuard

from diagrad.dimensions import UNIT, is_scalar
from diagrad.expression import Apply, Expression, Number, Symbol, number
from diagrad.matrix import make
from diagrad.matrix.cost import cost
from diagrad.matrix.signs import negated
from diagrad.operations import OPERATORS

# As many as the language reads.
MOST_SUMMANDS = 100


class Signed(NamedTuple):
    """A term of a sum: its sign apart, so that the sum can be put together with + and −."""

    negative: bool
    expression: Expression


def root(base: Expression) -> Expression:
    """√a; of a sum of squares the norm."""
    if isinstance(base, Apply) and base.operation.name == "sum":
        (squares,) = base.operands
        if isinstance(squares, Apply) and squares.operation.name == "**":
            inner, exponent = squares.operands
            if exponent == number(2):
                return make.call("norm", inner, parameters=base.parameters)
    return make.call("sqrt", base)


def powered(base: Expression, exponent: Fraction) -> Expression:
    """A positive power; those of the root of a sum of squares are powers of the norm."""
    if exponent == Fraction(1, 2):
        return root(base)
    if exponent.denominator == 2:
        length = root(base)
        if isinstance(length, Apply) and length.operation.name == "norm":
            return make.power(length, number(2 * exponent))
    return make.power(base, number(exponent))


def averaged(body: Expression, bottom: Expression) -> tuple[Expression, Expression]:
    """A product with a sum of n terms in it, divided by n, with the mean; else both as they are."""
    if isinstance(bottom, Symbol) and bottom.role == "dimension":
        replaced = _with_mean(body, bottom.name)
        if replaced is not None:
            return replaced, make.ONE
    return body, bottom


def _with_mean(node: Expression, name: str) -> Expression | None:
    """The product with its first sum of `name` terms as a mean; None where it has no such sum."""
    if not isinstance(node, Apply):
        return None
    match node.operation.name:
        case "sum":
            count = UNIT
            for before, after in zip(node.operands[0].shape, node.shape, strict=True):
                count = count if before == after else count * before
            if str(count) != name:
                return None
            return make.call("mean", *node.operands, parameters=node.parameters)
        case "@" | "*" | "T":
            for k, operand in enumerate(node.operands):
                replaced = _with_mean(operand, name)
                if replaced is not None:
                    operands = (*node.operands[:k], replaced, *node.operands[k + 1 :])
                    return make.apply(node.operation, *operands)
    return None


def scalar_rank(expression: Expression) -> tuple[int, float]:
    """Orders scalars in front of a product: names first, then the shorter ones."""
    return (isinstance(expression, Apply), cost(expression))


def in_front(scalar: Expression, body: Expression) -> Expression:
    """A scalar goes before the first factor of a product: 2 A B is (2 A) B."""
    if make.is_one(scalar):
        return body
    if isinstance(body, Apply) and body.operation.name in ("@", "*", "/"):
        first, second = body.operands
        return make.apply(body.operation, in_front(scalar, first), second)
    return make.times(scalar, body)


def quotient(body: Expression, bottom: Expression) -> Expression:
    """A product over a scalar; what is over a scalar already gets no second fraction line."""
    if isinstance(body, Apply) and body.operation.name == "/" and not make.is_one(bottom):
        above, below = body.operands
        if is_scalar(below.shape):
            return make.over(above, in_front(bottom, below))
    return over(body, bottom)


def over(above: Expression, below: Expression) -> Expression:
    """A quotient; aⁿ / bⁿ is (a / b)ⁿ."""
    if _is_power(above) and _is_power(below):
        (a, n), (b, m) = above.operands, below.operands
        if n == m and isinstance(n, Number):
            return make.power(make.over(a, b), n)
    return make.over(above, below)


def _is_power(expression: Expression) -> TypeGuard[Apply]:
    return isinstance(expression, Apply) and expression.operation.name == "**"


def with_sign(shown: list[tuple[bool, Expression]]) -> Expression:
    """The sum of expressions with their signs, which may have more than two axes."""
    ordered = sorted(shown, key=lambda s: s[0])
    negative, total = ordered[0]
    if negative:
        total = Apply(total.shape, OPERATORS["negate"], (total,))
    for negative, term in ordered[1:]:
        total = Apply(total.shape, OPERATORS["-" if negative else "+"], (total, term))
    return total


def front(signed: Signed) -> Expression:
    """A term at the beginning of a sum, its sign inside."""
    return negated(signed.expression) if signed.negative else signed.expression


def added(signed: list[Signed]) -> Expression:
    """A sum, positive terms first."""
    ordered = sorted(signed, key=lambda s: s.negative)
    total = front(ordered[0])
    for term in ordered[1:]:
        join = make.minus if term.negative else make.plus
        total = join(total, term.expression)
    return total


def gathered(signed: list[Signed], last: bool) -> list[Signed]:
    """A B + C B as (A + C) B, and A B + B as (A + I) B, where the terms have their last factor in
    common; or their first, and then, within the brackets, those of the other side. A diagonal
    matrix stays, as in D − D E D, which shows its symmetry."""
    bottom = {_divided_by(term.expression) for term in signed}
    if len(signed) > 1 and len(bottom) == 1 and (below := bottom.pop()) is not None:
        above = gathered([Signed(t.negative, _numerator(t.expression)) for t in signed], last)
        return [Signed(t.negative, make.over(t.expression, below)) for t in _one(above)]
    groups: dict[Expression, list[Signed]] = {}
    for term in signed:
        chain = factors(term.expression)
        groups.setdefault(chain[-1 if last else 0], []).append(term)
    result = []
    for factor, terms in groups.items():
        bare = all(factors(t.expression) == [factor] for t in terms)
        kept = is_scalar(factor.shape) or len(factor.shape) != 2 or _is(factor, "diag")
        result += terms if len(terms) < 2 or bare or kept else [_taken_out(factor, terms, last)]
    return result


def _taken_out(factor: Expression, terms: list[Signed], last: bool) -> Signed:
    rest = []
    for term in terms:
        chain = factors(term.expression)
        chain = chain[:-1] if last else chain[1:]
        size = factor.shape[0 if last else 1]
        left = reduce(make.matmul, chain) if chain else make.call("eye", parameters=(size,))
        rest.append(Signed(term.negative, left))
    rest = gathered(rest, not last)
    rest.sort(key=lambda term: not _is(term.expression, "eye"))
    total = added(rest) if len(rest) > 1 else front(rest[0])
    return Signed(False, make.matmul(total, factor) if last else make.matmul(factor, total))


def _one(signed: list[Signed]) -> list[Signed]:
    """Terms as one, to be divided."""
    return signed if len(signed) == 1 else [Signed(False, added(signed))]


def _divided_by(expression: Expression) -> Expression | None:
    """The scalar that a matrix is divided by."""
    if isinstance(expression, Apply) and expression.operation.name == "/":
        above, below = expression.operands
        if is_scalar(below.shape) and not is_scalar(above.shape):
            return below
    return None


def _numerator(expression: Expression) -> Expression:
    assert isinstance(expression, Apply)
    return expression.operands[0]


def _is(expression: Expression, name: str) -> bool:
    return isinstance(expression, Apply) and expression.operation.name == name


def factors(expression: Expression) -> list[Expression]:
    """The factors of a chain of matrix products."""
    if isinstance(expression, Apply) and expression.operation.name == "@":
        a, b = expression.operands
        if not any(is_scalar(e.shape) for e in (a, b, expression)):
            return factors(a) + factors(b)
    return [expression]
