"""Matrices as linear algebra has them: inverses, factors, determinants, Kronecker products.

An argument that has to be invertible, positive definite or of full rank is so by construction.
"""

from collections.abc import Callable

from .growth import bounded, grow, leaf, positive
from .pieces import (
    SCALAR,
    Piece,
    Shape,
    call,
    halves,
    matmul,
    negative,
    power,
    product,
    times,
    total,
    transpose,
)
from .scope import Scope

DEFINITE = ({"spd"}, {"spd"}, {"spd", "diagonal"}, {"diagonal", "nonneg", "invertible"})
INVERTIBLE = (
    {"spd"},
    {"orthogonal"},
    {"invertible"},
    {"symmetric", "invertible"},
    {"lower", "invertible"},
    {"upper", "invertible"},
    {"diagonal", "invertible"},
)


def vector(s: Scope, n: str) -> Shape:
    return s.rng.choice([("1", n), (n, "1")])


def known(s: Scope, n: str, facts: tuple[set[str], ...]) -> Piece | None:
    """A square variable with one of these facts, declared if need be and possible."""
    fitting = [v for v in s.variables if v.shape == (n, n) and v.facts in map(frozenset, facts)]
    if fitting and s.rng.random() < 0.6:
        return Piece(s.rng.choice(fitting).name)
    if len(s.variables) >= s.budget:
        return None
    return s.declare((n, n), frozenset(s.rng.choice(facts)))


def definite(s: Scope, n: str, depth: int) -> Piece:
    """A symmetric positive definite matrix."""
    found = known(s, n, DEFINITE) if s.rng.random() < 0.5 else None
    if found is not None:
        return found
    way = s.rng.randrange(4)
    if way == 0:
        u = leaf(s, (n, "1"))
        return total(call("eye", n), matmul(u, transpose(u)))
    if way == 1 and depth > 0:
        return call("diag", positive(s, vector(s, n), depth - 1))
    a = leaf(s, (n, s.dimension()))
    gram = matmul(a, transpose(a))
    if way == 2:
        return total(gram, product(positive(s, SCALAR, 0), call("eye", n)))
    return total(gram, call("eye", n))


def invertible(s: Scope, n: str, depth: int) -> Piece:
    """A square matrix that is seldom near a singular one."""
    found = known(s, n, INVERTIBLE) if s.rng.random() < 0.5 else None
    if found is not None:
        return found
    way = s.rng.randrange(6)
    if way == 0 and depth > 0:
        small = product(Piece("0.2"), bounded(s, (n, n), depth - 1))
        return total(call("eye", n), small, s.rng.choice("+-"))
    found = s.leaf((n, n)) if way <= 2 else None
    if found is None or s.chooses(found):
        return definite(s, n, depth)
    return found if way == 1 else matmul(found, definite(s, n, depth - 1))


def inverses(s: Scope, shape: Shape, depth: int) -> Piece | None:
    return call("inv", invertible(s, shape[0], depth)) if shape[0] == shape[1] else None


def solutions(s: Scope, shape: Shape, depth: int) -> Piece | None:
    if shape[0] == "1":
        return None
    return call("solve", invertible(s, shape[0], depth), grow(s, shape, depth))


def least_squares(s: Scope, shape: Shape, depth: int) -> Piece | None:
    """Pseudoinverses, of matrices of full rank, or what a textbook writes for them."""
    m, n = shape
    way = s.rng.randrange(5)
    k = s.dimension() if way <= 1 else n
    x = s.leaf((k, m))
    if x is None:
        return None
    if way == 0 and m != "1":
        ridge = total(matmul(transpose(x), x), call("eye", m))
        return matmul(matmul(call("inv", ridge), transpose(x)), leaf(s, (k, n)))
    if way <= 1:
        return matmul(call("pinv", x), grow(s, (k, n), depth - 1))
    if way == 2:
        x = total(x, product(Piece("0.1"), bounded(s, (n, m), depth - 1)))
    return call("pinv", x)


def triangles(s: Scope, shape: Shape, depth: int) -> Piece | None:
    if shape[0] != shape[1]:
        return None
    if s.rng.random() < 0.5:
        return call("tril", grow(s, shape, depth))
    return call("cholesky", definite(s, shape[0], depth))


def determinants(s: Scope, shape: Shape, depth: int) -> Piece:
    n = s.dimension()
    way = s.rng.randrange(6)
    if way == 0:
        return call("log", call("det", definite(s, n, depth)))
    if way <= 2:
        return call("det", invertible(s, n, depth))
    return call("logdet", invertible(s, n, depth))


def gaussians(s: Scope, shape: Shape, depth: int) -> Piece:
    """xᵀ S⁻¹ x, in one of the ways that there are to write it, and the logarithm of |S|."""
    n = s.dimension()
    x, cov = leaf(s, (n, "1")), definite(s, n, 0)
    ways: list[Callable[[], Piece]] = [
        lambda: matmul(matmul(transpose(x), call("inv", cov)), x),
        lambda: matmul(transpose(x), call("solve", cov, x)),
        lambda: power(call("norm", call("solve", call("cholesky", cov), x)), "2"),
        lambda: call("trace", call("solve", cov, matmul(x, transpose(x)))),
    ]
    piece = s.rng.choice(ways)()
    if s.rng.random() < 0.4:
        piece = negative(total(product(Piece("0.5"), piece), call("logdet", cov)))
    return piece


def kroneckers(s: Scope, shape: Shape, depth: int) -> Piece:
    pairs = [halves(dimension) for dimension in shape]
    pairs = [pair[::-1] if s.rng.random() < 0.5 else pair for pair in pairs]
    (m, p), (n, q) = pairs
    return call("kron", grow(s, (m, n), depth), grow(s, (p, q), depth))


def stacked(s: Scope, shape: Shape, depth: int) -> Piece | None:
    if shape[1] != "1":
        return None
    m, n = halves(shape[0])
    if n == "1":
        return call("vec", grow(s, s.rng.choice([(m, "1"), ("1", m)]), depth))
    if s.rng.random() < 0.25:
        return matmul(call("commutation", m, n), grow(s, shape, depth))
    return call("vec", grow(s, s.rng.choice([(m, n), (n, m)]), depth))


def permutations(s: Scope, shape: Shape, depth: int) -> Piece | None:
    m, n = halves(shape[0])
    if n == "1" or shape[0] != shape[1]:
        return None
    commutation = call("commutation", *s.rng.choice([(m, n), (n, m)]))
    return matmul(commutation, grow(s, shape, depth)) if depth > 1 else commutation


def of_stacked(s: Scope, shape: Shape, depth: int) -> Piece:
    """Scalars of long vectors: vec(A)ᵀ vec(B), perhaps with a Kronecker product between."""
    m, n = s.dimension(), s.dimension()
    a, b = leaf(s, (m, n)), leaf(s, (m, n))
    way = s.rng.randrange(5)
    left, right = transpose(call("vec", a)), call("vec", b)
    if way == 0:
        return matmul(left, right)
    if way == 1:
        return matmul(matmul(left, call("commutation", n, m)), call("vec", transpose(b)))
    if way == 2:
        kron = call("kron", leaf(s, (n, n)), leaf(s, (m, m)))
        return matmul(matmul(left, kron), right)
    inner = (times(m, n), "1") if way == 3 else (m, times(n, s.dimension()))
    name = s.rng.choice(["sum", "norm", "logsumexp", "max"])
    return call(name, kroneckers(s, inner, depth) if way == 4 else grow(s, inner, depth))
