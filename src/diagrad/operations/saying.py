"""How reasons speak: of entries, of what stretches, of the derivative that comes from above.

The entries of a matrix are i, j; those of a row or a column i, whichever way it lies; an operand
that stretches has the labels of the axes it has. Formulas in reasons are true by themselves: the
tests evaluate each of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from diagrad.dimensions import UNIT, Shape, Size, is_row, is_scalar, is_vector
from diagrad.expression import Expression, Number, Symbol, walk
from diagrad.operations.room import (
    SUBSCRIPT_LETTERS,
    Use,
    entry_text,
    in_brackets,
    is_atom,
)

Letters = tuple[str, str]


def bare(text: str) -> str:
    """(x − μ) as x − μ."""
    return text[1:-1] if text.startswith("(") and is_atom(text) and text.endswith(")") else text


def factor(text: str) -> str:
    """In brackets where it could not stand in a product."""
    return text if is_atom(text) else f"({text})"


def transposed(text: str) -> str:
    """Wᵀ of W, and W of Wᵀ; W⁻ᵀ of W⁻¹, and W⁻¹ of W⁻ᵀ."""
    for ending, other in (("⁻¹", "⁻ᵀ"), ("⁻ᵀ", "⁻¹")):
        if text.endswith(ending) and is_atom(text):
            return text.removesuffix(ending) + other
    return text[:-1] if is_transposed(text) else f"{in_brackets(text)}ᵀ"


def is_transposed(text: str) -> bool:
    return text.endswith("ᵀ") and is_atom(text) and not text.startswith("∂")


def letters(shape: Shape) -> Letters:
    """The letters of rows and columns."""
    return ("i", "i") if UNIT in shape else ("i", "j")


def labels(shape: Shape, at: Letters) -> str:
    """The labels of an entry: those of the axes that are longer than 1."""
    return "".join(letter for size, letter in zip(shape, at, strict=True) if size != UNIT)


def summed(over: str, body: str) -> str:
    """Σᵢⱼ body."""
    below = "".join(SUBSCRIPT_LETTERS[letter] for letter in over)
    return f"Σ{below} {body}" if over else body


def entry_of(text: str, shape: Shape, at: Letters) -> str:
    """An entry of a value of that shape: Wᵢⱼ, of Wᵀ the entry Wⱼᵢ; of a scalar the scalar."""
    below = labels(shape, at)
    if not below:
        return factor(text)
    if is_transposed(text):
        text, below = transposed(text), below[::-1]
    return entry_text(bare(text), below)


def of_value(use: Use, at: Letters | None = None) -> str:
    """An entry of the value."""
    return entry_of(use.value, use.node.shape, at or letters(use.node.shape))


def of_operand(use: Use, k: int, at: Letters | None = None) -> str:
    """An entry of operand k, labelled as that of the value."""
    return entry_of(use.operands[k], use.node.operands[k].shape, at or letters(use.node.shape))


def of_variable(use: Use, at: Letters | None = None) -> str:
    """An entry of the operand that the way goes on with: hᵢ, also of hᵀ; of a matrix as it stands,
    (Wᵀ)ᵢⱼ."""
    shape = use.node.operands[use.operand].shape
    below = labels(shape, at or letters(use.node.shape))
    if len(below) < 2:
        return of_operand(use, use.operand, at) if below else in_brackets(use.variable)
    return entry_text(bare(use.variable), below)


def from_above(use: Use, at: Letters | None = None) -> str:
    """An entry of the incoming derivative: ∂J/∂(z₂)ⱼ."""
    return above(use, labels(use.node.shape, at or letters(use.node.shape)))


def above(use: Use, below: str = "") -> str:
    """The incoming derivative, or its entry with these labels."""
    of, sign, by = use.incoming.partition("/∂")
    if not sign or not of.startswith("∂"):
        return entry_text(bare(use.incoming), below) if below else factor(use.incoming)
    return f"{of}/∂{entry_text(bare(by), below) if below else in_brackets(bare(by))}"


def above_times(use: Use) -> str:
    """The incoming derivative with a factor after it: (∂J/∂z₂) hᵀ."""
    text = above(use)
    return f"({text})" if text.startswith("∂") else text


def handed_on(use: Use, at: Letters | None = None) -> str:
    """An entry of the derivative that goes on: ∂J/∂hᵢ."""
    return onward(use, of_variable(use, at))


def onward(use: Use, entry: str) -> str:
    of, sign, _ = use.incoming.partition("/∂")
    return f"{of}/∂{entry}" if sign and of.startswith("∂") else f"the derivative by {entry}"


def stretched(use: Use) -> str:
    """The labels of the value that the operand of the way lacks, because it stretches there."""
    value, own = use.node.shape, use.node.operands[use.operand].shape
    pairs = zip(value, own, letters(value), strict=True)
    return "".join(letter for size, other, letter in pairs if size != other)


def is_constant(expression: Expression) -> bool:
    """A scalar made of numbers, sizes and π."""
    leaves = [e for e in walk(expression) if isinstance(e, Number | Symbol)]
    fixed = (isinstance(e, Number) or e.role in ("dimension", "constant") for e in leaves)
    return is_scalar(expression.shape) and all(fixed)


def free_letter(use: Use, letters: str) -> str:
    """The first of these letters that neither the problem nor the use has as a name."""
    spoken = use.taken | set("".join((*use.operands, use.value)))
    return next((letter for letter in letters if letter not in spoken), letters[0])


def changed(use: Use) -> str:
    """A small change of the operand that the way goes on with: dA; ΔA where d is a name."""
    return f"{sign_of_change(use)}{in_brackets(use.variable)}"


def sign_of_change(use: Use) -> str:
    """d; Δ where d is a name."""
    return "Δ" if "d" in use.taken else "d"


def held(use: Use) -> str:
    """Says that the other operands stay, where they contain what the way's operand is made of."""
    names = _names(use.node.operands[use.operand])
    for k, operand in enumerate(use.node.operands):
        if k != use.operand and names & _names(operand):
            other = "the other " if use.operands[k] == use.variable else ""
            return f"with {other}{use.operands[k]} held constant, "
    return ""


def _names(expression: Expression) -> set[str]:
    return {e.name for e in walk(expression) if isinstance(e, Symbol) and e.role != "dimension"}


def count(sizes: Iterable[Size], use: Use) -> str:
    """How many entries that many rows and columns make: N, or m n."""
    return use.size(prod(sizes, start=UNIT))


def one_to_one(use: Use, local: str, jacobian: str = "diagonal") -> str:
    """Where an entry of the operand reaches the entry of the value in its place, with the
    derivative `local`; one that stretches collects what it reaches. `jacobian` is what the Jacobian
    of vectors is."""
    own, value = of_variable(use), of_value(use)
    over = stretched(use)
    if over and not use.gradient:
        return f"{held(use)}{own} {_reach(use)}: ∂{value}/∂{own} = {local}"
    if over:
        collected = summed(over, f"{from_above(use)} · {factor(local)}")
        return f"{held(use)}{own} {_reach(use)}, so {handed_on(use)} = {collected}"
    derivative = f"∂{value}/∂{own} = {local}"
    if is_scalar(use.node.shape):
        return f"{held(use)}{derivative}"
    if is_vector(use.node.shape):
        return (
            f"{held(use)}{own} reaches {value} alone: {derivative}, "
            f"so the Jacobian is {jacobian} and multiplies entry by entry"
        )
    if not use.gradient:
        return f"{held(use)}{own} reaches {value} alone: {derivative}"
    return (
        f"{held(use)}{own} reaches {value} alone: {derivative}, "
        f"so {above(use)} is multiplied by it entry by entry"
    )


def _reach(use: Use) -> str:
    own = use.node.operands[use.operand].shape
    if is_scalar(own):
        return "reaches every entry"
    return "reaches all of column j" if is_row(own) else "reaches all of row i"
