"""The rows of the table of elementwise functions, and what stays finite for large arguments."""

from __future__ import annotations

import numpy as np
import pytest
from index_numbers import difference, slopes

import diagrad as dg
from diagrad.dimensions import UNIT, Size
from diagrad.expression import Apply, Symbol
from diagrad.facts import closure
from diagrad.operations import ROOMS, WORDS
from diagrad.operations.elementwise import Elementwise

TABLE = [room for room in ROOMS if isinstance(room, Elementwise)]
every_row = pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
# An even number of points, so that none is 0, where there are kinks; the second half for arcsin.
POINTS = np.concatenate([np.linspace(-3, 3, 50), np.linspace(-0.95, 0.95, 50)])
LARGE = np.array([[-800.0, 800.0, 0.5, -700.0, 30.0]])
STABLE = {
    "sigmoid": [0, 1, 1 / (1 + np.exp(-0.5)), np.exp(-700.0), 1 / (1 + np.exp(-30.0))],
    "softplus": [0, 800, np.log1p(np.exp(0.5)), np.exp(-700.0), 30 + np.exp(-30.0)],
    "silu": [0, 800, 0.5 / (1 + np.exp(-0.5)), -700 * np.exp(-700.0), 30 / (1 + np.exp(-30.0))],
    "gelu": [0, 800, 0.345731230637, 0, 30],
    "tanh": [-1, 1, np.tanh(0.5), -1, 1],
    "erf": [-1, 1, 0.520499877813, -1, 1],
    "softmax": [0, 1, 0, 0, 0],
    "log_softmax": [-1600, 0, -799.5, -1500, -770],
}


def at(row: Elementwise, x: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(row.numpy(x), float)


def domain(row: Elementwise) -> np.ndarray:
    """The points around which the function has values."""
    around = [at(row, POINTS + step) for step in (-2e-3, 0, 2e-3)]
    return POINTS[np.isfinite(around).all(axis=0)]


@every_row
def test_the_derivative_is_that_of_the_function(row):
    x = domain(row)
    assert len(x) >= 25
    slope = np.concatenate([slopes(lambda z: at(row, z), np.array(entry))[None] for entry in x])
    assert difference(np.broadcast_to(row.prime(x, at(row, x)), x.shape), slope) < 1e-7


@every_row
def test_an_analytic_function_continues_to_complex_arguments(row):
    x = domain(row)
    if row.analytic:
        slope = np.imag(row.numpy(x + 1e-30j)) / 1e-30
        assert difference(np.broadcast_to(row.prime(x, at(row, x)), x.shape), slope) < 1e-12


@every_row
def test_prime_is_the_derivative_by_name(row):
    argument = row.example.removeprefix(f"{row.name}(").removesuffix(")")
    problem = dg.parse(f"{argument}: row[n]\nslope = prime({row.name})({argument})")
    x = domain(row)
    value = problem.evaluate(**{argument: x})["slope"]
    assert difference(value[0], np.broadcast_to(row.prime(x, at(row, x)), x.shape)) < 1e-12


@every_row
def test_declared_facts_hold_everywhere(row):
    x = domain(row)
    y, facts = at(row, x), closure(row.facts)
    holds = {"positive": y > 0, "nonneg": y >= 0, "nonzero": y != 0, "prob": (y > 0) & (y < 1)}
    assert facts <= holds.keys()
    assert all(holds[fact].all() for fact in facts)


@every_row
def test_special_values_are_true(row):
    for argument, value in row.at.items():
        assert abs(at(row, np.array(float(argument))) - float(value)) < 1e-15


@every_row
def test_what_is_said_about_other_forms_is_true(row):
    x = domain(row)
    y = at(row, x)
    if row.idempotent:
        assert np.array_equal(y * y, y)
    if row.mirrored:
        assert difference(1 - y, at(row, -x)) < 1e-15
    if row.inverse:
        inner = at(WORDS[row.inverse], x)
        finite = np.isfinite(inner)
        assert difference(at(row, inner[finite]), x[finite]) < 1e-14
    if row.formula is not None:
        assert difference(y, row.formula(x)) < 1e-15


@pytest.mark.parametrize("name", STABLE)
def test_large_arguments_neither_overflow_nor_lose_the_value(name):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value = WORDS[name].evaluate([LARGE], node(name), {})
    assert np.allclose(value[0], STABLE[name], rtol=1e-11, atol=1e-300)


def node(name: str) -> Apply:
    shape = (UNIT, Size.of(LARGE.size))
    return Apply(shape, WORDS[name], (Symbol(shape, name="z", role="variable"),), (None,))


def test_sums_of_exponentials_neither_overflow_nor_lose_the_value():
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        problem = dg.parse(
            "y: row[n]; z: row[n]\na = logsumexp(z)\nb = softmax_cross_entropy(y, z)"
        )
        value = problem.evaluate(z=LARGE, y=np.eye(5)[1:2])
        other = problem.evaluate(z=-np.abs(LARGE), y=np.eye(5)[1:2])
    assert (value["a"], value["b"]) == (800, 0)
    assert np.allclose([other["a"], other["b"]], [-0.5, 799.5], rtol=1e-12)


@pytest.mark.parametrize("function", ["softplus", "logsumexp", "sigmoid", "tanh", "silu"])
def test_a_derived_gradient_is_as_stable_as_the_function(function):
    problem = dg.parse("z: row[n]")
    gradient = problem.derive(f"sum({function}(z))", "z").result
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(gradient.evaluate(z=LARGE)).all()
