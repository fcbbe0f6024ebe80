"""From derivations to pages: what is shown at which depth, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from diagrad.derivation.step import Step
from diagrad.errors import DerivationError
from diagrad.expression import Symbol, walk
from diagrad.formula import Formula
from diagrad.pages import maths, words
from diagrad.pages.differentials import DifferentialItems
from diagrad.pages.entries import EntryItems
from diagrad.pages.page import Block, Equation, Heading, Item, Maths, Outcome, Page, Side
from diagrad.pages.signs import Signs
from diagrad.pages.steps import JacobianItems, sentences
from diagrad.pages.story import Story
from diagrad.pages.text import rows_of

if TYPE_CHECKING:
    from diagrad.derivation import Derivation

DEPTHS = ("overview", "standard", "full")
KINDS = {"jacobian": JacobianItems, "elements": EntryItems, "differential": DifferentialItems}
ROUTES = tuple(KINDS)
# What may be asked for besides one route.
SEVERAL = {"both": ROUTES[:2], "all": ROUTES}


def pages(derivations: Sequence[Derivation], route: str, depth: str) -> list[Page]:
    """A page for all derivations that share their steps. Raises DerivationError for a route or
    depth that there is not."""
    if depth not in DEPTHS:
        raise DerivationError(f"unknown depth {depth!r}: there are {', '.join(DEPTHS)}")
    if route not in (*ROUTES, *SEVERAL):
        there = ", ".join((*ROUTES, *SEVERAL))
        raise DerivationError(f"unknown route {route!r}: there are {there}")
    groups: dict[int, list[Derivation]] = {}
    for derivation in derivations:
        groups.setdefault(id(derivation.telling), []).append(derivation)
    routes = SEVERAL.get(route, (route,))
    return [Composer(Story(group), routes, depth).page() for group in groups.values()]


class Composer:
    """Puts the page of one story together."""

    def __init__(self, story: Story, routes: Sequence[str], depth: str) -> None:
        self.story, self.routes, self.depth = story, routes, depth
        self.said: list[str] = []

    def page(self) -> Page:
        blocks: list[Block] = [self.story.given()]
        if self.story.untold:
            return (*blocks, Heading(f"Without steps: {self.story.untold}"), self._outcome())
        for k, route in enumerate(self.routes):
            if k > 0:
                blocks.append(Heading(AGAIN[route], route=route))
            blocks += self._steps(route)
        blocks.append(self._outcome())
        if self.depth != "overview":
            blocks[0] = self.story.given()._replace(signs=self._signs(blocks))
        return tuple(blocks)

    def _signs(self, blocks: Sequence[Block]) -> tuple[str, ...]:
        """What the signs mean that stand on the page."""
        shown = "\n".join(row.text for row in rows_of(tuple(blocks), 1000, False))
        said = Signs(self.story, shown, self.routes).sentences()
        if "differential" in self.routes:
            d = self.story.names.sign["unicode"]
            said += tuple(words.of_differentials(*self._differentiated(), shown, d))
        return said

    def _differentiated(self) -> tuple[str, str]:
        """The scalar whose differential is taken, and the row or column."""
        sweeps = dict.fromkeys((self.story.first.sweep, self.story.last.sweep))
        names = self.story.names
        of = [names.shown(s.of, "unicode") for s in sweeps if s.scalar]
        vectors = [s.of for s in sweeps if not s.scalar]
        return "".join(of), "".join(names.shown(name, "unicode") for name in vectors)

    def _steps(self, route: str) -> Iterator[Block]:
        kind = KINDS[route]
        items = kind(self.story, self.depth)
        items.said |= set(self.said)
        for number, (heading, step) in enumerate(self._ordered(route), 1):
            if heading:
                yield heading
            show = JacobianItems.item if _is_stacked(step) else kind.item
            item = show(items, step, str(number))._replace(rule=step.rule)
            self.said += _said(item)
            yield item

    def _ordered(self, route: str) -> Iterator[tuple[Heading | None, Step]]:
        """Each step once, those that several derivations need first, with the headings between."""
        found: dict[int, Step] = {}
        for derivation in self.story.derivations:
            for step in derivation.told(route):
                if step.rule != "write out" or _is_stacked(step):
                    found.setdefault(id(step), step)
        if self.story.telling.order == 2:
            yield from self._second_order(list(found.values()))
        elif len(self.story.derivations) > 1:
            yield from self._sweep(list(found.values()))
        else:
            yield from ((None, step) for step in found.values())

    def _sweep(self, steps: Sequence[Step]) -> Iterator[tuple[Heading | None, Step]]:
        order = list(self.story.last.sweep.nodes)
        asked = [d.wrt for d in self.story.derivations]
        place = sorted(steps, key=lambda s: (s.target[1] in asked, order.index(s.target[1])))
        shared = [s for s in place if s.target[1] not in asked]
        own = [] if self._is_overview else place[len(shared) :]
        own.sort(key=lambda s: asked.index(s.target[1]))
        yield from _headed(Heading(self._swept(shared)), shared)
        yield from _headed(Heading("What each variable adds") if shared else None, own)

    def _swept(self, shared: Sequence[Step]) -> str:
        """Whether every variable needs all of the sweep."""
        told = [d.told(self.routes[0]) for d in self.story.derivations]
        targets = [{step.target for step in steps} for steps in told]
        if all(step.target in of for step in shared for of in targets):
            return f"One sweep back, shared by {words.all_of(len(targets))}"
        return "One sweep back, of which each variable uses what it needs"

    def _second_order(self, steps: Sequence[Step]) -> Iterator[tuple[Heading | None, Step]]:
        """The gradient under its name, then the derivative of that."""
        second = self.story.last
        g = second.sweep.of
        before = [s for s in steps if s.target[0] != g]
        after = [s for s in steps if s.target[0] == g]
        first, again = self.story.telling.by
        names = self.story.names
        by = [names.shown(name, "unicode") for name in (first, again)]
        yield from _headed(Heading(f"First the gradient by {by[0]}"), before)
        definition = self.story.book.source.definitions[g].expression
        sides = self.story.target(self.story.of, first), maths.of_expression(definition, names)
        shape = words.shape_words(definition.shape, names)
        called = Equation(maths.named(g, names), tuple(Side(side) for side in sides), shape)
        text = f"Then the derivative of that gradient by {by[1]}"
        heading = Heading(text, (called,), self.story.way(second, [again]))
        yield from _headed(heading, after)

    def _outcome(self) -> Outcome:
        results = tuple(self._result(derivation) for derivation in self.story.derivations)
        named = tuple(
            (maths.named(name, self.story.names), maths.written(formula))
            for name, formula in self._named()
        )
        checks = list(dict.fromkeys(str(d.verification) for d in self.story.derivations))
        if len(self.story.derivations) > 1 and len(checks) == 1:
            checks[0] = f"each at {checks[0]}"
        elif len(checks) > 1:
            checks = [
                f"{self.label(d)('unicode')} at {d.verification}" for d in self.story.derivations
            ]
        return Outcome(tuple(results), named, tuple(checks), tuple(self._remarks()))

    def _remarks(self) -> Iterator[str]:
        """What was used in writing the results out: ∂J/∂x written out with Σₖ uₖ = 0, …"""
        for d in self.story.derivations:
            if d.answer.programs is not None:
                continue
            used = "; ".join(sentences(d.told(self.routes[0])[-1].because)[1:])
            if self._short(d) is not None and used:
                yield f"{self.label(d)('unicode')} written out with {used}"

    def _result(self, d: Derivation) -> Equation:
        """∂J/∂W₁ = xᵀ δ₁ = xᵀ (… written out)."""
        forms = self._forms(d)
        shape = words.shape_words(forms[0].shape, self.story.names)
        said = ", ".join(filter(None, [shape, self._layout(d)]))
        return Equation(self.label(d), tuple(Side(maths.written(f)) for f in forms), said)

    @cached_property
    def _is_brief(self) -> bool:
        """Whether results stand in short names alone, because one of them is long."""
        return any(d.is_long for d in self.story.derivations)

    @property
    def _is_overview(self) -> bool:
        """Whether the steps are but the program of the results."""
        return self._is_brief and self.depth == "overview"

    def _forms(self, d: Derivation) -> tuple[Formula, ...]:
        """The result in short names, where it has such a form, and written out."""
        short = self._short(d)
        if short is None:
            return (d.result,)
        return (short,) if self._is_brief else (short, d.result)

    def _short(self, d: Derivation) -> Formula | None:
        """The result in short names, where it was written out: those that several derivations
        share, and those that its steps gave to long adjoints."""
        if d.answer.programs is not None:
            return d.told(self.routes[0])[-1].after
        if d.order == 2:
            return None
        last = d.steps[-1]
        alone = len(self.story.derivations) == 1
        if last.rule != "write out" or (alone and not _symbols(last.before) & self.story.short):
            return None
        same = last.before.layout == last.after.layout and not last.before.labels
        return last.before if same else None

    def _named(self) -> Iterator[tuple[str, Formula]]:
        """The short names in the results and in each other, in their order; a brief overview has
        them just before, each on its line."""
        if self._is_overview:
            return
        definitions = self.story.book.source.definitions
        called = set(self.story.book.called.values()) & definitions.keys()
        waiting = [f for d in self.story.derivations for f in self._forms(d)]
        used: set[str] = set()
        while waiting:
            new = (_symbols(waiting.pop()) & called) - used
            used |= new
            waiting += [self.story.book.formula(definitions[name].expression) for name in new]
        for name in self.story.book.called.values():
            if name in used:
                yield name, self.story.book.formula(definitions[name].expression)

    def label(self, d: Derivation) -> Maths:
        """∂J/∂x, ∂²J/∂x∂W₁; ∂hⱼ/∂Wₖₗ where the result is by elements."""
        names, of, by = self.story.names, self.story.of, _by(d)
        labels = self._forms(d)[0].shown_labels
        by_axes = bool(labels) and d.layout in ("tensor", "gradient")
        ranks = [self.story.rank(name) for name in (of, *by)]
        pieces = _pieces(labels, ranks) if by_axes else ["" for _ in ranks]
        if d.order == 2:
            label = maths.second_derivative(names, of, by, pieces[1:])
        else:
            label = maths.derivative(names, of, by[0], *pieces)
        return maths.labelled(label, labels) if labels and not by_axes else label

    def _layout(self, d: Derivation) -> str:
        """Which entry of the result is which derivative."""
        names, by = self.story.names, _by(d)
        of = names.shown(self.story.of, "unicode")
        ranks = [self.story.rank(name) for name in (self.story.of, *by)]
        if not any(ranks[1:]):
            return f"the shape of {of}" if ranks[0] else ""
        first = names.shown(by[0], "unicode")
        if d.layout == "gradient":
            return f"the shape of {first} (gradient layout)"
        if d.layout == "vec":
            below = "".join(f"∂vec({names.shown(name, 'unicode')})" for name in by)
            power = "²" if d.order == 2 else ""
            above = f"∂{power}{of}" if d.order == 2 else f"∂vec({of})"
            return f"{above}/{below}, columns stacked (vec layout)"
        if d.layout == "tensor":
            axes = [of, first] if d.order == 1 else [names.shown(n, "unicode") for n in by]
            return f"the axes of {axes[0]}, then those of {axes[1]} (tensor layout)"
        return f"{self._entries(d, ranks)} ({d.layout} layout)"

    def _entries(self, d: Derivation, ranks: Sequence[int]) -> str:
        """`entry i,j is ∂ŷᵢ/∂xⱼ` for a Jacobian or a Hessian."""
        place = "ijkl"[: sum(ranks)]
        pieces = _pieces(place, ranks)
        names, of, by = self.story.names, self.story.of, _by(d)
        if d.order == 2:
            entry = maths.second_derivative(names, of, by, pieces[1:])
        else:
            entry = maths.derivative(names, of, by[0], *pieces)
        if d.order == 1 and (d.layout == "denominator") != (list(ranks) == [0, 2]):
            place = place[::-1]
        return f"entry {','.join(place)} is {entry('unicode')}"


AGAIN = {
    "elements": "The same by elements, then vectorised",
    "differential": "The same by differentials",
}


def _is_stacked(step: Step) -> bool:
    """Whether it makes a matrix of a derivative by elements."""
    layouts = step.before.layout, step.after.layout
    return step.rule == "write out" and layouts == ("tensor", "vec")


def _pieces(labels: str, ranks: Sequence[int]) -> list[str]:
    """The labels in pieces of these lengths."""
    return [labels[sum(ranks[:k]) : sum(ranks[: k + 1])] for k in range(len(ranks))]


def _by(d: Derivation) -> list[str]:
    """The names in the denominator: one, or the two of a second derivative."""
    names = [d.wrt] if isinstance(d.wrt, str) else list(d.wrt)
    return names if len(names) == d.order else names * d.order


def _headed(
    heading: Heading | None, steps: Sequence[Step]
) -> Iterator[tuple[Heading | None, Step]]:
    for k, step in enumerate(steps):
        yield (None if k else heading), step


def _symbols(formula: Formula) -> set[str]:
    return {node.name for node in walk(formula.expression) if isinstance(node, Symbol)}


def _said(item: Item) -> list[str]:
    return sentences(item.reason) + [s for part in item.parts for s in _said(part)]
