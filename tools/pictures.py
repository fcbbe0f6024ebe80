"""Takes the pictures of docs/pictures, screenshots of pages, with a Chromium that shows no window.

    tools/site.sh && python tools/pictures.py                      takes them all
    python tools/pictures.py tutorial                              one of them
    python tools/pictures.py page.html out.png 1280 800 [--dark]   any page, in this size
    python tools/pictures.py page.html out.png 360 0               the whole page, so wide

The pictures depend on the fonts of the machine, so no test compares them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from chromium import Chromium

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "build" / "site"
PICTURES = ROOT / "docs" / "pictures"


class Picture(NamedTuple):
    """A page, the size of the window, and whether it is dark."""

    page: Path
    width: int = 1280
    height: int = 800
    dark: bool = False


ALL = {
    "tutorial": Picture(SITE / "tutorial.html", height=1000),
}


def take(picture: Picture, output: Path) -> None:
    """Writes a picture; of a height of 0 the whole page. Exits where there is no browser."""
    with Chromium() as browser:
        browser.size(picture.width, picture.height or 800)
        browser.prefer(color_scheme="dark" if picture.dark else "light")
        browser.open(picture.page)
        image = browser.picture(whole=not picture.height)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(image)


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
    for output, picture in wanted.items():
        if not picture.page.is_file():
            print(f"there is no {picture.page}: tools/site.sh builds the site", file=sys.stderr)
            return 2
        take(picture, output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
