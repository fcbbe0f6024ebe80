"""A page as a Jupyter notebook: the problem to be run again, and the derivation to be read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from diagrad.pages.marked import Markdown
from diagrad.pages.page import Heading, Page, names_of


def pieces(page: Page) -> list[str]:
    """What is given, each route, and the result, as Markdown."""
    writer = Markdown()
    writer.names = names_of(page)
    routes = [k for k, block in enumerate(page) if isinstance(block, Heading) and block.route]
    parts = (page[a:b] for a, b in pairwise((0, 1, *routes, len(page) - 1, len(page))))
    return [writer.blocks(part) for part in parts if part]


def notebook(pages: Sequence[Page], problem: str, call: str) -> str:
    """The notebook as JSON; `problem` is the text of the problem, `call` derives it again."""
    cells = [_problem(problem)]
    cells += [_cell("markdown", text) for page in pages for text in pieces(page)]
    return _whole([*cells, _code(call)])


def checked(problem: str, given: str, answer: str, found: str, calls: Sequence[str]) -> str:
    """Likewise with an answer, what was found about it, and what checks it again."""
    cells = [_problem(problem)] + [_cell("markdown", given)] * bool(given)
    # Its lines keep their numbers.
    cells += [_code(f'answer = """\\\n{_escaped(answer.rstrip())}\n"""'), _cell("markdown", found)]
    return _whole([*cells, *map(_code, calls)])


def _problem(text: str) -> dict[str, Any]:
    return _code(f"import diagrad as dg\n\nproblem = dg.parse({_quoted(text)})")


def _quoted(text: str) -> str:
    """A text of several lines as Python writes it."""
    return f'"""\n{_escaped(text.strip())}\n"""'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _whole(cells: Sequence[dict[str, Any]]) -> str:
    for k, cell in enumerate(cells):
        cell["id"] = f"cell-{k}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole, indent=1) + "\n"


def _cell(kind: str, text: str) -> dict[str, Any]:
    source = text.strip("\n").splitlines(keepends=True)
    return {"cell_type": kind, "metadata": {}, "source": source}


def _code(text: str) -> dict[str, Any]:
    return _cell("code", text) | {"execution_count": None, "outputs": []}
