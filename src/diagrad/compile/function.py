"""A compiled function: what it takes, what it gives, and the kernels made so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from diagrad.compile.backends import TYPES, Array, Backend, InC, InNumPy, Kernel, chosen, say_once
from diagrad.compile.caller import fastest
from diagrad.compile.goals import Goal, goals_of, label
from diagrad.compile.graph import Graph, exponentials, rotated
from diagrad.compile.schedule import scheduled
from diagrad.compile.statements import Schedule, Unwritten, work_of
from diagrad.compile.trial import tried
from diagrad.dimensions import UNIT, Shape, Size, is_scalar, is_vector
from diagrad.errors import DerivationError, NoCompiler, ProblemError
from diagrad.evaluate import Environment, environment_from, evaluate, with_definitions
from diagrad.index.term import Head, Variable
from diagrad.recursion import deep_recursion

if TYPE_CHECKING:
    from diagrad.compile.asked import Asked
    from diagrad.problem import Problem

# Kernels of more multiplications than this let other threads run meanwhile.
LONG = 1_000_000
# So many combinations of shapes are known to fit.
MOST_SHAPES = 1000


def compiled(problem: Problem, outputs: Sequence[Asked], backend: str = "auto") -> Function:
    """See `Problem.compile`."""
    whole, goals = goals_of(problem, outputs)
    plan = Plan(whole, goals)
    base = fastest()
    kind = type("Function", (Function, base), {"__doc__": Function.__doc__})
    function: Function = kind(plan.inputs, plan.axes)
    function._prepare(plan, chosen(backend), backend, tuple(label(one) for one in outputs))
    function._made_from = problem, tuple(outputs), backend
    return function


class Plan:
    """What a function computes, and its schedules by the sizes of the dimensions."""

    def __init__(self, problem: Problem, goals: Sequence[Goal]) -> None:
        self.source, self.goals = problem.source, goals
        needed = self.needed = frozenset[str]().union(*(self._needed(goal) for goal in goals))
        self.variables = [v for n, v in self.source.variables.items() if n in self._inputs(needed)]
        self.inputs = tuple(v.name for v in self.variables)
        self.axes = tuple(_axes(v.shape) for v in self.variables)
        unknown = [name for name in self.source.functions if name in needed]
        if unknown:
            raise DerivationError(
                f"{', '.join(unknown)} has no definition: what is compiled is known in full"
            )
        self.graph = Graph(self.source)
        self.heads = [h for n in self.inputs if isinstance(h := self.graph.heads[n], Variable)]
        self.told = {d.name for v in self.variables for s in v.shape for d in s.dimensions}
        self.dimensions = [d.name for d in self.source.dimensions if d.name in needed | self.told]

    def _inputs(self, needed: frozenset[str]) -> set[str]:
        """The variables that are needed, and for each dimension that none of them tells the first
        variable that does."""
        variables = self.source.variables
        inputs = {name for name in variables if name in needed}
        told = {d for name in inputs for size in variables[name].shape for d in size.dimensions}
        for dimension in self.source.dimensions:
            if dimension.name in needed and dimension not in told:
                telling = (n for n, v in variables.items() if Size.named(dimension) in v.shape)
                name = next(telling, None)
                if name is not None:
                    inputs.add(name)
                    told |= {d for size in variables[name].shape for d in size.dimensions}
        return inputs

    def _needed(self, goal: Goal) -> frozenset[str]:
        parts = [e for _, e in goal.program]
        parts += [] if goal.formula is None else [goal.formula]
        found = frozenset[str]().union(*(self.source.needed(part) for part in parts))
        return found - {name for name, _ in goal.program}

    def schedule(self, sizes: Mapping[str, int]) -> Schedule:
        """The cheapest for these sizes."""
        return min((self._schedule(sizes, heads) for heads in self._forms), key=work_of)

    @cached_property
    def _forms(self) -> list[list[Head]]:
        """Of the formulas in one line and the programs, those with fewer exponentials that may
        overflow."""
        with deep_recursion():
            forms = [self._heads(long) for long in self._options()]
        counts = [exponentials(heads) for heads in forms]
        return [h for h, count in zip(forms, counts, strict=True) if count == min(counts)]

    def _options(self) -> list[bool]:
        if any(goal.formula is None for goal in self.goals):
            return [True]
        return [False, True] if any(goal.program for goal in self.goals) else [False]

    def _heads(self, programs: bool) -> list[Head]:
        heads: list[Head] = []
        for goal in self.goals:
            place, entries = goal.mirrored or (0, UNIT)
            count = _leading(heads[place], entries) if goal.mirrored else None
            if count is None:
                heads.append(self.graph.head_of(goal, programs))
            else:
                heads.append(rotated(heads[place], count))
        return heads

    def _schedule(self, sizes: Mapping[str, int], heads: Sequence[Head]) -> Schedule:
        goals = [(goal.label, head) for goal, head in zip(self.goals, heads, strict=True)]
        return scheduled(goals, self.heads, self.graph.names, sizes)


def _leading(head: Head, entries: Size) -> int | None:
    """How many of the first axes have so many entries together; None where none do."""
    found = UNIT
    for count, axis in enumerate((*head.axes, UNIT)):
        if found == entries:
            return count
        found *= axis
    return None


def _axes(shape: Shape) -> int:
    return 0 if is_scalar(shape) else 1 if is_vector(shape) else 2


class Bound(NamedTuple):
    """Checked arguments: arrays in C order of one type, and the sizes, `told` by them alone."""

    arrays: list[Array]
    dtype: str
    sizes: Mapping[str, int]
    told: bool
    key: tuple[Any, ...]


class Function:
    """A function of the problem's variables, made by `Problem.compile`.

    Called with arrays in the order of `inputs` or by name, it returns a tuple of what was asked
    for, in that order: arrays with two axes, of a tensor more, and scalars. `f.into(outputs, …)`
    writes into given arrays instead. Arrays of float32 alone give float32, all others float64.
    Raises ProblemError for a name, a shape or a type that does not fit.

    `inputs` and `outputs` are names, `backend` is "c" or "numpy"; `source(…)` is the code for given
    arguments.
    """

    inputs: tuple[str, ...]
    if TYPE_CHECKING:  # that of a caller, which the class that is made inherits

        def __call__(self, /, *args: object, **kwargs: object) -> tuple[Any, ...]: ...

        def into(self, outputs: Sequence[Array], /, *args: object, **kwargs: object) -> None: ...

    def __init__(self, inputs: tuple[str, ...], axes: tuple[int, ...]) -> None:
        super().__init__(inputs, self._slow, self._slow_into, axes)  # type: ignore[call-arg]

    def _prepare(self, plan: Plan, backend: Backend, asked: str, outputs: tuple[str, ...]) -> None:
        self._plan, self._backend, self._asked = plan, backend, asked
        self.outputs = outputs
        self._sizes: dict[tuple[Any, ...], list[tuple[int, ...]]] = {}
        self._seen: dict[tuple[Any, ...], Bound] = {}
        self._made: dict[tuple[Any, ...], tuple[Kernel, bool]] = {}
        self._added: set[tuple[Any, ...]] = set()
        self._try_out()

    _made_from: tuple[Problem, tuple[Asked, ...], str]

    @property
    def backend(self) -> str:
        """ "c" or "numpy": what the function runs on."""
        return self._backend.name

    def source(self, /, *args: object, **kwargs: object) -> str:
        """The code that runs for such arguments."""
        bound = self._bound(args, kwargs)
        return self._backend.source(self._plan.schedule(bound.sizes), bound.dtype)

    def kernel(self, arrays: Mapping[str, object]) -> Kernel:
        """What runs for such arguments, which are checked."""
        return self._kernel(self._bound((), arrays))

    def __reduce__(self) -> tuple[Any, ...]:
        return compiled, self._made_from

    def __repr__(self) -> str:
        inputs = ", ".join(self.inputs)
        return f"<({', '.join(self.outputs)}) of ({inputs}), on {self.backend}>"

    def _try_out(self) -> None:
        """Whether the back end has code for everything, seen at small sizes."""
        sizes = {name: 3 + k for k, name in enumerate(self._plan.dimensions)}
        schedule = self._plan.schedule(sizes)
        try:
            self._backend.source(schedule, "d")
        except Unwritten as error:
            if self._asked == "c":
                raise DerivationError(
                    f"there is no C code for {error}: use backend='numpy'"
                ) from None
            self._backend = (
                Evaluated(self._plan) if isinstance(self._backend, InNumPy) else InNumPy()
            )
            self._try_out()

    # Calls that fit no kernel yet.

    def _slow(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound = self._bound(args, kwargs)
        kernel, shapes = self._kernel(bound), self._shapes(bound)
        made = kernel.values(bound.arrays, shapes, TYPES[bound.dtype])
        return tuple(array if array.ndim else array[()] for array in made)

    def _slow_into(self, outputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        bound = self._bound(args, kwargs)
        shapes = self._shapes(bound)
        given = _writable(outputs, self.outputs, shapes, TYPES[bound.dtype])
        kernel = self._kernel(bound)
        made = [np.empty(shape, TYPES[bound.dtype]) for shape in shapes]
        kernel.run(bound.arrays, made)
        for array, value in zip(given, made, strict=True):
            array[...] = value.reshape(array.shape)

    def _bound(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Bound:
        """The arguments, checked; what came before in the same shapes and types is known to fit.
        Raises ProblemError."""
        rest = self.inputs[len(args) :]
        given = [*args, *(kwargs.get(name) for name in rest)]
        arrays = [value for value in given if isinstance(value, np.ndarray)]
        plain = len(arrays) == len(self.inputs) == len(args) + len(kwargs)
        kinds = tuple((array.dtype, array.shape) for array in arrays) if plain else None
        before = self._seen.get(kinds) if kinds is not None else None
        if before is not None:
            dtype = TYPES[before.dtype]
            pairs = zip(arrays, before.arrays, strict=True)
            now = [np.ascontiguousarray(a, dtype).reshape(b.shape) for a, b in pairs]
            return before._replace(arrays=now)
        bound = self._checked(args, kwargs)
        if kinds is not None and len(self._seen) < MOST_SHAPES:
            shapes = [np.broadcast_to(0, array.shape) for array in bound.arrays]
            self._seen[kinds] = bound._replace(arrays=shapes)
        return bound

    def _checked(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Bound:
        """Raises ProblemError."""
        if len(args) > len(self.inputs):
            raise ProblemError(
                f"{len(args)} arrays were given, and there are {len(self.inputs)} inputs: "
                + ", ".join(self.inputs)
            )
        named = dict(zip(self.inputs, args, strict=False))
        for name in named.keys() & kwargs.keys():
            raise ProblemError(f"{name} was given twice, by place and by name")
        environment = environment_from(self._plan.source, named | dict(kwargs), self._needed)
        dtype = _type_of(environment, named | dict(kwargs))
        arrays = [np.ascontiguousarray(environment.arrays[n], TYPES[dtype]) for n in self.inputs]
        sizes = dict(environment.sizes)
        told = kwargs.keys() <= set(self.inputs)
        return Bound(arrays, dtype, sizes, told, (dtype, *sizes.items()))

    @property
    def _needed(self) -> frozenset[str]:
        return frozenset((*self.inputs, *self._plan.dimensions))

    def _shapes(self, bound: Bound) -> list[tuple[int, ...]]:
        """The shapes of the outputs, () for a scalar."""
        if bound.key not in self._sizes:
            shapes = [[size.evaluate(bound.sizes) for size in g.shape] for g in self._plan.goals]
            scalars = [all(size.number == 1 for size in g.shape) for g in self._plan.goals]
            pairs = zip(shapes, scalars, strict=True)
            self._sizes[bound.key] = [() if scalar else tuple(s) for s, scalar in pairs]
        return self._sizes[bound.key]

    def _kernel(self, bound: Bound) -> Kernel:
        """The kernel for such arguments, which calls after this one find at once."""
        if bound.key not in self._made:
            schedule = self._plan.schedule(bound.sizes)
            kernel = self._compiled(schedule, bound.dtype)
            if isinstance(self._backend, InC):
                at = (bound.dtype, bound.arrays, self._shapes(bound))
                kernel = tried(kernel, self._backend, schedule, *at)
            self._made[bound.key] = kernel, work_of(schedule) > LONG
        kernel, release = self._made[bound.key]
        if kernel.address and bound.told and bound.key not in self._added:
            self._added.add(bound.key)
            shapes = tuple(array.shape for array in bound.arrays)
            outputs = tuple(shape or None for shape in self._shapes(bound))
            self.add(  # type: ignore[attr-defined]
                bound.dtype,
                shapes,
                outputs,
                kernel.address,
                kernel.workspace,
                release,
                kernel.zeroed,
            )
        return kernel

    def _compiled(self, schedule: Schedule, dtype: str) -> Kernel:
        try:
            return self._backend.kernel(schedule, dtype)
        except (NoCompiler, Unwritten) as error:
            if self._asked == "c":
                raise DerivationError(str(error)) from None
            say_once(f"a function runs by NumPy: {error}")
            self._backend = InNumPy()
            return self._backend.kernel(schedule, dtype)


def _type_of(environment: Environment, given: Mapping[str, Any]) -> str:
    types = {array.dtype for array in environment.arrays.values()}
    if any(dtype.kind == "c" for dtype in types):
        names = ", ".join(n for n, value in given.items() if np.iscomplexobj(value))
        raise ProblemError(f"compiled functions take real numbers, and {names} is complex")
    return "f" if types == {TYPES["f"]} else "d"


def _writable(
    outputs: Any, names: Sequence[str], shapes: Sequence[tuple[int, ...]], dtype: np.dtype[Any]
) -> list[Array]:
    """Raises ProblemError for what cannot take the outputs."""
    given = list(outputs) if isinstance(outputs, tuple | list) else []
    if len(given) != len(names):
        raise ProblemError(f"into takes a list of {len(names)} arrays: for {', '.join(names)}")
    for array, name, shape in zip(given, names, shapes, strict=True):
        if not isinstance(array, np.ndarray):
            raise ProblemError(f"{name} is written into a NumPy array, not {type(array).__name__}")
        fits = array.size == 1 if not shape else array.shape == shape
        if not fits or array.dtype != dtype or not array.flags.writeable:
            what = "a writable array" if array.flags.writeable else "an array that can be written"
            raise ProblemError(
                f"{name} needs {what} of shape {shape} and {dtype}, not {array.shape} of "
                f"{array.dtype}"
            )
    return given


class Evaluated(Backend):
    """Formulas evaluated operation by operation, where no back end has code for them."""

    name = "numpy"

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def kernel(self, schedule: Schedule, dtype: str) -> Kernel:
        return _EvaluatedKernel(self.plan, schedule.sizes)

    def source(self, schedule: Schedule, dtype: str) -> str:
        return "# evaluated operation by operation: some have no code of their own\n"


class _EvaluatedKernel(Kernel):
    def __init__(self, plan: Plan, sizes: Mapping[str, int]) -> None:
        self.plan, self.sizes = plan, sizes

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        arrays = {
            v.name: a.reshape([s.evaluate(self.sizes) for s in v.shape])
            for v, a in zip(self.plan.variables, inputs, strict=True)
        }
        source = self.plan.source
        environment = Environment(arrays, self.sizes, dtype=inputs[0].dtype)
        pairs = [(n, d.expression) for n, d in source.definitions.items() if n in self.plan.needed]
        environment = with_definitions(pairs, environment)
        for goal, output in zip(self.plan.goals, outputs, strict=True):
            formula, own = goal.formula, environment
            if formula is None:
                own = with_definitions(goal.program[:-1], environment)
                formula = goal.program[-1][1]
            output[...] = evaluate(formula, own).reshape(output.shape)
