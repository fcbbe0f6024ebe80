"""The vocabulary's functions on complex arrays: f(x + iε) carries f′(x) in its imaginary part.

Where a function is not analytic (relu, abs, sign, step) it is continued by the side on which
the real part lies.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Function = Callable[[Array], Array]

_erf = np.vectorize(math.erf, otypes=[float])


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softplus(z: Array) -> Array:
    up = z.real > 0
    return np.where(up, z, 0) + np.log1p(np.exp(np.where(up, -z, z)))


def erf(z: Array) -> Array:
    """Exact for real z, to first order in the imaginary part otherwise."""
    value = _erf(z.real)
    if not np.iscomplexobj(z):
        return value
    return value + 2j / math.sqrt(math.pi) * np.exp(-(z.real**2)) * z.imag


def gelu(z: Array) -> Array:
    return z * (1 + erf(z / math.sqrt(2))) / 2


def silu(z: Array) -> Array:
    return z * sigmoid(z)


def step(z: Array) -> Array:
    return (z.real > 0).astype(float)


def sign(z: Array) -> Array:
    return np.sign(z.real)


def relu(z: Array) -> Array:
    return np.where(z.real > 0, z, 0)


def absolute(z: Array) -> Array:
    return sign(z) * z


ELEMENTWISE: dict[str, Function] = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "relu": relu,
    "abs": absolute,
    "sign": sign,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "softplus": softplus,
    "gelu": gelu,
    "silu": silu,
    "erf": erf,
    "square": lambda z: z * z,
    "step": step,
    "log1p": np.log1p,
    "expm1": np.expm1,
}
KINKED = {"relu", "abs", "sign", "step"}

PRIMES: dict[str, Function] = {
    "sigmoid": lambda z: sigmoid(z) * (1 - sigmoid(z)),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "exp": np.exp,
    "log": lambda z: 1 / z,
    "sqrt": lambda z: 0.5 / np.sqrt(z),
    "relu": step,
    "abs": sign,
    "sign": lambda z: np.zeros(z.shape),
    "sin": np.cos,
    "cos": lambda z: -np.sin(z),
    "tan": lambda z: 1 + np.tan(z) ** 2,
    "arcsin": lambda z: 1 / np.sqrt(1 - z * z),
    "arccos": lambda z: -1 / np.sqrt(1 - z * z),
    "arctan": lambda z: 1 / (1 + z * z),
    "sinh": np.cosh,
    "cosh": np.sinh,
    "softplus": sigmoid,
    "gelu": lambda z: (
        (1 + erf(z / math.sqrt(2))) / 2 + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    ),
    "silu": lambda z: sigmoid(z) * (1 + z * (1 - sigmoid(z))),
    "erf": lambda z: 2 / math.sqrt(math.pi) * np.exp(-z * z),
    "square": lambda z: 2 * z,
    "step": lambda z: np.zeros(z.shape),
    "log1p": lambda z: 1 / (1 + z),
    "expm1": np.exp,
}


def gelu_second(z: Array) -> Array:
    """GELU″, which has no erf in it and can be continued as far as Cauchy's integral needs."""
    return (2 - z * z) * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def unspecified(phase: float, order: int) -> Function:
    """The order-th derivative of what stands for an unspecified elementwise function: sin + exp."""
    shift = phase + order * math.pi / 2
    return lambda z: 1.1**order * np.sin(1.1 * z + shift) + 0.4 * 0.5**order * np.exp(0.5 * z)


def prime(name: str, order: int) -> Function:
    """The order-th derivative of a vocabulary function."""
    if order == 1:
        return PRIMES[name]
    if name in KINKED:
        return lambda z: np.zeros(z.shape)
    if name == "gelu":
        return lambda z: _taylor(gelu_second, z, order - 2) if order > 2 else gelu_second(z)
    return lambda z: _taylor(PRIMES[name], z, order - 1)


def _taylor(f: Function, z: Array, order: int) -> Array:
    """f's order-th derivative at x + iε by Cauchy's integral around x, to first order in ε."""
    radius, count = 0.05, 24
    circle = np.exp(2j * math.pi * np.arange(count) / count)
    values = f(z.real[..., None] + radius * circle)

    def coefficient(k: int) -> Array:
        return math.factorial(k) * np.mean(values * circle**-k, axis=-1).real / radius**k

    if not np.iscomplexobj(z):
        return coefficient(order)
    return coefficient(order) + 1j * z.imag * coefficient(order + 1)
