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


# What has equal entries by its formula, though no fact says so.
TIES = [
    ("T: matrix[n, n] & spd; k: scalar", "min(inv(T) @ (T @ T.T + (1 + k**2) * eye(n)))", "k"),
    ("V: matrix[n, n] & spd; k: scalar", "min(V @ inv(V @ V.T + exp(k) * eye(n)).T)", "k"),
    ("E: matrix[n, n]", "min(E @ E.T)", "E"),
    ("E: matrix[n, n]; B: matrix[n, n] & spd", "min((E @ B @ E.T) @ (E @ B @ E.T))", "E"),
    ("A: matrix[n, n]; b: scalar & prob", "max((A - A.T) ** 2 * b)", "A"),
    ("A: matrix[n, n]", "max(kron(A, A))", "A"),
    ("A: matrix[n, n]; b: scalar", "sum(max(b * kron(A, A), axis=0))", "b"),
    ("x: row[n]; b: scalar", "min(exp(diag(x ** 2) + b))", "b"),
    ("x: row[n]; y: row[n]", "sum(min(diag(x ** 2) - y ** 2, axis=0))", "y"),
    ("L: matrix[n, n] & lower; b: scalar", "max(b - L ** 2)", "b"),
    ("p: row[2]", "max((p - mean(p)) ** 2)", "p"),
]


@pytest.mark.parametrize(("variables", "of", "wrt"), TIES, ids=[of for _, of, _ in TIES])
def test_entries_that_are_equal_by_their_formula_count_once(variables, of, wrt):
    """By NumPy's `==`, for which rounding tells apart some of what is equal."""
    problem = dg.parse(f"{variables}; J = {of}")
    source = problem.derive("J", wrt=wrt).result.source
    for seed in range(6):
        point = drawn(problem, seed)
        got = evaluated(source, point | {"J": problem.evaluate(**point)["J"]})
        np.testing.assert_allclose(got, slopes(problem, point, wrt), rtol=1e-5, atol=1e-6)


def drawn(problem, seed):
    rng, n = np.random.default_rng(seed), 3
    point = {}
    for name, declared in problem.source.variables.items():
        array = rng.normal(size=[size.evaluate({"n": n}) for size in declared.shape])
        if "spd" in declared.facts:
            array = array @ array.T + np.eye(n)
        point[name] = np.tril(array) if "lower" in declared.facts else array
        point[name] = rng.uniform(0.1, 0.9, (1, 1)) if "prob" in declared.facts else point[name]
    return point


def slopes(problem, point, wrt):
    x, step = point[wrt], 1e-6
    found = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        moved = np.zeros(x.shape)
        moved[at] = step
        up, down = (
            problem.evaluate(**point | {wrt: x + sign * moved})["J"].item() for sign in (1, -1)
        )
        found[at] = (up - down) / (2 * step)
    return found


def evaluated(source, point):
    words = {"inv": np.linalg.inv, "eye": np.eye, "exp": np.exp, "where": np.where, "n": 3}
    words |= {"kron": np.kron, "ones": lambda *shape: np.ones(shape)}
    words |= {"diag": lambda x: np.diag(x.ravel())}
    words |= {name: reduced(name) for name in ("max", "min", "sum", "mean")}
    return eval(source, {"__builtins__": {}}, words | point)


def reduced(name):
    return lambda a, axis=None: getattr(np, name)(a, axis=axis, keepdims=True)


@pytest.mark.parametrize(
    ("variables", "of"),
    [
        ("A: matrix[n, n]; B: matrix[n, n]", "max(A @ B)"),
        ("A: matrix[m, n]; b: row[n]", "max(A * b + b)"),
        ("A: matrix[m, n]", "logsumexp(A - max(A, axis=1))"),
        ("A: matrix[m, n]", "sum(max(exp(A @ A.T), axis=1))"),
        ("A: row[n]", "max(exp(A) / (1 + A ** 2))"),
    ],
)
def test_what_has_no_equal_entries_is_written_without_their_number(variables, of):
    assert "/ sum(where" not in dg.parse(variables).derive(of, wrt="A").result.source


def test_entries_of_a_symmetric_variable_that_move_alone_start_on_a_kink():
    problem = dg.parse("S: matrix[n, n] & spd")
    assert problem.derive("max(S)", wrt="S")  # on the diagonal
    with pytest.raises(dg.DerivationError, match="kink"):
        problem.derive("min(S)", wrt="S")
