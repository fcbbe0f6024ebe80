"""What is said of each kind of mistake: the rule as a hint, and the sentence about this answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Link(NamedTuple):
    """A function that works entry by entry, h = σ(z₁), and its slope; printed."""

    value: str
    formula: str
    argument: str
    slope: str
    size: str


class Case(NamedTuple):
    """What a sentence speaks of, printed: the part that is wrong and the one that is right, what
    the line should be, the constant between them, what a mistaken step is about, the shapes before
    and after, why it does not fit, the chain from the value to the variable, a term that is absent
    and a factor too many, the link in question, and how far the value is off."""

    old: str = ""
    new: str = ""
    meant: str = ""
    ratio: str = ""
    about: str = ""
    shapes: str = ""
    misfit: str = ""
    chain: str = ""
    absent: str = ""
    extra: str = ""
    link: Link | None = None
    difference: str = ""


Sentence = Callable[[Case], str]


LONGEST = 60


def _swap(case: Case) -> str:
    """What should stand for what, or what is absent, where that can be read in a sentence."""
    if 0 < len(case.absent) <= LONGEST:
        return f" The term {case.absent} is absent."
    if 0 < len(case.extra) <= LONGEST:
        return f" The factor {case.extra} is one too many."
    short = 0 < len(case.old) <= LONGEST and 0 < len(case.new) <= LONGEST
    return f" {case.old} should be {case.new}." if short else ""


def _factor(case: Case) -> str:
    what = case.meant or "what is right"
    return f"This is {case.ratio} times {what}." if case.ratio else ""


HINTS: Mapping[str, str] = {
    "hadamard-matmul": "A function that works entry by entry has a diagonal Jacobian: multiplying "
    "a row by it is the elementwise product *, and a matrix product @ sums over the shared index.",
    "transpose": "Where Y = X W, the gradient goes back through Wᵀ: ⟨G, dX W⟩ = ⟨G Wᵀ, dX⟩. "
    "The transpose is not there to make shapes fit.",
    "factor-order": "Matrix products do not commute: what stands left of the variable lands, "
    "transposed, on the left of the gradient.",
    "other-layout": "This is right in another layout: a convention, not an error.",
    "softmax-diagonal": "The softmax's Jacobian is diag(p) − p pᵀ, not diagonal: every entry of "
    "the argument moves every entry of the result.",
    "softmax-summed": "Contract the Jacobian with the gradient that comes in; do not sum its rows "
    "or columns, whose sums are 0.",
    "extra-derivative": "A derivative stands here twice: p − y already contains that of the "
    "softmax or sigmoid, and each link of the chain is taken once.",
    "wrong-point": "f′ is taken at the function's argument z. Written in the value h = σ(z) it is "
    "h (1 − h): neither z (1 − z) nor σ′(h).",
    "missing-link": "The chain rule multiplies one derivative for each link from the value to the "
    "variable, and one of them is absent.",
    "wrong-quantity": "The rule uses another of the values here.",
    "broadcast-not-summed": "What is repeated going forward is summed going back: the adjoint of "
    "repeating a row is the sum over the rows.",
    "wrong-axis": "The sum runs over the axis along which the variable was repeated: over axis 0 "
    "for a row repeated down the batch.",
    "bias-averaged": "Sum over the batch, do not average: the 1/N of a mean is already in the "
    "gradient that comes in.",
    "batch-factor": "The size of the batch comes in exactly once: where the value is a mean.",
    "constant-factor": "A constant factor is not right: differentiate term by term.",
    "sign": "A sign is wrong.",
    "unreduced": "An index is left that should be summed over: contract it.",
    "one-occurrence": "The variable occurs more than once: the derivative is the sum over its "
    "occurrences.",
    "special-case": "This holds only for a symmetric matrix, and none is declared here.",
    "held-constant": "A mean, variance or norm of the variable depends on the variable as well.",
    "scalar-rule": "Matrices do not commute: d(A⁻¹) = −A⁻¹ dA A⁻¹, in this order.",
    "fused-identity": "The shortcut p − y holds for the cross-entropy of a softmax, where the "
    "entries of y sum to 1.",
    "forward": "The forward pass differs from the problem's, before any derivative.",
    "precedence": "* and @ bind equally and from the left: a * b @ c means (a * b) @ c.",
    "broadcast-outer": "A row combined with a column entry by entry gives a whole matrix.",
    "regularisation": "Differentiate the penalty by itself: its gradient is added once, to the "
    "variable that it penalises.",
    "mask": "The mask of relu is that of its input, not of the gradient.",
    "other": "This is not the derivative.",
}
KINDS = tuple(HINTS)


def _misfit(case: Case) -> str:
    return f"{case.misfit}. " if case.misfit else ""


def _hadamard(case: Case) -> str:
    link = case.link
    if link is None:
        return f"{_misfit(case)}{HINTS['hadamard-matmul']}{_swap(case)}"
    whole = f"{link.value} = {link.formula}" if link.value != link.formula else link.formula
    return (
        f"{_misfit(case)}You are right that the factor for {whole} is {link.slope}, but "
        f"∂{link.value}/∂{link.argument} is the {link.size} diagonal matrix diag({link.slope}). "
        "Multiply by that matrix, or, the same thing, elementwise."
    )


def _link(case: Case) -> str:
    chain = f" The chain is {case.chain}." if case.chain else ""
    if case.link is not None:
        value, argument = case.link.value, case.link.argument
        return f"The link ∂{value}/∂{argument} = {case.link.slope} is absent.{chain}"
    if case.ratio:
        return (
            f"This is {case.ratio} times {case.meant or 'what is right'}: a link is absent.{chain}"
        )
    if case.about:
        return f"The link through {case.about} is absent.{chain}"
    what = f"The factor {case.old} is absent." if 0 < len(case.old) <= LONGEST else ""
    return f"{what or HINTS['missing-link']}{chain}"


def _about(kind: str) -> Sentence:
    def sentence(case: Case) -> str:
        about = f" Here it is {case.about}." if case.about else _swap(case)
        return _misfit(case) + HINTS[kind] + about

    return sentence


def _point(case: Case) -> str:
    link = case.link
    if link is None:
        return f"{_misfit(case)}A derivative is taken where its function is.{_swap(case)}"
    return (
        f"The slope of {link.value} = {link.formula} is {link.slope}: that of the function at "
        f"{link.argument}, whatever it is written in."
    )


def _constant(kind: str) -> Sentence:
    def sentence(case: Case) -> str:
        return " ".join(filter(None, (_factor(case), HINTS[kind]))) + _swap(case)

    return sentence


def _summed(kind: str) -> Sentence:
    def sentence(case: Case) -> str:
        return f"{_misfit(case)}{HINTS[kind]}{_swap(case)}{case.shapes}"

    return sentence


def _wrong_quantity(case: Case) -> str:
    short = 0 < len(case.old) <= LONGEST and 0 < len(case.new) <= LONGEST
    said = f"{case.old} stands where {case.new} should." if short else HINTS["wrong-quantity"]
    return _misfit(case) + said


def _sign(case: Case) -> str:
    if case.ratio:
        return f"This is exactly −1 times {case.meant or 'what is right'}."
    return f"A sign is wrong.{_swap(case)}"


def _other(case: Case) -> str:
    if case.misfit:
        return f"{case.misfit}."
    what = f"This is not {case.meant}" if case.meant else "This is not what is needed here"
    return f"{what}{case.difference}.{_swap(case)}"


def _plain(kind: str) -> Sentence:
    return lambda case: _misfit(case) + HINTS[kind] + _swap(case)


SENTENCES: dict[str, Sentence] = {kind: _plain(kind) for kind in KINDS} | {
    "hadamard-matmul": _hadamard,
    "missing-link": _link,
    "wrong-axis": _summed("wrong-axis"),
    "broadcast-not-summed": _summed("broadcast-not-summed"),
    "unreduced": _summed("unreduced"),
    "softmax-diagonal": _about("softmax-diagonal"),
    "held-constant": _about("held-constant"),
    "extra-derivative": _about("extra-derivative"),
    "wrong-point": _point,
    "fused-identity": _about("fused-identity"),
    "batch-factor": _constant("batch-factor"),
    "constant-factor": _constant("constant-factor"),
    "wrong-quantity": _wrong_quantity,
    "sign": _sign,
    "other": _other,
}
