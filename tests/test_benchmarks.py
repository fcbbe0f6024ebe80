"""The benchmark of peers compares before it times, takes ratios within rounds, and keeps a page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import measuring  # noqa: E402
import ours  # noqa: E402
import peer_numpy  # noqa: E402
import peers  # noqa: E402
import race  # noqa: E402
import tables  # noqa: E402
import workloads  # noqa: E402
from measuring import Disagreement, Effort, Form, Spread  # noqa: E402
from tables import Measured, Row  # noqa: E402

SOME = Effort(rounds=5, turn=1.0, limit=1e9)


class Clock:
    """Time that only the forms move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def form(self, peer: str, name: str, seconds: float) -> Form:
        return Form(peer, name, self.passes, (seconds,))

    def passes(self, seconds: float) -> None:
        self.now += seconds


def test_ratios_are_taken_round_by_round() -> None:
    assert measuring.ratios([2, 6, 40], [1, 2, 10]) == Spread(2.5, 3, 3.5)


def test_a_single_round_has_no_quartiles_but_itself() -> None:
    assert measuring.spread([7.0]) == Spread(7, 7, 7)


def test_every_form_runs_in_every_round_as_often_as_fills_its_turn() -> None:
    clock = Clock()
    forms = [clock.form("ours", "a", 2**-6), clock.form("JAX", "b", 2**-4)]
    fast, slow = measuring.raced(forms, SOME, clock)
    assert (fast, slow) == ([2**-6] * 5, [2**-4] * 5)
    assert measuring.ratios(slow, fast) == Spread(4, 4, 4)
    assert [measuring.calls(form, 1.0, clock)[0] for form in forms] == [64, 16]


def test_what_takes_long_has_few_rounds() -> None:
    clock = Clock()
    limited = Effort(rounds=31, turn=0.5, limit=10.0)
    (times,) = measuring.raced([clock.form("JAX", "hessian", 8.0)], limited, clock)
    assert len(times) == measuring.FEWEST


def test_only_forms_near_their_peers_fastest_run_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"a": 1.0, "b": 1.2, "c": 2.0, "d": 9.0}
    forms = [Form("d" if n == "d" else "JAX", n, print, ()) for n in seconds]
    monkeypatch.setattr(measuring, "raced", lambda f, _: [[seconds[form.name]] for form in f])
    assert [form.name for form in measuring.promising(forms, SOME)] == ["a", "b", "d"]


def test_outputs_agree_whatever_their_unit_axes() -> None:
    measuring.agree([np.array([1.0, 2 + 1e-10])], [np.array([[1.0, 2.0]])], 1e-9)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([], "0 outputs, not 1"),
        ([np.ones(3)], r"output 0 has shape \(3,\), not \(1, 2\)"),
        ([np.ones(2, "float32")], "output 0 is float32, not float64"),
        ([np.array([1, 1 + 1e-6])], "output 0 is off by 1.0e-06 of its largest entry"),
    ],
)
def test_other_outputs_disagree_and_say_how(found: list[np.ndarray], reason: str) -> None:
    with pytest.raises(Disagreement, match=reason):
        measuring.agree(found, [np.ones((1, 2))], 1e-9)


def first_of_each_task() -> list[workloads.Workload]:
    """At a small size; an epoch of training is no formula."""
    found: dict[str, workloads.Workload] = {}
    for w in workloads.workloads():
        if w.task in set(peer_numpy.TASKS) - {"epoch"} and peers.chosen(
            w.title, peers.options(["--quick"])
        ):
            found.setdefault(w.task, w)
    return list(found.values())


@pytest.mark.parametrize("w", first_of_each_task(), ids=lambda w: w.task)
def test_a_textbooks_code_gives_what_the_derived_formulas_give(w: workloads.Workload) -> None:
    (form,) = peer_numpy.forms(w, thorough=True)
    expected = ours.evaluated(w)
    if expected is not None:  # a formula that takes no long time to evaluate
        measuring.agree(form.outputs(), expected, w.tolerance)


def test_a_peer_that_is_wrong_is_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    w = first_of_each_task()[0]

    def forms(w: workloads.Workload, thorough: bool) -> Iterator[Form]:
        (right,) = peer_numpy.forms(w, thorough)
        yield right
        yield Form("Wrong", "guess", lambda: [np.ones(1)], ())
        raise RuntimeError("no compiler\nat all")

    monkeypatch.setattr(ours, "forms", lambda w: iter(()))
    left = list(race.contenders(w, [SimpleNamespace(NAME="Peer", forms=forms)], True))
    assert [form.peer for form in left] == ["NumPy"]
    assert capsys.readouterr().out == (
        f"{w.title}: Wrong, guess, is left out: 1 outputs, not 6\n"
        f"{w.title}: Peer is left out: RuntimeError: no compiler\n"
    )


def test_writing_into_given_arrays_is_a_row_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    w = first_of_each_task()[0]
    clock = Clock()
    forms = [
        clock.form("Diagrad", "compiled", 2.0),
        clock.form("Diagrad, into", "into", 1.0),
        clock.form("JAX", "jit", 66.0),
    ]
    monkeypatch.setattr(race, "contenders", lambda *_: forms)
    monkeypatch.setattr(race, "promising", lambda forms, _: forms)
    monkeypatch.setattr(race, "raced", lambda forms, _: [[f.arguments[0]] for f in forms])
    allocating, into = race.rows(w, [], True)
    assert allocating.peers == {"JAX": Measured("jit", 66.0, Spread(33, 33, 33), 33.0)}
    assert into.peers == {"JAX": Measured("jit", 66.0, Spread(66, 66, 66), 60.0)}


ROWS = [
    Row(
        "A, single",
        2.1e-6,
        {
            "JAX": Measured("jit", 7e-5, Spread(33, 34.56, 36), 33.0),
            "NumPy": Measured("textbook", 2e-5, Spread(9.1, 9.52, 9.9), 18.0),
        },
    ),
    Row("Hessian & all", None, {"JAX": Measured("hessian", 0.0123, None, 12.0)}),
]


def test_a_table_says_the_ratio_its_quartiles_and_whether_it_is_the_one_aimed_at() -> None:
    assert tables.overview(ROWS) == (
        "| workload | Diagrad | JAX | NumPy |\n"
        "|---|--:|--:|--:|\n"
        "| A, single | 2.10 µs | 34.6× (33.0–36.0), ≥ 33 | 9.52× (9.10–9.90), not 18 |\n"
        "| Hessian & all | not compiled | 12.3 ms | – |"
    )


def test_a_second_table_says_which_form_was_fastest() -> None:
    assert tables.forms(ROWS).splitlines()[2:] == [
        "| A, single | 70.0 µs, jit | 20.0 µs, textbook |",
        "| Hessian & all | 12.3 ms, hessian | – |",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3.2e-7, "0.320 µs"),
        (9.996e-4, "1.00 ms"),
        (0.25, "250 ms"),
        (12.0, "12.0 s"),
        (123.46, "123 s"),
    ],
)
def test_times_have_three_digits_and_a_unit(seconds: float, words: str) -> None:
    assert tables.duration(seconds) == words


def test_what_else_stands_on_the_page_is_kept(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    page.write_text("# Results\n\n<!-- layers -->\nkept\n<!-- end of layers -->\n", "utf-8")
    for words in ("first\n", "second\n"):
        tables.record(page, words)
    assert page.read_text("utf-8") == (
        "# Results\n\n<!-- layers -->\nkept\n<!-- end of layers -->\n\n"
        "<!-- peers -->\nsecond\n<!-- end of peers -->\n"
    )


def test_the_page_is_written_whole() -> None:
    page = race.page(ROWS, "python benchmarks/peers.py", "a machine", "import 1 ms")
    assert "{" not in page and tables.overview(ROWS) in page and "a machine" in page


def test_the_plot_is_an_image_with_a_point_for_each_ratio() -> None:
    picture = ElementTree.fromstring(tables.plot(ROWS))
    circles = picture.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 2 + 2  # the legend's, and the first row's
    assert len({circle.get("cx") for circle in circles}) == 4


@pytest.mark.parametrize(
    ("arguments", "title", "wanted"),
    [
        ([], "A: value, large (1024)", True),
        (["--quick"], "A: value, large (1024)", False),
        (["--quick"], "Hessian of logistic regression, n = 500, m = 1000", False),
        (["--only", "A"], "A: value, large (1024)", True),
        (["--only", "A"], "Jacobian of Yhat", False),
        (["--only", "hessian", "--only", "A"], "Hessian in X, dense", True),
    ],
)
def test_workloads_are_chosen_by_title(arguments: list[str], title: str, wanted: bool) -> None:
    assert peers.chosen(title, peers.options(arguments)) is wanted


def test_the_command_limits_itself_to_one_core_and_prints_a_table() -> None:
    command = [sys.executable, str(BENCHMARKS / "peers.py"), "--quick", "--only", "single"]
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    run = subprocess.run(
        [*command, "--peer", "numpy"], capture_output=True, text=True, env=environment, check=True
    )
    assert "\n| A: value and all gradients, single (1, 10-5-10) | " in run.stdout
    assert run.stderr == ""
