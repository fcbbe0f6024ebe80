"""Determinants and their logarithms: what stands inside comes out, where that is shorter.

The determinant of a product is not taken apart: its derivative is shorter as det(A X B) X⁻ᵀ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagrad.index import knowledge
from diagrad.index.build import Indexed, labels, tensor
from diagrad.index.knowledge import permuted
from diagrad.index.laws.inverses import diagonal_of, inverted
from diagrad.index.term import Applied, Head, Sum, constant
from diagrad.operations import WORDS
from diagrad.operations.functions import function, log
from diagrad.operations.linear_algebra import DET, LOGDET

if TYPE_CHECKING:
    from diagrad.index.context import Context


def determinant_turned(context: Context, head: Applied) -> Head | None:
    """det Aᵀ = det A: of A and Aᵀ, the first in structural order."""
    if head.operation not in (DET, LOGDET) or not isinstance(head.arguments[0], Sum):
        return None
    A = head.arguments[0]
    other = context.normal(permuted(A, (1, 0)))
    return Applied(head.operation, (other,), ()) if other.key < A.key else None


def determinant_of_inverse(context: Context, head: Applied) -> Head | None:
    """det A⁻¹ = 1/det A, and log|det A⁻¹| = −log|det A|."""
    A = inverted(context, head.arguments[0]) if head.operation in (DET, LOGDET) else None
    if A is None:
        return None
    of = Applied(head.operation, (A,), ())
    return tensor((), of[()] ** -1 if head.operation is DET else -of[()])


def determinant_of_diagonal(context: Context, head: Applied) -> Head | None:
    """det diag(v) = Π v, and log|det diag(v)| = Σ log|v|; of the identity 1 and 0."""
    if head.operation not in (DET, LOGDET):
        return None
    v = diagonal_of(head.arguments[0])
    if v is None:
        return None
    if head.operation is LOGDET:
        i = labels(v.axes)
        return tensor((), log(ABS(v[i])))
    if context.normal(v) is context.normal(constant(1, v.axes)):
        return constant(1)
    return WORDS["prod"].elements([Indexed(v, 1)], (None,)).tensor


def determinant_of_orthogonal(context: Context, head: Applied) -> Head | None:
    """log|det Q| = 0 for orthogonal Q."""
    if head.operation is LOGDET and knowledge.has(context, head.arguments[0], "orthogonal"):
        return constant(0)
    return None


ABS = function("abs")
