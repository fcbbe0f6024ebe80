"""NumPy: each workload's closed form as a textbook's solution writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from measuring import Form
from workloads import DIRECTION, PARAMETERS, RATE, Array, Workload

NAME, VERSION = "NumPy", np.__version__
VARIABLES = ("X", *PARAMETERS, "Y")
Outputs = tuple[Any, ...]


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def gradients(X: Array, W1: Array, b1: Array, W2: Array, b2: Array, Y: Array) -> Outputs:
    h = sigmoid(X @ W1 + b1)
    yhat = softmax(h @ W2 + b2)
    cost = -np.sum(Y * np.log(yhat)) / len(X)
    delta2 = (yhat - Y) / len(X)
    delta1 = delta2 @ W2.T * h * (1 - h)
    by_W1, by_b1 = X.T @ delta1, np.sum(delta1, axis=0, keepdims=True)
    by_W2, by_b2 = h.T @ delta2, np.sum(delta2, axis=0, keepdims=True)
    return cost, delta1 @ W1.T, by_W1, by_b1, by_W2, by_b2


def blocks(X: Array, W1: Array, b1: Array, W2: Array, b2: Array, Y: Array) -> Outputs:
    """For each example W₁ M W₁ᵀ, where M is the Hessian in the hidden layer's input."""
    h = sigmoid(X @ W1 + b1)
    yhat = softmax(h @ W2 + b2)
    slope = h * (1 - h)
    B = slope[:, :, None] * W2
    c = np.einsum("nhk,nk->nh", B, yhat)
    M = (B * yhat[:, None, :]) @ B.transpose(0, 2, 1) - c[:, :, None] * c[:, None, :]
    diagonal = np.arange(h.shape[1])
    M[:, diagonal, diagonal] += (yhat - Y) @ W2.T * slope * (1 - 2 * h)
    return (W1 @ M @ W1.T / len(X),)


def spread_out(found: Array) -> Array:
    """Blocks on the diagonal of the examples: n, i, j → n, i, n′, j."""
    N, rows, columns = found.shape
    dense = np.zeros((N, rows, N, columns))
    examples = np.arange(N)
    dense[examples, :, examples, :] = found
    return dense


def hessian(*arguments: Array) -> Outputs:
    return (spread_out(blocks(*arguments)[0]),)


def jacobian_blocks(X: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Outputs:
    h = sigmoid(X @ W1 + b1)
    yhat = softmax(h @ W2 + b2)
    by_logits = (
        np.einsum("ni,ij->nij", yhat, np.eye(W2.shape[1])) - yhat[:, :, None] * yhat[:, None]
    )
    by_hidden = by_logits @ W2.T * (h * (1 - h))[:, None, :]
    return (by_hidden @ W1.T,)


def jacobian(*arguments: Array) -> Outputs:
    return (spread_out(jacobian_blocks(*arguments)[0]),)


def per_example(X: Array, W1: Array, b1: Array, W2: Array, b2: Array, Y: Array) -> Outputs:
    h = sigmoid(X @ W1 + b1)
    delta2 = (softmax(h @ W2 + b2) - Y) / len(X)
    delta1 = delta2 @ W2.T * h * (1 - h)
    by_W1, by_W2 = X[:, :, None] * delta1[:, None, :], h[:, :, None] * delta2[:, None, :]
    return by_W1, delta1, by_W2, delta2


def product(
    V: Array, X: Array, W1: Array, b1: Array, W2: Array, b2: Array, Y: Array
) -> Outputs:  # fmt: skip
    """The gradient in W₁, differentiated in the direction V."""
    h = sigmoid(X @ W1 + b1)
    yhat = softmax(h @ W2 + b2)
    slope = h * (1 - h)
    moved = X @ V
    change = (moved * slope) @ W2
    change = yhat * (change - np.sum(yhat * change, axis=1, keepdims=True))
    moved = change @ W2.T * slope + (yhat - Y) @ W2.T * slope * (1 - 2 * h) * moved
    return (X.T @ moved / len(X),)


def logistic(w: Array, X: Array, y: Array) -> Outputs:
    p = sigmoid(X @ w)
    return (X.T @ (p * (1 - p) * X),)


def factors(U: Array, V: Array, T: Array) -> Outputs:
    return (np.einsum("ik,jl->ijkl", np.eye(len(U)), 2 * V.T @ V),)


def epoch(
    X: Array, W1: Array, b1: Array, W2: Array, b2: Array, Y: Array, order: Array
) -> Outputs:  # fmt: skip
    weights = [W1, b1, W2, b2]
    for rows in order:
        slopes = gradients(X[rows], *weights, Y[rows])[2:]
        weights = [w - RATE * slope for w, slope in zip(weights, slopes, strict=True)]
    return tuple(weights)


TASKS = {
    "epoch": (epoch, (*VARIABLES, "order")),
    "gradients": (gradients, VARIABLES),
    "hessian": (hessian, VARIABLES),
    "blocks": (blocks, VARIABLES),
    "product": (product, (DIRECTION, *VARIABLES)),
    "jacobian": (jacobian, VARIABLES[:5]),
    "jacobian blocks": (jacobian_blocks, VARIABLES[:5]),
    "gradients per example": (per_example, VARIABLES),
    "logistic": (logistic, ("w", "X", "y")),
    "factors": (factors, ("U", "V", "T")),
}


def forms(w: Workload, thorough: bool) -> Iterator[Form]:
    if w.task in TASKS:
        function, order = TASKS[w.task]
        yield Form(NAME, "textbook", function, tuple(w.arrays[name] for name in order))
