"""Derivatives from values alone: complex steps, and for the second order differences of them."""

import math
from dataclasses import dataclass

import numpy as np

from .functions import Array
from .interpreter import Interpreter
from .points import Env, Problem, draw_env, read
from .problems import Case

STEP = 1e-30
SHIFT = 4e-3
# How far off a formula may be, and below what size a derivative counts as this large.
TOLERANCE = {1: 1e-8, 2: 1e-6}
FLOOR = 1e-3
NUDGE = 4 * np.finfo(float).eps


class NoPoint(Exception):
    """The derivative cannot be trusted at this point: not finite, too large, or too near a kink."""


@dataclass(frozen=True)
class Target:
    """A case with its text read once."""

    case: Case
    problem: Problem

    @property
    def names(self) -> tuple[str, ...]:
        return (self.case.wrt,) if isinstance(self.case.wrt, str) else self.case.wrt

    def interpreter(self, env: Env, given: dict[str, Array]) -> Interpreter:
        """All names at `env`, but those in `given`, on which the later definitions then depend."""
        values = {name: array[None] for name, array in env.values.items()} | given
        run = Interpreter(values, self.problem.functions)
        for name, text in self.problem.definitions.items():
            if name not in given:
                run.values[name] = run.text(text)
        return run

    def value(self, env: Env, given: dict[str, Array]) -> tuple[Array, Interpreter]:
        run = self.interpreter(env, given)
        return run.text(self.case.of), run


def target_of(case: Case) -> Target:
    return Target(case, read(case.text))


def evaluate(source: str, env: Env, functions: list[str]) -> Array:
    """The value of expression text over the problem's names: a scalar has shape (1, 1)."""
    return Interpreter({k: v[None] for k, v in env.values.items()}, functions).text(source)[0]


def entries(array: Array) -> Array:
    """One unit matrix per entry, in C order."""
    return np.eye(array.size).reshape(array.size, *array.shape)


def first(target: Target, env: Env, by: str) -> Array:
    """dF/dX as an array r×s×m×n."""
    x = env.values[by]
    value, run = target.value(env, {by: x[None] + 1j * STEP * entries(x)})
    trusted(run, 1e-6)
    value = np.broadcast_to(value, (x.size, *value.shape[1:]))
    return np.moveaxis(value.imag / STEP, 0, -1).reshape(*value.shape[1:], *x.shape)


def second(target: Target, env: Env, by: str, then: str) -> Array:
    """d²F/dXdY of a scalar F as an array m×n×p×q."""
    x, y = env.values[by], env.values[then]
    shifts = SHIFT * np.array([1.0, -1.0, 0.5, -0.5, 0.25, -0.25])
    moves = shifts[:, None, None, None] * entries(x)
    total = 6 * x.size * y.size
    moved = x + np.repeat(moves.reshape(-1, *x.shape), y.size, axis=0)
    stepped = np.tile(1j * STEP * entries(y), (6 * x.size, 1, 1))
    given = {by: moved + stepped} if by == then else {by: moved, then: y + stepped}
    value, run = target.value(env, given)
    trusted(run, 2 * SHIFT)
    slopes = np.broadcast_to(value.reshape(-1), total).imag.reshape(6, x.size, y.size) / STEP
    rough, middle, fine = (
        (slopes[2 * k] - slopes[2 * k + 1]) / (2 * shifts[2 * k]) for k in range(3)
    )
    one, two = (4 * middle - rough) / 3, (4 * fine - middle) / 3
    best = (16 * two - one) / 15
    if np.max(np.abs(best - two)) > 1e-6 * max(1.0, np.max(np.abs(best))):
        raise NoPoint("the differences do not converge")
    return best.reshape(*x.shape, *y.shape)


def trusted(run: Interpreter, distance: float) -> None:
    if not run.peak < 3e3:
        raise NoPoint(f"values up to {run.peak:.1g}")
    if run.nearest < distance:
        raise NoPoint(f"a kink {run.nearest:.1g} away")


def tensor(target: Target, env: Env) -> Array:
    """The derivative with all its axes: those of F (or of the first variable), then those of X."""
    names = target.names
    if target.case.order == 1:
        value = first(target, env, names[0])
    else:
        value = second(target, env, names[0], names[-1])
    if not np.max(np.abs(value), initial=0.0) < 1e5:
        raise NoPoint("the derivative is too large")
    return value


def known(target: Target, env: Env, value: Array, rng: np.random.Generator) -> None:
    """Raises NoPoint where rounding leaves less of this derivative than it is compared to: where it
    is another by a tenth of that when all values are given with another last digit. That of A⁻¹ A,
    which is 0, is nothing but rounding."""
    allowed = TOLERANCE[target.case.order] * max(FLOOR, np.max(np.abs(value), initial=0.0))
    for _ in range(2):
        nudged = {
            name: a if name in env.sizes else a * (1 + NUDGE * rng.uniform(-1, 1, a.shape))
            for name, a in env.values.items()
        }
        again = tensor(target, Env(nudged, env.sizes))
        if not 10 * np.max(np.abs(again - value), initial=0.0) < allowed:
            raise NoPoint("rounding")


def arrange(value: Array, layout: str, order: int) -> Array:
    """A derivative r×s×m×n in a layout of the contract's table."""
    r, s, m, n = value.shape
    outer, inner = (r, s) == (1, 1), (m, n) == (1, 1)
    if layout == "auto":
        thin = 1 in (r, s) and 1 in (m, n)
        layout = "numerator" if thin and not (outer and order == 1) else "vec"
        layout = "gradient" if outer and order == 1 else layout
    if inner:
        return value[:, :, 0, 0]
    if outer and order == 2:
        return value[0, 0]
    if layout == "tensor":
        return value
    if layout == "gradient":
        return value[0, 0]
    if outer and layout in ("numerator", "denominator"):
        jacobian = value[0, 0].T if n != 1 and m != 1 else value.reshape(1, -1)
    else:
        jacobian = value.transpose(1, 0, 3, 2).reshape(r * s, m * n)
    return jacobian.T if layout == "denominator" and order == 1 else jacobian


def expected(case: Case, env: Env) -> Array:
    """The derivative in the layout asked for, two-dimensional but for `tensor`."""
    return arrange(tensor(target_of(case), env), case.layout, case.order)


def points(target: Target, count: int, seed: int = 0) -> list[tuple[Env, Array]]:
    """Points with different sizes, each with the derivative r×s×m×n; fewer where none is good."""
    found = []
    for which in range(count):
        for attempt in range(12):
            rng = np.random.default_rng([seed, which, attempt])
            env = draw_env(target.problem, target.names, which, rng, shrink=0.85 ** (attempt // 2))
            try:
                run = define(target, env)
                value = tensor(target, env)
                if run.inverts:
                    known(target, env, value, rng)
                found.append((env, value))
                break
            except (NoPoint, np.linalg.LinAlgError):
                continue
    return found


def define(target: Target, env: Env) -> Interpreter:
    """Adds the definitions' values to `env`; they and the target must be real and moderate."""
    value, run = target.value(env, {})
    if not run.peak < 3e3 or not math.isfinite(float(np.max(np.abs(value)))):
        raise NoPoint("values")
    for name in target.problem.definitions:
        env.values[name] = run.values[name][0]
    return run
