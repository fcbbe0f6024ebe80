"""The term that an answer lacks: what comes to the variable by the places that were forgotten.

Where the variable x occurs at the places that a mistaken step leaves out, it is given another name,
and the derivative by that name is what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from diagrad.check.reading import exchanged
from diagrad.check.slips import Slip
from diagrad.check.tape import Use
from diagrad.errors import DerivationError, InternalError, ProblemError
from diagrad.expression import Apply, Expression, Symbol
from diagrad.language import Definition, Source

if TYPE_CHECKING:
    from diagrad.check.bench import Bench

AGAIN = "again"


def forgotten(bench: Bench, slip: Slip) -> Expression | None:
    """The derivative by the variable at the places that a slip drops, in the problem's names; None
    where it is not found."""
    if len(bench.wrt) > 1 or not slip.dropped:
        return None
    wrt = bench.wrt[0]
    declared = bench.source.variables.get(wrt)
    if declared is None:
        return None
    name = wrt + AGAIN
    while name in bench.source.names:
        name += "_"
    copy = Symbol(declared.shape, name, "variable")
    moved = _renamed(bench.source, slip, Symbol(declared.shape, wrt, "variable"), copy)
    variables = {**bench.source.variables, name: replace(declared, name=name)}
    order = {n: k for k, n in enumerate([*variables, *moved])}
    source = replace(
        bench.source,
        variables={n: replace(d, position=order[n]) for n, d in variables.items()},
        definitions={
            n: Definition(n, e, order[n], bench.source.definitions[n].span)
            for n, e in moved.items()
        },
    )
    try:
        found = type(bench.problem)(source).derive(bench.restated.of, name).result.expression
    except (DerivationError, InternalError, ProblemError):
        return None
    return exchanged(found, copy, Symbol(declared.shape, wrt, "variable"))


def _renamed(source: Source, slip: Slip, old: Symbol, new: Symbol) -> Mapping[str, Expression]:
    """The definitions with the variable renamed at the dropped places."""
    found: dict[str, Expression] = {}
    for name, definition in source.definitions.items():
        uses = [use for use in slip.dropped if _stands_in(use, definition.expression)]
        found[name] = _changed(definition.expression, uses, source, old, new)
    return found


def _stands_in(use: Use, expression: Expression) -> bool:
    if expression is use.node:
        return True
    inner = expression.operands if isinstance(expression, Apply) else ()
    return any(_stands_in(use, operand) for operand in inner)


def _changed(
    node: Expression, uses: list[Use], source: Source, old: Symbol, new: Symbol
) -> Expression:
    if not isinstance(node, Apply) or not uses:
        return node
    at = {use.operand for use in uses if use.node is node}
    operands = tuple(
        exchanged(_inlined(operand, source), old, new)
        if k in at
        else _changed(operand, uses, source, old, new)
        for k, operand in enumerate(node.operands)
    )
    return replace(node, operands=operands)


def _inlined(expression: Expression, source: Source) -> Expression:
    """The expression in variables alone."""
    for name in reversed(source.definitions):
        e = source.definitions[name].expression
        expression = exchanged(expression, Symbol(e.shape, name, "definition"), e)
    return expression
