"""From a Python call to a compiled kernel and back.

A kernel is `void kernel(const void *const *inputs, void *const *outputs, void *workspace)`, for
inputs of one type and of fixed sizes. A Caller has several, finds the one that fits the arguments,
and leaves to `slow` whatever fits none: errors, conversions, a kernel not compiled yet. `fastest`
is its fast form, an extension; the Caller here does the same through ctypes.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagrad.compile.extension import extension

Array = NDArray[Any]
Sizes = tuple[int, ...]
Slow = Callable[[tuple[Any, ...], dict[str, Any]], Any]
SlowInto = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]

LINE = 64  # bytes of a cache line, at which a workspace begins
SIGNATURE = (ctypes.c_void_p,) * 3
KEEPS_LOCK, RELEASES_LOCK = (
    make(None, *SIGNATURE) for make in (ctypes.PYFUNCTYPE, ctypes.CFUNCTYPE)
)


class Caller:
    """A callable whose positional and keyword arguments are `inputs`.

    `slow(args, kwargs)` gives the result of a call that fits no kernel, for instance by adding one
    and calling again; `slow_into(outputs, args, kwargs)` likewise. `axes` are the fewest that each
    input may come with: 2 for a matrix, 1 for a row or column, 0 for a scalar; without them sizes
    of 1 decide. A subclass may have any other attributes and methods.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        slow: Slow,
        slow_into: SlowInto | None = None,
        axes: tuple[int, ...] | None = None,
    ) -> None:
        if axes is not None and (len(axes) != len(inputs) or not set(axes) <= {0, 1, 2}):
            raise ValueError("axes has 0, 1 or 2 for each input")
        self.inputs = tuple(inputs)
        self._slow, self._slow_into, self._axes = slow, slow_into, axes
        self._kernels: list[_Kernel] = []

    def add(
        self,
        dtype: str,
        shapes: tuple[Sizes, ...],
        outputs: tuple[Sizes | None, ...],
        kernel: int,
        workspace: int = 0,
        release: bool = False,
        zeroed: tuple[int, ...] = (),
    ) -> None:
        """A kernel by its address, for inputs of these shapes.

        `dtype` is "d" or "f". A shape (rows, columns) is that of the data, which is in C order; an
        output may have any number of axes, and None is a scalar. `workspace` counts the bytes that
        one call needs. `release` lets other threads run meanwhile. The outputs at the places
        `zeroed`, which are arrays, are 0 everywhere when the kernel begins. Raises ValueError.
        """
        if dtype not in ("d", "f") or kernel == 0 or workspace < 0:
            raise ValueError(
                'a kernel has dtype "d" or "f", an address and a workspace of 0 or more'
            )
        if len(shapes) != len(self.inputs) or any(len(shape) != 2 for shape in shapes):
            raise ValueError("every input has one shape, (rows, columns)")
        by_sizes = tuple((r != 1) + (c != 1) for r, c in shapes)
        axes = self._axes or by_sizes
        if any(few < needed for few, needed in zip(axes, by_sizes, strict=True)):
            raise ValueError("an input has more axes than its Caller was told")
        if any(size < 0 for shape in (*shapes, *outputs) for size in shape or ()):
            raise ValueError("a size is negative")
        if any(not 0 <= k < len(outputs) or outputs[k] is None for k in zeroed):
            raise ValueError("zeroed has places of outputs that are arrays")
        function = (RELEASES_LOCK if release else KEEPS_LOCK)(kernel)
        self._kernels.insert(
            0, _Kernel(np.dtype(dtype), shapes, axes, outputs, function, workspace, zeroed)
        )

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """The outputs in a tuple; a scalar as a NumPy scalar."""
        kernel, data = self._find(args, kwargs)
        if kernel is None:
            return self._slow(args, kwargs)
        made = [np.empty(shape or (), kernel.dtype) for shape in kernel.outputs]
        kernel.run(data, made)
        return tuple(
            array[()] if shape is None else array
            for array, shape in zip(made, kernel.outputs, strict=True)
        )

    def into(self, outputs: Any, /, *args: Any, **kwargs: Any) -> None:
        """Writes the outputs to these arrays, which share no memory with an input or each other."""
        kernel, data = self._find(args, kwargs)
        given = tuple(outputs) if isinstance(outputs, tuple | list) else ()
        if kernel is not None and kernel.writes(data, given):
            kernel.run(data, given)
        elif self._slow_into is not None:
            self._slow_into(outputs, args, kwargs)
        else:
            raise TypeError("the arguments fit no kernel of this Caller")

    def _find(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[_Kernel | None, list[Array]]:
        rest = self.inputs[len(args) :]
        if len(args) + len(kwargs) == len(self.inputs) and all(name in kwargs for name in rest):
            given = [*args, *(kwargs[name] for name in rest)]
            for kernel in self._kernels:
                data = kernel.data(given)
                if data is not None:
                    return kernel, data
        return None, []


@dataclass(frozen=True)
class _Kernel:
    dtype: np.dtype[Any]
    shapes: tuple[Sizes, ...]
    axes: tuple[int, ...]
    outputs: tuple[Sizes | None, ...]
    function: Callable[[Any, Any, Any], None]
    workspace: int
    zeroed: tuple[int, ...]
    weak: tuple[type, ...] = field(default=(float, int), init=False)

    def data(self, given: Sequence[Any]) -> list[Array] | None:
        """Arrays of the values where all fit; Python numbers alone are doubles."""
        data = [self._one(*one) for one in zip(given, self.shapes, self.axes, strict=True)]
        typed = self.dtype.char == "d" or not all(type(value) in self.weak for value in given)
        fitting = [array for array in data if array is not None]
        return fitting if typed and len(fitting) == len(data) else None

    def _one(self, value: Any, shape: Sizes, axes: int) -> Array | None:
        if isinstance(value, np.ndarray):
            flat = axes == 1 and value.ndim == 1 and value.size == shape[0] * shape[1]
            fits = value.shape == shape or flat or (axes == 0 and value.size == 1)
            return value if fits and self._plain(value) else None
        if axes or not (type(value) in self.weak or type(value) is self.dtype.type):
            return None
        try:
            with np.errstate(over="ignore"):
                number = np.array(float(value)).astype(self.dtype)
        except OverflowError:
            return None
        return None if np.isinf(number) and not np.isinf(value) else number

    def _plain(self, array: Array) -> bool:
        return array.dtype == self.dtype and array.flags.c_contiguous and array.flags.aligned

    def writes(self, data: Sequence[Array], given: Sequence[Any]) -> bool:
        """Whether the outputs can go to these arrays."""
        return (
            len(given) == len(self.outputs)
            and all(self._takes(*pair) for pair in zip(given, self.outputs, strict=True))
            and not any(
                np.may_share_memory(array, other)
                for place, array in enumerate(given)
                for other in (*data, *given[:place])
            )
        )

    def _takes(self, array: Any, shape: Sizes | None) -> bool:
        if not isinstance(array, np.ndarray) or not self._plain(array):
            return False
        fits = array.size == 1 if shape is None else array.shape == shape
        return fits and array.flags.writeable

    def run(self, data: Sequence[Array], made: Sequence[Array]) -> None:
        for place in self.zeroed:
            made[place].fill(0)
        _room, start = workspace_of(self.workspace)
        self.function(pointers(data), pointers(made), start)


def workspace_of(count: int) -> tuple[Array, int]:
    """Room for so many bytes, and where in it a cache line begins; it lasts as the array does."""
    room = np.empty(count + LINE, np.uint8)
    return room, -(-room.ctypes.data // LINE) * LINE


def pointers(arrays: Collection[Array]) -> ctypes.Array[ctypes.c_void_p]:
    """Where the entries of arrays are, as C has it."""
    addresses = [array.ctypes.data for array in arrays]
    return (ctypes.c_void_p * max(1, len(addresses)))(*addresses)


@functools.cache
def fastest() -> type[Caller]:
    """Caller as an extension, in C; Caller itself where that cannot be built."""
    module = extension()
    return Caller if module is None else module.Caller
