"""Products, reductions, softmaxes, losses, and matrices made of vectors."""

from .growth import grow, leaf, positive
from .pieces import (
    SCALAR,
    Piece,
    Shape,
    call,
    flip,
    is_vector,
    matmul,
    power,
    product,
    total,
    transpose,
    words,
)
from .scope import Scope


def products(s: Scope, shape: Shape, depth: int) -> Piece:
    unit = shape != SCALAR and s.rng.random() < 0.1
    k = "1" if unit else s.dimension(unlike=shape[0])
    return matmul(grow(s, (shape[0], k), depth), grow(s, (k, shape[1]), depth))


def einsum(s: Scope, shape: Shape, depth: int) -> Piece:
    """A contraction; an output with one label is a column."""
    dims = {label: s.dimension() for label in "pq"}
    column = shape != SCALAR and shape[1] == "1" and s.rng.random() < 0.5
    if column:
        dims["i"] = shape[0]
        spec = s.rng.choice(["ip,p->i", "pi,p->i", "ip->i", "ip,pi->i", "i,i->i", "pq,q,ip->i"])
    elif shape == SCALAR:
        spec = s.rng.choice(["p,p->", "pq,pq->", "p,pq,q->", "pq,qr,rp->", "pq,q,p->"])
        dims["r"] = s.dimension()
    else:
        dims |= {"i": shape[0], "j": shape[1]}
        specs = ["ip,pj->ij", "ij,ij->ij", "ji->ij", "pi,pj->ij", "ip,p,pj->ij"]
        specs += [] if is_vector(shape) else ["i,j->ij", "ij,j->ij", "ij,i,j->ij", "ij,p,p->ij"]
        spec = s.rng.choice(specs)
    operands = []
    for labels in spec.split("->")[0].split(","):
        if len(labels) == 2:
            operand = (dims[labels[0]], dims[labels[1]])
        else:
            operand = s.rng.choice([("1", dims[labels]), (dims[labels], "1")])
        operands.append(grow(s, operand, depth - 1))
    return call("einsum", f'"{spec}"', *operands)


def flipped(s: Scope, shape: Shape, depth: int) -> Piece:
    return transpose(grow(s, flip(shape), depth))


def softmaxes(s: Scope, shape: Shape, depth: int) -> Piece:
    axes = [f"axis={i}" for i in (0, 1) if shape[i] != "1"]
    axis = [] if s.rng.random() < 0.6 else [s.rng.choice(axes)]
    return call(s.rng.choice(["softmax", "softmax", "log_softmax"]), grow(s, shape, depth), *axis)


def along_axis(s: Scope, shape: Shape, depth: int) -> Piece | None:
    if not is_vector(shape):
        return None
    axis = 0 if shape[0] == "1" else 1
    inner = (s.dimension(), shape[1]) if axis == 0 else (shape[0], s.dimension())
    name = s.rng.choice(words("sum mean norm norm1 logsumexp max min prod prod"))
    kept = ["keepdims=True"] if s.rng.random() < 0.15 else []
    return call(name, reduced(s, name, inner, depth), f"axis={axis}", *kept)


def reduced(s: Scope, name: str, inner: Shape, depth: int) -> Piece:
    """What a reduction reduces: for a product without entries that are 0."""
    if name == "prod":
        return factors(s, inner, depth)
    if name == "trace":
        return grow(s, (inner[0], inner[0]), depth)
    return grow(s, inner, depth)


def factors(s: Scope, shape: Shape, depth: int) -> Piece:
    if s.rng.random() < 0.35:
        return total(Piece("1"), product(Piece("0.3"), leaf(s, shape)))
    return positive(s, shape, depth)


def diagonals(s: Scope, shape: Shape, depth: int) -> Piece | None:
    m, n = shape
    if m == n:
        return call("diag", grow(s, s.rng.choice([("1", n), (n, "1")]), depth))
    return call("diagonal", grow(s, (m, m), depth)) if n == "1" else None


def built(s: Scope, shape: Shape, depth: int) -> Piece | None:
    """Matrices made of vectors and of constants."""
    m, n = shape
    if is_vector(shape):
        return None
    way = s.rng.randrange(5)
    if m == n and way <= 1:
        piece = product(grow(s, SCALAR, depth - 1), call("eye", n))
        return total(grow(s, shape, depth), piece, s.rng.choice("+-"))
    if way == 2:
        if s.rng.random() < 0.2:
            return total(grow(s, shape, depth), call("zeros", m, n))
        return product(grow(s, SCALAR, depth), call("ones", m, n))
    if way == 3 and s.rng.random() < 0.4:
        return total(grow(s, ("1", n), depth), grow(s, (m, "1"), depth))
    u, v = s.rng.choice([("1", m), (m, "1")]), s.rng.choice([("1", n), (n, "1")])
    return call("outer", grow(s, u, depth), grow(s, v, depth))


def reductions(s: Scope, shape: Shape, depth: int) -> Piece:
    name = s.rng.choice(words("sum sum sum mean norm norm norm1 logsumexp trace max min prod"))
    piece = call(name, reduced(s, name, s.shape(), depth))
    return power(piece, "2") if name == "norm" and s.rng.random() < 0.5 else piece


def quadratics(s: Scope, shape: Shape, depth: int) -> Piece:
    n = s.dimension()
    u = leaf(s, ("1", n))
    square = grow(s, (n, n), depth - 1)
    return matmul(matmul(u, square), transpose(u))


def losses(s: Scope, shape: Shape, depth: int) -> Piece:
    inner = s.shape(s.rng.choice(["row", "column", "matrix"]))
    name = s.rng.choice(["cross_entropy", "softmax_cross_entropy", "mse"])
    a = leaf(s, inner) if s.rng.random() < 0.7 else grow(s, inner, depth - 1)
    make = positive if name == "cross_entropy" else grow
    return call(name, a, make(s, inner, depth))
