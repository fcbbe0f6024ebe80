"""`%%diagrad` as a person uses it in a notebook, in a shell of IPython's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import CapturedIO, capture_output
from traitlets.config import Config

import diagrad as dg

CELL = """x: row[n]; W: matrix[n, m]
h = tanh(x @ W)
J = sum(h ** 2)
"""


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    """A shell that writes no history and no colours."""
    quiet = Config(
        {"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}}
    )
    made = InteractiveShell.instance(config=quiet)
    made.display_formatter.active_types = made.display_formatter.format_types
    made.run_line_magic("load_ext", "diagrad")
    yield made
    InteractiveShell.clear_instance()


def run(shell: InteractiveShell, line: str, cell: str = CELL) -> CapturedIO:
    """What a cell shows that runs without an error."""
    with capture_output() as shown:
        done = shell.run_cell(f"%%diagrad {line}\n{cell}")
    assert done.success, shown.stdout
    return shown


def fails(shell: InteractiveShell, line: str, cell: str = CELL) -> str:
    """All that a cell shows that stops with an error."""
    with capture_output() as shown:
        done = shell.run_cell(f"%%diagrad {line}\n{cell}")
    assert not done.success
    assert shown.outputs == []
    return str(shown.stdout + shown.stderr).rstrip("\n")


def data(shown: CapturedIO) -> dict[str, str]:
    (output,) = shown.outputs
    return dict(output.data)


def test_a_cell_is_shown_as_its_derivation_is_in_a_notebook(shell: InteractiveShell) -> None:
    expected = dg.parse(CELL).derive("J", wrt="x")._repr_mimebundle_()
    assert data(run(shell, "J --wrt x")) == expected


def test_without_a_line_the_last_definition_is_derived_by_every_variable(shell: InteractiveShell):
    text = data(run(shell, ""))["text/plain"]
    assert text == "".join(row + "\n" for row in text.splitlines())
    assert "∂J/∂x = " in text and "∂J/∂W = " in text


def test_the_line_takes_the_options_of_the_command_line(shell: InteractiveShell) -> None:
    told = data(run(shell, "h --wrt x --layout denominator --route both --depth overview"))
    d = dg.parse(CELL).derive("h", wrt="x", layout="denominator")
    assert told["text/plain"] == d.text("both", "overview")
    assert "The same by elements" in told["text/markdown"]
    assert "∂²J/∂x²" in data(run(shell, "--of J --wrt x --order 2"))["text/plain"]
    tied = "S: matrix[n, n] & symmetric; A: matrix[n, n]; f = trace(A @ S)"
    assert "diag" in data(run(shell, "--structure --wrt S", tied))["text/plain"]


def test_an_expression_can_be_derived(shell: InteractiveShell) -> None:
    assert "2 x" in data(run(shell, '"sum(x ** 2)" --wrt x'))["text/plain"]


def test_the_problem_and_the_derivation_are_kept_under_names(shell: InteractiveShell) -> None:
    run(shell, "--wrt x --name p --into d")
    assert isinstance(shell.user_ns["p"], dg.Problem)
    assert shell.user_ns["d"].result.source == shell.user_ns["p"].derive("J", "x").result.source
    run(shell, "--name p --into both")
    assert [d.wrt for d in shell.user_ns["both"]] == ["x", "W"]


def test_no_name_is_bound_that_was_not_asked_for(shell: InteractiveShell) -> None:
    before = set(shell.user_ns)
    run(shell, "--wrt x")
    assert set(shell.user_ns) == before


def test_a_mistake_in_the_cell_is_shown_with_carets_and_the_line_of_the_cell(
    shell: InteractiveShell,
) -> None:
    assert fails(shell, "", "x: row[n]\nJ = sum(x @ x)\n").splitlines() == [
        "cell:3: cannot multiply x (1×n) by x (1×n): the inner dimensions n and 1 differ; "
        "did you mean x @ x.T?",
        "    J = sum(x @ x)",
        "            ^^^^^",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--wrt q", "'q' is not a variable or definition of the problem: x, W, h, J"),
        ("--route up", "Invalid value for '--route': 'up' is not one of 'jacobian', "),
        ("--rout both", "No such option '--rout'"),
        ("--name 1p", "Invalid value for '--name': '1p' is not a name in Python\n%diagrad --help"),
        ("--into class", "Invalid value for '--into': 'class' is not a name in Python"),
        ('"sum(x)', 'No closing quotation in %%diagrad "sum(x)'),
        ("J --of h", "what is differentiated, J or h? Name one of them"),
    ],
)
def test_a_line_that_cannot_be_met_is_an_error_without_a_traceback(
    shell: InteractiveShell, line: str, message: str
) -> None:
    said = fails(shell, line)
    assert said.startswith(message)
    assert "Traceback" not in said


def test_nothing_is_kept_of_a_cell_that_fails(shell: InteractiveShell) -> None:
    fails(shell, "--wrt q --name never")
    assert "never" not in shell.user_ns


def test_a_warning_of_the_problem_goes_to_standard_error(shell: InteractiveShell) -> None:
    shown = run(shell, "--wrt x", "x: row[n]; y: column[m]\nJ = sum(x * y)\n")
    assert "cell:3" in shown.stderr


@pytest.mark.parametrize("line", ["--help", "-h"])
def test_help_is_asked_for_on_a_line_of_its_own(shell: InteractiveShell, line: str) -> None:
    with capture_output() as shown:
        assert shell.run_cell(f"%diagrad {line}").success
    assert shown.stdout.startswith("Usage: %%diagrad [OPTIONS] [J]")
    assert all(f"--{name}" in shown.stdout for name in ("wrt", "order", "route", "name", "into"))


def test_one_percent_sign_is_told_from_two(shell: InteractiveShell) -> None:
    with capture_output() as shown:
        assert not shell.run_cell("%diagrad J").success
    assert "with two percent signs" in shown.stdout


def test_diagrad_needs_no_ipython_until_the_extension_is_loaded() -> None:
    code = "import sys, diagrad.cli; sys.exit('IPython' in sys.modules)"
    code += " or 'diagrad.notebook' in sys.modules"
    done: subprocess.CompletedProcess[Any] = subprocess.run([sys.executable, "-c", code])
    assert done.returncode == 0
