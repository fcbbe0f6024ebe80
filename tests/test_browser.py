"""Every kind of page in a real browser: nothing for axe-core to complain of, nothing wider than a
telephone, nothing loaded, and nothing that needs a script to be read.

Where there is no Chromium all of this is skipped; `tools/browser.sh` gets one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from browsing import HOW, Opened, browser, opened
from webpages import EXAMPLES, OTHERS, derived

__all__ = ["browser", "opened"]
playwright = pytest.importorskip("playwright.sync_api", reason=HOW)
axe_playwright_python = pytest.importorskip("axe_playwright_python", reason=HOW)

PAGES = [*EXAMPLES, *OTHERS]
# What axe-core looks at in every width and colour.
FULLY = ("one_hidden_layer", "an answer that is wrong in a line")
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")
WIDTHS, SCHEMES = (1280, 360), ("light", "dark")
UNFOLD = "() => document.querySelectorAll('details').forEach((e) => (e.open = true))"
# Contrast is slow to measure: of text in the same colours, large or not, one piece stands for all,
# and the rest of a long page is taken away.
LOOKS = """
() => {
  const looks = (e) => {
    const style = getComputedStyle(e), grounds = [];
    for (let a = e; a; a = a.parentElement) grounds.push(getComputedStyle(a).backgroundColor);
    const large = parseFloat(style.fontSize) >= (style.fontWeight < 700 ? 24 : 18.66);
    return [style.color, large, style.opacity, grounds].join();
  };
  const said = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && /\\w/.test(n.data));
  const all = [...document.querySelectorAll("body *")].filter(said);
  const kinds = new Map(all.filter((e) => e.checkVisibility()).map((e) => [looks(e), e]));
  const kept = [...kinds.values()];
  document.querySelectorAll("article, .piece, .equations > *, .why, li").forEach((e) => {
    if (!kept.some((k) => e.contains(k))) e.remove();
  });
  kept.forEach((e) => e.classList.add("looked-at"));
  return kept.length;
}
"""
# The elements are told by their HTML: to find a selector for each takes half of the time.
REST = """
() => axe.run({
  resultTypes: ["violations"], selectors: false, rules: {"color-contrast": {enabled: false}},
})
"""
CONTRAST = """
() => axe.run(".looked-at", {
  resultTypes: ["violations"], selectors: false, runOnly: ["color-contrast"],
})
"""
WIDER = "() => document.documentElement.scrollWidth > innerWidth"
Written = Callable[[str], Path]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A page by its name: that of an example as `diagrad derive FILE --format html` writes it."""
    folder = tmp_path_factory.mktemp("pages")

    def write(name: str) -> Path:
        page = folder / f"{name}.html"
        if not page.exists():
            page.write_text(OTHERS[name]() if name in OTHERS else derived(name), "utf-8")
        return page

    return write


def faults(page: Any, name: str) -> list[str]:
    """What axe-core finds wrong, nothing folded."""
    page.evaluate(AXE)
    page.evaluate(UNFOLD)
    found = []
    for width in WIDTHS[name not in FULLY :]:
        page.set_viewport_size({"width": width, "height": 800})
        found += _said(page.evaluate(REST), f"{width}")
    assert page.evaluate(LOOKS) > 4
    together = product(WIDTHS, SCHEMES) if name in FULLY else zip(WIDTHS, SCHEMES, strict=True)
    for width, scheme in together:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        found += _said(page.evaluate(CONTRAST), f"{width} {scheme}")
    return found


def _said(result: dict[str, Any], where: str) -> Iterator[str]:
    for fault in result["violations"]:
        for node in fault["nodes"]:
            yield f"{where}: {fault['id']}: {node['html'][:200]}: {node['failureSummary']}"


def changed(page: Path, target: Path, old: str, new: str) -> Path:
    text = page.read_text("utf-8")
    assert old in text
    target.write_text(text.replace(old, new, 1), "utf-8")
    return target


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_wrong_with_a_page(name: str, opened: Opened, written: Written) -> None:
    """Two pages in both widths and both colours. The others, to save time, in the narrow window,
    where more has to scroll; contrast, a matter of colours, in a wide light and a narrow dark one.
    """
    assert faults(opened(written(name)), name) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_needs_no_network_and_no_script_and_is_no_wider_than_the_window(
    name: str, opened: Opened, written: Written
) -> None:
    file = written(name)
    page = opened(file)
    without = opened(file, java_script_enabled=False).locator("body").inner_text()
    assert page.locator("body").inner_text() == without
    assert re.search("Checked|Compared at|raised", without)
    page.evaluate(UNFOLD)
    for width in (*WIDTHS, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert not page.evaluate(WIDER), width
    assert (page.asked, page.said) == ([file.as_uri()], [])


def test_a_symbol_under_the_mouse_or_in_focus_is_told_and_escape_ends_it(
    opened: Opened, written: Written
) -> None:
    page = opened(written("one_hidden_layer"))
    about = page.locator("#about")
    assert not about.is_visible()
    page.locator("dt", has_text="W").first.hover()
    assert about.inner_text() == "W₁: given (Dx×H)"
    page.keyboard.press("Escape")
    assert not about.is_visible()
    page.locator("dt").first.focus()
    assert about.inner_text().startswith("x: given")
    assert page.locator(".here").count() > 3


PLANTED = {
    "a picture without words": ("<main>", '<main><img src="data:,">', "image-alt"),
    "pale words": (".why { ", ".why { color: #bbb; ", "color-contrast"),
    "words pale in the dark": ("--soft: #a9afba", "--soft: #444", "dark: color-contrast"),
    "shapes that are pale": ("--shape: #80491a", "--shape: #e8e0d0", "color-contrast"),
    "no language": ('<html lang="en">', "<html>", "html-has-lang"),
    "a link without words": ("<main>", '<main><a href="#v-given"></a>', "link-name"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_axe_finds_what_is_planted(
    fault: str, opened: Opened, written: Written, tmp_path: Path
) -> None:
    old, new, rule = PLANTED[fault]
    page = written("an answer that is right")
    found = faults(opened(changed(page, tmp_path / "planted.html", old, new)), fault)
    assert found and all(rule in each for each in found)


def test_what_a_page_loads_and_what_is_too_wide_is_seen(
    opened: Opened, written: Written, tmp_path: Path
) -> None:
    planted = '<main style="min-width: 500px"><script src="https://example.org/a.js"></script>'
    example = written("ridge")
    page = opened(changed(example, tmp_path / "planted.html", "<main>", planted))
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate(WIDER)
    assert page.asked[1:] == ["https://example.org/a.js"]
    assert len(page.said) == 1
