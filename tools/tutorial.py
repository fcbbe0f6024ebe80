"""Writes docs/tutorial.ipynb, the executed tutorial, from tools/tutorial.md.

    python tools/tutorial.py           runs the cells, and writes it
    python tools/tutorial.py --check   runs the cells, and fails where other outputs are stored

Blocks of `python` and `diagrad` are the cells of code, what stands between them the cells of text.
Nothing in the notebook depends on when or where it was run.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode, v4
from traitlets.config import Config

SOURCE = Path(__file__).with_suffix(".md")
NOTEBOOK = SOURCE.resolve().parent.parent / "docs" / "tutorial.ipynb"
CODE = re.compile(r"^```(?:python|diagrad)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
SECONDS = 120


def cells(text: str) -> Iterator[NotebookNode]:
    """The cells of a text, each with its number as its identity."""
    for number, piece in enumerate(CODE.split(text)):
        make = v4.new_code_cell if number % 2 else v4.new_markdown_cell
        if piece.strip():
            yield make(piece.strip("\n"), id=f"cell-{number}")


def executed(text: str) -> NotebookNode:
    """The notebook of a text, with its outputs. Raises CellExecutionError where a cell fails."""
    notebook = v4.new_notebook(cells=list(cells(text)), metadata=METADATA)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        config=Config({"KernelManager": {"transport": "ipc"}}),
    ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def written(notebook: NotebookNode) -> str:
    """The file of a notebook."""
    return nbformat.writes(notebook) + "\n"


def main(arguments: list[str]) -> int:
    text = written(executed(SOURCE.read_text(encoding="utf-8")))
    if "--check" not in arguments:
        NOTEBOOK.write_text(text, encoding="utf-8")
        return 0
    if NOTEBOOK.is_file() and NOTEBOOK.read_text(encoding="utf-8") == text:
        return 0
    print("docs/tutorial.ipynb is out of date: run python tools/tutorial.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
