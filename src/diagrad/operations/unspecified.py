"""Functions entry by entry without a row of their own: those a problem leaves open, and f′."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diagrad.errors import ProblemError
from diagrad.expression import Apply
from diagrad.index.build import Indexed, Polynomial, as_polynomial, labels, matrix
from diagrad.index.term import Applied
from diagrad.operations.elementwise import Elementwise, called
from diagrad.operations.room import Array, Form, Use


class Unspecified(Elementwise):
    """g: elementwise, known by name only; `order` counts how often it was differentiated."""

    def __init__(self, name: str, position: int, order: int = 0) -> None:
        self.user_name, self.position, self.order = name, position, order
        super().__init__(
            name,
            self._prime,
            self._unknown,
            f"The function {name} of the problem.",
            f"{name} works entry by entry; its derivative is written {name}′",
        )

    def _prime(self, x: Polynomial, y: Polynomial) -> Polynomial:
        head, at = x.single()
        return Applied(self.differentiated(), (head,), head.axes)[at]

    def differentiated(self) -> Unspecified:
        """Its derivative."""
        return Unspecified(self.user_name, self.position, self.order + 1)

    def _fields(self) -> tuple[str, int, int]:
        return self.user_name, self.position, self.order

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unspecified) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    @property
    def identity(self) -> tuple[Any, ...]:
        return ("unspecified", self.position, self.order)

    def form(self, notation: str, node: Apply) -> Form:
        if notation == "source":
            return Form("prime(" * self.order + "{name}" + ")" * self.order + "({0})")
        mark = "′" if notation == "unicode" else "'"
        opening, closing = (r"\left(", r"\right)") if notation == "latex" else "()"
        return Form("{name}" + mark * self.order + opening + "{0}" + closing)

    @property
    def word(self) -> str:
        return self.user_name + "′" * self.order

    def ruled(self, use: Use) -> str:
        named = f"{self.user_name} is known by name only"
        return f"{named}, so the derivative of {self.word} is written {self.word}′"

    def _unknown(self, a: Array) -> Array:
        raise ProblemError(
            f"{self.user_name} is an unspecified function: give it a value to evaluate"
        )


class Prime(Elementwise):
    """f′ as written by `prime(f)`; index notation replaces it by its formula."""

    def __init__(self, base: Elementwise) -> None:
        self.base = base
        super().__init__(
            f"prime({base.name})",
            lambda x, y: 0,
            base.numpy,
            f"The derivative of {base.name}.",
            base.because,
            analytic=base.analytic,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prime) and self.base == other.base

    def __hash__(self) -> int:
        return hash((Prime, self.base))

    @property
    def word(self) -> str:
        return f"{self.base.word}′"

    def ruled(self, use: Use) -> str:
        return f"the derivative of {self.word} is that of the rule {self.base.formula_of_prime}"

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (a,) = operands
        value = Applied(self.base, (a.tensor,), a.tensor.axes)
        i, j = labels(a.rows), labels(a.columns)
        return matrix(i, j, as_polynomial(self.base.prime(a.tensor[i, j], value[i, j])))

    def form(self, notation: str, node: Apply) -> Form | None:
        base, order = self.base, 1
        while isinstance(base, Prime):
            base, order = base.base, order + 1
        word = {"unicode": base.unicode, "latex": base.latex}.get(notation, base.name)
        if "{0}" in word:
            word = base.name if notation == "unicode" else rf"\operatorname{{{base.name}}}"
        mark = "′" if notation == "unicode" else "'"
        return (
            None
            if notation == "source"
            else Form(called(word + mark * order, notation), slots=(0,))
        )

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        (a,) = arrays
        return np.broadcast_to(self.base.prime(a, self.base.numpy(a)), a.shape).astype(a.dtype)
