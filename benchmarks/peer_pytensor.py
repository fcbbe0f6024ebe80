"""PyTensor, with static shapes, borrowed and trusted inputs, by its C and its Numba linker.

Compiling takes about ten seconds a function, so only a thorough run has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytensor
from measuring import Form
from pytensor import tensor as pt
from pytensor.gradient import hessian, hessian_vector_product, jacobian
from workloads import DIRECTION, Workload

NAME, VERSION = "PyTensor", pytensor.__version__
MODES = {"Numba": "NUMBA", "C": "CVM"}
LARGEST = 50_000  # entries of a Hessian or Jacobian


def logits(v: dict[str, Any]) -> Any:
    return pt.sigmoid(v["X"] @ v["W1"] + v["b1"]) @ v["W2"] + v["b2"]


def loss(v: dict[str, Any]) -> Any:
    N = np.array(v["X"].type.shape[0], v["X"].dtype)  # the shape itself is 64 bits wide
    return -pt.sum(v["Y"] * pt.special.log_softmax(logits(v), axis=-1)) / N


def reshaped(w: Workload, v: dict[str, Any], name: str) -> Any:
    """A flat variable in place of a matrix: derivatives here are by vectors."""
    array = w.arrays[name]
    flat = pt.tensor(f"flat {name}", dtype=array.dtype.name, shape=(array.size,))
    v[name] = flat.reshape(array.shape)
    return flat


def graph(w: Workload, v: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The outputs, and the flat inputs that stand for matrices."""
    match w.task:
        case "gradients":
            J = loss(v)
            return [J, *pt.grad(J, [v[name] for name in ("X", "W1", "b1", "W2", "b2")])], {}
        case "hessian":
            flat = reshaped(w, v, "X")
            return [hessian(loss(v), flat)], {"X": flat}
        case "jacobian":
            flat = reshaped(w, v, "X")
            Yhat = pt.special.softmax(logits(v), axis=-1)
            return [jacobian(Yhat.flatten(), flat, vectorize=True)], {"X": flat}
        case "product":
            return [hessian_vector_product(loss(v), [v["W1"]], [v[DIRECTION]])[0]], {}
        case "logistic":
            flat = reshaped(w, v, "w")
            return [hessian(pt.sum(pt.softplus(-v["y"] * (v["X"] @ v["w"]))), flat)], {"w": flat}
        case _:
            return [], {}


def forms(w: Workload, thorough: bool) -> Iterator[Form]:
    if not thorough:
        return
    asked_for = sum(w.arrays[a.wrt].size ** 2 for a in w.asked if isinstance(a.wrt, str))
    if w.task != "gradients" and w.task != "product" and asked_for > LARGEST:
        return  # minutes
    v = {
        name: pt.tensor(name, dtype=array.dtype.name, shape=array.shape)
        for name, array in w.arrays.items()
    }
    declared = dict(v)
    outputs, flat = graph(w, v)
    if not outputs:
        return
    used = [flat.get(name, v[name]) for name in declared]
    arguments = [a.ravel() if n in flat else a for n, a in w.arrays.items()]
    inputs = [pytensor.In(variable, borrow=True) for variable in used]
    for name, mode in MODES.items():
        function = pytensor.function(inputs, outputs, mode=mode, on_unused_input="ignore")
        function.trust_input = True
        yield Form(NAME, name, function, tuple(arguments))
