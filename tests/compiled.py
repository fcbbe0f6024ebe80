"""What the tests of compiled functions share: points of any sizes, and values to compare with."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from textwrap import dedent
from typing import Any

import numpy as np
from generated.points import draw, read

import diagrad as dg
from diagrad.evaluate import environment_from, evaluate, with_definitions

Array = np.ndarray
# How far off a value may be, relative to the largest one beside it.
TOLERANCE = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-4}


@cache
def quietly(text: str) -> dg.Problem:
    """A problem; that a row meets a column is no concern here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dg.parse(text)


def point(
    problem: dg.Problem, sizes: Mapping[str, int], seed: int = 0, dtype: Any = np.float64
) -> dict[str, Array]:
    """Arrays as declared, of these sizes, with the facts that the declarations state."""
    rng = np.random.default_rng(seed)
    facts = {name: set(v.facts) for name, v in read(dedent(problem.source.text)).variables.items()}
    arrays = {}
    for name, declared in problem.source.variables.items():
        rows, columns = (size.evaluate(sizes) for size in declared.shape)
        arrays[name] = draw(rng, rows, columns, facts[name], 1.0).astype(dtype)
    return arrays


def sizes_of(problem: dg.Problem, first: int = 3) -> dict[str, int]:
    """Sizes that are all different."""
    return {d.name: first + k for k, d in enumerate(problem.source.dimensions)}


def compiled(problem: dg.Problem, asked: Sequence[Any], backend: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return problem.compile(list(asked), backend=backend)


class Expected:
    """What definitions and derivatives are by their formulas, evaluated operation by operation."""

    def __init__(self, problem: dg.Problem, asked: Sequence[Any]) -> None:
        self.problem, self.asked = problem, asked
        groups: dict[Any, list[Any]] = {}
        for one in asked:
            if not isinstance(one, str):
                groups.setdefault((one.of, one.order, one.layout), []).append(one)
        self.derivations = {}
        for (of, order, layout), members in groups.items():
            wrt = [one.wrt for one in members]
            found = problem.derive(of, wrt, order=order, layout=layout)
            self.derivations |= dict(zip(members, found, strict=True))

    def values(self, given: Mapping[str, Any]) -> list[Array]:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return [self._value(one, given) for one in self.asked]

    def _value(self, one: Any, given: Mapping[str, Any]) -> Array:
        derivation = self.derivations.get(one)
        if derivation is not None and derivation.is_long:
            lines = [(name, line.expression) for name, line in derivation.program]
        else:
            formula = self.problem.formula(one) if derivation is None else derivation.result
            lines = [("", formula.expression)]
        source, own = self.problem.source, {name for name, _ in lines}
        needed = set().union(*(source.needed(line) for _, line in lines)) - own
        doubles = {n: a if isinstance(a, int) else np.asarray(a, float) for n, a in given.items()}
        environment = environment_from(source, doubles, needed)
        known = [(n, d.expression) for n, d in source.definitions.items() if n in needed]
        environment = with_definitions([*known, *lines[:-1]], environment)
        return np.asarray(evaluate(lines[-1][1], environment))


@cache
def reference(problem: dg.Problem, *asked: Any) -> Expected:
    """Derived once for all that is compared with it."""
    return Expected(problem, asked)


def expected(problem: dg.Problem, asked: Any, given: Mapping[str, Any]) -> Array:
    return reference(problem, asked).values(given)[0]


def call(function: Any, arrays: Mapping[str, Array], sizes: Mapping[str, int]) -> tuple[Any, ...]:
    """The outputs; a size that no array tells is passed by name."""
    told = {d.name for v in function._plan.variables for s in v.shape for d in s.dimensions}
    alone = {n: k for n, k in sizes.items() if n in function._plan.dimensions and n not in told}
    return function(**{name: arrays[name] for name in function.inputs}, **alone)


def check(
    problem: dg.Problem,
    asked: Sequence[Any],
    sizes: Mapping[str, int],
    backend: str,
    dtypes: Sequence[Any] = (np.float64,),
) -> None:
    """A compiled function gives what the formulas do, again when it is called again."""
    function = compiled(problem, asked, backend)
    for dtype in map(np.dtype, dtypes):
        arrays = point(problem, sizes, dtype=dtype)
        found = call(function, arrays, sizes)
        wanted = reference(problem, *asked).values(arrays | dict(sizes))
        for one, value, want in zip(asked, found, wanted, strict=True):
            same(value, want, dtype, one)
            assert value.dtype == dtype or not function.inputs, one
        for first, second in zip(found, call(function, arrays, sizes), strict=True):
            np.testing.assert_array_equal(first, second)


def same(value: Any, want: Array, dtype: Any, what: object = "") -> None:
    """Whether a value is what is expected, up to rounding; sizes of 1 make no scalar of it."""
    assert np.size(value) == np.size(want), (what, np.shape(value), np.shape(want))
    if np.size(want) > 1:
        assert np.shape(value) == np.shape(want), what
    tolerance = TOLERANCE[np.dtype(dtype)] * max(1.0, np.max(np.abs(want), initial=0.0))
    np.testing.assert_allclose(
        np.ravel(value), np.ravel(want), rtol=0, atol=tolerance, err_msg=str(what)
    )
