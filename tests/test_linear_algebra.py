"""Inverses, determinants and factors: the results that books print, and what is singular."""

from __future__ import annotations

import numpy as np
import pytest

import diagrad as dg
from diagrad.errors import DerivationError, ProblemError
from diagrad.operations.linear_algebra import each

NAMES = """
X: matrix[n, n]; A: matrix[n, n]; B: matrix[n, n]; T: matrix[m, n]; C: matrix[k, k]
a: column[n]; b: column[n]; x: row[n]; s: scalar; w: column[n] & positive
S: matrix[n, n] & spd; Q: matrix[n, n] & orthogonal; G: matrix[n, n]; y: column[m]
F = A @ X @ B
L = cholesky(S)
P = T @ inv(T.T @ T) @ T.T
"""
# What is differentiated, by what, and the formula; K. B. Petersen and M. S. Pedersen, The Matrix
# Cookbook, sections 2.1 to 2.5 and 8.1, has most of them.
BOOK = [
    ("det(X)", "X", "det(X) X⁻ᵀ"),
    ("det(A @ X)", "X", "det(A X) X⁻ᵀ"),
    ("det(A @ X @ B)", "X", "det(F) X⁻ᵀ"),
    ("det(X @ X @ X)", "X", "3 det(X X X) X⁻ᵀ"),
    ("det(T @ T.T)", "T", "2 det(T Tᵀ) (T Tᵀ)⁻¹ T"),
    ("det(s * X)", "X", "det(s X) X⁻ᵀ"),
    ("det(inv(X))", "X", "−X⁻ᵀ / det(X)"),
    ("logdet(X)", "X", "X⁻ᵀ"),
    ("logdet(F)", "X", "X⁻ᵀ"),
    ("logdet(X.T @ X)", "X", "2 X⁻ᵀ"),
    ("logdet(T @ T.T)", "T", "2 (T Tᵀ)⁻¹ T"),
    ("logdet(s * X)", "s", "n / s"),
    ("logdet(kron(C, X))", "X", "k X⁻ᵀ"),
    ("logdet(A @ diag(w) @ inv(A))", "w", "1 ⊘ w"),
    ("logdet(A @ diag(w) @ inv(A))", "A", "zeros(n, n)"),
    ("logdet(s * eye(n) + a @ a.T)", "a", "2 a / (s + ∑(a∘²))"),
    ("log(det(X) ** 2)", "X", "2 X⁻ᵀ"),
    ("trace(inv(X) @ A)", "X", "(−X⁻¹ A X⁻¹)ᵀ"),
    ("trace(inv(X + A))", "X", "−(A + X)⁻ᵀ (A + X)⁻ᵀ"),
    ("a.T @ inv(X) @ b", "X", "−X⁻ᵀ a bᵀ X⁻ᵀ"),
    ("a.T @ inv(S) @ a + logdet(S)", "S", "S⁻¹ − S⁻¹ a aᵀ S⁻¹"),
    ("a.T @ inv(Q) @ b", "Q", "−Q a bᵀ Q"),
    ("a.T @ solve(S, a)", "a", "2 S⁻¹ a"),
    ("inv(X) @ X @ a", "a", "I"),
    ("sum(log(diagonal(L)))", "S", "S⁻¹ / 2"),
    ("norm(inv(L) @ a) ** 2", "a", "2 S⁻¹ a"),
    ("norm(inv(L) @ a) ** 2", "S", "−S⁻¹ a aᵀ S⁻¹"),
    ("norm(y - P @ y) ** 2", "y", "2 (y − P y)"),
    ("sum(G * tril(X))", "X", "tril(G)"),
]


@pytest.fixture(scope="module")
def problem():
    return dg.parse(NAMES)


@pytest.mark.parametrize(("of", "wrt", "formula"), BOOK, ids=[f"{f} by {x}" for f, x, _ in BOOK])
def test_the_result_is_that_of_the_books(problem, of, wrt, formula):
    assert problem.derive(of, wrt).result.unicode() == formula


def test_a_second_derivative_of_a_log_determinant_is_that_of_its_barrier():
    problem = dg.parse("A: matrix[n, n] & spd; x: column[n]")
    hessian = problem.derive("-logdet(A + diag(x))", "x", order=2).result
    assert hessian.unicode() == "((diag(x) + A)⁻¹)∘²"


def test_inverses_have_signs_of_their_own(problem):
    formula = problem.formula("inv(A @ X).T + T.T @ pinv(T).T + logdet(X) * inv(A)")
    assert formula.unicode() == "(A X)⁻ᵀ + Tᵀ (T⁺)ᵀ + log|X| A⁻¹"
    assert r"\left(A X\right)^{-\top}" in formula.latex()
    assert r"\log\left|X\right|" in formula.latex()
    assert formula.source == "inv(A @ X).T + T.T @ pinv(T).T + logdet(X) * inv(A)"


def test_a_singular_matrix_has_no_inverse_and_spoils_no_other_of_its_batch():
    problem = dg.parse("X: matrix[n, n]; b: column[n]; V = inv(X); c = solve(X, b); d = det(X)")
    values = problem.evaluate(X=[[1, 2], [2, 4]], b=[[1], [1]])
    assert np.isnan(values["V"]).all() and np.isnan(values["c"]).all()
    assert values["d"] == pytest.approx(0)
    both = each(np.linalg.inv, np.array([[[1.0, 2], [2, 4]], [[2.0, 0], [0, 4]]]))
    assert np.isnan(both[0]).all() and np.allclose(both[1], [[0.5, 0], [0, 0.25]])


def test_what_has_no_cholesky_factor_has_no_derivative():
    problem = dg.parse("x: row[n]; J = sum(cholesky(-x.T @ x - eye(n)))")
    with pytest.raises(DerivationError, match="no finite value"):
        problem.derive("J", "x")


@pytest.mark.parametrize("word", ["inv", "det", "logdet", "cholesky", "tril"])
def test_a_matrix_that_is_not_square_is_refused(word):
    with pytest.raises(ProblemError, match=rf"{word} needs a square matrix, not T \(m×n\)"):
        dg.parse(f"T: matrix[m, n]; V = {word}(T)")


def test_an_equation_whose_sides_do_not_fit_is_refused():
    message = "solve needs as many rows on the right as A .n×n. has, n; b .m×1. has m"
    with pytest.raises(ProblemError, match=message):
        dg.parse("A: matrix[n, n]; b: column[m]; x = solve(A, b)")
