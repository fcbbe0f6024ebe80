"""Derivatives as source text that needs nothing of Diagrad: a function for any sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from diagrad.code.in_c import c
from diagrad.code.in_python import python
from diagrad.code.task import Task, task_of
from diagrad.compile.statements import Unwritten
from diagrad.errors import DerivationError

if TYPE_CHECKING:
    from diagrad.derivation import Derivation

WRITERS: Mapping[str, Callable[[Task, bool], str]] = {"numpy": python, "c": c}
LATER = frozenset({"torch", "jax"})


def code(derivations: Sequence[Derivation], backend: str, single: bool = False) -> str:
    """A function of the value and the derivatives of one request; `single` is for float32.

    Raises DerivationError for a back end that there is not, and for an operation that has no code
    in it.
    """
    if backend not in WRITERS:
        names = " and ".join(WRITERS)
        yet = " yet" if backend in LATER else ""
        raise DerivationError(f"there is no code for {backend!r}{yet}: the back ends are {names}")
    try:
        return WRITERS[backend](task_of(derivations), single)
    except Unwritten as error:
        raise DerivationError(
            f"there is no {backend} code for {error}: `Problem.compile` computes it"
        ) from None
