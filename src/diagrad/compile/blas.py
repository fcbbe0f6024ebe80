"""SciPy's own BLAS, by address."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Mapping

ROUTINES = ("dgemm", "sgemm", "dgemv", "sgemv", "dsyrk", "ssyrk")


@functools.cache
def blas() -> Mapping[str, int] | None:
    """The addresses of ROUTINES, with Fortran's signature and integers of 32 bits.

    None where SciPy is not installed or does not export them so.
    """
    try:
        from scipy.linalg import cython_blas
    except ImportError:
        return None
    capsules = getattr(cython_blas, "__pyx_capi__", {})
    found = {name: _pointer(capsules[name]) for name in ROUTINES if name in capsules}
    known = {name: pointer for name, pointer in found.items() if pointer}
    return known if len(known) == len(ROUTINES) else None


def _pointer(capsule: object) -> int | None:
    """The address in a capsule, the name of which is the signature; None without `int *`."""
    api = ctypes.pythonapi
    name_of = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", api))
    pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", api)
    )
    name: bytes = name_of(capsule)
    return pointer_of(capsule, name) if b", int *, " in name else None
