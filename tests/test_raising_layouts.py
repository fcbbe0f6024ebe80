"""One derivative in all its layouts: the shapes that they promise, and the same numbers."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from index_numbers import difference, points

import diagrad as dg
from diagrad.dimensions import Shape, is_scalar, is_vector
from diagrad.errors import DerivationError
from diagrad.layouts import LAYOUTS

DECLARED = """
x: row[n]; v: row[n]; c: column[m]; d: column[n]; s: scalar
A: matrix[m, n]; B: matrix[m, n]; S: matrix[n, n]; P: matrix[n, n] & spd
p = softmax(x)
H = tanh(A * x + c)
g = tanh(x @ A.T)
"""
SCALARS = {
    "sum(A * B) ** 2": "A B",
    "x @ S @ d": "x d S",
    "x @ P @ x.T": "x P",
    "norm(A @ d - c)": "A c d",
    "trace(A.T @ B @ S)": "A B S",
    "logsumexp(x * s)": "x s",
    "sum(H ** 2) / m": "x A c H",
    "-sum(log(sigmoid(A @ x.T)))": "A x",
    "mean(exp(s * A))": "s A",
    "g @ g.T / 2": "x A g",
    "s ** 3": "s",
    "sum(c)": "x c",
}
VALUES = {
    "p": "x",
    "x @ A.T": "x A",
    "A @ d": "d A",
    "A @ x.T + c": "x c",
    "sum(H, axis=1)": "x c",
    "x * s": "x s",
    "S * x": "x s",
    "x / norm(x)": "x",
    "s * A": "s A",
    "A.T @ c": "A",
    "g": "x A",
    "d @ x": "x d",
    "log_softmax(x) * v": "x v",
}
FIRST = [(of, name) for of, names in (SCALARS | VALUES).items() for name in names.split()]
SECOND = [
    (of, (a, b)) for of, names in SCALARS.items() for a in names.split() for b in names.split()
]


@cache
def problem() -> dg.Problem:
    return dg.parse(DECLARED)


@cache
def derived(of: str, wrt: str | tuple[str, str], layout: str) -> dg.Derivation | None:
    """None where the layout does not fit."""
    try:
        return problem().derive(of, wrt, 1 if isinstance(wrt, str) else 2, layout)
    except DerivationError as error:
        assert "there are" in str(error)
        return None


def value(derivation: dg.Derivation) -> np.ndarray:
    (environment, *_) = points(problem(), 3)
    needed = problem().source.needed(derivation.result.expression)
    given = {name: environment.arrays[name] for name in needed & problem().source.variables.keys()}
    dims = {name: environment.sizes[name] for name in needed & environment.sizes.keys()}
    return np.asarray(derivation.result.evaluate(**given, **dims))


def shapes_of(of: str, wrt: str) -> tuple[Shape, Shape]:
    return problem().expression(of).shape, problem().shapes[wrt]


def layouts(of: str, wrt: str | tuple[str, str]) -> dict[str, dg.Derivation]:
    """The derivation in each layout that fits."""
    found = {layout: derived(of, wrt, layout) for layout in LAYOUTS}
    return {layout: derivation for layout, derivation in found.items() if derivation is not None}


@pytest.mark.parametrize(("of", "wrt"), FIRST)
def test_a_result_has_the_shape_of_its_layout(of, wrt):
    f, x = shapes_of(of, wrt)
    size_f, size_x = (str(n) for n in (f[0] * f[1], x[0] * x[1]))
    rows, columns = (str(n) for n in x)
    expected = {
        "gradient": (rows, columns),
        "numerator": (columns, rows) if not is_vector(x) else (size_f, size_x),
        "denominator": (rows, columns) if not is_vector(x) else (size_x, size_f),
        "vec": (size_f, size_x),
        "tensor": tuple(str(n) for n in (*f, *x)),
    }
    found = layouts(of, wrt)
    assert "auto" in found and "vec" in found and "tensor" in found
    for derivation in found.values():
        shape = tuple(str(n) for n in f) if is_scalar(x) else expected[derivation.layout]
        assert derivation.result.shape == shape, derivation.layout


@pytest.mark.parametrize(("of", "wrt"), FIRST)
def test_a_scalar_has_a_gradient_and_vectors_a_jacobian(of, wrt):
    f, x = shapes_of(of, wrt)
    found = layouts(of, wrt)
    assert ("gradient" in found) == (is_scalar(f) and (not is_scalar(x) or of in SCALARS))
    assert ("numerator" in found) == (
        is_scalar(f) or is_scalar(x) or (is_vector(f) and is_vector(x))
    )
    assert found["auto"].layout in ("gradient", "numerator", "vec", "tensor")


@pytest.mark.parametrize(("of", "wrt"), FIRST)
def test_denominator_is_the_transpose_of_numerator(of, wrt):
    found = layouts(of, wrt)
    if "numerator" in found and not is_scalar(problem().shapes[wrt]):
        assert np.array_equal(
            np.shape(value(found["numerator"])), value(found["denominator"]).T.shape
        )
        assert difference(value(found["numerator"]), value(found["denominator"]).T) < 1e-12


@pytest.mark.parametrize(("of", "wrt"), FIRST)
def test_a_gradient_holds_what_numerator_holds(of, wrt):
    found = layouts(of, wrt)
    if "gradient" in found:
        gradient, numerator = value(found["gradient"]), value(found["numerator"])
        x = problem().shapes[wrt]
        turned = numerator.reshape(gradient.shape) if is_vector(x) else numerator.T
        assert difference(gradient, turned) < 1e-12


@pytest.mark.parametrize(("of", "wrt"), FIRST + SECOND)
def test_vec_stacks_the_columns_of_tensor(of, wrt):
    vec, tensor = derived(of, wrt, "vec"), derived(of, wrt, "tensor")
    by = [problem().shapes[name] for name in ((wrt,) if isinstance(wrt, str) else wrt)]
    stacked = value(tensor)
    if vec.layout == "vec" and not all(is_scalar(shape) for shape in by):
        r, s, m, n = stacked.shape
        stacked = stacked.transpose(1, 0, 3, 2).reshape(r * s, m * n)
    assert difference(np.reshape(value(vec), stacked.shape), stacked) < 1e-12


@pytest.mark.parametrize(("of", "pair"), [(of, pair) for of, pair in SECOND if pair[0] == pair[1]])
def test_a_hessian_is_symmetric(of, pair):
    tensor = value(derived(of, pair, "tensor"))
    if tensor.ndim == 4:
        assert difference(tensor, tensor.transpose(2, 3, 0, 1)) < 1e-10


@pytest.mark.parametrize(("of", "pair"), [(of, pair) for of, pair in SECOND if pair[0] < pair[1]])
def test_the_order_of_two_variables_does_not_matter(of, pair):
    one, other = (value(derived(of, p, "tensor")) for p in (pair, pair[::-1]))
    if one.ndim == 4 == other.ndim:
        assert difference(one, other.transpose(2, 3, 0, 1)) < 1e-10


def test_a_layout_that_does_not_fit_is_refused_by_name():
    with pytest.raises(
        DerivationError, match=r"layout gradient does not fit .* there are vec, tensor"
    ):
        problem().derive("A @ S", "S", layout="gradient")
    with pytest.raises(DerivationError, match="unknown layout 'rows'"):
        problem().derive("sum(A)", "A", layout="rows")
