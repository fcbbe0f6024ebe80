"""The back ends behind one interface: a schedule in, a kernel out."""

from __future__ import annotations

import ctypes
import functools
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diagrad.compile import c, in_numpy
from diagrad.compile.blas import blas
from diagrad.compile.build import address, library, working
from diagrad.compile.caller import pointers, workspace_of
from diagrad.compile.statements import Schedule
from diagrad.errors import DerivationError, NoCompiler

Array = np.ndarray[Any, np.dtype[Any]]
TYPES: dict[str, np.dtype[Any]] = {"d": np.dtype(np.float64), "f": np.dtype(np.float32)}
ROUTINE = {"d": "dgemm", "f": "sgemm"}
PLAIN = ("-O1",)


class Kernel(ABC):
    """Runs a schedule on arrays without unit axes, in C order, of one type."""

    # Where it is, for callers that need no Python; 0 for none.
    address = 0
    workspace = 0
    zeroed: tuple[int, ...] = ()

    @abstractmethod
    def run(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        """Writes the outputs, which share no memory with anything."""

    def values(
        self, inputs: Sequence[Array], shapes: Sequence[tuple[int, ...]], dtype: np.dtype[Any]
    ) -> list[Array]:
        """The outputs as new arrays of these shapes."""
        made = [np.empty(shape, dtype) for shape in shapes]
        self.run(inputs, made)
        return made


class Backend(ABC):
    """Makes kernels. Raises Unwritten for what it has no code for."""

    name: str

    @abstractmethod
    def kernel(self, schedule: Schedule, dtype: str) -> Kernel: ...

    @abstractmethod
    def source(self, schedule: Schedule, dtype: str) -> str:
        """What the kernel is made from."""


class InNumPy(Backend):
    name = "numpy"

    def kernel(self, schedule: Schedule, dtype: str) -> Kernel:
        return _NumPyKernel(in_numpy.function(schedule))

    def source(self, schedule: Schedule, dtype: str) -> str:
        return in_numpy.source(schedule)


class _NumPyKernel(Kernel):
    def __init__(self, function: Callable[..., tuple[Array, ...]]) -> None:
        self.function = function

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        with np.errstate(all="ignore"):
            for array, value in zip(outputs, self.function(*inputs), strict=True):
                array[...] = np.reshape(value, array.shape)

    def values(
        self, inputs: Sequence[Array], shapes: Sequence[tuple[int, ...]], dtype: np.dtype[Any]
    ) -> list[Array]:
        with np.errstate(all="ignore"):
            found = self.function(*inputs)
        pairs = zip(found, shapes, strict=True)
        return [np.ascontiguousarray(value, dtype).reshape(shape) for value, shape in pairs]


class InC(Backend):
    name = "c"

    def kernel(self, schedule: Schedule, dtype: str) -> Kernel:
        return self._compiled(schedule, dtype, ())

    def plain(self, schedule: Schedule, dtype: str) -> Kernel:
        """The kernel by a compiler that hardly optimises."""
        return self._compiled(schedule, dtype, PLAIN)

    def _compiled(self, schedule: Schedule, dtype: str, extra: Sequence[str]) -> Kernel:
        made = self._written(schedule, dtype)
        # Importing SciPy takes longer than all else; most kernels have no product that large.
        routines = blas() if made.blas else None
        return _CKernel(library(made.text, extra), made, (routines or {}).get(ROUTINE[dtype], 0))

    def source(self, schedule: Schedule, dtype: str) -> str:
        return self._written(schedule, dtype).text

    def _written(self, schedule: Schedule, dtype: str) -> c.Kernel:
        return c.kernel(schedule, dtype, vector_bytes(), lambda: blas() is not None)


class _CKernel(Kernel):
    def __init__(self, loaded: ctypes.CDLL, made: c.Kernel, gemm: int) -> None:
        self.loaded, self.workspace, self.zeroed = loaded, made.workspace, made.zeroed
        self.address = address(loaded, "kernel")
        loaded.kernel.restype = loaded.set_gemm.restype = None
        loaded.set_gemm(ctypes.c_void_p(gemm))

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        for place in self.zeroed:
            outputs[place].fill(0)
        _room, start = workspace_of(self.workspace)
        self.loaded.kernel(pointers(inputs), pointers(outputs), ctypes.c_void_p(start))


WIDTH = """\
int vector_bytes(void);
int vector_bytes(void)
{
#if defined(__AVX512F__)
    return 64;
#elif defined(__AVX__)
    return 32;
#else
    return 16;
#endif
}
"""


@functools.cache
def vector_bytes() -> int:
    """How wide the vectors of the machine are, by what the compiler compiles for."""
    return int(library(WIDTH).vector_bytes())


@functools.cache
def say_once(words: str) -> None:
    warnings.warn(words, RuntimeWarning, stacklevel=2)


def chosen(name: str) -> Backend:
    """The back end of that name; "auto" is C where a compiler works, and otherwise NumPy, which is
    said once. Raises DerivationError."""
    if name == "numpy":
        return InNumPy()
    if name not in ("auto", "c"):
        raise DerivationError(f'backend is "auto", "c" or "numpy", not {name!r}')
    try:
        working()
    except NoCompiler as error:
        if name == "c":
            raise DerivationError(f"there is no C compiler that works: {error.reason}") from None
        say_once(f"compiled functions run by NumPy, for no C compiler works: {error.reason}")
        return InNumPy()
    return InC()
