"""How often each operation is written, for scalars and for what is none."""

from . import arrays, entrywise, linear
from .scope import Rule, Rules

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


RULES: Rules = {True: table(COMMON + OF_SCALARS), False: table(COMMON + OF_ARRAYS)}
