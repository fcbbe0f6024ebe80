"""The computation graph of a problem as a picture, with the way that the derivative takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from unicodedata import combining

from diagrad.pages.layers import Drawing, Spot, drawn, span
from diagrad.pages.page import Vertex
from diagrad.pages.symbols import Symbols
from diagrad.pages.words import listed

HEIGHT, PADDING, MARGIN, NARROWEST = 44, 9, 4, 40
# The width of a character of a name, and of a shape.
NAME, SHAPE = 10.5, 7.5
ARROW = "l-6-4.5m6 4.5l-6 4.5"
# An arrow is straight before its end.
STRAIGHT = 8
# So many names are listed.
FEW = 4
# From this many layers on, that arrows lead on together, nobody finds a way in them.
TANGLED = 2000
NO_WAY = "No arrow carries a derivative."


def picture(graph: Sequence[Vertex], symbols: Symbols, at: str) -> Iterator[str]:
    """A figure with the graph and what it shows; nothing where nothing is computed, and where
    arrows would hide all else. `at` is the beginning of its ids."""
    below = [vertex.below for vertex in graph]
    if not 0 < span(below) < TANGLED:
        return
    drawing = drawn([_size(vertex) for vertex in graph], below)
    width, height = drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN
    of = _value(graph)
    yield (
        '<figure class="graph">\n'
        '<div class="wide" tabindex="0" role="group" aria-label="Computation graph">\n'
        f'<svg role="img" aria-labelledby="{at}" aria-describedby="{at}-way" '
        f'width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-MARGIN} {-MARGIN} {width:.0f} {height:.0f}">\n'
        f'<title id="{at}">The computation graph of {escape(of)}</title>\n'
        f'<desc id="{at}-way">{escape(way_in_words(graph))}</desc>\n'
    )
    yield from _edges(graph, drawing)
    for vertex, spot in zip(graph, drawing.spots, strict=True):
        yield _name(vertex, spot, symbols.key(vertex.name), _is_passed(graph, vertex))
    yield f"</svg></div>\n<figcaption>{escape(_caption(graph, of))}</figcaption></figure>\n"


def _caption(graph: Sequence[Vertex], of: str) -> str:
    by = [_shown(vertex) for vertex in graph if vertex.role == "wrt"]
    ends = listed(by) if len(by) <= FEW else "the filled names"
    said = "An arrow leads from a name to what is computed from it."
    if not any(vertex.passed for vertex in graph):
        return f"{said} {NO_WAY}"
    dashed = any(set(vertex.below) - set(vertex.passed) for vertex in graph)
    others = "; the dashed ones carry none" if dashed else ""
    return f"{said} The derivative goes back from {of} along the thick arrows to {ends}{others}."


def way_in_words(graph: Sequence[Vertex]) -> str:
    """The derivative goes back from J to ŷ, from ŷ to z₂, from z₂ to W₂ and h."""
    steps = [
        f"from {_shown(vertex)} to {listed([_shown(graph[n]) for n in vertex.passed])}"
        for vertex in reversed(graph)
        if vertex.passed
    ]
    return f"The derivative goes back {', '.join(steps)}." if steps else NO_WAY


def _shown(vertex: Vertex) -> str:
    return vertex.name("unicode")


def _value(graph: Sequence[Vertex]) -> str:
    """The name that nothing is computed from."""
    used = {n for vertex in graph for n in vertex.below}
    return _shown([v for k, v in enumerate(graph) if k not in used and v.below][-1])


def _is_passed(graph: Sequence[Vertex], vertex: Vertex) -> bool:
    return bool(vertex.passed) or vertex.role == "wrt"


def _size(vertex: Vertex) -> tuple[float, float]:
    widths = _width(_shown(vertex), NAME), _width(vertex.shape, SHAPE)
    return max(NARROWEST, *widths) + 2 * PADDING, HEIGHT


def _width(text: str, each: float) -> float:
    return each * sum(not combining(c) for c in text)


def _edges(graph: Sequence[Vertex], drawing: Drawing) -> Iterator[str]:
    """Those that the derivative passes last, over the others."""
    later = []
    for (operand, value), between in drawing.edges.items():
        ends = (drawing.spots[operand], drawing.spots[value])
        widths = (_size(graph[operand])[0], _size(graph[value])[0])
        line = _line(ends, widths, between)
        if operand in graph[value].passed:
            later.append(f'<g class="passed">{line}</g>\n')
        else:
            yield f"{line}\n"
    yield from later


def _line(ends: tuple[Spot, Spot], widths: tuple[float, float], between: Sequence[Spot]) -> str:
    """Straight through every layer, curved from one to the next."""
    start, stop = ends
    line = f"M{start.x + widths[0] / 2:.0f} {start.y:.0f}H{start.right:.0f}"
    x, y = start.right, start.y
    for spot in (*between, stop):
        to = spot.left - STRAIGHT
        middle = (x + to) / 2
        line += f"C{middle:.0f} {y:.0f} {middle:.0f} {spot.y:.0f} {to:.0f} {spot.y:.0f}"
        x, y = spot.right, spot.y
        line += "" if spot is stop else f"H{x:.0f}"
    end = stop.x - widths[1] / 2 - 1
    tip = f"M{end:.0f} {stop.y:.0f}{ARROW}"
    return f'<path d="{line}H{end:.0f}"/><path class="tip" d="{tip}"/>'


def _name(vertex: Vertex, spot: Spot, key: str, passed: bool) -> str:
    width, height = _size(vertex)
    left, top = spot.x - width / 2, spot.y - height / 2
    kind = f"{vertex.role} passed" if passed else vertex.role
    corner = 6 if vertex.role == "defined" else height / 2
    return (
        f'<g class="{kind}" data-s="{key}"><rect x="{left:.0f}" y="{top:.0f}" '
        f'width="{width:.0f}" height="{height}" rx="{corner:.0f}"/>'
        f'<text x="{spot.x:.0f}" y="{spot.y - 2:.0f}">{escape(_shown(vertex))}</text>'
        f'<text class="shape" x="{spot.x:.0f}" y="{spot.y + 14:.0f}">{escape(vertex.shape)}'
        "</text></g>\n"
    )
