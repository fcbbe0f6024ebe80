"""Operations on whole matrices, for batches that may be complex: no conjugate is taken anywhere,
so that every value is an analytic function of the entries."""

from collections.abc import Callable

import numpy as np

from .functions import Array

WORST_CONDITION = 1e3


class NotInLanguage(ValueError):
    """Text that section 1 of the contract does not give a meaning, or shapes that do not fit."""


def transposed(a: Array) -> Array:
    if a.ndim != 3:
        raise NotInLanguage(f"transpose of rank {a.ndim - 1}")
    return np.swapaxes(a, -1, -2)


def lined(v: Array) -> Array:
    """The entries of a row or column along one axis."""
    if v.ndim != 3 or 1 not in v.shape[-2:]:
        raise NotInLanguage("a row or column was expected")
    return v.reshape(v.shape[0], -1)


def vec(a: Array) -> Array:
    return transposed(a).reshape(a.shape[0], -1, 1)


def diag(v: Array) -> Array:
    line = lined(v)
    return line[:, :, None] * np.eye(line.shape[1])


def kron(a: Array, b: Array) -> Array:
    blocks = np.einsum("...ij,...kl->...ikjl", a, b)
    return blocks.reshape(len(blocks), a.shape[1] * b.shape[1], a.shape[2] * b.shape[2])


def commutation(m: Array, n: Array) -> Array:
    rows, columns = count(m), count(n)
    order = np.arange(rows * columns).reshape(columns, rows).T.reshape(-1)
    return np.eye(rows * columns)[order][None]


def count(a: Array) -> int:
    return round(float(a.reshape(-1)[0].real))


def determinant(a: Array) -> Array:
    return np.linalg.det(a)[:, None, None]


def logdet(a: Array) -> Array:
    value = determinant(a)
    return np.log(value * np.sign(value.real))


def pinv(a: Array) -> Array:
    """Of a matrix of full rank."""
    at = transposed(a)
    wide = a.shape[-2] < a.shape[-1]
    return at @ np.linalg.inv(a @ at) if wide else np.linalg.inv(at @ a) @ at


def cholesky(a: Array) -> Array:
    """Column by column; NaN where the symmetric part is not positive definite."""
    rest = (a + transposed(a)) / 2
    factor = np.zeros_like(rest)
    for k in range(rest.shape[-1]):
        pivot = rest[:, k, k]
        root = np.sqrt(np.where(pivot.real > 0, pivot, np.nan))
        factor[:, k:, k] = rest[:, k:, k] / root[:, None]
        column = factor[:, :, k]
        rest = rest - column[:, :, None] * column[:, None, :]
    return factor


def einsum(spec: str, operands: list[Array]) -> Array:
    inputs, output = spec.replace(" ", "").split("->")
    sizes: dict[str, set[int]] = {}
    arrays = []
    for labels, operand in zip(inputs.split(","), operands, strict=True):
        if len(labels) < 2:
            operand = lined(operand) if labels else operand.reshape(-1)
        if len(labels) != operand.ndim - 1:
            raise NotInLanguage(f"einsum {spec}: {labels!r} for rank {operand.ndim - 1}")
        for label, extent in zip(labels, operand.shape[1:], strict=True):
            sizes.setdefault(label, set()).add(extent)
        arrays.append(operand)
    if any(len(extents) > 1 for extents in sizes.values()):
        raise NotInLanguage(f"einsum {spec}: {sizes}")
    dotted = ",".join(f"...{labels}" for labels in inputs.split(","))
    value = np.einsum(f"{dotted}->...{output}", *arrays, optimize=len(arrays) > 2)
    return value.reshape(*value.shape, *(1,) * (2 - len(output)))


def logsumexp(a: Array, axis: tuple[int, ...]) -> Array:
    top = a.real.max(axis=axis, keepdims=True)
    return np.log(np.exp(a - top).sum(axis=axis, keepdims=True)) + top


def log_softmax(a: Array, axis: tuple[int, ...]) -> Array:
    if len(axis) == 2:
        axis = (-2,) if a.shape[-1] == 1 else (-1,)
    return a - logsumexp(a, axis)


MATRICES: dict[str, Callable[..., Array]] = {
    "trace": lambda a: np.trace(a, axis1=-2, axis2=-1)[:, None, None],
    "diag": diag,
    "diagonal": lambda a: np.diagonal(a, axis1=-2, axis2=-1)[:, :, None],
    "tril": np.tril,
    "outer": lambda u, v: lined(u)[:, :, None] * lined(v)[:, None, :],
    "ones": lambda m, n: np.ones((1, count(m), count(n))),
    "zeros": lambda m, n: np.zeros((1, count(m), count(n))),
    "eye": lambda n: np.eye(count(n))[None],
    "kron": kron,
    "vec": vec,
    "commutation": commutation,
    "inv": np.linalg.inv,
    "pinv": pinv,
    "det": determinant,
    "logdet": logdet,
    "solve": np.linalg.solve,
    "cholesky": cholesky,
    "cross_entropy": lambda y, p: -(y * np.log(p)).sum(axis=(-1, -2), keepdims=True),
    "softmax_cross_entropy": lambda y, z: (
        -(y * log_softmax(z, (-2, -1))).sum((-1, -2), keepdims=True)
    ),
    "mse": lambda a, b: ((a - b) ** 2).mean(axis=(-1, -2), keepdims=True),
}
OF_FULL_RANK = {"inv", "pinv", "det", "logdet", "solve", "cholesky"}


def near_singular(a: Array) -> bool:
    """Whether the first matrix of a batch has nearly lost its rank."""
    singular = np.linalg.svd(a[0].real, compute_uv=False)
    return not singular[-1] * WORST_CONDITION > singular[0]
