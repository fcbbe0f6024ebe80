"""What a verdict is about, as expressions: pages print it as mathematics."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from diagrad.check.parts import judged_lines, right_parts
from diagrad.check.verdict import Judged
from diagrad.dimensions import SCALAR, Shape
from diagrad.engine import signs
from diagrad.expression import Apply, Expression, Symbol
from diagrad.recursion import deep_recursion
from diagrad.show import Names

if TYPE_CHECKING:
    from diagrad.check.answers import Checking
    from diagrad.check.bench import Bench
    from diagrad.check.diagnosis import Diagnosis
    from diagrad.check.reading import Line, Work
    from diagrad.language import Source
    from diagrad.problem import Problem

STEP = re.compile(r"[^=]*[-+*/]=[^=]")


@dataclass(frozen=True)
class Sheet:
    """The question, with the names of its derivation; and the answer: `call` checks it again,
    `text` is all of it, `lines` have the sides that = joins, none where a line is no equation;
    `repair` likewise, `right` are the parts that are right, `derivative` is the right one."""

    problem: Problem
    source: Source
    names: Names
    of: str
    wrt: tuple[str, ...]
    layout: str
    strict: bool = False
    call: str = ""
    text: str = ""
    lines: tuple[tuple[Judged, tuple[Expression, ...]], ...] = ()
    repair: tuple[Expression, ...] = ()
    right: tuple[Expression, ...] = ()
    derivative: Expression | None = None


def sheet_of(bench: Bench, work: Work | None = None) -> Sheet:
    """The question alone; printed with the names of an answer, too."""
    first = len(bench.wrt) == 1
    source = bench.source if first else bench.problem.source
    of = bench.restated.of if first else bench.called
    known = [*bench.problem.names.names, *source.names]
    quotients = work.quotients if work else {}
    if work:
        known += [name for line in work.lines for name in line.names]
    names = Names(known, signs(source), quotients)
    return Sheet(bench.problem, source, names, of, bench.wrt, bench.layout)


def answered(
    checking: Checking, diagnosis: Diagnosis | None, judged: Sequence[Judged], kind: str
) -> Sheet:
    """The question and the answer. What the lines of a right answer are is found out here."""
    with deep_recursion(), np.errstate(all="ignore"):
        judged = judged or _right_lines(checking, kind)
        lines = [*zip(judged, _sides(checking.work.lines), strict=True)]
    work, bench = checking.work, checking.bench
    return replace(
        sheet_of(bench, work),
        strict=checking.judge.strict,
        call=_call(bench, checking.judge.strict),
        text=work.text,
        lines=tuple(lines),
        repair=_repaired(checking, diagnosis),
        right=tuple(right_parts(checking.judge, diagnosis)) if diagnosis else (),
        derivative=bench.formula.expression if bench.formula else None,
    )


def _call(bench: Bench, strict: bool) -> str:
    wrt = bench.wrt[0] if len(bench.wrt) == 1 else bench.wrt
    order = f", order={len(bench.wrt)}" if len(bench.wrt) > 1 else ""
    layout = f", layout={bench.layout!r}" if strict else ""
    return f"problem.check({bench.of!r}, {wrt!r}, answer{order}{layout})"


def _right_lines(checking: Checking, kind: str) -> list[Judged]:
    lines = judged_lines(checking.judge, None)
    last = checking.judge.last
    if kind == "undecided":
        lines[last] = replace(lines[last], status="open", words="undecided")
    elif lines[last].status == "given":
        lines[last] = replace(lines[last], status="right", words=checking.asked)
    return lines


def _sides(lines: Sequence[Line]) -> Iterator[tuple[Expression, ...]]:
    """What = joins in each line; nothing where it is no equation."""
    shapes: dict[str, Shape] = {}
    for line in lines:
        values = [_nominal(claim.expression, shapes) for claim in line.claims]
        shapes |= dict.fromkeys(line.names, values[-1].shape)
        named = (Symbol(values[-1].shape, name, "definition") for name in line.names)
        yield () if STEP.match(line.text) else (*named, *values)


def _nominal(expression: Expression, shapes: Mapping[str, Shape]) -> Expression:
    """The expression where products that do not exist have the shape that they seem to have, so
    that they print as products of matrices."""
    if expression.shape:
        return expression
    if not isinstance(expression, Apply):
        name = expression.name if isinstance(expression, Symbol) else ""
        return replace(expression, shape=shapes.get(name, SCALAR))
    operands = tuple(_nominal(operand, shapes) for operand in expression.operands)
    shape = max((o.shape for o in operands), key=len, default=SCALAR)
    match expression.operation.name:
        case "@":
            shape = (operands[0].shape[0], operands[1].shape[-1])
        case "T":
            shape = shape[::-1]
    return replace(expression, shape=shape, operands=operands)


def _repaired(checking: Checking, diagnosis: Diagnosis | None) -> tuple[Expression, ...]:
    if diagnosis is None or diagnosis.edit is None:
        return ()
    new = checking.written(diagnosis.edit.whole)
    target = checking.work.lines[diagnosis.line].target
    return (Symbol(new.shape, target, "definition"), new) if target else (new,)
