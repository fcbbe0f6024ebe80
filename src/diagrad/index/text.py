"""Index forms as text, for people who read the engine: `Σ_a W2[i,a] (yhat[a] - y[a])`.

The axes of a head are i, j, k, …, bound labels a, b, c, …. Nothing parses this text.
"""

from __future__ import annotations

from collections.abc import Sequence

from diagrad.index import term as index
from diagrad.index.term import Applied, Definition, Factor, Head, Sum, Term, Variable

MANY = [str(n) for n in range(1, 100)]
FREE, BOUND = (tuple([*letters, *(letters[0] + n for n in MANY)]) for letters in ("ijklmn", "abcd"))


def written(value: Head | Term) -> str:
    """A head by its entries, or a term; what is free is i, j, k, … in the order of the axes."""
    if isinstance(value, Term):
        return _term(value, FREE, 0)
    return _entry(value, FREE[: len(value.axes)], 0)


def _entry(head: Head, at: Sequence[str], used: int) -> str:
    """head[at], where the first `used` names for bound labels are taken."""
    below = f"[{','.join(at)}]" if at else ""
    match head:
        case Variable(name=name) | Definition(name=name) | index.Constant(name=name):
            return name + below
        case index.Extent():
            return head.dimension.name
        case index.Numeral():
            return str(head.value)
        case index.Delta():
            return "δ" + below
        case Applied():
            return _applied(head, at, below, used)
        case Sum():
            terms = sorted(head.terms, key=lambda term: term.coefficient < 0)
            return " + ".join(_term(t, at, used) for t in terms).replace("+ -", "- ") or "0"
    raise AssertionError(head)


def _applied(head: Applied, at: Sequence[str], below: str, used: int) -> str:
    """σ(x[i]); what is not entry by entry takes tensors whole: softmax(a ↦ x[a] + b[a])[i]."""
    name = head.operation.name
    if not head.operation.entrywise:
        return f"{name}({', '.join(_whole(a, used) for a in head.arguments)}){below}"
    arguments = [_entry(argument, at, used) for argument in head.arguments]
    return (
        f"({f' {name} '.join(arguments)})"
        if head.operation.operator
        else f"{name}({', '.join(arguments)})"
    )


def _whole(head: Head, used: int) -> str:
    if isinstance(head, Variable | Definition):
        return head.name
    own = BOUND[used : used + len(head.axes)]
    return f"{','.join(own)} ↦ " * bool(own) + _entry(head, own, used + len(own))


def _term(term: Term, at: Sequence[str], used: int) -> str:
    own = BOUND[used : used + len(term.bound)]
    product = [_factor(f, at, own, used + len(own), len(term.factors) > 1) for f in term.factors]
    size = abs(term.coefficient)
    number = [str(size)] if size != 1 or not product else []
    sums = [f"Σ_{''.join(own)}"] if own else []
    return "-" * (term.coefficient < 0) + " ".join(sums + number + product)


def _factor(factor: Factor, at: Sequence[str], own: Sequence[str], used: int, beside: bool) -> str:
    base = _entry(factor.head, [at[k] if k >= 0 else own[-k - 1] for k in factor.labels], used)
    power = factor.exponent
    if isinstance(factor.head, Sum) and (beside or power != 1):
        base = f"({base})"
    if isinstance(power, Head) or power.denominator != 1:
        return f"{base}**({_entry(power, (), used) if isinstance(power, Head) else power})"
    return base if power == 1 else f"{base}**{power}"
