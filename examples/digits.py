"""Trains a network to read handwritten digits, with gradients that Diagrad derives.

    python examples/digits.py --epochs 60 --hidden 64

The network is examples/batch.dg: one hidden layer, written in the problem language. No derivative
is written here. Diagrad derives the formulas; they are printed and compiled to one function, which
is compared with autograd's gradients and with central differences, and then trains the network.
Needs scikit-learn, for its 1797 digits of 8×8 pixels, and autograd: `pip install -e ".[test]"`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad
from rich.console import Console
from rich.progress import Progress
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import diagrad as dg

Array = np.ndarray[Any, np.dtype[np.float64]]

TEXT = Path(__file__).with_name("batch.dg").read_text("utf-8")
NETWORK = dg.parse(TEXT, "batch.dg")
PARAMS = ["W1", "b1", "W2", "b2"]
GRADIENTS = {d.wrt: d.result for d in NETWORK.derive("J", wrt=PARAMS)}
# The cost and the gradients in one function, as C where there is a compiler.
STEP = NETWORK.compile(["J", *(dg.d("J", name) for name in PARAMS)])
# The same minibatch by minibatch, an epoch in one call.
DESCENT = NETWORK.descent("J", PARAMS, over="N")
PREDICTION = NETWORK.formula("Yhat")

RATE = 1.0  # of the descent
BOUND = 1e-6  # the largest relative difference that passes the gradient check


def digits() -> list[Array]:
    """Pixels from 0 to 1, to train and to test on; then their labels as one-hot rows, likewise."""
    pixels, labels = load_digits(return_X_y=True)
    return list(train_test_split(pixels / 16, np.eye(10)[labels], test_size=0.2, random_state=0))


def initial(dimensions: Sequence[int], rng: np.random.Generator) -> Array:
    """All parameters in one flat vector, small and random: hidden units must not start alike."""
    Dx, H, Dy = dimensions
    return 0.1 * rng.standard_normal(Dx * H + H + H * Dy + Dy)


def unpacked(params: Array, dimensions: Sequence[int]) -> dict[str, Array]:
    """W1, b1, W2 and b2, which lie in the flat vector in this order."""
    Dx, H, Dy = dimensions
    shapes = [(Dx, H), (1, H), (H, Dy), (1, Dy)]
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    pieces = np.split(params, ends[:-1])
    return {n: p.reshape(s) for n, p, s in zip(PARAMS, pieces, shapes, strict=True)}


def forward_backward_prop(
    data: Array, labels: Array, params: Array, dimensions: Sequence[int]
) -> tuple[float, Array]:
    """The cost and its flat gradient, as an exercise of Stanford CS224n asks for them.

    `data` is N×Dx, `labels` N×Dy with one-hot rows, `dimensions` is [Dx, H, Dy]. The cost is the
    mean over the N rows.
    """
    point = {"X": data, "Y": labels, **unpacked(params, dimensions)}
    cost, *gradients = STEP(**point)
    return float(cost), np.concatenate([gradient.ravel() for gradient in gradients])


def gradient_check(f: Callable[[Array], tuple[float, Array]], x: Array) -> float:
    """The relative difference between the gradient that f gives at x and central differences."""
    step = 1e-5
    slopes = np.empty_like(x)
    for i in range(x.size):
        aside = np.zeros_like(x)
        aside[i] = step
        slopes[i] = (f(x + aside)[0] - f(x - aside)[0]) / (2 * step)
    return difference(f(x)[1], slopes)


def difference(found: Array, expected: Array) -> float:
    """The largest difference of two entries, relative to the largest entry expected."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def cost_for_autograd(W1: Array, b1: Array, W2: Array, b2: Array, X: Array, Y: Array) -> Any:
    """The same network as a program, which autograd differentiates by running it."""
    hidden = 1 / (1 + anp.exp(-(X @ W1 + b1)))
    powers = anp.exp(hidden @ W2 + b2)
    Yhat = powers / anp.sum(powers, axis=1, keepdims=True)
    return -anp.sum(Y * anp.log(Yhat)) / len(X)


def beside_autograd(X: Array, Y: Array, weights: dict[str, Array]) -> dict[str, float]:
    """The relative difference between the derived gradient and autograd's, by parameter."""
    theirs = grad(cost_for_autograd, argnum=(0, 1, 2, 3))(*weights.values(), X, Y)
    _, *ours = STEP(X=X, Y=Y, **weights)
    return {n: difference(o, t) for n, o, t in zip(PARAMS, ours, theirs, strict=True)}


def trained(
    X: Array, Y: Array, hidden: int, epochs: int, batch: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Weights after gradient descent by minibatches. Shows a progress bar, or lines in a file."""
    dimensions = [X.shape[1], hidden, Y.shape[1]]
    weights = unpacked(initial(dimensions, rng), dimensions)
    arrays = {"X": X, "Y": Y, **weights}
    console = Console(force_terminal=sys.stdout.isatty())
    with Progress(console=console, disable=not console.is_interactive) as bar:
        task = bar.add_task("", total=epochs)
        for epoch in range(1, epochs + 1):
            costs = DESCENT.epoch(arrays, rng.permutation(len(X)), RATE, batch)
            line = f"epoch {epoch:3} of {epochs}, mean cost {np.mean(costs):.4f}"
            bar.update(task, advance=1, description=line)
            if bar.disable and epoch % max(1, epochs // 10) == 0:
                print(line, flush=True)
    return weights


def accuracy(X: Array, Y: Array, weights: dict[str, Array]) -> float:
    """The part of the digits whose likeliest label is the right one."""
    Yhat = PREDICTION.evaluate(X=X, **weights)
    return float(np.mean(Yhat.argmax(axis=1) == Y.argmax(axis=1)))


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="Reads digits with gradients from Diagrad.")
    parser.add_argument("--epochs", type=int, default=60, help="passes over the digits (60)")
    parser.add_argument("--hidden", type=int, default=64, help="hidden units (64)")
    parser.add_argument("--batch", type=int, default=32, help="digits in a minibatch (32)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and minibatches (0)")
    asked = parser.parse_args(argv)
    if min(asked.epochs, asked.hidden, asked.batch) < 1 or asked.seed < 0:
        parser.error("--epochs, --hidden and --batch are at least 1, --seed at least 0")
    return asked


def main(argv: Sequence[str] | None = None) -> float:
    """Derives, checks and trains; gives the accuracy on digits that training has not seen."""
    asked = options(argv)
    rng = np.random.default_rng(asked.seed)
    X, X_test, Y, Y_test = digits()

    print(TEXT)
    for name, formula in GRADIENTS.items():
        print(f"∂J/∂{name} = {formula.unicode()}")
    print(f"compiled to one function of the cost and the gradients, by {STEP.backend}")

    dimensions = [X.shape[1], asked.hidden, Y.shape[1]]
    weights = unpacked(initial(dimensions, rng), dimensions)
    print("\nrelative difference from autograd, on a minibatch:")
    for name, worst in beside_autograd(X[: asked.batch], Y[: asked.batch], weights).items():
        print(f"  {name}  {worst:.0e}")

    few = [X.shape[1], 5, Y.shape[1]]  # a check takes two costs for each parameter
    params = initial(few, rng)
    worst = gradient_check(lambda x: forward_backward_prop(X[:20], Y[:20], x, few), params)
    if not worst < BOUND:
        sys.exit(f"gradient check: FAILED, the relative difference is {worst:.0e}")
    print(f"gradient check: passed, {params.size} slopes with relative difference {worst:.0e}\n")

    weights = trained(X, Y, asked.hidden, asked.epochs, asked.batch, rng)
    reached = accuracy(X_test, Y_test, weights)
    print(f"\ntest accuracy: {reached:.1%} of {len(X_test)} digits")
    return reached


if __name__ == "__main__":
    main()
