"""Every formula of a step is the derivative that the step is about: by numbers, not by trust."""

from __future__ import annotations

from diagrad.derivation.step import Step
from diagrad.errors import DerivationError, InternalError
from diagrad.expression import Symbol
from diagrad.formula import Formula
from diagrad.language import Source
from diagrad.verify import verify


def check(source: Source, step: Step, points: int = 1, seed: int = 0) -> None:
    """Compares both formulas of a step, and of all below it, with the derivative of its target at
    random points. `source` has all names of the steps.

    Raises InternalError for an untrue one. What cannot be decided by numbers passes: the result
    itself is checked apart.
    """
    for part in step.walk():
        for formula in (part.before, part.after):
            _compare(source, part.target, formula, points, seed)


def _compare(
    source: Source, target: tuple[str, str], formula: Formula, points: int, seed: int
) -> None:
    of, wrt = target
    value = Symbol(source.definitions[of].expression.shape, of, "definition")
    layout = formula.layout or "auto"
    try:
        found = verify(source, value, (wrt,), layout, formula.expression, layout, points, seed)
    except DerivationError:
        return
    if not found.passed:
        raise InternalError(
            f"the step d{of}/d{wrt} = {formula.source} is not true ({found}): "
            "please report this problem"
        )
