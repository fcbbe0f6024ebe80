"""Operations entry by entry: arithmetic, functions, selections."""

from .growth import bounded, grow, partner, positive
from .pieces import SUM, Piece, Shape, call, negative, power, product, total, words
from .scope import Scope

SMOOTH = words("sigmoid tanh sigmoid tanh sin cos arctan softplus gelu silu erf square")
KINKED = words("relu relu abs abs step sign sign")
PRIMED = words("sigmoid tanh sin cos softplus square gelu silu erf arctan")


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
    name = s.rng.choice(words("log log sqrt log1p exp expm1 sinh cosh tan arcsin arccos"))
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
