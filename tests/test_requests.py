"""What may be asked, what is refused in which words, and that no request works without bound."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

import diagrad as dg
from diagrad.cli import main

NETWORK = """
x:  row[Dx]
W1: matrix[Dx, H];  b1: row[H]
W2: matrix[H, Dy];  b2: row[Dy]
y:  row[Dy] & onehot
h    = g(x @ W1 + b1)
yhat = softmax(h @ W2 + b2)
J    = -sum(y * log(yhat))
"""


@pytest.mark.parametrize(
    ("wrt", "expected"),
    [
        ("x", "((yhat - y) @ W2.T * prime(g)(x @ W1 + b1)) @ W1.T"),
        ("W1", "x.T @ ((yhat - y) @ W2.T * prime(g)(x @ W1 + b1))"),
        ("b1", "(yhat - y) @ W2.T * prime(g)(x @ W1 + b1)"),
        ("W2", "h.T @ (yhat - y)"),
        ("b2", "yhat - y"),
        ("h", "(yhat - y) @ W2.T"),
    ],
)
def test_an_unspecified_activation_keeps_its_prime(wrt, expected):
    assert dg.parse("g: elementwise" + NETWORK).derive("J", wrt=wrt).result.source == expected


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"wrt": "q"}, r"^'q' is not a variable or definition of the problem: x, A, f, J$"),
        ({"wrt": 3}, r"^wrt is a name, a pair or a list of names, not 3$"),
        ({"wrt": "x", "order": 3}, r"^order is 1 or 2, not 3$"),
        ({"wrt": "x", "order": 2.0}, r"^order is 1 or 2, not 2.0$"),
        ({"wrt": ("x", "A")}, r"^order 1 needs 1 variable, not \('x', 'A'\)$"),
        ({"wrt": "x", "layout": "wide"}, r"^unknown layout 'wide': there are auto, gradient"),
        (
            {"of": "f", "wrt": "A", "layout": "numerator"},
            r"^the layout numerator does not fit .* 1×n by n×n: there are vec, tensor$",
        ),
        ({"of": "f", "wrt": "x", "order": 2}, r"^a second derivative needs a scalar"),
        (
            {"wrt": "A", "structure": True},
            r"^a structured derivative is by a variable declared symmetric",
        ),
    ],
)
def test_an_impossible_request_says_why(request_, message):
    problem = dg.parse("x: row[n]; A: matrix[n, n]; f = x @ A; J = f @ x.T")
    with pytest.raises(dg.DerivationError, match=message):
        problem.derive(**{"of": "J", **request_})


def test_a_fact_that_puts_the_variable_on_a_kink_is_named():
    with pytest.raises(dg.DerivationError, match="what is declared of y puts it on a kink"):
        dg.parse("y: row[n] & onehot").derive("sum(relu(y) ** 2)", "y", order=2)


@pytest.mark.parametrize("of", ["pinv(B) @ (B * B)", "logsumexp(B.T @ pinv(B.T))"])
def test_a_pseudoinverse_of_labels_that_move_is_refused(of):
    problem = dg.parse("B: matrix[p, n] & onehot; c: scalar")
    with pytest.raises(
        dg.DerivationError, match="puts it where pinv may jump, as its rank changes"
    ):
        problem.derive(of, wrt="B")
    assert problem.derive(f"c * ({of})", wrt="c").result.source


def test_a_check_needs_a_point():
    derivation = dg.parse("x: row[n]").derive("sum(x)", "x")
    with pytest.raises(dg.DerivationError, match="at least 1 point, not 0"):
        derivation.verify(points=0)
    assert derivation.verify(points=1, seed=5).passed
    assert len({derivation, derivation}) == 1


@pytest.mark.parametrize("g", [lambda z: 1.0, lambda z: z[:, :1], lambda z: None])
def test_a_given_function_has_to_keep_the_shape(g):
    problem = dg.parse("g: elementwise; x: row[n]; J = sum(g(x))")
    with pytest.raises(dg.ProblemError, match="g has to map an array entry by entry"):
        problem.evaluate(x=np.ones(3), g=g)


def test_a_result_is_not_written_over_its_problem(tmp_path):
    file = tmp_path / "p.dg"
    file.write_text("x: row[n]; J = sum(x)")
    result = CliRunner().invoke(main, ["derive", str(file), "-o", str(file)])
    assert result.exit_code == 2 and "choose another file" in result.stderr
    assert file.read_text() == "x: row[n]; J = sum(x)"


@pytest.mark.parametrize(
    ("text", "of", "wrt", "unicode"),
    [
        ("x: row[n]", "x - mean(x)", "x", "I − 𝟏 𝟏ᵀ / n"),
        ("x: row[n]", "log_softmax(x)", "x", "I − 𝟏 softmax(x)"),
        ("A: matrix[n, n]; t: scalar", "trace((A + t) @ (A + t))", "A", "2 (t 𝟏 𝟏ᵀ + Aᵀ)"),
        ("A: matrix[m, n]; G: matrix[m, n]", "sum(G * tanh(A))", "A", "G ∘ (1 − tanh(A)∘²)"),
        ("sigma: scalar; x: row[n]; h = sigmoid(sigma * x)", "sum(h)", "x", "sigma h ∘ (1 − h)"),
    ],
)
def test_what_is_printed_is_true_as_matrix_algebra(text, of, wrt, unicode):
    assert dg.parse(text).derive(of, wrt).result.unicode() == unicode


NESTED = "x"
for _ in range(45):
    NESTED = f"({NESTED} * y + sum(y))"


@pytest.mark.parametrize(
    ("text", "of", "order"),
    [
        ("x: row[n]; y: row[n]", f"sum({NESTED})", 1),
        ("x: row[n]", "sum(" + "*".join(f"(1 + {k} * x)" for k in range(1, 30)) + ")", 2),
        ("x: row[n]", "sum(" + "+".join(f"sin({k} * x)" for k in range(1, 60)) + ")", 1),
        ("x: matrix[n, n]", "trace(" + "@".join("x" * 30) + ")", 1),
        ("x: row[n]", "tanh(" * 90 + "sum(x)" + ")" * 90, 1),
    ],
)
def test_a_large_request_ends_soon(text, of, order):
    """With a formula or with a refusal that says why."""
    wrt = "y" if "y:" in text else "x"
    try:
        derivation = dg.parse(text).derive(of, wrt=wrt, order=order)
        assert derivation.verification.passed
    except dg.DerivationError as refusal:
        assert "longer than the language reads" in str(refusal) or "a sum of" in str(refusal)
