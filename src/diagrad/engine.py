"""The engine's way from an expression to the formula of its derivative, in one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from diagrad.derivation import Record
from diagrad.dimensions import Shape, is_scalar
from diagrad.errors import DerivationError
from diagrad.expression import Apply, Expression, walk
from diagrad.facts import structure_of
from diagrad.formula import Formula
from diagrad.index.context import Application, Context
from diagrad.index.differentiate import Link, derivative
from diagrad.index.structure import tied
from diagrad.index.term import Head
from diagrad.language import Source
from diagrad.layouts import Arrangement
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.raising import Raiser
from diagrad.matrix.stacked import result_shown
from diagrad.setting import Setting, with_facts
from diagrad.show import Names


class Engine:
    """Derivatives of one expression by several names, which share their normal forms."""

    def __init__(
        self,
        source: Source,
        names: Names,
        shapes: Mapping[str, Shape],
        expression: Expression,
        order: int,
        structure: bool = False,
    ) -> None:
        self.source, self.names, self.shapes = source, names, shapes
        self.expression, self.order, self.structure = expression, order, structure
        self._settings: dict[frozenset[str], tuple[Setting, Context]] = {}
        self._raisers: dict[frozenset[str], Raiser] = {}
        self._recorded: dict[Context, int] = {}

    def derived(self, by: tuple[str, ...], arrangement: Arrangement) -> tuple[Formula, Record]:
        """The formula, not yet checked, and how it came about. Raises DerivationError."""
        free = self._free(by)
        if free not in self._settings:
            setting = Setting(self.source, by)
            self._settings[free] = setting, with_facts(self.source, setting, by)
        setting, context = self._settings[free]
        value = setting.composed(self.expression)
        tensor, links = _differentiated(setting, value.tensor, by, self.kinds(by))
        tensor = context.normal(tensor)
        contexts = dict.fromkeys((setting.context, context))
        record = Record(links, tuple(r for each in contexts for r in self._news(each)))
        counts = [*value.counts, *(n for name in by for n in setting.counts(name))]
        raiser = self._raiser(context, by, free, tensor)
        return self._raised(tensor, arrangement, counts, raiser), record

    def kinds(self, by: tuple[str, ...]) -> tuple[str, ...]:
        """How the entries of each variable are tied; nothing where they move freely."""
        variables = self.source.variables
        tied = [variables[n].facts if n in variables else frozenset[str]() for n in by]
        return tuple(structure_of(facts) for facts in tied) if self.structure else ()

    def _free(self, by: tuple[str, ...]) -> frozenset[str]:
        """What a setting depends on: the names of which something is known that does not hold while
        they move."""
        variables = self.source.variables
        return frozenset(n for n in by if n not in variables or variables[n].facts)

    def _news(self, context: Context) -> Iterator[Application]:
        """The rewritings since the last derivative: those before found what is found no more."""
        start = self._recorded.get(context, 0)
        self._recorded[context] = len(context.record)
        yield from context.record[start:]

    def _raiser(
        self, context: Context, by: tuple[str, ...], free: frozenset[str], tensor: Head
    ) -> Raiser:
        raiser = self._raisers.get(free)
        if raiser is None or self.order == 2:
            diagonal = self.order == 2 or not is_scalar(self.expression.shape)
            means = speaks_of_means(self.source, self.expression)
            raiser = self._raisers[free] = Raiser(context, self.shapes, diagonal, means)
        raiser.mirror = tensor if len(by) == 2 and by[0] == by[1] else None
        raiser.rested()
        return raiser

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


def _differentiated(
    setting: Setting, value: Head, by: tuple[str, ...], kinds: tuple[str, ...]
) -> tuple[Head, tuple[Link, ...]]:
    """∂/∂by[0], then ∂/∂by[1], and the links of the chain rule. In a second derivative local
    derivatives of several terms stay whole, which keeps diag(p) − p pᵀ together."""
    links: list[Link] = []
    tensor = setting.context.normal(value)
    for position, name in enumerate(by):
        wrt = setting.heads[name]
        tensor = derivative(tensor, wrt, setting.context, links, whole=position > 0)
        if kinds and kinds[position] and len(wrt.axes) == 2:
            tensor = setting.context.normal(tied(tensor, kinds[position]))
    return tensor, tuple(links)


def operations(source: Source, *beside: Expression) -> Iterator[Apply]:
    """Every use of an operation in the definitions, and in expressions beside them."""
    for part in (*beside, *(d.expression for d in source.definitions.values())):
        yield from (node for node in walk(part) if isinstance(node, Apply))


def signs(source: Source) -> list[str]:
    """What the operations of the problem print as, where it is a single letter."""
    nodes = operations(source)
    forms = [node.operation.form(way, node) for node in nodes for way in ("unicode", "latex")]
    return [form.template.partition("(")[0].partition(r"\left")[0] for form in forms if form]


def speaks_of_means(source: Source, expression: Expression) -> bool:
    """Whether the problem says `mean`, so that its derivative may, too."""
    return any(node.operation.name == "mean" for node in operations(source, expression))
