"""The workloads: a problem, what of it is asked for, numbers, and how many times as fast we aim.

The network is `examples/batch.dg`, with its mean over the examples. Hessians and Jacobians by a
matrix have the tensor layout, so that a peer's arrays are compared as they are. What is asked for
`per` example are the slices of J's derivative, which have its factor 1/N and add up to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

NETWORK = (Path(__file__).parent.parent / "examples" / "batch.dg").read_text("utf-8")
LOGISTIC = """
X: matrix[m, n]; y: column[m] & pm1; w: column[n]
J = sum(softplus(-y * (X @ w)))
"""
FACTORS = """
U: matrix[m, k]; V: matrix[n, k]; T: matrix[m, n]
J = sum((U @ V.T - T) ** 2)
"""
PARAMETERS = ("W1", "b1", "W2", "b2")
DIRECTION = "direction"  # of a Hessian-vector product


class Asked(NamedTuple):
    """An output: a value (`wrt` None), a derivative, a Hessian-vector product, or per example."""

    of: str
    wrt: str | tuple[str, str] | None = None
    order: int = 1
    times_vector: bool = False
    per: str | None = None


@dataclass(frozen=True)
class Workload:
    """`task` is what peers have a function for, `make` draws the numbers, `aims` are the ratios to
    reach, by peer, `aims_into` those where ours writes into given arrays."""

    group: str
    task: str
    size: str
    text: str
    asked: tuple[Asked, ...]
    make: Callable[[], dict[str, Array]]
    aims: Mapping[str, float] = field(default_factory=dict)
    aims_into: Mapping[str, float] = field(default_factory=dict)
    tolerance: float = 1e-9

    @cached_property
    def arrays(self) -> dict[str, Array]:
        return self.make()

    @property
    def title(self) -> str:
        return f"{self.group}, {self.size}"


class Sizes(NamedTuple):
    N: int
    Dx: int
    H: int
    Dy: int

    def __str__(self) -> str:
        return f"{self.N}, {self.Dx}-{self.H}-{self.Dy}"


SIZES = {
    "single": Sizes(1, 10, 5, 10),
    "assignment": Sizes(20, 10, 5, 10),
    "small": Sizes(32, 64, 64, 10),
    "mnist": Sizes(128, 784, 128, 10),
    "large": Sizes(1024, 1024, 1024, 100),
}


def network(sizes: Sizes, dtype: str = "float64", seed: int = 0) -> dict[str, Array]:
    """Inputs of the network, with weights about as large as training begins with."""
    rng = np.random.default_rng(seed)
    N, Dx, H, Dy = sizes
    arrays = {
        "X": rng.standard_normal((N, Dx)),
        "W1": rng.standard_normal((Dx, H)) / np.sqrt(Dx),
        "b1": 0.1 * rng.standard_normal((1, H)),
        "W2": rng.standard_normal((H, Dy)) / np.sqrt(H),
        "b2": 0.1 * rng.standard_normal((1, Dy)),
        "Y": np.eye(Dy)[rng.integers(Dy, size=N)],
    }
    return {name: array.astype(dtype) for name, array in arrays.items()}


def directed(sizes: Sizes) -> dict[str, Array]:
    """With a direction in W1."""
    direction = np.random.default_rng(1).standard_normal((sizes.Dx, sizes.H))
    return network(sizes) | {DIRECTION: direction}


GRADIENTS = (Asked("J"), *(Asked("J", w) for w in ("X", *PARAMETERS)))
A = "A: value and all gradients"
A_AIMS = {
    "single": {"JAX": 33.0, "PyTensor": 11.0, "PyTorch eager": 220.0},
    "assignment": {"JAX": 27.0, "PyTensor": 6.0, "Numba": 3.0, "NumPy": 18.0},
    "small": {"JAX": 3.4, "PyTensor": 1.8, "NumPy": 2.7, "Numba": 1.4},
    "mnist": {"JAX": 1.2, "NumPy": 1.05},
    "large": dict.fromkeys(("JAX", "PyTensor", "PyTorch eager", "NumPy", "Numba"), 0.97),
}
# The second-order workloads at the assignment's and the small size: the task, what is asked for,
# and how many times as fast as JAX.
ALL_BLOCKS = tuple(Asked("J", pair, 2) for pair in product(PARAMETERS, PARAMETERS))
BOTH: dict[str, tuple[str, tuple[Asked, ...], tuple[float, float] | None]] = {
    "Hessian in X, dense": ("hessian", (Asked("J", "X", 2),), (12, 25)),
    "Hessian in x, one example": ("hessian", (Asked("J", "X", 2),), None),
    "Hessian in X, blocks per example": ("blocks", (Asked("J", "X", 2, per="N"),), (2.5, 1.4)),
    "Hessian in all parameters, dense": ("hessian in parameters", ALL_BLOCKS, (6.5, 6)),
    "Hessian-vector product, W1": ("product", (Asked("J", "W1", 2, True),), (5, 1.7)),
    "Jacobian of Yhat in X, dense": ("jacobian", (Asked("Yhat", "X"),), (5, 1.3)),
    "Jacobian of Yhat in X, blocks per example": (
        "jacobian blocks",
        (Asked("Yhat", "X", per="N"),),
        (5, 1.3),
    ),
    "Gradients per example": (
        "gradients per example",
        tuple(Asked("J", w, per="N") for w in PARAMETERS),
        (7, 3),
    ),
}


def first_order() -> Iterator[Workload]:
    for name, sizes in SIZES.items():
        size = f"{name} ({sizes})"
        arrays = partial(network, sizes)
        into = {"JAX": 60.0} if name == "single" else {}
        yield Workload(A, "gradients", size, NETWORK, GRADIENTS, arrays, A_AIMS[name], into)
    arrays = partial(network, SIZES["mnist"], "float32")
    size = f"mnist ({SIZES['mnist']})"
    aims = A_AIMS["mnist"]
    yield Workload(
        f"{A}, float32", "gradients", size, NETWORK, GRADIENTS, arrays, aims, tolerance=1e-3
    )


def second_order() -> Iterator[Workload]:
    for group, (task, asked, aims) in BOTH.items():
        for place, name in enumerate(("assignment", "small")):
            sizes = SIZES[name]
            if "one example" in group:
                sizes = sizes._replace(N=1)
            arrays = partial(directed if task == "product" else network, sizes)
            aim = {"JAX": float(aims[place])} if aims else {}
            yield Workload(group, task, f"{name} ({sizes})", NETWORK, asked, arrays, aim)


def regression(n: int) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {
        "X": rng.standard_normal((2 * n, n)),
        "y": np.sign(rng.standard_normal((2 * n, 1))),
        "w": rng.standard_normal((n, 1)) / np.sqrt(n),
    }


def factorisation(m: int, n: int, k: int) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    shapes = {"U": (m, k), "V": (n, k), "T": (m, n)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def other_problems() -> Iterator[Workload]:
    for n in (50, 200, 500):
        group, size = "Hessian of logistic regression", f"n = {n}, m = {2 * n}"
        asked, aims = (Asked("J", "w", 2),), {"JAX": 4.0}
        yield Workload(group, "logistic", size, LOGISTIC, asked, partial(regression, n), aims)
    group, size = "Hessian of ‖UVᵀ − T‖² in U, dense", "200×200, k = 5"
    asked, aims = (Asked("J", "U", 2),), {"JAX": 1000.0}
    make = partial(factorisation, 200, 200, 5)
    yield Workload(group, "factors", size, FACTORS, asked, make, aims)


BATCH, RATE = 32, 1.0


@cache
def digits() -> tuple[Array, Array, Array, Array]:
    """Pixels to train and to test on, in whole batches, and the labels of both."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(pixels / 16, labels, test_size=0.2, random_state=0)
    whole = len(X) // BATCH * BATCH
    return X[:whole].astype("float32"), X_test.astype("float32"), y[:whole], y_test


def training_data() -> dict[str, Array]:
    """`order` has a row for each step, which holds the rows of its batch."""
    X, _, labels, _ = digits()
    order = np.random.default_rng(0).permutation(len(X)).reshape(-1, BATCH)
    own = {"X": X, "Y": np.eye(10, dtype="float32")[labels], "order": order}
    return network(Sizes(1, 64, 64, 10), "float32") | own


def training() -> Iterator[Workload]:
    """An epoch of plain gradient descent; none without scikit-learn, which has the digits."""
    if find_spec("sklearn"):
        group, size = "Training, an epoch, float32", f"digits, batch {BATCH}, 64-64-10"
        asked = tuple(Asked("J", w) for w in PARAMETERS)
        aims = {"JAX": 1.5, "PyTorch eager": 12.0, "scikit-learn": 14.0}
        yield Workload(group, "epoch", size, NETWORK, asked, training_data, aims, tolerance=1e-2)


def workloads() -> list[Workload]:
    return [*first_order(), *second_order(), *other_problems(), *training()]
