"""The page of every example in a real browser: nothing for axe-core to complain of, nothing wider
than a telephone, nothing loaded, and nothing that needs a script to be read.

Where there is no Chromium all of this is skipped; `tools/browser.sh` gets one.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from diagrad.cli import main

HOW = "tools/browser.sh installs what the tests in a browser need"
playwright = pytest.importorskip("playwright.sync_api", reason=HOW)
axe_playwright_python = pytest.importorskip("axe_playwright_python", reason=HOW)

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.dg"))
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")
WIDTHS, SCHEMES = (1280, 360), ("light", "dark")
UNFOLD = "() => document.querySelectorAll('details').forEach((e) => (e.open = true))"
# Contrast is slow to measure: of text in the same colours, large or not, one piece stands for all,
# and the rest of a long page is taken away.
PRUNE = """
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
  return kept.length;
}
"""
OTHERS = "() => axe.run({resultTypes: ['violations'], rules: {'color-contrast': {enabled: false}}})"
CONTRAST = "() => axe.run({resultTypes: ['violations'], runOnly: ['color-contrast']})"
WIDER = "() => document.documentElement.scrollWidth > innerWidth"
Opened = Callable[..., Any]


def tool() -> Any:
    spec = importlib.util.spec_from_file_location("browser", ROOT / "tools" / "browser.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    made = tool()
    if made.command() is None:
        pytest.skip(made.ABSENT)
    with made.chromium() as chromium:
        yield chromium


@pytest.fixture
def opened(browser: Any) -> Iterator[Opened]:
    """Opens a file without a network; `asked` has what it loaded, `said` what it complained of."""
    contexts = []

    def open_(file: Path, **options: Any) -> Any:
        contexts.append(browser.new_context(offline=True, **options))
        page = contexts[-1].new_page()
        page.asked, page.said = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto(file.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """The page of an example, as `diagrad derive FILE --format html` writes it."""
    folder = tmp_path_factory.mktemp("pages")

    def write(example: Path) -> Path:
        page = folder / f"{example.stem}.html"
        if not page.exists():
            words = ["derive", str(example), "--format", "html", "-o", str(page)]
            done = CliRunner().invoke(main, words)
            assert done.exit_code == 0, done.output
        return page

    return write


def faults(page: Any) -> list[str]:
    """What axe-core finds wrong in both widths and both colour schemes, nothing folded."""
    page.evaluate(AXE)
    page.evaluate(UNFOLD)
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        found += _said(page.evaluate(OTHERS), f"{width}")
    assert page.evaluate(PRUNE) > 4
    for width, scheme in product(WIDTHS, SCHEMES):
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


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_axe_finds_nothing_wrong_with_the_page_of_an_example(
    example: Path, opened: Opened, written: Callable[[Path], Path]
) -> None:
    assert faults(opened(written(example))) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_a_page_loads_nothing_complains_of_nothing_and_is_no_wider_than_the_window(
    example: Path, opened: Opened, written: Callable[[Path], Path]
) -> None:
    file = written(example)
    page = opened(file)
    for width in (*WIDTHS, 320):
        page.set_viewport_size({"width": width, "height": 800})
        for state in (lambda: None, lambda: page.evaluate(UNFOLD)):
            state()
            assert not page.evaluate(WIDER), width
    assert (page.asked, page.said) == ([file.as_uri()], [])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_a_page_says_without_a_script_all_that_it_says_with_one(
    example: Path, opened: Opened, written: Callable[[Path], Path]
) -> None:
    with_script, without = (
        opened(written(example), java_script_enabled=allowed).locator("body").inner_text()
        for allowed in (True, False)
    )
    assert with_script == without
    assert "Checked" in without


def test_a_symbol_under_the_mouse_or_in_focus_is_told_and_escape_ends_it(
    opened: Opened, written: Callable[[Path], Path]
) -> None:
    page = opened(written(ROOT / "examples" / "one_hidden_layer.dg"))
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
    "a link without words": ("<main>", '<main><a href="#p1-given"></a>', "link-name"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_axe_finds_what_is_planted(
    fault: str, opened: Opened, written: Callable[[Path], Path], tmp_path: Path
) -> None:
    old, new, rule = PLANTED[fault]
    page = written(ROOT / "examples" / "ridge.dg")
    found = faults(opened(changed(page, tmp_path / "planted.html", old, new)))
    assert found and all(rule in each for each in found)


def test_what_a_page_loads_and_what_is_too_wide_is_seen(
    opened: Opened, written: Callable[[Path], Path], tmp_path: Path
) -> None:
    planted = '<main style="min-width: 500px"><script src="https://example.org/a.js"></script>'
    example = written(ROOT / "examples" / "ridge.dg")
    page = opened(changed(example, tmp_path / "planted.html", "<main>", planted))
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate(WIDER)
    assert page.asked[1:] == ["https://example.org/a.js"]
    assert len(page.said) == 1
