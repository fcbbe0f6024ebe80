"""The facts that a result uses and its last step does not: found while the short names of adjoints
are written out."""

from __future__ import annotations

from diagrad.derivation.account import Account
from diagrad.derivation.known import fact
from diagrad.index.term import Applied, Definition, Head, Sum


def used(account: Account, wrt: str) -> list[str]:
    """The sentences, for the derivative by `wrt`."""
    sweep, reasons = account.sweep, next(iter(account.routes.values())).reasons
    short = frozenset(n.known for n in sweep.nodes.values() if n.known is not None)
    context = sweep.context
    before = len(context.record)
    context.normal(spelled(sweep.nodes[wrt].adjoint, short))
    facts = (fact(a, context, reasons.called, reasons.defined) for a in context.record[before:])
    return list(dict.fromkeys(sentence for sentence in facts if sentence))


def spelled(head: Head, short: frozenset[Definition]) -> Head:
    """The tensor with these definitions written out."""
    match head:
        case Definition() if head in short:
            return spelled(head.body, short)
        case Applied():
            arguments = tuple(spelled(a, short) for a in head.arguments)
            return Applied(head.operation, arguments, head.axes, head.parameters)
        case Sum():
            terms = (
                t._replace(
                    factors=tuple(f._replace(head=spelled(f.head, short)) for f in t.factors)
                )
                for t in head.terms
            )
            return Sum(head.axes, tuple(terms))
    return head
