"""What the script of a page adds, in a browser: a symbol is told, dimensions that meet cancel."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import diagrad as dg

ROOT = Path(__file__).parent.parent


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


chromium = tool("chromium")
pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not any(map(shutil.which, chromium.BROWSERS)),
    reason="there is no Chromium",
)
# What is marked: the texts of the elements, and what is said of them.
MARKED = """(as) => [...document.querySelectorAll(`.${as}`)].map((e) => e.textContent)"""
SAID = """[...document.querySelectorAll("#about:not([hidden]) p")].map((p) => p.textContent)"""
STEP = """[...document.querySelectorAll(".jacobian article")].find(
  (e) => e.textContent.includes("∂J/∂h")).querySelector(".equations")"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    problem = dg.load(ROOT / "examples" / "one_hidden_layer.dg")
    file = tmp_path_factory.mktemp("pages") / "page.html"
    file.write_text(problem.derive("J", "x").html(), "utf-8")
    return file


@pytest.fixture
def browser(page: Path) -> Iterator[Any]:
    with chromium.Chromium() as browser:
        browser.size(1000, 800)
        browser.prefer(reduced_motion="reduce")
        browser.open(page)
        yield browser


def marked(browser: Any, kind: str) -> list[str]:
    return list(browser.run(f"({MARKED})('{kind}')"))


def middle(browser: Any, element: str) -> tuple[float, float]:
    """The middle of an element that was scrolled into view."""
    browser.run(f"{element}.scrollIntoView({{block: 'center'}})")
    box = browser.run(
        f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
        f"({element}.getBoundingClientRect())"
    )
    return box[0], box[1]


def test_the_inner_dimensions_of_a_product_cancel_under_the_pointer(browser: Any) -> None:
    browser.point(*middle(browser, f"{STEP}.querySelector('.factor')"))
    assert marked(browser, "meets") == ["Dy", "Dy"]
    assert marked(browser, "stays") == ["1", "H", "1×H"]
    assert browser.run(SAID)[-1] == "(1×Dy)(Dy×H) = 1×H: Dy meets Dy, and 1×H is left"
    browser.point(1, 1)
    assert marked(browser, "meets") == marked(browser, "stays") == browser.run(SAID) == []


def test_the_shape_beside_an_equation_shows_the_same(browser: Any) -> None:
    browser.point(*middle(browser, f"{STEP}.querySelector('.shape math')"))
    assert marked(browser, "meets") == ["Dy", "Dy"]


def test_the_keyboard_reaches_it_and_escape_ends_it(browser: Any) -> None:
    for _ in range(40):
        browser.press("Tab")
        if browser.run(f"document.activeElement === {STEP}"):
            break
    assert marked(browser, "meets") == ["Dy"] * 4
    assert browser.run(SAID) == ["(1×Dy)(Dy×H) = 1×H: Dy meets Dy, and 1×H is left"]
    browser.press("Escape")
    assert marked(browser, "meets") == browser.run(SAID) == []


def test_three_factors_cancel_in_one_chain(browser: Any) -> None:
    diagonal = STEP.replace("∂J/∂h", "∂J/∂z₁")
    browser.point(*middle(browser, f"{diagonal}.querySelectorAll('.factor')[3]"))
    whole = "(1×Dy)(Dy×H)(H×H) = 1×H: Dy meets Dy, H meets H, and 1×H is left"
    assert browser.run(SAID)[-1] == whole


def test_a_stroke_moves_only_where_motion_is_welcome(browser: Any) -> None:
    place = middle(browser, f"{STEP}.querySelector('.factor')")
    moving = "getComputedStyle(document.querySelector('.meets')).animationName"
    browser.point(*place)
    assert browser.run(moving) == "none"
    browser.prefer(reduced_motion="no-preference")
    assert browser.run(moving) == "strike"


def test_a_name_in_the_drawing_lights_up_with_its_formulas(browser: Any) -> None:
    browser.point(*middle(browser, "document.querySelector('.graph .defined')"))
    assert browser.run(SAID) == ["z₁ = x W₁ + b₁   (1×H)"]
    assert len(marked(browser, "here")) > 5


@pytest.mark.parametrize("name", ["one_hidden_layer", "gru", "transformer"])
def test_no_page_is_wider_than_its_window(browser: Any, name: str, tmp_path: Path) -> None:
    problem = dg.load(ROOT / "examples" / f"{name}.dg")
    file = tmp_path / "page.html"
    file.write_text(problem.derive("J", next(iter(problem.source.variables))).html(), "utf-8")
    for width in (360, 1280):
        browser.size(width, 800)
        browser.open(file)
        assert browser.run("document.documentElement.scrollWidth") == width


def test_a_page_is_dark_where_its_reader_prefers_that(browser: Any) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = browser.run(paper)
    browser.prefer(color_scheme="dark")
    assert browser.run(paper) != light
