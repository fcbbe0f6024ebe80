"""A problem, and the pipeline from its text to a verified formula."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, overload

from diagrad.derivation import Derivation, Record
from diagrad.derivation.telling import Telling
from diagrad.dimensions import is_scalar
from diagrad.errors import DerivationError, InternalError, ProblemError
from diagrad.evaluate import environment_from, plain, with_definitions
from diagrad.expression import Apply, Expression, walk
from diagrad.facts import LABELS
from diagrad.formula import Formula
from diagrad.index.differentiate import Link, derivative
from diagrad.index.term import Head
from diagrad.language import Source, read, read_expression
from diagrad.layouts import Arrangement, arranged
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.raising import Raiser
from diagrad.matrix.stacked import result_shown
from diagrad.setting import Setting, shapes, with_facts
from diagrad.show import Names
from diagrad.verify import Verification, verify

Wrt = str | tuple[str, str]


def parse(text: str, file: str = "problem") -> Problem:
    """The problem that a text states, in the problem language.

    `file` is the name that errors give. Raises ProblemError with line, column and cure.
    """
    return Problem(read(text, file))


def load(path: str | Path) -> Problem:
    """The problem in a file. Raises OSError, ProblemError for what is no problem in UTF-8."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProblemError(f"{path} is not UTF-8 text: byte {error.start} cannot be read") from None
    return parse(text, Path(path).name)


class Problem:
    """Declared variables, definitions, and all that can be asked of them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.shapes = shapes(source)
        self.names = Names(
            [d.name for d in source.dimensions] + list(self.shapes) + list(source.functions),
            signs=self._signs(),
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is legal and probably not meant."""
        return self.source.warnings

    @property
    def last(self) -> str:
        """The last definition. Raises ProblemError where there is none."""
        if not self.source.definitions:
            raise ProblemError(
                "the problem defines nothing to differentiate: add a line like J = …"
            )
        return list(self.source.definitions)[-1]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from diagrad import pages

        return pages.problem_bundle(self.source, self.names)

    def default_wrt(self, of: str) -> list[str]:
        """Every declared variable that `of` depends on and that is not a label (onehot, pm1)."""
        needed = self.source.needed(self.expression(of))
        return [
            name
            for name, declaration in self.source.variables.items()
            if name in needed and not declaration.facts & LABELS
        ]

    def expression(self, text: str) -> Expression:
        """An expression over the problem's names. Raises ProblemError."""
        return read_expression(text, self.source)

    def formula(self, text: str) -> Formula:
        """An expression over the problem's names, to print and evaluate. Raises ProblemError."""
        return Formula(self.expression(text), self.source, self.names)

    def evaluate(self, /, **arrays: object) -> dict[str, Any]:
        """The forward pass: every definition's value, by name.

        Arrays are NumPy arrays or nested lists in the declared shapes; one-dimensional ones are
        taken for rows or columns as declared. Raises ProblemError for a missing or unknown name and
        for a shape that does not fit.
        """
        pairs = [(name, d.expression) for name, d in self.source.definitions.items()]
        environment = with_definitions(pairs, environment_from(self.source, arrays))
        return {name: plain(environment.arrays[name]) for name in self.source.definitions}

    @overload
    def derive(
        self, of: str, wrt: Wrt, order: int = ..., layout: str = ..., structure: bool = ...
    ) -> Derivation: ...
    @overload
    def derive(
        self, of: str, wrt: list[str], order: int = ..., layout: str = ..., structure: bool = ...
    ) -> list[Derivation]: ...

    def derive(
        self,
        of: str,
        wrt: Wrt | list[str],
        order: int = 1,
        layout: str = "auto",
        structure: bool = False,
    ) -> Derivation | list[Derivation]:
        """The derivative of an expression by a variable or definition, as a verified formula.

        `wrt` is a name, a list of names (a list of derivations comes out), or for order 2 a pair of
        names. Layouts are in `diagrad.layouts`. Raises ProblemError for an expression that is not
        right, DerivationError for a request that cannot be met.
        """
        if structure:
            raise DerivationError("structured derivatives are not supported yet")
        expression = self.expression(of)
        if isinstance(wrt, list):
            together = self._telling(expression, wrt, order)
            return [self._derivation(of, expression, w, order, layout, together) for w in wrt]
        return self._derivation(of, expression, wrt, order, layout, None)

    def _derivation(
        self,
        of: str,
        expression: Expression,
        wrt: Wrt,
        order: int,
        layout: str,
        telling: Telling | None,
    ) -> Derivation:
        by = self._variables(wrt, order)
        arrangement = arranged(layout, expression.shape, [self.shapes[name] for name in by])
        with deep_recursion():
            formula, record = self._derived(expression, by, arrangement)
            again = self._read_again(formula)
        asked = f"d {of} / d {wrt}"
        check = partial(self._verified, expression, by, arrangement.layout, formula, again, asked)
        shown_as = formula.layout or arrangement.layout
        told = telling or self._told(expression, by, order)
        return Derivation(self, of, wrt, order, shown_as, formula, check(), record, check, told)

    def _telling(self, expression: Expression, wrt: list[str], order: int) -> Telling | None:
        """What derivations by several variables share; by definitions each has its own, for what
        lies before a definition is then constant."""
        names = tuple(dict.fromkeys(wrt))
        if order == 2 or not all(name in self.source.variables for name in names):
            return None
        return self._told(expression, names, order)

    def _told(self, expression: Expression, by: tuple[str, ...], order: int) -> Telling:
        signs = frozenset(self._signs())
        means = self._speaks_of_means(expression)
        return Telling(self.source, expression, by, order, signs, means)

    def gradient(self, of: str, wrt: str) -> Derivation:
        """The gradient of a scalar, in the shape of the variable."""
        return self.derive(of, wrt, layout="gradient")

    def jacobian(self, of: str, wrt: str, layout: str = "auto") -> Derivation:
        """The Jacobian of a row or column by a row or column; with `layout`, of anything."""
        return self.derive(of, wrt, layout=layout)

    def hessian(self, of: str, wrt: Wrt, layout: str = "auto") -> Derivation:
        """The second derivative of a scalar."""
        return self.derive(of, wrt, order=2, layout=layout)

    def _variables(self, wrt: Wrt, order: int) -> tuple[str, ...]:
        """One name per order. Raises DerivationError for what cannot be differentiated by."""
        if order not in (1, 2) or not isinstance(order, int):
            raise DerivationError(f"order is 1 or 2, not {order!r}")
        if not isinstance(wrt, str | tuple):
            raise DerivationError(f"wrt is a name, a pair or a list of names, not {wrt!r}")
        by = (wrt,) * order if isinstance(wrt, str) else wrt
        if len(by) != order:
            raise DerivationError(
                f"order {order} needs {order} variable{'s'[: order - 1]}, not {by}"
            )
        for name in by:
            if name not in self.shapes:
                known = ", ".join(self.shapes)
                raise DerivationError(
                    f"{name!r} is not a variable or definition of the problem: {known}"
                )
        return by

    def _derived(
        self, expression: Expression, by: tuple[str, ...], arrangement: Arrangement
    ) -> tuple[Formula, Record]:
        """The formula, not yet checked, and how it came about."""
        setting = Setting(self.source, by)
        value = setting.composed(expression)
        tensor, links = _differentiated(setting, value.tensor, by)
        context = with_facts(self.source, setting, by)
        before = len(context.record)
        tensor = context.normal(tensor)
        again = () if context is setting.context else context.record[before:]
        record = Record(links, (*setting.context.record, *again))
        diagonal = len(by) == 2 or not is_scalar(expression.shape)
        raiser = Raiser(context, self.shapes, diagonal, self._speaks_of_means(expression))
        raiser.mirror = tensor if len(by) == 2 and by[0] == by[1] else None
        counts = [*value.counts, *(n for name in by for n in setting.counts(name))]
        return self._raised(tensor, arrangement, counts, raiser), record

    def _operations(self, *beside: Expression) -> Iterator[Apply]:
        """Every use of an operation in the definitions, and in expressions beside them."""
        for part in (*beside, *(d.expression for d in self.source.definitions.values())):
            yield from (node for node in walk(part) if isinstance(node, Apply))

    def _signs(self) -> list[str]:
        """What the operations of the problem print as, where it is a single letter."""
        nodes = self._operations()
        forms = [node.operation.form(way, node) for node in nodes for way in ("unicode", "latex")]
        return [form.template.partition("(")[0].partition(r"\left")[0] for form in forms if form]

    def _speaks_of_means(self, expression: Expression) -> bool:
        """Whether the problem says `mean`, so that its derivative may, too."""
        return any(node.operation.name == "mean" for node in self._operations(expression))

    def _raised(
        self, tensor: Head, arrangement: Arrangement, counts: Sequence[int], raiser: Raiser
    ) -> Formula:
        """The formula in matrix notation, or by elements where no matrix says it; part k of the
        arrangement has counts[k] axes."""
        try:
            written = result_shown(tensor, arrangement, counts, raiser)
        except NoMatrixForm as error:
            raise DerivationError(f"this derivative is not supported yet: {error}") from None
        layout = arrangement.layout if arrangement.matrix or not written.labels else "tensor"
        return Formula(written.expression, self.source, self.names, layout, written.labels)

    def _on_a_kink(self, expression: Expression, by: tuple[str, ...]) -> bool:
        """Whether facts of a variable make entries exactly 0 or 1 where functions have kinks."""
        facts = [self.source.variables[name].facts for name in by if name in self.source.variables]
        if not any(fact & EXACT for fact in facts):
            return False
        return any(node.operation.name in KINKED for node in self._operations(expression))

    def _read_again(self, formula: Formula) -> Expression:
        """The formula as its source says it: what is checked is what is printed."""
        try:
            return read_expression(formula.source, self.source)
        except ProblemError:
            raise DerivationError(
                "the formula is longer than the language reads: "
                "give parts of the problem names of their own"
            ) from None

    def _verified(
        self,
        expression: Expression,
        by: tuple[str, ...],
        layout: str,
        formula: Formula,
        again: Expression,
        asked: str,
        points: int = 3,
        seed: int = 0,
    ) -> Verification:
        """The check of a formula. Raises InternalError where it fails, DerivationError where it
        cannot be made."""
        if points < 1:
            raise DerivationError(f"a check needs at least 1 point, not {points}")
        try:
            verification = verify(
                self.source, expression, by, layout, again, formula.layout, points, seed
            )
        except MemoryError:
            raise DerivationError(
                f"{asked} cannot be checked: its arrays do not fit in memory; write large sizes as "
                "names, which are checked at small ones"
            ) from None
        if not verification.passed and self._on_a_kink(expression, by):
            raise DerivationError(
                f"{asked} cannot be checked: what is declared of {by[0]} puts it on a kink, "
                "where only the convention says what the derivative is"
            )
        if not verification.passed:
            raise InternalError(
                f"the formula {formula.source} for {asked} failed its check "
                f"({verification}, worst at {verification.worst}): please report this problem"
            )
        return verification


# Facts that fix entries of a variable, and operations with kinks, or with poles or kinks at 0.
EXACT = frozenset({"onehot", "pm1", "diagonal", "lower", "upper"})
KINKED = frozenset(
    "relu step abs sign maximum minimum clip where norm norm1 sqrt ** / log".split()  # noqa: SIM905
)

# An expression of the deepest nesting that the language allows takes some thousand calls.
RECURSION = 20_000


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Room for the recursion over a deep expression; the interpreter's limit is put back."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _differentiated(
    setting: Setting, value: Head, by: tuple[str, ...]
) -> tuple[Head, tuple[Link, ...]]:
    """∂/∂by[0], then ∂/∂by[1], and the links of the chain rule. In a second derivative local
    derivatives of several terms stay whole, which keeps diag(p) − p pᵀ together."""
    links: list[Link] = []
    tensor = setting.context.normal(value)
    for position, name in enumerate(by):
        tensor = derivative(tensor, setting.heads[name], setting.context, links, whole=position > 0)
    return tensor, tuple(links)
