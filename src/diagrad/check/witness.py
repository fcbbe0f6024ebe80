"""Points at which an answer is compared with the derivative, and when two values are one.

Values are equal where they differ by no more than rounding explains. How much that is, is found by
rounding otherwise (see `diagrad.verify.compare`): no fixed tolerance can hide a wrong term that is
small, or accuse a sum that cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from diagrad.errors import DerivationError, ProblemError
from diagrad.evaluate import Environment, evaluate, with_definitions
from diagrad.expression import Expression
from diagrad.language import Source
from diagrad.operations.room import Array
from diagrad.verify.layouts import restore
from diagrad.verify.numeric import differentiate, directions
from diagrad.verify.path import path
from diagrad.verify.points import STYLES, draw

# Rounding alone; more than rounding ever makes; the part of it that a right value may differ by.
EXACT, APART, MARGIN = 1e-13, 1e-5, 64.0
# Where rounding moves a value by this part of itself, it says nothing.
LOST = 1e-6
# So well has the derivative to be known at a point, however its operations round.
KNOWN = 1e-8
JITTER, ROUNDINGS = 256 * float(np.finfo(float).eps), 3
# How entries are drawn, and the scales of the variables from the fifth point on.
PLAN = ("normal", "normal", "positive", "normal", "normal", "small", "large", "normal")
SCALES = (0.2, 1.0, 5.0)
TRIES, FURTHER = 4, 60
# Around a scale: so much above and below it, and how many powers of ten the entries spread.
LEVELS, SPREAD = (3.0, 0.3), 0.8

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Target:
    """What was asked: `formula`, in `layout`, is its derivative as found; None where there is none,
    and numbers take its place."""

    problem: Source
    of: Expression
    wrt: tuple[str, ...]
    formula: Expression | None
    layout: str


@dataclass(frozen=True, eq=False)
class Point:
    """Values of all names of the problem; `truth` is the derivative with the axes of the value,
    then of each variable, and `exact` says that it is known to rounding."""

    target: Target
    drawn: Environment
    environment: Environment
    truth: Array
    exact: bool
    _near: dict[int, Point] = field(default_factory=dict)

    @property
    def sizes(self) -> dict[str, int]:
        return dict(self.environment.sizes)

    @property
    def of_shape(self) -> Pair:
        return pair(self.truth.shape[:2])

    @property
    def wrt_shapes(self) -> list[Pair]:
        shapes = self.truth.shape[2:]
        return [pair(shapes[k : k + 2]) for k in range(0, len(shapes), 2)]

    def near(self, number: int) -> Point:
        """The same point, all arrays and operations rounded in another way: equal numbers alike, so
        that a largest entry is still equal to the maximum. Raises ValueError as `at` does."""
        if number not in self._near:
            self._near[number] = self._rounded(number)
        return self._near[number]

    def _rounded(self, number: int) -> Point:
        def rounded(value: Array) -> Array:
            if value.dtype == bool:
                return value
            moved: Array = value * (1 + JITTER * _scattered(value, number))
            return moved

        arrays = {name: rounded(array) for name, array in self.drawn.arrays.items()}
        return at(self.target, replace(self.drawn, arrays=arrays, rounded=rounded))


def _scattered(value: Array, number: int) -> Array:
    """Numbers in (−1, 1) without a pattern, each a function of the entry."""
    with np.errstate(all="ignore"):
        bits = np.asarray(value, dtype=np.float64).view(np.uint64)
        mixed = (bits ^ np.uint64(number + 1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return np.asarray((mixed >> np.uint64(11)).astype(float) / 2**52 - 1)


def pair(shape: Sequence[int]) -> Pair:
    rows, columns = shape
    return rows, columns


def definitions(problem: Source) -> list[tuple[str, Expression]]:
    return [(name, d.expression) for name, d in problem.definitions.items()]


def at(target: Target, drawn: Environment) -> Point:
    """The point with all its values. Raises ValueError where there is no finite derivative."""
    with np.errstate(all="ignore"):
        environment = with_definitions(definitions(target.problem), drawn)
        value = evaluate(target.of, environment)
        shapes = [pair(environment.arrays[name].shape) for name in target.wrt]
        if target.formula is not None:
            found = evaluate(target.formula, environment)
            truth, exact = restore(found, target.layout, pair(value.shape), shapes), True
        else:
            truth, exact = _by_numbers(target, environment, value, shapes)
    if not np.isfinite(truth).all() or not np.isfinite(value).all():
        raise ValueError("no finite derivative")
    return Point(target, drawn, environment, truth, exact)


def _by_numbers(
    target: Target, environment: Environment, value: Array, shapes: list[Pair]
) -> tuple[Array, bool]:
    """The derivative along all entries. Raises ValueError where it is not found so."""
    route = path(target.problem, target.of, target.wrt, [], {})
    chosen = directions(tuple(shapes), np.random.default_rng(0))
    found = differentiate(route, environment, chosen)
    if not chosen.whole or not found.settled(1e-6 * float(np.abs(found.value).max())):
        raise ValueError("not found by numbers")
    order = len(shapes)
    moved = np.moveaxis(found.value, (-2, -1), (0, 1))
    axes = [size for shape in shapes for size in shape]
    return moved.reshape(*pair(value.shape), *axes), order == 1 and route.analytic


def further(target: Target, seed: int = 0) -> Iterator[Point]:
    """Points of all magnitudes and styles, to reach what the others do not."""
    for number in range(FURTHER):
        rng = np.random.default_rng((seed, 1000 + number))
        scale = float(10 ** rng.uniform(-3, 3)) * (1 if number % 2 else -1)
        try:
            drawn = draw(target.problem, rng, STYLES[number % len(STYLES)])
            yield at(target, _scaled(target.problem, drawn, rng, number + 4, scale))
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            continue


def points(target: Target, seed: int = 0, scales: Sequence[float] = ()) -> Iterator[Point]:
    """Points of several magnitudes, the first two normal ones; always the same for a seed. For each
    of the scales there are more, at which the entries lie around it, of either sign."""
    around = [sign * level * scale for scale in scales for level in LEVELS for sign in (1, -1)]
    plan = [(style, 0.0) for style in PLAN] + [("normal", scale) for scale in around]
    for number, (style, scale) in enumerate(plan):
        for attempt in range(TRIES):
            rng = np.random.default_rng((seed, number, attempt))
            try:
                drawn = draw(target.problem, rng, style)
                point = at(target, _scaled(target.problem, drawn, rng, number, scale))
                if apart(point.truth, point.near(0).truth) > KNOWN:
                    continue
                yield point
            except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
                if isinstance(error, ProblemError | DerivationError):
                    raise
                continue
            break


def _scaled(
    problem: Source, drawn: Environment, rng: np.random.Generator, number: int, scale: float
) -> Environment:
    """From the fifth point on, variables without facts are each on a scale of their own, or on that
    which is given."""
    if number < 4:
        return drawn

    def moved(array: Array) -> Array:
        if not scale:
            return np.asarray(array * rng.choice(SCALES))
        spread = 10 ** np.linspace(-SPREAD, SPREAD, array.size) if array.size > 1 else np.ones(1)
        return np.asarray(scale * rng.permutation(spread).reshape(array.shape))

    arrays = {
        name: array if problem.variables[name].facts else moved(array)
        for name, array in drawn.arrays.items()
    }
    return replace(drawn, arrays=arrays)


def apart(a: Array, b: Array) -> float:
    """The largest difference, relative to the largest entry of either."""
    scale = max(largest(a), largest(b))
    return largest(a - b) / scale if scale else 0.0


def largest(a: Array) -> float:
    return float(np.abs(a).max(initial=0.0))


def same(a: Array, b: Array, tolerance: float = 1e-9) -> bool:
    """Whether two arrays of one shape are equal, as far as a well conditioned point shows."""
    return a.shape == b.shape and bool(np.isfinite(a).all()) and apart(a, b) <= tolerance


def alike(values: Sequence[Array], theirs: Sequence[Array], tolerance: float = 1e-9) -> bool:
    """Whether arrays are the same pair by pair, as they are or transposed."""
    return all(
        same(a, b, tolerance) or same(a, b.T, tolerance)
        for a, b in zip(values, theirs, strict=True)
    )


def equal(
    point: Point, value: Callable[[Point], Array], truth: Callable[[Point], Array]
) -> bool | None:
    """Whether two values are one at a point; None where rounding hides it. `value` and `truth` are
    worked out again with other roundings where they differ by little."""
    ours, theirs = truth(point), value(point)
    if ours.shape != theirs.shape:
        return False
    if not np.isfinite(theirs).all():
        return None
    difference = apart(ours, theirs)
    if difference <= EXACT:
        return True
    if not point.exact:
        return difference <= 1e-5 or (None if difference < 1e-3 else False)
    noise, scale = 0.0, max(largest(ours), largest(theirs))
    for number in range(ROUNDINGS):
        try:
            near = point.near(number)
            moved = largest(ours - truth(near)) + largest(theirs - value(near))
            noise = max(noise, moved / scale)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            return None
    if noise > LOST:
        return None
    if difference <= noise:
        return True
    return None if difference <= MARGIN * noise and difference < APART else False
