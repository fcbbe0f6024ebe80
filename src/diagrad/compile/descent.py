"""Gradient descent by minibatches, an epoch in one call."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from diagrad.compile.asked import d
from diagrad.compile.backends import TYPES, Array, Kernel
from diagrad.compile.build import library
from diagrad.compile.caller import pointers, workspace_of
from diagrad.compile.function import compiled
from diagrad.dimensions import describe, is_scalar
from diagrad.errors import DerivationError, ProblemError

if TYPE_CHECKING:
    from diagrad.problem import Problem

REAL = {"d": "double", "f": "float"}


class Descent:
    """Minimises a value over some variables, minibatch by minibatch of its examples. Made by
    `Problem.descent`.

    `parameters` are the variables that move, `data` those with an example in each row, `inputs` all
    that an epoch needs, `backend` is "c" or "numpy".
    """

    def __init__(
        self, problem: Problem, of: str, wrt: Sequence[str], over: str, backend: str = "auto"
    ) -> None:
        """Raises ProblemError, DerivationError."""
        variables = problem.source.variables
        if isinstance(wrt, str) or not wrt:
            raise DerivationError("wrt is a list of the variables that move")
        for name in wrt:
            if name not in variables:
                raise DerivationError(f"{name} is not a variable of the problem")
        if len(set(wrt)) < len(wrt):
            raise DerivationError("wrt has a variable twice")
        known = [size for size in problem.source.dimensions if size.name == over]
        if not known:
            raise DerivationError(f"{over} is no dimension of the problem")
        shape = problem.expression(of).shape
        if not is_scalar(shape):
            raise DerivationError(f"what is minimised is a scalar, and {of} is {describe(shape)}")
        self.function = compiled(problem, [of, *(d(of, name) for name in wrt)], backend)
        self.inputs: tuple[str, ...] = self.function.inputs
        for name in wrt:
            if name not in self.inputs:
                raise DerivationError(f"{of} does not depend on {name}")
        self._known = frozenset(variables)
        self._kernels: dict[tuple[object, ...], Kernel] = {}
        self.parameters = tuple(wrt)
        sizes = {n: [str(size) for size in variables[n].shape] for n in self.inputs}
        self.data = tuple(n for n in self.inputs if sizes[n][0] == over)
        for name in self.inputs:
            if any(over in size for size in sizes[name][name in self.data :]):
                raise DerivationError(
                    f"{name} has {over} elsewhere than in its rows: an example is a row"
                )
        if not self.data or set(self.data) & set(wrt):
            raise DerivationError(f"examples have {over} rows, and parameters have not")

    @property
    def backend(self) -> str:
        backend: str = self.function.backend
        return backend

    def epoch(
        self, arrays: Mapping[str, Array], order: Array, rate: float, batch: int = 32
    ) -> Array:
        """One pass over the examples: the values of the minibatches before their steps.

        `arrays` has every input by name, in the shapes declared, all of one type, float64 or
        float32, or a number for a scalar; the parameters among them are C-contiguous, share no
        memory with another and are written. `order` has the row numbers, which are integers, in
        the order in which they are taken, `batch` of them at a time, the last ones perhaps fewer.
        Raises ProblemError.
        """
        if not isinstance(rate, int | float | np.number):
            raise ProblemError(f"rate is a number, not {rate!r}")
        given, kind = self._checked(arrays)
        order = self._rows(given, order, batch)
        whole = len(order) // batch * batch
        parts = [(order[:whole], batch), (order[whole:], len(order) - whole)]
        values = [self._descended(given, kind, *part, rate) for part in parts if len(part[0])]
        return np.concatenate(values)

    def _checked(self, arrays: Mapping[str, Any]) -> tuple[dict[str, Array], str]:
        unknown = sorted(arrays.keys() - self._known)
        if unknown:
            raise ProblemError(f"{unknown[0]} is not a variable of the problem")
        for name in self.inputs:
            number = isinstance(arrays.get(name), int | float) and name not in self.parameters
            if not number and not isinstance(arrays.get(name), np.ndarray):
                raise ProblemError(f"{name} needs a NumPy array")
        given = {name: arrays[name] for name in self.inputs}
        types = {array.dtype for array in given.values() if isinstance(array, np.ndarray)}
        kind = next((k for k, dtype in TYPES.items() if types == {dtype}), None)
        if kind is None:
            found = ", ".join(sorted(map(str, types)))
            raise ProblemError(f"arrays are all float64 or all float32, not {found}")
        given = {name: np.asarray(value, TYPES[kind]) for name, value in given.items()}
        for name in self.parameters:
            flags = given[name].flags
            if not (flags.c_contiguous and flags.writeable and flags.aligned):
                raise ProblemError(f"{name} is written: it needs an array of its own, in C order")
            for other in self.inputs:
                if other != name and np.may_share_memory(given[name], given[other]):
                    raise ProblemError(f"{name} is written, and shares memory with {other}")
        return given, kind

    def _rows(self, given: Mapping[str, Array], order: Any, batch: int) -> Array:
        counts = {name: len(given[name]) if given[name].ndim else 0 for name in self.data}
        first, *others = self.data
        for name in others:
            if counts[name] != counts[first]:
                raise ProblemError(
                    f"{first} has {counts[first]} rows, and {name} has {counts[name]}"
                )
        rows = np.asarray(order)
        if rows.ndim != 1 or not len(rows) or rows.dtype.kind not in "iu":
            raise ProblemError(f"order is a list of row numbers, not {rows.dtype} {rows.shape}")
        if not isinstance(batch, int | np.integer) or batch < 1:
            raise ProblemError(f"batch is a whole number of at least 1, not {batch!r}")
        if rows.min() < 0 or rows.max() >= counts[first]:
            raise ProblemError(f"order has row numbers from 0 to {counts[first] - 1}")
        return np.ascontiguousarray(rows, np.int64)

    def _descended(
        self, given: Mapping[str, Array], kind: str, order: Array, batch: int, rate: float
    ) -> Array:
        kernel = self._kernel(given, kind, order[:batch])
        values = np.empty(len(order) // batch, TYPES[kind])
        if kernel.address and not kernel.zeroed:
            self._in_c(given, kind, order, batch, rate, kernel, values)
            return values
        for k in range(len(values)):
            rows = order[k * batch : (k + 1) * batch]
            inputs = (a[rows] if n in self.data else a for n, a in given.items())
            value, *slopes = self.function(*inputs)
            values[k] = value
            for name, slope in zip(self.parameters, slopes, strict=True):
                given[name] -= rate * slope.reshape(given[name].shape)
        return values

    def _kernel(self, given: Mapping[str, Array], kind: str, rows: Array) -> Kernel:
        """What runs for a minibatch; shapes are checked the first time that they come."""
        key = (kind, len(rows), *(array.shape for array in given.values()))
        if key not in self._kernels:
            first = {n: a[rows] if n in self.data else a for n, a in given.items()}
            self._kernels[key] = self.function.kernel(first)
        return self._kernels[key]

    def _in_c(
        self,
        given: Mapping[str, Array],
        kind: str,
        order: Array,
        batch: int,
        rate: float,
        kernel: Kernel,
        values: Array,
    ) -> None:
        source = {n: np.ascontiguousarray(a) for n, a in given.items()}
        read = {
            n: np.empty((batch, *a.shape[1:]), a.dtype) if n in self.data else a
            for n, a in source.items()
        }
        widths = [a.size // len(a) if n in self.data else 0 for n, a in source.items()]
        moving = [given[name] for name in self.parameters]
        out = [np.empty((), TYPES[kind]), *(np.empty_like(a) for a in moving)]
        _room, start = workspace_of(kernel.workspace)
        _driver(kind).descend(
            ctypes.c_void_p(kernel.address),
            len(source),
            pointers(read.values()),
            pointers(source.values()),
            _numbers(widths),
            len(moving),
            pointers(moving),
            pointers(out),
            _numbers([a.size for a in moving]),
            ctypes.c_void_p(order.ctypes.data),
            ctypes.c_int64(batch),
            ctypes.c_int64(len(values)),
            ctypes.c_double(rate),
            ctypes.c_void_p(values.ctypes.data),
            ctypes.c_void_p(start),
        )


@functools.cache
def _driver(kind: str) -> ctypes.CDLL:
    text = files("diagrad").joinpath("compile", "descent.c").read_text("utf-8")
    driver = library(f"typedef {REAL[kind]} real;\n{text}")
    driver.descend.restype = None
    return driver


def _numbers(numbers: Sequence[int]) -> Any:
    return (ctypes.c_int64 * len(numbers))(*numbers)
