"""A page for a browser: one file that needs no network, and no script to be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files

from diagrad.pages.compose import ROUTES
from diagrad.pages.graph import picture
from diagrad.pages.marked import in_powers
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
from diagrad.pages.symbols import Symbols
from diagrad.show.glyphs import prepared
from diagrad.show.inline import in_math_mode
from diagrad.show.sentences import in_html_text

# From this many steps on a page has an outline.
LONG = 8
# A reason of more characters stands below its line.
SHORT = 40
# A side of an equation with more characters may go on in the next line.
WIDE = 24
# A left side with more stands above its right sides where there is little room.
BROAD = 12
# A formula and the stop after it stay on one line.
ENDED = re.compile(r"(<math>(?:(?!</math>).)*</math>[.,;:)]+)")
WHOLE = r'<span class="whole">\1</span>'
BY = {
    "jacobian": "Steps by Jacobians",
    "elements": "Steps by elements",
    "differential": "Steps by differentials",
}


def document(pages: Sequence[Page], first: str) -> str:
    """The pages as one document; `first` is the route that they begin with."""
    symbols = Symbols(pages)
    title = title_of(pages)
    body = "".join(
        part
        for n, page in enumerate(pages, 1)
        for part in Web(
            page, symbols, f"p{n}", first, f" of {title_of([page])}" if len(pages) > 1 else ""
        ).page()
    )
    return whole(title, body, symbols, "Derived and checked by Diagrad.")


def whole(title: str, body: str, symbols: Symbols, made: str) -> str:
    """A document around the HTML of its main part."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)} – Diagrad</title>\n<style>\n{_resource('page.css')}</style>\n"
        f"</head>\n<body>\n<main>\n{body}</main>\n"
        f"<footer><p>{made}</p>"
        '<div id="about" role="status" hidden></div></footer>\n'
        f'<script type="application/json" id="symbols">{_embedded(symbols.about)}</script>\n'
        f"<script>\n{_resource('page.js')}</script>\n</body>\n</html>\n"
    )


def title_of(pages: Sequence[Page]) -> str:
    """∂J/∂x, ∂J/∂W₁"""
    return ", ".join(r.left("unicode") for page in pages for r in _outcome(page).results)


def _resource(name: str) -> str:
    return files("diagrad.pages").joinpath(name).read_text("utf-8")


def _embedded(data: object) -> str:
    return json.dumps(data).replace("<", "\\u003c")


def _outcome(page: Page) -> Outcome:
    return next(block for block in page if isinstance(block, Outcome))


class Web:
    """The HTML of one page; `prefix` keeps its ids apart from those of others, `of` the names of
    its sections."""

    def __init__(self, page: Page, symbols: Symbols, prefix: str, first: str, of: str = "") -> None:
        self.blocks, self.symbols, self.prefix, self.first = page, symbols, prefix, first
        self.of = of
        self.names = names_of(page)

    def page(self) -> Iterator[str]:
        outcome = _outcome(self.blocks)
        given = self.blocks[0]
        assert isinstance(given, Given)
        title = self._listed([result.left for result in outcome.results])
        yield f"<header><h1>Deriving {title}</h1>{self._convention(given)}</header>\n"
        told = self._routes()
        yield from self._outline(told)
        yield self._section("given", "Given", self.given(given))
        yield f'<div class="routes n{len(told)}">\n'
        for route, blocks in told:
            yield self._section(route, BY[route], self._told(blocks, route))
        yield "</div>\n"
        word = "Result" if len(outcome.results) == 1 else "Results"
        yield self._section("result", word, self.outcome(outcome))

    def _routes(self) -> list[tuple[str, list[Block]]]:
        """The blocks between the first and the last, route by route."""
        told: list[tuple[str, list[Block]]] = []
        for block in self.blocks[1:-1]:
            if isinstance(block, Heading) and block.route:
                told.append((block.route, []))
                continue
            if not told:
                told.append((self.first, []))
            told[-1][1].append(block)
        return told

    def _section(self, name: str, words: str, inner: Iterator[str]) -> str:
        at = f"{self.prefix}-{name}"
        heading = f'<h2 id="{at}">{words}</h2>'
        named = f'aria-label="{escape(words + self.of)}"' if self.of else f'aria-labelledby="{at}"'
        return f'<section class="{name}" {named}>\n{heading}\n{"".join(inner)}</section>\n'

    def _outline(self, told: Sequence[tuple[str, Sequence[Block]]]) -> Iterator[str]:
        items = [b for b in told[0][1] if isinstance(b, Item)] if told else []
        if len(items) < LONG:
            return
        yield f'<nav aria-label="Outline{escape(self.of)}"><details><summary>Outline</summary><ol>'
        for item in items:
            left = item.equations[-1].left("unicode")
            yield f'<li><a href="#{self._at(self.first, item)}">{escape(left)}</a></li>'
        yield f'</ol><p><a href="#{self.prefix}-result">Result</a></p></details></nav>\n'

    def _at(self, route: str, item: Item) -> str:
        return f"{self.prefix}-{route}-{item.number}"

    def inline(self, maths: Maths) -> str:
        return self.symbols.drawn(maths("latex"))

    def _listed(self, formulas: Sequence[Maths], comma: str = ", ") -> str:
        """Formulas in a row, which may break at their signs."""
        shown = [self.symbols.between_words(maths("latex")) for maths in formulas]
        return ENDED.sub(WHOLE, comma.join(shown))

    def say(self, sentence: str) -> str:
        return ENDED.sub(WHOLE, in_html_text(sentence, self.names, self.symbols.between_words))

    def shape(self, shape: str) -> str:
        """A shape as mathematics; words stay words."""
        if "×" not in shape or "," in shape:
            return self.say(shape)
        return self.symbols.drawn(in_math_mode(prepared(shape)))

    def _convention(self, given: Given) -> str:
        said = given.convention[:1].upper() + given.convention[1:]
        return f"<p>{self.say(f'{said}.')}</p>" if said else ""

    def given(self, given: Given) -> Iterator[str]:
        yield '<dl class="variables">'
        for maths, words in given.variables:
            key = self.symbols.key(maths)
            shape, _, facts = words.partition(", ")
            said = f", {self.say(facts)}" if facts else ""
            name = f'<dt tabindex="0" data-s="{key}">{self.inline(maths)}</dt>'
            yield f"<div>{name}<dd>{self.shape(shape)}{said}</dd></div>"
        yield "</dl>\n"
        rows = (Equation(d.name, (Side(d.formula, d.remark),), d.shape) for d in given.definitions)
        yield f'<div class="stated"><div>\n{self.equations(tuple(rows))}'
        if given.way:
            yield f'<p class="way">The way back: {self._listed(given.way, "; ")}.</p>\n'
        yield "</div>\n"
        yield from picture(given.graph, self.symbols, f"{self.prefix}-graph")
        yield "</div>\n"
        if given.signs:
            signs = "".join(f"<li>{self.say(f'{sign}.')}</li>" for sign in given.signs)
            yield f"<details><summary>The signs of this page</summary><ul>{signs}</ul></details>\n"

    def _told(self, blocks: Sequence[Block], route: str) -> Iterator[str]:
        for block in blocks:
            match block:
                case Heading():
                    yield f'<p class="part">{self.say(block.words)}</p>\n'
                    if block.called:
                        yield self.equations(block.called)
                    if block.way:
                        yield f'<p class="way">{self._listed(block.way, "; ")}</p>\n'
                case Item():
                    yield from self.item(block, route)

    def item(self, item: Item, route: str) -> Iterator[str]:
        at = self._at(route, item)
        name = escape(item.equations[-1].left("unicode"))
        rule = f' <span class="rule">{self.say(item.rule)}</span>' if item.rule else ""
        number = f'<span class="number">{item.number}</span>'
        yield f'<article aria-labelledby="{at}">\n<h3 id="{at}">{number} {name}{rule}</h3>\n'
        yield from self._body(item)
        yield "</article>\n"

    def _body(self, item: Item) -> Iterator[str]:
        yield self.equations(item.equations)
        reason = item.reason.removeprefix(f"{item.rule} — ")
        whys = [why for why in dict.fromkeys(sentences(reason)) if why != item.rule]
        if whys:
            yield f'<p class="why">{self.say("; ".join(whys) + ".")}</p>\n'
        if item.parts:
            word = "part" if len(item.parts) == 1 else "parts"
            yield f"<details><summary>{len(item.parts)} {word}</summary>\n"
            for part in item.parts:
                yield f'<div class="piece"><p class="number">{part.number}</p>\n'
                yield from self._body(part)
                yield "</div>\n"
            yield "</details>\n"

    def equations(self, equations: Sequence[Equation]) -> str:
        """A grid: what is equal, to what, of which shape."""
        rows = "".join(row for equation in equations for row in self._rows(equation))
        opening = '<div class="equations" tabindex="0" role="group" aria-label="Equations">'
        return f"{opening}\n{rows}</div>\n" if rows else ""

    def _rows(self, equation: Equation) -> Iterator[str]:
        lead = f'<span class="lead">{self.say(equation.lead)}</span> ' if equation.lead else ""
        left = lead + self._line(equation.left)
        if _is_wide(equation.left):
            yield f'<div class="over">{left}</div>\n'
            left = ""
        place = "left broad" if len(equation.left("unicode")) > BROAD else "left"
        shape = equation.shape.rpartition(" = ")[2]
        for k, side in enumerate(equation.sides):
            long = len(side.why) > SHORT
            why = f'<span class="note">{self.say(side.why)}</span>' if side.why else ""
            size = f'<span class="shape">{self.shape(shape)}</span>' if shape and k == 0 else ""
            yield (
                f'<div class="{"left" if k else place}">{"" if k else left}</div>'
                f'<div class="right">{self._line(side.maths, "= ")}{"" if long else why}</div>'
                f'<div class="size">{size}</div>\n'
            )
            if long:
                yield f'<div class="below">{why}</div>\n'

    def _line(self, maths: Maths, before: str = "") -> str:
        """A side of an equation, which may go on in the next line where it is wide."""
        draw = self.symbols.in_terms if _is_wide(maths) else self.symbols.drawn
        return draw(before + maths("shaped" if before else "latex"))

    def outcome(self, outcome: Outcome) -> Iterator[str]:
        for equation in outcome.results:
            yield self.equations([equation._replace(shape="")])
            if equation.shape:
                yield f'<p class="why">{self.say(f"{equation.shape}.")}</p>\n'
        if outcome.named:
            yield self.equations(
                [
                    Equation(name, (Side(formula),), lead="" if k else "with")
                    for k, (name, formula) in enumerate(outcome.named)
                ]
            )
        for remark in outcome.remarks:
            yield f'<p class="why">{self.say(remark[:1].upper() + remark[1:] + ".")}</p>\n'
        for check in outcome.checks:
            yield f'<p class="check"><b>Checked</b> {self.say(in_powers(check) + ".")}</p>\n'


def _is_wide(maths: Maths) -> bool:
    return len(maths("unicode")) > WIDE


def first_of(route: str) -> str:
    """The route that a page begins with."""
    return route if route in ROUTES else ROUTES[0]
