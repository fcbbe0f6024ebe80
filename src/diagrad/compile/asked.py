"""What a compiled function can be asked for beside definitions."""

from __future__ import annotations

from typing import NamedTuple


class Derivative(NamedTuple):
    """∂of/∂wrt in a layout, as `Problem.derive` has it; `per` keeps the terms of a sum over a
    dimension apart."""

    of: str
    wrt: str | tuple[str, str]
    order: int = 1
    layout: str = "auto"
    per: str | None = None


class HessianVector(NamedTuple):
    """The second derivative of a scalar by a variable, contracted with the input `direction`."""

    of: str
    wrt: str
    direction: str


Asked = str | Derivative | HessianVector


def d(
    of: str,
    wrt: str | tuple[str, str],
    order: int | None = None,
    layout: str = "auto",
    per: str | None = None,
) -> Derivative:
    """A derivative for `Problem.compile`: of a scalar by a variable its gradient, in the shape of
    the variable; the layouts are those of `Problem.derive`. A pair of names, or `order` 2, asks for
    the second derivative.

    With `per`, a dimension such as "N", a sum over it is taken apart, example by example: by a
    parameter the gradients of the terms come out, N×(its shape), which add up to the gradient; by
    what has N rows itself, and for a matrix with N rows, the part of each example by its own row.
    """
    return Derivative(of, wrt, order or (2 if isinstance(wrt, tuple) else 1), layout, per)


def hvp(of: str, wrt: str, direction: str | None = None) -> HessianVector:
    """H v for `Problem.compile`: H the Hessian of a scalar by a variable, v a new input in the
    shape of the variable, called `v_` and its name unless `direction` names it otherwise."""
    return HessianVector(of, wrt, direction or f"v_{wrt}")
