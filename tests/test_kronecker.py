"""Results whose rows or columns run over several axes: which ⊗, vec and commutation they are.

That they are right is what `derive` checks by numbers; here it is that a reader would write so.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import diagrad as dg

VARIABLES = """
X: matrix[n, m]; A: matrix[p, n]; B: matrix[m, q]; C: matrix[n, n]; D: matrix[m, m]
x: column[n]; a: column[n]; r: row[n]; t: scalar
"""
# value, variable, ∂ vec value / ∂ vec variable
JACOBIANS = [
    ("A @ X @ B", "X", "kron(B.T, A)"),
    ("A @ X", "X", "kron(eye(m), A)"),
    ("X @ B", "X", "kron(B.T, eye(n))"),
    ("X.T", "X", "commutation(n, m)"),
    ("A @ X.T.T", "X", "kron(eye(m), A)"),
    ("X.T @ X", "X", "(eye(m*m) + commutation(m, m)) @ kron(eye(m), X.T)"),
    ("X @ X.T", "X", "(eye(n*n) + commutation(n, n)) @ kron(X, eye(n))"),
    ("C @ C", "C", "kron(C.T, eye(n)) + kron(eye(n), C)"),
    ("x @ a.T", "x", "kron(a, eye(n))"),
    ("x @ a.T", "a", "kron(eye(n), x)"),
    ("kron(x, a)", "x", "kron(eye(n), a)"),
    ("kron(x, x)", "x", "kron(eye(n), x) + kron(x, eye(n))"),
    ("vec(X)", "X", "eye(n*m)"),
    ("vec(A @ X)", "X", "kron(eye(m), A)"),
    ("commutation(n, m) @ vec(X)", "X", "commutation(n, m)"),
    ("sin(X)", "X", "diag(vec(cos(X)))"),
    ("C * C.T", "C", None),
    ("A @ (X * X)", "X", "2 * kron(eye(m), A) @ diag(vec(X))"),
    ("sum(X ** 2, axis=1)", "X", "2 * kron(ones(1, m), eye(n)) @ diag(vec(X))"),
    ("(x.T @ C @ x) * A", "x", "vec(A) @ x.T @ (C.T + C)"),
    ("t * A", "A", "t * eye(n*p)"),
    ("tanh(r @ X)", "X", "kron(diag(1 - tanh(r @ X) ** 2), r)"),
    ("trace(X @ X.T) * D", "X", "2 * vec(D) @ vec(X).T"),
    ("kron(A, X)", "X", None),
    ("kron(X, X)", "X", None),
]
# value, variable, second derivative in the vec layout
HESSIANS = [
    ("sum(exp(X))", "X", "diag(vec(exp(X)))"),
    ("sum((A @ X) ** 2)", "X", "2 * kron(eye(m), A.T @ A)"),
    ("trace(X.T @ C @ X @ D)", "X", "kron(D, C.T) + kron(D.T, C)"),
    ("sum(exp(A @ X))", "X", "kron(eye(m), A.T) @ diag(vec(exp(A @ X))) @ kron(eye(m), A)"),
    ("sum(exp(X @ B))", "X", "kron(B, eye(n)) @ diag(vec(exp(X @ B))) @ kron(B.T, eye(n))"),
    ("trace(C @ C)", "C", "2 * commutation(n, n)"),
]


@pytest.fixture(scope="module")
def problem() -> dg.Problem:
    return dg.parse(VARIABLES)


@pytest.mark.parametrize(("of", "wrt", "expected"), JACOBIANS, ids=[of for of, _, _ in JACOBIANS])
def test_a_jacobian_with_stacked_columns_is_written_by_kronecker_products(
    problem, of, wrt, expected
):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = problem.derive(of, wrt=wrt, layout="vec").result
    assert result.layout == "vec"
    assert "einsum" not in result.source
    if expected is not None:
        assert result.source == expected


@pytest.mark.parametrize(("of", "wrt", "expected"), HESSIANS, ids=[of for of, _, _ in HESSIANS])
def test_a_hessian_by_a_matrix_is_written_by_kronecker_products(problem, of, wrt, expected):
    assert problem.hessian(of, wrt=wrt).result.source == expected


def test_a_mixed_second_derivative_is_the_transpose_of_the_other(problem):
    one = problem.hessian("sum(exp(A @ X))", wrt=("A", "X")).result
    other = problem.hessian("sum(exp(A @ X))", wrt=("X", "A")).result
    rng = np.random.default_rng(0)
    values = {"A": rng.normal(size=(3, 4)), "X": rng.normal(size=(4, 5))}
    np.testing.assert_allclose(one.evaluate(**values), other.evaluate(**values).T, rtol=1e-12)


NETWORK = (Path(__file__).parents[1] / "examples" / "one_hidden_layer.dg").read_text("utf-8")
INNER = (
    "diag((yhat - y) @ W2.T * h * (1 - h) * (1 - 2 * h))"
    " + diag(h * (1 - h)) @ W2 @ (diag(yhat) - yhat.T @ yhat) @ W2.T @ diag(h * (1 - h))"
)
SECOND = [
    ("x", f"W1 @ ({INNER}) @ W1.T"),
    ("b1", INNER),
    ("W2", "kron(diag(yhat) - yhat.T @ yhat, h.T @ h)"),
    ("W1", f"kron({INNER.replace('(1 - h) * (1 - 2 * h)', '(1 - 2 * h) * (1 - h)')}, x.T @ x)"),
    (
        ("x", "W2"),
        "kron(W1 @ diag(h * (1 - h)) @ W2 @ (diag(yhat) - yhat.T @ yhat), h)"
        " + kron(yhat - y, W1 @ diag(h * (1 - h)))",
    ),
]


@pytest.mark.parametrize(("wrt", "expected"), SECOND, ids=[str(wrt) for wrt, _ in SECOND])
def test_the_hessians_of_the_network_are_symmetric_sandwiches(wrt, expected):
    assert dg.parse(NETWORK).hessian("J", wrt=wrt).result.source == expected


def test_hessians_of_a_batch_are_in_matrix_form():
    problem = dg.load(Path(__file__).parents[1] / "examples" / "batch.dg")
    for wrt in ("X", "W1", "W2", "b1", "b2", ("X", "W1")):
        result = problem.hessian("J", wrt=wrt).result
        assert "einsum" not in result.source, wrt


def test_what_no_kronecker_product_says_is_told_by_elements(problem):
    result = problem.derive("diag(x)", wrt="x").result
    assert (result.layout, str(result)) == ("tensor", "δᵢⱼ δᵢₖ")


def test_a_plain_axis_that_meets_a_composite_one_is_told_by_its_digits():
    problem = dg.parse("X: matrix[n, m]; c: column[n*m]; J = sum((vec(X) + c) ** 2) / 2")
    result = problem.derive("J", wrt="X").result
    rng = np.random.default_rng(1)
    X, c = rng.normal(size=(3, 4)), rng.normal(size=(12, 1))
    np.testing.assert_allclose(result.evaluate(X=X, c=c), X + c.reshape(4, 3).T, rtol=1e-12)


@pytest.mark.parametrize("power", [3, 4])
@pytest.mark.parametrize("layout", ["vec", "tensor"])
def test_a_power_of_a_sum_with_kron_is_multiplied_out_as_often_as_it_says(power, layout):
    problem = dg.parse("x: row[n]; W: matrix[m, k]")
    for wrt in ("x", "W"):
        assert problem.derive(f"(1 + kron(x, W)) ** {power}", wrt=wrt, layout=layout).result


@pytest.mark.parametrize("of", ["arctan(kron(x, W))", "(2 + kron(x, W) ** 2) ** -1"])
def test_what_divides_by_a_sum_with_kron_is_refused(of):
    with pytest.raises(dg.DerivationError, match="a tensor of more than two axes"):
        dg.parse("x: row[n]; W: matrix[m, k]").derive(of, wrt="x")
