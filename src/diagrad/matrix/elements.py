"""What no matrix can say: a sum of products written by its labels, as `einsum`."""

from __future__ import annotations

from collections.abc import Sequence

from diagrad.dimensions import UNIT
from diagrad.expression import Expression
from diagrad.index.search import distributed
from diagrad.index.term import Factor, Head, Sum, Term
from diagrad.matrix import make
from diagrad.matrix.raising import Raiser, with_sign

LETTERS = "ijklmnpqrstuvwxyzabcdefghoABCDEFGHIJKLMNOPQRSTUVWXYZ"


def by_elements(
    head: Head, places: Sequence[int | None], raiser: Raiser
) -> Expression:
    """The tensor with an axis for each place: an axis of the head, or None for a unit axis.

    Raises NoMatrixForm where even its factors are no matrices.
    """
    terms = head.terms if isinstance(head, Sum) else (_as_term(head),)
    shown = []
    for term in terms:
        for piece in distributed(term, wide):
            shown.append(_einsum(piece, places, head, raiser))
    if not shown:
        shown = [(False, _zeros(head, places))]
    return with_sign(shown)


def wide(factor: Factor) -> bool:
    """A sum of more than two axes has to be distributed: no operand can hold it."""
    return isinstance(factor.head, Sum) and len(factor.head.axes) > 2


def _as_term(head: Head) -> Term:
    return Term(1, (Factor(head, tuple(range(len(head.axes)))),))


def _zeros(head: Head, places: Sequence[int | None]) -> Expression:
    sizes = [UNIT if place is None else head.axes[place] for place in places]
    operands = [make.call("zeros", parameters=(size, UNIT)) for size in sizes]
    groups = [LETTERS[k] for k in range(len(places))]
    return make.call(
        "einsum", *operands, parameters=(f"{','.join(groups)}->{''.join(groups)}",)
    )


def _einsum(
    term: Term, places: Sequence[int | None], head: Head, raiser: Raiser
) -> tuple[bool, Expression]:
    """One term: its sign and its einsum, scalars in front."""
    scalars = term._replace(factors=tuple(f for f in term.factors if not f.labels), bound=())
    front = raiser.scalar(scalars)
    letter: dict[int, str] = {}
    for k in [p for p in places if p is not None] + [-n - 1 for n in range(len(term.bound))]:
        letter[k] = LETTERS[len(letter)]
    groups, operands = [], []
    for factor in (f for f in term.factors if f.labels):
        operands.append(raiser.operand(factor))
        groups.append("".join(letter[k] for k in factor.labels))
    missing = [k for k in letter if not any(letter[k] in group for group in groups)]
    for k in missing:
        size = head.axes[k] if k >= 0 else term.bound[-k - 1]
        operands.append(make.call("ones", parameters=(size, UNIT)))
        groups.append(letter[k])
    output = ["" if place is None else letter[place] for place in places]
    units = [k for k, place in enumerate(places) if place is None]
    return _with_units(front, operands, groups, output, units, len(letter))


def _with_units(
    front: tuple[bool, Expression],
    operands: list[Expression],
    groups: list[str],
    output: list[str],
    units: list[int],
    used: int,
) -> tuple[bool, Expression]:
    """Unit axes come from an operand ones(1, 1), whose labels have size 1."""
    kept = list(zip(operands, groups, strict=True))
    for n in range(0, len(units), 2):
        pair = units[n : n + 2]
        letters = [LETTERS[used + n + k] for k in range(2)]
        for k, unit in enumerate(pair):
            output[unit] = letters[k]
        kept.append((make.call("ones", parameters=(UNIT, UNIT)), "".join(letters)))
    spec = ",".join(group for _, group in kept) + "->" + "".join(output)
    value = make.call("einsum", *(operand for operand, _ in kept), parameters=(spec,))
    negative, scalar = front
    if make.is_one(scalar):
        return negative, value
    return negative, make.scaled(scalar, value)
