"""How a derivation is told: the sweeps behind its steps, shared by all variables of one request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from diagrad.derivation.account import Account
from diagrad.derivation.program import Programs
from diagrad.derivation.restate import restated
from diagrad.derivation.step import AT_ONCE, Step
from diagrad.derivation.written_out import used
from diagrad.dimensions import UNIT, is_scalar
from diagrad.expression import Expression, Symbol, walk
from diagrad.formula import Formula
from diagrad.language import Source
from diagrad.matrix import make
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.explicit import explicit

# The rule, and the reason, of a derivative by a matrix whose entries are tied.
TIED = "tied entries"
OFF = "the entries {} the diagonal are 0 and do not move, so the derivative by them is 0"
TIES = {
    "symmetric": "{} is symmetric: its entries i,j and j,i are one, so what comes to both is added "
    "up, and on the diagonal counts once",
    "diagonal": "{} is diagonal: " + OFF.format("off"),
    "lower": "{} is lower triangular: " + OFF.format("above"),
    "upper": "{} is upper triangular: " + OFF.format("below"),
}

SAME = "the same derivative in the {} layout"


@dataclass(eq=False)
class Telling:
    """The steps for the derivatives of one expression by one or several names; of second order for
    the two names of one. Worked out when first asked for."""

    source: Source
    of: Expression
    by: tuple[str, ...]
    order: int
    signs: frozenset[str]
    means: bool
    _found: dict[str, list[str]] = field(default_factory=dict, repr=False)

    @cached_property
    def accounts(self) -> tuple[Account, ...]:
        """The sweep from the value, and for a second derivative that from its gradient, g."""
        if self.order == 1:
            names = restated(self.source, self.of, self.by)
            return (Account(names, self.by, self.signs, self.means),)
        first, second = self.by
        names = restated(self.source, self.of, {first, second})
        gradient = Account(names, (first,), self.signs, self.means, free=self.by, every=True)
        g = gradient_named(gradient, first, second)
        if g is None:
            return (gradient,)
        alone = _needed_alone(gradient.book.source, g, second)
        again = restated(alone, g, (second,), gradient.book.source.names)
        known = gradient.book.derivatives
        by = second if first == second else ""
        hessian = Account(
            again, (second,), self.signs, self.means, whole=True, known=known, mirrored=by
        )
        hessian.book.take_over(gradient.book)
        return gradient, hessian

    @property
    def last(self) -> Account:
        return self.accounts[-1]

    @cached_property
    def programs(self) -> Programs:
        """The derivatives as programs. Short ways have names for more adjoints than the steps."""
        account = self.last
        if self.order == 1 and not account.is_deep:
            names, by = account.restated, account.by
            account = Account(names, by, self.signs, self.means, every=True)
        return Programs(account, self.source)

    def formula(self, result: Formula) -> Formula:
        """A result over the names of this telling."""
        book = self.last.book
        return Formula(result.expression, book.source, book.names, result.layout, result.labels)

    def steps(self, wrt: str, route: str) -> list[Step]:
        """The steps that lead to the derivative by `wrt`, in the names that they introduce; none
        where one on the way is too long to be written."""
        try:
            return [step for part in self._parts(wrt, route) for step in part]
        except NoMatrixForm:
            return []

    def finished(
        self, steps: list[Step], wrt: str, result: Formula, structure: tuple[str, ...] = ()
    ) -> list[Step]:
        """The steps with one more, where it takes one, that ends in the result; `structure` says
        how the entries of each variable are tied there."""
        after = self.formula(result)
        if not steps or len(self.accounts) < self.order:
            return [*steps, self._untold(wrt, after)]
        last = steps[-1]
        if last.after.unicode() == after.unicode():
            return [*steps[:-1], replace(last, after=after)]
        if structure:
            return [*steps, self._tied_step(last, after, structure)]
        why = "; ".join([self._why(last, after), *self._used(wrt)])
        return [*steps, Step(last.target, last.after, after, "write out", why)]

    def _tied_step(self, last: Step, after: Formula, structure: tuple[str, ...]) -> Step:
        said = "; ".join(self._tied(structure))
        if after.layout != "gradient" or last.after.labels:
            return Step(last.target, after, after, AT_ONCE, said, structure=structure)
        expression = explicit(tied_together(last.after.expression, structure[0]))
        book = self.last.book
        before = Formula(expression, book.source, book.names, after.layout)
        return Step(last.target, before, after, TIED, said, structure=structure)

    def _tied(self, structure: tuple[str, ...]) -> Iterator[str]:
        """Why the derivative by tied entries is another."""
        names = self.last.book.names
        for name, kind in dict(zip(self.by, structure, strict=False)).items():
            if kind:
                yield TIES[kind].format(names.shown(name, "unicode"))

    def _used(self, wrt: str) -> list[str]:
        """The facts that writing out made use of; the record has them once."""
        if wrt not in self._found:
            self._found[wrt] = used(self.last, wrt) if self.order == 1 else []
        return self._found[wrt]

    def _untold(self, wrt: str, after: Formula) -> Step:
        """All at once, where a step on the way is too long to be written."""
        why = "too long to be told step by step: name parts of the problem to see their derivatives"
        return Step((self.last.sweep.of, wrt), after, after, AT_ONCE, why)

    def _parts(self, wrt: str, route: str) -> Iterator[list[Step]]:
        for account in self.accounts:
            name = wrt if self.order == 1 else account.by[0]
            yield list(account.routes[route].chain(account.sweep.nodes[name]))

    def _why(self, last: Step, after: Formula) -> str:
        """Which names are written out, or that it is the same in the layout asked for."""
        if last.after.layout != after.layout:
            stacked = after.layout == "vec" and self.order == 1
            return self._stacked(last, after) if stacked else SAME.format(after.layout)
        names = self.last.book.names
        kept = {n.name for n in walk(after.expression) if isinstance(n, Symbol)}
        gone = [n.name for n in walk(last.after.expression) if isinstance(n, Symbol)]
        shown = [names.shown(n, "unicode") for n in dict.fromkeys(gone) if n not in kept]
        return f"{', '.join(shown)} written out" if shown else "the same, put in order"

    def _stacked(self, last: Step, after: Formula) -> str:
        """How a matrix comes of four indices: vec(A dX B) = (Bᵀ ⊗ A) vec(dX)."""
        route = self.last.routes["differential"]
        sweep, book = self.last.sweep, self.last.book
        of, node = (sweep.nodes[name] for name in last.target)
        changes = route.reasons.changes
        dY, dX = (book.formula(changes.differentials.symbol(n)).unicode() for n in (of, node))
        P, Q = [c for c in "PQRSTUVWLMCDEFGH" if c not in route.reasons.taken][:2]
        rule = f"vec({P} {dX} {Q}) = ({Q}ᵀ ⊗ {P}) vec({dX}) for any matrices {P} and {Q}"
        said = (
            [rule, "K takes vec of a matrix to that of its transpose"]
            if "K(" in after.unicode()
            else [rule]
        )
        direct = len(node.links) == 1 and node.links[0].consumer == of.name
        whole = changes.differentials.of_link(node.links[0]) if direct else None
        moved = (
            f"{dY} = {whole.formula.unicode()} is " if whole and not whole.formula.labels else ""
        )
        matrix = book.formula(
            make.matmul(after.expression, make.call("vec", Symbol(node.shape, dX, "")))
        )
        return "; ".join([*said, f"so {moved}vec({dY}) = {matrix.unicode()}"])

    def definitions(self, steps: list[Step]) -> tuple[tuple[str, Formula], ...]:
        """The names that the formulas of the steps use and the problem does not have, in order,
        each with what it stands for."""
        book = self.last.book
        used: set[str] = set()
        for step in (part for whole in steps for part in whole.walk()):
            used |= set(step.target)
            for formula in (step.before, step.after):
                used |= book.source.needed(formula.expression)
        waiting = [n for n in used if n in book.source.definitions]
        for name in waiting:
            used |= book.source.needed(book.source.definitions[name].expression)
        new = [n for n in book.source.definitions if n in used and n not in self.source.definitions]
        return tuple((n, book.formula(book.source.definitions[n].expression)) for n in new)


def tied_together(G: Expression, kind: str) -> Expression:
    """The gradient by a matrix whose entries are tied, from that by free ones."""
    diagonal = make.call("diag", make.call("diagonal", G))
    match kind:
        case "symmetric":
            return make.minus(make.plus(G, make.transposed(G)), diagonal)
        case "diagonal":
            return diagonal
        case "lower":
            return make.call("tril", G)
    return make.transposed(make.call("tril", make.transposed(G)))


def _needed_alone(source: Source, g: Symbol, wrt: str) -> Source:
    """The problem without the adjoints that the gradient does not use: one of them is the gradient
    itself, and would be taken for it."""
    needed = source.needed(g) | {wrt}
    kept = {n: d for n, d in source.definitions.items() if n in needed}
    return replace(source, definitions=kept)


def gradient_named(account: Account, wrt: str, again: str) -> Symbol | None:
    """A name for the gradient, to be differentiated by `again`; as a column where that is a scalar,
    as second derivatives stand. None where the gradient is no row, column or matrix."""
    book, node = account.book, account.sweep.nodes[wrt]
    try:
        expression = book.adjoint(node).expression
    except NoMatrixForm:
        return None
    if len(expression.shape) != 2:
        return None
    if is_scalar(account.sweep.shapes[again]) and expression.shape[0] == UNIT:
        expression = make.transposed(expression)
    letter = "G" if UNIT not in expression.shape else "g"
    while letter in book.sweep.shapes or letter in book.source.definitions:
        letter += "1"
    book.define(letter, expression)
    return Symbol(expression.shape, letter, "definition")
