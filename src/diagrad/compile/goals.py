"""From what is asked of a function to verified formulas, over one problem that has them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple, cast

from diagrad.compile.asked import Asked, Derivative, HessianVector
from diagrad.compile.summands import summands
from diagrad.dimensions import SCALAR, UNIT, Shape, Size, describe, is_scalar
from diagrad.errors import DerivationError, ProblemError
from diagrad.expression import Expression
from diagrad.language import read
from diagrad.show.printer import printed

if TYPE_CHECKING:
    from diagrad.derivation import Derivation
    from diagrad.problem import Problem


class Goal(NamedTuple):
    """One output: its shape, its formula over the problem's names, None where that is long, and the
    same as a program, whose lines are named and end in the result. With `per`, the value is
    where all axes of that size have the same index; the shape has the first of them. With
    `mirrored`, a place and a size, it is the goal of that place with its first axes, of so many
    entries, moved to the end: ∂²J/∂b∂a from ∂²J/∂a∂b."""

    label: str
    shape: Shape
    formula: Expression | None
    program: tuple[tuple[str, Expression], ...] = ()
    per: Size | None = None
    mirrored: tuple[int, Size] | None = None


def goals_of(problem: Problem, asked: Sequence[Asked]) -> tuple[Problem, tuple[Goal, ...]]:
    """The formulas of what is asked, each verified, and the problem over whose names they are.
    Raises ProblemError, DerivationError."""
    if isinstance(asked, str | Derivative | HessianVector):
        raise DerivationError("compile takes a list of outputs: compile([" + _quoted(asked) + "])")
    if not asked:
        raise DerivationError('there is nothing to compile: name outputs, as in compile(["J"])')
    extended = _Extended(problem)
    plain = [extended.plain(one) for one in asked]
    whole = extended.problem()
    derived = _derived(whole, [one for one in plain if isinstance(one, Derivative)])
    goals = (
        _defined(whole, one) if isinstance(one, str) else _as_asked(derived[one], one, of)
        for one, of in zip(plain, asked, strict=True)
    )
    return whole, tuple(_mirrored(whole, list(asked), list(goals)))


def _mirrored(problem: Problem, asked: list[Asked], goals: list[Goal]) -> Iterator[Goal]:
    """Mixed second derivatives that are asked for in both orders are worked out in one."""
    places: dict[Asked, int] = {}
    for place, (one, goal) in enumerate(zip(asked, goals, strict=True)):
        other = None
        if isinstance(one, Derivative) and isinstance(one.wrt, tuple) and not one.per:
            other = places.get(one._replace(wrt=(one.wrt[1], one.wrt[0])))
        places[one] = place
        if other is None or goals[other].shape == SCALAR:
            yield goal
            continue
        assert isinstance(one, Derivative)
        first = problem.shapes[one.wrt[1]] if isinstance(one.wrt, tuple) else ()
        yield goal._replace(mirrored=(other, prod(first, start=UNIT)))


def label(asked: Asked) -> str:
    """What an output is called: J, dJ/dW1."""
    match asked:
        case str():
            return asked
        case HessianVector():
            return f"d2{asked.of}/d{asked.wrt}d{asked.wrt} {asked.direction}"
    wrt = asked.wrt if isinstance(asked.wrt, tuple) else (asked.wrt,) * asked.order
    power = "2" if asked.order == 2 else ""
    per = f" per {asked.per}" if asked.per else ""
    return f"d{power}{asked.of}/{'d'.join(('', *wrt))}{per}"


def _quoted(asked: Asked) -> str:
    return repr(asked) if isinstance(asked, str) else f'd("{asked.of}", "{asked.wrt}")'


class _Extended:
    """A problem with the definitions and directions that an output needs."""

    def __init__(self, problem: Problem) -> None:
        self.base = problem
        self.lines: list[str] = []
        self.taken = set(problem.source.names)
        self._sums: dict[HessianVector, str] = {}

    def problem(self) -> Problem:
        if not self.lines:
            return self.base
        source = self.base.source
        return type(self.base)(read("\n".join([source.text, *self.lines]), source.file))

    def plain(self, asked: Asked) -> str | Derivative:
        """What to ask of the extended problem."""
        match asked:
            case HessianVector():
                if asked not in self._sums:
                    self._sums[asked] = self._along(asked)
                return Derivative(self._sums[asked], asked.wrt)
            case Derivative(per=str(dimension)):
                return self._each(asked, dimension)
            case str() | Derivative():
                return asked
        raise DerivationError(f"an output is a name, d(…) or hvp(…), not {asked!r}")

    def _along(self, asked: HessianVector) -> str:
        """Defines ⟨∂of/∂wrt, v⟩, whose gradient is the Hessian times v."""
        if asked.direction in self.taken:
            raise ProblemError(
                f"{asked.direction} is a name of the problem: give the direction another one, "
                f'hvp("{asked.of}", "{asked.wrt}", direction="…")'
            )
        value = self.base.expression(asked.of).shape
        if not is_scalar(value):
            raise DerivationError(
                f"a Hessian times a vector is of a scalar, and {asked.of} is {describe(value)}"
            )
        derivation = self.base.derive(asked.of, asked.wrt, layout="gradient")
        shape = self.base.shapes[asked.wrt]
        gradient = self._named(f"d{asked.of}_d{asked.wrt}", derivation.result.source)
        self.lines.append(f"{asked.direction}: {declared(shape)}")
        self.taken.add(asked.direction)
        return self._named(f"along_{asked.direction}", f"sum({gradient} * {asked.direction})")

    def _each(self, asked: Derivative, dimension: str) -> Derivative:
        """Defines the terms of a sum over a dimension."""
        expression = self.base.expression(asked.of)
        known = [d for d in self.base.source.dimensions if d.name == dimension]
        if not known:
            raise DerivationError(f"{dimension} is no dimension of the problem")
        size = Size.named(known[0])
        names = asked.wrt if isinstance(asked.wrt, tuple) else (asked.wrt,)
        apart = [size in self.base.shapes.get(name, ()) for name in names]
        if size in expression.shape or (all(apart) and is_scalar(expression.shape)):
            plain = asked.order == 1 and is_scalar(expression.shape)
            return asked._replace(layout="gradient" if plain else "tensor", per=None)
        if asked.order != 1 or not is_scalar(expression.shape):
            raise DerivationError(
                f"per={dimension!r} is for what has {dimension} rows or columns, for a gradient of "
                f"a sum over {dimension}, or for the Hessian of one by what has {dimension} itself"
            )
        terms = summands(self.base.source, expression, dimension)
        if terms is None:
            raise DerivationError(f"{asked.of} is no sum over {dimension} of terms that are known")
        source = printed(terms, "source", self.base.names)
        return Derivative(self._named(f"terms_of_{asked.of}", source), asked.wrt, 1, "tensor")

    def _named(self, name: str, source: str) -> str:
        while name in self.taken or not name.isidentifier():
            name = f"{name}_" if name.isidentifier() else "value"
        self.taken.add(name)
        self.lines.append(f"{name} = {source}")
        return name


def declared(shape: Shape) -> str:
    """As a problem declares it: `matrix[Dx, H]`."""
    rows, columns = shape
    if is_scalar(shape):
        return "scalar"
    if rows.number == 1:
        return f"row[{columns}]"
    return f"column[{rows}]" if columns.number == 1 else f"matrix[{rows}, {columns}]"


def _defined(problem: Problem, name: str) -> Goal:
    expression = problem.expression(name)
    return Goal(name, expression.shape, expression)


def _as_asked(goal: Goal, plain: Derivative, asked: Asked) -> Goal:
    """By the name of what was asked; derivatives of several terms without the column's axis."""
    if isinstance(asked, Derivative) and asked.per:
        size = next(s for s in goal.shape if str(s) == asked.per)
        rest = [UNIT if s == size else s for s in goal.shape]
        terms = plain.of != asked.of
        goal = goal._replace(shape=(size, *(rest[2:] if terms else rest)), per=size)
    return goal._replace(label=label(asked))


def _derived(problem: Problem, asked: Sequence[Derivative]) -> Mapping[Derivative, Goal]:
    """The derivations asked for, those that share their steps together."""
    groups: dict[tuple[str, int, str], list[Derivative]] = {}
    for one in dict.fromkeys(asked):
        groups.setdefault((one.of, one.order, one.layout), []).append(one)
    found: dict[Derivative, Goal] = {}
    for (of, order, layout), members in groups.items():
        wrt = [one.wrt for one in members]
        derivations = problem.derive(of, cast("list[str]", wrt), order=order, layout=layout)
        for one, derivation in zip(members, derivations, strict=True):
            found[one] = goal_of(derivation)
    return found


def goal_of(derivation: Derivation) -> Goal:
    """What was derived, without a label."""
    lines = tuple((name, formula.expression) for name, formula in derivation.program)
    last = lines[-1][1]
    if derivation.is_long:
        return Goal("", last.shape, None, lines)
    expression = derivation.result.expression
    return Goal("", expression.shape, expression, lines if len(lines) > 1 else ())
