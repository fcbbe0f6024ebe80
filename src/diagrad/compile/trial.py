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
# How far, relatively, arguments are changed to see how much that matters.
CHANGE = {"d": 1e-9, "f": 1e-4}


def tried(
    kernel: Kernel,
    backend: InC,
    schedule: Schedule,
    dtype: str,
    inputs: Sequence[Array],
    shapes: Sequence[tuple[int, ...]],
) -> Kernel:
    """The kernel, where it computes what NumPy does. Otherwise it is compiled plainly; where that
    computes what NumPy does, the compiler was wrong, which is said. Where both differ from NumPy by
    more than small changes of the arguments make, NumPy's kernel, which is said, too."""
    if work_of(schedule) > MOST_WORK:
        return kernel

    def values(one: Kernel, given: Sequence[Array] = inputs) -> list[Array]:
        return one.values(given, shapes, TYPES[dtype])

    try:
        in_numpy = InNumPy().kernel(schedule, dtype)
        expected = values(in_numpy)
        found = values(kernel)
        if agree(found, expected, dtype):
            return kernel
        changed = values(in_numpy, _changed(inputs, dtype))
    except (Unwritten, np.linalg.LinAlgError):  # a matrix that is singular, for instance
        return kernel
    names = ", ".join(buffer.name for buffer in schedule.outputs)
    try:
        plain = backend.plain(schedule, dtype)
    except NoCompiler:
        plain = kernel
    if agree(values(plain), expected, dtype):
        say_once(f"the C compiler made wrong code of {names}: it runs with less optimisation")
        return plain
    if _is_rounding(found, expected, changed):
        return kernel
    say_once(f"C and NumPy do not agree on {names}: it runs by NumPy. Please report it")
    return in_numpy


def _changed(inputs: Sequence[Array], dtype: str) -> list[Array]:
    """Arguments a little off, by far more than rounding."""
    rng = np.random.default_rng(0)
    return [
        np.asarray(a * (1 + CHANGE[dtype] * rng.uniform(-1, 1, a.shape)), a.dtype) for a in inputs
    ]


def _is_rounding(
    found: Sequence[Array], expected: Sequence[Array], changed: Sequence[Array]
) -> bool:
    """Whether outputs differ no more than those of changed arguments do, or cannot be compared."""
    for f, e, c in zip(found, expected, changed, strict=True):
        if not (np.isfinite(f).all() and np.isfinite(e).all() and np.isfinite(c).all()):
            return True
        if np.max(np.abs(f - e), initial=0.0) > 10 * np.max(np.abs(c - e), initial=0.0):
            return False
    return True


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
