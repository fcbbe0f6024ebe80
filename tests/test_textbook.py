"""A hundred problems with the answers that books print, written before any of them was derived.

`tests/textbook.jsonl` has one object a line: the problem's text, what is asked, the answer in the
problem language, and where it is from. `tools/textbook.py` prints how long results and answers are.
"""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from index_numbers import points

import diagrad as dg
from diagrad.derivation import truth
from diagrad.derivation.account import ROUTES
from diagrad.evaluate import evaluate

LINES = (Path(__file__).parent / "textbook.jsonl").read_text("utf-8").splitlines()
PROBLEMS: dict[str, dict[str, Any]] = {row["id"]: row for row in map(json.loads, LINES)}
EVERY_SIXTH = list(PROBLEMS)[::6]


@cache
def derived(name: str) -> dg.Derivation:
    row = PROBLEMS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem = dg.parse(row["problem"])
        return problem.derive(row["of"], row["wrt"], row["order"], row["layout"])


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_result_is_the_books_answer(name):
    derivation = derived(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = derivation.problem.expression(PROBLEMS[name]["answer"])
    formula = derivation.result.expression
    compared = 0
    for environment in points(derivation.problem, 3):
        ours, theirs = (evaluate(e, environment) for e in (formula, answer))
        if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
            continue
        scale = max(1e-6, float(np.abs(theirs).max()))
        assert ours.shape == theirs.shape
        assert float(np.abs(ours - theirs).max()) < 1e-8 * scale
        compared += 1
    assert compared


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_result_is_in_matrix_form(name):
    assert "einsum" not in derived(name).result.source


@pytest.mark.parametrize("name", EVERY_SIXTH)
def test_every_step_is_true_by_every_route(name):
    derivation = derived(name)
    source = derivation.telling.last.book.source
    for route in ROUTES:
        steps = derivation.steps_by(route)
        for step in steps:
            truth.check(source, step)
        assert list(truth.faults(steps, source.names, derivation.result)) == []
