"""The laws that always hold in one direction: each is one identity on one term, or on one head.

A law answers the term or head after it, or None where it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from diagrad.index.laws.cancelling import (
    inverse_cancels,
    inverse_of_name,
    projection_twice,
    pseudoinverse_between,
)
from diagrad.index.laws.cholesky import (
    determinant_of_factor,
    factor_times_itself,
    logs_of_factor,
    whitened,
)
from diagrad.index.laws.determinants import (
    determinant_of_diagonal,
    determinant_of_inverse,
    determinant_of_orthogonal,
    determinant_turned,
)
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
    on_the_diagonal,
    orthogonal,
    picked,
    sums_to_one,
    symmetric,
)
from diagrad.index.laws.heads import FUNCTION_LAWS, HeadLaw
from diagrad.index.laws.inverses import (
    inverse_of_diagonal,
    inverse_of_inverse,
    inverse_of_multiple,
    inverse_of_orthogonal,
    inverse_of_product,
)
from diagrad.index.laws.labels import contract_delta, squared, summed_group, vanished
from diagrad.index.laws.names import gathered, named, related
from diagrad.index.laws.powers import inline, merge_powers, numbers, primitive
from diagrad.index.laws.push_through import push_through
from diagrad.index.laws.rank_one import determinant_of_rank_one_update, inverse_on_its_vector
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
    ("on the diagonal", on_the_diagonal),
    ("softmax", softmax_of),
    ("sigmoid", sigmoid_of),
    ("opposite exponents", opposite),
    ("tanh", quotient),
    ("half the argument", half_argument),
    ("sums to 1", sums_to_one),
    ("orthogonal", orthogonal),
    ("inverse cancels", inverse_cancels),
    ("inverse of a name cancels", inverse_of_name),
    ("inverse on its own vector", inverse_on_its_vector),
    ("push through", push_through),
    ("factor times itself", factor_times_itself),
    ("norm of what a factor whitens", whitened),
    ("logarithms of a factor", logs_of_factor),
    ("pseudoinverse between", pseudoinverse_between),
    ("projection", projection_twice),
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

# Likewise for operations that index notation keeps whole, whose arguments are in normal form.
HEAD_LAWS: tuple[tuple[str, HeadLaw], ...] = (
    *FUNCTION_LAWS,
    ("inverse of an inverse", inverse_of_inverse),
    ("inverse of an orthogonal matrix", inverse_of_orthogonal),
    ("inverse of a diagonal matrix", inverse_of_diagonal),
    ("inverse of a multiple", inverse_of_multiple),
    ("inverse of a product", inverse_of_product),
    ("determinant of an inverse", determinant_of_inverse),
    ("determinant of a diagonal matrix", determinant_of_diagonal),
    ("determinant of an orthogonal matrix", determinant_of_orthogonal),
    ("determinant of a Cholesky factor", determinant_of_factor),
    ("determinant of a rank-one update", determinant_of_rank_one_update),
    ("determinant of a transpose", determinant_turned),
)
