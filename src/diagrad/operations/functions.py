"""The functions of the language that work entry by entry: one table row each.

Each row gives f′ as mathematics in x, the entry, and y = f(x).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Protocol, overload

import numpy as np

from diagrad.index.build import Polynomial
from diagrad.index.term import Applied, Constant, Factor, Head, Numeral
from diagrad.operations import kernels
from diagrad.operations.elementwise import Elementwise
from diagrad.operations.room import Array


class Function(Protocol):
    """A function as it stands in a formula: `cos(x)` of a polynomial or of an array."""

    @overload
    def __call__(self, x: Polynomial) -> Polynomial: ...
    @overload
    def __call__(self, x: Array) -> Array: ...


def function(name: str) -> Function:
    """The function of that name, for use in formulas. It is looked up when it is called, so that
    the rows of the table may use one another."""

    def apply(x: Any) -> Any:
        if not isinstance(x, Polynomial):
            return BY_NAME[name].numpy(x)
        head, at = x.single()
        return Applied(BY_NAME[name], (head,), head.axes)[at]

    return apply


def pi(x: Any) -> Any:
    """π, as a polynomial beside polynomials and as a number beside arrays."""
    return Constant("pi")[()] if isinstance(x, Polynomial) else math.pi


def root_half(x: Any) -> Any:
    """√½, likewise."""
    return Numeral(2)[()] ** -0.5 if isinstance(x, Polynomial) else math.sqrt(0.5)


def normal(x: Any) -> Any:
    """Φ, likewise."""
    if isinstance(x, Polynomial):
        return (1 + erf(x * root_half(x))) / 2
    return kernels.normal(x)


cos, cosh, erf, exp = function("cos"), function("cosh"), function("erf"), function("exp")
log, sigmoid, sign = function("log"), function("sigmoid"), function("sign")
sin, sinh, step = function("sin"), function("sinh"), function("step")


def _passes_relu(head: Applied, other: Factor, argument: Head) -> Factor | None:
    """relu(a)ⁿ step(a) = relu(a)ⁿ for n > 0."""
    relu = isinstance(other.head, Applied) and other.head.operation.name == "relu"
    positive = not isinstance(other.exponent, Head) and other.exponent > 0
    return other if relu and positive and other.head.children == (argument,) else None


def _makes_absolute(head: Applied, other: Factor, argument: Head) -> Factor | None:
    """a sign(a) = |a|, |a| sign(a) = a, and sign(a)/|a| = 1/a."""
    if other.head is argument and other.exponent == 1:
        return other._replace(head=Applied(BY_NAME["abs"], (argument,), head.axes))
    absolute = isinstance(other.head, Applied) and other.head.operation.name == "abs"
    of_it = absolute and other.head.children == (argument,) and other.exponent in (1, -1)
    return other._replace(head=argument) if of_it else None


TABLE: tuple[Elementwise, ...] = (
    Elementwise(
        "sigmoid",
        lambda x, y: y * (1 - y),
        kernels.sigmoid,
        "σ(x) = 1 / (1 + e⁻ˣ).",
        "σ′ = σ(1 − σ), taken at the argument and written in the value",
        unicode="σ",
        latex=r"\sigma",
        facts=["prob"],
        at={0: Fraction(1, 2)},
        mirrored=True,
    ),
    Elementwise(
        "tanh",
        lambda x, y: 1 - y**2,
        np.tanh,
        "The hyperbolic tangent.",
        "tanh′ = 1 − tanh²",
        latex=r"\tanh",
        at={0: 0},
        parity=-1,
    ),
    Elementwise(
        "exp",
        lambda x, y: y,
        np.exp,
        "eˣ.",
        "the exponential is its own derivative, exp′ = exp",
        latex=r"\exp",
        facts=["positive"],
        at={0: 1},
        inverse="log",
    ),
    Elementwise(
        "log",
        lambda x, y: x**-1,
        np.log,
        "The natural logarithm.",
        "log′ x = 1/x",
        latex=r"\log",
        at={1: 0},
        inverse="exp",
        example="log(positive_A)",
    ),
    Elementwise(
        "sqrt",
        lambda x, y: x**-0.5 / 2,
        np.sqrt,
        "The square root.",
        "(√x)′ = 1/(2√x)",
        unicode="√({0})",
        latex=r"\sqrt{{{0}}}",
        example="sqrt(positive_A)",
        formula=lambda x: x**0.5,
    ),
    Elementwise(
        "square",
        lambda x, y: 2 * x,
        lambda a: a * a,
        "x².",
        "(x²)′ = 2 x",
        formula=lambda x: x**2,
    ),
    Elementwise(
        "relu",
        lambda x, y: step(x),
        lambda a: np.where(kernels.real(a) <= 0, 0, a),
        "max(x, 0); its derivative at 0 is 0.",
        "relu′ is 1 for positive entries and 0 for the others, also at 0 by convention",
        flat=True,
        facts=["nonneg"],
        at={0: 0},
        exact=True,
    ),
    Elementwise(
        "step",
        lambda x, y: 0,
        kernels.step,
        "1 where x > 0, otherwise 0 (also at 0).",
        "a step is constant on both sides of 0; at 0 itself the derivative is taken to be 0",
        facts=["nonneg"],
        at={0: 0},
        flat=True,
        idempotent=True,
        joins=_passes_relu,
        unicode="𝟙[{0} > 0]",
        latex=r"\mathbb{{1}}\left[{0} > 0\right]",
        exact=True,
    ),
    Elementwise(
        "abs",
        lambda x, y: sign(x),
        lambda a: np.where(kernels.real(a) >= 0, a, -a),
        "|x|; its derivative at 0 is 0.",
        "|x|′ = sign x, taken to be 0 at 0",
        unicode="|{0}|",
        latex=r"\left|{0}\right|",
        facts=["nonneg"],
        at={0: 0},
        analytic=False,
        parity=1,
        exact=True,
    ),
    Elementwise(
        "sign",
        lambda x, y: 0,
        lambda a: np.sign(kernels.real(a)).astype(a.dtype),
        "1, 0 or −1 as x is positive, 0 or negative.",
        "the sign is constant on both sides of 0; at 0 itself the derivative is taken to be 0",
        at={0: 0},
        flat=True,
        joins=_makes_absolute,
        parity=-1,
        exact=True,
    ),
    Elementwise(
        "sin",
        lambda x, y: cos(x),
        np.sin,
        "The sine.",
        "sin′ = cos",
        latex=r"\sin",
        at={0: 0},
        parity=-1,
    ),
    Elementwise(
        "cos",
        lambda x, y: -sin(x),
        np.cos,
        "The cosine.",
        "cos′ = −sin",
        latex=r"\cos",
        at={0: 1},
        parity=1,
    ),
    Elementwise(
        "tan",
        lambda x, y: 1 + y**2,
        np.tan,
        "The tangent.",
        "tan′ = 1 + tan²",
        latex=r"\tan",
        at={0: 0},
        parity=-1,
    ),
    Elementwise(
        "arcsin",
        lambda x, y: (1 - x**2) ** -0.5,
        np.arcsin,
        "The inverse sine, for |x| < 1.",
        "arcsin′ x = 1/√(1 − x²)",
        source="differentiate sin(arcsin x) = x",
        latex=r"\arcsin",
        at={0: 0},
        example="arcsin(prob_A)",
        parity=-1,
    ),
    Elementwise(
        "arccos",
        lambda x, y: -((1 - x**2) ** -0.5),
        np.arccos,
        "The inverse cosine, for |x| < 1.",
        "arccos′ x = −1/√(1 − x²)",
        source="arccos x = π/2 − arcsin x",
        latex=r"\arccos",
        example="arccos(prob_A)",
    ),
    Elementwise(
        "arctan",
        lambda x, y: (1 + x**2) ** -1,
        np.arctan,
        "The inverse tangent.",
        "arctan′ x = 1/(1 + x²)",
        latex=r"\arctan",
        at={0: 0},
        parity=-1,
    ),
    Elementwise(
        "sinh",
        lambda x, y: cosh(x),
        np.sinh,
        "The hyperbolic sine.",
        "sinh′ = cosh",
        latex=r"\sinh",
        at={0: 0},
        parity=-1,
    ),
    Elementwise(
        "cosh",
        lambda x, y: sinh(x),
        np.cosh,
        "The hyperbolic cosine.",
        "cosh′ = sinh",
        latex=r"\cosh",
        facts=["positive"],
        at={0: 1},
        parity=1,
    ),
    Elementwise(
        "softplus",
        lambda x, y: sigmoid(x),
        kernels.softplus,
        "log(1 + eˣ), stable for large x.",
        "softplus′ = σ",
        facts=["positive"],
    ),
    Elementwise(
        "gelu",
        lambda x, y: normal(x) + x * exp(-(x**2) / 2) * (2 * pi(x)) ** -0.5,
        lambda a: a * kernels.normal(a),
        "x Φ(x), Φ the standard normal distribution (the exact form, by erf).",
        "gelu′ x = Φ(x) + x φ(x) by the product rule; φ is the density of Φ",
        source="Hendrycks and Gimpel, Gaussian error linear units, 2016",
        at={0: 0},
        analytic=False,
    ),
    Elementwise(
        "silu",
        lambda x, y: sigmoid(x) + y * (1 - sigmoid(x)),
        lambda a: a * kernels.sigmoid(a),
        "x σ(x), also called swish.",
        "silu′ x = σ(x) + x σ(x)(1 − σ(x)) by the product rule; 1 − σ(x) is also σ(−x)",
        formula=lambda x: x * sigmoid(x),
    ),
    Elementwise(
        "erf",
        lambda x, y: 2 * exp(-(x**2)) * pi(x) ** -0.5,
        kernels.erf,
        "The error function.",
        "erf′ x = 2 e^(−x²)/√π",
        source="its definition as an integral",
        at={0: 0},
        analytic=False,
        parity=-1,
    ),
    Elementwise(
        "log1p",
        lambda x, y: (1 + x) ** -1,
        kernels.log1p,
        "log(1 + x), accurate for small x.",
        "log1p′ x = 1/(1 + x)",
        at={0: 0},
        example="log1p(positive_A)",
    ),
    Elementwise(
        "expm1",
        lambda x, y: exp(x),
        np.expm1,
        "eˣ − 1, accurate for small x.",
        "expm1′ = exp",
        at={0: 0},
    ),
)


BY_NAME: dict[str, Elementwise] = {row.name: row for row in TABLE}
