"""A formula: an expression over a problem's names, to print and to evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from diagrad.dimensions import UNIT
from diagrad.evaluate import environment_from, evaluate, plain, with_definitions
from diagrad.expression import Expression
from diagrad.show import Names, printed
from diagrad.show.names import Quotient

if TYPE_CHECKING:
    from diagrad.language import Source


class Formula:
    """An expression over the names of a problem. `layout` says how a derivative is laid out, None
    for a value; `labels` are those of the result's axes where the formula is by elements, and
    `shown_labels` those that are printed."""

    def __init__(
        self,
        expression: Expression,
        source: Source,
        names: Names,
        layout: str | None = None,
        labels: str = "",
    ) -> None:
        self.expression = expression
        self.layout = layout
        self.labels = labels
        self._problem = source
        self._names = names

    @cached_property
    def source(self) -> str:
        """The formula in the problem language."""
        return printed(self.expression, "source", self._names)

    def unicode(self) -> str:
        """As in a book, in plain text: `(ŷ − y) W₂ᵀ ∘ h`."""
        return printed(self.expression, "unicode", self._names)

    def ascii(self) -> str:
        """As in a book, in ASCII alone."""
        return printed(self.expression, "ascii", self._names)

    def latex(self) -> str:
        r"""As LaTeX, for math mode: `\\hat{y} - y`."""
        return printed(self.expression, "latex", self._names)

    def mathml(self) -> str:
        """As MathML: one `math` element, for a web page."""
        return printed(self.expression, "mathml", self._names)

    def typst(self) -> str:
        """As Typst, for math mode: `hat(y) − y`."""
        return printed(self.expression, "typst", self._names)

    @property
    def shown_labels(self) -> str:
        """The labels of all but unit axes."""
        axes = zip(self.labels, self.expression.shape, strict=False)
        return "".join(label for label, size in axes if size != UNIT)

    @property
    def derivatives(self) -> Mapping[str, Quotient]:
        """Which names stand for derivatives: what is differentiated, and by what."""
        return self._names.derivatives

    @property
    def names(self) -> Names:
        """How its names print."""
        return self._names

    @property
    def shape(self) -> tuple[str, ...]:
        """The sizes as text, ("1", "Dx"); a scalar has ("1", "1")."""
        return tuple(str(size) for size in self.expression.shape)

    def evaluate(self, /, **arrays: object) -> Any:
        """The value at given variables: a NumPy array of this shape, or a NumPy scalar.

        Only the variables that the formula depends on are needed; the definitions among its names
        are worked out. Raises ProblemError for a missing or unknown name and for a shape that does
        not fit.
        """
        needed = self._problem.needed(self.expression)
        definitions = [
            (name, d.expression) for name, d in self._problem.definitions.items() if name in needed
        ]
        environment = environment_from(self._problem, arrays, needed)
        value = evaluate(self.expression, with_definitions(definitions, environment))
        return plain(value)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {
            "text/plain": self.unicode(),
            "text/latex": rf"$\displaystyle {self.latex()}$",
        }

    def __repr__(self) -> str:
        return f"Formula({self.source!r})"

    def __str__(self) -> str:
        return self.unicode()
