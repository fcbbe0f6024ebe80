"""Kernels whose compiler computes something else: what is said, and what runs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from compiled import check, point, quietly

import diagrad as dg
from diagrad.compile import backends
from diagrad.compile.build import library
from diagrad.compile.trial import agree

pytestmark = pytest.mark.usefixtures("compiles")

NETWORK = "X: matrix[N, D]; W: matrix[D, H]\nh = tanh(X @ W); J = sum(h ** 2)"
SIZES = {"N": 4, "D": 3, "H": 5}


def wrong(text: str, extra=()):
    """A compiler that loses a sign, unless it is told not to optimise."""
    return library(text if extra else text.replace("= tanh_(", "= -tanh_("), extra)


def test_wrong_code_is_found_at_the_first_call_and_compiled_plainly(monkeypatch):
    monkeypatch.setattr(backends, "library", wrong)
    backends.say_once.cache_clear()
    problem = quietly(NETWORK)
    function = problem.compile(["h"], backend="c")
    arrays = point(problem, SIZES)
    with pytest.warns(RuntimeWarning, match="the C compiler made wrong code of h: "):
        (h,) = function(**arrays)
    np.testing.assert_allclose(h, np.tanh(arrays["X"] @ arrays["W"]), rtol=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (again,) = function(**arrays)
    np.testing.assert_array_equal(h, again)


def test_where_c_is_wrong_however_compiled_numpy_runs(monkeypatch):
    def always(text, extra=()):
        return library(text.replace("= tanh_(", "= -tanh_("), extra)

    monkeypatch.setattr(backends, "library", always)
    backends.say_once.cache_clear()
    function = quietly(NETWORK).compile(["h"], backend="c")
    arrays = point(quietly(NETWORK), SIZES)
    with pytest.warns(RuntimeWarning, match="C and NumPy do not agree on h: it runs by NumPy"):
        (h,) = function(**arrays)
    for _ in range(2):
        np.testing.assert_allclose(h, np.tanh(arrays["X"] @ arrays["W"]), rtol=1e-12)
        (h,) = function(**arrays)


def test_what_only_rounding_sets_apart_stays_as_fast_as_it_is(monkeypatch):
    """A matrix that is all but singular has entries of no meaning: no compiler is to blame."""
    plain = []
    monkeypatch.setattr(
        backends, "library", lambda text, extra=(): (plain.extend(extra), library(text, extra))[1]
    )
    problem = dg.parse("A: matrix[n, n] & invertible\nB = inv(A)")
    A = np.vander(np.linspace(1, 1.1, 12))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        problem.compile(["B"], backend="c")(A=A)
    assert plain, "the two differ by far"


def test_a_matrix_without_an_inverse_is_no_reason_to_complain():
    problem = dg.parse("A: matrix[n, n] & invertible\nB = inv(A)")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (B,) = problem.compile(["B"], backend="c")(A=np.ones((3, 3)))
    assert not np.isfinite(B).all()


def test_entries_agree_up_to_rounding_and_are_finite_at_the_same_places():
    a = [np.array([1.0, 2.0, np.inf]), np.array(3.0)]
    assert agree(a, a) and agree(a, [a[0] * (1 + 1e-9), a[1]])
    assert not agree(a, [a[0] * (1 + 1e-3), a[1]])
    assert not agree(a, [np.array([1.0, np.nan, np.inf]), a[1]])
    assert agree([np.array(1e-17)], [np.array(0.0)]) and agree(
        [np.array(1e-7)], [np.array(0.0)], "f"
    )


def test_nests_side_by_side_are_right():
    """Of these gcc 12.2 makes wrong code, unless it is kept from making vectors of lines."""
    text = "q: column[D]; X: matrix[D, D] & invertible & upper\n"
    text += "J = norm(diagonal(inv(X)) * q ** 2)"
    check(quietly(text), ["J", dg.d("J", "X", 2)], {"D": 5}, "c", [np.float64])
