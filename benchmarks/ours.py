"""Diagrad's own functions for the workloads: what `compile` and `descent` give.

Evaluating the derived formulas gives the outputs that all are compared with.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from measuring import Form
from workloads import DIRECTION, PARAMETERS, RATE, Array, Asked, Workload

import diagrad as dg

NAME, INTO = "Diagrad", "Diagrad, into"
LARGEST = 300_000  # entries that evaluated formulas are asked for
DIRECTED = "\n{direction}: matrix[Dx, H]\ns = sum({direction} * ({gradient}))"


def wanted(p: Any, asked: Asked) -> Any:
    """What `compile` is asked for."""
    match asked:
        case Asked(of, None):
            return of
        case Asked(of, wrt, _, True):
            return dg.hvp(of, wrt)
        case Asked(of, wrt, order, False, per) if per is not None:
            return dg.d(of, wrt, order=order, per=per)
        case Asked(of, wrt, order):
            return dg.d(of, wrt, order=order, layout=layout(p, asked))


def layout(p: Any, asked: Asked) -> str:
    """Tensors compare as they are; a column or row has its Hessian in two dimensions anyway."""
    scalar = p.formula(asked.of).shape == ("1", "1")
    return "auto" if asked.order == 1 and scalar else "tensor"


def compiled(w: Workload) -> Any:
    """The compiled function."""
    p = dg.parse(w.text)
    return p.compile([wanted(p, a) for a in w.asked], backend="auto")


def epoch(w: Workload) -> Form:
    """An epoch in one call, on copies of the weights."""
    descent = dg.parse(w.text).descent("J", PARAMETERS, over="N")
    order = w.arrays["order"]

    def run(arrays: dict[str, Array]) -> list[Array]:
        weights = {name: arrays[name].copy() for name in PARAMETERS}
        descent.epoch(arrays | weights, order.ravel(), RATE, order.shape[1])
        return list(weights.values())

    return Form(NAME, "descent", run, ({n: w.arrays[n] for n in descent.inputs},))


def forms(w: Workload) -> Iterator[Form]:
    if w.task == "epoch":
        yield epoch(w)
        return
    function = compiled(w)
    # The direction of a Hessian-vector product is the input that is none of the problem's.
    arguments = tuple(w.arrays.get(name, w.arrays.get(DIRECTION)) for name in function.inputs)
    yield Form(NAME, "compiled", function, arguments)
    if w.task == "gradients":
        outputs = tuple(np.empty_like(np.asarray(o)) for o in function(*arguments))
        yield Form(INTO, "into", function.into, (outputs, *arguments), lambda _: list(outputs))


def evaluated(w: Workload) -> list[Array] | None:
    """The outputs by evaluating formulas, or None where that would take long."""
    if w.task == "epoch" or sum(entries(w, a) for a in w.asked) > LARGEST:
        return None
    return [np.asarray(value(w, a, dict(w.arrays))) for a in w.asked]


def entries(w: Workload, asked: Asked) -> int:
    """How many numbers an output has, at most."""
    variables = [asked.wrt] if isinstance(asked.wrt, str) else list(asked.wrt or ())
    size = int(np.prod([w.arrays[name].size for name in variables], dtype=float))
    if asked.times_vector or asked.wrt is None:
        return size
    if asked.of != "J":
        return size * w.arrays["Y"].size
    return size * size if asked.order == 2 and len(variables) == 1 else size


@cache
def derived(text: str, of: str, wrt: Any, order: int) -> Any:
    p = dg.parse(text)
    asked = Asked(of, wrt, order)
    return p.derive(of, wrt=wrt, order=order, layout=layout(p, asked)).result


def value(w: Workload, asked: Asked, arrays: dict[str, Array]) -> Any:
    of, wrt = asked.of, asked.wrt
    inputs = {name: array for name, array in arrays.items() if name != DIRECTION}
    if wrt is None:
        return dg.parse(w.text).formula(of).evaluate(**inputs)
    if asked.per is not None:
        examples = [
            value(w, asked._replace(per=None), arrays | {n: arrays[n][k : k + 1] for n in "XY"})
            for k in range(len(arrays["X"]))
        ]
        return np.stack(examples) / (len(examples) if of == "J" else 1)
    if asked.times_vector:
        gradient = derived(w.text, of, wrt, 1).source
        moved = w.text + DIRECTED.format(direction=DIRECTION, gradient=gradient)
        return derived(moved, "s", wrt, 1).evaluate(**arrays)
    return derived(w.text, of, wrt, asked.order).evaluate(**inputs)
