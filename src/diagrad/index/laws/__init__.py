"""The laws that always hold in one direction: each is one identity on one term.

A law answers the term after it, or None where it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from diagrad.index.laws.digits import all_digits, any_digit, one_digit
from diagrad.index.laws.exponentials import (
    half_argument,
    hyperbolic,
    opposite,
    quotient,
    sigmoid_of,
    softmax_of,
)
from diagrad.index.laws.facts import (
    centred,
    discrete_powers,
    gated,
    orthogonal,
    picked,
    sums_to_one,
    symmetric,
)
from diagrad.index.laws.heads import HEAD_LAWS as HEAD_LAWS
from diagrad.index.laws.labels import contract_delta, squared, summed_group, vanished
from diagrad.index.laws.names import gathered, named, related
from diagrad.index.laws.powers import inline, merge_powers, numbers, primitive
from diagrad.index.term import Sum, Term

if TYPE_CHECKING:
    from diagrad.index.context import Context

Law = Callable[["Context", Term], Term | None]

# The first law that applies is used, then all are tried again. The order decides between forms that
# are equal, and what later laws get to see:
# - Powers merge first: (b + c)² (b + c)⁻¹ cancels while b + c is whole, and y y has become y² when
#   the facts are asked about it.
# - δ is contracted before the facts: "k stands nowhere else" holds only when no δ has k.
# - The sum of a group comes after all that could cancel the group.
# - Names come after these, for no law looks behind a name; and only what is left after naming is
#   gathered into a power.
LAWS: tuple[tuple[str, Law], ...] = (
    ("merge powers", merge_powers),
    ("multiply out", inline),
    ("contract δ", contract_delta),
    ("one digit at a place", one_digit),
    ("sum over digits", any_digit),
    ("same digits", all_digits),
    ("numbers", numbers),
    ("common number", primitive),
    ("entries are 0, 1 or ±1", discrete_powers),
    ("gate", gated),
    ("softmax", softmax_of),
    ("sigmoid", sigmoid_of),
    ("opposite exponents", opposite),
    ("tanh", quotient),
    ("half the argument", half_argument),
    ("sums to 1", sums_to_one),
    ("orthogonal", orthogonal),
    ("symmetric", symmetric),
    ("count", vanished),
    ("sum inside", summed_group),
    ("centred", centred),
    ("name", named),
    ("powers of names", related),
    ("one-hot picks", picked),
    ("gather a power", gathered),
    ("square", squared),
)

# Laws of a sum whose terms are normal.
SUM_LAWS: tuple[tuple[str, Callable[[Context, Sum], Sum | None]], ...] = (
    ("hyperbolic functions", hyperbolic),
)
