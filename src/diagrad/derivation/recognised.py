"""Which definitions a step recognises: Σⱼₖ Aᵢⱼ Vⱼₖ Gᵢₖ = Σₖ Oᵢₖ Gᵢₖ, since O = A V."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from diagrad.derivation.sweep import Node
from diagrad.expression import Expression, Symbol, walk
from diagrad.index.context import Application
from diagrad.index.term import Definition, Sum, Term
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.elements import LETTERS, by_elements
from diagrad.matrix.lettering import lettered
from diagrad.matrix.shown import Shown

if TYPE_CHECKING:
    from diagrad.derivation.reasons import Reasons


def recognised(reasons: Reasons, node: Node, before: Expression, after: Expression) -> list[str]:
    """The sentences for definitions of the problem that stand in `after` and not in `before`."""
    new = _names(after) - _names(before)
    said = []
    for name, definition in reasons.sweep.source.definitions.items():
        if name in new and name != node.name:
            shown = reasons.printed(Symbol(definition.expression.shape, name, "definition"))
            body = f"{shown} = {reasons.printed(definition.expression)}"
            sums = list(dict.fromkeys(_sums(reasons, node, name)))
            said.append(f"{sums[0]}, since {body}" if len(sums) == 1 else f"written with {body}")
    return said


def _names(expression: Expression) -> set[str]:
    return {n.name for n in walk(expression) if isinstance(n, Symbol) and n.role == "definition"}


def _sums(reasons: Reasons, node: Node, name: str) -> Iterator[str]:
    """The sums in which the definition was found, by elements, where it is more than itself."""
    for law in node.laws:
        if law.law != "name" or len(law.after) != 1:
            continue
        found = [f.head for f in law.after[0].factors if isinstance(f.head, Definition)]
        held = [f.head for f in law.before.factors]
        if any(head.name == name and head not in held for head in found):
            sides = _sides(reasons, law)
            if sides:
                yield " = ".join(sides)


def _sides(reasons: Reasons, law: Application) -> list[str]:
    """Both terms by elements, without the factors that no sum runs over; nothing where that is the
    definition itself."""
    parts = [_summed(term) for term in (law.before, *law.after)]
    first, second = parts
    if len(second.factors) < 2 or not all(map(_is_whole, parts)):
        return []
    free = sorted({k for f in (*first.factors, *second.factors) for k in f.labels if k >= 0})
    places = [None] * (2 - len(free)) + list(range(len(free)))
    alphabet = lettered(places)
    letters = {-n - 1: alphabet[2 + n] for n in range(len(first.bound))}
    held = {f.head: f.labels for f in first.factors}
    turned: dict[int, str] = {}
    for factor in second.factors:
        pairs = zip(factor.labels, held.get(factor.head, ()), strict=False)
        turned |= {k: letters[old] for k, old in pairs if k < 0 and old < 0}
    if len(turned) < len(second.bound) or len(free) > 2:
        return []
    named = [(first, letters), (second, turned)]
    try:
        return [_shown(reasons, term, free, places, alphabet[:2], bound) for term, bound in named]
    except NoMatrixForm:
        return []


def _summed(term: Term) -> Term:
    """The factors of a term that its sum runs over."""
    return Term(1, tuple(f for f in term.factors if any(k < 0 for k in f.labels)), term.bound)


def _is_whole(term: Term) -> bool:
    labels = {k for f in term.factors for k in f.labels if k < 0}
    return len(labels) == len(term.bound) and all(f.exponent == 1 for f in term.factors)


def _shown(
    reasons: Reasons,
    term: Term,
    free: Sequence[int],
    places: Sequence[int | None],
    output: str,
    bound: Mapping[int, str],
) -> str:
    """A term by elements, with these letters for what it sums over."""
    sizes = {k: f.head.axes[n] for f in term.factors for n, k in enumerate(f.labels)}
    place = {k: n for n, k in enumerate(free)}
    moved = (f._replace(labels=tuple(place.get(k, k) for k in f.labels)) for f in term.factors)
    total = Sum(tuple(sizes[k] for k in free), (term._replace(factors=tuple(moved)),))
    letters = "".join(bound[-n - 1] for n in range(len(term.bound)))
    rest = "".join(c for c in LETTERS if c not in output + letters)
    written = by_elements(total, places, reasons.book.plain, output + letters + rest)
    return reasons.book.formula(Shown(written, output)).unicode()
