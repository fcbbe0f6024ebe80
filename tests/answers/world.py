"""A problem with its answer at random points, and what other answers are worth there."""

import ast
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from generated.algebra import NotInLanguage
from generated.functions import Array
from generated.interpreter import Interpreter
from generated.oracle import NoPoint, Target, arrange, define, first, target_of, tensor
from generated.points import Env, draw_env, read
from generated.problems import Case as Asked

from .trees import names_in, parsed, text

CLOSE, APART = 1e-9, 1e-6
LAYOUTS = ("gradient", "numerator", "denominator", "vec", "tensor")
MISFIT = (ValueError, np.linalg.LinAlgError, IndexError)
Lines = list[tuple[str, ast.expr]]


class Unusable(Exception):
    """A problem without good points, or whose answer is not the derivative at them."""


class Recorder(Interpreter):
    """Keeps the value of every part; `mixed` once a row and a column met entry by entry."""

    def __init__(self, values: dict[str, Array], functions: list[str]) -> None:
        super().__init__(values, functions)
        self.seen: dict[int, Array] = {}
        self.mixed = False

    def value(self, node: ast.expr) -> Array:
        found = super().value(node)
        self.seen[id(node)] = found
        return found

    def binary(self, op: ast.operator, a: Array, b: Array) -> Array:
        if not isinstance(op, ast.MatMult | ast.Pow) and a.ndim == b.ndim == 3:
            (m, n), (p, q) = a.shape[1:], b.shape[1:]
            thin = 1 in (m, n) and 1 in (p, q) and m * n > 1 and p * q > 1
            self.mixed |= thin and (m == 1) != (p == 1)
        return super().binary(op, a, b)


@dataclass(frozen=True)
class Worth:
    """`verdict`: right, layout (right in another), wrong, misfit; or to be dropped: close, where it
    has the derivative's entries in some order, and unclear.

    `values` are those at the points; `mixed` where a row met a column."""

    verdict: str
    values: tuple[Array, ...] = ()
    mixed: bool = False


class World:
    """Everything known about one record by numbers."""

    def __init__(self, record: dict[str, Any], seed: int = 0) -> None:
        self.record = record
        self.of, self.wrt, self.order = record["of"], record["wrt"], record["order"]
        self.answer = parsed(record["answer"])
        self.target = target_of(Asked(self._sized(), self.of, self.wrt, self.order, "auto", ()))
        self.problem = self.target.problem
        try:
            self.points = good_points(self.target, 3, seed)
        except MISFIT as error:
            raise Unusable(str(error)) from None
        if len(self.points) < 2:
            raise Unusable("no good points")
        self.allowed = [self._arranged(value) for _, value in self.points]
        self.layout = "auto"
        if self.worth([("", self.answer)]).verdict not in ("right", "layout"):
            raise Unusable("the answer is not the derivative at the points")

    def _sized(self) -> str:
        """The problem, with a variable for each capital that counts without standing in a shape."""
        body = self.record["problem"]
        problem = read(body)
        known = {*problem.variables, *problem.definitions, *problem.dimensions(), "pi"}
        spare = {
            n for b in (self.of, *problem.definitions.values()) for n in names_in(parsed(b))
        } - known
        return body + "".join(f"\nspare_{n}: row[{n}]" for n in sorted(spare)) + "\n"

    @property
    def sizes(self) -> dict[str, int]:
        return self.points[0][0].sizes

    def _arranged(self, value: Array) -> dict[str, Array]:
        """The derivative in every layout of the contract's table that there is here."""
        f, x = value.shape[:2], value.shape[2:]
        thin = 1 in f and 1 in x
        found = {"auto": arrange(value, "auto", self.order)}
        for layout in LAYOUTS:
            scalar = f == (1, 1) and self.order == 1
            if (layout == "gradient" and not scalar) or (
                layout.endswith("ator") and not thin and not scalar
            ):
                continue
            found[layout] = arrange(value, layout, self.order)
        return found

    def interpreter(self, k: int, kind: type[Interpreter] = Interpreter) -> Interpreter:
        env = self.points[k][0]
        values = {name: array[None] for name, array in env.values.items()}
        return kind(values, self.problem.functions)

    def value(self, lines: Lines, k: int, run: Interpreter | None = None) -> Array:
        """The last line's value at a point. Raises one of MISFIT where shapes do not fit."""
        run = run or self.interpreter(k)
        with np.errstate(all="ignore"):
            for name, node in lines:
                value = run.value(node)[0]
                if name:
                    run.values[name] = value[None]
        return value

    def recorded(self, node: ast.expr) -> dict[int, Array]:
        """The value of every part at the first point, by identity; empty where shapes misfit."""
        run = self.interpreter(0, Recorder)
        try:
            self.value([("", node)], 0, run)
        except MISFIT:
            return {}
        return run.seen  # type: ignore[attr-defined]

    def worth(self, lines: Lines) -> Worth:
        """What an answer is worth by numbers alone."""
        run = self.interpreter(0, Recorder)
        values = []
        for k in range(len(self.points)):
            try:
                values.append(self.value(lines, k, run if k == 0 else None))
            except NotInLanguage:
                return Worth("unclear")
            except MISFIT:
                return Worth("misfit" if k == 0 else "unclear", (), run.mixed)  # type: ignore[attr-defined]
        verdict = self._judged(values)
        return Worth(verdict, tuple(values), run.mixed)  # type: ignore[attr-defined]

    def _judged(self, values: list[Array]) -> str:
        if not all(np.isfinite(v).all() for v in values):
            return "unclear"
        tolerance = CLOSE if self.order == 1 else 1e-6
        for layout in ("auto", *LAYOUTS):
            if all(layout in a for a in self.allowed):
                pairs = zip(values, (a[layout] for a in self.allowed), strict=True)
                if all(distance(v, a) < tolerance for v, a in pairs):
                    return "right" if layout == self.layout else "layout"
        if all(self._resembles(v, k) for k, v in enumerate(values)):
            return "close"
        if all(np.ptp(v) == 0 for v in values) and self._constant:
            return "unclear"
        return "wrong" if any(np.abs(v).max() > CLOSE for v in values) else "unclear"

    @cached_property
    def _constant(self) -> bool:
        """Whether the derivative is one number at all points, which many wrong answers also are."""
        return all(np.ptp(a["auto"]) == 0 for a in self.allowed) and self.points[0][1].size > 1

    def _resembles(self, value: Array, k: int) -> bool:
        """Whether it is the derivative up to the order of its entries, or the structured one."""
        right = self.allowed[k]["auto"]
        close = [right, right.T, *self.structured(k)]
        flat = [order(a) for a in (right, self.points[k][1]) for order in ORDERS]
        if any(distance(value, a) < APART for a in close):
            return True
        return value.size == right.size and any(
            distance(value.reshape(-1), a) < APART for a in flat
        )

    def structured(self, k: int) -> list[Array]:
        """What some call the derivative by a symmetric or triangular variable."""
        g = self.allowed[k]["auto"]
        if g.ndim != 2 or g.shape[0] != g.shape[1]:
            return []
        return [g + g.T - np.diag(np.diag(g)), (g + g.T) / 2, g + g.T, np.tril(g), np.triu(g)]

    def is_structured(self, node: ast.expr) -> bool:
        """Whether a value is the derivative by a symmetric matrix, and no other."""
        if self.order != 1 or self.points[0][1].shape[:2] != (1, 1):
            return False
        values = [self.value([("", node)], k) for k in range(len(self.points))]
        found = [self.structured(k)[0] for k in range(len(values))]
        near = all(distance(v, g) < CLOSE for v, g in zip(values, found, strict=True))
        return near and self._judged(values) == "close"

    @cached_property
    def adjoints(self) -> dict[str, list[Array]]:
        """The gradient of a scalar by each definition that it depends on, at each point."""
        if self.order != 1 or self.points[0][1].shape[:2] != (1, 1):
            return {}
        found: dict[str, list[Array]] = {}
        for name in self.problem.definitions:
            try:
                values = [first(self.target, env, name)[0, 0] for env, _ in self.points]
            except (NoPoint, *MISFIT):
                continue
            if all(np.any(v) for v in values) and name != self.wrt:
                found[name] = values
        return found

    def multiple(self, worth: Worth) -> set[str]:
        """What a multiple of the right value may be called, whatever it came of."""
        ratios = []
        for k, value in enumerate(worth.values):
            right = self.allowed[k]["auto"]
            if value.shape != right.shape or not np.any(right) or not np.isfinite(value).all():
                return set()
            ratios.append(float((value * right).sum() / (right * right).sum()))
            if not distance(value, ratios[-1] * right) < 1e-9:
                return set()
        if not ratios or min(map(abs, ratios)) < 1e-6:
            return set()
        kinds = {"sign"} if max(ratios) < 0 else set()
        if any(abs(abs(r) - 1) > 1e-6 for r in ratios):
            kinds |= {"constant-factor"}
        return kinds | ({"batch-factor"} if self._sized_ratios(ratios) else set())

    def _sized_ratios(self, ratios: list[float]) -> bool:
        """Whether a dimension, or one part in it, is the ratio at every point."""
        if max(ratios) - min(ratios) < 1e-6:  # a number, which may be a size by chance
            return False
        for name in self.sizes:
            sizes = [env.sizes[name] for env, _ in self.points]
            pairs = list(zip(ratios, sizes, strict=True))
            if all(abs(abs(r) - n) < 1e-6 for r, n in pairs):
                return True
            if all(abs(abs(r) * n - 1) < 1e-6 for r, n in pairs):
                return True
        return False

    def key(self, worth: Worth) -> str:
        """The same for answers of the same value."""
        scales = [max(1e-6, float(np.abs(v).max())) for v in worth.values]
        rounded = (np.round(v / s, 7) + 0.0 for v, s in zip(worth.values, scales, strict=True))
        return "".join(
            f"{s:.7e}{v.shape}{v.tolist()}" for s, v in zip(scales, rounded, strict=True)
        )


ORDERS = (
    lambda a: a.reshape(-1),
    lambda a: a.T.reshape(-1),
    lambda a: a.transpose(*_middle(a)).reshape(-1),
)


def _middle(a: Array) -> tuple[int, ...]:
    return (1, 0, 3, 2) if a.ndim == 4 else (1, 0)


def good_points(target: Target, count: int, seed: int) -> list[tuple[Env, Array]]:
    """Points as `oracle.points` draws them, but where its sizes make a Gram matrix singular, with
    others."""
    found: list[tuple[Env, Array]] = []
    for leading in (target.names, ()):
        for which in range(2 * count):
            if len(found) < count and (which < count or len(found) < 2):
                found += point(target, leading, which, seed)
    return found


def point(target: Target, leading: tuple[str, ...], which: int, seed: int) -> list:
    """A point and the derivative there, or none."""
    for attempt in range(8):
        rng = np.random.default_rng([seed, which, attempt])
        env = draw_env(target.problem, leading, which, rng, shrink=0.85**attempt)
        try:
            define(target, env)
            return [(env, tensor(target, env))]
        except (NoPoint, np.linalg.LinAlgError):
            continue
    return []


def distance(value: Array, right: Array) -> float:
    """The largest difference relative to the right value; infinite for another shape."""
    if value.shape != right.shape:
        return float("inf")
    scale = max(1e-3, float(np.max(np.abs(right), initial=0.0)))
    return float(np.max(np.abs(value - right), initial=0.0)) / scale


def written(lines: Lines) -> str:
    return "\n".join(f"{name} = {text(node)}" if name else text(node) for name, node in lines)
