"""Raising: from an index form of at most two axes to the matrix form one would write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NamedTuple

from diagrad.dimensions import UNIT, Shape, is_scalar
from diagrad.expression import Apply, Expression, Symbol, number, untransposed
from diagrad.index import knowledge, search
from diagrad.index.composite import around
from diagrad.index.context import Context
from diagrad.index.term import (
    Applied,
    Constant,
    Definition,
    Delta,
    Digit,
    Extent,
    Factor,
    Head,
    Numeral,
    Rational,
    Sum,
    Term,
    Variable,
)
from diagrad.matrix import make
from diagrad.matrix.arrange import (
    MOST_SUMMANDS,
    Signed,
    added,
    averaged,
    front,
    in_front,
    powered,
    quotient,
    root,
    scalar_rank,
)
from diagrad.matrix.contract import NoMatrixForm, assembled, closed, contracted, split
from diagrad.matrix.cost import cost, price
from diagrad.matrix.mirrored import reads_symmetric
from diagrad.matrix.piece import Diagonal, Leaf, Piece, Place, Shown, part_of
from diagrad.matrix.signs import as_written
from diagrad.matrix.turned import complemented, flipped

# The work that the search may do for one derivative, in pairs of factors looked at: several times
# what the largest textbook problems need.
EFFORT = 8_000
# Makes a matrix of the product of pieces, summed over the bound labels.
Joined = Callable[[list[Piece], frozenset[int]], Expression]


class Showing(NamedTuple):
    """How a room writes its arguments: what stretches along an axis, if the operation works entry
    by entry, and in full shape otherwise."""

    raiser: Raiser
    entrywise: bool

    def __call__(self, head: Head, row: Place, column: Place) -> Expression:
        show = self.raiser.base if self.entrywise else self.raiser.raised
        return show(head, row, column)

    def knows(self, head: Head, fact: str) -> bool:
        return knowledge.has(self.raiser.context, head, fact)


class Raiser:
    """Raises heads of one problem. `shapes` are the declared shapes by name; with `diagonal`, a
    vector that scales a matrix is shown as a diagonal matrix (as in Jacobians), otherwise as an
    elementwise product; with `means`, a sum divided by the number of its terms is written as a
    mean. `mirror` is a head that is symmetric for reasons that index notation does not see, such as
    a Hessian."""

    def __init__(
        self, context: Context, shapes: Mapping[str, Shape], diagonal: bool, means: bool = False
    ) -> None:
        self.context, self.shapes, self.diagonal = context, shapes, diagonal
        self.means = means
        self._bases: dict[tuple[Head, Place, Place], Expression] = {}
        self._effort = EFFORT
        self.mirror: Head | None = None
        self.mirrored: set[Head] = set()
        self._candidates: dict[Sum, list[tuple[Term, ...]]] = {}
        self._direct: dict[tuple[Head, Place, Place], Expression] = {}

    def rested(self) -> None:
        """The whole effort again, for another derivative."""
        self._effort = EFFORT

    def raised(self, head: Head, row: Place, column: Place) -> Expression:
        """The head with its axis `row` along the rows and `column` along the columns, in full
        shape. Raises NoMatrixForm."""
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
            case Digit():
                shown = make.digit(*around(head), head.axes[1])
                return make.transposed(shown) if row == 1 else shown
            case Extent():
                return Symbol(make.ONE.shape, head.dimension.name, "dimension")
            case Constant():
                return Symbol(make.ONE.shape, head.name, "constant")
            case Numeral():
                return number(Fraction(head.value))
            case Applied():
                show = Showing(self, head.operation.entrywise)
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
        for terms in self.proposed(head):
            try:
                shown = self._terms(terms, row, column)
            except NoMatrixForm:
                continue
            if best is None or self.judged(head, shown) < self.judged(head, best) - 1e-9:
                best = shown
        if best is None:
            raise NoMatrixForm("no matrix form")
        return best

    def judged(self, head: Head, shown: Expression) -> float:
        """The cost, more where a symmetric matrix is written so that nobody sees that it is one."""
        found = cost(shown)
        if self.diagonal and (
            head is self.mirror
            or head in self.mirrored
            or knowledge.has(self.context, head, "symmetric")
        ):
            return found if reads_symmetric(shown) else found + price("hidden symmetry")
        return found

    def proposed(self, head: Sum) -> list[tuple[Term, ...]]:
        """The forms of a sum to choose from; only the sum itself once the effort is spent."""
        if head not in self._candidates:
            effort = sum(len(term.factors) + 1 for term in head.terms) ** 2
            self._effort -= effort
            found = search.candidates(head, self.context, self.diagonal)
            self._candidates[head] = list(found) if self._effort >= 0 else [head.terms]
        return self._candidates[head]

    def _terms(self, terms: tuple[Term, ...], row: Place, column: Place) -> Expression:
        if not terms:
            return number(0)
        if len(terms) > MOST_SUMMANDS:
            raise NoMatrixForm(f"a sum of {len(terms)} terms")
        signed = [self._term(term, row, column) for term in terms]
        if len(signed) == 1:
            return front(signed[0])
        identity = any(_is_diagonal(s.expression) for s in signed)
        if self.diagonal or identity:
            signed = [Signed(s.negative, _beside(s.expression, signed, identity)) for s in signed]
        return added(signed)

    def _term(self, term: Term, row: Place, column: Place) -> Signed:
        def joined(pieces: list[Piece], bound: frozenset[int]) -> Expression:
            ways = contracted(pieces, bound, self.diagonal)
            return min((assembled(left, row, column, self.diagonal) for left in ways), key=cost)

        return self.term(term, joined)

    def term(self, term: Term, joined: Joined) -> Signed:
        """A term of a sum; `joined` makes a matrix of its pieces."""
        term = complemented(flipped(as_written(term, self.context), self.context), self.context)
        above: list[Expression] = []
        below: list[Expression] = []
        pieces: list[Piece] = []
        for factor in term.factors:
            if factor.labels:
                pieces.append(self._piece(factor))
            else:
                base, inverse = self._scalar(factor)
                (below if inverse else above).append(base)
        body = self._body(term, pieces, joined)
        coefficient = Fraction(term.coefficient)
        numerator = abs(coefficient.numerator)
        scalars = make.product([number(numerator), *sorted(above, key=scalar_rank)])
        bottom = make.product([number(coefficient.denominator), *sorted(below, key=scalar_rank)])
        if self.means:
            body, bottom = averaged(body, bottom)
            scalars, bottom = averaged(scalars, bottom)
        return Signed(coefficient < 0, quotient(in_front(scalars, body), bottom))

    def _scalar(self, factor: Factor) -> tuple[Expression, bool]:
        """A scalar to its power, and whether it divides; a squared length as ‖x‖² where the problem
        speaks of ‖x‖."""
        base, exponent = self.base(factor.head, None, None), factor.exponent
        if factor.head in self.context.lengths and isinstance(exponent, int):
            length = root(base)
            if isinstance(length, Apply) and length.operation.name == "norm":
                base, exponent = length, 2 * exponent
        return self._power(base, exponent)

    def scalar(self, term: Term) -> tuple[bool, Expression]:
        """A term without labels: its sign, and the scalar."""
        return self._term(term, None, None)

    def operand(self, factor: Factor, turned: bool = False) -> Expression:
        """A factor with its labels in the order of its axes, or with the two of a matrix `turned`,
        as an operand of einsum."""
        if len(factor.head.axes) > 2:
            raise NoMatrixForm("a tensor of more than two axes")
        if len(factor.head.axes) == 2:
            shown = self.raised(factor.head, *((1, 0) if turned else (0, 1)))
        else:
            ways = (self.raised(factor.head, None, 0), self.raised(factor.head, 0, None))
            shown = untransposed(min(ways, key=cost))
        base, inverse = self._power(shown, factor.exponent)
        return make.over(make.ONE, base) if inverse else base

    def _body(self, term: Term, pieces: list[Piece], joined: Joined) -> Expression:
        bound = frozenset(-k - 1 for k in range(len(term.bound)))
        apart, together = split(pieces, bound)
        scalars = [closed(part, bound, self.diagonal) for part in apart]
        body = joined(together, bound) if together else make.ONE
        return in_front(make.product(scalars), body)

    def _piece(self, factor: Factor) -> Piece:
        labels = frozenset(factor.labels)
        if len(labels) > 2 or len(factor.labels) > 2:
            raise NoMatrixForm("a tensor of more than two axes")
        if isinstance(factor.head, Delta) and len(labels) == 2:
            return Diagonal(labels, [], factor.head.size)
        inverse = not isinstance(factor.exponent, Head) and factor.exponent < 0
        leaf, trace, part = self._leaf(factor), self._trace(factor), part_of(factor)
        return Leaf(labels, leaf, self.rank(factor), inverse, trace, part)

    def _leaf(self, factor: Factor) -> Shown:
        """The factor by the labels of its rows and columns, without the sign of its exponent."""
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

    def rank(self, factor: Factor) -> tuple[int, ...]:
        """Names stand before functions, functions before sums; what was declared first is first."""
        head = factor.head
        match head:
            case Sum():
                return (4, -head.depth)
            case Applied():
                return (3, -head.depth)
            case Variable() | Definition():
                return (2, -head.depth, head.position)
        return (2, -head.depth)

    def _power(self, base: Expression, exponent: Rational | Head) -> tuple[Expression, bool]:
        """The power without the sign of its exponent, and whether it was negative."""
        if isinstance(exponent, Head):
            return make.power(base, self.base(exponent, None, None)), False
        if exponent < 0:
            return self._power(base, -exponent)[0], True
        return powered(base, Fraction(exponent)), False


def _is_diagonal(expression: Expression) -> bool:
    """Whether it is the identity or a diagonal matrix, or a multiple."""
    if not isinstance(expression, Apply):
        return False
    if expression.operation.name in ("*", "/") and not is_scalar(expression.shape):
        scalars = [is_scalar(operand.shape) for operand in expression.operands]
        return any(scalars) and _is_diagonal(expression.operands[scalars.index(False)])
    return expression.operation.name in ("eye", "diag")


def _beside(expression: Expression, signed: list[Signed], identity: bool) -> Expression:
    """In a Jacobian, and beside a diagonal matrix, what stretches to a matrix in a sum is written
    as that matrix; beside no diagonal matrix a number and a name that stretch stay, as in 1 − H and
    X − μ."""
    shapes = [s.expression.shape for s in signed]
    full = next((shape for shape in shapes if UNIT not in shape), None)
    stretches = isinstance(expression, Symbol) or is_scalar(expression.shape)
    if full is None or (stretches and not identity):
        return expression
    return make.filled(expression, full)
