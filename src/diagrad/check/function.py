"""Somebody's backward pass, a Python callable, compared by numbers alone.

What a callable computes is a black box, so the diagnosis says what numbers can show: another
layout, a constant factor, a gradient that was not summed, a link that is missing.
"""

from __future__ import annotations

import inspect
import textwrap
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from diagrad.check.bench import Bench
from diagrad.check.conventions import conventions, laid_out
from diagrad.check.naming import kind_of_slip
from diagrad.check.quantities import Quantities
from diagrad.check.saying import HINTS
from diagrad.check.sheet import sheet_of
from diagrad.check.slips import Slips
from diagrad.check.verdict import Mistake, Verdict, worst
from diagrad.check.witness import Point, alike, apart
from diagrad.errors import ProblemError
from diagrad.operations.room import Array
from diagrad.recursion import deep_recursion
from diagrad.request import variables_of

if TYPE_CHECKING:
    from diagrad.problem import Problem

# Relative errors up to which a result is right, and from which it is wrong, by its type: a
# backward pass may use differences itself, and float32 has seven digits.
RIGHT = {8: 1e-7, 4: 1e-3}
WRONG = {8: 1e-4, 4: 1e-2}
POINTS = 4


@dataclass(frozen=True)
class FunctionVerdict:
    """The verdict on each gradient that a function returns; `kind` is that of the worst. `code` is
    the function's text, where it can be had."""

    verdicts: Mapping[str, Verdict]
    code: str = field(default="", repr=False, compare=False)

    @property
    def kind(self) -> str:
        return worst(verdict.kind for verdict in self.verdicts.values())

    def data(self) -> dict[str, Any]:
        return {"verdict": self.kind, "by": {n: v.data() for n, v in self.verdicts.items()}}

    def text(self, hint: bool = False, show_answer: bool = False) -> str:
        blocks = (f"{name}: {v.text(hint, show_answer)}" for name, v in self.verdicts.items())
        return "\n\n".join(blocks)

    def latex(self, hint: bool = False, document: bool = False) -> str:
        """The verdicts, the function's text, the problem and the evidence as LaTeX; with `document`
        an article."""
        from diagrad.pages import verdicts

        return verdicts.latex(self._all, hint, False, document, self.code)

    def markdown(self, hint: bool = False) -> str:
        """Likewise as Markdown with formulas in $ and $$."""
        from diagrad.pages import verdicts

        return verdicts.markdown(self._all, hint, code=self.code)

    def html(self, hint: bool = False) -> str:
        """Likewise as a page for a browser, one file that needs no other."""
        from diagrad.pages import verdicts

        return verdicts.html(self._all, hint, code=self.code)

    def typst(self, hint: bool = False) -> str:
        """Likewise as a document of Typst."""
        from diagrad.pages import verdicts

        return verdicts.typst(self._all, hint, code=self.code)

    @property
    def _all(self) -> list[Verdict]:
        return list(self.verdicts.values())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from diagrad.pages import verdicts

        return verdicts.function_bundle(self)

    def __str__(self) -> str:
        return self.text()


def check_function(
    problem: Problem,
    function: Callable[..., object],
    of: str | None = None,
    wrt: str | Sequence[str] | None = None,
    seed: int = 0,
) -> FunctionVerdict:
    """Compares a function's gradients with the right ones at random points.

    The function takes the problem's variables by the names of its parameters (or, where these are
    others, in the order in which they are declared), as two-dimensional arrays, a scalar as a
    number. It returns the gradient by `wrt`, several in that order, or a dict of them by name; a
    one-dimensional array is taken for a row or column. `of` is the last definition unless given,
    `wrt` every variable that is not a label. Raises ProblemError where it returns something else.
    """
    of = of or problem.last
    names = [wrt] if isinstance(wrt, str) else list(wrt or problem.default_wrt(of))
    with deep_recursion():
        wanted = [variables_of(problem, name, 1) for name in names]
        benches = [Bench(problem, of, by, "auto", seed) for by in wanted]
        return FunctionVerdict(_verdicts(problem, function, benches), text_of(function))


def _verdicts(
    problem: Problem, function: Callable[..., object], benches: Sequence[Bench]
) -> dict[str, Verdict]:
    names = [bench.wrt[0] for bench in benches]
    points = benches[0].points[:POINTS]
    results: list[dict[str, Array]] = []
    for point in points:
        try:
            returned = _called(problem, function, point)
        except Exception as error:
            failed = f"the function raised {type(error).__name__}: {error}"
            line = raised_on(error, function)
            return {
                bench.wrt[0]: _made(bench, "incorrect", failed, first_wrong_line=line)
                for bench in benches
            }
        results.append(_by_name(returned, names))
    missing = "the function returns no gradient by {}"
    return {
        bench.wrt[0]: _Comparing(bench, [result[bench.wrt[0]] for result in results]).verdict()
        if bench.wrt[0] in results[0]
        else _made(bench, "incorrect", missing.format(bench.wrt[0]))
        for bench in benches
    }


def _made(bench: Bench, kind: str, because: str, **more: Any) -> Verdict:
    return Verdict(kind, because, _sheet=partial(sheet_of, bench), **more)


def text_of(function: Callable[..., object]) -> str:
    """The text of a function, "" where it cannot be had."""
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return ""


def raised_on(error: BaseException, function: Callable[..., object]) -> int | None:
    """The line of a function's text on which it raised."""
    code = getattr(function, "__code__", None)
    frames = list(traceback.walk_tb(error.__traceback__))
    lines = [number for frame, number in frames if frame.f_code is code]
    return lines[-1] - code.co_firstlineno + 1 if code is not None and lines else None


def _called(problem: Problem, function: Callable[..., object], point: Point) -> object:
    arrays = {name: _given(point.drawn.arrays[name]) for name in problem.source.variables}
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return function(*arrays.values())
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return function(**arrays)
    required = {n for n, p in parameters.items() if p.default is p.empty}
    if required <= arrays.keys() and parameters.keys() & arrays.keys():
        return function(**{n: a for n, a in arrays.items() if n in parameters})
    return function(*arrays.values())


def _given(array: Array) -> Any:
    """A copy, which the function may write to; a scalar as a number."""
    return float(array[0, 0]) if array.shape == (1, 1) else array.copy()


def _by_name(returned: object, names: Sequence[str]) -> dict[str, Array]:
    """The gradients by name. Raises ProblemError."""
    if isinstance(returned, Mapping):
        found = {_plain_name(str(key), names): value for key, value in returned.items()}
    elif isinstance(returned, tuple | list) and len(names) > 1:
        if len(returned) != len(names):
            raise ProblemError(
                f"the function returns {len(returned)} values, and {len(names)} gradients are "
                f"asked for: {', '.join(names)}"
            )
        found = dict(zip(names, returned, strict=True))
    else:
        found = {names[0]: returned}
    return {name: _array(name, found[name]) for name in names if name in found}


def _plain_name(key: str, names: Sequence[str]) -> str:
    """W1 of "W1", "dW1", "grad_W1"."""
    for prefix in ("", "d", "d_", "grad_", "g_"):
        if key.startswith(prefix) and key[len(prefix) :] in names:
            return key[len(prefix) :]
    return key


def _array(name: str, value: object) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise ProblemError(f"the gradient by {name} is no array of numbers")
    return array if array.dtype.kind == "f" else array.astype(float)


class _Comparing:
    """One gradient at all points."""

    def __init__(self, bench: Bench, values: Sequence[Array]) -> None:
        self.bench, self.quantities = bench, Quantities(bench)
        self.points = bench.points[: len(values)]
        self.truth = [laid_out(point, bench.layout) for point in self.points]
        self.values = [_shaped(v, t) for v, t in zip(values, self.truth, strict=True)]
        self.digits = min(value.dtype.itemsize for value in values)

    def verdict(self) -> Verdict:
        shape, wanted = self.values[0].shape, self.truth[0].shape
        if not all(np.isfinite(value).all() for value in self.values):
            return self._made("incorrect", "it is not finite at a random point")
        errors = self._errors(self.truth)
        if max(errors) <= self._tolerance(RIGHT):
            return self._made("correct", f"this is {self._asked}", errors)
        convention = self._convention()
        if convention is not None:
            words = f"this is {self._asked} {convention}"
            return self._made("other-convention", words, errors)
        if max(errors) < self._tolerance(WRONG):
            may = f"it differs by {max(errors):.1e}, which may be rounding"
            return self._made("undecided", may)
        because = f"this is not {self._asked}"
        if shape != wanted:
            because += f": it is {_times(shape)} and should be {_times(wanted)}"
        return self._made("incorrect", because, errors, self._mistake())

    def _made(
        self,
        kind: str,
        because: str,
        errors: Sequence[float] = (),
        mistake: Mistake | None = None,
    ) -> Verdict:
        evidence = self._evidence(errors) if errors else {}
        return _made(self.bench, kind, because, mistake=mistake, evidence=evidence)

    @property
    def _asked(self) -> str:
        return self.quantities.derivative(self.bench.wrt[0])

    def _tolerance(self, table: Mapping[int, float]) -> float:
        return table[8 if self.digits >= 8 else 4]

    def _errors(self, theirs: Sequence[Array]) -> list[float]:
        return [
            apart(a, b) if a.shape == b.shape else np.inf
            for a, b in zip(self.values, theirs, strict=True)
        ]

    def _evidence(self, errors: Sequence[float]) -> dict[str, Any]:
        error = float(f"{max(errors):.3g}")
        return {"seed": self.bench.seed, "points": len(self.points), "relative_error": error}

    def _convention(self) -> str | None:
        """The other convention in which it is right at all points."""
        each = [list(conventions(p, self.bench.layout, self.bench.structure)) for p in self.points]
        for k, (convention, _) in enumerate(each[0]):
            if max(self._errors([one[k][1] for one in each])) <= self._tolerance(RIGHT):
                return convention.words
        return None

    def _mistake(self) -> Mistake:
        kind, message = self._recognised()
        return Mistake(kind, message, HINTS[kind])

    def _recognised(self) -> tuple[str, str]:
        """The kind of mistake, as far as numbers carry it."""
        looked_at = self.values[: len(self.bench.looked_at)]
        truth = self.truth[: len(looked_at)]
        if not any(value.any() for value in looked_at):
            return "other", f"This is 0, and {self._asked} is not."
        ratio = self.quantities.ratios.between(looked_at, truth)
        if ratio is not None:
            kind = {"sign": "sign", "dimension": "batch-factor"}.get(ratio.kind, "constant-factor")
            return kind, f"This is {ratio.text} times {self._asked}. {HINTS[kind]}"
        for axis in (0, 1):
            summed = [value.sum(axis=axis, keepdims=True) for value in looked_at if value.ndim == 2]
            if len(summed) == len(truth) and alike(summed, truth, 1e-6):
                kind = "broadcast-not-summed"
                return kind, f"Summed over axis {axis} it is {self._asked}. {HINTS[kind]}"
        for slip in Slips(self.bench).all:
            found = slip.values(self.bench.wrt[0])
            if found is None or alike(found, truth, 1e-6):
                continue
            if alike(looked_at, found, 1e-6):
                kind = kind_of_slip(slip)
                return kind, f"{HINTS[kind]} Here it is {slip.about}."
        for quantity in self.quantities.backward:
            if quantity.name and alike(looked_at, quantity.values, 1e-6):
                return "missing-link", f"This is {quantity.words}. {HINTS['missing-link']}"
        return "other", f"This is not {self._asked}."


def _shaped(value: Array, truth: Array) -> Array:
    """One-dimensional values as the row or column that is wanted, numbers as 1×1."""
    if value.ndim == 0:
        return value.reshape(1, 1)
    if value.ndim == 1 and value.size == truth.size and 1 in truth.shape:
        return value.reshape(truth.shape)
    return value


def _times(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))
