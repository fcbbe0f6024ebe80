"""Values by NumPy of functions that NumPy does not have in the form that the rooms need."""

from __future__ import annotations

import math

import numpy as np

from diagrad.operations.room import Array


def real(a: Array) -> Array:
    """The real part, by which functions with kinks choose their branch."""
    part: Array = np.real(a)
    return part


def sigmoid(a: Array) -> Array:
    """1 / (1 + e⁻ˣ); the exponent is never positive, so that nothing overflows."""
    e = np.exp(np.where(real(a) >= 0, -a, a))
    return np.where(real(a) >= 0, 1 / (1 + e), e / (1 + e))


def softplus(a: Array) -> Array:
    """log(1 + eˣ) as log(1 + e^−|x|) + max(x, 0), likewise."""
    return np.log1p(np.exp(np.where(real(a) >= 0, -a, a))) + np.where(real(a) >= 0, a, 0)


def step(a: Array) -> Array:
    return (real(a) > 0).astype(a.dtype)


_erf = np.vectorize(math.erf, otypes=[float])


def erf(a: Array) -> Array:
    return np.asarray(_erf(a)).reshape(a.shape).astype(a.dtype)
