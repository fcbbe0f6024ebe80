"""C = a I + c u vᵀ: its determinant, and its inverse on u and v."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from diagrad.index import knowledge
from diagrad.index.build import extent, tensor
from diagrad.index.laws.chains import hanging_together, labels_of
from diagrad.index.laws.determinants import ABS
from diagrad.index.laws.inverses import diagonal_of, inverted
from diagrad.index.relabel import mapped, occurrences, struck
from diagrad.index.term import Applied, Definition, Delta, Factor, Head, Sum, Term
from diagrad.operations.functions import log
from diagrad.operations.linear_algebra import DET, LOGDET

if TYPE_CHECKING:
    from diagrad.index.context import Context


class Update(NamedTuple):
    """a I + c u vᵀ: `scalar` is a, `total` is a + c vᵀ u, `vectors` are u and v, where each is one
    head."""

    scalar: Head
    total: Head
    vectors: tuple[Head | None, Head | None]


def update_of(A: Head) -> Update | None:
    """The update of a multiple of the identity that a sum is; None where it is none."""
    if not isinstance(A, Sum) or len(A.terms) != 2:
        return None
    for first, dyad in (A.terms, A.terms[::-1]):
        a = diagonal_of(Sum(A.axes, (first,)))
        if a is None or _stands_at_label(first) or not _is_dyad(dyad):
            continue
        met = -len(dyad.bound) - 1
        inner = Term(
            dyad.coefficient, mapped(dyad.factors, {0: met, 1: met}), (*dyad.bound, A.axes[0])
        )
        scalar = Sum((), a.terms)
        total = Sum((), (*a.terms, inner))
        return Update(scalar, total, (_vector(dyad, 0), _vector(dyad, 1)))
    return None


def determinant_of_rank_one_update(context: Context, head: Applied) -> Head | None:
    """det(a I + c u vᵀ) = aⁿ⁻¹ (a + c vᵀ u), and log|det| likewise, for vectors u and v."""
    update = update_of(head.arguments[0]) if head.operation in (DET, LOGDET) else None
    if update is None:
        return None
    a, total = update.scalar[()], update.total[()]
    less = tensor((), extent(head.arguments[0].axes[0]) - 1)
    if head.operation is DET:
        return tensor((), a**less * total)
    return tensor((), less[()] * log(ABS(a)) + log(ABS(total)))


def inverse_on_its_vector(context: Context, term: Term) -> Term | None:
    """Σₖ (C⁻¹)ᵢₖ uₖ = uᵢ/(a + c vᵀ u) and Σₖ vₖ (C⁻¹)ₖᵢ = vᵢ/(a + c vᵀ u) for C = a I + c u vᵀ,
    where k stands nowhere else: C u = (a + c vᵀ u) u, and that number is not 0 as C⁻¹ exists."""
    for k, places in occurrences(term).items():
        if len(places) != 2 or any(term.factors[p].exponent != 1 for p in places):
            continue
        for at, other in (places, places[::-1]):
            factor, vector = term.factors[at], term.factors[other]
            C = inverted(context, factor.head)
            if C is None or len(vector.labels) != 1 or factor.labels[0] == factor.labels[1]:
                continue
            update = update_of(C.body if isinstance(C, Definition) and not context.closed else C)
            side = 1 - factor.labels.index(k)
            if update is None or vector.head not in _sides(context, C, update, side):
                continue
            moved = vector._replace(labels=(factor.labels[side],))
            under = Factor(context.normal(update.total), (), -1)
            rest = tuple(f for p, f in enumerate(term.factors) if p not in places)
            return struck(term._replace(factors=(*rest, moved, under)), [k])
    return None


def _sides(context: Context, C: Head, update: Update, side: int) -> tuple[Head | None, ...]:
    """The vectors that C⁻¹ scales, met over its columns (side 0) or its rows."""
    return update.vectors if knowledge.has(context, C, "symmetric") else (update.vectors[side],)


def _stands_at_label(term: Term) -> bool:
    """Whether a factor other than δ depends on where it stands."""
    return any(f.labels for f in term.factors if not isinstance(f.head, Delta))


def _is_dyad(term: Term) -> bool:
    """Whether no factor, and no bound label, leads from label 0 to label 1."""
    parts = hanging_together([f for f in term.factors if f.labels], {0, 1})
    touched = [labels_of(part) for part in parts]
    apart = not any({0, 1} <= t for t in touched)
    return apart and {0, 1} <= {k for t in touched for k in t}


def _vector(dyad: Term, label: int) -> Head | None:
    """What stands at the label, where that is one head."""
    found = [f for f in dyad.factors if label in f.labels]
    alone = len(found) == 1 and found[0].exponent == 1 and found[0].labels == (label,)
    return found[0].head if alone else None
