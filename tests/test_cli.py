"""The command line as a person uses it: what is printed where, and with which exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import diagrad as dg
from diagrad.cli import main

ROOT = Path(__file__).resolve().parent.parent
SEED = str(ROOT / "examples" / "one_hidden_layer.dg")
GRADIENT = "∂J/∂x = ((ŷ − y) W₂ᵀ ∘ h ∘ (1 − h)) W₁ᵀ"
CHECKED = re.compile(r"Checked  3 random points, sizes .*: relative error < 1e-\d+ \(.+\)")


def diagrad(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=text)


def process(*arguments: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", "from diagrad.cli import main; main()", *arguments],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
    )


@pytest.fixture
def problem(tmp_path: Path):
    def write(text: str | bytes) -> str:
        path = tmp_path / "problem.dg"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def result_of(result: Result) -> str:
    """What stands after Result, and the lines below it up to Checked, as one line."""
    assert result.exit_code == 0, result.stderr
    found = re.search(r"^Results? (.*?)^Checked", result.stdout, re.MULTILINE | re.DOTALL)
    assert found is not None
    return " ".join(found[1].split())


def test_a_gradient_is_printed_with_its_steps_its_shape_and_its_check():
    result = diagrad("derive", SEED, "--of", "J", "--wrt", "x")
    assert result_of(result) == f"{GRADIENT} 1×Dx, the shape of x (gradient layout)"
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Given ")
    assert any(line.startswith("3  ∂J/∂z₁ = ∂J/∂h · ∂h/∂z₁ = ") for line in lines)
    assert CHECKED.fullmatch(lines[-1])


def test_without_a_command_the_seed_network_is_shown_and_derived_with_its_check():
    result = diagrad()
    assert result_of(result).startswith(GRADIENT)
    lines = result.stdout.splitlines()
    assert "  J    = -sum(y * log(yhat))" in lines
    assert CHECKED.fullmatch(lines[-3])


def test_by_default_every_variable_but_the_label_is_derived_in_the_order_of_the_problem():
    labels = re.findall(r"(∂J/∂\S+) = ", result_of(diagrad("derive", SEED)))
    assert labels == ["∂J/∂x", "∂J/∂W₁", "∂J/∂b₁", "∂J/∂W₂", "∂J/∂b₂"]


def test_several_variables_share_one_sweep():
    lines = diagrad("derive", SEED).stdout.splitlines()
    assert "One sweep back, of which each variable uses what it needs" in lines
    assert sum("∂J/∂h = ∂J/∂z₂ · ∂z₂/∂h" in line for line in lines) == 1


def test_names_after_wrt_may_have_spaces_and_are_derived_once():
    labels = re.findall(r"(∂J/∂\S+) = ", result_of(diagrad("derive", SEED, "--wrt", "b2, x,b2")))
    assert labels == ["∂J/∂b₂", "∂J/∂x"]


def test_a_jacobian_says_which_entry_is_which():
    asked = ("derive", SEED, "--of", "yhat", "--wrt", "x")
    printed = result_of(diagrad(*asked))
    assert printed.startswith("∂ŷ/∂x = ")
    assert printed.endswith("Dy×Dx, entry i,j is ∂ŷᵢ/∂xⱼ (numerator layout)")
    printed = result_of(diagrad(*asked, "--layout", "denominator"))
    assert printed.endswith("Dx×Dy, entry j,i is ∂ŷᵢ/∂xⱼ (denominator layout)")


def test_the_numerator_layout_of_a_scalar_by_a_matrix_is_transposed():
    printed = result_of(diagrad("derive", SEED, "--wrt", "W1", "--layout", "numerator"))
    assert printed.endswith("H×Dx, entry j,i is ∂J/∂(W₁)ᵢⱼ (numerator layout)")


def test_the_vec_layout_names_its_stacking():
    printed = result_of(diagrad("derive", SEED, "--of", "yhat", "--wrt", "x", "--layout", "vec"))
    assert printed.endswith("∂vec(ŷ)/∂vec(x), columns stacked (vec layout)")


def test_a_result_by_elements_names_its_axes():
    printed = result_of(diagrad("derive", SEED, "--of", "h", "--wrt", "W1", "--layout", "tensor"))
    assert printed.endswith("the axes of h, then those of W₁ (tensor layout)")


def test_a_second_derivative_is_labelled_as_one():
    text = "x: row[n]\nA: matrix[n, n]\nf = x @ A @ x.T\n"
    printed = result_of(diagrad("derive", "-", "--wrt", "x", "--order", "2", text=text))
    assert printed.startswith("∂²f/∂x² = ")
    assert "n×n, entry i,j is ∂²f/∂xᵢ∂xⱼ" in printed


def test_by_a_scalar_the_result_has_the_shape_of_what_is_derived():
    text = "t: scalar\na: row[n]\nz = t * a\nf = t ** 3\n"
    by_t = ("derive", "-", "--wrt", "t")
    assert result_of(diagrad(*by_t, "--of", "z", text=text)).endswith("1×n, the shape of z")
    assert result_of(diagrad(*by_t, text=text)).endswith(" scalar")


def test_the_steps_come_by_other_routes_and_at_other_depths():
    asked = ("derive", SEED, "--wrt", "x")
    assert "∂J/∂hᵢ = Σⱼ ∂J/∂(z₂)ⱼ · ∂(z₂)ⱼ/∂hᵢ" in diagrad(*asked, "--route", "elements").stdout
    both = diagrad(*asked, "--route", "both").stdout
    assert "The same by elements, then vectorised" in both
    assert "The same by differentials" not in both
    assert "dz₂ = dh W₂" in diagrad(*asked, "--route", "differential").stdout
    every = diagrad(*asked, "--route", "all").stdout
    assert "The same by elements, then vectorised" in every
    assert "The same by differentials" in every
    lengths = [
        len(diagrad(*asked, "--depth", depth).stdout.splitlines())
        for depth in ("overview", "standard", "full")
    ]
    assert lengths == sorted(set(lengths))


def test_an_expression_may_be_derived():
    result = diagrad("derive", SEED, "--of", "sum(h ** 2)", "--wrt", "b1")
    assert result_of(result).startswith("∂f/∂b₁ = ")
    assert "  f = ∑(h∘²)" in result.stdout


def test_json_has_the_documented_keys_and_is_the_same_on_every_run():
    result = diagrad("derive", SEED, "--format", "json", "--wrt", "x,W1")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.endswith("]\n") and "ŷ" in result.stdout
    first, second = json.loads(result.stdout)
    assert list(first) == [
        "of", "wrt", "order", "layout", "shape", "result", "definitions", "steps", "verification",
    ]  # fmt: skip
    assert (first["of"], first["wrt"], first["order"]) == ("J", "x", 1)
    assert (first["layout"], first["shape"]) == ("gradient", ["1", "Dx"])
    assert second["wrt"] == "W1" and second["shape"] == ["Dx", "H"]
    assert list(first["result"]) == ["source", "unicode", "latex"]
    assert first["result"]["source"] == "((yhat - y) @ W2.T * h * (1 - h)) @ W1.T"
    assert list(first["verification"]) == ["max_relative_error", "points", "method"]
    assert 0 < first["verification"]["max_relative_error"] <= 1e-6
    assert first["verification"]["points"] == 3
    again = diagrad("derive", SEED, "--format", "json", "--wrt", "x,W1")
    assert again.stdout == result.stdout


def test_json_has_the_steps_with_their_substeps():
    result = diagrad("derive", SEED, "--format", "json", "--wrt", "x")
    steps = json.loads(result.stdout)[0]["steps"]
    assert [step["target"] for step in steps] == [["J", n] for n in ("z2", "h", "z1", "x")]
    assert steps[2]["before"]["unicode"] == "(∂J/∂h) diag(h ∘ (1 − h))"
    assert steps[2]["shape"] == ["1", "H"]
    assert ["J", "yhat"] in [substep["target"] for substep in steps[0]["substeps"]]


def test_latex_is_a_piece_of_text_and_in_a_file_a_whole_article(tmp_path: Path):
    asked = ("derive", SEED, "--format", "latex", "--wrt", "x,W1")
    piece = diagrad(*asked).stdout
    assert r"\frac{\partial J}{\partial W_{1}} &= x^{\top} \delta_{1}" in piece
    assert r"\documentclass" not in piece
    diagrad(*asked, "-o", str(tmp_path / "out.tex"))
    article = (tmp_path / "out.tex").read_text("utf-8")
    assert article.startswith(r"\documentclass[fleqn]{article}")
    assert article.endswith("\\end{document}\n")


def test_markdown_has_its_formulas_in_dollars():
    text = diagrad("derive", SEED, "--format", "markdown", "--wrt", "x").stdout
    assert text.startswith("### Given\n")
    assert "$$\n\\begin{aligned}\n\\frac{\\partial J}{\\partial h} &= " in text


def test_html_is_a_page_with_both_routes_unless_one_is_asked_for(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    diagrad("derive", SEED, "--format", "html", "--wrt", "x", "-o", str(page))
    text = page.read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>") and "Steps by elements" in text
    asked = ("derive", SEED, "--format", "html", "--wrt", "x", "--route", "differential")
    plain = process(*asked, encoding="ascii").stdout.decode("ascii")
    assert "Steps by differentials" in plain and "Steps by elements" not in plain
    assert "&#8706;" in plain


def test_a_document_of_typst_a_pdf_and_a_notebook_are_written(tmp_path: Path) -> None:
    pytest.importorskip("typst")
    for form, start in (("typst", b"#let"), ("pdf", b"%PDF-"), ("ipynb", b"{")):
        out = tmp_path / f"page.{form}"
        done = diagrad("derive", SEED, "--format", form, "--wrt", "x", "-o", str(out))
        assert done.exit_code == 0
        assert out.read_bytes().startswith(start)
    piped = process("derive", SEED, "--format", "pdf", "--wrt", "x")
    assert piped.stdout.startswith(b"%PDF-")
    plain = process("derive", SEED, "--format", "ipynb", "--wrt", "x", encoding="ascii")
    assert json.loads(plain.stdout)["nbformat"] == 4


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.html", "<!DOCTYPE html>"),
        ("a.TEX", r"\documentclass"),
        ("a.md", "### Given"),
        ("a", "Given "),
    ],
)
def test_without_a_format_the_ending_of_the_file_says_it(
    name: str, start: str, tmp_path: Path
) -> None:
    out = tmp_path / name
    assert diagrad("derive", SEED, "--wrt", "x", "-o", str(out)).exit_code == 0
    assert out.read_text("utf-8").startswith(start)
    answer = ("check", SEED, "--wrt", "x", "--answer", "x", "-o", str(out))
    assert diagrad(*answer).exit_code == 1
    assert out.read_text("utf-8")[:9] in (start[:9], "Not right", "**Not rig")
    assert diagrad("derive", SEED, "--format", "json", "-o", str(out)).exit_code == 0
    assert out.read_text("utf-8").startswith("[")


def test_a_file_named_for_output_gets_utf8_and_nothing_is_printed(tmp_path: Path):
    out = tmp_path / "result.txt"
    result = diagrad("derive", SEED, "--wrt", "x", "-o", str(out))
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"Result   {GRADIENT} " in out.read_text("utf-8")


def test_a_file_that_cannot_be_written_is_bad_input(tmp_path: Path):
    result = diagrad("derive", SEED, "--wrt", "x", "-o", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr == f"cannot write {tmp_path}: Is a directory\n"


def test_a_problem_may_come_from_standard_input_with_a_byte_order_mark():
    result = diagrad("derive", "-", text="\ufeffx: row[n]\nf = sum(x)\n")
    assert result.exit_code == 0, result.stderr
    assert result_of(result).startswith("∂f/∂x = ")


def test_warnings_go_to_standard_error():
    result = diagrad("derive", "-", text="a: row[n]\nb: column[m]\nf = sum(a * b)\n")
    assert result.exit_code == 0
    assert result.stderr.startswith("standard input:3: warning: ")
    assert "warning" not in result.stdout


def refused(result: Result, *pieces: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    for piece in pieces:
        assert piece in result.stderr
    assert "Traceback" not in result.stderr


def test_a_mistake_in_the_problem_is_shown_where_it_is(problem):
    path = problem("x: row[Dx]\nW2: matrix[H, Dy]\nz = x @ W2\n")
    refused(
        diagrad("derive", path),
        f"{path}:3: cannot multiply x (1×Dx) by W2 (H×Dy): the inner dimensions Dx and H differ",
        "    z = x @ W2\n        ^^^^^^\n",
    )


def test_files_that_are_no_text_are_refused(problem, tmp_path: Path):
    missing = str(tmp_path / "missing.dg")
    refused(diagrad("derive", missing), f"cannot read {missing}: No such file or directory")
    refused(diagrad("derive", str(tmp_path)), f"cannot read {tmp_path}: Is a directory")
    latin = problem(b"x: row[n]\n# Gr\xf6\xdfe\n")
    refused(diagrad("derive", latin), f"{latin}:2: not UTF-8")
    refused(diagrad("derive", problem(b"#" * 2_000_000)), "longer than 1000000 bytes")


def test_requests_that_cannot_be_met_are_refused():
    refused(diagrad("derive", SEED, "--wrt", "nosuch"), "nosuch")
    refused(diagrad("derive", SEED, "--of", "nosuch"), "nosuch")
    refused(diagrad("derive", SEED, "--wrt", ","), "name one with --wrt")
    refused(diagrad("derive", SEED, "--of", "x.T @ h", "--wrt", "W1", "--layout", "numerator"))
    refused(diagrad("derive", "-", text="x: row[n]\n"), "defines nothing to differentiate")


def test_wrong_usage_is_refused():
    refused(diagrad("derive"), "Missing argument 'FILE'")
    refused(diagrad("derive", SEED, "--order", "3"), "--order")
    refused(diagrad("derive", SEED, "--layout", "sideways"), "--layout")
    refused(diagrad("nosuch"), "No such command 'nosuch'")
    refused(diagrad(SEED), f"did you mean `diagrad derive {SEED}`?")


@pytest.mark.parametrize("error", [ZeroDivisionError, dg.InternalError])
def test_an_internal_error_asks_for_a_report(monkeypatch, error: type[Exception]):
    def fail(*arguments: object, **named: object) -> None:
        raise error("it broke")

    monkeypatch.setattr(dg, "parse", fail)
    result = diagrad("derive", SEED)
    assert (result.exit_code, result.stdout) == (4, "")
    assert f"diagrad: internal error: {error.__name__}: it broke" in result.stderr
    assert re.search(r"  command  diagrad.*\n  version  diagrad .*, Python .*", result.stderr)
    assert "Traceback" not in result.stderr
    monkeypatch.setenv("DIAGRAD_DEBUG", "1")
    assert "Traceback" in diagrad("derive", SEED).stderr


def test_where_the_output_cannot_show_unicode_the_notation_is_ascii():
    result = process("derive", SEED, "--wrt", "x", encoding="ascii")
    assert (result.returncode, result.stderr) == (0, b"")
    text = result.stdout.decode("ascii")
    assert "Result   dJ/dx = ((yhat - y) @ W2.T " in text
    assert "1 x Dx, the shape of x (gradient layout)" in text
    jacobian = process("derive", SEED, "--of", "yhat", "--wrt", "x", encoding="ascii").stdout
    assert b"Dy x Dx, entry i,j is dyhat_i/dx_j (numerator layout)" in jacobian


def test_json_says_the_same_where_the_output_cannot_show_unicode():
    arguments = ("derive", SEED, "--wrt", "x", "--format", "json")
    plain, full = process(*arguments, encoding="ascii"), process(*arguments)
    assert json.loads(plain.stdout.decode("ascii")) == json.loads(full.stdout)


def test_messages_fit_the_encoding_too(problem):
    path = problem("x: row[Dx]\nW2: matrix[H, Dy]\nz = x @ W2\n")
    result = process("derive", path, encoding="ascii")
    assert result.returncode == 2
    assert "cannot multiply x (1xDx) by W2 (HxDy)" in result.stderr.decode("ascii")


def test_control_characters_of_a_problem_are_not_sent_to_the_terminal(problem):
    result = diagrad("derive", problem("f = \x1b[31mx\n"))
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr


def test_a_reader_who_leaves_early_is_no_error():
    with subprocess.Popen(
        [sys.executable, "-c", "from diagrad.cli import main; main()", "derive", SEED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 0


def test_piped_output_has_no_colour_and_loads_no_rich():
    code = (
        "import sys; from diagrad.cli import main; "
        "main(['derive', sys.argv[1]], standalone_mode=False); "
        "sys.exit('rich' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code, SEED], capture_output=True, timeout=60)
    assert result.returncode == 0
    assert b"\x1b" not in result.stdout


def test_help_lists_the_commands_and_every_option():
    assert "derive" in diagrad("--help").stdout
    shown = diagrad("derive", "-h").stdout
    assert isinstance(main.commands["derive"], click.Command)
    for option in main.commands["derive"].params:
        assert option.opts[-1] in shown or option.name == "file"


RIGHT = "((yhat - y) @ W2.T * h * (1 - h)) @ W1.T"
NETWORK = "examples/one_hidden_layer.dg"


@pytest.mark.parametrize(
    "answer, more, status, shown",
    [
        (RIGHT, [], 0, "Right: this is ∂J/∂x."),
        (f"W1 @ ({RIGHT.removesuffix(' @ W1.T')}).T", [], 0, "Right, in another convention"),
        (f"W1 @ ({RIGHT.removesuffix(' @ W1.T')}).T", ["--strict"], 1, "Not right"),
        (f"-{RIGHT}", [], 1, "\n  ((yhat - y) @ W2.T * h * (1 - h)) @ W1.T"),
        (f"2 * {RIGHT}", ["--show-answer"], 1, f"The derivative: {RIGHT}"),
        ("foo", [], 2, "nothing is called foo"),
    ],
)
def test_check_says_whether_an_answer_is_right(answer, more, status, shown, monkeypatch):
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(main, ["check", NETWORK, "--wrt", "x", "--answer", answer, *more])
    assert result.exit_code == status
    assert shown in result.output


def test_check_gives_a_hint_without_the_repair(monkeypatch):
    monkeypatch.chdir(ROOT)
    asked = ["check", NETWORK, "--wrt", "x", "--answer", f"-{RIGHT}"]
    assert RIGHT in CliRunner().invoke(main, asked).output
    assert RIGHT not in CliRunner().invoke(main, [*asked, "--hint"]).output


def test_check_reads_lines_from_a_file_and_writes_json(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    answers = tmp_path / "answers.dg"
    answers.write_text(f"dz2 = yhat - y\ndh = dz2 @ W2.T\ndJ/dx = {RIGHT}\ndJ/dW2 = h.T @ dz2\n")
    asked = ["check", NETWORK, "--file", str(answers), "--json"]
    result = CliRunner().invoke(main, [*asked, "--wrt", "W2,x"])
    assert result.exit_code == 0
    assert [v["verdict"] for v in json.loads(result.output)] == ["correct", "correct"]
    assert json.loads(CliRunner().invoke(main, [*asked, "--wrt", "x"]).output)["mistake"] is None


@pytest.mark.parametrize(
    "more, message",
    [
        ([], "give the answer with --answer, or its file with --file"),
        (["--answer", "x", "--file", "y"], "give the answer with --answer"),
        (["--answer", "x"], "name the variable with --wrt"),
        (["--answer", "x", "--wrt", "q"], "'q' is not a variable or definition"),
        (["--file", "missing.dg", "--wrt", "x"], "cannot read missing.dg"),
    ],
)
def test_check_says_what_it_needs(more, message, monkeypatch):
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(main, ["check", NETWORK, *more])
    assert result.exit_code == 2
    assert message in result.output
