"""Derivatives by matrices whose entries are tied: symmetric, diagonal, triangular."""

from __future__ import annotations

import numpy as np
import pytest

import diagrad as dg
from diagrad.derivation import truth
from diagrad.errors import DerivationError

VARIABLES = """
S: matrix[n, n] & spd; B: matrix[n, n] & symmetric; D: matrix[n, n] & diagonal
L: matrix[n, n] & lower; U: matrix[n, n] & upper; A: matrix[n, n]; x: column[n]
"""
RESULTS = [
    ("logdet(S)", "S", "2 * inv(S) - diag(diagonal(inv(S)))"),
    ("trace(A @ S)", "S", "A + A.T - diag(diagonal(A))"),
    ("x.T @ S @ x", "S", "2 * x @ x.T - diag(x ** 2)"),
    ("norm(B)", "B", "(2 * B - diag(diagonal(B))) / norm(B)"),
    ("trace(A @ D)", "D", "diag(diagonal(A))"),
    ("x.T @ D @ x", "D", "diag(x ** 2)"),
    ("logdet(L)", "L", "tril(inv(L).T)"),
    ("trace(A @ U)", "U", "tril(A).T"),
]


@pytest.fixture(scope="module")
def problem() -> dg.Problem:
    return dg.parse(VARIABLES)


@pytest.mark.parametrize(("of", "wrt", "expected"), RESULTS, ids=[of for of, _, _ in RESULTS])
def test_the_structured_gradient_is_as_the_books_have_it(problem, of, wrt, expected):
    derivation = problem.derive(of, wrt=wrt, structure=True)
    assert derivation.result.source == expected
    assert derivation.verification.passed


@pytest.mark.parametrize(("of", "wrt", "expected"), RESULTS, ids=[of for of, _, _ in RESULTS])
def test_every_step_to_it_is_true(problem, of, wrt, expected):
    derivation = problem.derive(of, wrt=wrt, structure=True)
    source = derivation.telling.last.book.source
    for route in ("jacobian", "elements", "differential"):
        steps = derivation.steps_by(route)
        assert sum(truth.check(source, step) for step in steps) > 0
        assert steps[-1].after.source == expected


def test_without_asking_the_entries_move_one_by_one(problem):
    assert problem.derive("trace(A @ S)", wrt="S").result.source == "A.T"


def test_a_structured_gradient_is_the_slope_along_a_symmetric_change(problem):
    result = problem.derive("trace(A @ B @ B)", wrt="B", structure=True).result
    rng, h = np.random.default_rng(0), 1e-6
    A, B = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    B = B + B.T
    change = np.zeros((3, 3))
    change[0, 2] = change[2, 0] = 1
    slope = (np.trace(A @ (B + h * change) @ (B + h * change)) - np.trace(A @ B @ B)) / h
    assert result.evaluate(A=A, B=B)[0, 2] == pytest.approx(slope, rel=1e-4)


def test_second_derivatives_and_jacobians_are_tied_too(problem):
    assert problem.derive("trace(B @ B)", wrt="B", order=2, structure=True).verification.passed
    jacobian = problem.derive("D @ x", wrt="D", structure=True)
    assert jacobian.verification.passed


def test_a_variable_that_is_not_tied_is_refused(problem):
    with pytest.raises(DerivationError, match="declared symmetric, spd, diagonal, lower or upper"):
        problem.derive("trace(A)", wrt="A", structure=True)
