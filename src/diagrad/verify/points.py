"""Random points that respect what a problem says about its variables.

All dimensions differ and are at least 3, so that a transposed or misplaced factor cannot fit by
accident.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from diagrad.dimensions import Size
from diagrad.errors import DerivationError
from diagrad.evaluate import Environment
from diagrad.facts import closure
from diagrad.operations.room import Array

if TYPE_CHECKING:
    from diagrad.language import Declaration, Source

# How free entries are distributed. A normal point comes first; log, sqrt, arcsin and the like need
# the others.
STYLES = ("normal", "positive", "small", "fraction", "large")
RANGES = {
    "positive": (0.3, 2.0),
    "small": (-0.5, 0.5),
    "fraction": (0.05, 0.4),
    "large": (1.2, 3.0),
}
SMALLEST, SPARE, ORDERS, ATTEMPTS, CONDITION = 3, 2, 5, 50, 100.0
DOMINANT = 3.0

Generator = np.random.Generator


def draw(source: Source, rng: Generator, style: str = "normal") -> Environment:
    """A point: sizes, a value that has its declared facts for each variable, a smooth g for each
    unspecified one.

    Raises DerivationError where no sizes make every declared shape at least one entry large.
    """
    sizes = draw_sizes(source, rng)
    arrays = {name: _variable(d, sizes, rng, style) for name, d in source.variables.items()}
    positive = style in ("positive", "fraction", "large")
    functions = {name: smooth(rng, positive) for name in source.functions}
    return Environment(arrays, sizes, functions)


def draw_sizes(source: Source, rng: Generator) -> dict[str, int]:
    """Different sizes from 3 on; a few spare ones let them vary where there are not many
    dimensions."""
    names = [dimension.name for dimension in source.dimensions]
    declared = {size for d in source.variables.values() for size in d.shape if size.number is None}
    for widening in range(ATTEMPTS):
        count = len(names) + (SPARE if len(names) <= 4 else 0) + widening
        chosen = rng.permutation(np.arange(SMALLEST, SMALLEST + count))[: len(names)]
        sizes = dict(zip(names, map(int, chosen), strict=True))
        if all(size.evaluate(sizes) > 0 for size in declared):
            return sizes
    raise DerivationError(f"no sizes of {', '.join(names)} make every shape positive")


def smooth(rng: Generator, positive: bool) -> Sequence[Callable[[Array], Array]]:
    """g(z) = a + Σ cₖ sin(wₖ z + pₖ) and its exact derivatives g⁽ⁿ⁾ = Σ cₖ wₖⁿ sin(wₖ z + pₖ +
    nπ/2)."""
    c, w, p = rng.uniform(0.4, 1.0, 2), rng.uniform(0.5, 1.3, 2), rng.uniform(-1.5, 1.5, 2)
    offset = c.sum() + 0.5 if positive else rng.uniform(-0.5, 0.5)

    def derivative(n: int) -> Callable[[Array], Array]:
        def g(z: Array) -> Array:
            waves = [c[k] * w[k] ** n * np.sin(w[k] * z + p[k] + n * np.pi / 2) for k in (0, 1)]
            value: Array = waves[0] + waves[1] + (offset if n == 0 else 0.0)
            return value

        return g

    return [derivative(n) for n in range(ORDERS)]


def _variable(
    declaration: Declaration, sizes: Mapping[str, int], rng: Generator, style: str
) -> Array:
    rows, columns = (_number(size, sizes) for size in declaration.shape)
    facts = closure(declaration.facts)
    for _ in range(ATTEMPTS):
        array = _entries((rows, columns), facts, declaration.sums_along, rng, style)
        if rows == columns:
            array = _structured(array, facts, rng, style)
        if not _is_square(array, facts) or np.linalg.cond(array) < CONDITION:
            break
    return array


def _is_square(array: Array, facts: frozenset[str]) -> bool:
    """Whether it may have an inverse, which is then not to be lost in rounding."""
    return len(array) == array.shape[1] > 1 and not facts & {"onehot", "simplex"}


def _number(size: Size, sizes: Mapping[str, int]) -> int:
    return size.evaluate(sizes) if size.number is None else size.number


def _entries(
    shape: tuple[int, int], facts: frozenset[str], axis: int | None, rng: Generator, style: str
) -> Array:
    """Entries each of which has the facts about entries; onehot and simplex along `axis`."""
    if "onehot" in facts:
        return _onehot(shape, axis, rng)
    if "pm1" in facts:
        return rng.choice([1.0, -1.0] if "positive" not in facts else [1.0], shape)
    if "prob" in facts or "simplex" in facts:
        array = rng.uniform(0.05, 0.4 if style == "fraction" else 0.95, shape)
        return array / array.sum(axis=axis, keepdims=True) if "simplex" in facts else array
    array = rng.standard_normal(shape) if style == "normal" else rng.uniform(*RANGES[style], shape)
    return np.abs(array) + 0.05 if "nonneg" in facts else array


def _onehot(shape: tuple[int, int], axis: int | None, rng: Generator) -> Array:
    rows, columns = shape
    if axis == 0:
        return np.eye(rows)[rng.integers(rows, size=columns)].T
    return np.eye(columns)[rng.integers(columns, size=rows)]


def _structured(array: Array, facts: frozenset[str], rng: Generator, style: str) -> Array:
    """A square matrix with the facts about matrices, made from entries with the facts about
    entries. A large one has so large a diagonal that its symmetric part is positive definite."""
    triangular = facts & {"lower", "upper"}
    is_diagonal = len(triangular) == 2 or bool(triangular and facts & {"symmetric", "orthogonal"})
    if "orthogonal" in facts:
        return _orthogonal(array, facts, is_diagonal, rng)
    if "spd" in facts:
        array = array @ array.T / len(array) + np.eye(len(array)) / 2
        array = array / (1.1 * array.max()) if "prob" in facts else array
    elif "symmetric" in facts:
        array = np.triu(array) + np.triu(array, 1).T
    if style == "large" and not facts & {"spd", "prob", "pm1", "onehot", "simplex"}:
        array = array + DOMINANT * len(array) * np.eye(len(array))
    if is_diagonal:
        return np.diag(np.diag(array))
    if triangular:
        return np.tril(array) if "lower" in facts else np.triu(array)
    return array


def _orthogonal(array: Array, facts: frozenset[str], is_diagonal: bool, rng: Generator) -> Array:
    n = len(array)
    if "spd" in facts:
        return np.eye(n)
    if is_diagonal:
        return np.diag(rng.choice([1.0, -1.0], n))
    if "nonneg" in facts and "symmetric" not in facts:
        return np.eye(n)[rng.permutation(n)]
    if "symmetric" in facts:
        v = rng.standard_normal((n, 1))
        return np.eye(n) - 2 * v @ v.T / (v.T @ v)
    orthogonal: Array = np.linalg.qr(rng.standard_normal((n, n)))[0]
    return orthogonal
