"""Products that the laws of matrices simplify, or only seem to: an inverse times its matrix, the
Kronecker product of products, a diagonal put on a diagonal."""

from .growth import grow, leaf
from .linear import definite, invertible, vector
from .pieces import (
    SCALAR,
    Piece,
    Shape,
    call,
    halves,
    matmul,
    power,
    product,
    total,
    transpose,
)
from .scope import Scope


def cancelling(s: Scope, shape: Shape, depth: int) -> Piece | None:
    """Products of a matrix with its own inverse, and inverses of products."""
    if shape[0] != shape[1]:
        return None
    n = shape[0]
    a = invertible(s, n, 0)
    b = invertible(s, n, 0)
    square = s.rng.choice([power(a, "2"), product(a, a), product(a, transpose(a))])
    other = s.rng.choice([a, transpose(a), square, b])
    ways = [
        matmul(call("inv", a), other),
        matmul(other, transpose(call("inv", a))),
        call("solve", a, other),
        product(call("inv", a), other),
        matmul(matmul(transpose(a), call("inv", a)), call("tril", other)),
        call("inv", call("inv", other)) if other in (a, b) else matmul(a, a),
        call("inv", matmul(a, b)),
        matmul(call("inv", a), matmul(b, call("inv", a))),
        call("inv", transpose(a)),
        matmul(a, matmul(other, transpose(a))),
    ]
    return s.rng.choice(ways)


def projections(s: Scope, shape: Shape, depth: int) -> Piece | None:
    """Cholesky factors and pseudoinverses with what they are of."""
    if shape[0] != shape[1]:
        return None
    n = shape[0]
    p, x = definite(s, n, 0), s.leaf((s.dimension(), n))
    factor = call("cholesky", p)
    ways = [
        matmul(factor, transpose(factor)),
        matmul(transpose(factor), factor),
        call("solve", factor, p),
        call("tril", call("inv", factor)),
        product(factor, call("tril", leaf(s, (n, n)))),
    ]
    if x is not None:
        ways += [matmul(call("pinv", x), x), matmul(transpose(x), call("pinv", transpose(x)))]
        ways += [matmul(call("pinv", x), product(x, x))]
    return s.rng.choice(ways)


def diagonals(s: Scope, shape: Shape, depth: int) -> Piece | None:
    """Diagonals of products and products of diagonals."""
    m, n = shape
    if m == n:
        v = call("diag", grow(s, vector(s, n), 1))
        a = leaf(s, shape)
        ways = [
            lambda: matmul(v, a),
            lambda: matmul(matmul(v, a), v),
            lambda: product(v, a),
            lambda: product(call("eye", n), a),
            lambda: call("diag", call("diagonal", a)),
            lambda: call(
                "tril", s.rng.choice([v, transpose(a), call("tril", a), product(a, transpose(a))])
            ),
        ]
        return s.rng.choice(ways)()
    if n == "1":
        return call("diagonal", with_diagonal(s, m))
    return matmul(call("diag", leaf(s, vector(s, m))), grow(s, shape, 1))


def with_diagonal(s: Scope, m: str) -> Piece:
    """A square matrix whose diagonal has a shorter name."""
    k = s.dimension()
    a = leaf(s, (m, m))
    ways = [
        lambda: matmul(leaf(s, (m, k)), leaf(s, (k, m))),
        lambda: call("tril", a),
        lambda: product(a, transpose(a)),
        lambda: matmul(a, call("diag", leaf(s, vector(s, m)))),
        lambda: call("inv", invertible(s, m, 0)),
    ]
    return s.rng.choice(ways)()


def kroneckers(s: Scope, shape: Shape, depth: int) -> Piece:
    """Kronecker products multiplied, transposed, summed and turned by commutations."""
    (m, p), (n, q) = halves(shape[0]), halves(shape[1])
    k, j = s.dimension(), s.rng.choice(["1", s.dimension()])
    ways = [
        lambda: matmul(
            call("kron", leaf(s, (m, k)), leaf(s, (p, j))),
            call("kron", leaf(s, (k, n)), leaf(s, (j, q))),
        ),
        lambda: transpose(call("kron", leaf(s, (n, m)), leaf(s, (q, p)))),
        lambda: matmul(call("commutation", m, p), call("kron", leaf(s, (p, n)), leaf(s, (m, q)))),
        lambda: total(call("kron", leaf(s, (m, n)), leaf(s, (p, q))), grow(s, shape, 0)),
        lambda: product(call("kron", leaf(s, (m, n)), leaf(s, (p, q))), grow(s, shape, 0)),
    ]
    return s.rng.choice(ways)()


def scalars(s: Scope, shape: Shape, depth: int) -> Piece:
    """Traces and determinants of products, of inverses and of Kronecker products."""
    n = s.dimension()
    a, b = invertible(s, n, 0), invertible(s, n, 0)
    twice = s.rng.choice([matmul(a, a), product(a, a), transpose(a), matmul(a, b), total(a, b)])
    ways = [
        lambda: call(
            "logdet", s.rng.choice([matmul(a, b), product(Piece("3"), a), call("inv", a), twice])
        ),
        lambda: call("det", s.rng.choice([call("inv", a), transpose(a), twice])),
        lambda: call("trace", matmul(call("inv", a), twice)),
        lambda: call("trace", call("tril", twice)),
        lambda: call("trace", call("kron", leaf(s, (n, n)), b)),
        lambda: call("sum", product(call("inv", a), twice)),
        lambda: call("sum", call("diagonal", matmul(a, twice))),
        lambda: power(call("norm", call("kron", leaf(s, (n, "1")), leaf(s, vector(s, n)))), "2"),
        lambda: product(call("det", a), call("sum", call("inv", a))),
    ]
    return s.rng.choice(ways)() if shape == SCALAR else s.constant()
