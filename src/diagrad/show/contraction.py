"""An einsum by elements: `einsum("ij,jk->ik", A, B)` as Σⱼ Aᵢⱼ Bⱼₖ, an identity matrix in it as
δᵢⱼ."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from diagrad.expression import Apply, Expression
from diagrad.operations.einsum import split_subscripts
from diagrad.operations.room import ATOM, CHAIN, PRODUCT, SIGN, SUM, Form
from diagrad.show.names import SUBSCRIPTS

# A subscript needs an operand that has none yet: (W₁)ᵢⱼ.
BARE = ATOM + 1
LABELS = "ijklmnprstuvxaeoh"


class Indexing(NamedTuple):
    """How a notation writes labels below a factor and below Σ, and δ."""

    below: Callable[[str], str]
    sum: str
    delta: str
    entries: tuple[str, str]


INDEXING: dict[str, Indexing] = {
    "unicode": Indexing(lambda at: "".join(SUBSCRIPTS[c] for c in at), "Σ", "δ", ("[", "]")),
    "ascii": Indexing(lambda at: f"[{','.join(at)}]", "sum", "delta", ("[", "]")),
    "latex": Indexing(lambda at: f"_{{{at}}}", r"\sum", r"\delta", (r"\left[", r"\right]")),
}


def contraction(node: Apply, notation: str) -> tuple[Form, str] | None:
    """The form of an einsum by elements and its free labels; None where the notation has none, or
    no letter left for a label."""
    inputs, output = split_subscripts(node.parameters[0])
    letters = dict.fromkeys("".join([*inputs, output]))
    renamed = _letters("".join(letters)) if notation == "unicode" else {c: c for c in letters}
    if notation not in INDEXING or renamed is None:
        return None
    style = INDEXING[notation]
    groups = ["".join(renamed[c] for c in group) for group in inputs]
    free = "".join(renamed[c] for c in output)
    factors = [
        _factor(k, *pair, style) for k, pair in enumerate(zip(groups, node.operands, strict=True))
    ]
    bound = "".join(renamed[c] for c in letters if c not in output)
    slots = tuple(BARE if group else SIGN + 1 for group in groups)
    body = "{by}".join(factors)
    if not bound:
        return Form(body, CHAIN if len(factors) > 1 else ATOM, slots), free
    binds = SUM + 1 if notation == "ascii" else PRODUCT
    return Form(f"{_sum(bound, notation)} {body}", binds, slots), free


def _sum(bound: str, notation: str) -> str:
    style = INDEXING[notation]
    if notation == "ascii":
        return f"{style.sum}_{bound}"
    return style.sum + _literal(style.below(bound))


def _factor(k: int, group: str, operand: Expression, style: Indexing) -> str:
    if isinstance(operand, Apply) and operand.operation.name == "eye" and len(group) == 2:
        return style.delta + _literal(style.below(group))
    return f"{{{k}}}" + (_literal(style.below(group)) if group else "")


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _letters(used: str) -> dict[str, str] | None:
    """Letters that Unicode has as subscripts: the same where it has, otherwise others that are not
    used."""
    kept = {c: c for c in used if c in LABELS}
    spare = [c for c in LABELS if c not in kept]
    missing = [c for c in used if c not in kept]
    return None if len(missing) > len(spare) else kept | dict(zip(missing, spare, strict=False))


def entries(text: str, labels: str, notation: str) -> str:
    """The array with these entries: [Σⱼ Aᵢⱼ Bⱼₖ]ᵢₖ."""
    style = INDEXING[notation]
    return style.entries[0] + text + style.entries[1] + style.below(labels)
