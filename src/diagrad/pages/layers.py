"""Where the names of a computation graph stand: in layers, from what is given to the value."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

# Between names of one layer, between layers, and what an edge that passes a layer takes of it.
APART, BETWEEN, EDGE = 14, 42, 4
# Sweeps over the layers that lessen the crossings.
ROUNDS = 8


class Spot(NamedTuple):
    """The middle of a name, or of the place where an edge passes a layer; `left` and `right` are
    the borders of the layer."""

    x: float
    y: float
    left: float
    right: float


class Drawing(NamedTuple):
    """The spots of the names, and for every edge (operand, value) those that it passes between."""

    width: float
    height: float
    spots: tuple[Spot, ...]
    edges: dict[tuple[int, int], tuple[Spot, ...]]


def drawn(sizes: Sequence[tuple[float, float]], below: Sequence[Sequence[int]]) -> Drawing:
    """A drawing of names of these widths and heights, each with the places of those that it is
    computed from. Parts that nothing connects stand below each other."""
    spots: dict[int, Spot] = {}
    edges: dict[tuple[int, int], tuple[Spot, ...]] = {}
    wide = tall = 0.0
    for part in _connected(below):
        width, height = _place(_graph(part, sizes, below), tall, spots, edges)
        wide, tall = max(wide, width), tall + height + APART
    return Drawing(wide, tall - APART, tuple(spots[k] for k in range(len(sizes))), edges)


def span(below: Sequence[Sequence[int]]) -> int:
    """How many layers all edges lead on together; operands stand before their values."""
    layer = [0] * len(below)
    for value in reversed(range(len(below))):
        for n in below[value]:
            layer[n] = max(layer[n], layer[value] + 1)
    return sum(layer[n] - layer[value] for value, of in enumerate(below) for n in of)


def _connected(below: Sequence[Sequence[int]]) -> list[list[int]]:
    """The places in each part that edges connect."""
    part = list(range(len(below)))
    for value, operands in enumerate(below):
        joined = {part[n] for n in operands}
        part = [part[value] if p in joined else p for p in part]
    return [[k for k, p in enumerate(part) if p == of] for of in dict.fromkeys(part)]


def _graph(
    part: Sequence[int], sizes: Sequence[tuple[float, float]], below: Sequence[Sequence[int]]
) -> Any:
    """The part as grandalf has it, with edges from values to operands and its layers upright.

    Its `Graph`, which finds the parts by itself, loses the order of the edges."""
    from grandalf.graphs import Edge, Vertex, graph_core
    from grandalf.layouts import VertexViewer

    vertices = {k: Vertex(k) for k in part}
    for k, vertex in vertices.items():
        width, height = sizes[k]
        vertex.view = VertexViewer(w=height, h=width)
    edges = [Edge(vertices[k], vertices[n]) for k in part for n in below[k]]
    return graph_core(list(vertices.values()), edges)


def _place(
    part: Any,
    top: float,
    spots: dict[int, Spot],
    edges: dict[tuple[int, int], tuple[Spot, ...]],
) -> tuple[float, float]:
    """Adds the spots of a connected part, and gives its width and height. Its layers are counted
    from the value, so that what is given stands just before what is computed from it."""
    from grandalf.layouts import SugiyamaLayout

    layout = SugiyamaLayout(part)
    layout.xspace, layout.yspace, layout.dw, layout.dh = APART, BETWEEN, EDGE, 0
    layout.init_all([v for v in part.sV if not v.e_in()], inverted_edges=[])
    layout.draw(ROUNDS)
    widths = [max(v.view.h for v in layer) for layer in layout.layers]
    for layer in layout.layers:
        _part(layer)
    lows = [v.view.xy[0] - v.view.w / 2 for layer in layout.layers for v in layer]
    highs = [v.view.xy[0] + v.view.w / 2 for layer in layout.layers for v in layer]
    total = sum(widths) + BETWEEN * (len(widths) - 1)

    def spot(vertex: Any) -> Spot:
        y, depth = vertex.view.xy
        half = widths[layout.grx[vertex].rank] / 2
        x = total - depth
        return Spot(x, y - min(lows) + top, x - half, x + half)

    for vertex in part.sV:
        spots[vertex.data] = spot(vertex)
    for edge in part.sE:
        value, operand = edge.v
        passed = sorted(layout.ctrls.get(edge, {}).items(), reverse=True)[1:-1]
        edges[operand.data, value.data] = tuple(spot(v) for _, v in passed)
    return total, max(highs) - min(lows)


def _part(layer: Sequence[Any]) -> None:
    """Moves apart what stands closer in a layer than it should."""
    for before, after in pairwise(layer):
        need = before.view.xy[0] + (before.view.w + after.view.w) / 2 + APART
        x, y = after.view.xy
        after.view.xy = (max(x, need), y)
