"""What no matrix can say: a sum of products written by its labels, as `einsum`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from diagrad.dimensions import UNIT, is_vector
from diagrad.expression import Apply, Expression
from diagrad.index.context import Context
from diagrad.index.expanding import MOST_TERMS, distributed
from diagrad.index.factoring import factored
from diagrad.index.quotients import LARGEST_POWER
from diagrad.index.term import Factor, Head, Sum, Term, as_sum, size_of
from diagrad.matrix import make
from diagrad.matrix.arrange import MOST_SUMMANDS, with_sign
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.cost import cost
from diagrad.matrix.raising import Raiser
from diagrad.matrix.turned import flipped

LETTERS = "ijklmnpqrstuvwxyzabcdefghoABCDEFGHIJKLMNOPQRSTUVWXYZ"
# The letters of the labels that a term sums over, from those that are left for them.
Bound = Callable[[Term, str], str]


def in_order(term: Term, letters: str) -> str:
    return letters


def simplest(head: Head, context: Context) -> Head:
    """The tensor with sums of more than two axes multiplied out, what then meets put together."""
    if not isinstance(head, Sum):
        return head
    pieces = tuple(piece for term in head.terms for piece in distributed(term, wide))
    if pieces == head.terms:
        return head
    total = context.normal(Sum(head.axes, pieces))
    if not isinstance(total, Sum) or len(total.terms) > MOST_TERMS:
        return total
    return Sum(head.axes, factored(total.terms, head.axes, context))


def by_elements(
    head: Head,
    places: Sequence[int | None],
    raiser: Raiser,
    letters: str = LETTERS,
    bound: Bound = in_order,
) -> Expression:
    """The tensor with an axis for each place: an axis of the head, or None for a unit axis. The
    axes get the first `letters`, what is summed over the next ones, or those that `bound` says.

    Raises NoMatrixForm where even its factors are no matrices.
    """
    shown = []
    for term in as_sum(head).terms:
        for piece in distributed(term, wide):
            alphabet = letters[: len(places)] + bound(piece, letters[len(places) :])
            shown += _shown(piece, places, head, raiser, alphabet)
    if len(shown) > MOST_SUMMANDS:
        raise NoMatrixForm(f"a sum of {len(shown)} terms")
    if not shown:
        shown = [(False, _zeros(head, places))]
    return with_sign(shown)


def _shown(
    term: Term, places: Sequence[int | None], head: Head, raiser: Raiser, letters: str
) -> list[tuple[bool, Expression]]:
    """A term as one einsum, or as several where a factor has to be multiplied out to be written."""
    try:
        return [_einsum(term, places, head, raiser, letters)]
    except NoMatrixForm:
        pieces = distributed(term, _any_sum)
        if pieces == [term]:
            raise
    return [shown for piece in pieces for shown in _shown(piece, places, head, raiser, letters)]


def _any_sum(factor: Factor) -> bool:
    return isinstance(factor.head, Sum) and factor.exponent == 1


def wide(factor: Factor) -> bool:
    """A sum of more than two axes has to be distributed, a whole power of it as a product: no
    operand can hold it."""
    if not isinstance(factor.head, Sum) or isinstance(factor.exponent, Head):
        return False
    whole = factor.exponent in range(1, LARGEST_POWER + 1)
    return len(factor.head.axes) > 2 and whole


def _zeros(head: Head, places: Sequence[int | None]) -> Expression:
    sizes = [UNIT if place is None else head.axes[place] for place in places]
    operands = [make.call("zeros", parameters=(size, UNIT)) for size in sizes]
    groups = [LETTERS[k] for k in range(len(places))]
    return make.call("einsum", *operands, parameters=(f"{','.join(groups)}->{''.join(groups)}",))


def _einsum(
    term: Term, places: Sequence[int | None], head: Head, raiser: Raiser, alphabet: str
) -> tuple[bool, Expression]:
    """One term: its sign and its einsum, scalars in front."""
    term = flipped(term, raiser.context)
    scalars = tuple(f for f in term.factors if not f.labels)
    negative, scalar = raiser.scalar(term._replace(factors=scalars, bound=()))
    letters = iter(alphabet)
    output = [next(letters) for _ in places]
    letter = {k: c for k, c in zip(places, output, strict=True) if k is not None}
    letter |= {-n - 1: next(letters) for n in range(len(term.bound))}
    operands = [_operand(f, letter, raiser) for f in term.factors if f.labels]
    operands += _repeated(term, head, letter, "".join(group for _, group in operands))
    units = [c for k, c in zip(places, output, strict=True) if k is None]
    value = _contraction(_with_units(operands, units), "".join(output))
    return negative, value if make.is_one(scalar) else make.scaled(scalar, value)


Operand = tuple[Expression, str]


def _operand(factor: Factor, letter: dict[int, str], raiser: Raiser) -> Operand:
    """A factor and its letters; instead of a transpose the letters are turned."""
    group = "".join(letter[k] for k in factor.labels)
    shown = raiser.operand(factor)
    if len(group) < 2 or _is_outer(shown):
        return shown, group
    turned = raiser.operand(factor, turned=True)
    return min((shown, group), (turned, group[::-1]), key=lambda way: cost(way[0]))


def _is_outer(shown: Expression) -> bool:
    """Whether a matrix is a column times a row, which read in the order of their letters."""
    if not isinstance(shown, Apply) or shown.operation.name != "@":
        return False
    return all(is_vector(operand.shape) for operand in shown.operands)


def _repeated(term: Term, head: Head, letter: dict[int, str], used: str) -> list[Operand]:
    """Ones along the axes that no factor has."""
    missing = [k for k in letter if letter[k] not in used]
    sizes = [size_of(k, term, head.axes) for k in missing]
    ones = [make.call("ones", parameters=(size, UNIT)) for size in sizes]
    return [(one, letter[k]) for one, k in zip(ones, missing, strict=True)]


def _with_units(operands: list[Operand], units: list[str]) -> list[Operand]:
    """Unit axes in the result: those of rows and columns, and ones(1, 1) for what remains."""
    result = []
    for operand, group in operands:
        if units and len(group) == 1:
            unit = units.pop(0)
            group = unit + group if operand.shape[0] == UNIT else group + unit
        result.append((operand, group))
    while units:
        pair, units = units[:2], units[2:]
        one = make.call("ones", parameters=(UNIT, UNIT))
        result.append((one, "".join(pair)))
    return result


def _contraction(operands: list[Operand], output: str) -> Expression:
    spec = ",".join(group for _, group in operands) + "->" + output
    return make.call("einsum", *(operand for operand, _ in operands), parameters=(spec,))
