"""Which kind of mistake an edit undoes, from what it changes and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from diagrad.check.places import Edit, chain, places
from diagrad.check.ratios import Ratio
from diagrad.check.running import mentioned
from diagrad.check.slips import Slip
from diagrad.check.witness import alike
from diagrad.dimensions import is_scalar
from diagrad.expression import Apply, Expression, Number, Symbol, is_call, walk

if TYPE_CHECKING:
    from diagrad.check.diagnosis import Diagnosing

MASKS = frozenset({"where", "step", "relu′", "maximum", "minimum", "clip"})
INVERSES = frozenset({"inv", "pinv", "solve", "**"})


def kind_of(diagnosing: Diagnosing, index: int, edit: Edit | None, ratio: Ratio | None) -> str:
    """The kind; "other" where nothing decides."""
    if edit is None:
        return "other"
    if diagnosing.judge.targets.restated(index) is not None:
        return "forward"
    if ratio is not None:
        return _of_ratio(diagnosing, edit, ratio)
    namer = NAMERS.get(edit.kind)
    return namer(diagnosing, index, edit) if namer else edit.kind


def _of_ratio(diagnosing: Diagnosing, edit: Edit, ratio: Ratio) -> str:
    if is_penalty(diagnosing, edit.old) and edit.old is not edit.whole:
        return "regularisation"
    if ratio.kind == "scalar" and diagnosing.judge.varies(ratio.expression):
        return "missing-link"
    if any(is_call(node, "sqrt", "**") for node in walk(ratio.expression)):
        return "constant-factor"
    if ratio.kind == "dimension":
        return "batch-factor" if _is_batch(diagnosing, ratio.expression) else "constant-factor"
    return "sign" if ratio.kind == "sign" else "constant-factor"


def _constant(diagnosing: Diagnosing, index: int, edit: Edit) -> str:
    """Another number: in a penalty's term, or elsewhere."""
    terms = [p.node for p in places(edit.whole) if is_call(p.parent, "+", "-")]
    inside = [t for t in terms if any(n is edit.new for n in walk(t))]
    penalty = any(is_penalty(diagnosing, term) for term in inside)
    return "regularisation" if penalty else edit.kind


def _is_term(diagnosing: Diagnosing, index: int, part: Expression) -> bool:
    """Whether a part is a penalty's gradient, in a sum or alone on a line above the last."""
    alone = diagnosing.lines[index].claims[-1].expression
    return is_penalty(diagnosing, part) and is_call(alone, "+", "-")


def _is_batch(diagnosing: Diagnosing, expression: Expression) -> bool:
    """Whether a size is one that the value is divided by, as that of a batch."""
    return bool(mentioned(expression) & diagnosing.bench.counts)


def kind_of_slip(slip: Slip) -> str:
    """A term that is not differentiated is one of several places of the variable."""
    if slip.kind == "missing-term":
        return "one-occurrence"
    if slip.kind == "missing-link" and slip.use.node.operation.name == "softmax":
        return "fused-identity"
    return slip.kind


def is_penalty(diagnosing: Diagnosing, term: Expression) -> bool:
    """Whether a term is a scalar times a variable, as the gradient of a penalty is."""
    source = diagnosing.bench.problem.source
    names = [
        n
        for n in mentioned(term)
        if n in source.variables and not is_scalar(source.variables[n].shape)
    ]
    matrices = {node.name for node in walk(term) if isinstance(node, Symbol)} - set(names)
    rest = [n for n in matrices if n in source.definitions or n not in source.names]
    simple = {"*", "/", "negate", "@", "T", "sign"}
    plain = all(n.operation.name in simple for n in walk(term) if isinstance(n, Apply))
    return len(names) == 1 and not rest and plain and bool(diagnosing.bench.penalised)


def _transpose(diagnosing: Diagnosing, index: int, edit: Edit) -> str:
    inverse = any(is_call(node, "inv", "pinv") for node in walk(edit.old))
    about = mentioned(edit.old) & set(diagnosing.bench.wrt)
    return "special-case" if inverse and about else "transpose"


def _order(diagnosing: Diagnosing, index: int, edit: Edit) -> str:
    factors = chain(edit.old, "@")
    inverses = [f for f in factors if _inverts(diagnosing, f)]
    return "scalar-rule" if len(inverses) >= 2 else "factor-order"


def _inverts(diagnosing: Diagnosing, factor: Expression) -> bool:
    """Whether a factor is an inverse, or a name for one."""
    given = diagnosing.judge.work.problem.definitions
    if isinstance(factor, Symbol) and factor.name in given:
        return _inverts(diagnosing, given[factor.name].expression)
    if is_call(factor, *INVERSES):
        return True
    inner = factor.operands if isinstance(factor, Apply) else ()
    simple = is_call(factor, "negate", "T", "*", "/")
    return simple and any(_inverts(diagnosing, operand) for operand in inner)


def _quantity(diagnosing: Diagnosing, index: int, edit: Edit) -> str:
    tree = diagnosing.lines[index].claims[diagnosing.claim(index)].expression
    at = [p for p in places(tree) if p.node == edit.old]
    if any(_is_mask(p.above) for p in at):
        return "mask"
    if isinstance(edit.old, Symbol) and edit.old.role == "dimension":
        return _removed(diagnosing, index, edit)
    if edit.old in walk(edit.new) and edit.old.shape != edit.new.shape:
        return "other" if is_scalar(edit.old.shape) else "missing-link"
    if _is_at_point(diagnosing, index, edit):
        return "wrong-point"
    if edit.old.shape != edit.new.shape and is_scalar(edit.old.shape):
        return "other"
    penalised = any(is_penalty(diagnosing, p.above[-1][0]) for p in at if p.above)
    if penalised and diagnosing.bench.penalised:
        return "regularisation"
    return "wrong-quantity"


def _is_at_point(diagnosing: Diagnosing, index: int, edit: Edit) -> bool:
    """Whether what was exchanged is where a function, or its derivative, is taken."""
    slopes = [q.values for q in diagnosing.judge.quantities.slopes]
    for place in places(edit.whole):
        node = place.node
        if not isinstance(node, Apply) or edit.new not in walk(node):
            continue
        called = node.operation.curved and node.operation.entrywise and len(node.operands) == 1
        if called and node.operands[0] == edit.new:
            return True
        values = diagnosing.judge.values_of(index, node)
        if values is not None and any(alike(values, slope) for slope in slopes):
            return True
    return False


def _is_mask(above: Sequence[tuple[Apply, int]]) -> bool:
    return any(node.operation.name in MASKS and k == 0 for node, k in above) or any(
        node.operation.name in (">", "<", ">=", "<=") for node, _ in above
    )


def _removed(diagnosing: Diagnosing, index: int, edit: Edit) -> str:
    gone = edit.old
    if is_scalar(gone.shape) and _is_term(diagnosing, index, edit.new):
        return "regularisation"
    if isinstance(gone, Number):
        return "constant-factor"
    if is_scalar(gone.shape):
        return "batch-factor" if _is_batch(diagnosing, gone) else "constant-factor"
    if gone in chain(edit.new, "*"):
        return "extra-derivative"
    values = diagnosing.judge.values_of(index, gone)
    slopes = [q.values for q in diagnosing.judge.quantities.slopes]
    if values is not None and any(alike(values, slope) for slope in slopes):
        return "extra-derivative"
    return "other"


def _missing(diagnosing: Diagnosing, index: int, edit: Edit) -> str:
    k = edit.old
    if is_scalar(k.shape):
        if _is_term(diagnosing, index, edit.new):
            return "regularisation"
        if diagnosing.judge.varies(k):
            return "missing-link"
        return "batch-factor" if _is_batch(diagnosing, k) else "constant-factor"
    return "missing-link"


def _missing_term(diagnosing: Diagnosing, index: int, edit: Edit) -> str:
    penalty = set(diagnosing.bench.wrt) & mentioned(
        edit.new if edit.old in walk(edit.new) else edit.old
    )
    return "regularisation" if penalty and diagnosing.bench.penalised else "other"


def _extra_term(diagnosing: Diagnosing, index: int, edit: Edit) -> str:
    if not isinstance(edit.old, Apply):
        return "other"
    gone = [o for o in edit.old.operands if o is not edit.new]
    return "regularisation" if any(is_penalty(diagnosing, o) for o in gone) else "other"


def _extra_function(diagnosing: Diagnosing, index: int, edit: Edit) -> str:
    return "wrong-point" if _is_at_point(diagnosing, index, edit) else "other"


def _broadcast(diagnosing: Diagnosing, index: int, edit: Edit) -> str:
    return "broadcast-not-summed" if diagnosing.is_broadcast else "unreduced"


def _averaged(diagnosing: Diagnosing, index: int, edit: Edit) -> str:
    return edit.kind if diagnosing.is_broadcast else "batch-factor"


NAMERS = {
    "constant-factor": _constant,
    "transpose": _transpose,
    "factor-order": _order,
    "wrong-quantity": _quantity,
    "extra-factor": _removed,
    "extra-term": _extra_term,
    "extra-function": _extra_function,
    "missing-value": _missing,
    "missing-slope": _missing,
    "missing-term": _missing_term,
    "broadcast-not-summed": _broadcast,
    "bias-averaged": _averaged,
}
