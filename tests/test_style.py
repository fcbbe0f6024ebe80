"""The form of a result: what a reader stumbles over has a price, and the cheaper form wins."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

import diagrad as dg
from diagrad.matrix.cost import STYLE, cost, tokens
from diagrad.matrix.signs import negated

PAGE = Path(__file__).parent.parent / "docs" / "style.md"
PROBLEM = dg.parse(
    "A: matrix[m, n]; B: matrix[n, m]; S: matrix[n, n]; x: column[n]; y: column[n]; r: row[n]; "
    "s: scalar; v: column[m]"
)

# The price, and two forms of one value of which a reader prefers the first.
BETTER = [
    ("minus in front", "(x - y) * s", "-(y - x) * s"),
    ("minus in front of a sum", "x - y", "-y + x"),
    ("transposed name", "exp(r)", "exp(r.T).T"),
    ("transposed function", "r @ exp(S)", "(exp(S).T @ r.T).T"),
    ("transposed sum", "exp(x + y).T", "exp((x + y).T)"),
    ("transposed multiple", "s * A.T", "(s * A).T"),
    ("transposed product", "B.T @ A.T", "(A @ B).T"),
    ("matrix of ones", "sum(A, axis=0)", "ones(1, m) @ A"),
    ("number added to a matrix", "A @ x + s * sum(x)", "(A + s) @ x"),
    ("number added to entries", "(1 - exp(B)) @ v", "sum(v) - exp(B) @ v"),
    ("sum of products", "A @ x + exp(A) @ y", "sum(A * x.T + exp(A) * y.T, axis=1)"),
    ("einsum", "A @ B", "einsum('ij,jk->ik', A, B)"),
]
# A product, and how it is written with a minus.
NEGATED = [
    ("(x - y) * s", "(y - x) * s"),
    ("A @ (x - y)", "A @ (y - x)"),
    ("sum(x - y) * r", "sum(y - x) * r"),
    ("exp(x - y) * s", "-exp(x - y) * s"),
    ("(x - y) @ (x - y).T", "-(x - y) @ (x - y).T"),
    ("x * (1 - y)", "-x * (1 - y)"),
    ("(1 - n) * x", "(n - 1) * x"),
    ("A @ (S - eye(n))", "-A @ (S - eye(n))"),
    ("(x - y) ** 2", "-(x - y) ** 2"),
]
# What it is: what is differentiated, by what, → the formula; below it the problem.
FORMS = """
layer normalisation: sum(c * y) by x → (g * c - mean(xh * g * c) * xh - mean(g * c)) / sqrt(e + v)
    x: row[n]; g: row[n]; b: row[n]; c: row[n]; e: scalar & positive
    mu = mean(x)
    v = mean((x - mu) ** 2)
    xh = (x - mu) / sqrt(v + e)
    y = g * xh + b
batch normalisation: sum(C * Y) by X → \
g * (C - mean(C, axis=0) - mean(Xh * C, axis=0) * Xh) / sqrt(e + v)
    X: matrix[N, D]; g: row[D]; b: row[D]; C: matrix[N, D]; e: scalar & positive
    mu = mean(X, axis=0)
    v = mean((X - mu) ** 2, axis=0)
    Xh = (X - mu) / sqrt(v + e)
    Y = g * Xh + b
root mean square normalisation: sum(C * Y) by X → (g * C - mean(Y * C, axis=1) * Xh) / r
    X: matrix[N, D]; g: row[D]; C: matrix[N, D]; e: scalar & positive
    r = sqrt(mean(X ** 2, axis=1) + e)
    Xh = X / r
    Y = Xh * g
standard scores: sum(c * z ** 3) by x → \
3 * (z ** 2 * c - mean(z ** 3 * c) * z - mean(z ** 2 * c)) / s
    x: row[n]; c: row[n]
    m = mean(x)
    s = sqrt(mean((x - m) ** 2))
    z = (x - m) / s
unit rows: sum(C * U) by X → (C - sum(U * C, axis=1) * U) / norm(X, axis=1)
    X: matrix[N, D]; C: matrix[N, D]
    U = X / norm(X, axis=1)
the Hessian of a length: norm(A @ x - b) by x twice → \
A.T @ (eye(m) / norm(A @ x - b) - (A @ x - b) @ (A @ x - b).T / norm(A @ x - b) ** 3) @ A
    A: matrix[m, n]; x: column[n]; b: column[m]
a Gaussian kernel: k by x twice → k * ((x - c) @ (x - c).T / s ** 2 - eye(n)) / s ** 2
    x: column[n]; c: column[n]; s: scalar & positive
    k = exp(-norm(x - c) ** 2 / (2 * s ** 2))
the Hessian of a robust loss: sum(sqrt(1 + r ** 2)) by w twice → \
X.T @ diag(1 / (1 + r ** 2) ** (3 / 2)) @ X
    X: matrix[N, D]; w: column[D]; y: column[N]
    r = X @ w - y
a binary cross-entropy: -sum(y * log(p) + (1 - y) * log(1 - p)) by p → (p - y) / (p * (1 - p))
    y: row[n]; p: row[n] & prob
an inverse Gaussian: sum((y - m) ** 2 / (m ** 2 * y)) by m → 2 * (m - y) / m ** 3
    y: column[n] & positive; m: column[n] & positive
a leaky unit: sum(c * where(x > 0, x, a * x)) by x → where(x > 0, c, a * c)
    x: row[n]; c: row[n]; a: scalar
a swish layer: -sum(y * log(p)) by W → \
x.T @ (sigmoid(z) * ((p - y) @ V.T * (1 + z * sigmoid(-z))))
    x: row[n]; W: matrix[n, m]; y: row[k] & onehot; V: matrix[m, k]
    z = x @ W
    p = softmax((z * sigmoid(z)) @ V)
the bias of a hidden layer twice: -sum(y * log(p)) by b twice → \
diag((p - y) @ V.T * h * (1 - h) * (1 - 2 * h)) + \
diag(h * (1 - h)) @ V @ (diag(p) - p.T @ p) @ V.T @ diag(h * (1 - h))
    x: row[n]; W: matrix[n, m]; b: row[m]; y: row[k] & onehot; V: matrix[m, k]
    h = sigmoid(x @ W + b)
    p = softmax(h @ V)
its input and its bias: -sum(y * log(p)) by x and b → \
W @ (diag((p - y) @ V.T * (1 - 2 * h)) + diag(h * (1 - h)) @ V @ (diag(p) - p.T @ p) @ V.T) \
@ diag(h * (1 - h))
    x: row[n]; W: matrix[n, m]; b: row[m]; y: row[k] & onehot; V: matrix[m, k]
    h = sigmoid(x @ W + b)
    p = softmax(h @ V)
a symmetric function of a Gram matrix: sum(exp(X @ X.T)) by X → 2 * exp(X @ X.T) @ X
    X: matrix[n, d]
"""
ENTRY = re.compile(
    r"^(\S.*?): (.+) by (\w+)(?: and (\w+))?( twice)?(?: \((\w+)\))? → (.+)\n((?:    .*\n)+)",
    re.MULTILINE,
)
CASES = {
    name: (dedent(text), of, (x, y) if y else x, 2 if y or twice else 1, layout or "auto", formula)
    for name, of, x, y, twice, layout, formula, text in ENTRY.findall(FORMS)
}


def test_the_page_on_style_has_the_prices():
    rows = re.findall(r"^\| (\S.*?) \| ([\d.]+) \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {name: (float(tokens), why) for name, tokens, why in rows} == STYLE


def test_every_price_has_a_pair_of_forms():
    assert [name for name, _, _ in BETTER] == [name for name in STYLE if name != "hidden symmetry"]


@pytest.mark.parametrize(("name", "better", "worse"), BETTER)
def test_a_reader_prefers_the_cheaper_form(name, better, worse):
    first, second = PROBLEM.expression(better), PROBLEM.expression(worse)
    assert cost(first) < cost(second)
    charged = max(cost(form) - tokens(form) for form in (first, second))
    assert charged >= STYLE[name].tokens - 1e-9


@pytest.mark.parametrize(("product", "expected"), NEGATED)
def test_a_minus_turns_a_difference_that_may_be_turned(product, expected):
    assert negated(PROBLEM.expression(product)) == PROBLEM.expression(expected)


def test_every_form_of_the_table_is_read():
    assert len(CASES) == FORMS.count(" → ")


@pytest.mark.parametrize("name", CASES)
def test_the_form_is_that_of_a_textbook(name):
    text, of, wrt, order, layout, formula = CASES[name]
    assert dg.parse(text).derive(of, wrt, order, layout).result.source == formula


def test_a_case_distinction_prints_as_cases():
    problem = dg.parse("x: row[n]; a: scalar; b: scalar")
    result = problem.derive("sum(where(x > b, exp(x), a * x))", "x").result
    assert result.unicode() == "where(x > b, exp(x), a)"
    assert result.latex() == (
        r"\begin{cases} \exp\left(x\right) & \text{if } x > b \\ a & \text{otherwise} \end{cases}"
    )


def test_an_indicator_prints_as_one():
    problem = dg.parse("x: row[n]; a: scalar; b: scalar")
    result = problem.derive("sum(where(x > b, x, a))", "x").result
    assert result.unicode() == "𝟙[x > b]"
    assert result.latex() == r"\mathbb{1}\left[x > b\right]"
