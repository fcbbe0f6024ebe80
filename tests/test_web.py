"""The page for a browser: one file, complete without script, with headings to step through."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from html5lib import HTMLParser as Strict
from outline import Outline
from webpages import EXAMPLES as ALL
from webpages import OTHERS, derived

import diagrad as dg
from diagrad import pages

EXAMPLES = Path(__file__).parent.parent / "examples"


@cache
def page(name: str, wrt: tuple[str, ...], route: str = "both", depth: str = "standard") -> str:
    problem = dg.load(EXAMPLES / f"{name}.dg")
    return pages.html(problem.derive(problem.last, list(wrt)), route, depth)


PAGES = {
    "seed": ("one_hidden_layer", ("x",)),
    "every route at full depth": ("batch", ("W1", "b1"), "all", "full"),
    "a bias": ("one_hidden_layer", ("b2",), "jacobian", "full"),
    "an overview": ("two_hidden", ("x",), "jacobian", "overview"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_nests_and_needs_no_network(name: str) -> None:
    text = page(*PAGES[name])
    outline = Outline(text)
    assert not re.search(r"https?://|url\(|@import", text)
    assert not {"src", "href"} & {n for tag, of in outline.attributes for n in of if tag != "a"}


def mistakes(text: str) -> list[str]:
    """What HTML's own parser, the one of browsers, calls an error."""
    parser = Strict()
    parser.parse(text)
    return [f"{where}: {error}" for where, error, _ in parser.errors]


@pytest.mark.parametrize("name", ALL)
def test_the_page_of_an_example_is_html_without_an_error(name: str) -> None:
    assert mistakes(derived(name, "all", "full")) == []


@pytest.mark.parametrize("kind", OTHERS)
def test_pages_of_verdicts_and_second_derivatives_are_html_without_an_error(kind: str) -> None:
    text = OTHERS[kind]()
    assert mistakes(text) == []
    assert not re.search(r"https?://|url\(|@import", text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("</main>", "</b></main>"),
        ("<!DOCTYPE html>", ""),
        ("<mrow>", "<mrow><p></p>"),
        ("</summary>", "</sumary>"),
        ("<main>", "<main><tr>&nosuch;"),
    ],
)
def test_an_error_in_html_is_seen(old: str, new: str) -> None:
    assert mistakes(page(*PAGES["seed"]).replace(old, new, 1))


@pytest.mark.parametrize("name", PAGES)
def test_headings_go_down_a_level_at_a_time_and_every_id_stands_once(name: str) -> None:
    outline = Outline(page(*PAGES[name]))
    levels = outline.levels
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = list(outline.values("id"))
    assert len(ids) == len(set(ids))
    links = {link.removeprefix("#") for link in outline.values("href")}
    assert links | set(outline.values("aria-labelledby")) <= set(ids)


def test_a_page_says_what_the_text_says() -> None:
    words = Outline(page(*PAGES["seed"])).words
    for said in ("Row vectors", "matrix product", "Steps by elements", "Checked 3 random points"):
        assert said in words
    assert "(ŷ−y)" in re.sub(r"[\u2061\u2062]", "", words).replace("y^", "ŷ")


def test_every_factor_has_its_shape() -> None:
    text = page("one_hidden_layer", ("x",), "jacobian")
    factors = re.findall(r'<munder class="factor">.*?</munder>', text)
    shapes = [re.sub(r"<[^>]*>", "", factor) for factor in factors]
    assert any(shape.startswith("∂J∂ŷ".replace("ŷ", "y^")) for shape in shapes)
    assert any(shape.endswith("Dy×H") for shape in shapes)


def test_a_symbol_is_told_by_name_shape_and_meaning() -> None:
    text = page(*PAGES["seed"])
    found = re.search(r'id="symbols">(.*?)</script>', text)
    assert found is not None
    about = json.loads(found[1])
    assert ["W₁", "Dx×H", "given"] in about.values()
    assert ["h", "1×H", "h = σ(z₁)"] in about.values()
    assert ["∂J/∂h", "1×H", "found in step 2"] in about.values()
    marked = set(re.findall(r'data-s="(\w+)"', text))
    assert marked <= about.keys()
    (W1,) = (key for key, (name, *_) in about.items() if name == "W₁")
    assert text.count(f'data-s="{W1}"') > 3


def test_parts_of_a_step_are_folded_and_signs_too() -> None:
    text = page(*PAGES["seed"])
    assert "<summary>The signs of this page</summary>" in text
    assert re.search(r"<details><summary>\d parts</summary>", text)


def test_a_long_derivation_has_an_outline_and_stays_light() -> None:
    text = page("ten_layers", ("x", "W1", "W10"))
    assert '<nav aria-label="Outline">' in text
    assert len(text.encode()) < 500_000
    assert "<nav" not in page(*PAGES["seed"])


def test_a_long_line_can_go_on_in_the_next_and_a_wide_left_side_stands_above() -> None:
    text = page("transformer", ("X",), "jacobian")
    assert re.search(r'<div class="right"><math>.*?</math>(<span class="term">)?<math>', text)
    assert '<div class="over">' in text
    assert '<div class="over">' not in page("one_hidden_layer", ("x",), "jacobian", "overview")


def test_words_of_a_problem_cannot_become_markup() -> None:
    problem = dg.parse("x: row[n]\nJ = sum(where(x < 1, x ** 2, x))")
    assert "&lt;" in pages.html(problem.derive("J", ["x"]))
    Outline(pages.html(problem.derive("J", ["x"])))


def test_a_second_derivative_has_a_page_with_its_gradient() -> None:
    problem = dg.load(EXAMPLES / "logistic.dg")
    text = problem.derive(problem.last, wrt="w", order=2).html()
    assert "First the gradient by" in Outline(text).words
