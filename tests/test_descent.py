"""Gradient descent by minibatches: an epoch in one call takes the steps that a loop takes."""

from __future__ import annotations

import numpy as np
import pytest

import diagrad as dg
from diagrad.compile.backends import chosen

PARAMETERS = ["W1", "b1", "W2", "b2"]
SIZES = {"X": (23, 4), "Y": (23, 3), "W1": (4, 5), "b1": (1, 5), "W2": (5, 3), "b2": (1, 3)}


@pytest.fixture(scope="module")
def network(request):
    return dg.load(request.config.rootpath / "examples" / "batch.dg")


def arrays(dtype=np.float64):
    rng = np.random.default_rng(0)
    made = {name: rng.normal(size=size) for name, size in SIZES.items()}
    made["Y"] = np.eye(3)[rng.integers(0, 3, 23)]
    return {name: array.astype(dtype) for name, array in made.items()}


def by_hand(network, given, order, rate, batch):
    """The values and the parameters after an epoch of evaluated formulas."""
    slopes = network.derive("J", PARAMETERS)
    weights, values = {name: given[name] for name in PARAMETERS}, []
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        at = {"X": given["X"][rows], "Y": given["Y"][rows], **weights}
        values.append(network.evaluate(**at)["J"])
        needed = [
            {n: at[n] for n in network.source.needed(d.result.expression) & at.keys()}
            for d in slopes
        ]
        steps = [d.result.evaluate(**n) for d, n in zip(slopes, needed, strict=True)]
        weights = {n: weights[n] - rate * s for n, s in zip(PARAMETERS, steps, strict=True)}
    return values, weights


@pytest.mark.parametrize(("dtype", "close"), [(np.float64, 1e-12), (np.float32, 1e-4)])
@pytest.mark.parametrize("batch", [1, 6, 23, 40])
def test_an_epoch_takes_the_steps_of_a_loop(network, backend, dtype, close, batch):
    given, order = arrays(dtype), np.random.default_rng(1).permutation(23)
    values, weights = by_hand(network, arrays(), order, 0.3, batch)
    found = network.descent("J", PARAMETERS, "N", backend).epoch(given, order, 0.3, batch)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, values, rtol=close)
    for name in PARAMETERS:
        np.testing.assert_allclose(given[name], weights[name], rtol=close, atol=close)


def test_rows_may_be_left_out_or_come_again_and_data_may_lie_anyhow(network, backend):
    order = np.array([3, 3, 0, 22, 7])
    given = arrays()
    turned = {**arrays(), "X": np.asfortranarray(given["X"])}
    descent = network.descent("J", PARAMETERS, "N", backend)
    first, second = (descent.epoch(a, order, 0.1, 2) for a in (given, turned))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(given["W1"], turned["W1"])
    np.testing.assert_allclose(first, by_hand(network, arrays(), order, 0.1, 2)[0], rtol=1e-12)


def test_one_weight_that_is_held_is_no_parameter(network):
    given, held = arrays(), arrays()["W1"]
    network.descent("J", ["b2"], "N", "numpy").epoch(given, np.arange(23), 0.1)
    np.testing.assert_array_equal(given["W1"], held)
    assert not np.array_equal(given["b2"], arrays()["b2"])


@pytest.mark.parametrize(
    ("wrt", "over", "message"),
    [
        ("W1", "N", "wrt is a list"),
        ([], "N", "wrt is a list"),
        (["Q"], "N", "Q is not a variable"),
        (["W1"], "M", "M is no dimension"),
        (["X"], "N", "parameters have not"),
        (["b1"], "Dx", "X has Dx elsewhere than in its rows"),
        (["W1", "W1"], "N", "wrt has a variable twice"),
        (["Y"], "N", "parameters have not"),
    ],
)
def test_what_cannot_descend_says_why(network, wrt, over, message):
    with pytest.raises(dg.DerivationError, match=message):
        network.descent("J", wrt, over, "numpy")


def test_what_is_minimised_is_a_scalar(network):
    with pytest.raises(dg.DerivationError, match="is a scalar, and Yhat is N×Dy"):
        network.descent("Yhat", ["W1"], "N")


def test_what_is_minimised_depends_on_what_moves():
    p = dg.parse("X: matrix[N, D]; W: matrix[D, D]; V: column[D]\nJ = sum((X @ V)**2)/N")
    with pytest.raises(dg.DerivationError, match="J does not depend on W"):
        p.descent("J", ["V", "W"], "N", "numpy")


def test_a_number_may_stand_for_a_scalar(backend):
    p = dg.parse("X: matrix[N, D]; w: column[D]; r: scalar\nJ = sum((X @ w)**2)/N + r*sum(w**2)")
    given = [{"X": arrays()["X"], "w": np.ones((4, 1)), "r": r} for r in (0.5, np.array([[0.5]]))]
    first, second = (p.descent("J", ["w"], "N", backend).epoch(a, range(9), 0.1, 4) for a in given)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(given[0]["w"], given[1]["w"])


def test_parameters_share_no_memory(network):
    given = arrays()
    given["b2"] = given["W2"][:1]
    with pytest.raises(dg.ProblemError, match=r"\w+ is written, and shares memory with \w+"):
        network.descent("J", PARAMETERS, "N", "numpy").epoch(given, np.arange(23), 0.1)


@pytest.mark.parametrize(
    ("order", "batch", "rate", "message"),
    [
        (np.array([2.9, 3.9]), 1, 0.1, "order is a list of row numbers, not float64"),
        (np.ones(23, bool), 1, 0.1, "order is a list of row numbers, not bool"),
        (["1", "2"], 1, 0.1, "order is a list of row numbers, not <U1"),
        ([1, 2], 2.5, 0.1, "batch is a whole number of at least 1, not 2.5"),
        ([1, 2], 2, "x", "rate is a number, not 'x'"),
    ],
)
def test_order_batch_and_rate_are_checked(network, order, batch, rate, message):
    with pytest.raises(dg.ProblemError, match=message):
        network.descent("J", PARAMETERS, "N", "numpy").epoch(arrays(), order, rate, batch)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Y": np.eye(3)[[0, 1]]}, "X has 23 rows, and Y has 2"),
        ({"Z": np.ones(3)}, "Z is not a variable of the problem"),
        ({"W1": [[1.0]]}, "W1 needs a NumPy array"),
        ({"W1": np.ones((4, 5), np.float32)}, "all float64 or all float32"),
        ({"W1": np.ones((5, 4)).T}, "W1 is written: it needs an array of its own, in C order"),
        ({"W1": np.ones((4, 6))}, "H is 6, not 5"),
    ],
)
def test_arrays_that_do_not_fit_are_named(network, change, message):
    with pytest.raises(dg.ProblemError, match=message):
        network.descent("J", PARAMETERS, "N", "numpy").epoch(arrays() | change, np.arange(23), 0.1)


@pytest.mark.parametrize(("order", "batch"), [([23], 1), ([-1], 1), ([], 1)])
def test_rows_that_are_not_there_are_refused(network, order, batch):
    descent = network.descent("J", PARAMETERS, "N", "numpy")
    with pytest.raises(dg.ProblemError, match="row numbers"):
        descent.epoch(arrays(), np.array(order, int), 0.1, batch)


def test_auto_is_what_compile_has(network):
    assert network.descent("J", ["b2"], "N").backend == chosen("auto").name
