"""The tutorial is a notebook that was run: its cells give the outputs that are stored with them."""

from __future__ import annotations

import difflib
import importlib.util
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tutorial", ROOT / "tools" / "tutorial.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tutorial = tool()


@pytest.fixture(scope="module")
def stored() -> NotebookNode:
    return nbformat.read(tutorial.NOTEBOOK, as_version=4)


def test_the_cells_of_the_tutorial_give_the_outputs_that_are_stored() -> None:
    now = tutorial.written(tutorial.executed(tutorial.SOURCE.read_text("utf-8")))
    then = tutorial.NOTEBOOK.read_text("utf-8")
    changes = difflib.unified_diff(then.splitlines(), now.splitlines(), "stored", "now", n=0)
    assert now == then, "run python tools/tutorial.py\n" + "\n".join(changes)


def test_the_tutorial_is_a_valid_notebook_in_which_no_cell_fails(stored: NotebookNode) -> None:
    nbformat.validate(stored)
    outputs = [output for cell in stored.cells for output in cell.get("outputs", [])]
    assert len(outputs) > 10
    assert {output.output_type for output in outputs} <= {
        "stream",
        "display_data",
        "execute_result",
    }
    assert all(output.get("name", "stdout") == "stdout" for output in outputs)


def test_nothing_in_the_tutorial_tells_where_it_was_run(stored: NotebookNode) -> None:
    assert stored.metadata == tutorial.METADATA
    assert all(cell.metadata == {} for cell in stored.cells)
    assert " at 0x" not in tutorial.NOTEBOOK.read_text("utf-8")


def test_code_between_fences_is_a_cell_and_so_is_the_text_around_it() -> None:
    made = list(
        tutorial.cells("# One\n\n```python\n1 + 1\n\n2\n```\n\n```diagrad\n%%diagrad\n```\nEnd\n")
    )
    assert [(cell.cell_type, cell.source) for cell in made] == [
        ("markdown", "# One"),
        ("code", "1 + 1\n\n2"),
        ("code", "%%diagrad"),
        ("markdown", "End"),
    ]


def test_a_tutorial_that_is_out_of_date_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tutorial, "NOTEBOOK", tmp_path / "tutorial.ipynb")
    monkeypatch.setattr(tutorial, "executed", lambda text: nbformat.v4.new_notebook())
    assert tutorial.main(["--check"]) == 1
    assert "run python tools/tutorial.py" in capsys.readouterr().err
    assert tutorial.main([]) == 0
    assert tutorial.main(["--check"]) == 0
