"""Products that are symmetric by their form: Xᵀ diag(w) X, whatever X and w are."""

from __future__ import annotations

from diagrad.index.relabel import canonical, dropped, mapped, multiplied
from diagrad.index.term import Head, Sum, Term


def is_symmetric(head: Head, first: int, second: int) -> bool:
    """Whether exchanging two axes of a product leaves it as it is; False where that is not seen."""
    if not isinstance(head, Sum) or head.axes[first] != head.axes[second]:
        return False
    if len(head.terms) != 1:
        return False
    term = opened(head.terms[0])
    turned = term._replace(factors=mapped(term.factors, {first: second, second: first}))
    return _canonical(term) == _canonical(turned)


def opened(term: Term) -> Term:
    """The term with products of tensors in place of the tensors they are."""
    position = 0
    while position < len(term.factors):
        factor = term.factors[position]
        head = factor.head
        if isinstance(head, Sum) and len(head.terms) == 1 and factor.exponent == 1:
            term = multiplied(dropped(term, position), head.terms[0], factor.labels)
        else:
            position += 1
    return term


def _canonical(term: Term) -> Term:
    return canonical(term, lambda head: False)
