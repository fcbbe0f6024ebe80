"""What a problem may say about its variables, and what follows from it.

A fact that is not known is not false: `known` answers True or None, never False.
"""

from __future__ import annotations

IMPLIES: dict[str, frozenset[str]] = {
    "positive": frozenset({"nonneg", "nonzero"}),
    "nonneg": frozenset(),
    "nonzero": frozenset(),
    "prob": frozenset({"positive", "nonneg", "nonzero"}),
    "pm1": frozenset({"nonzero"}),
    "onehot": frozenset({"nonneg", "sums-to-1"}),
    "simplex": frozenset({"nonneg", "sums-to-1"}),
    "sums-to-1": frozenset(),
    "symmetric": frozenset(),
    "spd": frozenset({"symmetric", "invertible"}),
    "orthogonal": frozenset({"invertible"}),
    "invertible": frozenset(),
    "diagonal": frozenset({"symmetric", "lower", "upper"}),
    "lower": frozenset(),
    "upper": frozenset(),
}

DECLARABLE = frozenset(IMPLIES) - {"nonzero", "sums-to-1"}
SQUARE = frozenset({"symmetric", "spd", "orthogonal", "invertible", "diagonal", "lower", "upper"})
ROWWISE = frozenset({"onehot", "simplex"})
LABELS = frozenset({"onehot", "pm1"})


def closure(facts: frozenset[str]) -> frozenset[str]:
    """The facts and all that they imply."""
    together = facts.union(*(IMPLIES[fact] for fact in facts))
    return together if together == facts else closure(together)


def structure_of(facts: frozenset[str]) -> str:
    """Which entries of a matrix with these facts are tied: "symmetric", "diagonal", "lower",
    "upper"; "" where each moves by itself."""
    known = closure(facts)
    if {"lower", "upper"} <= known or ("symmetric" in known and known & {"lower", "upper"}):
        return "diagonal"
    return next((word for word in ("symmetric", "lower", "upper") if word in known), "")
