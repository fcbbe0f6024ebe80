"""The symbols of a page: where each stands, and what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diagrad.pages.page import Equation, Given, Heading, Item, Maths, Outcome, Page
from diagrad.show.layout import Box, boxes
from diagrad.show.mathml import in_mathml, in_terms, in_words


class Symbols:
    """The names of variables, definitions, derivatives and dimensions on pages.

    No two names of a problem print alike, so what is drawn tells which name it is. `about` has for
    each its key, and then name, shape and meaning in Unicode.
    """

    def __init__(self, pages: Sequence[Page]) -> None:
        self.about: dict[str, list[str]] = {}
        self.marks: dict[Box, str] = {}
        self._drawn: dict[str, str] = {}
        for page in pages:
            for maths, shape, meaning in _symbols(page):
                self._add(maths, shape, meaning)

    def _add(self, maths: Maths, shape: str, meaning: str) -> None:
        box = boxes(maths("latex"))
        if box not in self.marks:
            key = f"s{len(self.marks)}"
            self.marks[box] = f'data-s="{key}"'
            self.about[key] = [maths("unicode"), shape, meaning]

    def key(self, maths: Maths) -> str:
        return self.marks[boxes(maths("latex"))].split('"')[1]

    def drawn(self, latex: str) -> str:
        """The formula as MathML with its symbols marked."""
        if latex not in self._drawn:
            self._drawn[latex] = in_mathml(latex, self.marks)
        return self._drawn[latex]

    def in_terms(self, latex: str) -> str:
        """Likewise for a line of its own, which breaks between terms, and within one only where it
        is longer than the line."""
        terms = in_terms(latex, self.marks)
        if len(terms) == 1:
            return "".join(terms[0])
        return "".join(
            f'<span class="term">{"".join(term)}</span>' if len(term) > 1 else term[0]
            for term in terms
        )

    def between_words(self, latex: str) -> str:
        """Likewise, in pieces between which a line may break."""
        return in_words(latex, self.marks)


def _symbols(page: Page) -> Iterator[tuple[Maths, str, str]]:
    for block in page:
        match block:
            case Given():
                for maths, words in block.variables:
                    shape, _, facts = words.partition(", ")
                    yield maths, shape, f"given, {facts}" if facts else "given"
                for d in block.definitions:
                    yield d.name, d.shape, f"{d.name('unicode')} = {d.formula('unicode')}"
                for maths in block.dimensions:
                    yield maths, "", "a dimension"
            case Item():
                yield from _derivative(block.equations[-1], f"found in step {block.number}")
            case Heading():
                for equation in block.called:
                    yield equation.left, equation.shape, equation.sides[-1].maths("unicode")
            case Outcome():
                for name, formula in block.named:
                    yield name, "", f"{name('unicode')} = {formula('unicode')}"
                for equation in block.results:
                    yield from _derivative(equation, "the result")


def _derivative(equation: Equation, meaning: str) -> Iterator[tuple[Maths, str, str]]:
    shape = equation.shape.partition(",")[0].rpartition(" = ")[2]
    yield equation.left, shape, meaning
