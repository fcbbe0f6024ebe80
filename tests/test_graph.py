"""The computation graph on a page: every name, what is computed from what, and the way back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diagrad as dg
from diagrad.pages.compose import pages
from diagrad.pages.layers import Drawing, drawn
from diagrad.pages.page import Given, Vertex

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.dg"))


def derived(problem: dg.Problem, *wrt: str, order: int = 1) -> list[dg.Derivation]:
    return [problem.derive(problem.last, name, order=order) for name in wrt]


def example(name: str, *wrt: str) -> list[dg.Derivation]:
    return derived(dg.load(EXAMPLES / f"{name}.dg"), *wrt)


def graph_of(derivations: list[dg.Derivation]) -> tuple[Vertex, ...]:
    (given, *_) = pages(derivations, "jacobian", "standard")[0]
    assert isinstance(given, Given)
    return given.graph


def links(graph: tuple[Vertex, ...], passed: bool) -> set[str]:
    """`x z₁` for an arrow from x to z₁."""
    return {
        f"{graph[n].name('unicode')} {vertex.name('unicode')}"
        for vertex in graph
        for n in (vertex.passed if passed else vertex.below)
    }


def picture(derivations: list[dg.Derivation]) -> ElementTree.Element:
    svg = re.search(r"<svg.*?</svg>", derivations[0].html(), re.DOTALL)
    assert svg is not None
    return ElementTree.fromstring(svg[0])


def rectangles(svg: ElementTree.Element) -> Iterator[tuple[float, ...]]:
    for rectangle in svg.iter("rect"):
        x, y, width, height = (float(rectangle.get(k, "")) for k in ("x", "y", "width", "height"))
        yield x, y, x + width, y + height


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(one[k] < other[k + 2] and other[k] < one[k + 2] for k in (0, 1))


def test_arrows_lead_from_a_name_to_what_is_computed_from_it() -> None:
    graph = graph_of(example("one_hidden_layer", "x"))
    expected = "x z₁, W₁ z₁, b₁ z₁, z₁ h, h z₂, W₂ z₂, b₂ z₂, z₂ ŷ, ŷ J, y J"
    assert links(graph, passed=False) == set(expected.split(", "))


@pytest.mark.parametrize(
    ("name", "wrt", "way"),
    [
        ("one_hidden_layer", "x", "x z₁, z₁ h, h z₂, z₂ ŷ, ŷ J"),
        ("one_hidden_layer", "b2", "b₂ z, z ŷ, ŷ J"),
        ("attention", "K", "K z, z a, a o, o r, r J"),
        ("ridge", "w", "w r, r J, w J"),
    ],
)
def test_the_derivative_passes_from_the_value_to_its_variable(name: str, wrt: str, way: str):
    graph = graph_of(example(name, wrt))
    assert links(graph, passed=True) == set(way.split(", "))
    (by,) = (vertex for vertex in graph if vertex.role == "wrt")
    assert by.name("ascii") == wrt


def test_a_residual_is_passed_on_both_ways() -> None:
    passed = links(graph_of(example("transformer", "L1")), passed=True)
    assert {"L₁ Y", "L₁ Z₁", "Z₁ H", "H Y"} <= passed
    assert not any(link.startswith("N₁ ") for link in passed)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_an_example_stands_once_with_its_shape_and_nothing_overlaps(name: str):
    problem = dg.load(EXAMPLES / f"{name}.dg")
    derivations = derived(problem, next(iter(problem.source.variables)))
    svg = picture(derivations)
    texts = [(text.text, text.get("class")) for text in svg.iter("text")]
    graph = graph_of(derivations)
    assert texts[::2] == [(vertex.name("unicode"), None) for vertex in graph]
    assert texts[1::2] == [(vertex.shape, "shape") for vertex in graph]
    assert not any(overlap(a, b) for a, b in combinations(rectangles(svg), 2))
    width, height = float(svg.get("width", "")), float(svg.get("height", ""))
    assert all(
        x >= -4 and y >= -4 and right <= width - 4 and bottom <= height - 4
        for x, y, right, bottom in rectangles(svg)
    )


def test_a_picture_says_its_way_in_words() -> None:
    svg = picture(example("one_hidden_layer", "W2"))
    assert svg.get("role") == "img"
    title, way = svg.findtext("title"), svg.findtext("desc")
    assert title == "The computation graph of J"
    assert way == "The derivative goes back from J to ŷ, from ŷ to z, from z to W₂."


def test_a_value_that_does_not_depend_on_the_variable_has_no_way() -> None:
    derivations = derived(dg.parse("x: row[n]; y: row[n]\nJ = sum(y)"), "x")
    assert picture(derivations).findtext("desc") == "No arrow carries a derivative."
    assert links(graph_of(derivations), passed=True) == set()


def test_the_way_differs_by_more_than_colour() -> None:
    text = example("one_hidden_layer", "x")[0].html()
    style = dict(re.findall(r"^\.graph ((?:\.passed )?path) \{(.*)\}$", text, re.MULTILINE))
    for setting in ("stroke-width", "stroke-dasharray"):
        values = [re.search(rf"{setting}: ([^;]*)", rule) for rule in style.values()]
        assert None not in values and len({value[1] for value in values if value}) == 2


def test_names_light_up_with_the_formulas() -> None:
    text = example("one_hidden_layer", "x")[0].html()
    keys = re.findall(r'<g class="[^"]*" data-s="(\w+)">', text)
    assert len(set(keys)) == len(keys) == 11
    assert all(text.count(f'data-s="{key}"') > 1 for key in keys)


def test_long_names_and_dimensions_stay_in_their_boxes() -> None:
    text = "x_hat: row[a_dimension]; y: row[a_dimension]\nlargeresult = sum(x_hat * y)"
    svg = picture(derived(dg.parse(text), "x_hat"))
    widths = [right - left for left, _, right, _ in rectangles(svg)]
    assert [text.text for text in svg.iter("text")][-2:] == ["largeresult", "scalar"]
    assert widths[-1] > 8 * len("largeresult")


def test_a_name_cannot_become_markup() -> None:
    from diagrad.pages.graph import picture as drawn_picture
    from diagrad.pages.symbols import Symbols

    def name(style: str) -> str:
        return {"latex": "x"}.get(style, "<b>&'\"")

    def value(style: str) -> str:
        return {"latex": "J"}.get(style, "</svg>")

    shown = (Vertex(name, "1×<n>", (), (), "wrt"), Vertex(value, "scalar", (0,), (0,), "defined"))
    problem = Given("", ((name, "1×<n>"),), (), (value,))
    symbols = Symbols([(problem,)])
    symbols._add(value, "scalar", "")
    text = "".join(drawn_picture(shown, symbols, "g"))
    figure = ElementTree.fromstring(text)
    assert [e.text for e in figure.iter("text")] == ["<b>&'\"", "1×<n>", "</svg>", "scalar"]


def test_the_picture_is_the_same_in_every_process() -> None:
    program = (
        "import diagrad as dg\n"
        f"problem = dg.load({str(EXAMPLES / 'transformer.dg')!r})\n"
        "print(problem.derive(problem.last, ['Wq', 'X'])[0].html())\n"
    )
    texts = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, env=environment, check=True
        )
        texts.add(done.stdout)
    assert len(texts) == 1


def test_a_graph_in_which_nobody_finds_a_way_is_left_out() -> None:
    steps = "".join(f"h{k} = tanh(h{k - 1} @ W + x{k} @ U)\n" for k in range(1, 41))
    rows = "".join(f"x{k}: row[D]\n" for k in range(1, 41))
    text = f"h0: row[H]; W: matrix[H, H]; U: matrix[D, H]\n{rows}{steps}J = sum(h40)"
    assert "<svg" not in dg.parse(text).derive("J", "W").html()


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[tuple[float, float]], list[list[int]]]:
    count = draw(st.integers(1, 14))
    sizes = [(draw(st.integers(40, 200)), 44.0) for _ in range(count)]
    below = [draw(st.lists(st.integers(0, k - 1), unique=True)) if k else [] for k in range(count)]
    return sizes, below


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_no_two_names_of_any_graph_overlap(graph):
    sizes, below = graph
    drawing = drawn(sizes, below)
    boxes = [
        (spot.x - width / 2, spot.y - height / 2, spot.x + width / 2, spot.y + height / 2)
        for spot, (width, height) in zip(drawing.spots, sizes, strict=True)
    ]
    assert not any(overlap(a, b) for a, b in combinations(boxes, 2))
    assert all(left >= 0 and right <= drawing.width + 0.01 for left, _, right, _ in boxes)
    assert all(top >= -0.01 and bottom <= drawing.height + 0.01 for _, top, _, bottom in boxes)
    assert arrows_lead_to_the_right(drawing, below)


def arrows_lead_to_the_right(drawing: Drawing, below: list[list[int]]) -> bool:
    return set(drawing.edges) == {(n, k) for k, of in enumerate(below) for n in of} and all(
        drawing.spots[operand].right < drawing.spots[value].left for operand, value in drawing.edges
    )
