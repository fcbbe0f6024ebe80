"""The setting in which index forms are normal: the facts that hold, the names the user gave, and
the record.

`Context.normal` is the one place where terms are rewritten. Each law it applies is recorded with
the term before and after, because derivations are read from that record.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from diagrad.index import knowledge
from diagrad.index.definitions import Definitions
from diagrad.index.laws import HEAD_LAWS, LAWS, SUM_LAWS
from diagrad.index.laws.labels import closed_scalars
from diagrad.index.relabel import canonical, dropped, multiplied, splice
from diagrad.index.term import (
    Applied,
    Definition,
    Factor,
    Head,
    Rational,
    Sum,
    Term,
    Variable,
    as_number,
    as_sum,
    factor_key,
    rational,
)

# No term is rewritten more often than this; it is then as true as before, if not as simple.
MOST_STEPS = 1000


class Facts(NamedTuple):
    """What holds of one variable; `unit_axes` are the axes along which its entries sum to 1."""

    words: frozenset[str] = frozenset()
    unit_axes: tuple[int, ...] = ()


class Application(NamedTuple):
    """One rewriting: a law's name, the term before, and what it became."""

    law: str
    before: Term
    after: tuple[Term, ...]


class Group(NamedTuple):
    """A sum without what its terms have in common."""

    coefficient: Rational
    common: tuple[Factor, ...]
    primitive: Head
    order: tuple[int, ...]


class Context:
    """Facts and names in force, with the normal forms found so far. Of `closed` definitions nothing
    is known, as of variables without facts.

    `facts` maps variables to what is known of them. Definitions become names by `name`; from then
    on their bodies, and what is a multiple or power of them, are written by their names.
    """

    def __init__(self, facts: Mapping[Variable, Facts], closed: bool = False) -> None:
        self.facts = facts
        self.closed = closed
        self.names = Definitions()
        self.record: list[Application] = []
        self._normal: dict[Head, Head] = {}
        self._groups: dict[Head, Group] = {}
        self.symmetric: set[Definition] = set()
        self.centred: dict[Definition, frozenset[int]] = {}
        self.projections: set[Head] = set()
        self.known: dict[tuple[Head, str], Any] = {}
        # How the problem writes differences (1 as the engine does, −1 the other way round), and of
        # which sums it takes the root.
        self.written: dict[Head, int] = {}
        self.lengths: set[Head] = set()
        # The inverses that stand in it.
        self.inverses: set[Head] = set()

    def read(self, head: Head) -> None:
        """Remember how differences and lengths are written in what a problem says."""
        waiting, seen = [head], {head}
        while waiting:
            top = waiting.pop()
            if isinstance(top, Sum):
                self._read_sum(top)
            if isinstance(top, Applied) and top.operation.name == "inv":
                self.inverses.add(self.normal(top))
            below = () if isinstance(top, Definition) else top.children
            waiting += [child for child in below if child not in seen]
            seen.update(below)

    def _read_sum(self, head: Sum) -> None:
        powers = [f for t in head.terms for f in t.factors if isinstance(f.exponent, Fraction)]
        self.lengths.update(self.normal(f.head) for f in powers if not f.labels)
        signs = {t.coefficient > 0 for t in head.terms if t.factors}
        if len(signs) == 2 and all(t.factors for t in head.terms):
            group = self.group(self.normal(head))
            if isinstance(group.primitive, Sum):
                self.written.setdefault(group.primitive, 1 if group.coefficient > 0 else -1)

    def name(self, definition: Definition) -> None:
        """From now on write the definition's body by its name."""
        body = self.normal(definition.body)
        if knowledge.has(self, body, "symmetric"):
            self.symmetric.add(definition)
        zero = frozenset(axis for axis in range(len(body.axes)) if self._sums_to_zero(body, axis))
        if zero:
            self.centred[definition] = zero
        if knowledge.is_projection(self, body):
            self.projections.add(definition)
        self.names.add(definition, body)
        self._normal.clear()
        self._groups.clear()
        self.known.clear()

    def normal(self, head: Head) -> Head:
        """The normal form; what the laws show to be equal is one object."""
        found = self._normal.get(head)
        if found is None:
            found = self._normalised(head)
            self._normal[head] = found
            self._normal[found] = found
        return found

    def _normalised(self, head: Head) -> Head:
        match head:
            case Applied():
                arguments = tuple(self.normal(a) for a in head.arguments)
                head = Applied(head.operation, arguments, head.axes, head.parameters)
                simpler = head.operation.simplified(head) or self._by_law(head)
                return self.normal(simpler) if simpler is not None else self.names.whole(head)
            case Sum():
                return self._sum(head)
        return head

    def _by_law(self, head: Applied) -> Head | None:
        """What the first law for such a head makes of it."""
        for name, law in HEAD_LAWS:
            after = law(self, head)
            if after is not None:
                self.record.append(Application(name, as_term(head), as_sum(after).terms))
                return after
        return None

    def _sum(self, head: Sum) -> Head:
        collected: dict[tuple[tuple[Factor, ...], tuple[Any, ...]], Any] = {}
        pending = list(reversed(head.terms))
        alone = not head.axes and len(head.terms) == 1
        while pending:
            term = self._reduced(pending.pop(), alone)
            spread = _spread(term)
            if spread is not None:
                alone = alone and len(spread) == 1
                self.record.append(Application("distribute a sum", term, spread))
                pending.extend(reversed(spread))
                continue
            term = canonical(term, self._is_symmetric)
            key = (term.factors, term.bound)
            collected[key] = collected.get(key, 0) + term.coefficient
        terms = tuple(
            Term(rational(c), factors, bound) for (factors, bound), c in collected.items() if c != 0
        )
        result = Sum(head.axes, tuple(sorted(terms, key=term_key)))
        for name, law in SUM_LAWS if len(terms) > 1 else ():
            after = law(self, result)
            if after is not None:
                self.record.append(Application(name, as_term(result), after.terms))
                return self.normal(after)
        return self.names.whole(unwrapped(result))

    def _reduced(self, term: Term, alone: bool) -> Term:
        """The laws applied to one term until none applies."""
        factors = tuple(
            Factor(self.normal(f.head), f.labels, self._power(f.exponent)) for f in term.factors
        )
        term = term._replace(factors=factors)
        for _ in range(MOST_STEPS):
            step = self._step(term, alone) if term.coefficient != 0 else None
            if step is None:
                break
            self.record.append(step)
            (term,) = step.after
        return term._replace(factors=(), bound=()) if term.coefficient == 0 else term

    def _step(self, term: Term, alone: bool) -> Application | None:
        """What the first law that applies does; what is then left closed is set apart."""
        for name, law in LAWS:
            after = law(self, term)
            if after is not None:
                return Application(name, term, (after,))
        after = closed_scalars(self, term, alone)
        return Application("a closed sum is a scalar", term, (after,)) if after else None

    def _is_symmetric(self, head: Head) -> bool:
        return len(head.axes) == 2 and knowledge.has(self, head, "symmetric")

    def _power(self, exponent: Any) -> Any:
        if not isinstance(exponent, Head):
            return exponent
        exponent = self.normal(exponent)
        value = as_number(exponent)
        return exponent if value is None else value

    def group(self, head: Head) -> Group:
        """A sum taken apart: it equals coefficient · common · primitive with its axes permuted by
        `order`, where the primitive has whole coprime coefficients, the first of them positive, no
        factor in all its terms, and of all orders of its axes the first. Groups that differ by a
        factor, a sign or a transposition become one head."""
        found = self._groups.get(head)
        if found is None:
            found = self._groups[head] = self._primitive(head)
        return found

    def _primitive(self, head: Head) -> Group:
        plain = Group(1, (), head, tuple(range(len(head.axes))))
        if not isinstance(head, Sum) or len(head.terms) < 2:
            return plain
        common = knowledge.common_factors(head)
        if common:
            rest = self.normal(knowledge.without_common(head, common))
            if not (isinstance(rest, Sum) and knowledge.common_factors(rest)):
                inner = self.group(rest)
                return inner._replace(common=inner.common + common)
        orders = knowledge.axis_orders(len(head.axes))
        turned = [self._scaled(head, order) for order in orders]
        return min(
            (g for g in turned if g is not None), key=lambda g: g.primitive.key, default=plain
        )

    def _scaled(self, head: Sum, order: tuple[int, ...]) -> Group | None:
        """The sum with its axes in this order, and without its common number; None where turning it
        made it another thing than a sum."""
        turned = self.normal(knowledge.permuted(head, order))
        if not isinstance(turned, Sum) or len(turned.terms) < 2:
            return None
        content = knowledge.content(turned)
        return Group(content, (), self.normal(knowledge.divided(turned, content)), order)

    def _sums_to_zero(self, body: Head, axis: int) -> bool:
        if not isinstance(body, Sum):
            return False
        labels = [k - (k > axis) for k in range(len(body.axes))]
        labels[axis] = -1
        axes = body.axes[:axis] + body.axes[axis + 1 :]
        size = (body.axes[axis],)
        terms = tuple(
            Term(t.coefficient, splice(t, tuple(labels), size), size + t.bound) for t in body.terms
        )
        total = self.normal(Sum(axes, terms))
        return isinstance(total, Sum) and not total.terms


def as_term(head: Head) -> Term:
    """The head as a term over its axes."""
    return Term(1, (Factor(head, tuple(range(len(head.axes)))),))


def unwrapped(head: Sum) -> Head:
    """A sum that is one head, taken once with its axes in order, as that head."""
    if len(head.terms) == 1:
        term = head.terms[0]
        if term.coefficient == 1 and len(term.factors) == 1 and not term.bound:
            (factor,) = term.factors
            if factor.exponent == 1 and factor.labels == tuple(range(len(head.axes))):
                return factor.head
    return head


def term_key(term: Term) -> tuple[Any, ...]:
    return (len(term.factors) > 0, [factor_key(f) for f in term.factors], len(term.bound))


def _spread(term: Term) -> tuple[Term, ...] | None:
    """c Σ (a + b) = c Σ a + c Σ b, for a term that is nothing but a sum."""
    if len(term.factors) != 1:
        return None
    (factor,) = term.factors
    head = factor.head
    if not isinstance(head, Sum) or factor.exponent != 1:
        return None
    if len(head.terms) == 1 and not head.axes:
        return None
    rest = dropped(term, 0)
    return tuple(multiplied(rest, inner, factor.labels) for inner in head.terms)
