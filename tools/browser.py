"""A Chromium that shows no window, for tests/test_browser.py and tools/pictures.py.

tools/browser.sh installs what it needs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
ABSENT = "no Chromium: tools/browser.sh installs one, or set CHROMIUM to the path of yours"
# Chromium's own sandbox does not start for root; what it opens is written here.
OPTIONS = ("--no-sandbox", "--disable-gpu", "--force-color-profile=srgb", "--hide-scrollbars")


def command() -> str | None:
    """The path of the browser; None where there is none."""
    named = os.environ.get("CHROMIUM", "")
    return next(filter(None, map(shutil.which, [named] if named else NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, until the end of the block. Raises RuntimeError where there is none."""
    path = command()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        raise RuntimeError(ABSENT)
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=path, args=OPTIONS)
        try:
            yield browser
        finally:
            browser.close()
