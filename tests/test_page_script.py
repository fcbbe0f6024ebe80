"""What the script of a page adds, in a browser: a symbol is told, dimensions that meet cancel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import HOW, Opened, browser, opened
from webpages import LINES, example, judged

__all__ = ["browser", "opened"]
pytest.importorskip("playwright.sync_api", reason=HOW)

# What is marked: the texts of the elements; and what is said of them.
MARKED = "(as) => [...document.querySelectorAll(`.${as}`)].map((e) => e.textContent)"
SAID = """[...document.querySelectorAll("#about:not([hidden]) p")].map((p) => p.textContent)"""
MOVING = "getComputedStyle(document.querySelector('.meets')).animationName"
PAPER = "getComputedStyle(document.body).backgroundColor"
WHOLE = "(1×Dy)(Dy×H) = 1×H: Dy meets Dy, and 1×H is left"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("pages") / "page.html"
    file.write_text(example("one_hidden_layer").derive("J", "x").html(), "utf-8")
    return file


@pytest.fixture
def page(file: Path, opened: Opened) -> Any:
    window = {"width": 1000, "height": 800}
    return opened(file, viewport=window, reduced_motion="reduce")


def step(page: Any, of: str) -> Any:
    """The equations of a step."""
    return page.locator(".jacobian article", has_text=of).first.locator(".equations").first


def marked(page: Any, kind: str) -> list[str]:
    return list(page.evaluate(MARKED, kind))


def test_the_inner_dimensions_of_a_product_cancel_under_the_pointer(page: Any) -> None:
    step(page, "∂J/∂h").locator(".factor").first.hover()
    assert marked(page, "meets") == ["Dy", "Dy"]
    assert marked(page, "stays") == ["1", "H", "1×H"]
    assert page.evaluate(SAID)[-1] == WHOLE
    page.mouse.move(1, 1)
    assert marked(page, "meets") == marked(page, "stays") == page.evaluate(SAID) == []


def test_the_shape_beside_an_equation_shows_the_same(page: Any) -> None:
    step(page, "∂J/∂h").locator(".shape math").first.hover()
    assert marked(page, "meets") == ["Dy", "Dy"]


def test_the_keyboard_reaches_it_and_escape_ends_it(page: Any) -> None:
    equations = step(page, "∂J/∂h")
    for _ in range(40):
        page.keyboard.press("Tab")
        if equations.evaluate("(e) => document.activeElement === e"):
            break
    assert marked(page, "meets") == ["Dy"] * 4
    assert page.evaluate(SAID) == [WHOLE]
    page.keyboard.press("Escape")
    assert marked(page, "meets") == page.evaluate(SAID) == []


def test_three_factors_cancel_in_one_chain(page: Any) -> None:
    step(page, "∂J/∂z₁").locator(".factor").nth(3).hover()
    whole = "(1×Dy)(Dy×H)(H×H) = 1×H: Dy meets Dy, H meets H, and 1×H is left"
    assert page.evaluate(SAID)[-1] == whole


@pytest.mark.parametrize("status", ["right", "follows"])
def test_in_a_line_of_an_answer_they_cancel_too_and_its_sign_is_seen(
    status: str, opened: Opened, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text(judged(LINES), "utf-8")
    page = opened(tmp_path / "page.html")
    line = page.locator(f"li.{status}", has=page.locator(".factor")).first
    line.locator(".factor").first.hover()
    assert len(marked(page, "meets")) == 2
    box, sign = line.bounding_box(), line.locator(".sign").bounding_box()
    assert sign["x"] > box["x"]


def test_a_stroke_moves_only_where_motion_is_welcome(page: Any) -> None:
    step(page, "∂J/∂h").locator(".factor").first.hover()
    assert page.evaluate(MOVING) == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(MOVING) == "strike"


def test_a_name_in_the_drawing_lights_up_with_its_formulas(page: Any) -> None:
    page.locator(".graph .defined").first.hover()
    assert page.evaluate(SAID) == ["z₁ = x W₁ + b₁   (1×H)"]
    assert len(marked(page, "here")) > 5


def test_a_page_is_dark_where_its_reader_prefers_that(page: Any) -> None:
    light = page.evaluate(PAPER)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(PAPER) != light
