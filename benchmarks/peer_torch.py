"""PyTorch on one core: as a peer its eager mode, by autograd and `torch.func`, and as another
`torch.compile`, whose ten to twenty seconds a function only a thorough run has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import torch
from measuring import Form
from torch import func
from torch.nn import functional as F
from workloads import DIRECTION, PARAMETERS, RATE, Workload

NAME, VERSION = "PyTorch", torch.__version__
EAGER_NAME, COMPILED_NAME = "PyTorch eager", "PyTorch compile"
# Where tracing fails: cross_entropy within two vmaps and a forward derivative (2.13).
NOT_COMPILED = ("blocks",)
torch.set_num_threads(1)
Function = Callable[..., Any]
VARIABLES = ("X", *PARAMETERS, "Y")
SPLIT = (0, None, None, None, None, 0)
WEIGHTS = (1, 2, 3, 4)


def logits(X: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    return torch.sigmoid(X @ W1 + b1) @ W2 + b2


def loss(X: Any, W1: Any, b1: Any, W2: Any, b2: Any, Y: Any) -> Any:
    return F.cross_entropy(logits(X, W1, b1, W2, b2), Y)


def prediction(X: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    return torch.softmax(logits(X, W1, b1, W2, b2), dim=-1)


def part(N: int) -> Function:
    """What one example adds to the mean."""

    def of_one(x: Any, W1: Any, b1: Any, W2: Any, b2: Any, y: Any) -> Any:
        return F.cross_entropy(logits(x[None, :], W1, b1, W2, b2), y[None, :]) / N

    return of_one


def one_prediction(x: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    return prediction(x[None, :], W1, b1, W2, b2)[0]


def logistic(w: Any, X: Any, y: Any) -> Any:
    return F.softplus(-y * (X @ w)).sum()


def factors(U: Any, V: Any, T: Any) -> Any:
    return ((U @ V.T - T) ** 2).sum()


def eager(*arguments: Any) -> Any:
    """The leaves among the arguments, all but the last, require their gradients."""
    J = loss(*arguments)
    return (J.detach(), *torch.autograd.grad(J, arguments[:5]))


def product(V: Any, X: Any, W1: Any, b1: Any, W2: Any, b2: Any, Y: Any) -> Any:
    gradient = func.grad(lambda W: loss(X, W, b1, W2, b2, Y))
    return func.jvp(gradient, (W1,), (V,))[1]


def eager_product(V: Any, X: Any, W1: Any, b1: Any, W2: Any, b2: Any, Y: Any) -> Any:
    (gradient,) = torch.autograd.grad(loss(X, W1, b1, W2, b2, Y), W1, create_graph=True)
    return torch.autograd.grad(gradient, W1, V)[0]


def gradients(*arguments: Any) -> Any:
    by, J = func.grad_and_value(loss, argnums=(0, *WEIGHTS))(*arguments)
    return (J, *by)


def functions(w: Workload) -> dict[str, Function]:
    match w.task:
        case "gradients":
            return {"func.grad_and_value": gradients}
        case "hessian":
            return {"func.hessian": func.hessian(loss)}
        case "hessian in parameters":
            return {"func.hessian": func.hessian(loss, WEIGHTS)}
        case "blocks":
            one = part(len(w.arrays["X"]))
            return {"vmap of func.hessian": func.vmap(func.hessian(one), SPLIT)}
        case "product":
            return {"func.jvp of grad": product}
        case "jacobian":
            return {"func.jacrev": func.jacrev(prediction)}
        case "jacobian blocks":
            return {"vmap of func.jacrev": func.vmap(func.jacrev(one_prediction), SPLIT[:5])}
        case "gradients per example":
            one = part(len(w.arrays["X"]))
            return {"vmap of func.grad": func.vmap(func.grad(one, WEIGHTS), SPLIT)}
        case "logistic":
            return {"func.hessian": func.hessian(logistic)}
        case "factors":
            return {"func.hessian": func.hessian(factors)}
    return {}


ORDERS = {
    "logistic": ("w", "X", "y"),
    "factors": ("U", "V", "T"),
    "jacobian": VARIABLES[:5],
    "jacobian blocks": VARIABLES[:5],
    "product": (DIRECTION, *VARIABLES),
}
EAGER: dict[str, tuple[Function, tuple[str, ...]]] = {
    "gradients": (eager, VARIABLES[:5]),
    "product": (eager_product, ("W1",)),
}


def leaves(outputs: Any) -> list[Any]:
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    return [leaf for output in outputs for leaf in leaves(output)]


def read(outputs: Any) -> list[Any]:
    return [leaf.detach().numpy() for leaf in leaves(outputs)]


@cache
def compiler_works() -> bool:
    try:
        torch.compile(lambda x: x + 1)(torch.zeros(2))
    except Exception as error:
        print(f"torch.compile does not work here: {error}")
        return False
    return True


def optimiser_loop(w: Workload) -> Form:
    """The documentation's training loop: a module, a loss of class labels, an optimiser."""
    first, last = torch.nn.Linear(64, 64), torch.nn.Linear(64, 10)
    model = torch.nn.Sequential(first, torch.nn.Sigmoid(), last)
    start = [torch.from_numpy(np.array(w.arrays[n].T)).squeeze() for n in PARAMETERS]
    X, order = torch.from_numpy(w.arrays["X"]), torch.from_numpy(w.arrays["order"])
    labels = torch.from_numpy(w.arrays["Y"].argmax(axis=1))
    optimiser, measure = torch.optim.SGD(model.parameters(), lr=RATE), torch.nn.CrossEntropyLoss()

    def run() -> Any:
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), start, strict=True):
                parameter.copy_(value)
        for rows in order:
            optimiser.zero_grad()
            measure(model(X[rows]), labels[rows]).backward()
            optimiser.step()
        return [p.T for p in model.parameters()]

    def read_back(outputs: Any) -> list[Any]:
        return [p.detach().numpy().copy() for p in outputs]

    return Form(EAGER_NAME, "optimiser loop", run, (), read_back)


def compiled_loop(w: Workload) -> Form:
    """A compiled step on plain tensors."""

    @torch.compile
    def step(X: Any, W1: Any, b1: Any, W2: Any, b2: Any, Y: Any) -> Any:
        slopes = func.grad(loss, WEIGHTS)(X, W1, b1, W2, b2, Y)
        return [w - RATE * s for w, s in zip((W1, b1, W2, b2), slopes, strict=True)]

    def run(X: Any, W1: Any, b1: Any, W2: Any, b2: Any, Y: Any, order: Any) -> Any:
        weights = [W1, b1, W2, b2]
        for rows in order:
            weights = step(X[rows], *weights, Y[rows])
        return weights

    arguments = tuple(torch.from_numpy(np.array(w.arrays[n])) for n in (*VARIABLES, "order"))
    return Form(COMPILED_NAME, "compiled step", run, arguments, read)


def forms(w: Workload, thorough: bool) -> Iterator[Form]:
    thorough = thorough and w.task not in NOT_COMPILED and compiler_works()
    if thorough:
        torch._dynamo.reset()
    if w.task == "epoch":
        yield optimiser_loop(w)
        if thorough:
            yield compiled_loop(w)
        return
    order = ORDERS.get(w.task, VARIABLES)
    # Copies, so that no peer writes into another's inputs.
    plain = {name: torch.from_numpy(np.array(w.arrays[name])) for name in order}
    if w.task in EAGER:
        function, variables = EAGER[w.task]
        tracked = {n: t.clone().requires_grad_() if n in variables else t for n, t in plain.items()}
        yield Form(EAGER_NAME, "autograd.grad", function, tuple(tracked.values()), read)
    for name, function in functions(w).items():
        arguments = tuple(plain.values())
        yield Form(EAGER_NAME, name, function, arguments, read)
        if thorough:
            compiled = torch.compile(function)
            yield Form(COMPILED_NAME, f"compile of {name}", compiled, arguments, read)
