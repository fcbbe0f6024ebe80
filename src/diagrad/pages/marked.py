"""A page in a markup with LaTeX's formulas: LaTeX, Markdown as GitHub reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from diagrad.operations.room import SUPERSCRIPT
from diagrad.pages.aligned import Rows, aligned
from diagrad.pages.judged import CodeLine, Line
from diagrad.pages.page import (
    Block,
    Equation,
    Given,
    Heading,
    Item,
    Maths,
    Outcome,
    Page,
    Side,
    names_of,
)
from diagrad.pages.steps import sentences
from diagrad.show.glyphs import prepared
from diagrad.show.inline import in_math_mode
from diagrad.show.sentences import in_latex_code, in_latex_text, in_markdown, in_markdown_text

TICKS = re.compile("`+")
LATEX_SIGNS = {"✓": r"\(\checkmark\)", "✗": r"\(\times\)", "→": r"\(\to\)", "·": r"\(\cdot\)"}


class Marked:
    """LaTeX: blocks are text, align* and bold words."""

    names: frozenset[str] = frozenset()
    notation = "latex"
    apart = r" \quad "

    def inline(self, maths: Maths) -> str:
        return rf"\({maths('latex')}\)"

    def say(self, sentence: str) -> str:
        return in_latex_text(sentence, self.names)

    def display(self, rows: Rows) -> str:
        return f"\\begin{{align*}}\n{aligned(rows)}\n\\end{{align*}}"

    def heading(self, words: str) -> str:
        return rf"\par\medskip\noindent\textbf{{{words}}}"

    def paragraph(self, text: str) -> str:
        return rf"\par\noindent {text}"

    def strong(self, text: str) -> str:
        return rf"\textbf{{{text}}}"

    def code(self, text: str) -> str:
        return in_latex_code(text)

    def line(self, line: Line) -> str:
        """A line of an answer: a sign, its number, the line, what it is."""
        sign = LATEX_SIGNS.get(line.sign, line.sign)
        return self.paragraph(rf"{sign} \ {line.number} \quad {self.wrote(line)}")

    def lines(self, lines: Sequence[Line]) -> str:
        return "\n".join(map(self.line, lines))

    def wrote(self, line: Line) -> str:
        shown = self.code(line.text) if line.maths is None else self.inline(line.maths)
        words = self.strong(line.words) if line.status == "wrong" else self.say(line.words)
        return f"{shown}{self.apart}{words}"

    def listing(self, lines: Sequence[CodeLine]) -> str:
        rows = ((LATEX_SIGNS["✗"] if at.wrong else "", at) for at in lines)
        shown = (rf"\makebox[2em][l]{{{sign}}}{self.code(numbered(at))}" for sign, at in rows)
        return "\n".join(map(self.paragraph, shown))

    def page(self, page: Page) -> str:
        self.names = names_of(page)
        return self.blocks(page)

    def blocks(self, blocks: Sequence[Block]) -> str:
        return "\n".join(line for block in blocks for line in self.block(block)) + "\n"

    def block(self, block: Block) -> Iterator[str]:
        match block:
            case Given():
                return self.given(block)
            case Item():
                return self.item(block)
            case Outcome():
                return self.outcome(block)
        return self.part(block)

    def given(self, given: Given) -> Iterator[str]:
        yield self.heading("Given")
        if given.convention:
            yield self.paragraph(
                self.say(given.convention[:1].upper() + given.convention[1:]) + "."
            )
        shown = [f"{self.inline(v)}: {self.say(words)}" for v, words in given.variables]
        if shown:
            yield self.paragraph("; ".join(shown) + ".")
        rows = []
        for d in given.definitions:
            remark = rf" \quad \text{{{d.remark}}}" if d.remark.isascii() and d.remark else ""
            rows.append((d.name("latex"), d.formula(self.notation), in_maths(d.shape) + remark))
        if rows:
            yield self.display(rows)
        told = [self.say(d.remark) for d in given.definitions if not d.remark.isascii()]
        if told:
            yield self.paragraph("; ".join(told) + ".")
        yield from self._way(given.way)
        if given.signs:
            yield self.paragraph(self.say(f"Signs: {'; '.join(given.signs)}."))

    def _way(self, way: Sequence[Maths]) -> Iterator[str]:
        if way:
            yield self.paragraph(f"The way back: {', '.join(map(self.inline, way))}.")

    def part(self, heading: Heading) -> Iterator[str]:
        yield self.heading(self.say(heading.words))
        if heading.called:
            yield self.equations(heading.called)
        yield from self._way(heading.way)

    def item(self, item: Item) -> Iterator[str]:
        yield self.paragraph(self.strong(item.number))
        yield from self.told(item)

    def told(self, item: Item) -> Iterator[str]:
        """What stands below the number of a step."""
        yield self.equations(item.equations)
        whys = [s for e in item.equations for side in e.sides for s in sentences(side.why)]
        said = dict.fromkeys([*whys, *sentences(item.reason)])
        if said:
            yield self.paragraph(self.say("; ".join(said)) + ".")
        for part in item.parts:
            yield from self.item(part)

    def equations(self, equations: Sequence[Equation]) -> str:
        rows = [row for equation in equations for row in _rows(equation, self.notation)]
        return self.display(rows)

    def outcome(self, outcome: Outcome) -> Iterator[str]:
        yield self.heading("Result" if len(outcome.results) == 1 else "Results")
        for equation in outcome.results:
            yield self.equations([equation._replace(shape="")])
            if equation.shape:
                yield self.paragraph(self.say(equation.shape) + ".")
        for name, formula in outcome.named:
            yield self.equations([Equation(name, (Side(formula),), lead="with")])
        for remark in outcome.remarks:
            yield self.paragraph(self.say(remark[:1].upper() + remark[1:]) + ".")
        for check in outcome.checks:
            yield self.paragraph(self.say(f"Checked: {in_powers(check)}") + ".")


class Markdown(Marked):
    """Markdown with $ and $$."""

    apart = " — "

    def inline(self, maths: Maths) -> str:
        return f"${in_markdown(maths('latex'))}$"

    def say(self, sentence: str) -> str:
        return in_markdown_text(sentence, self.names)

    def display(self, rows: Rows) -> str:
        return f"$$\n\\begin{{aligned}}\n{in_markdown(aligned(rows))}\n\\end{{aligned}}\n$$\n"

    def heading(self, words: str) -> str:
        return f"### {words}\n"

    def paragraph(self, text: str) -> str:
        return f"{text}\n"

    def strong(self, text: str) -> str:
        return f"**{text}**"

    def code(self, text: str) -> str:
        """Between more ticks than stand in a row in it."""
        ticks = _ticks(text, 1)
        return f"{ticks} {text} {ticks}" if "`" in text else f"`{text}`"

    def line(self, line: Line) -> str:
        return f"- {line.sign} {line.number}: {self.wrote(line)}"

    def lines(self, lines: Sequence[Line]) -> str:
        return super().lines(lines) + "\n"

    def listing(self, lines: Sequence[CodeLine]) -> str:
        text = "\n".join(gutter(lines))
        return f"{_ticks(text, 3)}\n{text}\n{_ticks(text, 3)}\n"


class Display(Markdown):
    """Likewise in the output of a notebook, whose headings are its own."""

    def heading(self, words: str) -> str:
        return f"**{words}**\n"


def numbered(line: CodeLine) -> str:
    return f"{line.number:2}  {line.text}".rstrip()


def gutter(lines: Sequence[CodeLine]) -> list[str]:
    """Lines of code with their numbers, a wrong one with its sign."""
    return [f"{'✗' if line.wrong else ' '} {numbered(line)}" for line in lines]


def _ticks(text: str, least: int) -> str:
    longest = max(map(len, TICKS.findall(text)), default=0)
    return "`" * max(least, longest + 1)


def in_maths(shape: str) -> str:
    """A shape in math mode; words upright."""
    if not shape or "," in shape:
        return ""
    if shape == "scalar":
        return r"\text{scalar}"
    return in_math_mode(prepared(shape))


def in_powers(check: str) -> str:
    """10⁻¹² for 1e-12, and N = 5 for N 5 among the sizes."""
    powers = re.sub(r"1e(-\d+)", lambda m: "10" + str(int(m[1])).translate(SUPERSCRIPT), check)
    return re.sub(r"(?<=[, ])(\w+) (\d+)(?=[,:])", r"\1 = \2", powers)


def _rows(equation: Equation, notation: str) -> Iterator[tuple[str, str, str]]:
    left = equation.left("latex")
    if equation.lead:
        left = rf"\text{{{equation.lead}}} \; {left}"
    for k, side in enumerate(equation.sides):
        note = in_maths(equation.shape) if k == 0 else ""
        yield left if k == 0 else "", side.maths(notation), note


PREAMBLE = r"""\documentclass[fleqn]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{amsmath,amssymb}
\usepackage[margin=2cm]{geometry}
\allowdisplaybreaks
\setlength{\mathindent}{1em}
\setlength{\emergencystretch}{4em}
\AtBeginDocument{\abovedisplayskip=4pt plus 2pt \belowdisplayskip=\abovedisplayskip}
\begin{document}
"""


def document(body: str) -> str:
    """A complete article around LaTeX blocks."""
    return f"{PREAMBLE}\n{body}\n\\end{{document}}\n"
