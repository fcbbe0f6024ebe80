"""Wholes that are written as one: by the name that the user gave, or as a power of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagrad.index.definitions import replaced_once
from diagrad.index.relabel import dropped
from diagrad.index.term import Sum, Term

if TYPE_CHECKING:
    from diagrad.index.context import Context


def named(context: Context, term: Term) -> Term | None:
    """What the user gave a name is written by its name."""
    return context.names.within(term)


def gathered(context: Context, term: Term) -> Term | None:
    """rᵉ Σₖ aₖ = rᵉ⁺¹ for r = Σₖ aₖ, so that a sum cancels against a power of itself."""
    for position, factor in enumerate(term.factors):
        head = factor.head
        if not isinstance(head, Sum) or len(head.terms) != 1 or factor.exponent == 1:
            continue
        (body,) = head.terms
        rest = dropped(term, position)
        after = replaced_once(body, head, factor.labels, rest) if body.bound else None
        if after is not None:
            return after._replace(factors=(*after.factors, factor))
    return None
