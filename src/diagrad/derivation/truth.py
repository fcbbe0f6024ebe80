"""Every formula of a step is the derivative that the step is about: by numbers, not by trust."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from diagrad.derivation.step import AT_ONCE, Step
from diagrad.errors import DerivationError, InternalError
from diagrad.expression import Apply, Number, Symbol, walk
from diagrad.formula import Formula
from diagrad.language import Source
from diagrad.setting import shapes
from diagrad.verify import verify


def check(source: Source, step: Step, points: int = 1, seed: int = 0) -> int:
    """Compares both formulas of a step, and of all below it, with the derivative of its target at
    random points; how many were compared. `source` has all names of the steps.

    Raises InternalError for an untrue one. What numbers cannot decide is not counted.
    """
    told = [part for part in step.walk() if part.rule != AT_ONCE]
    formulas = [(p.target, f) for p in told for f in (p.before, p.spelled, p.after) if f]
    return sum(_compare(source, target, f, points, seed) for target, f in formulas)


def _compare(
    source: Source, target: tuple[str, str], formula: Formula, points: int, seed: int
) -> bool:
    of, wrt = target
    role = "definition" if of in source.definitions else "variable"
    value = Symbol(shapes(source)[of], of, role)
    layout = formula.layout or "auto"
    try:
        found = verify(source, value, (wrt,), layout, formula.expression, layout, points, seed)
    except DerivationError:
        return False
    if not found.passed:
        raise InternalError(
            f"the step d{of}/d{wrt} = {formula.source} is not true ({found}): "
            "please report this problem"
        )
    return True


def faults(steps: Sequence[Step], known: Collection[str], result: Formula) -> Iterator[str]:
    """What is wrong with the telling: an identity, a name that nothing defines, a derivative used
    before a step finds it, an end that is not the result. `known` are the names there are."""
    found: set[tuple[str, str]] = set()
    for whole in steps:
        for step in _innermost_first(whole):
            label = f"d{step.target[0]}/d{step.target[1]}"
            same = step.before.unicode() == step.after.unicode()
            trivial = step.rule == AT_ONCE or step.target[0] == step.target[1]
            if same and not trivial and not _is_zero(step.after):
                yield f"{label}: {step.before.source} is told twice"
            for formula in (step.before, step.after):
                names = _names(formula)
                for name in sorted(names - set(known)):
                    yield f"{label}: nothing defines {name}"
                for name in sorted(names & formula.derivatives.keys()):
                    of, wrt, _ = formula.derivatives[name]
                    if (of, wrt) not in found and (of, wrt) != step.target:
                        yield f"{label}: {name} is used before it is found"
            found.add(step.target)
    if not steps or steps[-1].after.source != result.source:
        yield "the last step is not the result"


def _innermost_first(step: Step) -> Iterator[Step]:
    for substep in step.substeps:
        yield from _innermost_first(substep)
    yield step


def _names(formula: Formula) -> set[str]:
    symbols = (n for n in walk(formula.expression) if isinstance(n, Symbol))
    return {symbol.name for symbol in symbols if symbol.role != "constant"}


def _is_zero(formula: Formula) -> bool:
    """A derivative that is 0 has no other form to start from."""
    return all(
        (isinstance(node, Apply) and node.operation.name in ("zeros", "einsum"))
        or (isinstance(node, Number) and node.value == 0)
        for node in walk(formula.expression)
    )
