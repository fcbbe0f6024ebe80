"""The first call of a kernel in C, compared with NumPy's: compilers make wrong code, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diagrad.compile.backends import TYPES, InC, InNumPy, Kernel, say_once
from diagrad.compile.statements import Schedule, Unwritten, work_of
from diagrad.errors import NoCompiler

Array = np.ndarray[Any, np.dtype[Any]]
# Work up to which a kernel is tried out, and how far off it may be, relative to the largest entry
# beside it: rounding is far less, wrong code is more.
MOST_WORK = 1 << 20
FAR = {"d": 1e-6, "f": 1e-3}
# What is smaller may be 0 but for rounding.
NOTHING = {"d": 1e-12, "f": 1e-5}


def tried(
    kernel: Kernel,
    backend: InC,
    schedule: Schedule,
    dtype: str,
    inputs: Sequence[Array],
    shapes: Sequence[tuple[int, ...]],
) -> Kernel:
    """The kernel, where it computes what NumPy does. Otherwise it is compiled plainly; where that
    computes what NumPy does, the compiler was wrong, which is said, and else the two differ by
    rounding."""
    if work_of(schedule) > MOST_WORK:
        return kernel

    def values(one: Kernel) -> list[Array]:
        return one.values(inputs, shapes, TYPES[dtype])

    try:
        expected = values(InNumPy().kernel(schedule, dtype))
    except (Unwritten, np.linalg.LinAlgError):  # a matrix that is singular, for instance
        return kernel
    if agree(values(kernel), expected, dtype):
        return kernel
    try:
        plain = backend.plain(schedule, dtype)
    except NoCompiler:
        return kernel
    if not agree(values(plain), expected, dtype):
        return kernel
    names = ", ".join(buffer.name for buffer in schedule.outputs)
    say_once(f"the C compiler made wrong code of {names}, which now runs with less optimisation")
    return plain


def agree(found: Sequence[Array], expected: Sequence[Array], dtype: str = "d") -> bool:
    """Whether entries are equal up to rounding, and not finite at the same places."""
    return all(_near(f, e, dtype) for f, e in zip(found, expected, strict=True))


def _near(found: Array, expected: Array, dtype: str) -> bool:
    finite = np.isfinite(expected)
    if not np.array_equal(finite, np.isfinite(found)):
        return False
    off = np.abs(found[finite] - expected[finite])
    largest = np.max(np.abs(expected[finite]), initial=0.0)
    return bool(np.all(off <= FAR[dtype] * largest + NOTHING[dtype]))
