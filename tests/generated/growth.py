"""Grows a random expression of a given shape, safe in its domain by construction.

The operations are in `entrywise`, `arrays` and `linear`, each a function from a shape to a piece.
"""

from .pieces import SCALAR, Piece, Shape, call, power, product, total
from .scope import Scope


def leaf(s: Scope, shape: Shape) -> Piece:
    if shape == SCALAR and s.rng.random() < 0.15:
        return s.constant()
    return s.leaf(shape) or s.filler(shape)


def grow(s: Scope, shape: Shape, depth: int) -> Piece:
    """A random expression of this shape, at most `depth` operations deep."""
    s.fuel -= 1
    if depth <= 0 or s.fuel <= 0 or s.rng.random() < 0.1:
        return leaf(s, shape)
    rules, weights = s.rules[shape == SCALAR]
    for _ in range(8):
        piece = s.rng.choices(rules, weights)[0](s, shape, depth - 1)
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
