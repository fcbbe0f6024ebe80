"""Verdicts as people read them: every format says what the others say, and nothing is markup that
somebody typed."""

from __future__ import annotations

import json
import pickle
import re
import sys
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt
from outline import Outline
from test_latex import faults
from webpages import ANSWERS, LINES

import diagrad as dg
from diagrad.cli import main
from diagrad.pages import verdicts

ROOT = Path(__file__).parent.parent
NETWORK = str(ROOT / "examples" / "one_hidden_layer.dg")
RIGHT = LINES.replace("z1 * (1 - z1)", "h * (1 - h)")
COLUMN = ANSWERS["in another convention"]
FORMATS = ("latex", "markdown", "html", "typst")


@pytest.fixture(scope="module")
def network() -> dg.Problem:
    return dg.load(NETWORK)


def plain(text: str, form: str) -> str:
    """The words of a page, without its markup."""
    if form == "html":
        text = Outline(text).words
    if form == "latex":
        text = text.replace(r"\ ", " ").replace("-{}", "-").replace(r"\quad", "")
        text = re.sub(r"\\text\w+\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"#raw\((?:block: true, )?\"((?:[^\"\\]|\\.)*)\"\);?", r"\1", text)
    text = re.sub(r"#h\(1.5em\)", "", text)
    return " ".join(re.sub(r"\\([^\w\s])", r"\1", text).replace("*", "").split())


def words_of(verdict: dg.Verdict, **much: bool) -> Mapping[str, str]:
    return {form: plain(getattr(verdict, form)(**much), form) for form in FORMATS}


def in_all(said: str, pages: Mapping[str, str]) -> None:
    assert [form for form, text in pages.items() if said not in text] == []


def test_every_format_says_the_same(network: dg.Problem) -> None:
    pages = words_of(network.check("J", "x", LINES))
    for said in (
        "Not right: this is not",
        "Line 3: The slope of",
        "that of the function at",
        "dz1 = dh h (1 - h)",
        "right, given line 3",
        "wrong",
        "in the gradient layout",
        "Compared at 8 random points (seed 0)",
        "The relative error is 1.3 at most: entry [0, 1] is 2.96301 and should be",
        "Given",
        "one-hot",
    ):
        in_all(said, pages)
    assert {text.count("right: ") for text in pages.values()} == {3}


def test_lines_are_printed_as_mathematics_with_signs_and_words(network: dg.Problem) -> None:
    verdict = network.check("J", "x", LINES)
    markdown = verdict.markdown()
    assert (
        r"- ✗ 3: $\mathrm{dz}_{1} = \mathrm{dh} \circ z_{1} \circ \left(1 - z_{1}\right)$"
        " — **wrong**" in markdown
    )
    assert r"- ✓ 1: $d_{2} = \hat{y} - y$ — right: $\partial J/\partial z_{2}$" in markdown
    assert r"\(\checkmark\)" in verdict.latex() and r"\(\times\)" in verdict.latex()
    outline = Outline(verdict.html())
    kinds = [of["class"] for tag, of in outline.attributes if tag == "li"]
    assert kinds == ["right", "right", "wrong", "follows"]
    assert all(sign in outline.words for sign in "✓✗→")


def test_a_product_that_does_not_exist_is_shown_with_the_shapes_that_clash(network: dg.Problem):
    verdict = network.check("J", "x", ANSWERS["wrong in its shapes"])
    latex = verdict.latex()
    assert r"\left(\hat{y} - y\right) W_{2}^{\top} \left(h \circ" in latex
    factors = re.findall(r'<munder class="factor">.*?</munder>', verdict.html())
    shapes = [re.sub(r"<[^>]*>", "", factor) for factor in factors]
    assert any(shape.endswith("Dy×H") for shape in shapes)
    assert any(shape.startswith("(h∘") and shape.endswith("1×H") for shape in shapes)


@pytest.mark.parametrize(
    ("answer", "kind", "more", "said"),
    [
        (RIGHT, "correct", {}, "Right: this is"),
        (COLUMN, "other-convention", {}, "Right, in another convention: this is"),
        (COLUMN, "incorrect", {"strict": True}, "it was to be in the gradient layout"),
        ("d = x * log(-exp(x))\nd", "incorrect", {}, "it has no finite value at any random point"),
        (ANSWERS["undecided"], "undecided", {}, "a branch that was taken at no"),
    ],
)
def test_each_kind_of_verdict_has_its_pages(
    network: dg.Problem, answer: str, kind: str, more: dict[str, bool], said: str
) -> None:
    verdict = network.check("J", "x", answer, **more)
    assert verdict.kind == kind
    in_all(said, words_of(verdict))
    lines = [of["class"] for tag, of in Outline(verdict.html()).attributes if tag == "li"]
    assert len(lines) == len(answer.split("\n"))
    assert lines[-1] == {"undecided": "open", "incorrect": "wrong"}.get(kind, "right")


def test_a_hint_keeps_the_repair_and_the_derivative_is_shown_when_asked_for(network: dg.Problem):
    verdict = network.check("J", "x", ANSWERS["wrong in its shapes"])
    for form in FORMATS:
        told, hint, shown = (
            plain(getattr(verdict, form)(**much), form)
            for much in ({}, {"hint": True}, {"show_answer": True})
        )
        assert "epair:" in told and "epair:" not in hint
        assert "The derivative" in shown and "The derivative" not in told
    assert verdict.data(hint=True)["mistake"]["repair"] is None
    assert verdict.data(hint=True)["mistake"]["message"] == verdict.mistake.hint


def wrong_answers() -> dict[str, dict]:
    """Of the answers of students one of each kind of mistake."""
    text = (ROOT / "tests" / "students.jsonl").read_text("utf-8")
    cases = [json.loads(line) for line in text.splitlines()]
    return {case["kinds"][0]: case for case in reversed(cases) if case["kinds"]}


@pytest.mark.parametrize("kind", wrong_answers())
def test_every_format_takes_every_kind_of_mistake(kind: str) -> None:
    typst, nbformat = pytest.importorskip("typst"), pytest.importorskip("nbformat")
    case = wrong_answers()[kind]
    wrt = case["wrt"] if isinstance(case["wrt"], str) else tuple(case["wrt"])
    verdict = dg.parse(case["problem"]).check(
        case["of"], wrt, case["answer"], order=case["order"], layout=case["layout"]
    )
    assert faults(verdict.latex(show_answer=True)) == []
    assert typst.compile(verdict.typst(show_answer=True).encode(), format="svg")
    check_html(verdict.html(show_answer=True))
    assert "Repair" in verdict.markdown() or verdict.mistake.repair is None
    text = verdicts.notebook([verdict])
    nbformat.validate(nbformat.reads(text, as_version=4))
    cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    names: dict[str, object] = {}
    for cell in cells[:-1]:
        exec("".join(cell["source"]), names)
    again = eval("".join(cells[-1]["source"]), names)
    assert (again.kind, again.mistake) == (verdict.kind, verdict.mistake)
    assert again.first_wrong_line == verdict.first_wrong_line


def check_html(text: str) -> None:
    outline = Outline(text)
    assert not re.search(r"https?://|url\(|@import", text)
    assert outline.levels[0] == 1 and outline.levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(outline.levels))
    ids = list(outline.values("id"))
    assert len(ids) == len(set(ids))
    assert set(outline.values("aria-labelledby")) <= set(ids)


def test_several_verdicts_stand_on_one_page_each_under_its_derivative(network: dg.Problem) -> None:
    answer = "d2 = yhat - y\ndJ/dW2 = h.T @ d2\ndJ/dx = (d2 @ W2.T * h * (1 - h)) @ W1.T"
    both = [network.check("J", name, answer) for name in ("W2", "x")]
    page = verdicts.html(both)
    check_html(page)
    assert "right: ∂J/∂z" in re.sub(r"<[^>]*>|\u2061|\u2062", "", page).replace(" / ", "/")
    assert verdicts.markdown(both).count("### Given") == 2
    assert verdicts.markdown(both[:1] * 2).count("### Given") == 1


HOSTILE = '</code></pre><script>alert(1)</script> [a](//b) **b** _c_ $d$ \\input{e} ``` #eval("1")'
TYPED = "g = (yhat - y) @ W2.T\ng *= (h * (1 - h)  # {}\n)\ndJ/dx = -g @ W1.T"
STATED = Path(NETWORK).read_text("utf-8").rstrip() + "  # {}\n"


def tags(html: str) -> list[str]:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            found.append(tag)

    Reader().feed(html)
    return found


def hostile_and_harmless() -> list[dg.Verdict]:
    return [
        dg.parse(STATED.format(said)).check("J", "x", TYPED.format(said))
        for said in (HOSTILE, "harmless")
    ]


def test_what_is_typed_cannot_become_html() -> None:
    hostile, harmless = hostile_and_harmless()
    assert HOSTILE in Outline(hostile.html()).words
    assert tags(hostile.html()) == tags(harmless.html())


def test_what_is_typed_cannot_become_markup_of_markdown() -> None:
    read, both = MarkdownIt(), hostile_and_harmless()
    for write in (dg.Verdict.markdown, lambda v: v._repr_mimebundle_()["text/markdown"]):
        first, second = (read.render(write(verdict)) for verdict in both)
        assert tags(first) == tags(second)
        assert HOSTILE in Outline(f"<div>{first}</div>").words


def test_what_is_typed_cannot_become_a_command_of_latex() -> None:
    hostile, _ = hostile_and_harmless()
    latex = hostile.latex()
    assert r"\input" not in latex and r"\textbackslash{}input\{e\}" in latex
    assert faults(latex) == []


def test_what_is_typed_cannot_become_code_of_typst() -> None:
    typst = pytest.importorskip("typst")
    hostile, _ = hostile_and_harmless()
    text = hostile.typst()
    assert typst.compile(text.encode(), format="svg")
    strings = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    assert "eval" not in strings and "script" not in strings.replace("$script(", "")


def test_what_is_typed_cannot_become_code_of_a_notebook() -> None:
    said = '"""); raise SystemExit; (""" \\'
    verdict = dg.parse(STATED.format(said)).check("J", "x", TYPED.format(said))
    cells = json.loads(verdicts.notebook([verdict]))["cells"]
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert str(names["answer"]).strip() == TYPED.format(said)


def test_control_characters_are_shown_not_written() -> None:
    verdict = dg.Verdict("incorrect", "the function raised E: \x1b[31m \u202e \x00")
    for form in FORMATS:
        assert not set("\x1b\x00\u202e") & set(getattr(verdict, form)())


def test_a_verdict_that_no_check_made_has_pages_too() -> None:
    verdict = dg.Verdict("undecided", "rounding hides whether it is right")
    in_all("Undecided: rounding hides whether it is right.", words_of(verdict))
    assert Outline(verdict.html()).levels == [1]


def backward(
    x: np.ndarray, W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, b2: np.ndarray, y: np.ndarray
) -> dict[str, np.ndarray]:
    h = 1 / (1 + np.exp(-(x @ W1 + b1)))
    e = np.exp(h @ W2 + b2)
    d2 = e / e.sum() - y  # </code></pre><script>alert(1)</script> ``` \input{e} #eval("1")
    return {"b2": d2, "W2": -h.T @ d2}


def raising(x: np.ndarray) -> None:
    """*Not* this line."""
    raise KeyError("</p> **b** [a](//b) $d$ \\input{e} #eval(1) `")


def test_a_function_is_listed_as_it_is_with_what_is_said_of_each_gradient(network: dg.Problem):
    found = network.check_function(backward, wrt=["b2", "W2"])
    for form in FORMATS:
        text = plain(getattr(found, form)(), form)
        assert "Right: this is" in text and "Not right: this is not" in text
        assert "A sign is wrong." in text and "Compared at 4 random points (seed 0)" in text
        assert "def backward(" in text
    bundle = found._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/markdown"}
    assert "script" not in tags(MarkdownIt().render(bundle["text/markdown"]))
    check_html(found.html())
    assert faults(found.latex()) == [] and r"\input" not in found.latex()


def test_the_line_on_which_a_function_raised_is_marked(network: dg.Problem) -> None:
    typst = pytest.importorskip("typst")
    found = network.check_function(raising, wrt=["x"])
    assert found.verdicts["x"].first_wrong_line == 3
    assert "✗  3      raise KeyError(" in found.markdown()
    assert "<mark>✗  3      raise KeyError(" in found.html()
    assert "<strong>b</strong>" not in MarkdownIt().render(found.markdown())
    assert "<a" not in MarkdownIt().render(found.markdown())
    assert typst.compile(found.typst().encode(), format="svg")
    assert faults(found.latex()) == [] and r"\input" not in found.latex()


def test_a_function_without_a_text_is_checked_all_the_same(network: dg.Problem) -> None:
    found = network.check_function(eval("lambda **given: given['x']"), wrt="x")
    assert found.code == "" and "The function" not in found.markdown()


def test_a_verdict_can_be_sent_to_another_process(network: dg.Problem) -> None:
    verdict = network.check("J", "x", LINES)
    again = pickle.loads(pickle.dumps(verdict))
    assert again == verdict and again.text() == verdict.text()
    assert "`dz1 = dh * z1 * (1 - z1)` — **wrong**" in again.markdown()


def check(*more: str, answer: str = LINES) -> tuple[int, bytes, str]:
    asked = ["check", NETWORK, "--wrt", "x", "--answer", answer, *more]
    done = CliRunner().invoke(main, asked)
    return done.exit_code, done.stdout_bytes, done.stderr


STARTS = {
    "text": b"Not right: ",
    "latex": rb"\par\noindent \textbf{Not right:}",
    "markdown": b"**Not right:**",
    "html": b"<!DOCTYPE html>",
    "typst": b"#let factor",
    "pdf": b"%PDF-",
    "ipynb": b"{\n",
    "json": b'{\n  "verdict": "incorrect"',
}


@pytest.mark.parametrize("form", STARTS)
def test_the_command_line_has_every_format_with_the_same_status(form: str, tmp_path: Path) -> None:
    if form == "pdf":
        pytest.importorskip("typst")
    out = tmp_path / "out"
    status, printed, _ = check("--format", form)
    assert status == 1 and printed.startswith(STARTS[form])
    assert check("--format", form, "-o", str(out))[:2] == (1, b"")
    start = rb"\documentclass" if form == "latex" else STARTS[form]
    assert out.read_bytes().startswith(start)
    assert check("--format", form, answer=RIGHT)[0] == 0


def test_json_is_the_short_form_of_its_format() -> None:
    assert check("--json") == check("--format", "json") == check("--json", "--format", "json")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--json", "--format", "html"], "leave it out for --format html"),
        (["-o", NETWORK], "is the problem itself: choose another file"),
        (["--format", "docx"], "'docx' is not one of"),
    ],
)
def test_what_cannot_be_met_is_refused(more: list[str], message: str) -> None:
    status, printed, said = check(*more)
    assert (status, printed) == (2, b"")
    assert message in said


def test_a_result_is_not_written_over_the_answer(tmp_path: Path) -> None:
    answers = tmp_path / "answers.dg"
    answers.write_text(LINES)
    asked = ["check", NETWORK, "--wrt", "x", "--file", str(answers), "-o", str(answers)]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 2 and "is the answer itself" in done.stderr
    assert answers.read_text() == LINES


@pytest.mark.parametrize("command", ["derive", "check"])
@pytest.mark.parametrize("form", ["html", "latex", "markdown", "typst", "ipynb", "json"])
def test_what_programs_read_is_no_matter_of_the_terminal(
    command: str, form: str, process: Callable[..., bytes]
) -> None:
    more = ("--answer", LINES) if command == "check" else ()
    asked = (command, NETWORK, "--wrt", "x", *more, "--format", form)
    full, ascii = (process(*asked, encoding=name).decode() for name in ("utf-8", "ascii"))
    if form == "html":
        assert Outline(full).words == Outline(ascii).words
    elif form == "json":
        assert json.loads(full) == json.loads(ascii)
    else:
        assert full == ascii


def test_in_ascii_the_text_of_a_verdict_is_spelled_out(process: Callable[..., bytes]) -> None:
    asked = ("check", NETWORK, "--wrt", "x", "--answer", LINES)
    text = process(*asked, encoding="ascii").decode("ascii")
    assert "Line 3: The slope of h = sigma(z1) is h .* (1 - h)" in text
    assert "  x  3  dz1 = dh * z1 * (1 - z1)" in text and "\\" not in text


@pytest.fixture
def process() -> Callable[..., bytes]:
    import os
    import subprocess

    def run(*arguments: str, encoding: str) -> bytes:
        code = "from diagrad.cli import main; main()"
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], env=environment, capture_output=True
        )
        assert done.stderr == b""
        return done.stdout

    return run
