"""A step of a derivation, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from diagrad.formula import Formula

# The rule of the only step that tells nothing, because its parts are too long.
AT_ONCE = "all at once"


class Factor(NamedTuple):
    """∂of/∂wrt as one factor of the chain rule, other names on the way held fixed.

    `shape` is that of the factor as it stands in the product, `transposed` says whether it is the
    Jacobian's transpose; shapes are empty where no matrix product says it. The labels are those of
    the entries in the sum by elements; unit axes have none.
    """

    of: str
    wrt: str
    of_labels: str = ""
    wrt_labels: str = ""
    transposed: bool = False
    shape: tuple[str, str] | None = None


class Differential(NamedTuple):
    """How the value `of` changes with the names that it is made of directly: dz = dh W + h dW.

    `name` is that of the value's differential, `value` what it is made of, and `formula` how that
    changes, over the names of the problem and those of differentials. `moved` are the names that
    move, each with the name of its differential: ("h", "dh"). `part` are the terms with the
    differential `by`. `incoming` is the derivative by the value, found before, by its name; None
    for what is differentiated itself, whose differential is `whole`, and for a Jacobian without a
    matrix form.
    """

    of: str
    name: str
    value: Formula
    formula: Formula
    part: Formula
    moved: tuple[tuple[str, str], ...]
    by: str
    whole: str
    incoming: Formula | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """One derivative established: that of `target[0]` by `target[1]`.

    `before` and `after` both equal it: `before` as the rule gives it, with the derivatives found by
    earlier steps in it by their names, `after` as it is carried on; `spelled` is `before` with
    those derivatives written out, where that is something else than both. `chain` is the chain
    rule's sum of products, empty for what is found directly; `called` is the short name that the
    derivative gets (`delta1`). `structure` says how the entries of the variables are tied,
    empty where they move freely. `substeps` establish the parts. `differentials` are those that the
    route by differentials puts in, one for each name that `target[1]` enters; `cut` says that
    nothing else moves the value then, so that they make its whole differential. `change` is that of
    a value that is no scalar, by elements, where the derivative is, and `moved` the same as a
    matrix.
    """

    target: tuple[str, str]
    before: Formula
    after: Formula
    rule: str
    because: str
    substeps: tuple[Step, ...] = ()
    chain: tuple[tuple[Factor, ...], ...] = ()
    called: str = ""
    spelled: Formula | None = None
    structure: tuple[str, ...] = ()
    differentials: tuple[Differential, ...] = ()
    cut: bool = False
    change: Formula | None = None
    moved: Formula | None = None

    @property
    def shape(self) -> tuple[str, ...]:
        """The sizes of the derivative as text, ("1", "Dx")."""
        return self.after.shape

    def walk(self) -> Iterator[Step]:
        """The step and all below it, itself first."""
        yield self
        for substep in self.substeps:
            yield from substep.walk()

    def __str__(self) -> str:
        return f"d{self.target[0]}/d{self.target[1]} = {self.before} = {self.after}"
