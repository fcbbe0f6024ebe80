"""Answers made from the textbook's: the checker's verdicts, kinds and repairs against labels that
were found by numbers alone.

`tools/answers_run.py` runs all of them, on these and on other problems.
"""

import json
import random
import sys
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from answers.judging import Found, judged, links, shown, worth_of
from answers.trees import parsed, text
from answers.variants import Case, cases
from answers.world import World

PATH = Path(__file__).parent / "textbook.jsonl"
ROWS = [json.loads(line) for line in PATH.read_text("utf-8").splitlines()]
SAMPLED, EACH = ROWS[::4], 10
KINDS_NAMED = 0.85

NETWORK = {
    "id": "network",
    "problem": (
        "X: matrix[N, D]\nW: matrix[D, H]\nb: row[H]\nV: matrix[H, C]\nY: matrix[N, C] & onehot\n"
        "z = X @ W + b\nh = sigmoid(z)\nP = softmax(h @ V)\nJ = -sum(Y * log(P)) / N\n"
    ),
    "of": "J",
    "wrt": "W",
    "order": 1,
    "layout": "gradient",
    "answer": "X.T @ (((P - Y) @ V.T / N) * h * (1 - h))",
}
WORTH = [
    ("X.T @ ((P - Y) / N @ V.T * h * (1 - h))", "right"),
    ("dJ/dz = (P - Y) @ V.T / N * h * (1 - h)\ndJ/dW = X.T @ dJ/dz", "right"),
    ("(((P - Y) @ V.T / N) * h * (1 - h)).T @ X", "layout"),
    ("X.T @ ((P - Y) @ V.T * h * (1 - h))", "wrong"),
    ("X.T @ ((P - Y) / N @ V.T * z * (1 - z))", "wrong"),
    ("X @ ((P - Y) / N @ V.T * h * (1 - h))", "misfit"),
]


DIRECT = [
    ("dz = (P - Y) @ V.T / N * h * (1 - h)\nX.T @ dz", "correct", "", None),
    ("dz = (P - Y) @ V.T * h * (1 - h)\nX.T @ dz / N", "other-convention", "", None),
    ("(((P - Y) @ V.T / N) * h * (1 - h)).T @ X", "other-convention", "", None),
    ("dz = (P - Y) @ V.T * h * (1 - h)\nX.T @ dz", "incorrect", "batch-factor", 1),
    ("X.T @ ((P - Y) / N @ V.T * z * (1 - z))", "incorrect", "wrong-point", 1),
    ("X.T @ ((Y - P) / N @ V.T * h * (1 - h))", "incorrect", "sign", 1),
    ("dh = (P - Y) / N @ V.T\n\nX @ (dh * h * (1 - h))", "incorrect", "transpose", 3),
]


@cache
def found(which: int) -> list[Found]:
    """The checker on some cases of a problem."""
    row = SAMPLED[which]
    made = cases(row)
    some = random.Random(row["id"]).sample(made, min(EACH, len(made)))
    worlds = {case.problem: World({**row, "problem": case.problem}, seed=1) for case in some}
    return [judged(case, worlds[case.problem]) for case in some]


@pytest.mark.parametrize("which", range(len(SAMPLED)))
def test_no_verdict_is_false_and_no_repair_is_wrong(which):
    bad = [
        f
        for f in found(which)
        if f.error or f.repaired is False or (f.verdict == "incorrect") != (f.case.kinds != set())
    ]
    assert not bad, "\n\n".join(map(shown, bad))


def test_most_mistakes_are_named():
    wrong = [f for k in range(len(SAMPLED)) for f in found(k) if f.case.verdict == "incorrect"]
    missed = [shown(f) for f in wrong if f.kind not in f.case.kinds]
    assert len(missed) <= (1 - KINDS_NAMED) * len(wrong), "\n\n".join(missed)


@pytest.mark.parametrize(("answer", "verdict"), WORTH)
def test_numbers_know_what_an_answer_is_worth(answer, verdict):
    assert worth_of(World(NETWORK), answer).verdict == verdict


@pytest.mark.parametrize(("answer", "verdict", "kind", "line"), DIRECT)
def test_the_checker_on_a_network(answer, verdict, kind, line):
    case = Case("direct", NETWORK["problem"], "J", "W", 1, "auto", answer, verdict)
    got = judged(case, World(NETWORK))
    assert (got.verdict, got.kind, got.line, got.error) == (verdict, kind, line, "")


def test_a_record_has_right_and_wrong_answers_and_always_the_same():
    made = cases(NETWORK)
    verdicts = [case.verdict for case in made]
    assert {"correct", "other-convention", "incorrect"} == set(verdicts)
    assert verdicts.count("incorrect") < 0.6 * len(made)
    assert made == cases(NETWORK) != cases(NETWORK, seed=1)


def test_the_kinds_of_a_network_are_the_common_ones():
    kinds = set().union(*(c.kinds for s in range(6) for c in cases(NETWORK, seed=s)))
    expected = (
        "transpose factor-order hadamard-matmul sign constant-factor batch-factor missing-link "
        "extra-derivative wrong-quantity wrong-point softmax-diagonal precedence forward "
        "other-layout"
    )
    assert set(expected.split()) <= kinds


def test_a_wrong_line_is_wrong_by_its_number_alone():
    for case in cases(NETWORK):
        if case.what.startswith("named:"):
            (k,) = case.lines
            assert 1 <= k <= len(case.answer.splitlines())


def test_the_last_link_of_a_line_is_its_value():
    name, node = links("dJ/dW = a + b = sum(c, axis=0)  # so")[0]
    assert (name, text(node)) == ("dJ_by_dW", "sum(c, axis=0)")
    assert links("# only words") == []
    assert text(parsed("a @ (b @ c)")) == "a @ (b @ c)"
