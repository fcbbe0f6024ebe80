"""Values of expressions by NumPy, and the arrays that a caller passes in."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from diagrad.dimensions import (
    UNIT,
    Shape,
    Size,
    SizeMismatch,
    describe,
    is_scalar,
    is_vector,
    solve,
)
from diagrad.errors import ProblemError
from diagrad.expression import Apply, Expression, Number, Symbol
from diagrad.operations.elementwise import Elementwise
from diagrad.operations.room import Array
from diagrad.operations.unspecified import Unspecified

if TYPE_CHECKING:
    from diagrad.language import Declaration, Source

Function = Callable[[Array], Array]
DOUBLE = np.dtype(np.float64)


@dataclass(frozen=True)
class Environment:
    """Values of the names of a problem.

    Every array is (…, rows, columns), a scalar (…, 1, 1); axes before the last two are a batch. An
    unspecified function is the sequence g, g′, g″, …. `dtype` is the real type of numbers,
    dimensions, `ones` and `eye`. `rounded`,
    where given, is applied to the value of every operation that may round: other roundings show
    what rounding does.
    """

    arrays: Mapping[str, Array]
    sizes: Mapping[str, int] = field(default_factory=dict)
    functions: Mapping[str, Sequence[Function]] = field(default_factory=dict)
    dtype: np.dtype[Any] = DOUBLE
    rounded: Function | None = None

    def having(self, arrays: Mapping[str, Array]) -> Environment:
        """The same, with these arrays in place of or beside those it has."""
        together = {**self.arrays, **arrays}
        return Environment(together, self.sizes, self.functions, self.dtype, self.rounded)


def evaluate(expression: Expression, environment: Environment) -> Array:
    """The value, with one axis per axis of the expression's shape after the batch; shared parts
    are computed once.

    Overflow and division by zero give inf and NaN in silence. Raises ProblemError for an
    unspecified function without a value, KeyError for a name without one.
    """
    values: dict[int, Array] = {}
    with np.errstate(all="ignore"):
        nodes = parts(expression)
        inexact = _inexact(nodes) if environment.rounded else ()
        for node in nodes:
            operands = node.operands if isinstance(node, Apply) else ()
            value = _value(node, [values[id(o)] for o in operands], environment)
            if environment.rounded and id(node) in inexact:
                value = environment.rounded(value)
            values[id(node)] = value
    return values[id(expression)]


def _inexact(nodes: Iterable[Expression]) -> set[int]:
    """The ids of operations on arrays, and of functions, that round; whole exponents and other
    numbers are exact."""
    varying = {
        id(n) for n in nodes if isinstance(n, Symbol) and n.role in ("variable", "definition")
    }
    found: set[int] = set()
    for node in (node for node in nodes if isinstance(node, Apply)):
        varies = any(id(operand) in varying for operand in node.operands)
        if varies:
            varying.add(id(node))
        if node.operation.exact:
            continue
        if varies or (isinstance(node.operation, Elementwise) and not node.operation.flat):
            found.add(id(node))
    return found


def parts(expression: Expression) -> list[Expression]:
    """The expression and all its parts, each once however often it is shared, operands first."""
    found: dict[int, Expression] = {}
    stack = [expression]
    while stack:
        node = stack.pop()
        if id(node) in found:
            continue
        operands = node.operands if isinstance(node, Apply) else ()
        pending = [operand for operand in operands if id(operand) not in found]
        if pending:
            stack.append(node)
            stack.extend(pending)
        else:
            found[id(node)] = node
    return list(found.values())


def with_definitions(
    definitions: Iterable[tuple[str, Expression]], environment: Environment
) -> Environment:
    """The environment with these definitions, each of which may use those before it."""
    arrays = dict(environment.arrays)
    grown = replace(environment, arrays=arrays)
    for name, expression in definitions:
        arrays[name] = evaluate(expression, grown)
    return grown


def plain(array: Array) -> Any:
    """What a user gets: a NumPy scalar for 1×1, otherwise an array of its own."""
    return array[0, 0] if array.shape == (1, 1) else np.array(array)


def _value(node: Expression, operands: list[Array], environment: Environment) -> Array:
    if isinstance(node, Number):
        return np.full((1, 1), _nearest(node.value), environment.dtype)
    if isinstance(node, Symbol):
        return _named(node, environment)
    assert isinstance(node, Apply)
    if isinstance(node.operation, Unspecified):
        return _called(node.operation, operands[0], environment)
    value = node.operation.evaluate(operands, node, environment.sizes)
    return value if operands else value.astype(environment.dtype, copy=False)


def _named(symbol: Symbol, environment: Environment) -> Array:
    if symbol.role == "constant":
        return np.full((1, 1), math.pi, environment.dtype)
    if symbol.role == "dimension":
        return np.full((1, 1), environment.sizes[symbol.name], environment.dtype)
    return environment.arrays[symbol.name]


def _nearest(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _called(operation: Unspecified, argument: Array, environment: Environment) -> Array:
    """The value of a function that the caller gave. Raises ProblemError where that is no array of
    the argument's shape."""
    value = np.asarray(_derivative_of(operation, environment)(argument))
    if value.shape != argument.shape or value.dtype.kind not in "fc":
        raise ProblemError(
            f"{operation.user_name} has to map an array entry by entry to an array of its shape "
            f"{argument.shape}; it gave {value.shape} of {value.dtype}"
        )
    return value


def _derivative_of(operation: Unspecified, environment: Environment) -> Function:
    name, order = operation.user_name, operation.order
    given = environment.functions.get(name, ())
    if order < len(given):
        return given[order]
    primed = name + "′" * order
    cure = f"pass {name}=({', '.join(name + '′' * k for k in range(order + 1))})" if order else ""
    raise ProblemError(f"{primed} has no value: {cure or f'pass {name} as a function of an array'}")


def environment_from(
    source: Source, arrays: Mapping[str, object], needed: Collection[str] | None = None
) -> Environment:
    """Checked values of the `needed` variables (by default all) and of others given, unspecified
    functions by name, and the sizes they imply.

    NumPy arrays, nested lists or numbers; a one-dimensional array is a row or a column as
    declared. The type is the widest of the floating types passed, Python numbers aside; integers
    and booleans become float64. A dimension may be passed by name as well. Raises ProblemError
    that names the variable, its shape and what was given.
    """
    dimensions = {d.name: Size.named(d) for d in source.dimensions}
    _check_names(source, dimensions, arrays, source.variables if needed is None else needed)
    given = {name: d for name, d in source.variables.items() if name in arrays}
    functions = {
        name: _functions(name, arrays[name]) for name in source.functions if name in arrays
    }
    raw = {name: _numeric(d, arrays[name]) for name, d in given.items()}
    dtype = _common([raw[name] for name in raw], [arrays[name] for name in raw])
    values = {n: _shaped(d, raw[n]).astype(dtype) for n, d in given.items()}
    equations = [
        (size, _whole(name, arrays[name]), name)
        for name, size in dimensions.items()
        if name in arrays
    ]
    for name, declaration in given.items():
        where = _mismatch(declaration, raw[name])
        sizes = zip(declaration.shape, values[name].shape, strict=True)
        equations += [(size, number, where) for size, number in sizes if size.number is None]
    return Environment(
        values,
        _solved(equations, dimensions if needed is None else dimensions.keys() & needed),
        functions,
        np.empty(0, dtype).real.dtype,
    )


def _check_names(
    source: Source,
    dimensions: Mapping[str, Size],
    arrays: Mapping[str, object],
    needed: Collection[str],
) -> None:
    known = {**source.variables, **source.functions}
    wanted = ", ".join(known) or "none"
    for name in arrays:
        if name in source.definitions:
            raise ProblemError(
                f"{name} is a definition, computed from the variables: pass {wanted}"
            )
        if name not in known and name not in dimensions:
            raise ProblemError(
                f"{name} is not a variable of the problem; its variables are {wanted}"
            )
    for name, declaration in source.variables.items():
        if name in needed and name not in arrays:
            raise ProblemError(f"no value given for {_introduced(declaration)}")


def _functions(name: str, given: object) -> tuple[Function, ...]:
    functions = tuple(given) if isinstance(given, tuple | list) else (given,)
    if not functions or not all(callable(f) for f in functions):
        raise ProblemError(f"{name} is an unspecified function: pass a function, or (g, g′, …)")
    return functions


def _numeric(declaration: Declaration, given: object) -> Array:
    try:
        array = np.asarray(given)
    except ValueError:
        raise ProblemError(
            f"{_introduced(declaration)} was given lists of different lengths"
        ) from None
    if array.dtype.kind not in "biufc":
        raise ProblemError(
            f"{_introduced(declaration)} was given {array.dtype} values, not numbers"
        )
    return array.astype(DOUBLE) if array.dtype.kind in "biu" else array


def _introduced(declaration: Declaration) -> str:
    return f"{declaration.name} ({describe(declaration.shape)})"


def _common(arrays: Sequence[Array], given: Sequence[object]) -> np.dtype[Any]:
    """The widest type; a Python number is as wide as the arrays beside it."""
    weak = (bool, int, float, complex)
    firm = [a.dtype for a, g in zip(arrays, given, strict=True) if type(g) not in weak]
    complex_number = any(type(g) is complex for g in given)
    return np.result_type(*(firm or [DOUBLE]), *([1j] if complex_number else []))


def _shaped(declaration: Declaration, array: Array) -> Array:
    """The array with two axes. Raises ProblemError where an axis of known size does not fit."""
    shape = declaration.shape
    value = array
    if array.size == 1 and is_scalar(shape):
        value = array.reshape(1, 1)
    elif array.ndim == 1 and is_vector(shape):
        value = array.reshape((1, -1) if shape[0] == UNIT else (-1, 1))
    fits = value.ndim == 2 and all(
        declared.number in (None, given) for declared, given in zip(shape, value.shape, strict=True)
    )
    if not fits:
        raise ProblemError(_mismatch(declaration, array))
    return value


def _mismatch(declaration: Declaration, array: Array) -> str:
    shape = "×".join(map(str, array.shape)) if array.ndim > 1 else f"{array.size} numbers"
    given = "a number" if array.ndim == 0 else shape
    return f"{declaration.name} is {_declared(declaration.shape)} and was given {given}"


def _declared(shape: Shape) -> str:
    return "a scalar" if is_scalar(shape) else describe(shape)


def _whole(name: str, given: object) -> int:
    if isinstance(given, int | np.integer) and not isinstance(given, bool):
        return int(given)
    raise ProblemError(f"{name} is a dimension: pass a whole number")


def _solved(equations: list[tuple[Size, int, str]], dimensions: Collection[str]) -> dict[str, int]:
    try:
        sizes = solve(equations)
    except SizeMismatch as error:
        raise ProblemError(str(error)) from None
    for name in dimensions:
        if name not in sizes:
            raise ProblemError(f"the arrays do not tell the size of {name}: pass it by name")
    return sizes
