"""Derivatives of the largest and the smallest entry: what is printed says what is meant."""

from __future__ import annotations

import numpy as np
import pytest

import diagrad as dg

VARIABLES = "S: matrix[n, c]; t: row[n]; x: row[m]; A: matrix[n, m]; k: scalar"
# Where entries are equal by their formula, and where another form of it would round otherwise.
CASES = [
    ("min(S @ S.T)", "S"),
    ("max(t.T @ t)", "t"),
    ("max(ones(n, 1) @ x)", "x"),
    ("min(S @ S.T, axis=1)", "S"),
    ("max(kron(S @ S.T, relu(k)))", "S"),
    ("sum(max(A, axis=1) ** 2)", "A"),
    ("max(A * A)", "A"),
    ("sum(min(k ** 2 + relu(A), axis=0) * x)", "k"),
    ("sum(min(k ** 2 + relu(A), axis=0) * x)", "A"),
    ("max(relu(A @ x.T))", "A"),
]


@pytest.mark.parametrize(("of", "wrt"), CASES, ids=[of for of, _ in CASES])
def test_the_source_read_as_the_language_says_has_the_value_of_the_formula(of, wrt):
    derivation = dg.parse(VARIABLES).derive(of, wrt=wrt)
    assert derivation.result.latex().count("{") == derivation.result.latex().count("}")
    rng, sizes = np.random.default_rng(1), {"n": 4, "c": 3, "m": 5}
    variables = derivation.problem.source.variables
    point = {
        name: rng.normal(size=[size.evaluate(sizes) for size in declared.shape])
        for name, declared in variables.items()
    }
    again = dg.parse(f"{VARIABLES}\nG = {derivation.result.source}").evaluate(**point)["G"]
    np.testing.assert_allclose(again, derivation.result.evaluate(**point), rtol=1e-12)


def test_a_name_is_compared_with_the_name_of_its_maximum():
    problem = dg.parse("x: row[n]; J = max(x)")
    assert problem.derive("J", wrt="x").result.source == "where(x == J, 1, 0)"
