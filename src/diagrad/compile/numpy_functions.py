"""The functions of entries and of matrices in NumPy."""

from __future__ import annotations

from diagrad.operations.extremes import FIRST, SHARED
from diagrad.operations.factorisations import LOWER_ONES

# Functions that NumPy has, and those that are written out where they are used.
NUMPY = {
    name: f"np.{name}"
    for name in "exp log sqrt tanh sin cos tan sinh cosh log1p expm1 abs sign maximum minimum clip where arcsin arccos arctan".split()  # noqa: E501, SIM905
}
WRITTEN = {
    "sigmoid": """\
def sigmoid(x):
    e = np.exp(-abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)
""",
    "softplus": """\
def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))
""",
    "relu": """\
def relu(x):
    return np.where(x <= 0, 0, x)
""",
    "step": """\
def step(x):
    return np.where(x > 0, 1.0, 0.0).astype(np.result_type(x, 1.0))
""",
    "erf": """\
def erf(x):
    return np.vectorize(math.erf, otypes=[float])(x).astype(np.result_type(x, 1.0))
""",
    "gelu": """\
def gelu(x):
    below = np.vectorize(lambda t: math.erfc(-t / math.sqrt(2)) / 2, otypes=[float])
    return x * below(x).astype(np.result_type(x, 1.0))
""",
}
# Where there is none, NaN, as of a division of 0 by 0.
INVERSE = """\
def inverse(a):
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return np.full_like(a, np.nan)
"""
ROOT = """\
def cholesky(a):
    try:
        return np.linalg.cholesky((a + a.T) / 2)
    except np.linalg.LinAlgError:
        return np.full_like(a, np.nan)
"""
PSEUDOINVERSE = """\
def pseudoinverse(a):
    rounding = max(a.shape) * np.finfo(a.dtype).eps
    try:
        return np.linalg.pinv(a, rcond=rounding)
    except np.linalg.LinAlgError:
        return np.full_like(a.T, np.nan)
"""
NEAREST = """\
def first(z, chosen, axes):
    order = [k for k in range(z.ndim) if k not in axes] + list(axes)
    rows = np.transpose(z, order).reshape(*np.shape(chosen), -1)
    hit = np.zeros_like(rows)
    nearest = np.argmin(abs(rows - np.asarray(chosen)[..., None]), axis=-1)
    np.put_along_axis(hit, nearest[..., None], 1, axis=-1)
    shape = [z.shape[k] for k in order]
    return np.transpose(hit.reshape(shape), np.argsort(order))
"""
EQUAL = """\
def shared(z, chosen, axes):
    near = np.isclose(z, np.expand_dims(chosen, axes), rtol=1e-12, atol=0)
    return (near / near.sum(axis=axes, keepdims=True)).astype(z.dtype)
"""
# By the word of what is told which axes it is about.
ALONG = {FIRST: "first", SHARED: "shared"}
LINEAR_ALGEBRA = {
    "inv": "inverse({0})",
    "det": "np.linalg.det({0})",
    "logdet": "np.linalg.slogdet({0})[1]",
    "cholesky": "cholesky({0})",
    "pinv": "pseudoinverse({0})",
    LOWER_ONES.name: "np.tril({0})",
}
HELPERS = {
    "inv": INVERSE,
    "pinv": PSEUDOINVERSE,
    "cholesky": ROOT,
    FIRST.name: NEAREST,
    SHARED.name: EQUAL,
}
