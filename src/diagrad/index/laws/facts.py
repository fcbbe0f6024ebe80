"""What follows from facts: entries that are 0 or 1, rows that sum to 1, symmetry, gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagrad.index import knowledge
from diagrad.index.relabel import dropped, occurrences, replaced, struck, without
from diagrad.index.term import Applied, Definition, Delta, Factor, Head, Rational, Sum, Term

if TYPE_CHECKING:
    from diagrad.index.context import Context


def discrete_powers(context: Context, term: Term) -> Term | None:
    """y² = y where the entries are 0 or 1; y² = 1 where they are ±1."""
    for position, factor in enumerate(term.factors):
        if isinstance(factor.exponent, Head) or factor.exponent == 1:
            continue
        exponent: Rational | None = None
        if _zero_or_one(context, factor.head) and factor.exponent > 0:
            exponent = 1
        elif knowledge.has(context, factor.head, "pm1") and factor.exponent.denominator == 1:
            exponent = int(factor.exponent) % 2
        if exponent is not None and exponent != factor.exponent:
            return replaced(term, position, factor._replace(exponent=exponent))
    return None


def _zero_or_one(context: Context, head: Head) -> bool:
    if isinstance(head, Applied):
        return bool(getattr(head.operation, "idempotent", False))
    return knowledge.has(context, head, "onehot")


def gated(context: Context, term: Term) -> Term | None:
    """relu(a)ⁿ step(a) = relu(a)ⁿ, |a| sign(a) = a, a sign(a) = |a|, as the rooms say."""
    for position, factor in enumerate(term.factors):
        head = factor.head
        if not isinstance(head, Applied) or factor.exponent != 1:
            continue
        for place, other in enumerate(term.factors):
            if place == position or other.labels != factor.labels:
                continue
            joined = head.operation.joined(head, other, head.arguments[0])
            if joined is not None:
                return dropped(replaced(term, place, joined), position)
    return None


def on_the_diagonal(context: Context, term: Term) -> Term | None:
    """L[i, i] = 1 and δ[i, j] L[i, j] = δ[i, j] for the lower triangle L of ones."""
    deltas = {frozenset(f.labels) for f in term.factors if isinstance(f.head, Delta)}
    for position, factor in enumerate(term.factors):
        if isinstance(factor.head, Applied) and factor.head.operation.name == "lower ones":
            at = frozenset(factor.labels)
            if len(at) == 1 or at in deltas:
                return dropped(term, position)
    return None


def sums_to_one(context: Context, term: Term) -> Term | None:
    """Σₖ yₖ = 1 for a one-hot, simplex or softmax row y, where k stands nowhere else."""
    places = occurrences(term)
    for found in places.values():
        if len(found) != 1 or term.factors[found[0]].exponent != 1:
            continue
        factor = term.factors[found[0]]
        summed = [factor.labels[axis] for axis in knowledge.unit_axes(context, factor.head)]
        if summed and all(places.get(label) == found for label in summed):
            return struck(dropped(term, found[0]), summed)
    return None


def orthogonal(context: Context, term: Term) -> Term | None:
    """Σₖ Qₖᵢ Qₖⱼ = δᵢⱼ and Σₖ Qᵢₖ Qⱼₖ = δᵢⱼ for orthogonal Q, where k stands nowhere else."""
    for label, places in occurrences(term).items():
        if len(places) != 2 or places[0] == places[1]:
            continue
        first, second = (term.factors[p] for p in places)
        if first.head is not second.head or first.exponent != 1 or second.exponent != 1:
            continue
        if not knowledge.has(context, first.head, "orthogonal"):
            continue
        side = first.labels.index(label)
        if second.labels.index(label) != side:
            continue
        kept = (first.labels[1 - side], second.labels[1 - side])
        rest = [f for k, f in enumerate(term.factors) if k not in places]
        delta = Factor(Delta(first.head.axes[0]), kept)
        return without(term._replace(factors=(*rest, delta)), label)
    return None


def symmetric(context: Context, term: Term) -> Term | None:
    """Aᵢⱼ = Aⱼᵢ for symmetric A: the labels stand in order."""
    for position, factor in enumerate(term.factors):
        if len(factor.labels) != 2 or factor.labels[0] <= factor.labels[1]:
            continue
        if isinstance(factor.head, Delta):
            continue
        if knowledge.has(context, factor.head, "symmetric"):
            return replaced(term, position, factor._replace(labels=factor.labels[::-1]))
    return None


def centred(context: Context, term: Term) -> Term | None:
    """Σᵢ uᵢ = 0 for a value whose definition says so, such as u = x − mean(x)."""
    places = occurrences(term)
    for position, factor in enumerate(term.factors):
        if not isinstance(factor.head, Definition) or factor.exponent != 1:
            continue
        zero = context.centred.get(factor.head, frozenset())
        for axis, label in enumerate(factor.labels):
            if label < 0 and places[label] == [position] and axis in zero:
                return Term(0, ())
    return None


def picked(context: Context, term: Term) -> Term | None:
    """aᵢ yᵢ = yᵢ Σₖ yₖ aₖ for a one-hot row y, where a power of the sum stands beside it."""
    for total in term.factors:
        body = total.head.body if isinstance(total.head, Definition) else total.head
        pair = _one_hot_product(context, body)
        if pair is None:
            continue
        y, a = pair
        for position, factor in enumerate(term.factors):
            if factor.head is not a.head or factor.exponent != 1:
                continue
            where = zip(a.labels, factor.labels, strict=True)
            same = all(k < 0 or total.labels[k] == label for k, label in where)
            if same and Factor(y.head, factor.labels) in term.factors:
                return replaced(term, position, Factor(total.head, total.labels))
    return None


def _one_hot_product(context: Context, head: Head) -> tuple[Factor, Factor] | None:
    """The y and a of Σₖ yₖ aₖ, where the entries of y along k are one-hot."""
    if not isinstance(head, Sum) or len(head.terms) != 1 or head.terms[0].coefficient != 1:
        return None
    (term,) = head.terms
    if len(term.factors) != 2 or any(f.exponent != 1 for f in term.factors):
        return None
    for y, a in (term.factors, term.factors[::-1]):
        summed = [y.labels[axis] for axis in knowledge.unit_axes(context, y.head)]
        bound = [-k - 1 for k in range(len(term.bound))]
        plain = y.labels == a.labels and len(set(a.labels)) == len(a.labels)
        onehot = knowledge.has(context, y.head, "onehot") and sorted(summed) == sorted(bound)
        if plain and onehot:
            return y, a
    return None
