"""How long a formula is to a reader, and how far it is from a textbook's style."""

from __future__ import annotations

from typing import Any, NamedTuple

from diagrad.dimensions import is_scalar, is_vector
from diagrad.expression import Apply, Expression, Number, walk


def tokens(expression: Expression) -> int:
    """Names, numbers, operators and index letters, as a reader counts; brackets are free."""
    return sum(_own(node) for node in walk(expression))


def _own(node: Expression) -> int:
    if isinstance(node, Number):
        return (1 if node.value.denominator == 1 else 3) + (node.value < 0)
    if isinstance(node, Apply) and node.parameters:
        return 1 + sum(_parameter(p) for p in node.parameters)
    return 1


def _parameter(parameter: Any) -> int:
    if isinstance(parameter, str):
        return sum(c.isalpha() for c in parameter)
    return 0 if parameter is None else 1


class Price(NamedTuple):
    """What a reader stumbles over, in tokens, and why."""

    tokens: float
    why: str


# docs/style.md has the same table, and a test compares the two.
STYLE: dict[str, Price] = {
    "minus in front": Price(0.6, "ŷ − y is a difference, −(y − ŷ) a puzzle"),
    "minus in front of a sum": Price(0.3, "b − a reads better than −a + b"),
    "transposed name": Price(0.25, "xᵀ costs a look at the shape of x"),
    "transposed function": Price(0.2, "σ(z)ᵀ, likewise"),
    "transposed sum": Price(0.3, "softmax(A x + b)ᵀ, not softmax((A x + b)ᵀ)"),
    "transposed multiple": Price(1.0, "s Aᵀ, not (s A)ᵀ"),
    "transposed product": Price(2.5, "Bᵀ Aᵀ, not (A B)ᵀ"),
    "matrix of ones": Price(2.0, "a sum along an axis says what is meant"),
    "number added to a matrix": Price(3.5, "as a factor of a product, M + t is not algebra"),
    "number added to entries": Price(0.5, "1 − V ⊘ U is plainly meant entry by entry"),
    "sum of products": Price(1.5, "A v + B w, not the row sums of A ∘ vᵀ + B ∘ wᵀ"),
    "hidden symmetry": Price(8.0, "A S Aᵀ shows that a Hessian is symmetric"),
    "einsum": Price(50.0, "matrix notation, where there is one"),
}
PRODUCTS = ("@", "*", "/")


def price(name: str) -> float:
    return STYLE[name].tokens


def cost(expression: Expression) -> float:
    """Tokens plus style, in tokens: what a reader stumbles over costs as its price says."""
    return _inner_cost(expression) + (price("minus in front") if in_front(expression) else 0.0)


def in_front(expression: Expression) -> bool:
    """Whether a minus is the first that is read, as in −A B."""
    node = expression
    while isinstance(node, Apply) and node.operation.name in PRODUCTS:
        node = node.operands[0]
    return isinstance(node, Apply) and node.operation.name == "negate"


def _inner_cost(node: Expression) -> float:
    """The cost without its beginning, kept with the node, which never changes."""
    kept: float | None = node.__dict__.get("_cost")
    if kept is None:
        operands = node.operands if isinstance(node, Apply) else ()
        kept = _own(node) + _stumble(node) + sum(_inner_cost(operand) for operand in operands)
        node.__dict__["_cost"] = kept
    return kept


def _stumble(node: Expression) -> float:
    if not isinstance(node, Apply):
        return 0.0
    match node.operation.name:
        case "T":
            return price(_transposed(node.operands[0]))
        case "ones":
            return price("matrix of ones")
        case "@":
            return sum(_stretched_sum(operand) for operand in node.operands)
        case "einsum":
            return price("einsum")
        case "sum" if node.parameters != (None,):
            return price("sum of products") * _products_in_disguise(node.operands[0])
        case "+" | "-" if in_front(node.operands[0]):
            return price("minus in front of a sum")
    return 0.0


def _transposed(inner: Expression) -> str:
    """What is transposed, by the name of its price."""
    if not isinstance(inner, Apply):
        return "transposed name"
    if inner.operation.name == "@":
        return "transposed product"
    if inner.operation.name in ("+", "-") and is_vector(inner.shape):
        return "transposed sum"
    multiple = any(is_scalar(operand.shape) for operand in inner.operands)
    return "transposed multiple" if multiple else "transposed function"


def _stretched_sum(node: Expression) -> float:
    """A matrix plus a scalar, which no one writes as a factor of a matrix product, unless the
    matrix is plainly one of entries: 1 − H², 1 − V ⊘ U."""
    if not isinstance(node, Apply) or node.operation.name not in ("+", "-"):
        return 0.0
    if is_vector(node.shape) or not any(is_scalar(operand.shape) for operand in node.operands):
        return 0.0
    entries = any(_of_entries(operand) for operand in node.operands)
    return price("number added to entries" if entries else "number added to a matrix")


def _of_entries(node: Expression) -> bool:
    algebra = ("+", "-", "negate", "T")
    return (
        isinstance(node, Apply) and node.operation.entrywise and node.operation.name not in algebra
    )


def _products_in_disguise(node: Expression) -> int:
    """How many terms of a sum stretch a vector over a matrix: summed up along an axis, each is a
    matrix product."""
    if not isinstance(node, Apply):
        return 0
    match node.operation.name:
        case "T" | "negate":
            return _products_in_disguise(node.operands[0])
        case "+" | "-":
            return sum(map(_term_in_disguise, node.operands))
    return 0


def _term_in_disguise(node: Expression) -> int:
    if isinstance(node, Apply) and node.operation.name == "*":
        return len({operand.shape for operand in node.operands}) > 1
    return _products_in_disguise(node)
