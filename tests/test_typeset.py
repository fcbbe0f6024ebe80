"""A derivation as a document of Typst and a PDF, and as a notebook."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

import diagrad as dg
from diagrad import pages

EXAMPLES = Path(__file__).parent.parent / "examples"
ASKED = {
    "one_hidden_layer": ["x"],
    "batch": ["W1", "b1"],
    "column": ["W1"],
    "gaussian": ["mu"],
    "ten_layers": ["W1"],
}


def derived(name: str, wrt: list[str]) -> list[dg.Derivation]:
    problem = dg.load(EXAMPLES / f"{name}.dg")
    return problem.derive(problem.last, wrt)


def test_the_derivation_of_the_readme_by_both_routes_has_at_most_two_pages() -> None:
    typst = pytest.importorskip("typst")
    (derivation,) = derived("one_hidden_layer", ["x"])
    drawn = typst.compile(derivation.typst().encode(), format="svg")
    assert isinstance(drawn, bytes) or len(drawn) <= 2
    assert pages.pdf([derivation]).startswith(b"%PDF-")


@pytest.mark.parametrize("name", ASKED)
def test_typst_accepts_what_is_written_by_every_route(name: str) -> None:
    typst = pytest.importorskip("typst")
    text = pages.typst(derived(name, ASKED[name]), "all", "standard")
    assert typst.compile(text.encode(), format="svg")


def test_without_typst_the_message_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(dg.DerivationError, match=r"pip install 'diagrad\[pdf\]'"):
        pages.pdf(derived("one_hidden_layer", ["x"]))


def test_a_notebook_has_the_problem_the_derivation_and_what_runs_it_again() -> None:
    text = pages.notebook(derived("one_hidden_layer", ["x"]), "both")
    notebook = json.loads(text)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    assert kinds == ["code", *["markdown"] * 4, "code"]
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    given, first, second, result = ("".join(c["source"]) for c in notebook["cells"][1:-1])
    assert given.startswith("### Given") and result.startswith("### Result")
    assert second.startswith("### The same by elements") and r"\frac{\partial J}" in first


@pytest.mark.parametrize("wrt", [["x"], ["x", "W1"]])
def test_the_cells_of_a_notebook_run_and_give_the_same_derivation(wrt: list[str]) -> None:
    derivations = derived("one_hidden_layer", wrt)
    cells = json.loads(pages.notebook(derivations))["cells"]
    first, *_, last = ("".join(cell["source"]) for cell in cells)
    again: list[dg.Derivation] = []
    # Notebooks have `display`.
    names: dict[str, object] = {"display": lambda *shown: again.extend(shown)}
    exec(first, names)
    value = eval(last, names)
    again += [] if value is None else [value]
    assert [str(d.result) for d in again] == [str(d.result) for d in derivations]


def test_a_comment_in_a_problem_cannot_become_code_of_the_notebook() -> None:
    hostile = 'x: scalar  # """); raise SystemExit; (""" \\'
    problem = dg.parse(f"{hostile}\nJ = x ** 2")
    cells = json.loads(pages.notebook([problem.derive("J", wrt="x")]))["cells"]
    names: dict[str, object] = {}
    exec("".join(cells[0]["source"]), names)
    parsed = names["problem"]
    assert isinstance(parsed, dg.Problem) and hostile in parsed.source.text


def test_a_notebook_is_one_by_its_schema() -> None:
    nbformat = pytest.importorskip("nbformat")
    text = pages.notebook(derived("batch", ["W1", "b1"]))
    nbformat.validate(nbformat.reads(text, as_version=4))


def test_words_are_escaped_where_typst_would_read_markup() -> None:
    text = pages.typst(derived("one_hidden_layer", ["x"]))
    assert re.search(r"one\\-hot", text)
