"""Laws of functions: each is one identity on one head, which answers the head after it, or None."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from diagrad.index.build import labels, tensor
from diagrad.index.laws.exponentials import (
    applied,
    is_function,
    leads_negative,
    negated,
    one_plus_exponential,
    summed_exponential,
)
from diagrad.index.term import Applied, Definition, Head, Sum, Term
from diagrad.operations.softmax import LOG_SOFTMAX, LOGSUMEXP, SOFTMAX

if TYPE_CHECKING:
    from diagrad.index.context import Context

HeadLaw = Callable[["Context", Applied], Head | None]


def softplus_of(context: Context, head: Applied) -> Head | None:
    """log(1 + exp u) = softplus(u)."""
    if not is_function(head, "log"):
        return None
    u = one_plus_exponential(head.arguments[0])
    return applied("softplus", u) if u is not None else None


def log_of_sum(context: Context, head: Applied) -> Head | None:
    """log Σₖ exp(z)ₖ = logsumexp(z)."""
    z = summed_exponential(head.arguments[0]) if is_function(head, "log") else None
    if z is None:
        return None
    kept = [k for k in z.labels if k >= 0]
    along = tuple(axis for axis, k in enumerate(z.labels) if k < 0)
    return Applied(LOGSUMEXP, (z.head,), head.axes, along) if kept == sorted(kept) else None


def logarithm_of_softmax(context: Context, head: Applied) -> Head | None:
    """log softmax(z) = log_softmax(z) and exp log_softmax(z) = softmax(z)."""
    (argument,) = head.arguments[:1]
    for outer, before, after in (("log", SOFTMAX, LOG_SOFTMAX), ("exp", LOG_SOFTMAX, SOFTMAX)):
        if not isinstance(argument, Applied) or argument.operation is not before:
            continue
        if is_function(head, outer):
            return Applied(after, argument.arguments, argument.axes, argument.parameters)
    return None


def shifted(context: Context, head: Applied) -> Head | None:
    """softmax(z + c) = softmax(z) and logsumexp(z + c) = c + logsumexp(z), where c is the same
    along the axes it runs along."""
    z = head.arguments[0]
    if head.operation not in (SOFTMAX, LOG_SOFTMAX, LOGSUMEXP) or not isinstance(z, Sum):
        return None
    along = set(head.parameters)
    moving = [t for t in z.terms if any(along.intersection(f.labels) for f in t.factors)]
    if not moving or len(moving) == len(z.terms):
        return None
    rest = context.normal(Sum(z.axes, tuple(moving)))
    after = Applied(head.operation, (rest,), head.axes, head.parameters)
    if head.operation is not LOGSUMEXP:
        return after
    return _plus(after, [t for t in z.terms if t not in moving], head)


def _plus(value: Applied, constants: list[Term], head: Applied) -> Sum:
    """A reduction plus terms that its argument had, over the axes that are left."""
    kept = [k for k in range(len(head.arguments[0].axes)) if k not in head.parameters]
    number = {axis: n for n, axis in enumerate(kept)}
    at = labels(head.axes)
    own = tensor(at, value[at]).terms
    moved = (
        t._replace(
            factors=tuple(
                f._replace(labels=tuple(number.get(k, k) for k in f.labels)) for f in t.factors
            )
        )
        for t in constants
    )
    return Sum(head.axes, (*own, *moved))


def parity(context: Context, head: Applied) -> Head | None:
    """f(−u) = −f(u) for odd f and f(−u) = f(u) for even f."""
    sign = getattr(head.operation, "parity", 0)
    if not sign or not leads_negative(head.arguments[0]):
        return None
    value = Applied(head.operation, (negated(context, head.arguments[0]),), head.axes)
    at = labels(head.axes)
    return value if sign > 0 else tensor(at, -value[at])


def named_complement(context: Context, head: Applied) -> Head | None:
    """σ(−u) = 1 − σ(u), where σ(u) has a name."""
    if not is_function(head, "sigmoid"):
        return None
    other = context.names.whole(applied("sigmoid", negated(context, head.arguments[0])))
    if not isinstance(other, Definition) or context.names.whole(head) is not head:
        return None
    at = labels(head.axes)
    return tensor(at, 1 - other[at])


FUNCTION_LAWS: tuple[tuple[str, HeadLaw], ...] = (
    ("softplus", softplus_of),
    ("log-sum-exp", log_of_sum),
    ("log-softmax", logarithm_of_softmax),
    ("shift", shifted),
    ("odd and even", parity),
    ("named complement", named_complement),
)
