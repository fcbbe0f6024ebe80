"""What every operation of the language says about itself.

One operation, one room: its name and what it takes, its shape, its form in index notation, its
local derivative with the sentence that explains it, its value by NumPy, how each notation prints
it, and an example. The parser, the printer, the evaluator, the catalogue in the documentation and
the generic tests all read the rooms; nothing else needs to know that an operation exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol
from unicodedata import combining

import numpy as np

from diagrad.dimensions import Shape, Size
from diagrad.expression import Apply, Expression
from diagrad.index.build import Indexed
from diagrad.index.term import Applied, Factor, Head, Sum

Array = np.ndarray[Any, np.dtype[Any]]

# How tightly a printed form binds, from loosest to tightest.
COMPARE, SUM, PRODUCT, CHAIN, SIGN, POWER, POSTFIX, ATOM = 10, 20, 30, 40, 50, 60, 70, 80
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Show(Protocol):
    """Writes a head as an expression, and says what is known of it."""

    def __call__(self, head: Head, row: int | None, column: int | None) -> Expression: ...

    def knows(self, head: Head, fact: str) -> bool: ...


class Form(NamedTuple):
    """How a notation prints an operation: a template with {0}, {1}, …, how tightly the whole binds,
    and how tightly each operand has to bind to stand there without brackets."""

    template: str
    binds: int = ATOM
    slots: tuple[int, ...] = ()


class Takes(NamedTuple):
    """What stands in the brackets of a call."""

    operands: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    axis: bool = False
    optional: int = 0
    subscripts: bool = False
    condition: bool = False


class Use(NamedTuple):
    """One use of an operation on the way from a value down to a variable: what a reason speaks of.

    `node` is the use and `operand` the position of the operand that the way goes on with. `value`
    is how the result is called ("z₂", or its formula), `operands` are those of the operands,
    `incoming` is the derivative that comes from above ("∂J/∂z₂"), all printed in Unicode. `size`
    prints a size with the user's names; `gradient` says that a scalar is differentiated; `taken`
    are the names of the problem, as they print, that a letter of a sentence must not be.
    """

    node: Apply
    operand: int
    value: str
    operands: tuple[str, ...]
    incoming: str
    size: Callable[[Size], str]
    gradient: bool = True
    taken: frozenset[str] = frozenset()

    @property
    def variable(self) -> str:
        """How the operand that the way goes on with is called."""
        return self.operands[self.operand]

    @property
    def others(self) -> tuple[str, ...]:
        """How the other operands are called."""
        return self.operands[: self.operand] + self.operands[self.operand + 1 :]

    @property
    def jacobian(self) -> str:
        """∂value/∂variable, printed."""
        return f"∂{in_brackets(self.value)}/∂{in_brackets(self.variable)}"

    def shape(self, shape: Shape) -> str:
        return "×".join(self.size(size) for size in shape)


SUBSCRIPT_LETTERS = dict(zip("aehijklmnoprstuvx", "ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
RAISED = frozenset("ᵀ⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SUBSCRIPTED = frozenset("₀₁₂₃₄₅₆₇₈₉ᵦᵧᵨᵩᵪ") | frozenset(SUBSCRIPT_LETTERS.values())


def is_name(text: str) -> bool:
    """A letter, a word, with a subscript or without; not the transpose or power of one."""
    letters = (c.isalnum() or c == "_" or combining(c) for c in text)
    return all(letters) and not RAISED & set(text)


def is_atom(text: str) -> bool:
    """What stands in a product without brackets: a name, a call, a power, a norm, (x − μ)ᵀ."""
    if is_norm(text):
        return True
    depth = 0
    for c in text:
        depth += (c in "([") - (c in ")]")
        if c == " " and depth == 0:
            return False
    return text[0] not in "−-"


def is_norm(text: str) -> bool:
    """‖x‖ or |x|, of nothing that has these signs within."""
    return len(text) > 2 and text[0] in "|‖" and text.find(text[0], 1) == len(text) - 1


def is_call(text: str) -> bool:
    """tanh(x), ∑(x), or anything in brackets."""
    word = text.partition("(")[0]
    return text.endswith(")") and is_atom(text) and (is_name(word) or len(word) == 1)


def in_brackets(text: str) -> str:
    """A printed expression as one symbol: in brackets unless it is a name, a call or a norm."""
    return text if is_name(text) or is_call(text) or is_norm(text) else f"({text})"


def entry_text(text: str, labels: str) -> str:
    """An entry in prose: hᵢ, (z₁)ᵢ, (W₂)ᵢⱼ, (x − μ)ᵢ, tanh(x)ᵢ; a name without labels is a
    scalar."""
    if not labels:
        return text
    below = "".join(SUBSCRIPT_LETTERS[letter] for letter in labels)
    return f"{text}{below}" if is_letter(text) or is_call(text) else f"({text}){below}"


def is_letter(text: str) -> bool:
    """One letter, to which labels can be put: also 𝟏, ŷ and ℓ; not Σ, which with labels is a sum,
    nor a word, whose last letter would have them."""
    letters = "".join(c for c in text if not combining(c)).removeprefix("d").removeprefix("Δ")
    return len(letters or text) == 1 and text[-1] not in SUBSCRIPTED and text != "Σ"


class ShapeError(ValueError):
    """Operands that do not fit. `{0}`, `{1}` in the message stand for one with its shape."""


class Operation:
    """Base of all rooms. Subclasses are stateless but for what tells two instances apart (see
    `identity`).

    `entrywise` says that the operation combines operands entry by entry, so that an operand may
    stretch; `facts` hold for all its values, and those it `keeps` where they hold for all operands;
    `curved` says that it is not linear, so that in a derivation an operand with a formula of
    its own deserves a name; `exact` that it moves or chooses entries, or counts, and rounds
    nothing; `flat` that it may give several entries one value, as relu does the
    negative ones; `reuses_value` that its derivative is written in its value, as that of
    σ is. `composite` says of other operations which composite axes (those of `vec` and `kron`) they
    take as they are: "any", "chain" where the columns of the first operand are composed as the rows
    of the second, "square" where rows are composed as columns, "factors" where the first operand
    is a Kronecker product of square matrices and chains with the second; "" for none.
    """

    name: str
    takes: Takes
    summary: str
    example: str
    because: str = ""
    rule: str = ""
    source: str = ""
    operator: ClassVar[bool] = False
    analytic: bool = True
    entrywise: bool = True
    facts: frozenset[str] = frozenset()
    keeps: frozenset[str] = frozenset()
    curved: bool = False
    flat: bool = False
    exact: bool = False
    composite: ClassVar[str] = ""

    @property
    def reuses_value(self) -> bool:
        return False

    @property
    def identity(self) -> tuple[Any, ...]:
        """Tells operations apart in the structural order; no address, no name a user chose."""
        return (self.name,)

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        """Shape of the value. Raises ShapeError."""
        raise NotImplementedError

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        """The value in index notation, entry by entry."""
        raise NotImplementedError

    def derivative(self, head: Applied, argument: int) -> Sum:
        """∂head/∂argument with the axes of the head, then those of the argument. Only operations
        whose index form keeps them as a head of their own have one; all others are sums of
        products, which need no rule."""
        raise NotImplementedError

    def simplified(self, head: Applied) -> Head | None:
        """A simpler head that is equal, or None."""
        return None

    def joined(self, head: Applied, other: Factor, argument: Head) -> Factor | None:
        """The head times another factor with the same labels, where that is one factor."""
        return None

    def complement(self, head: Applied) -> Head | None:
        """1 − head as one head, or None."""
        return None

    def written(self, head: Applied, row: int | None, column: int | None, show: Show) -> Expression:
        """The head as an expression whose rows run over its axis `row` and columns over `column`;
        `show` does the same for an argument. This is for operations entry by entry; the others have
        their own."""
        arguments = [show(argument, row, column) for argument in head.arguments]
        return applied(self, arguments)

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        """The value by NumPy. Every array has two last axes, rows and columns; axes before them are
        a batch.

        Where `analytic`, complex arrays are mapped by the analytic continuation.
        """
        raise NotImplementedError

    def says(self, use: Use) -> str:
        """Why the derivative through this use is what it is: a sentence a tutor would say, in
        Unicode, with the names and shapes of the use. Nothing where it goes without saying."""
        return self.because

    def moves(self, use: Use) -> str:
        """How a change of the operand moves the value, for the route by differentials: likewise a
        sentence. What is linear needs none, for its differential is written like the value."""
        return self.says(use) if self.curved else ""

    def rule_of(self, use: Use) -> str:
        """The name of the rule by which this use is differentiated: a noun phrase."""
        return self.rule or self.name

    def form(self, notation: str, node: Apply) -> Form | None:
        """How a notation ("source", "unicode", "ascii", "latex") prints it; None for a call. In
        MathML and Typst it looks as in LaTeX."""
        return None


def applied(
    operation: Operation, operands: Sequence[Expression], parameters: tuple[Any, ...] = ()
) -> Apply:
    """The operation on these operands, with the shape its room gives. Raises ShapeError."""
    shape = operation.shape([operand.shape for operand in operands], parameters)
    return Apply(shape, operation, tuple(operands), parameters)


def same_axes(operands: Sequence[Indexed]) -> tuple[tuple[Size, ...], tuple[Size, ...]]:
    """Row and column axes of values combined entry by entry, where a unit axis stretches."""
    rows: tuple[Size, ...] = next((a.rows for a in operands if a.rows), ())
    columns: tuple[Size, ...] = next((a.columns for a in operands if a.columns), ())
    return rows, columns


def together(shapes: Sequence[Shape], verb: str) -> Shape:
    """The broadcast shape of operands combined entry by entry. Raises ShapeError with the sizes
    that differ."""
    shape = shapes[0]
    for k, other in enumerate(shapes[1:], 1):
        for axis, (a, b) in enumerate(zip(shape, other, strict=True)):
            if a != b and a.number != 1 and b.number != 1:
                what = ("rows", "columns")[axis]
                raise ShapeError(
                    f"cannot {verb} {{0}} and {{{k}}} entry by entry: "
                    f"{a} {what} do not fit {b} {what}"
                )
        shape = tuple(b if a.number == 1 else a for a, b in zip(shape, other, strict=True))
    return shape


def need_square(shape: Shape, name: str) -> None:
    if shape[0] != shape[1]:
        raise ShapeError(f"{name} needs a square matrix, not {{0}}")


def entry(operand: Indexed, i: Any, j: Any) -> Any:
    """The entry at row labels i and column labels j; an operand stretches along unit axes."""
    return operand.tensor[i if operand.rows else (), j if operand.columns else ()]
