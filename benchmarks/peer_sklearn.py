"""scikit-learn's MLPClassifier with the same network, loss and plain gradient descent.

It draws its minibatches itself, so it is not compared weight by weight: it has to reach the
accuracy on unseen digits that NumPy's loop reaches.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import peer_numpy
import sklearn
from measuring import Disagreement, Form
from sklearn.neural_network import MLPClassifier
from workloads import BATCH, PARAMETERS, RATE, Array, Workload, digits

NAME, VERSION = "scikit-learn", sklearn.__version__
EPOCHS, NEAR = 30, 0.015


def accuracy(X: Array, labels: Array, weights: list[Array]) -> float:
    W1, b1, W2, b2 = weights
    found = peer_numpy.sigmoid(X @ W1 + b1) @ W2 + b2
    return float(np.mean(found.argmax(axis=1) == labels))


def classifier() -> Any:
    return MLPClassifier((64,), activation="logistic", solver="sgd", alpha=0.0, batch_size=BATCH,
                         learning_rate_init=RATE, momentum=0.0, nesterovs_momentum=False,
                         random_state=0)  # fmt: skip


def forms(w: Workload, thorough: bool) -> Iterator[Form]:
    if w.task != "epoch":
        return
    X, X_test, labels, labels_test = digits()
    model = classifier()

    def vouched() -> None:
        """The same accuracy after as many epochs, of both in an order of their own."""
        other, rng = classifier(), np.random.default_rng(0)
        weights = [w.arrays[name] for name in PARAMETERS]
        for _ in range(EPOCHS):
            other.partial_fit(X, labels, classes=np.arange(10))
            order = rng.permutation(len(X)).reshape(-1, BATCH)
            weights = list(peer_numpy.epoch(X, *weights, w.arrays["Y"], order))
        theirs = float(other.score(X_test, labels_test))
        expected = accuracy(X_test, labels_test, weights)
        if abs(theirs - expected) > NEAR:
            raise Disagreement(f"accuracy {theirs:.1%}, not {expected:.1%}")

    def run() -> Any:
        return model.partial_fit(X, labels, classes=np.arange(10))

    yield Form(NAME, "MLPClassifier.partial_fit", run, (), vouched=vouched)
