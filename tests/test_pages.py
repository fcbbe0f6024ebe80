"""Derivations in print: what holds of every page; whole pages are in test_golden.py."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from test_examples import value

import diagrad as dg
from diagrad import pages
from diagrad.dimensions import Size
from diagrad.errors import DerivationError
from diagrad.language import Source
from diagrad.language.source import Declaration
from diagrad.pages.wrap import broken, columns, wrapped

ROOT = Path(__file__).resolve().parent.parent

CONFLICTING = """
x: row[n]; z1: matrix[n, m]; delta1: row[m]; f: row[m]; g: scalar
h = sigmoid(x @ z1 + f)
J = -sum(delta1 * log(softmax(h))) * g
"""
BILINEAR = "A: matrix[m, n]; X: matrix[n, p]; B: matrix[p, q]\nZ = A @ X @ B\nJ = sum(square(Z))\n"
CONSTANT = "x: row[n]; t: scalar\nu = 2 * t\nf = sum(x)\n"
ATTENTION = """
Q: matrix[n, d]; K: matrix[m, d]; V: matrix[m, p]; G: matrix[n, p]
A = softmax(Q @ K.T / sqrt(d))
O = A @ V
J = sum(G * O)
"""
CHANGES = "G: matrix[m, n]; K: matrix[n, p]\nO = G @ K\nJ = sum(O ** 2)\n"
CHANGES_BY_D = CHANGES.replace("p]", "d]")
VARIANCE = "x: row[n]\nmu = mean(x)\nr = x - mu\nv = mean(r ** 2)\n"
SIZES = "x: row[m*n+1]; alpha: scalar\nf = alpha * sum(square(x)) / (m*n+1)\n"
ENTROPY = "x: column[n] & prob; A: matrix[n, n]\nu = A @ x\nJ = u.T @ u - sum(x * log(x))\n"


@cache
def problem(name: str) -> dg.Problem:
    """An example by its name, or a problem by its text."""
    return dg.parse(name) if "\n" in name else dg.load(ROOT / "examples" / f"{name}.dg")


@cache
def derived(
    name: str, wrt: str, order: int = 1, of: str = "", layout: str = "auto"
) -> list[dg.Derivation]:
    asked = problem(name)
    return asked.derive(of or asked.last, wrt.split(","), order=order, layout=layout)


REQUESTS = [
    ("one_hidden_layer", "x"),
    ("one_hidden_layer", "x,W1,b1,W2,b2"),
    ("one_hidden_layer", "x", 2),
    ("one_hidden_layer", "x", 1, "yhat"),
    ("one_hidden_layer", "W1", 1, "h"),
    ("one_hidden_layer", "W1", 1, "sum(h ** 2)"),
    ("one_hidden_layer", "h"),
    ("one_hidden_layer", "W1", 1, "", "numerator"),
    ("batch", "W1,b1"),
    ("column", "x,W1"),
    ("column_batch", "W2,b2"),
    ("word2vec", "v,u,U"),
    ("attention", "K,V"),
    ("logistic", "w", 2),
    ("ridge", "w,lam"),
    ("gaussian", "X,mu,P"),
    (CONFLICTING, "x,z1,f,delta1,g"),
    (BILINEAR, "A,X,B"),
    (BILINEAR, "X", 2, "", "tensor"),
    (CONSTANT, "t", 1, "f"),
    (CONSTANT, "x", 1, "u"),
    (SIZES, "x,alpha"),
    (ENTROPY, "x"),
    (ENTROPY, "x", 2),
]
DEPTHS = ("overview", "standard", "full")


def called(request: tuple) -> str:
    name, wrt, *rest = request
    return "-".join([name.strip().split("\n")[0][:20], wrt, *map(str, rest)])


@pytest.fixture(params=REQUESTS, ids=called)
def derivations(request: pytest.FixtureRequest) -> list[dg.Derivation]:
    return derived(*request.param)


def test_the_seed_fits_on_a_screen() -> None:
    text = derived("one_hidden_layer", "x")[0].text(route="both")
    assert len(text.splitlines()) <= 60
    assert max(map(columns, text.splitlines())) <= 100


def test_a_row_has_its_jacobians_on_the_right_and_a_column_transposed_on_the_left() -> None:
    row = pages.text(derived("one_hidden_layer", "x"))
    assert "∂J/∂z₁ = ∂J/∂h · ∂h/∂z₁ = (ŷ − y) W₂ᵀ diag(h ∘ (1 − h))" in row
    assert "(1×H)(H×H) = 1×H" in row
    column = pages.text(derived("column", "x"))
    assert "∂J/∂z₁ = (∂h/∂z₁)ᵀ · ∂J/∂h = diag(h ∘ (1 − h)) (W₂ᵀ (ŷ − y))" in column
    assert "(H×H)(H×1) = H×1" in column


def test_the_convention_is_named_first() -> None:
    same = "gradients have the shape of their variable"
    said = {
        "one_hidden_layer": f"row vectors; {same}",
        "column": f"column vectors; {same}",
        "batch": f"N examples, one a row; {same}",
        "column_batch": f"N examples, one a column; {same}",
    }
    for name, words in said.items():
        first = pages.text(derived(name, "W1")).splitlines()[0]
        assert first.startswith("Given ") and first.endswith(f" {words}")
    jacobian = pages.text(derived("one_hidden_layer", "x", 1, "yhat")).splitlines()[0]
    assert jacobian.endswith("row vectors; entry i,j of ∂ŷ/∂x is ∂ŷᵢ/∂xⱼ")


def test_a_derivative_by_a_matrix_is_told_by_entries() -> None:
    text = pages.text(derived("one_hidden_layer", "x,W1,b1,W2,b2"))
    assert "∂J/∂(W₁)ᵢⱼ = Σₖ ∂J/∂(z₁)ₖ · ∂(z₁)ₖ/∂(W₁)ᵢⱼ = (δ₁)ⱼ xᵢ" in text
    assert "where ∂(z₁)ₖ/∂(W₁)ᵢⱼ = xᵢ δₖⱼ" in text
    assert re.search(r"\n   ∂J/∂W₁ = xᵀ δ₁ +Dx×H\n", text)


def test_a_name_that_is_used_twice_says_that_both_ways_are_added() -> None:
    text = pages.text(derived("word2vec", "v"))
    assert "∂J/∂v = ∂J/∂z₂ · ∂z₂/∂v + ∂J/∂z₁ · ∂z₁/∂v" in text
    assert "v enters z₂ and z₁: what comes back from each is added up" in text


def test_several_ways_back_are_listed_from_each_branching() -> None:
    text = pages.text(derived("word2vec", "v,u,U"))
    assert "The way back: J ← a₂, a₁;  a₂ ← z₂ ← v, U;  a₁ ← z₁ ← v, u\n" in text


def test_what_several_derivations_share_is_told_once() -> None:
    text = pages.text(derived("one_hidden_layer", "x,W1,b1,W2,b2"))
    assert "One sweep back, of which each variable uses what it needs\n" in text
    assert text.count("∂J/∂h = ∂J/∂z₂ · ∂z₂/∂h") == 1
    assert re.findall(r"^(\d+)  ", text, re.MULTILINE) == [str(k) for k in range(1, 9)]
    assert "call it δ₁" in text and "with δ₁ = (ŷ − y) W₂ᵀ ∘ h ∘ (1 − h)" in text


def test_what_all_variables_need_is_called_shared() -> None:
    text = pages.text(derived("one_hidden_layer", "x,W1,b1"))
    assert "One sweep back, shared by all three\n" in text


def test_signs_are_told_by_what_stands_on_the_page() -> None:
    text = pages.text(derived("one_hidden_layer", "x"))
    signs = " ".join(text.partition("Signs: ")[2].partition("\n\n")[0].split())
    assert "(ŷ − y) W₂ᵀ ∘ h is ((ŷ − y) W₂ᵀ) ∘ h" in signs
    assert "∂J/∂xᵢ = Σⱼ ∂J/∂(z₁)ⱼ · ∂(z₁)ⱼ/∂xᵢ, the row ∂J/∂z₁ times ∂z₁/∂x" in signs
    assert "𝟏" not in signs and "⟨" not in signs


def test_a_change_has_a_letter_that_no_name_has() -> None:
    told = (pages.text(derived(name, "K")) for name in (CHANGES, CHANGES_BY_D))
    plain, taken = (" ".join(text.split()) for text in told)
    assert "⟨∂J/∂O, dO⟩ = Σᵢⱼ ∂J/∂Oᵢⱼ · dOᵢⱼ is how J changes" in plain
    assert "⟨∂J/∂O, ΔO⟩ = Σᵢⱼ ∂J/∂Oᵢⱼ · ΔOᵢⱼ is how J changes" in taken
    assert "and J by ⟨∂J/∂O, G ΔK⟩" in taken


def test_a_definition_that_is_recognised_is_named() -> None:
    text = " ".join(pages.text(derived(ATTENTION, "Q")).split())
    assert "Σₖⱼ Gᵢₖ Vⱼₖ Aᵢⱼ = Σₖ Gᵢₖ Oᵢₖ, since O = A V" in text


def test_writing_out_says_which_facts_it_used() -> None:
    text = " ".join(pages.text(derived(VARIANCE, "x")).split())
    assert "∂v/∂x written out with Σₖ rₖ = 0, since r = x − μ" in text
    assert "∂v/∂x counts every way from x to v, ∂r/∂x only the line r = x − μ" in text


def test_elements_keep_their_letters_when_a_delta_goes() -> None:
    text = pages.text(derived(BILINEAR, "X"), "elements")
    assert "Σₖₗ ∂J/∂Zₖₗ · ∂Zₖₗ/∂Xᵢⱼ" in text
    assert "Σₖₗ ∂J/∂Zₖₗ · Aₖᵢ Bⱼₗ" in text


def test_a_second_derivative_names_the_gradient_and_goes_on() -> None:
    text = pages.text(derived("logistic", "w", 2))
    assert "First the gradient by w\n" in text
    assert re.search(r"Then the derivative of that gradient by w\n  g = ∂J/∂w = Xᵀ \(p − y\)", text)
    assert "The way back: g ← p ← z ← w" in text


def test_what_does_not_depend_on_the_variable_says_so() -> None:
    text = pages.text(derived(CONSTANT, "t", 1, "f"))
    assert "f does not depend on t" in text


def test_what_has_no_steps_still_has_its_result() -> None:
    text = pages.text(derived(BILINEAR, "X", 2, "", "tensor"))
    assert "Result " in text and "Checked  3 random points" in text


def test_an_unknown_route_or_depth_says_which_there_are() -> None:
    (d,) = derived("ridge", "w")
    with pytest.raises(DerivationError, match="unknown route 'up': there are jacobian, elements"):
        d.text(route="up")
    with pytest.raises(DerivationError, match="unknown depth 'deep': there are overview, standard"):
        d.text(depth="deep")


# What holds of every page.


@pytest.mark.parametrize("width", [100, 80])
def test_no_line_is_wider_than_the_page(derivations: list[dg.Derivation], width: int) -> None:
    for depth in DEPTHS:
        text = pages.text(derivations, "all", depth, width)
        assert [line for line in text.splitlines() if columns(line) > width] == []


def test_ascii_is_ascii(derivations: list[dg.Derivation]) -> None:
    for depth in DEPTHS:
        assert pages.text(derivations, "all", depth, ascii=True).isascii()


def test_latex_is_balanced(derivations: list[dg.Derivation]) -> None:
    for depth in DEPTHS:
        text = pages.latex(derivations, "all", depth, document=True)
        assert text.isascii()
        bare = re.sub(r"\\[{}\\]", "", text)
        assert bare.count("{") == bare.count("}")
        assert len(re.findall(r"\\left\b", text)) == len(re.findall(r"\\right\b", text))
        assert text.count(r"\(") == text.count(r"\)")
        environments: list[str] = []
        for what, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", text):
            if what == "begin":
                environments.append(name)
            else:
                assert environments.pop() == name
        assert environments == []


def test_markdown_has_its_formulas_in_dollars(derivations: list[dg.Derivation]) -> None:
    text = pages.markdown(derivations, "all")
    assert r"\operatorname" not in text, "GitHub refuses it"
    blocks = text.split("$$")
    assert len(blocks) % 2 == 1
    for block in blocks[1::2]:
        assert block.startswith("\n\\begin{aligned}\n") and block.endswith("\n\\end{aligned}\n")
        assert "$" not in block
    for block in blocks[::2]:
        for line in block.splitlines():
            assert line.replace(r"\$", "").count("$") % 2 == 0
        assert r"\(" not in block


def test_names_that_are_introduced_are_explained_before_they_are_used(
    derivations: list[dg.Derivation],
) -> None:
    text = pages.text(derivations)
    for derivation in derivations:
        book = derivation.telling.last.book
        for name, _ in derivation.definitions:
            shown = book.names.shown(name, "unicode")
            if "/" in shown or not re.search(rf"(?<![\w∂]){re.escape(shown)}(?!\w)", text):
                continue
            first = re.search(rf"(?<![\w∂]){re.escape(shown)}(?![\w₀-₉])", text)
            assert first is not None
            line = next(line for line in text.splitlines() if shown in line)
            explained = rf"(call it |^ +){re.escape(shown)}( +=|  |$)"
            assert re.search(explained, line) or re.search(explained, text, re.MULTILINE), name


def test_every_shape_is_that_of_a_derivative(derivations: list[dg.Derivation]) -> None:
    """A product of factors fits, and gives the shape after it."""
    found = re.findall(r"((?:\([^()= ]+\))+) = (\S+)$", pages.text(derivations), re.MULTILINE)
    for factors, shape in found:
        sizes = [factor.split("×") for factor in re.findall(r"\(([^()]+)\)", factors)]
        for (_, inner), (again, _) in pairwise(sizes):
            assert inner == again
        assert shape == f"{sizes[0][0]}×{sizes[-1][1]}"


def test_steps_are_numbered_from_one(derivations: list[dg.Derivation]) -> None:
    text = pages.text(derivations, "jacobian", "overview")
    numbers = re.findall(r"^(\d+)  ", text, re.MULTILINE)
    assert numbers == [str(k + 1) for k in range(len(numbers))]


def test_data_has_the_promised_keys(derivations: list[dg.Derivation]) -> None:
    for one in pages.data(derivations):
        assert list(one) == [
            "of", "wrt", "order", "layout", "shape", "result", "definitions", "steps",
            "verification",
        ]  # fmt: skip
        waiting = list(one["steps"])
        while waiting:
            step = waiting.pop()
            assert list(step) == [
                "target", "rule", "because", "before", "after", "shape", "substeps",
            ]  # fmt: skip
            assert list(step["after"]) == ["source", "unicode", "latex"]
            waiting += step["substeps"]


def test_a_program_ends_in_the_result(derivations: list[dg.Derivation]) -> None:
    """Each name stands once, and the last has the derivative's value."""
    for derivation in derivations:
        source = derivation.telling.source
        sizes = {d.name: 3 + k for k, d in enumerate(source.dimensions)}
        rng = np.random.default_rng(0)
        arrays = {
            name: value(tuple(s.evaluate(sizes) for s in d.shape), facts(d), rng)
            for name, d in source.variables.items()
        }
        names = [name for name, _ in derivation.program]
        assert len(set(names)) == len(names)
        last = derivation.program[-1][1]
        assert last.shape == derivation.result.shape
        if not any(size.number is None and len(size.terms) > 1 for size in sizes_of(source)):
            expected = derivation.result.evaluate(**needed_by(derivation.result, arrays))
            found = last.evaluate(**needed_by(last, arrays))
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def facts(d: Declaration) -> str:
    return " ".join(d.facts) + " positive" * ("prob" in d.facts)


def sizes_of(source: Source) -> list[Size]:
    return [size for d in source.variables.values() for size in d.shape]


def needed_by(formula: dg.Formula, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All arrays where the formula has sizes in it, else those that it depends on."""
    needed = formula._problem.needed(formula.expression)
    sized = needed & {d.name for d in formula._problem.dimensions}
    return {name: array for name, array in arrays.items() if sized or name in needed}


def test_a_program_shares_what_backpropagation_shares() -> None:
    (derivation,) = derived("one_hidden_layer", "W1")
    assert [(name, formula.source) for name, formula in derivation.program] == [
        ("delta_h", "(yhat - y) @ W2.T"),
        ("delta1", "delta_h * h * (1 - h)"),
        ("dJ_dW1", "x.T @ delta1"),
    ]


def test_notebooks_get_text_and_what_each_of_them_typesets() -> None:
    (derivation,) = derived("one_hidden_layer", "x")
    shown = derivation._repr_mimebundle_()
    assert list(shown) == ["text/plain", "text/markdown"]
    assert shown["text/plain"] == derivation.text()
    assert shown["text/markdown"].startswith("**Given**\n")
    assert shown["text/markdown"].splitlines()[1:4] == derivation.markdown().splitlines()[1:4]
    given = problem("one_hidden_layer")._repr_mimebundle_()
    assert "h = σ(x W₁ + b₁)" in given["text/plain"]
    assert r"\sigma\left(x W_{1} + b_{1}\right)" in given["text/markdown"]
    formula = derivation.result._repr_mimebundle_()
    assert formula["text/plain"] == derivation.result.unicode()
    assert formula["text/latex"] == rf"$\displaystyle {derivation.result.latex()}$"
    check = derivation.verification._repr_mimebundle_()
    assert check["text/plain"].startswith("3 random points, sizes Dx 5")
    assert check["text/markdown"].startswith(r"3 random points, sizes $\mathrm{Dx} = 5$")
    assert check["text/markdown"].endswith(r"relative error $< 10^{-12}$ (complex step)")


def test_what_a_notebook_shows_has_neither_latex_in_html_nor_headings_of_its_own() -> None:
    (derivation,) = derived("one_hidden_layer", "x")
    for shown in (derivation, derivation.result, derivation.verification, derivation.problem):
        for kind, text in shown._repr_mimebundle_().items():
            assert not (kind == "text/html" and "\\" in text)
            assert not re.search(r"^#", text, flags=re.MULTILINE)


# Lines.


def test_a_formula_breaks_at_its_loosest_operator() -> None:
    formula = "(ŷ − y) W₂ᵀ ∘ h ∘ (1 − h) + A diag(h ∘ (1 − h)) B"
    assert broken(formula, 60) == [formula]
    assert broken(formula, 40) == ["(ŷ − y) W₂ᵀ ∘ h ∘ (1 − h)", "+ A diag(h ∘ (1 − h)) B"]
    assert broken("unbreakable", 4) == ["unbreakable"]


def test_a_sentence_breaks_between_words_and_keeps_short_formulas() -> None:
    sentence = "a matrix times a row: h ∘ (1 − h)"
    assert wrapped(sentence, 26) == ["a matrix times a row:", "h ∘ (1 − h)"]
    assert wrapped("", 10) == []


def test_accents_take_no_column() -> None:
    assert columns("p\u0302 = ŷ") == 5
    assert columns("𝟏ᵀ") == 2
