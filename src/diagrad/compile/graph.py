"""What is asked for, in index form, with values stable where the textbook's form is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from diagrad.dimensions import Size
from diagrad.expression import Expression
from diagrad.index.build import Label, labels, tensor
from diagrad.index.laws.exponentials import opposite, sigmoid_of, softmax_of
from diagrad.index.lower import definition, lower
from diagrad.index.relabel import mapped
from diagrad.index.term import Applied, Definition, Factor, Head, Rational, Sum, Term
from diagrad.language import Source
from diagrad.operations import WORDS
from diagrad.operations.extremes import Largest
from diagrad.operations.functions import log
from diagrad.setting import Setting

if TYPE_CHECKING:
    from diagrad.compile.goals import Goal

# Laws that a program's names hide, and without which exponentials overflow.
QUOTIENTS = (softmax_of, sigmoid_of, opposite)
# Introduced names stand behind all names of a problem.
BEHIND = 1_000_000


class Graph:
    """The heads of a problem's names and of formulas over them, in normal form; `names` are what
    heads are called."""

    def __init__(self, source: Source) -> None:
        self._setting = Setting(source, ())
        self.heads: Mapping[str, Head] = self._setting.heads
        self._stable: dict[Head, Head] = {}
        self.names: dict[Head, str] = {}

    def head_of(self, goal: Goal, program: bool) -> Head:
        """The value of a goal, its row axes, then its column axes, unit axes left out: by its
        formula, or by its program, which has the result in its last line."""
        heads = dict(self.heads)
        if goal.formula is not None and not (program and goal.program):
            head = self._normal(goal.formula, heads)
        else:
            for name, line in goal.program:
                heads[name] = definition(name, BEHIND + len(heads), self._normal(line, heads))
            head = heads[goal.program[-1][0]]
        if goal.per is not None:
            head = self._setting.context.normal(diagonal(head, goal.per))
        return self.stable(head)

    def know(self, lines: Iterable[tuple[str, Expression]]) -> None:
        """Names for more heads, by definitions of which each may use those before it."""
        heads = dict(self.heads)
        for name, line in lines:
            heads[name] = definition(name, BEHIND + len(heads), self._normal(line, heads))
            self.stable(heads[name])

    def _normal(self, expression: Expression, heads: Mapping[str, Head]) -> Head:
        value = lower(expression, heads, self._setting.sizes)
        return self._setting.context.normal(value.tensor)

    def stable(self, head: Head) -> Head:
        """An equal head without operations that overflow or lose digits where it need not, and
        without definitions; what these are called is in `names`."""
        if head not in self._stable:
            self._stable[head] = self._rewritten(head)
        return self._stable[head]

    def _rewritten(self, head: Head) -> Head:
        if isinstance(head, Definition):
            body = self.stable(head.body)
            self.names.setdefault(body, head.name)
            return body
        if isinstance(head, Applied):
            inner = _body(head.arguments[0])
            law = OF_LOG.get(_word(inner)) if head.operation.name == "log" else None
            if law is not None and isinstance(inner, Applied):
                return self.stable(law(inner))
            x = _complement_of_sigmoid(inner) if head.operation.name == "log" else None
            if x is not None:
                return self.stable(_minus_softplus(x))
        head = rebuilt(head, self.stable)
        if isinstance(head, Sum):
            return self._without_quotients(head)
        law = TAKEN_APART.get(_word(head))
        return self.stable(law(head)) if law is not None and isinstance(head, Applied) else head

    def _without_quotients(self, head: Sum) -> Head:
        """With softmax and sigmoid for what is one but for the names that a program gave it."""
        terms = tuple(map(self._recognised, head.terms))
        if terms == head.terms:
            return head
        (first, *others), whole = terms, Factor(head, tuple(range(len(head.axes))))
        if not others and first == Term(1, (whole._replace(head=first.factors[0].head),)):
            return self.stable(first.factors[0].head)
        return rebuilt(Sum(head.axes, terms), self.stable)

    def _recognised(self, term: Term) -> Term:
        if any(_is_moved(f.head) for f in term.factors):
            return term
        flat = _multiplied_out(term)
        for law in QUOTIENTS:
            changed = law(self._setting.context, flat)
            if changed is not None:
                return self._recognised(changed)
        return term


def _multiplied_out(term: Term) -> Term:
    """The term with the factors of every product in it."""
    for position, factor in enumerate(term.factors):
        if not isinstance(factor.head, Sum) or len(factor.head.terms) != 1:
            continue
        (inner,) = factor.head.terms
        powers = None if inner.bound else _powers(inner.factors, factor.exponent)
        if powers is None or not isinstance(factor.exponent, int):
            continue
        made = mapped(powers, dict(enumerate(factor.labels)))
        factors = (*term.factors[:position], *made, *term.factors[position + 1 :])
        coefficient = term.coefficient * Fraction(inner.coefficient) ** factor.exponent
        return _multiplied_out(term._replace(coefficient=coefficient, factors=factors))
    return term


def _powers(factors: Sequence[Factor], n: Rational | Head) -> list[Factor] | None:
    """A product to a power, factor by factor; None where exponents are not whole."""
    if n == 1:
        return list(factors)
    found = []
    for factor in factors:
        if not isinstance(factor.exponent, int) or not isinstance(n, int):
            return None
        found.append(factor._replace(exponent=factor.exponent * n))
    return found


def exponentials(heads: Sequence[Head]) -> int:
    """How many exponentials heads are made of that may overflow."""
    waiting, seen = list(heads), set(heads)
    while waiting:
        new = [child for child in waiting.pop().children if child not in seen]
        waiting += new
        seen.update(new)
    return sum(_word(h) == "exp" and not _is_moved(h) for h in seen)


def diagonal(head: Head, size: Size) -> Head:
    """The entries where all axes of a size have the same index."""
    i = [Label(axis) for axis in head.axes]
    first = next(label for label in i if label.size == size)
    at = [first if label.size == size else label for label in i]
    return tensor(list(dict.fromkeys(at)), head[at])


def rotated(head: Head, count: int) -> Head:
    """The tensor with its first axes, so many, behind the others."""
    i = labels(head.axes)
    return tensor((i[count:], i[:count]), head[i])


def rebuilt(head: Head, of: Callable[[Head], Head]) -> Head:
    """The head with every head it is made of replaced."""
    match head:
        case Applied():
            arguments = tuple(of(argument) for argument in head.arguments)
            return Applied(head.operation, arguments, head.axes, head.parameters)
        case Sum():
            return Sum(head.axes, tuple(_rebuilt_term(term, of) for term in head.terms))
    return head


def _rebuilt_term(term: Term, of: Callable[[Head], Head]) -> Term:
    factors = (
        Factor(of(f.head), f.labels, of(f.exponent) if isinstance(f.exponent, Head) else f.exponent)
        for f in term.factors
    )
    return term._replace(factors=tuple(factors))


def _body(head: Head) -> Head:
    """What a head is by its definitions."""
    while isinstance(head, Definition):
        head = head.body
    return head


def _word(head: Head) -> str:
    return head.operation.name if isinstance(head, Applied) else ""


def _log_of_softmax(head: Applied) -> Head:
    """log softmax(z) = log_softmax(z)."""
    return Applied(WORDS["log_softmax"], head.arguments, head.axes, head.parameters)


def _log_of_sigmoid(head: Applied) -> Head:
    """log σ(x) = −softplus(−x)."""
    (x,) = head.arguments
    i = labels(x.axes)
    soft = Applied(WORDS["softplus"], (tensor(i, -x[i]),), x.axes)
    return tensor(i, -soft[i])


def _minus_softplus(x: Head) -> Head:
    """log(1 − σ(x)) = −softplus(x)."""
    i = labels(x.axes)
    return tensor(i, -Applied(WORDS["softplus"], (x,), x.axes)[i])


def _complement_of_sigmoid(head: Head) -> Head | None:
    """The x of 1 − σ(x)."""
    if not isinstance(head, Sum) or len(head.terms) != 2 or Term(1, ()) not in head.terms:
        return None
    (rest,) = (term for term in head.terms if term != Term(1, ()))
    if rest.coefficient != -1 or rest.bound or len(rest.factors) != 1:
        return None
    (factor,) = rest.factors
    inner = _body(factor.head)
    plain = factor.exponent == 1 and factor.labels == tuple(range(len(head.axes)))
    return inner.children[0] if plain and _word(inner) == "sigmoid" else None


def _is_moved(head: Head) -> bool:
    """Whether a head is exp(z − max z), which cannot overflow."""
    if _word(head) != "exp" or not isinstance(z := head.children[0], Sum):
        return False
    return any(_word(f.head) == "max" for term in z.terms for f in term.factors)


def _log_of_exp(head: Applied) -> Head:
    return head.arguments[0]


OF_LOG: Mapping[str, Callable[[Applied], Head]] = {
    "softmax": _log_of_softmax,
    "sigmoid": _log_of_sigmoid,
    "exp": _log_of_exp,
}


class Peak(Largest):
    """The largest entry, which a softmax takes off first. It may be any number where an entry is
    NaN, for the exponential of that entry is NaN as well, and so is their sum."""

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.name, "peak")


PEAK = Peak()


class Parts:
    """m = max z, e = exp(z − m) and s = Σ e along the axes of a softmax or a logsumexp of z."""

    def __init__(self, z: Head, along: tuple[int, ...]) -> None:
        self.i = labels(z.axes)
        self.kept = tuple(label for k, label in enumerate(self.i) if k not in along)
        kept_axes = tuple(label.size for label in self.kept)
        self.z = z
        self.m = Applied(PEAK, (z,), kept_axes, along)
        moved = tensor(self.i, z[self.i] - self.m[self.kept])
        self.e = Applied(WORDS["exp"], (moved,), z.axes)
        self.s = tensor(self.kept, self.e[self.i])


def _softmax(head: Applied) -> Head:
    """e / s."""
    of = Parts(head.arguments[0], head.parameters)
    return tensor(of.i, of.e[of.i] * of.s[of.kept] ** -1)


def _log_softmax(head: Applied) -> Head:
    """z − m − log s."""
    of = Parts(head.arguments[0], head.parameters)
    return tensor(of.i, of.z[of.i] - of.m[of.kept] - log(of.s[of.kept]))


def _logsumexp(head: Applied) -> Head:
    """m + log s."""
    of = Parts(head.arguments[0], head.parameters)
    return tensor(of.kept, of.m[of.kept] + log(of.s[of.kept]))


def _silu(head: Applied) -> Head:
    """x σ(x)."""
    (x,) = head.arguments
    i = labels(x.axes)
    return tensor(i, x[i] * Applied(WORDS["sigmoid"], (x,), x.axes)[i])


TAKEN_APART: Mapping[str, Callable[[Applied], Head]] = {
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "silu": _silu,
}
