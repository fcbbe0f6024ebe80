"""How often each operation is written, for scalars and for what is none, and `spotlight`, which
looks at one operation by itself."""

from . import arrays, entrywise, identities, linear
from .growth import grow, partner
from .pieces import SCALAR, Piece, Shape, call, product, total, transpose
from .scope import Rule, Rules, Scope

COMMON: list[tuple[Rule, float]] = [
    (entrywise.sums, 3),
    (entrywise.products, 3),
    (entrywise.quotients, 1.2),
    (entrywise.scaled, 1.5),
    (entrywise.powers, 1.5),
    (entrywise.elementwise, 3),
    (entrywise.guarded, 2.2),
    (entrywise.selections, 1),
    (entrywise.primed, 1),
    (arrays.products, 3),
    (arrays.einsum, 1),
]
OF_SCALARS: list[tuple[Rule, float]] = [
    (arrays.reductions, 7),
    (arrays.quadratics, 1.5),
    (arrays.losses, 1.5),
    (linear.determinants, 2),
    (linear.gaussians, 1),
    (linear.of_stacked, 1.5),
    (identities.scalars, 2),
]
OF_ARRAYS: list[tuple[Rule, float]] = [
    (arrays.flipped, 0.7),
    (arrays.softmaxes, 1.2),
    (arrays.along_axis, 2.5),
    (arrays.diagonals, 1.5),
    (arrays.built, 1.6),
    (linear.inverses, 2),
    (linear.solutions, 1),
    (linear.least_squares, 0.8),
    (linear.triangles, 2),
    (linear.kroneckers, 0.7),
    (linear.stacked, 0.6),
    (linear.permutations, 1.5),
]


def table(rules: list[tuple[Rule, float]]) -> tuple[list[Rule], list[float]]:
    return [rule for rule, _ in rules], [weight for _, weight in rules]


ANY: list[tuple[Rule, float]] = [
    (entrywise.elementwise, 2),
    (entrywise.guarded, 2.5),
    (entrywise.selections, 1.5),
    (entrywise.primed, 1),
    *((rule, 1.0) for rule, _ in OF_ARRAYS),
    (arrays.along_axis, 3),
    (arrays.einsum, 0.7),
    (arrays.softmaxes, 0.5),
    (linear.inverses, 0.7),
    (linear.triangles, 1),
    (identities.cancelling, 2),
    (identities.projections, 1.5),
    (identities.diagonals, 1.5),
    (identities.kroneckers, 1.5),
]
RULES: Rules = {True: table(COMMON + OF_SCALARS), False: table(COMMON + OF_ARRAYS)}


def spotlight(s: Scope) -> tuple[Piece, Shape]:
    """One operation, each as often as the others, of something short and as part of it."""
    rng = s.rng
    s.fuel = 6
    scalar = rng.random() < 0.3
    rule = rng.choices(*table(OF_SCALARS if scalar else ANY))[0]
    piece, shape = fitted(s, rule, scalar)
    if rng.random() < 0.3:
        piece = s.define(piece, shape)
    if rng.random() < 0.4:
        s.fuel = 3
        outer = rng.choice([total, product, product])
        piece = outer(piece, grow(s, partner(s, shape) if not scalar else SCALAR, 1))
    if not scalar and rng.random() < 0.5:
        piece, shape = reduced(s, piece, shape), SCALAR
    return piece, shape


def fitted(s: Scope, rule: Rule, scalar: bool) -> tuple[Piece, Shape]:
    """What a rule makes, in a shape that suits it."""
    for _ in range(30):
        shape = SCALAR if scalar else s.shape(s.rng.choice(["row", "column", "square", "matrix"]))
        piece = rule(s, shape, s.rng.choice([1, 1, 2]))
        if piece is not None:
            return piece, shape
    return grow(s, shape, 1), shape


def reduced(s: Scope, piece: Piece, shape: Shape) -> Piece:
    """A scalar of an array in which its entries have different weights."""
    way = s.rng.randrange(4)
    if way == 0 and shape[0] == shape[1]:
        return call("trace", piece)
    if way == 1:
        return call(s.rng.choice(["norm", "logsumexp", "max", "min"]), piece)
    if way == 2:
        return call("sum", call("square", piece))
    weights = s.leaf(shape)
    return call("sum", product(piece, weights) if weights else transpose(piece))
