"""Values by NumPy of functions that NumPy does not have in the form that the rooms need."""

from __future__ import annotations

import math
from typing import Any

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
    return log1p(np.exp(np.where(real(a) >= 0, -a, a))) + np.where(real(a) >= 0, a, 0)


def log1p(a: Array) -> Array:
    """log(1 + x), exact for small x also where x is complex: log|1 + x| is
    ½ log1p(Re x (2 + Re x) + (Im x)²)."""
    if not np.iscomplexobj(a):
        return np.log1p(a)
    x, y = np.real(a), np.imag(a)
    value: Array = 0.5 * np.log1p(x * (2 + x) + y * y) + 1j * np.arctan2(y, 1 + x)
    return value


def step(a: Array) -> Array:
    return (real(a) > 0).astype(a.dtype)


_erf = np.vectorize(math.erf, otypes=[float])


def erf(a: Array) -> Array:
    return np.asarray(_erf(a)).reshape(a.shape).astype(a.dtype)


_erfc = np.vectorize(math.erfc, otypes=[float])


def normal(a: Array) -> Array:
    """Φ, the standard normal distribution, by the complement: of 1 + erf far to the left nothing
    would be left."""
    return np.asarray(_erfc(-a / math.sqrt(2)) / 2).reshape(a.shape).astype(a.dtype)


def analytic_power(base: Array, exponent: Any) -> Array:
    """aⁿ = (−1)ⁿ (−a)ⁿ for whole n and a left of 0, where the logarithm is cut."""
    whole = (np.imag(exponent) == 0) & (np.real(exponent) == np.rint(np.real(exponent)))
    flip = whole & (np.real(base) < 0)
    odd = flip & (np.real(exponent) % 2 == 1)
    value: Array = np.where(flip, -base, base) ** exponent
    return np.where(odd, -value, value)
