"""Grows a random expression of a given shape, safe in its domain by construction."""

from collections.abc import Callable

from .pieces import (
    PRODUCT,
    SCALAR,
    SUM,
    Piece,
    Shape,
    call,
    flip,
    is_vector,
    negative,
    power,
    product,
    total,
    transpose,
    words,
)
from .scope import Scope

SMOOTH = words("sigmoid tanh sigmoid tanh sin cos arctan softplus gelu silu erf square")
KINKED = words("relu relu abs step sign")
PRIMED = words("sigmoid tanh sin cos softplus square gelu silu erf arctan")
Rule = Callable[[Scope, Shape, int], Piece | None]


def leaf(s: Scope, shape: Shape) -> Piece:
    if shape == SCALAR and s.rng.random() < 0.15:
        return s.constant()
    return s.leaf(shape) or s.filler(shape)


def grow(s: Scope, shape: Shape, depth: int) -> Piece:
    """A random expression of this shape, at most `depth` operations deep."""
    s.fuel -= 1
    if depth <= 0 or s.fuel <= 0 or s.rng.random() < 0.1:
        return leaf(s, shape)
    rules = COMMON + (OF_SCALARS if shape == SCALAR else OF_ARRAYS)
    for _ in range(8):
        rule = s.rng.choices([r for r, _ in rules], [w for _, w in rules])[0]
        piece = rule(s, shape, depth - 1)
        if piece is not None:
            return piece
    return leaf(s, shape)


def partner(s: Scope, shape: Shape) -> Shape:
    """A shape that broadcasts against `shape` and leaves it as it is."""
    m, n = shape
    return s.rng.choice([shape, shape, shape, SCALAR, (m, "1"), ("1", n)])


def positive(s: Scope, shape: Shape, depth: int) -> Piece:
    """An expression whose entries are all positive."""
    way = s.rng.randrange(9)
    if way <= 1:
        found = s.leaf(shape, "positive")
        if found is not None:
            return found
    inner = bounded(s, shape, depth - 1) if way == 2 else grow(s, shape, depth - 1)
    if shape != SCALAR and way == 3:
        return call("softmax", inner)
    if shape == SCALAR and way == 4:
        return call("sum", positive(s, s.shape(), depth - 1))
    ways = {
        2: lambda: call("exp", inner),
        5: lambda: call("softplus", inner),
        6: lambda: total(call("abs", inner), Piece("0.5")),
        7: lambda: total(Piece("2"), call("tanh", inner)),
        8: lambda: call("sigmoid", inner),
    }
    return ways.get(way, lambda: total(s.number(), power(inner, "2")))()


def bounded(s: Scope, shape: Shape, depth: int) -> Piece:
    """An expression whose entries are at most about 1 in absolute value."""
    way = s.rng.randrange(6)
    if way == 0:
        found = s.leaf(shape, "bounded")
        if found is not None:
            return found
    if way <= 2:
        return product(Piece(s.rng.choice(["0.3", "0.5", "-0.4"])), leaf(s, shape))
    return call(s.rng.choice(["tanh", "sin", "cos", "sigmoid", "erf"]), grow(s, shape, depth - 1))


def sums(s: Scope, shape: Shape, depth: int) -> Piece:
    pair = [grow(s, shape, depth), grow(s, partner(s, shape), depth)]
    if pair[0] == pair[1]:
        pair[1] = s.constant()
    s.rng.shuffle(pair)
    return total(*pair, s.rng.choice("++-"))


def products(s: Scope, shape: Shape, depth: int) -> Piece:
    pair = [grow(s, shape, depth), grow(s, partner(s, shape), depth)]
    s.rng.shuffle(pair)
    return product(*pair)


def quotients(s: Scope, shape: Shape, depth: int) -> Piece:
    return product(grow(s, shape, depth), positive(s, partner(s, shape), depth), "/")


def scaled(s: Scope, shape: Shape, depth: int) -> Piece:
    piece = grow(s, shape, depth)
    if s.rng.random() < 0.2:
        return negative(piece)
    if s.rng.random() < 0.5:
        return product(piece, s.constant(), "/")
    return product(s.constant(), piece)


def powers(s: Scope, shape: Shape, depth: int) -> Piece:
    if s.rng.random() < 0.6:
        return power(grow(s, shape, depth), s.rng.choice(["2", "2", "3"]))
    if s.rng.random() < 0.2:
        exponent = bounded(s, partner(s, shape), depth)
        return power(positive(s, shape, depth), exponent.at(4))
    return power(positive(s, shape, depth), s.rng.choice(["0.5", "1.5", "-1", "-2", "-0.5"]))


def elementwise(s: Scope, shape: Shape, depth: int) -> Piece:
    return call(s.rng.choice(SMOOTH * 2 + KINKED), grow(s, shape, depth))


def guarded(s: Scope, shape: Shape, depth: int) -> Piece:
    """A function with a domain, or one that grows fast, of an argument that suits it."""
    name = s.rng.choice(words("log log sqrt log1p exp exp expm1 sinh cosh tan arcsin arccos"))
    if name in ("log", "sqrt", "log1p"):
        return call(name, positive(s, shape, depth))
    inner = bounded(s, shape, depth)
    if name.startswith("arc"):
        return call(name, product(Piece("0.4"), inner))
    return call(name, inner)


def selections(s: Scope, shape: Shape, depth: int) -> Piece:
    name = s.rng.choice(["maximum", "minimum", "clip", "where", "where"])
    a = grow(s, shape, depth)
    if name == "clip":
        return call(name, a, *s.rng.choice([("-0.5", "0.8"), ("-1", "1"), ("0.1", "2")]))
    b = grow(s, partner(s, shape), depth - 1)
    if name != "where":
        b = Piece(s.rng.choice(["0", "0.3"])) if s.rng.random() < 0.4 else b
        return call(name, a, b)
    left = grow(s, partner(s, shape), depth - 1)
    right = Piece("0") if s.rng.random() < 0.6 else grow(s, partner(s, shape), depth - 1)
    return call(
        "where", f"{left.at(SUM)} {s.rng.choice(['>', '<', '>=', '<='])} {right.text}", a, b
    )


def primed(s: Scope, shape: Shape, depth: int) -> Piece:
    inner = grow(s, shape, depth)
    if s.rng.random() < 0.5:
        return call(s.function(), inner)
    name = s.function() if s.rng.random() < 0.4 else s.rng.choice(PRIMED)
    return call(f"prime({name})", inner)


def matmul(s: Scope, shape: Shape, depth: int) -> Piece:
    unit = shape != SCALAR and s.rng.random() < 0.1
    k = "1" if unit else s.dimension(unlike=shape[0])
    left, right = grow(s, (shape[0], k), depth), grow(s, (k, shape[1]), depth)
    return Piece(f"{left.at(PRODUCT)} @ {right.at(PRODUCT + 1)}", PRODUCT)


def einsum(s: Scope, shape: Shape, depth: int) -> Piece:
    """A contraction; the output never has one label, whose orientation nobody has fixed."""
    dims = {label: s.dimension() for label in "pq"}
    if shape == SCALAR:
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
    name = s.rng.choice(["sum", "sum", "mean", "norm", "norm1", "logsumexp"])
    kept = ["keepdims=True"] if s.rng.random() < 0.15 else []
    return call(name, grow(s, inner, depth), f"axis={axis}", *kept)


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
        return product(grow(s, SCALAR, depth), call("ones", m, n))
    if way == 3 and s.rng.random() < 0.4:
        return total(grow(s, ("1", n), depth), grow(s, (m, "1"), depth))
    u, v = s.rng.choice([("1", m), (m, "1")]), s.rng.choice([("1", n), (n, "1")])
    return call("outer", grow(s, u, depth), grow(s, v, depth))


def reductions(s: Scope, shape: Shape, depth: int) -> Piece:
    name = s.rng.choice(words("sum sum sum mean norm norm norm1 logsumexp trace"))
    inner = s.shape("square") if name == "trace" else s.shape()
    piece = call(name, grow(s, inner, depth))
    return power(piece, "2") if name == "norm" and s.rng.random() < 0.5 else piece


def quadratics(s: Scope, shape: Shape, depth: int) -> Piece:
    n = s.dimension()
    u = leaf(s, ("1", n))
    square = grow(s, (n, n), depth - 1)
    return Piece(f"{u.at(PRODUCT)} @ {square.at(PRODUCT + 1)} @ {transpose(u).text}", PRODUCT)


def losses(s: Scope, shape: Shape, depth: int) -> Piece:
    inner = s.shape(s.rng.choice(["row", "column", "matrix"]))
    name = s.rng.choice(["cross_entropy", "softmax_cross_entropy", "mse"])
    a = leaf(s, inner) if s.rng.random() < 0.7 else grow(s, inner, depth - 1)
    make = positive if name == "cross_entropy" else grow
    return call(name, a, make(s, inner, depth))


COMMON: list[tuple[Rule, float]] = [
    (sums, 3),
    (products, 3),
    (quotients, 1.2),
    (scaled, 1.5),
    (powers, 1.5),
    (elementwise, 3),
    (guarded, 2.2),
    (selections, 1),
    (primed, 1),
    (matmul, 3),
    (einsum, 1),
]
OF_SCALARS: list[tuple[Rule, float]] = [(reductions, 6), (quadratics, 1.5), (losses, 1.5)]
OF_ARRAYS: list[tuple[Rule, float]] = [
    (flipped, 0.7),
    (softmaxes, 1.2),
    (along_axis, 2),
    (diagonals, 1.3),
    (built, 1.6),
]
