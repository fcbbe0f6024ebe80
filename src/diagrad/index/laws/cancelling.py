"""A matrix beside its inverse or its pseudoinverse, and a projection beside itself."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from diagrad.index import knowledge
from diagrad.index.definitions import found_once
from diagrad.index.laws.chains import Chain, chain_of
from diagrad.index.laws.inverses import inverted, reciprocal
from diagrad.index.relabel import dropped, occurrences, struck
from diagrad.index.term import Applied, Definition, Delta, Factor, Head, Sum, Term, rational
from diagrad.operations.factorisations import PINV

if TYPE_CHECKING:
    from diagrad.index.context import Context


def inverse_cancels(context: Context, term: Term) -> Term | None:
    """Σₖ (A⁻¹)ᵢₖ Aₖⱼ = δᵢⱼ and Σₖ Aᵢₖ (A⁻¹)ₖⱼ = δᵢⱼ, where k stands nowhere else; A may be a
    product."""
    for position, factor in enumerate(term.factors):
        A = inverted(context, factor.head) if factor.exponent == 1 else None
        if A is None or factor.labels[0] == factor.labels[1]:
            continue
        for side in (0, 1):
            after = _cancelled(context, term, position, A, side)
            if after is not None:
                return after
    return None


def _cancelled(context: Context, term: Term, position: int, A: Head, side: int) -> Term | None:
    """The inverse met by A over its label on this side: (A⁻¹)ₖᵢ Aⱼₖ on side 0."""
    factor = term.factors[position]
    k, i = factor.labels[side], factor.labels[1 - side]
    if k >= 0:
        return None
    axes = (1 - side, side) if knowledge.has(context, A, "symmetric") else (1 - side,)
    for axis in axes:
        met = found_once(_body(context, A), {axis: k}, term)
        if met is None or position in met.used or met.labels.get(1 - axis, k) == k:
            continue
        if any(ratio != 1 for ratio in met.used.values()):
            continue
        gone = {position, *met.used}
        rest = tuple(f for p, f in enumerate(term.factors) if p not in gone)
        inner = [theirs for mine, theirs in met.labels.items() if mine < 0]
        if any(k in f.labels for f in rest):
            continue
        same = Factor(Delta(factor.head.axes[0]), (i, met.labels[1 - axis]))
        number = rational(Fraction(term.coefficient) / _body(context, A).coefficient)
        return struck(Term(number, (*rest, same), term.bound), [k, *inner])
    return None


def _body(context: Context, A: Head) -> Term:
    """A matrix as it stands in a term: a product as its factors, a sum as in its group."""
    if isinstance(A, Sum) and len(A.terms) == 1:
        return A.terms[0]
    c, common, primitive, order = context.group(A)
    return Term(c, (*common, Factor(primitive, order)))


def inverse_of_name(context: Context, term: Term) -> Term | None:
    """Σₖ (F⁻¹)ᵢₖ Aₖⱼ = (B⁻¹)ᵢⱼ for a name F = A B of square A and B, and likewise F⁻¹ beside B and
    for three factors with both ends met: what then cancels is multiplied out."""
    places = occurrences(term)
    for position, factor in enumerate(term.factors):
        F = inverted(context, factor.head) if factor.exponent == 1 else None
        if not isinstance(F, Definition) or context.closed:
            continue
        chain = chain_of(F.body) if isinstance(F.body, Sum) and len(F.body.terms) == 1 else None
        if chain is None or len(chain.links) < 2:
            continue
        met = sum(_end_met(term, factor.labels[1 - end], places, chain, end) for end in (0, 1))
        if len(chain.links) < 1 + 2 * met:
            body = context.normal(reciprocal(context, factor.head.axes, chain))
            rest = dropped(term, position)
            return rest._replace(factors=(*rest.factors, factor._replace(head=body)))
    return None


def _end_met(term: Term, k: int, places: Mapping[int, list[int]], chain: Chain, end: int) -> bool:
    """Whether at the label k, which stands for that end of the chain, the matrix of that end stands
    in the term, alone."""
    if any(end in f.labels for f in chain.scaling) or len(places.get(k, ())) != 2:
        return False
    link = next(f for f in chain.links if end in f.labels)
    axis = link.labels.index(end)
    return any(
        f.head is link.head and f.exponent == 1 and f.labels[axis] == k
        for f in (term.factors[p] for p in places[k])
    )


def projection_twice(context: Context, term: Term) -> Term | None:
    """Σₖ Pᵢₖ Pₖⱼ = Pᵢⱼ for a name whose definition says so, such as P = X X⁺."""
    for k, places in occurrences(term).items():
        if len(places) != 2 or places[0] == places[1]:
            continue
        first, second = (term.factors[p] for p in places)
        if first.head not in context.projections or first.head is not second.head:
            continue
        if first.exponent != 1 or second.exponent != 1:
            continue
        side = first.labels.index(k)
        symmetric = knowledge.has(context, first.head, "symmetric")
        if second.labels.index(k) == side and not symmetric:
            continue
        ends = first.labels[1 - side], second.labels[1 - second.labels.index(k)]
        once = Factor(first.head, ends if side == 1 else ends[::-1])
        rest = tuple(f for p, f in enumerate(term.factors) if p not in places)
        return struck(term._replace(factors=(*rest, once)), [k])
    return None


def pseudoinverse_between(context: Context, term: Term) -> Term | None:
    """A A⁺ A = A and A⁺ A A⁺ = A⁺, where the labels between them stand nowhere else."""
    places = occurrences(term)
    for position, middle in enumerate(term.factors):
        if len(middle.labels) != 2 or middle.exponent != 1 or max(middle.labels) >= 0:
            continue
        if middle.labels[0] == middle.labels[1]:
            continue
        beside = [_beside(term, places[label], position) for label in middle.labels]
        left, right = beside
        if left is None or right is None or left == right:
            continue
        first, last = term.factors[left], term.factors[right]
        partner = first.head is last.head and _partners(context, middle.head, first.head)
        turned = first.labels[1] == middle.labels[0] and last.labels[0] == middle.labels[1]
        if not partner or not turned or first.exponent != 1 or last.exponent != 1:
            continue
        outer = Factor(first.head, (first.labels[0], last.labels[1]))
        rest = tuple(f for p, f in enumerate(term.factors) if p not in (position, left, right))
        return struck(term._replace(factors=(*rest, outer)), middle.labels)
    return None


def _beside(term: Term, places: list[int], position: int) -> int | None:
    """The factor that shares with the one at `position` a label that no other has."""
    others = [p for p in places if p != position]
    alone = len(places) == 2 and len(others) == 1 and len(term.factors[others[0]].labels) == 2
    return others[0] if alone else None


def _partners(context: Context, a: Head, b: Head) -> bool:
    """Whether one of them is the pseudoinverse of the other."""
    return a is pseudoinverted(context, b) or b is pseudoinverted(context, a)


def pseudoinverted(context: Context, head: Head) -> Head | None:
    """The A of a head that is A⁺, also by the name of it; or None."""
    if isinstance(head, Definition) and not context.closed:
        head = head.body
    return head.arguments[0] if isinstance(head, Applied) and head.operation is PINV else None
