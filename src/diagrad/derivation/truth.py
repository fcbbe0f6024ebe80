"""Every formula of a step is the derivative that the step is about: by numbers, not by trust."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from diagrad.derivation.step import AT_ONCE, Differential, Step
from diagrad.errors import DerivationError, InternalError
from diagrad.evaluate import Environment, evaluate, with_definitions
from diagrad.expression import Apply, Expression, Number, Symbol, walk
from diagrad.formula import Formula
from diagrad.language import Source
from diagrad.operations.room import Array
from diagrad.setting import shapes
from diagrad.verify import verify
from diagrad.verify.numeric import Directions, Estimate, differentiate
from diagrad.verify.path import path
from diagrad.verify.points import STYLES, draw


def check(source: Source, step: Step, points: int = 1, seed: int = 0) -> int:
    """Compares both formulas of a step, and of all below it, with the derivative of its target at
    random points, and its differentials with how values change; how many were compared. `source`
    has all names of the steps.

    Raises InternalError for an untrue one. What numbers cannot decide is not counted.
    """
    told = [part for part in step.walk() if part.rule != AT_ONCE]
    formulas = [
        (p.target, f, p.structure) for p in told for f in (p.before, p.spelled, p.after) if f
    ]
    compared = sum(_compare(source, *formula, points, seed) for formula in formulas)
    changes = [d for part in told for d in part.differentials]
    return compared + sum(_changes(source, d, points, seed) for d in changes)


def _changes(source: Source, differential: Differential, points: int, seed: int) -> int:
    """Compares a differential, and its part, with how the value changes when what it is made of
    moves in random directions; how many of the two were compared."""
    part = tuple(pair for pair in differential.moved if pair[1] == differential.by)
    sides = [(differential.formula, differential.moved), (differential.part, part)]
    found = 0
    for formula, moved in sides[: 1 + (part != differential.moved)]:
        for number in range(points):
            rngs = (np.random.default_rng((seed, number, k)) for k in range(len(STYLES)))
            tried = (
                _agrees(source, differential.value.expression, formula, moved, rng, style)
                for rng, style in zip(rngs, STYLES, strict=True)
            )
            agrees = next((answer for answer in tried if answer is not None), None)
            if agrees is False:
                raise InternalError(
                    f"the differential d{differential.of} = {formula.source} is not true: "
                    "please report this problem"
                )
            found += agrees is True
    return found


def _agrees(
    source: Source,
    value: Expression,
    formula: Formula,
    moved: Sequence[tuple[str, str]],
    rng: np.random.Generator,
    style: str,
) -> bool | None:
    """Whether the formula is the change of the value in one random direction; None where that has
    no value, or numbers do not decide: at a point where rounding moves it as much."""
    every = [(name, d.expression) for name, d in source.definitions.items()]
    with np.errstate(all="ignore"), suppress(np.linalg.LinAlgError):
        drawn = draw(source, rng, style)
        environment = with_definitions(every, drawn)
        directions: dict[str, Array] = {
            called: np.asarray(rng.standard_normal(environment.arrays[name].shape))
            for name, called in moved
        }
        total, error = _change(source, value, environment, moved, directions)
        stated = evaluate(formula.expression, environment.having(directions))
        allowed = 1e-6 * max(1e-3, float(np.abs(total).max()))
        if not (np.isfinite(stated).all() and np.isfinite(total).all() and error <= allowed):
            return None
        if np.abs(stated - total).max() <= allowed:
            return True
        nudges = {
            name: ROUNDED * rng.uniform(-1, 1, array.shape)
            for name, array in environment.arrays.items()
        }
        for sign in (1, -1):
            near = {name: a * (1 + sign * nudges[name]) for name, a in drawn.arrays.items()}
            beside = with_definitions(every, replace(drawn, arrays=near))
            alone = {n: beside.arrays[n] * (1 + sign * nudges[n]) for n, _ in moved}
            other, _ = _change(source, value, beside.having(alone), moved, directions)
            if np.abs(other - total).max() > allowed:
                return None
        return False
    return None


# A point may be moved by this much, and what then changes a lot is lost in rounding, or on a kink:
# there is the least entry of X Xᵀ when it moves without its mirror image.
ROUNDED = 1e-13


def _change(
    source: Source,
    value: Expression,
    environment: Environment,
    moved: Sequence[tuple[str, str]],
    directions: Mapping[str, Array],
) -> tuple[Array, float]:
    """The change of a value in the directions, and the error of what is computed."""
    slopes: list[Estimate] = []
    for name, called in moved:
        # Nothing changes but the name itself: other definitions are held.
        held = replace(path(source, value, (name,), [value], {}), changing=())
        along = Directions((directions[called][None],), False)
        slopes.append(differentiate(held, environment, along))
    total = np.sum([slope.value[0] for slope in slopes], axis=0)
    return np.asarray(total), sum(slope.error for slope in slopes)


def _compare(
    source: Source,
    target: tuple[str, str],
    formula: Formula,
    structure: tuple[str, ...],
    points: int,
    seed: int,
) -> bool:
    of, wrt = target
    role = "definition" if of in source.definitions else "variable"
    value = Symbol(shapes(source)[of], of, role)
    layout = formula.layout or "auto"
    if len(structure) == 2:
        # Tied in both variables it is no derivative of the gradient; the result's own check has it.
        return False
    stated = formula.expression
    try:
        found = verify(source, value, (wrt,), layout, stated, layout, points, seed, None, structure)
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
