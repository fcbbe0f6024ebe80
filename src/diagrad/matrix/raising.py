"""Raising: from an index form with at most two free labels to the matrix expression a reader would write."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from diagrad.dimensions import UNIT, Shape, Size, is_scalar
from diagrad.expression import Apply, Expression, Symbol, number
from diagrad.index import knowledge, search
from diagrad.index.context import Context
from diagrad.index.term import (
    Applied,
    Constant,
    Definition,
    Delta,
    Extent,
    Factor,
    Head,
    Numeral,
    Rational,
    Sum,
    Term,
    Variable,
    rational,
)
from diagrad.matrix import make
from diagrad.matrix.contract import NoMatrixForm, assembled, closed, contracted, split
from diagrad.matrix.cost import cost
from diagrad.matrix.piece import Diagonal, Leaf, Piece
from diagrad.operations import OPERATORS

Place = int | None


class Signed(NamedTuple):
    """A term of a sum: its sign apart, so that the sum can be put together with + and −."""

    negative: bool
    expression: Expression


class Raiser:
    """Raises heads of one problem. `shapes` are the declared shapes by name; with `diagonal`, a vector that scales
    a matrix is shown as a diagonal matrix (as in Jacobians), otherwise as an elementwise product; with `means`, a
    sum divided by the number of its terms is written as a mean."""

    def __init__(
        self, context: Context, shapes: Mapping[str, Shape], diagonal: bool, means: bool = False
    ) -> None:
        self.context, self.shapes, self.diagonal = context, shapes, diagonal
        self.means = means
        self._bases: dict[tuple[Head, Place, Place], Expression] = {}
        self._candidates: dict[Sum, list[tuple[Term, ...]]] = {}
        self._direct: dict[tuple[Head, Place, Place], Expression] = {}

    def raised(self, head: Head, row: Place, column: Place) -> Expression:
        """The head with its axis `row` along the rows and `column` along the columns, in full shape. Raises
        NoMatrixForm."""
        shown = self.base(head, row, column)
        shape = tuple(UNIT if place is None else head.axes[place] for place in (row, column))
        return make.filled(shown, shape)

    def base(self, head: Head, row: Place, column: Place) -> Expression:
        """Likewise; what does not depend on an axis may be left to stretch along it."""
        key = (head, row, column)
        if key not in self._bases:
            direct = self._shown(head, row, column)
            if len(head.axes) and isinstance(head, Sum | Applied):
                turned = make.transposed(self._shown(head, column, row))
                direct = min((direct, turned), key=cost)
            self._bases[key] = direct
        return self._bases[key]

    def _shown(self, head: Head, row: Place, column: Place) -> Expression:
        key = (head, row, column)
        if key not in self._direct:
            self._direct[key] = self._computed(head, row, column)
        return self._direct[key]

    def _computed(self, head: Head, row: Place, column: Place) -> Expression:
        match head:
            case Variable() | Definition():
                return self._symbol(head, row)
            case Delta():
                return make.call("eye", parameters=(head.size,))
            case Extent():
                return Symbol(make.ONE.shape, head.dimension.name, "dimension")
            case Constant():
                return Symbol(make.ONE.shape, head.name, "constant")
            case Numeral():
                return number(Fraction(head.value))
            case Applied():
                show = self.base if head.operation.entrywise else self.raised
                formula = head.operation.written(head, row, column, show)
                if make.is_condition(formula):
                    return formula
                shape = tuple(UNIT if k is None else head.axes[k] for k in (row, column))
                return make.filled(formula, shape)
            case Sum():
                return self._sum(head, row, column)
        raise AssertionError(head)

    def _symbol(self, head: Variable | Definition, row: Place) -> Expression:
        shape = self.shapes[head.name]
        role = "variable" if isinstance(head, Variable) else "definition"
        symbol = Symbol(shape, head.name, role)
        if not head.axes:
            return symbol
        natural = 0 if shape[0] != UNIT else None
        if row == natural or knowledge.has(self.context, head, "symmetric"):
            return symbol
        return make.transposed(symbol)

    def _sum(self, head: Sum, row: Place, column: Place) -> Expression:
        """The cheapest of the forms that the search proposes."""
        best: Expression | None = None
        for terms in self._proposed(head):
            try:
                shown = self._terms(terms, row, column)
            except NoMatrixForm:
                continue
            if best is None or cost(shown) < cost(best) - 1e-9:
                best = shown
        if best is None:
            raise NoMatrixForm("no matrix form")
        return best

    def _proposed(self, head: Sum) -> list[tuple[Term, ...]]:
        if head not in self._candidates:
            self._candidates[head] = list(search.candidates(head, self.context, self.diagonal))
        return self._candidates[head]

    def _terms(self, terms: tuple[Term, ...], row: Place, column: Place) -> Expression:
        if not terms:
            return number(0)
        signed = [self._term(term, row, column) for term in terms]
        if len(signed) == 1:
            return _front(signed[0])
        return _added(signed)

    def _term(self, term: Term, row: Place, column: Place) -> Signed:
        term = self._complemented(self._flipped(term))
        above: list[Expression] = []
        below: list[Expression] = []
        pieces: list[Piece] = []
        for factor in term.factors:
            if factor.labels:
                pieces.append(self._piece(factor))
            else:
                base, inverse = self._power(self.base(factor.head, None, None), factor.exponent)
                (below if inverse else above).append(base)
        body = self._body(term, pieces, row, column)
        coefficient = Fraction(term.coefficient)
        numerator = abs(coefficient.numerator)
        scalars = make.product([number(numerator), *sorted(above, key=_scalar_rank)])
        bottom = make.product([number(coefficient.denominator), *sorted(below, key=_scalar_rank)])
        if self.means:
            body, bottom = averaged(body, bottom)
        return Signed(coefficient < 0, make.over(in_front(scalars, body), bottom))

    def scalar(self, term: Term) -> tuple[bool, Expression]:
        """A term without labels: its sign, and the scalar."""
        return self._term(term, None, None)

    def operand(self, factor: Factor) -> Expression:
        """A factor with its labels in the order of its axes, as an operand of einsum."""
        if len(factor.head.axes) > 2:
            raise NoMatrixForm("a tensor of more than two axes")
        if len(factor.head.axes) == 2:
            shown = self.raised(factor.head, 0, 1)
        else:
            ways = (self.raised(factor.head, None, 0), self.raised(factor.head, 0, None))
            shown = min(ways, key=cost)
        base, inverse = self._power(untransposed(shown, factor), factor.exponent)
        return make.over(make.ONE, base) if inverse else base

    def _body(self, term: Term, pieces: list[Piece], row: Place, column: Place) -> Expression:
        bound = frozenset(-k - 1 for k in range(len(term.bound)))
        apart, together = split(pieces, bound)
        scalars = [closed(part, bound, self.diagonal) for part in apart]
        body: Expression = make.ONE
        if together:
            ways = contracted(together, bound, self.diagonal)
            body = min((assembled(left, row, column, self.diagonal) for left in ways), key=cost)
        return in_front(make.product(scalars), body)

    def _flipped(self, term: Term) -> Term:
        """−a (b − c) as a (c − b), where the sum would not then begin with a minus."""
        if term.coefficient >= 0:
            return term
        for position, factor in enumerate(term.factors):
            head = factor.head
            if not isinstance(head, Sum) or len(head.terms) < 2 or factor.exponent != 1:
                continue
            if any(t.coefficient < 0 and t.factors for t in head.terms) and all(
                t.factors for t in head.terms
            ):
                flipped = tuple(t._replace(coefficient=-t.coefficient) for t in head.terms)
                factors = list(term.factors)
                factors[position] = factor._replace(head=Sum(head.axes, flipped))
                return term._replace(coefficient=-term.coefficient, factors=tuple(factors))
        return term

    def _complemented(self, term: Term) -> Term:
        """1 − σ(u) as σ(−u), unless σ(u) stands beside it."""
        factors = list(term.factors)
        for position, factor in enumerate(term.factors):
            function = _one_minus(factor.head)
            if function is None or any(f.head is function for f in term.factors):
                continue
            other = function.operation.complement(function)
            if other is not None:
                factors[position] = factor._replace(head=self.context.normal(other))
        return term._replace(factors=tuple(factors))

    def _piece(self, factor: Factor) -> Piece:
        labels = frozenset(factor.labels)
        if len(labels) > 2 or len(factor.labels) > 2:
            raise NoMatrixForm("a tensor of more than two axes")
        if isinstance(factor.head, Delta) and len(labels) == 2:
            return Diagonal(labels, [], factor.head.size)
        inverse = not isinstance(factor.exponent, Head) and factor.exponent < 0
        return Leaf(labels, self._leaf(factor), self._rank(factor), inverse, self._trace(factor))

    def _leaf(self, factor: Factor):  # type: ignore[no-untyped-def]
        head, labels = factor.head, factor.labels

        def shown(row: Place, column: Place) -> Expression:
            if len(labels) == 2 and labels[0] == labels[1]:
                column_vector = make.call("diagonal", self.base_of_diagonal(head))
                base = column_vector if row is not None else make.transposed(column_vector)
            else:
                place = {label: axis for axis, label in enumerate(labels)}
                axis_row = place[row] if row is not None else None
                axis_column = place[column] if column is not None else None
                base = self.raised(head, axis_row, axis_column)
            return self._power(base, factor.exponent)[0]

        return shown

    def base_of_diagonal(self, head: Head) -> Expression:
        return min((self.raised(head, 0, 1), self.raised(head, 1, 0)), key=cost)

    def _trace(self, factor: Factor) -> Expression | None:
        same = len(factor.labels) == 2 and factor.labels[0] == factor.labels[1]
        if not same or factor.exponent != 1:
            return None
        return make.call("trace", self.base_of_diagonal(factor.head))

    def _rank(self, factor: Factor) -> tuple[int, ...]:
        """Names stand before functions, functions before sums."""
        match factor.head:
            case Sum():
                kind = 4
            case Applied():
                kind = 3
            case _:
                kind = 2
        return (kind, -factor.head.depth)

    def _power(self, base: Expression, exponent: Rational | Head) -> tuple[Expression, bool]:
        """The power without the sign of its exponent, and whether it was negative."""
        if isinstance(exponent, Head):
            return make.power(base, self.base(exponent, None, None)), False
        if exponent < 0:
            return self._power(base, -exponent)[0], True
        if exponent == Fraction(1, 2):
            return _root(base), False
        return make.power(base, number(Fraction(exponent))), False


def _one_minus(head: Head) -> Applied | None:
    """The f of 1 − f, where f is an operation on one argument."""
    if not isinstance(head, Sum) or len(head.terms) != 2:
        return None
    one, rest = head.terms
    if one != Term(1, ()) or rest.coefficient != -1 or rest.bound or len(rest.factors) != 1:
        return None
    (factor,) = rest.factors
    plain = factor.exponent == 1 and factor.labels == tuple(range(len(head.axes)))
    return factor.head if plain and isinstance(factor.head, Applied) else None


def _root(base: Expression) -> Expression:
    """√a; of a sum of squares the norm."""
    if isinstance(base, Apply) and base.operation.name == "sum":
        (squares,) = base.operands
        if isinstance(squares, Apply) and squares.operation.name == "**":
            inner, exponent = squares.operands
            if exponent == number(2) and base.parameters == (None,):
                return make.call("norm", inner, parameters=(None,))
    return make.call("sqrt", base)


def averaged(body: Expression, bottom: Expression) -> tuple[Expression, Expression]:
    """A product with a sum of n terms in it, divided by n, with the mean instead; else both as they are."""
    if isinstance(bottom, Symbol) and bottom.role == "dimension":
        replaced = _with_mean(body, bottom.name)
        if replaced is not None:
            return replaced, make.ONE
    return body, bottom


def _with_mean(node: Expression, name: str) -> Expression | None:
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


def _scalar_rank(expression: Expression) -> tuple[int, float]:
    return (isinstance(expression, Apply), cost(expression))


def in_front(scalar: Expression, body: Expression) -> Expression:
    """A scalar goes before the first factor of a product: 2 A B is (2 A) B."""
    if make.is_one(scalar):
        return body
    if isinstance(body, Apply) and body.operation.name in ("@", "*", "/"):
        first, second = body.operands
        return make.apply(body.operation, in_front(scalar, first), second)
    return make.times(scalar, body)


def untransposed(expression: Expression, factor: Factor) -> Expression:
    """A vector without its transpose, for einsum does not mind; a matrix as it is."""
    vector = len(factor.head.axes) == 1
    if vector and isinstance(expression, Apply) and expression.operation.name == "T":
        return expression.operands[0]
    return expression


def with_sign(shown: list[tuple[bool, Expression]]) -> Expression:
    """The sum of expressions with their signs, which may have more than two axes."""
    ordered = sorted(shown, key=lambda s: s[0])
    negative, total = ordered[0]
    if negative:
        total = Apply(total.shape, OPERATORS["negate"], (total,))
    for negative, term in ordered[1:]:
        total = Apply(total.shape, OPERATORS["-" if negative else "+"], (total, term))
    return total


def _front(signed: Signed) -> Expression:
    return _negated(signed.expression) if signed.negative else signed.expression


def _negated(expression: Expression) -> Expression:
    """The minus before the first factor of a product: −A B is (−A) B."""
    if isinstance(expression, Apply) and expression.operation.name in ("@", "*", "/"):
        first, second = expression.operands
        return make.apply(expression.operation, _negated(first), second)
    return make.negative(expression)


def _added(signed: list[Signed]) -> Expression:
    """A sum, positive terms first."""
    ordered = sorted(signed, key=lambda s: s.negative)
    total = _front(ordered[0])
    for term in ordered[1:]:
        join = make.minus if term.negative else make.plus
        total = join(total, term.expression)
    return total
