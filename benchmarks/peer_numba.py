"""Numba: the closed form by hand, as loops and as NumPy's operations with BLAS, compiled for types.

Without `fastmath`, which would change the result's accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
from measuring import Form
from workloads import PARAMETERS, Array, Workload

NAME, VERSION = "Numba", numba.__version__
VARIABLES = ("X", *PARAMETERS, "Y")
compiled = numba.njit(error_model="numpy", cache=True)
Outputs = tuple[Any, ...]


@compiled  # type: ignore[misc]
def loops(X: Array, W1: Array, b1: Array, W2: Array, b2: Array, Y: Array) -> Outputs:
    """Example by example, with every inner loop along a row."""
    (N, D), (H, K) = X.shape, W2.shape
    by_X, by_W1, by_b1 = np.zeros_like(X), np.zeros_like(W1), np.zeros_like(b1)
    by_W2, by_b2 = np.zeros_like(W2), np.zeros_like(b2)
    h, z = np.empty(H, X.dtype), np.empty(K, X.dtype)
    one, scale = X.dtype.type(1), X.dtype.type(1 / N)
    cost = X.dtype.type(0)
    for n in range(N):
        h[:] = b1[0]
        for i in range(D):
            for j in range(H):
                h[j] += X[n, i] * W1[i, j]
        z[:] = b2[0]
        for j in range(H):
            h[j] = one / (one + math.exp(-h[j]))
            for k in range(K):
                z[k] += h[j] * W2[j, k]
        largest = z.max()
        total = X.dtype.type(0)
        for k in range(K):
            cost -= Y[n, k] * (z[k] - largest)
            z[k] = math.exp(z[k] - largest)
            total += z[k]
        labels = X.dtype.type(0)
        for k in range(K):
            labels += Y[n, k]
            z[k] = (z[k] / total - Y[n, k]) * scale
            by_b2[0, k] += z[k]
        cost += labels * math.log(total)
        for j in range(H):
            back = X.dtype.type(0)
            for k in range(K):
                by_W2[j, k] += h[j] * z[k]
                back += z[k] * W2[j, k]
            h[j] = back * h[j] * (one - h[j])
            by_b1[0, j] += h[j]
        for i in range(D):
            back = X.dtype.type(0)
            for j in range(H):
                by_W1[i, j] += X[n, i] * h[j]
                back += h[j] * W1[i, j]
            by_X[n, i] = back
    return cost * scale, by_X, by_W1, by_b1, by_W2, by_b2


@compiled  # type: ignore[misc]
def with_blas(X: Array, W1: Array, b1: Array, W2: Array, b2: Array, Y: Array) -> Outputs:
    """Products by BLAS, and one pass over the entries between them."""
    (N, H), K = (len(X), len(W2)), len(b2[0])
    one, scale = X.dtype.type(1), X.dtype.type(1 / N)
    h = np.dot(X, W1)
    for n in range(N):
        for j in range(H):
            h[n, j] = one / (one + math.exp(-(h[n, j] + b1[0, j])))
    z = np.dot(h, W2)
    cost = X.dtype.type(0)
    by_b2 = np.zeros_like(b2)
    for n in range(N):
        z[n] += b2[0]
        largest = z[n].max()
        total = X.dtype.type(0)
        labels = X.dtype.type(0)
        for k in range(K):
            cost -= Y[n, k] * (z[n, k] - largest)
            labels += Y[n, k]
            z[n, k] = math.exp(z[n, k] - largest)
            total += z[n, k]
        cost += labels * math.log(total)
        for k in range(K):
            z[n, k] = (z[n, k] / total - Y[n, k]) * scale
            by_b2[0, k] += z[n, k]
    by_W2 = np.dot(h.T, z)
    delta = np.dot(z, W2.T)
    by_b1 = np.zeros_like(b1)
    for n in range(N):
        for j in range(H):
            delta[n, j] *= h[n, j] * (one - h[n, j])
            by_b1[0, j] += delta[n, j]
    return cost * scale, np.dot(delta, W1.T), np.dot(X.T, delta), by_b1, by_W2, by_b2


@compiled  # type: ignore[misc]
def logistic(w: Array, X: Array, y: Array) -> Outputs:
    weighted = np.dot(X, w)
    for i in range(len(X)):
        p = 1 / (1 + math.exp(-weighted[i, 0]))
        weighted[i, 0] = p * (1 - p)
    return (np.dot(X.T, weighted * X),)


@compiled  # type: ignore[misc]
def factors(U: Array, V: Array, T: Array) -> Outputs:
    (m, k) = U.shape
    gram = 2 * np.dot(V.T, V)
    dense = np.zeros((m, k, m, k))
    for i in range(m):
        for j in range(k):
            dense[i, j, i] = gram[j]
    return (dense,)


TASKS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "gradients": ({"loops": loops, "BLAS and loops": with_blas}, VARIABLES),
    "logistic": ({"BLAS and loops": logistic}, ("w", "X", "y")),
    "factors": ({"loops": factors}, ("U", "V", "T")),
}


def forms(w: Workload, thorough: bool) -> Iterator[Form]:
    if w.task not in TASKS:
        return
    functions, order = TASKS[w.task]
    arguments = tuple(w.arrays[name] for name in order)
    for name, function in functions.items():
        if name == "loops" and w.arrays.get("X", np.empty(0)).size > 100_000:
            continue  # far behind BLAS
        yield Form(NAME, name, function, arguments)
