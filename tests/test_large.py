"""Large problems: each gradient a short program of named intermediates, with what backpropagation
shares, checked as it stands."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import diagrad as dg
from diagrad import pages
from diagrad.derivation.program import LONG
from diagrad.errors import DerivationError, InternalError
from diagrad.expression import Apply, Expression, walk
from diagrad.matrix.cost import tokens
from diagrad.request import Request
from diagrad.verify import verify_together

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LARGE = ("ten_layers", "lstm", "gru", "transformer")


def layers(count: int) -> str:
    """A network of that many layers."""
    lines = [f"h0: row[D0]; y: row[D{count}] & onehot"]
    for k in range(1, count + 1):
        lines.append(f"W{k}: matrix[D{k - 1}, D{k}]; b{k}: row[D{k}]")
        function = "softmax" if k == count else "sigmoid"
        lines.append(f"h{k} = {function}(h{k - 1} @ W{k} + b{k})")
    return "\n".join([*lines, f"J = -sum(y * log(h{count}))"])


@pytest.fixture(scope="module", params=LARGE)
def derivations(request: pytest.FixtureRequest) -> list[dg.Derivation]:
    """All gradients of one of the large examples."""
    problem = dg.load(EXAMPLES / f"{request.param}.dg")
    return problem.derive("J", problem.default_wrt("J"))


def point(problem: dg.Problem, seed: int = 0) -> dict[str, np.ndarray]:
    """Random values of all variables."""
    rng = np.random.default_rng(seed)
    sizes = {d.name: 3 + k for k, d in enumerate(problem.source.dimensions)}
    shapes = {name: d.shape for name, d in problem.source.variables.items()}
    return {
        name: rng.standard_normal([size.evaluate(sizes) for size in shape])
        for name, shape in shapes.items()
    }


def test_the_lines_of_a_program_in_their_order_give_the_result(derivations):
    problem = derivations[0].problem
    arrays = point(problem)
    for d in derivations:
        lines = [f"{name} = {formula.source}" for name, formula in d.program]
        again = dg.parse("\n".join([problem.source.text, *lines]))
        found = again.evaluate(**arrays)[d.program[-1][0]]
        needed = {n: arrays[n] for n in problem.source.variables}
        expected = d.result.evaluate(**needed)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13)


def test_every_line_of_a_program_is_short(derivations):
    for d in derivations:
        assert all(tokens(formula.expression) <= 20 for _, formula in d.program)
        assert len(d.program) <= 25


def test_no_matrix_product_is_computed_twice(derivations):
    found: dict[str, Expression] = {}
    for d in derivations:
        if d.answer.programs is not None:
            found |= {name: formula.expression for name, formula in d.program}
    products = Counter(
        node
        for expression in found.values()
        for node in walk(expression)
        if isinstance(node, Apply) and node.operation.name == "@"
    )
    assert [node for node, times in products.items() if times > 1] == []


def test_the_variables_of_one_request_share_their_lines(derivations):
    lines: dict[str, str] = {}
    for d in derivations:
        if d.answer.programs is not None:
            for name, formula in d.program:
                assert lines.setdefault(name, formula.source) == formula.source


def test_the_page_of_a_large_problem_has_no_giant_formula(derivations):
    text = pages.text(derivations, "jacobian", "overview")
    joined = " ".join(text.split())
    for d in derivations:
        if tokens(d.result.expression) > LONG:
            assert d.result.unicode() not in joined
    for depth in ("overview", "standard"):
        outcome = pages.text(derivations, "jacobian", depth).partition("\nResults ")[2]
        assert outcome.count("\n") < 2.5 * len(derivations) + 16


def test_a_list_gives_what_each_variable_gives_alone(derivations):
    problem = derivations[0].problem
    for d in derivations[::4]:
        assert problem.derive("J", d.wrt).result.source == d.result.source


def test_a_long_formula_is_made_and_checked_when_it_is_asked_for(monkeypatch):
    problem = dg.load(EXAMPLES / "ten_layers.dg")
    (W1, _) = problem.derive("J", ["W1", "b10"])
    checked = []
    monkeypatch.setattr(
        type(W1.answer), "_check", lambda self, stated, *_: checked.append(stated.formula)
    )
    assert "_derived" not in vars(W1.answer)
    assert W1.result.source.startswith("x.T @ ")
    assert checked == [problem.expression(W1.result.source)]


def test_a_wrong_formula_in_one_line_is_never_returned(monkeypatch):
    problem = dg.load(EXAMPLES / "ten_layers.dg")
    W1, _ = problem.derive("J", ["W1", "W2"])
    wrong = problem.formula(W1.result.source.replace("(yhat - y)", "(yhat + y)"))
    again = problem.derive("J", ["W1", "W2"])[0]
    again.answer.__dict__["_derived"] = (wrong, W1.record)
    with pytest.raises(InternalError, match="failed its check"):
        _ = again.result


def test_what_is_too_long_for_one_line_still_has_a_program():
    problem = dg.parse(layers(40))
    W1, W2 = problem.derive("J", ["W1", "W2"])
    assert len(W1.program) == 40
    assert W1.verification.passed and W1.verify(1, 5).passed
    with pytest.raises(DerivationError, match="`program` has it line by line"):
        _ = W1.result
    assert "∂J/∂W₂ = h₁ᵀ δ₂" in pages.text([W1, W2])


def test_a_small_problem_is_derived_in_one_line():
    problem = dg.parse(layers(2))
    assert all(answer.programs is None for answer in asked(problem, ["W1", "b1"]).answers())


def asked(problem: dg.Problem, wrt: list[str]) -> Request:
    return Request(problem, "J", wrt, 1, "auto")


# The check of all gradients at once.

TINY = """
x: row[n]; w: row[n]; v: row[m]
J = sum(x * w) * 1e-20 + sum(v ** 3)
"""


def stated(problem: dg.Problem, **formulas: str) -> dict[str, tuple[Expression, str]]:
    return {name: (problem.expression(text), "gradient") for name, text in formulas.items()}


@pytest.mark.parametrize(
    ("formulas", "right"),
    [
        ({"x": "w * 1e-20", "v": "3 * v ** 2"}, True),
        ({"x": "w * 2e-20", "v": "3 * v ** 2"}, False),
        ({"x": "w * 1e-20", "v": "3 * v ** 2 + 1e-6"}, False),
        ({"x": "w * 1e-20 + x * 1e-26", "v": "3 * v ** 2"}, False),
        ({"x": "w * 0", "v": "3 * v ** 2"}, False),
        ({"x": "w / (sum(x) - sum(x))", "v": "3 * v ** 2"}, False),
    ],
)
def test_no_wrong_formula_hides_behind_a_larger_gradient(formulas, right):
    problem = dg.parse(TINY)
    found = verify_together(
        problem.source, problem.expression("J"), stated(problem, **formulas), {}
    )
    assert (found is not None) == right


def test_what_is_not_analytic_is_checked_one_by_one():
    problem = dg.parse("x: row[n]; v: row[n]\nJ = norm(x) + norm(v)")
    formulas = stated(problem, x="x / norm(x)", v="v / norm(v)")
    assert verify_together(problem.source, problem.expression("J"), formulas, {}) is None


def test_an_error_in_a_line_of_a_program_is_found():
    problem = dg.load(EXAMPLES / "ten_layers.dg")
    request = asked(problem, ["W1", "W2"])
    answers = request.answers()
    lines = dict(answers[0].stated.introduced)
    pairs = {a.by[0]: (a.stated.formula, a.layout) for a in answers}
    assert verify_together(problem.source, request.expression, pairs, lines) is not None
    lines["delta5"] = Apply(
        lines["delta5"].shape, problem.expression("-h5").operation, (lines["delta5"],)
    )
    assert verify_together(problem.source, request.expression, pairs, lines) is None
