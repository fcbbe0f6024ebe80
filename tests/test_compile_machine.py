"""Compiled functions where a machine or its numbers are difficult: no compiler, a cache that cannot
be written to, several processes at once, and arguments at which exp overflows."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from compiled import same

import diagrad as dg
from diagrad.compile import backends
from diagrad.errors import CacheWarning, DerivationError

TEXT = "x: row[n]; W: matrix[n, m]\nJ = sum(tanh(x @ W) ** 2)"
ASKED = ["J", dg.d("J", "x"), dg.d("J", "W")]
X, W = np.array([[1.0, -2.0]]), np.array([[0.1, 0.2, 0.3], [0.3, -0.2, 0.1]])


def check(function):
    want = dg.parse(TEXT).compile(ASKED, backend="numpy")(X, W)
    for found, value in zip(function(X, W), want, strict=True):
        same(found, value, np.float64)


@pytest.fixture
def unsaid():
    """What is said once has not been said."""
    backends.say_once.cache_clear()
    yield
    backends.say_once.cache_clear()


@pytest.mark.parametrize("compiler", ["/bin/false", "no-such-compiler", "echo", "'unclosed"])
def test_without_a_compiler_that_works_numpy_computes_and_that_is_said_once(
    compiler, monkeypatch, unsaid
):
    monkeypatch.setenv("CC", compiler)
    with pytest.warns(RuntimeWarning, match="run by NumPy, for no C compiler works: .") as said:
        first = dg.parse(TEXT).compile(ASKED)
        second = dg.parse(TEXT).compile(["J"])
    assert len(said) == 1 and first.backend == second.backend == "numpy"
    check(first)
    with pytest.raises(DerivationError, match="there is no C compiler that works: "):
        dg.parse(TEXT).compile(ASKED, backend="c")
    assert dg.parse(TEXT).compile(ASKED, backend="numpy").backend == "numpy"


@pytest.mark.usefixtures("compiles")
def test_a_compiler_that_breaks_after_its_trial_leaves_it_to_numpy_and_that_is_said(
    monkeypatch, unsaid
):
    def refuse(text, *rest):
        raise backends.NoCompiler("the disk is full")

    function = dg.parse(TEXT).compile(ASKED)
    asked_for = dg.parse(TEXT).compile(ASKED, backend="c")
    assert function.backend == "c"
    monkeypatch.setattr(backends, "library", refuse)
    with pytest.raises(DerivationError, match="the disk is full"):
        asked_for(X, W)
    with pytest.warns(RuntimeWarning, match="a function runs by NumPy: .*the disk is full"):
        check(function)
    assert function.backend == "numpy"
    check(function)


RUN = f"""
import warnings, numpy as np, diagrad as dg
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    f = dg.parse({TEXT!r}).compile(["J"])
    g = dg.parse({TEXT!r}).compile(["J * 2"])
    x, W = np.array({X.tolist()}), np.array({W.tolist()})
    print(f.backend, f(x, W)[0], g(x, W)[0], *(w.category.__name__ for w in said))
"""


def run(**environment):
    return subprocess.Popen(
        [sys.executable, "-c", RUN],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def values(process):
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    backend, first, second, *said = out.split()
    same(float(first), np.sum(np.tanh(X @ W) ** 2), np.float64)
    same(float(second), 2 * np.sum(np.tanh(X @ W) ** 2), np.float64)
    return backend, said


@pytest.mark.usefixtures("compiles")
def test_a_cache_that_cannot_be_written_to_is_passed_over_and_that_is_said_once(tmp_path):
    (tmp_path / "file").write_text("this is no directory")
    assert values(run(DIAGRAD_CACHE=str(tmp_path / "file"))) == ("c", [CacheWarning.__name__])


@pytest.mark.usefixtures("compiles")
def test_processes_that_compile_at_once_and_those_after_them_get_the_same(tmp_path):
    cache = {"DIAGRAD_CACHE": str(tmp_path / "cache")}
    for process in [run(**cache) for _ in range(3)]:
        assert values(process) == ("c", [])
    kept = sorted((tmp_path / "cache").glob("*.so"))
    assert kept and not list((tmp_path / "cache").glob("build-*"))
    for path in kept:
        path.write_bytes(path.read_bytes()[:100])
    assert values(run(**cache)) == ("c", [])


def sigmoid(z):
    return np.where(z >= 0, 1, np.exp(-abs(z))) / (1 + np.exp(-abs(z)))


def softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-abs(z)))


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def log_sum_exp(z):
    return z.max() + np.log(np.exp(z - z.max()).sum())


def of_softmax(z, y):
    """Σ −y log softmax(z), its gradient and its Hessian."""
    p = softmax(z)
    return log_sum_exp(z) - np.sum(y * z), p - y, np.diag(p[0]) - p.T @ p


def of_logistic(z, y):
    """Σ softplus(z) − y z, likewise."""
    p = sigmoid(z)
    return np.sum(softplus(z) - y * z), p - y, np.diag((p * (1 - p))[0])


def of_log_sum_exp(z, y):
    p = softmax(z)
    return log_sum_exp(z), p, np.diag(p[0]) - p.T @ p


DECLARED = "z: row[n]; y: row[n] & onehot\n"
# Ways to write a loss, and what it is with its gradient and its Hessian in z.
LOSSES = {
    "J = -sum(y * log(softmax(z)))": of_softmax,
    "p = exp(z) / sum(exp(z))\nJ = -sum(y * log(p))": of_softmax,
    "J = softmax_cross_entropy(y, z)": of_softmax,
    "p = softmax(z)\nJ = cross_entropy(y, p)": of_softmax,
    "p = sigmoid(z)\nJ = -sum(y * log(p) + (1 - y) * log(1 - p))": of_logistic,
    "J = -sum(y * log(sigmoid(z))) - sum((1 - y) * log(sigmoid(-z)))": of_logistic,
    "J = sum(softplus(z) - y * z)": of_logistic,
    "J = sum(log(1 + exp(z)) - y * z)": of_logistic,
    "J = log(sum(exp(z)))": of_log_sum_exp,
    "J = logsumexp(z)": of_log_sum_exp,
}
LOGITS = [
    [1000, -1000, 0.5, -1000, 1000],
    [-1000, -1000, -1000, -1000, -999],
    [0, 1000, 1000, 999, -30],
    [0.25, -0.5, 2, 0, -1],
]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.replace("\n", "; "))
def test_losses_of_large_logits_and_their_derivatives_are_right_by_numpy(loss):
    large_logits(loss, "numpy")


@pytest.mark.usefixtures("compiles")
@pytest.mark.parametrize("loss", list(LOSSES)[::4], ids=lambda loss: loss.replace("\n", "; "))
def test_losses_of_large_logits_and_their_derivatives_are_right_in_c(loss):
    large_logits(loss, "c")


def large_logits(loss, backend):
    problem = dg.parse(DECLARED + loss)
    function = problem.compile(["J", dg.d("J", "z"), dg.d("J", "z", 2)], backend=backend)
    for dtype in (np.float64, np.float32):
        for logits in LOGITS:
            z, y = np.array([logits], dtype), np.eye(5, dtype=dtype)[1:2]
            given = {"z": z, "y": y}
            found = function(**{name: given[name] for name in function.inputs})
            wanted = LOSSES[loss](z.astype(float), y.astype(float))
            for value, want in zip(found, wanted, strict=True):
                assert value.dtype == dtype and np.isfinite(value).all(), (logits, value)
                same(value, want, dtype, (loss, logits))


def test_functions_of_large_arguments_are_right(backend):
    names = ["sigmoid(z)", "tanh(z)", "softplus(z)", "silu(z)", "gelu(z)", "log(sigmoid(z))"]
    names += ["log(1 - sigmoid(z))", "log(softmax(z))", "log_softmax(z)", "softmax(z, axis=0)"]
    problem = dg.parse(DECLARED)
    function = problem.compile(names, backend=backend)
    for dtype in (np.float64, np.float32):
        for logits in LOGITS[:3]:
            z = np.array([logits], dtype)
            x = z.astype(float)
            log_p, silu = x - log_sum_exp(x), x * sigmoid(x)
            gelu = x * np.vectorize(math.erfc, [float])(-x / math.sqrt(2)) / 2
            wanted = [sigmoid(x), np.tanh(x), softplus(x), silu, gelu, -softplus(-x), -softplus(x)]
            wanted += [log_p, log_p, np.ones_like(x)]
            for name, value, want in zip(names, function(z), wanted, strict=True):
                same(value, want, dtype, (name, logits))


def test_warnings_of_numpy_do_not_come_through(backend):
    function = dg.parse("x: row[n]\nJ = sum(log(x)) + sum(1 / x)").compile(["J"], backend)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(function(np.zeros((1, 3)))[0])
        assert np.isnan(function(-np.ones((1, 3)))[0])
