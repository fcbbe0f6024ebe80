"""Takes the pictures of docs/pictures, screenshots of pages, with a Chromium that shows no window.

    tools/browser.sh && tools/site.sh && python tools/pictures.py  takes them all
    python tools/pictures.py tutorial                              one of them
    python tools/pictures.py page.html out.png 1280 800 [--dark]   any page, in this size
    python tools/pictures.py page.html out.png 360 0               the whole page, so wide

tools/browser.sh finds or installs the browser; CHROMIUM names another one. The pictures depend on
the fonts of the machine, so no test compares them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from browser import chromium
from printed import FILE

import diagrad as dg

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "build" / "site"
PICTURES = ROOT / "docs" / "pictures"
SEED = ROOT / "examples" / "one_hidden_layer.dg"


class Picture(NamedTuple):
    """A page, a file or what writes its HTML; the size of the window, and whether it is dark."""

    page: Path | Callable[[], str]
    width: int = 1280
    height: int = 800
    dark: bool = False


def derivation() -> str:
    """The derivation of the README."""
    return dg.load(SEED).derive("J", wrt="x").html()


def verdict() -> str:
    """The verdict on the answer of docs/checking.md."""
    answer = FILE.search((ROOT / "docs" / "checking.md").read_text("utf-8"))
    assert answer is not None
    return dg.load(SEED).check("J", "x", answer["body"]).html()


ALL = {
    "derivation": Picture(derivation, height=900),
    "derivation-dark": Picture(derivation, height=900, dark=True),
    "derivation-telephone": Picture(derivation, width=360, height=740),
    "tutorial": Picture(SITE / "tutorial.html", height=1000),
    "verdict": Picture(verdict),
}


def take(browser: Browser, picture: Picture, output: Path) -> None:
    """Writes a picture at the scale of a screen with two pixels for one; of a height of 0 the whole
    page."""
    output.parent.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(
        viewport={"width": picture.width, "height": picture.height or 800},
        color_scheme="dark" if picture.dark else "light",
        device_scale_factor=2 if picture.width < 500 else 1.5,
    )
    if isinstance(picture.page, Path):
        page.goto(picture.page.resolve().as_uri())
    else:
        page.set_content(picture.page())
    page.screenshot(path=output, full_page=not picture.height)
    page.close()


def main(arguments: list[str]) -> int:
    match [word for word in arguments if word != "--dark"]:
        case [page, output, width, height]:
            picture = Picture(Path(page), int(width), int(height), "--dark" in arguments)
            wanted = {Path(output): picture}
        case names if set(names) <= set(ALL):
            wanted = {PICTURES / f"{name}.png": ALL[name] for name in names or ALL}
        case _:
            print(f"there are {', '.join(ALL)}", file=sys.stderr)
            return 2
    pages = [picture.page for picture in wanted.values() if isinstance(picture.page, Path)]
    missing = [page for page in pages if not page.is_file()]
    if missing:
        print(f"there is no {missing[0]}: tools/site.sh builds the site", file=sys.stderr)
        return 2
    try:
        with chromium() as browser:
            for output, picture in wanted.items():
                take(browser, picture, output)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
