"""A problem in index form: its variables and definitions as heads, and the facts that hold.

While differentiating, what is declared of the variable does not hold: its entries move
independently. Afterwards it holds again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from diagrad.dimensions import UNIT, Shape, Size
from diagrad.facts import closure
from diagrad.index.build import Indexed
from diagrad.index.composite import is_composite, plain
from diagrad.index.context import Context, Facts
from diagrad.index.lower import definition, lower, row_axes, variable
from diagrad.index.term import Definition, Head, Variable

if TYPE_CHECKING:
    from diagrad.expression import Expression
    from diagrad.language import Source
    from diagrad.language.source import Declaration


class Setting:
    """Heads by name, and a context in which nothing is known of the `free` variables. A free
    definition is a variable; what lies before it is then constant. With `literal`, a definition is
    made of the names that stand in it, not also of those that equal a part of it, and nothing is
    known of these. Otherwise the name of a value with composite axes is but short for its formula,
    which is simpler without them."""

    def __init__(self, source: Source, free: tuple[str, ...], literal: bool = False) -> None:
        self.sizes = {d.name: Size.named(d) for d in source.dimensions}
        self.shapes = shapes(source)
        self.heads: dict[str, Head] = {}
        facts: dict[Variable, Facts] = {}
        for name, declaration in source.variables.items():
            head = variable(name, declaration.position, declaration.shape)
            self.heads[name] = head
            if name not in free and declaration.facts:
                facts[head] = known(declaration)
        self.context = Context(facts)
        nameless = Context(facts, closed=True) if literal else self.context
        for name, defined in source.definitions.items():
            if name in free:
                self.heads[name] = variable(name, defined.position, defined.expression.shape)
                continue
            value = self._indexed(defined.expression)
            if is_composite(value.tensor, defined.expression.shape) and not literal:
                self.heads[name] = self.context.normal(value.tensor)
                continue
            written = plain(value).tensor
            body = nameless.normal(written)
            self.context.read(written)
            head_of = definition(name, defined.position, body)
            self.heads[name] = head_of
            self.context.name(head_of)

    def composed(self, expression: Expression) -> Indexed:
        """The index form with the axes that the operations give it, several for a composite one."""
        value = self._indexed(expression)
        self.context.read(value.tensor)
        return value

    def counts(self, name: str) -> tuple[int, int]:
        """How many axes the rows and the columns of a variable have."""
        head = self.heads[name]
        rows = row_axes(head, self.shapes[name])
        return rows, len(head.axes) - rows

    def lowered(self, expression: Expression) -> Head:
        """The index form with at most one axis for the rows and one for the columns."""
        tensor = plain(self._indexed(expression)).tensor
        self.context.read(tensor)
        return tensor

    def _indexed(self, expression: Expression) -> Indexed:
        return lower(expression, self.heads, self.sizes)


def with_facts(source: Source, setting: Setting, free: tuple[str, ...]) -> Context:
    """The context in which all facts hold again, over the same heads."""
    if not any(name in source.variables and source.variables[name].facts for name in free):
        return setting.context
    facts = {
        setting.heads[name]: known(declaration)
        for name, declaration in source.variables.items()
        if declaration.facts
    }
    context = Context({h: f for h, f in facts.items() if isinstance(h, Variable)})
    for name in source.definitions:
        head = setting.heads[name]
        if isinstance(head, Definition):
            context.name(head)
    before = setting.context
    context.written, context.lengths = before.written, before.lengths
    context.inverses = {context.normal(head) for head in before.inverses}
    return context


def known(declaration: Declaration) -> Facts:
    """A declaration's facts and what follows from them, in terms of the head's axes."""
    along: tuple[int, ...] = ()
    if declaration.sums_along is not None:
        rows, columns = declaration.shape
        axis = 0 if declaration.sums_along == 0 or rows == UNIT else 1
        along = (axis,) if (rows, columns)[declaration.sums_along] != UNIT else ()
    return Facts(closure(declaration.facts), along)


def shapes(source: Source) -> Mapping[str, Shape]:
    """The shape of every variable and definition."""
    declared = {name: declaration.shape for name, declaration in source.variables.items()}
    return declared | {n: d.expression.shape for n, d in source.definitions.items()}
