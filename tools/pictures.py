"""Takes the pictures of docs/pictures, screenshots of pages, with a Chromium that shows no window.

    tools/site.sh && python tools/pictures.py                      takes them all
    python tools/pictures.py tutorial                              one of them
    python tools/pictures.py page.html out.png 1280 800 [--dark]   any page, in this size

CHROMIUM names the browser; otherwise `chromium`, `chromium-browser` or `google-chrome` is used. The
pictures depend on the fonts of the machine, so no test compares them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "build" / "site"
PICTURES = ROOT / "docs" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 60


class Picture(NamedTuple):
    """A page, the size of the window, and whether it is dark."""

    page: Path
    width: int = 1280
    height: int = 800
    dark: bool = False


ALL = {
    "tutorial": Picture(SITE / "tutorial.html", height=1000),
}


def browser() -> str:
    """The command of the browser. Exits where there is none."""
    named = os.environ.get("CHROMIUM", "")
    found = next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None)
    if found is None:
        sys.exit("no Chromium: install one (apt-get install chromium), or set CHROMIUM to its path")
    return found


def take(picture: Picture, output: Path) -> None:
    """Writes a picture. Raises CalledProcessError where the browser fails."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--force-color-profile=srgb",
                *(["--force-dark-mode"] if picture.dark else []),
                f"--user-data-dir={profile}",
                f"--window-size={picture.width},{picture.height}",
                f"--screenshot={output.resolve()}",
                picture.page.resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=SECONDS,
        )
    if not output.is_file():
        raise SystemExit(f"{browser()} wrote no picture of {picture.page}")


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
