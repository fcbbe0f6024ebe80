"""Pages for a browser, one of each kind, by name: those of the examples, of second derivatives and
of verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

import diagrad as dg
from diagrad import pages
from diagrad.pages import verdicts

FOLDER = Path(__file__).resolve().parent.parent / "examples"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.dg"))
GRADIENT = "((yhat - y) @ W2.T * h * (1 - h)) @ W1.T"
LINES = "d2 = yhat - y\ndh = d2 @ W2.T\ndz1 = dh * z1 * (1 - z1)\ndJ/dx = dz1 @ W1.T"
# Of the network with one hidden layer, by x.
ANSWERS = {
    "right": GRADIENT,
    "in another convention": "W1 @ ((yhat - y) @ W2.T * h * (1 - h)).T",
    "wrong in a line": LINES,
    "wrong in its shapes": "dJ/dx = (yhat - y) @ W2.T @ (h*(1-h)) @ W1.T",
    "undecided": f"{GRADIENT} + where(H > 99, 1, 0)",
}
SECOND = {"logistic": "w", "one_hidden_layer": "x", "linear_regression": "w"}


def example(name: str) -> dg.Problem:
    return dg.load(FOLDER / f"{name}.dg")


def derived(name: str, route: str = "both", depth: str = "standard") -> str:
    """The page of an example, as `diagrad derive FILE --format html` writes it."""
    problem = example(name)
    wrt = problem.default_wrt(problem.last)
    return pages.html(problem.derive(problem.last, wrt), route, depth)


def second(name: str, wrt: str) -> str:
    problem = example(name)
    return problem.derive(problem.last, wrt, order=2).html()


def apart() -> str:
    """Two derivations that share no step."""
    problem = example("linear_regression")
    return pages.html(problem.derive("J", ["w", "b"], order=2))


def judged(answer: str) -> str:
    return example("one_hidden_layer").check("J", "x", answer).html(show_answer=True)


def several() -> str:
    answer = "d2 = yhat - y\ndJ/dW2 = h.T @ d2\ndJ/dx = (d2 @ W2.T * h * (1 - h)) @ W1.T"
    problem = example("one_hidden_layer")
    return verdicts.html([problem.check("J", name, answer) for name in ("W2", "x")])


def backward(
    x: np.ndarray, W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, b2: np.ndarray, y: np.ndarray
) -> dict[str, np.ndarray]:
    h = 1 / (1 + np.exp(-(x @ W1 + b1)))
    e = np.exp(h @ W2 + b2)
    d2 = e / e.sum() - y
    return {"b2": d2, "W2": -h.T @ d2}


def raising(x: np.ndarray) -> None:
    raise KeyError("no gradient by x")


def function(of: Callable[..., object], *wrt: str) -> str:
    return example("one_hidden_layer").check_function(of, wrt=wrt).html()


OTHERS: Mapping[str, Callable[[], str]] = {
    **{f"second derivative of {n}": lambda n=n, w=w: second(n, w) for n, w in SECOND.items()},
    **{f"an answer that is {kind}": lambda a=a: judged(a) for kind, a in ANSWERS.items()},
    "two second derivatives": apart,
    "two answers": several,
    "a function right and wrong": lambda: function(backward, "b2", "W2"),
    "a function that raises": lambda: function(raising, "x"),
}
