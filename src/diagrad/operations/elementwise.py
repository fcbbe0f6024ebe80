"""Functions of one argument, applied entry by entry.

The Jacobian is diagonal, because entry i of the value depends on entry i of the argument alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from diagrad.dimensions import Shape, is_row, is_scalar, is_vector
from diagrad.expression import Apply
from diagrad.index.build import Indexed, delta, labels, matrix, tensor
from diagrad.index.term import (
    Applied,
    Factor,
    Head,
    Rational,
    Sum,
    Variable,
    as_number,
    constant,
)
from diagrad.operations.room import ATOM, POSTFIX, Array, Form, Operation, Takes, Use, is_name
from diagrad.operations.saying import above, of_operand, of_value, of_variable

# f′ of the entry x and the value y = f(x): of polynomials in a rule, of arrays where prime(f) is
# evaluated.
Derivative = Callable[[Any, Any], Any]


TIMES_DIAGONAL = {
    True: "multiplying a row by it scales the entries one by one",
    False: "multiplying a column by it scales the entries one by one",
}
PRODUCT = "the elementwise product ∘"
# The entry x in a rule such as log′ x = 1/x.
ARGUMENT = re.compile(r"(?<![a-zA-Z])x(?![a-zA-Z])")


class Elementwise(Operation):
    """One function of one argument, entry by entry."""

    takes = Takes(operands=("A",))
    curved = True
    rule = "elementwise function"

    def __init__(
        self,
        name: str,
        derivative: Derivative,
        numpy: Callable[[Array], Array],
        summary: str,
        because: str,
        *,
        source: str = "",
        unicode: str = "",
        latex: str = "",
        facts: Sequence[str] = (),
        at: Mapping[Rational, Rational] | None = None,
        inverse: str = "",
        analytic: bool = True,
        example: str = "",
        idempotent: bool = False,
        flat: bool = False,
        exact: bool = False,
        formula: Callable[[Any], Any] | None = None,
        joins: Callable[[Applied, Factor, Head], Factor | None] | None = None,
        mirrored: bool = False,
        parity: int = 0,
    ) -> None:
        self.name, self.prime, self.numpy = name, derivative, numpy
        self.summary, self.because, self.source = summary, because, source
        self.unicode, self.latex = unicode or name, latex or rf"\operatorname{{{name}}}"
        self.facts = frozenset(facts)
        self.at, self.inverse = dict(at or {}), inverse
        self.analytic = analytic
        self.example = example or f"{name}(A)"
        self.idempotent, self.flat, self.exact = idempotent, flat, exact
        self.formula, self.joins = formula, joins
        self.mirrored, self.parity = mirrored, parity

    @property
    def reuses_value(self) -> bool:
        if self.prime is None:
            return False
        x, y = (Variable(name, k, ()) for k, name in enumerate("xy"))
        return y in tensor((), self.prime(x[()], y[()])).children

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return shapes[0]

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (a,) = operands
        if self.formula is None:
            return Indexed(Applied(self, (a.tensor,), a.tensor.axes), a.row_axes)
        i, j = labels(a.rows), labels(a.columns)
        return matrix(i, j, self.formula(a.tensor[i, j]))

    def derivative(self, head: Applied, argument: int) -> Sum:
        i, j = labels(head.axes), labels(head.axes)
        local = self.prime(head.arguments[0][i], head[i])
        return tensor((i, j), local * delta(i, j))

    def simplified(self, head: Applied) -> Head | None:
        (argument,) = head.arguments
        value = as_number(argument)
        if value is not None and value in self.at:
            return constant(self.at[value], head.axes)
        if isinstance(argument, Applied) and argument.operation.name == self.inverse:
            return argument.arguments[0]
        return None

    def complement(self, head: Applied) -> Head | None:
        """f(−x), where f is `mirrored`: 1 − f(x) = f(−x)."""
        if not self.mirrored:
            return None
        (argument,) = head.arguments
        i = labels(argument.axes)
        return Applied(self, (tensor(i, -argument[i]),), head.axes)

    def says(self, use: Use) -> str:
        shape = use.node.shape
        if is_scalar(shape) or self.constant:
            return self.ruled(use)
        value, own = of_value(use), of_variable(use)
        alone = f"{self.word} works entry by entry: {value} depends on {own} alone"
        if not is_vector(shape) and not use.gradient:
            return f"{alone}; {self.ruled(use)}"
        if is_vector(shape):
            size = use.size(shape[0] * shape[1])
            matrix = f"{use.jacobian} is a diagonal {size}×{size} matrix"
            if not use.gradient:
                return f"{alone}, so {matrix}; {self.ruled(use)}"
            scales = TIMES_DIAGONAL[is_row(shape)]
            return f"{alone}, so {matrix}; {scales}, which is {PRODUCT}; {self.ruled(use)}"
        each = f"each entry of {above(use)} is multiplied by its own {self.word}′"
        return f"{alone}, so {each}: {PRODUCT}; {self.ruled(use)}"

    def moves(self, use: Use) -> str:
        if is_scalar(use.node.shape) or self.constant or not is_name(use.value):
            return self.ruled(use)
        alone = f"{of_variable(use)} moves {of_value(use)} alone, {self.word}′ times as much"
        return f"{self.word} works entry by entry: {alone}; {self.ruled(use)}"

    @property
    def word(self) -> str:
        """What the function is called in a sentence."""
        return self.name if "{" in self.unicode else self.unicode

    @property
    def constant(self) -> bool:
        """Whether f′ is 0, so that nothing goes on."""
        return self.name in ("step", "sign")

    def ruled(self, use: Use) -> str:
        """The rule for f′ at the entry, or with where it is taken."""
        entry = of_operand(use, 0)
        at_entry = self.because_at(entry)
        if at_entry != self.because or "=" not in self.because:
            return at_entry
        written = f" and written in {use.value}" if self.reuses_value and is_name(use.value) else ""
        return f"{self.formula_of_prime}, taken at {use.variable}{written}"

    def because_at(self, entry: str) -> str:
        """The sentence about f′ with an entry, or a letter for one, in the place of x."""
        return ARGUMENT.sub(entry, self.because)

    @property
    def formula_of_prime(self) -> str:
        """The rule for f′ without where it is taken."""
        return self.because.partition(", taken at")[0]

    def joined(self, head: Applied, other: Factor, argument: Head) -> Factor | None:
        return self.joins(head, other, argument) if self.joins else None

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return self.numpy(arrays[0])

    def form(self, notation: str, node: Apply) -> Form | None:
        printed = {"unicode": self.unicode, "latex": self.latex}.get(notation)
        if printed is None:
            return None
        if "{0}" in printed:
            return Form(printed, POSTFIX, (0,))
        return Form(called(printed, notation), ATOM, (0,))


def called(word: str, notation: str) -> str:
    """Template of a call of one argument by a word that the notation has for the function."""
    argument = r"\left({0}\right)" if notation == "latex" else "({0})"
    return word.replace("{", "{{").replace("}", "}}") + argument
