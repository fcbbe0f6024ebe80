"""Fixtures of tests in a browser; they skip where there is none, `tools/browser.sh` gets one."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HOW = "tools/browser.sh installs what the tests in a browser need"
Opened = Callable[..., Any]


def tool() -> Any:
    file = Path(__file__).resolve().parent.parent / "tools" / "browser.py"
    spec = importlib.util.spec_from_file_location("browser", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Of a module only: while it is open, nothing else may run an event loop.
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
