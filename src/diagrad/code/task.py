"""What a function is to compute, whatever the language it is written in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import dedent, wrap
from typing import TYPE_CHECKING, NamedTuple

from diagrad.code.names import readable
from diagrad.compile.function import Plan
from diagrad.compile.goals import Goal, declared, goal_of
from diagrad.compile.statements import Buffer, Schedule
from diagrad.dimensions import Shape, is_scalar

if TYPE_CHECKING:
    from diagrad.derivation import Derivation
    from diagrad.formula import Formula
    from diagrad.problem import Problem

# Sizes for which the order of products is chosen: moderate, and no two alike.
FIRST_SIZE, NEXT_SIZE = 32, 8
WIDTH = 92
KINDS = {1: ("Jacobian", "Jacobians"), 2: ("second derivative", "second derivatives")}


class Task(NamedTuple):
    """The statements of a function, what it is called and what its tensors are called; `shapes` are
    those of inputs and outputs with their unit axes, `heading` says what it is for."""

    name: str
    schedule: Schedule
    names: Mapping[Buffer, str]
    shapes: Mapping[Buffer, Shape]
    heading: Sequence[str]


def task_of(derivations: Sequence[Derivation]) -> Task:
    """The value and the derivatives of one request. Raises DerivationError."""
    first = derivations[0]
    problem, value = first.problem, first.problem.expression(first.of)
    called = first.of if first.of.isidentifier() else "value"
    goals = [Goal(called, value.shape, value)]
    goals += [goal_of(d)._replace(label=_label(d, called)) for d in derivations]
    plan = Plan(problem, goals)
    for derivation in derivations:
        if not derivation.is_long:
            plan.graph.know((n, f.expression) for n, f in derivation.definitions)
    sizes = {n: FIRST_SIZE + NEXT_SIZE * k for k, n in enumerate(plan.dimensions)}
    schedule = plan.schedule(sizes)
    shapes = dict(zip(schedule.inputs, (v.shape for v in plan.variables), strict=True))
    shapes |= dict(zip(schedule.outputs, (goal.shape for goal in goals), strict=True))
    kind = _kind(derivations, is_scalar(value.shape)).split()[-1].lower()
    names = readable(schedule, frozenset(plan.graph.names.values()))
    heading = list(_heading(derivations, called))
    return Task(f"{called}_and_{kind}", schedule, names, shapes, heading)


def in_brackets(shape: Shape) -> str:
    """As problems declare it, `row[Dx]`; with more axes `array[m, n, k]`."""
    return declared(shape) if len(shape) == 2 else f"array[{', '.join(map(str, shape))}]"


def _label(derivation: Derivation, of: str, bar: str = "_") -> str:
    """`dJ_dx`; with another bar `dJ/dx`."""
    wrt = derivation.wrt
    names = wrt if isinstance(wrt, tuple) else (wrt,)
    if derivation.order == 1:
        return f"d{of}{bar}d{names[0]}"
    below = "d".join(("", *names)) if len(names) == 2 else f"d{names[0]}2"
    return f"d2{of}{bar}{below if bar == '/' else below.replace('d', '_d')[1:]}"


def _kind(derivations: Sequence[Derivation], of_scalar: bool) -> str:
    order = derivations[0].order
    words = ("gradient", "gradients") if of_scalar and order == 1 else KINDS[order]
    return words[len(derivations) > 1]


def _heading(derivations: Sequence[Derivation], called: str) -> Iterator[str]:
    """Sentences and formulas, in the language of problems."""
    first = derivations[0]
    problem = first.problem
    kind = _kind(derivations, is_scalar(problem.expression(first.of).shape))
    by = ", ".join(d.wrt if isinstance(d.wrt, str) else " and ".join(d.wrt) for d in derivations)
    yield from wrap(f"{called} and its {kind} with respect to {by}, derived by Diagrad.", WIDTH)
    yield from ("", "The problem:", "")
    yield from _text_of(problem)
    if called != first.of:
        yield f"    {called} = {first.of}"
    yield from ("", "What was derived, in the same notation:", "")
    formulas = dict(line for d in derivations for line in _lines(d, called))
    longest = max(map(len, formulas))
    for name, formula in formulas.items():
        yield from _equation(f"{name:{longest}}", formula)
    yield ""
    yield from _checks(derivations, called)


def _text_of(problem: Problem) -> Iterator[str]:
    lines = dedent(problem.source.text.expandtabs()).strip("\n").splitlines()
    return (f"    {line.rstrip()}".rstrip() for line in lines)


def _lines(derivation: Derivation, called: str) -> Iterator[tuple[str, Formula]]:
    """A formula by its name; where it is long, those of its program."""
    label = _label(derivation, called, "/")
    if not derivation.is_long:
        yield label, derivation.result
        return
    *lines, (_, last) = derivation.program
    yield from lines
    yield label, last


def _equation(name: str, formula: Formula) -> list[str]:
    indent = " " * (len(name) + 7)
    return wrap(
        f"{name} = {formula.source}",
        WIDTH,
        initial_indent="    ",
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _checks(derivations: Sequence[Derivation], called: str) -> Iterator[str]:
    """How the formulas were checked."""
    said: dict[str, list[str]] = {}
    for derivation in derivations:
        said.setdefault(str(derivation.verification), []).append(_label(derivation, called, "/"))
    yield from wrap("Checked against derivatives that were taken from values alone:", WIDTH)
    for check, labels in said.items():
        which = "" if len(said) == 1 else f"{', '.join(labels)}: "
        yield from wrap(f"{which}{check}", WIDTH)
