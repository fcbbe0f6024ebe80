"""Whole derivations as a course would have them: golden text that a person reviews."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest
from test_steps import checked

import diagrad as dg
from diagrad import pages
from diagrad.derivation.step import Step

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
ASKED = "# derive: "
EXAMPLES = {
    "one_hidden_layer_x": ("one_hidden_layer", "--wrt x --route both"),
    "one_hidden_layer_x_full": ("one_hidden_layer", "--wrt x --depth full"),
    "batch_sweep": ("batch", "--wrt W1,b1,W2,b2"),
    "column_sweep": ("column", "--wrt x,W1,b1"),
    "ten_layers_overview": ("ten_layers", "--wrt x,W1,b1,W5,b5,W10,b10 --depth overview"),
    "lstm_overview": ("lstm", "--wrt X,H0,C0,Wi,Ui,bi,Wf,Wo,Wg --depth overview"),
    "gru_overview": ("gru", "--wrt x,h0,Wz,Wr,Wn,Un,bn --depth overview"),
    "transformer_overview": ("transformer", "--wrt X,Wq,Wk,Wv,Wo,W1,b1,W2,g1,c1 --depth overview"),
    "transformer_Wq": ("transformer", "--wrt Wq"),
    "logistic_hessian": ("logistic", "--wrt w --order 2"),
    "differentials_x": ("one_hidden_layer", "--wrt x --route differential"),
    "differentials_sweep": ("batch", "--wrt W1,b1 --route differential"),
    "differentials_column_w": ("column", "--wrt W1 --route differential --depth full"),
}
COURSE = sorted(path.stem for path in GOLDEN.glob("*.dg"))


def request(words: str) -> argparse.Namespace:
    """The options of `diagrad derive`, and whether the text is ASCII."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--of", default="")
    parser.add_argument("--wrt", type=lambda names: names.split(","), required=True)
    parser.add_argument("--order", type=int, default=1)
    parser.add_argument("--layout", default="auto")
    parser.add_argument("--route", default="jacobian")
    parser.add_argument("--depth", default="standard")
    parser.add_argument("--ascii", action="store_true")
    return parser.parse_args(words.split())


def derived(path: Path, asked: argparse.Namespace) -> list[dg.Derivation]:
    problem = dg.load(path)
    return problem.derive(
        asked.of or problem.last, asked.wrt, order=asked.order, layout=asked.layout
    )


def agrees(name: str, text: str) -> None:
    """The text is that of the file, which DIAGRAD_GOLDEN=write writes for a person to review."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("DIAGRAD_GOLDEN") == "write":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), (
        "review: DIAGRAD_GOLDEN=write pytest tests/test_golden.py"
    )


@pytest.mark.parametrize("name", [*EXAMPLES, *COURSE])
def test_the_text_is_that_which_a_person_reviewed_and_every_step_of_it_is_true(name: str) -> None:
    if name in EXAMPLES:
        example, words = EXAMPLES[name]
        path = ROOT / "examples" / f"{example}.dg"
    else:
        path = GOLDEN / f"{name}.dg"
        first = path.read_text("utf-8").splitlines()[0]
        assert first.startswith(ASKED)
        words = first.removeprefix(ASKED)
    asked = request(words)
    derivations = derived(path, asked)
    agrees(name, pages.text(derivations, asked.route, asked.depth, 100, asked.ascii))
    known: dict[Step, int] = {}
    for derivation in derivations:
        assert checked(derivation, known) >= 1


def test_every_text_has_its_problem() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == sorted([*EXAMPLES, *COURSE])
