"""JAX on one core: each workload as its documentation writes it, compiled by `jit` in one piece.

Inputs are device arrays, 64-bit floats are on, and each call waits until its outputs are ready.
Work is dispatched as JAX does by default, to a thread of its own; with `DIAGRAD_JAX_SYNC=1` the
calling thread computes, which on one core is faster for small work. Outputs are a flat list, faster
than nested tuples.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from measuring import Form
from workloads import DIRECTION, PARAMETERS, RATE, Workload

NAME, VERSION = "JAX", jax.__version__
# Read when the first array is made.
jax.config.update("jax_cpu_enable_async_dispatch", not os.environ.get("DIAGRAD_JAX_SYNC"))
Function = Callable[..., Any]
VARIABLES = ("X", *PARAMETERS, "Y")
SPLIT = (0, None, None, None, None, 0)  # along the examples, for vmap
WEIGHTS = (1, 2, 3, 4)


def logits(X: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    return jax.nn.sigmoid(X @ W1 + b1) @ W2 + b2


def loss(X: Any, W1: Any, b1: Any, W2: Any, b2: Any, Y: Any) -> Any:
    return -jnp.sum(Y * jax.nn.log_softmax(logits(X, W1, b1, W2, b2), axis=-1)) / X.shape[0]


def prediction(X: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    return jax.nn.softmax(logits(X, W1, b1, W2, b2), axis=-1)


def part(N: int) -> Function:
    """What one example adds to the mean."""

    def of_one(x: Any, W1: Any, b1: Any, W2: Any, b2: Any, y: Any) -> Any:
        z = logits(x[None, :], W1, b1, W2, b2)
        return -jnp.sum(y * jax.nn.log_softmax(z, axis=-1)) / N

    return of_one


def one_prediction(x: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    return prediction(x[None, :], W1, b1, W2, b2)[0]


def logistic(w: Any, X: Any, y: Any) -> Any:
    return jnp.sum(jax.nn.softplus(-y * (X @ w)))


def factors(U: Any, V: Any, T: Any) -> Any:
    return jnp.sum((U @ V.T - T) ** 2)


def forward_over_reverse(v: Any, X: Any, W1: Any, b1: Any, W2: Any, b2: Any, Y: Any) -> Any:
    gradient = jax.grad(lambda W: loss(X, W, b1, W2, b2, Y))
    return jax.jvp(gradient, (W1,), (v,))[1]


def reverse_over_reverse(v: Any, X: Any, W1: Any, b1: Any, W2: Any, b2: Any, Y: Any) -> Any:
    gradient = jax.grad(lambda W: loss(X, W, b1, W2, b2, Y))
    return jax.grad(lambda W: jnp.vdot(gradient(W), v))(W1)


def epoch(X: Any, W1: Any, b1: Any, W2: Any, b2: Any, Y: Any, order: Any) -> Any:
    """The documentation's loop within one compiled function."""

    def step(weights: Any, rows: Any) -> Any:
        slopes = jax.grad(loss, WEIGHTS)(X[rows], *weights, Y[rows])
        return tuple(w - RATE * s for w, s in zip(weights, slopes, strict=True)), None

    return jax.lax.scan(step, (W1, b1, W2, b2), order)[0]


def by_jacobians(function: Function, variables: int | tuple[int, ...] = 0) -> dict[str, Function]:
    """Second derivatives, in both orders that the documentation names."""
    return {
        "jit of hessian": jax.hessian(function, variables),
        "jit of jacrev of grad": jax.jacrev(jax.grad(function, variables), variables),
    }


def flattened(w: Workload) -> Iterator[Form]:
    """The Hessian in the parameters as one matrix, in a vector of them all; read as its blocks."""
    shapes = [w.arrays[name].shape for name in PARAMETERS]
    ends = np.cumsum([rows * columns for rows, columns in shapes])

    def of_vector(vector: Any, X: Any, Y: Any) -> Any:
        pieces = jnp.split(vector, ends[:-1])
        weights = [p.reshape(s) for p, s in zip(pieces, shapes, strict=True)]
        return loss(X, *weights, Y)

    def blocks(outputs: Any) -> list[Any]:
        matrix = np.asarray(outputs[0])
        rows = np.split(matrix, ends[:-1], axis=0)
        return [block for row in rows for block in np.split(row, ends[:-1], axis=1)]

    vector = jnp.concatenate([jnp.ravel(w.arrays[name]) for name in PARAMETERS])
    arguments = (vector, jnp.asarray(w.arrays["X"]), jnp.asarray(w.arrays["Y"]))
    for name, function in by_jacobians(of_vector).items():
        yield Form(NAME, f"{name} in a flat vector", waiting(flat(function)), arguments, blocks)


def functions(w: Workload) -> dict[str, Function]:
    """By name, functions of the workload's variables."""
    match w.task:
        case "gradients":
            return {"jit of value_and_grad": jax.value_and_grad(loss, (0, *WEIGHTS))}
        case "hessian":
            return by_jacobians(loss)
        case "hessian in parameters":
            return by_jacobians(loss, WEIGHTS)
        case "blocks":
            found = by_jacobians(part(len(w.arrays["X"])))
            return {n.replace("of", "of vmap of", 1): jax.vmap(f, SPLIT) for n, f in found.items()}
        case "product":
            return {"jit of jvp of grad": forward_over_reverse,
                    "jit of grad of grad": reverse_over_reverse}  # fmt: skip
        case "jacobian":
            return {
                "jit of jacrev": jax.jacrev(prediction),
                "jit of jacfwd": jax.jacfwd(prediction),
            }
        case "jacobian blocks":
            modes = {"jacrev": jax.jacrev, "jacfwd": jax.jacfwd}
            return {
                f"jit of vmap of {n}": jax.vmap(f(one_prediction), SPLIT[:5])
                for n, f in modes.items()
            }
        case "gradients per example":
            one = part(len(w.arrays["X"]))
            return {"jit of vmap of grad": jax.vmap(jax.grad(one, WEIGHTS), SPLIT)}
        case "logistic":
            return by_jacobians(logistic)
        case "factors":
            return by_jacobians(factors)
        case "epoch":
            return {"jit of scan": epoch}
    return {}


ORDERS = {
    "epoch": (*VARIABLES, "order"),
    "logistic": ("w", "X", "y"),
    "factors": ("U", "V", "T"),
    "jacobian": VARIABLES[:5],
    "jacobian blocks": VARIABLES[:5],
    "product": (DIRECTION, *VARIABLES),
}


def waiting(function: Function) -> Function:
    """Returns when the outputs, which one executable writes, are there."""

    def call(*arguments: Any) -> Any:
        outputs = function(*arguments)
        outputs[-1].block_until_ready()
        return outputs

    return call


def flat(function: Function) -> Function:
    """The same with a flat list of outputs, which a call returns faster than nested tuples."""
    return jax.jit(lambda *arguments: jax.tree_util.tree_leaves(function(*arguments)))


def forms(w: Workload, thorough: bool) -> Iterator[Form]:
    order = ORDERS.get(w.task, VARIABLES)
    arguments = tuple(jnp.asarray(w.arrays[name]) for name in order)
    for name, function in functions(w).items():
        yield Form(NAME, name, waiting(flat(function)), arguments)
    if w.task == "hessian in parameters":
        yield from flattened(w)
