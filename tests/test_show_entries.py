"""What a result by elements looks like: subscripts on the arrays, no label of a unit axis."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diagrad as dg
from diagrad import pages
from diagrad.dimensions import UNIT, is_scalar
from diagrad.evaluate import environment_from, evaluate
from diagrad.expression import Apply, Expression, Symbol, walk
from diagrad.language import read, read_expression
from diagrad.operations import OPERATORS, WORDS
from diagrad.operations.room import Operation
from diagrad.show import Names, printed
from diagrad.show.contraction import Contraction, by_elements
from diagrad.show.entries import Entry

SOURCE = read("""
u: row[n];  v: row[n];  c: column[m];  A: matrix[m, n];  B: matrix[m, n];  M: matrix[n, n]
h: row[H];  z1: row[H];  W2: matrix[H, Dy];  y: row[Dy];  yhat: row[Dy];  s: scalar
dJ_dh: row[H];  dJ_dz1: row[H];  dJ_dW2: matrix[H, Dy];  dyhat_dz1: matrix[Dy, H]
g: elementwise
""")
DERIVATIVES: dict[str, Any] = {
    "dJ_dh": ("J", "h"),
    "dJ_dz1": ("J", "z1"),
    "dJ_dW2": ("J", "W2"),
    "dyhat_dz1": ("yhat", "z1", 1),
}
NAMES = Names([*SOURCE.variables, "J"], derivatives=DERIVATIVES)


def shown(text: str, notation: str) -> str:
    return printed(read_expression(text, SOURCE), notation, NAMES)


UNIT_AXES = {
    'einsum("ai,ai->ai", u, v)': "uᵢ vᵢ",
    'einsum("ai,ai->a", u, v)': "Σᵢ uᵢ vᵢ",
    'einsum("ia,aj->ij", c, u)': "cᵢ uⱼ",
    'einsum("ia,ab->ib", c, ones(1, 1))': "cᵢ",
    'einsum("ab,i->abi", ones(1, 1), u)': "uᵢ",
    'einsum("ab->ab", ones(1, 1))': "1",
    'einsum("a,b,i->abi", ones(1, 1), s, u)': "s uᵢ",
    'einsum("ai->ai", u) + einsum("ib->ib", c)': "[uᵢ]ᵢ + [cᵢ]ᵢ",
}


@pytest.mark.parametrize(("source", "expected"), UNIT_AXES.items())
def test_labels_of_unit_axes_are_not_shown(source: str, expected: str) -> None:
    assert shown(source, "unicode") == expected
    assert shown(source, "source") == source


ENTRIES = {
    'einsum("j,j,ji->ji", h, 1 - h, eye(H))': "hⱼ (1 − hⱼ) δⱼᵢ",
    'einsum("j->j", exp(h))': "exp(hⱼ)",
    'einsum("j->j", prime(sigmoid)(z1))': "σ′((z₁)ⱼ)",
    'einsum("ij->ij", g(A) ** 2)': "g(Aᵢⱼ)²",
    'einsum("ij->ij", A.T)': "Aⱼᵢ",
    'einsum("ij->ij", A * B)': "Aᵢⱼ Bᵢⱼ",
    'einsum("ij->ij", A / B)': "Aᵢⱼ / Bᵢⱼ",
    'einsum("ij->ij", A / (1 + B))': "Aᵢⱼ / (1 + Bᵢⱼ)",
    'einsum("j->j", h ** 2)': "hⱼ²",
    'einsum("ij->ij", (A + u) * c - s)': "(Aᵢⱼ + uⱼ) cᵢ − s",
    'einsum("ij->ij", ones(m, n) - A)': "1 − Aᵢⱼ",
    'einsum("ij->ij", where(A > 0, A, -B))': "where(Aᵢⱼ > 0, Aᵢⱼ, −Bᵢⱼ)",
    'einsum("ij,j->i", diag(v), u)': "Σⱼ vᵢ δᵢⱼ uⱼ",
    'einsum("ij->ij", diag(v) @ M - u.T @ v)': "vᵢ Mᵢⱼ − uᵢ vⱼ",
    'einsum("ij->ij", A @ diag(exp(u)))': "Aᵢⱼ exp(uⱼ)",
    'einsum("ij,k->ijk", outer(u, v), u)': "uᵢ vⱼ uₖ",
    'einsum("j,k->jk", h @ W2, softmax(z1))': "(h W₂)ⱼ softmax(z₁)ₖ",
    'einsum("k,k,ki->ki", y, 1 / yhat, eye(Dy))': "yₖ δₖᵢ / ŷₖ",
    'einsum("i,j->ij", -u, 2 * v)': "−2 uᵢ vⱼ",
    'einsum("i,j->j", -u, v)': "−Σᵢ uᵢ vⱼ",
    '-einsum("i,j->j", -u, v)': "Σᵢ uᵢ vⱼ",
    'einsum("i,i->", u, v) - einsum("i,i->", -u, v)': "Σᵢ uᵢ vᵢ + Σᵢ uᵢ vᵢ",
    'einsum("i,j->j", u, v) - einsum("j,i->j", u, v)': "Σᵢ uᵢ vⱼ − Σᵢ uⱼ vᵢ",
    'einsum("ij,j->i", einsum("ij,jk->ik", A, M), u)': "Σⱼ (Σₖ Aᵢₖ Mₖⱼ) uⱼ",
    'einsum("i,j->ij", zeros(m, 1), zeros(n, 1))': "0",
    's * einsum("ij,j->i", A, u)': "s (Σⱼ Aᵢⱼ uⱼ)",
}


@pytest.mark.parametrize(("source", "expected"), ENTRIES.items())
def test_subscripts_stand_on_the_arrays(source: str, expected: str) -> None:
    assert shown(source, "unicode") == expected
    assert shown(source, "source") == source


SLOPES = {
    'einsum("j->j", dJ_dh)': ("∂J/∂hⱼ", r"\frac{\partial J}{\partial h_{j}}"),
    'einsum("aj,ij->i", dJ_dz1, W2.T)': (
        "Σⱼ ∂J/∂(z₁)ⱼ · (W₂)ⱼᵢ",
        r"\sum_{j} \frac{\partial J}{\partial \left(z_{1}\right)_{j}} \left(W_{2}\right)_{ji}",
    ),
    'einsum("ij->ij", dJ_dW2)': (
        "∂J/∂(W₂)ᵢⱼ",
        r"\frac{\partial J}{\partial \left(W_{2}\right)_{ij}}",
    ),
    'einsum("ij->ij", dyhat_dz1 ** 2)': (
        "(∂ŷᵢ/∂(z₁)ⱼ)²",
        r"\left(\frac{\partial \hat{y}_{i}}{\partial \left(z_{1}\right)_{j}}\right)^{2}",
    ),
}


@pytest.mark.parametrize(("source", "expected"), SLOPES.items())
def test_an_entry_of_a_derivative_has_its_subscripts_in_the_quotient(
    source: str, expected: tuple[str, str]
) -> None:
    assert (shown(source, "unicode"), shown(source, "latex")) == expected


def test_ascii_writes_entries_in_square_brackets() -> None:
    text = shown('einsum("j,j,ji->i", dJ_dh, h * (1 - h), eye(H))', "ascii")
    assert text == "sum_j dJ/dh[j] * h[j] * (1 - h[j]) * delta[j,i]"


def test_a_report_labels_no_unit_axis() -> None:
    problem = dg.parse("x: row[Dx];  W: matrix[Dx, H];  h = sigmoid(x @ W)")
    derivation = problem.derive("h", wrt="W", layout="tensor")
    assert (derivation.result.labels, derivation.result.shown_labels) == ("aijk", "ijk")
    assert "Result   ∂hᵢ/∂Wⱼₖ = δᵢₖ xⱼ hᵢ (1 − hᵢ) " in pages.text([derivation])
    latex = r"\frac{\partial h_{i}}{\partial W_{jk}} &= "
    assert latex in pages.latex([derivation])
    assert "Result   dh[i]/dW[j,k] = " in pages.text([derivation], ascii=True)


# Random einsums: their trees of entries have the value of the arrays.

SIZE = 3
RANDOM = np.random.default_rng(0)
GIVEN = {
    name: RANDOM.uniform(0.5, 2, [size.evaluate({"m": SIZE, "n": SIZE}) for size in d.shape])
    for name, d in SOURCE.variables.items()
    if name in ["u", "v", "c", "A", "B", "M", "s"]
}
ENVIRONMENT = environment_from(SOURCE, GIVEN, {*GIVEN, "m", "n"})


def call(operation: Operation, *operands: Expression, parameters: tuple[Any, ...] = ()) -> Apply:
    shape = operation.shape([operand.shape for operand in operands], parameters)
    return Apply(shape, operation, operands, parameters)


def symbol(name: str) -> Expression:
    return read_expression(name, SOURCE)


LEAVES = [
    "A",
    "B",
    "1",
    "s",
    "u",
    "c",
    "ones(m,n)",
    "c@u",
    "outer(c,u)",
    "A@M",
    "A@diag(v)",
    "diag(c)@B",
    "softmax(A)",
    "-A",
    "A.T.T",
]
SQUARE = ["M", "eye(n)", "diag(u)", "M.T", "u.T@v", "M@M"]
VECTORS = [
    "u",
    "v",
    "u.T",
    "exp(v)",
    "u@M",
    "-u",
    "ones(n,1)",
    "2*v",
    "diagonal(M)",
    "softmax(u)",
    "u/v",
    "sum(A,axis=0)",
]


@st.composite
def arrays(draw: st.DrawFn, depth: int = 3) -> Expression:
    """Broadcast shapes up to m×n."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return symbol(draw(st.sampled_from(LEAVES)))
    first, second = (draw(arrays(depth - 1)) for _ in range(2))
    choice = draw(
        st.sampled_from(["+", "-", "*", "/", "negate", "sigmoid", "where", "**", "einsum"])
    )
    match choice:
        case "negate" | "sigmoid":
            return call((OPERATORS | WORDS)[choice], first)
        case "where":
            return call(WORDS["where"], call(OPERATORS[">"], first, symbol("1")), first, second)
        case "**":
            return call(OPERATORS["**"], first, symbol("2"))
        case "/":
            second = call(OPERATORS["+"], symbol("1"), call(WORDS["sigmoid"], second))
        case "einsum":
            return call(WORDS["einsum"], full(first), full(second), parameters=("ij,ij->ij",))
    return call(OPERATORS[choice], first, second)


def full(operand: Expression) -> Expression:
    return call(OPERATORS["+"], operand, symbol("A")) if UNIT in operand.shape else operand


@st.composite
def einsums(draw: st.DrawFn) -> Apply:
    """Σ A, M, v with labels that do not repeat the shape's own order, a unit label among them."""
    A = full(draw(arrays()))
    M, v = (symbol(draw(st.sampled_from(kind))) for kind in (SQUARE, VECTORS))
    row = symbol(draw(st.sampled_from(["u", "exp(v)", "-u"])))
    output = draw(st.permutations("ijka").flatmap(lambda p: st.integers(0, 4).map(lambda n: p[:n])))
    spec = "ij,jk,k,ak->" + "".join(output)
    return call(WORDS["einsum"], A, M, v, row, parameters=(spec,))


def value(node: Expression, at: dict[str, int]) -> float:
    """A tree of entries at these values of its labels."""
    match node:
        case Contraction(body=body, bound=bound):
            places = product(range(SIZE), repeat=len(bound))
            return sum(value(body, at | dict(zip(bound, place, strict=True))) for place in places)
        case Entry(array=array, labels=labels):
            left = iter(labels)
            place = tuple(0 if size == UNIT else at[next(left)] for size in array.shape)
            return float(evaluate(array, ENVIRONMENT)[place])
        case Apply(operands=operands) if all(is_entry_or_scalar(part) for part in operands):
            parts = [np.full((1, 1), value(part, at)) for part in operands]
            return float(node.operation.evaluate(parts, node, {}).item())
    return float(evaluate(node, ENVIRONMENT).item())


def is_entry_or_scalar(node: Expression) -> bool:
    return isinstance(node, Contraction) or is_scalar(node.shape)


def unfolded(node: Expression) -> Expression:
    """The tree that Unicode prints, to the leaves."""
    node = by_elements(node, "unicode")
    match node:
        case Contraction():
            return replace(node, body=unfolded(node.body))
        case Apply() if all(is_entry_or_scalar(part) for part in node.operands):
            return replace(node, operands=tuple(unfolded(part) for part in node.operands))
    return node


def free_labels(node: Expression) -> str:
    while isinstance(node, Apply):
        (node,) = node.operands
    assert isinstance(node, Contraction)
    return node.free


@given(einsums())
@settings(deadline=None)
def test_an_einsum_printed_by_elements_has_the_value_of_its_entries(node: Apply) -> None:
    tree = unfolded(node)
    expected = np.squeeze(evaluate(node, ENVIRONMENT))
    free = free_labels(tree)
    assert "a" not in free
    for place in np.ndindex(expected.shape):
        found = value(tree, dict(zip(free, place, strict=True)))
        np.testing.assert_allclose(found, expected[place], rtol=1e-9, atol=1e-9)


@given(einsums())
@settings(deadline=None)
def test_an_einsum_by_elements_is_balanced_and_names_every_operand(node: Apply) -> None:
    text = printed(node, "unicode", NAMES)
    assert "ₐ" not in text
    assert "  " not in text
    used = {part.name for part in walk(node) if isinstance(part, Symbol)} - {"m", "n"}
    assert used <= set(re.findall("[a-zA-Z]", text))
    for notation in ("unicode", "ascii", "latex"):
        text = printed(node, notation, NAMES)
        assert text.isascii() or notation == "unicode"
        assert balanced(text)


def balanced(text: str) -> bool:
    opened: list[str] = []
    for c in text:
        if c in "([{":
            opened.append(c)
        elif c in ")]}" and (not opened or opened.pop() + c not in ("()", "[]", "{}")):
            return False
    return not opened
