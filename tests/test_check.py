"""Answers are judged: the verdict first of all, then the line, the mistake, and the repair."""

import json
from pathlib import Path

import numpy as np
import pytest

import diagrad as dg
from diagrad.check.saying import KINDS
from diagrad.check.verdict import worst

STUDENTS = [
    json.loads(line)
    for line in (Path(__file__).parent / "students.jsonl").read_text("utf-8").splitlines()
]
NETWORK = """
x: row[Dx]; W1: matrix[Dx, H]; b1: row[H]; W2: matrix[H, Dy]; b2: row[Dy]; y: row[Dy] & onehot
h = sigmoid(x @ W1 + b1)
yhat = softmax(h @ W2 + b2)
J = -sum(y * log(yhat))
"""
BATCH = """
X: matrix[N, D]; W1: matrix[D, H]; b1: row[H]; W2: matrix[H, C]; b2: row[C]
Y: matrix[N, C] & onehot; lam: scalar & positive
z1 = X @ W1 + b1
h = sigmoid(z1)
z2 = h @ W2 + b2
P = softmax(z2)
J = -sum(Y * log(P)) / N + lam / 2 * sum(W1 ** 2)
"""
QUADRATIC = "x: column[n]; A: matrix[n, n]\nf = x.T @ A @ x"
SEED = "dJ/dx = (yhat - y) @ W2.T @ (h*(1-h)) @ W1.T"


@pytest.fixture(scope="module")
def network() -> dg.Problem:
    return dg.parse(NETWORK)


@pytest.fixture(scope="module")
def batch() -> dg.Problem:
    return dg.parse(BATCH)


def asked(case: dict) -> dg.Verdict:
    wrt = case["wrt"] if isinstance(case["wrt"], str) else tuple(case["wrt"])
    problem = dg.parse(case["problem"])
    return problem.check(
        case["of"], wrt, case["answer"], order=case.get("order", 1), layout=case["layout"]
    )


def mended(answer: str, line: int, repair: str) -> str:
    """The answer with the repair in place of a line, and of the lines that go on with its chain."""
    lines = answer.split("\n")
    end = line
    while end < len(lines) and lines[end].lstrip().startswith("="):
        end += 1
    return "\n".join([*lines[: line - 1], repair, *lines[end:]])


@pytest.mark.parametrize("part", range(4))
def test_answers_of_students_get_the_verdict_that_their_teacher_gave(part: int):
    """Answers written from the list of mistakes by three people who had not seen the checker.
    No verdict is false; of the wrong ones nearly all have the right line and kind."""
    found = [(case, asked(case)) for case in STUDENTS[part::4]]
    assert [c["id"] for c, v in found if v.kind != c["verdict"]] == []
    wrong = [(c, v) for c, v in found if c["verdict"] == "incorrect"]
    lines = [v.first_wrong_line == c["line"] for c, v in wrong]
    kinds = [v.mistake.kind in c["kinds"] for c, v in wrong]
    assert sum(lines) >= 0.95 * len(wrong) - 1
    assert sum(kinds) >= 0.85 * len(wrong)
    for case, verdict in wrong:
        if verdict.mistake.repair is not None:
            again = mended(case["answer"], verdict.first_wrong_line, verdict.mistake.repair)
            assert asked({**case, "answer": again}).is_right, case["id"]


def test_the_question_that_started_it_gets_its_answer(network: dg.Problem):
    verdict = network.check("J", "x", SEED)
    assert verdict.kind == "incorrect"
    assert verdict.first_wrong_line == 1
    assert verdict.mistake.kind == "hadamard-matmul"
    assert verdict.mistake.message == (
        "The product does not exist: (1×H)(1×H). You are right that the factor for h = σ(z₁) is "
        "h ∘ (1 − h), but ∂h/∂z₁ is the H×H diagonal matrix diag(h ∘ (1 − h)). Multiply by that "
        "matrix, or, the same thing, elementwise."
    )
    assert verdict.mistake.repair == "dJ/dx = ((yhat - y) @ W2.T * h * (1 - h)) @ W1.T"
    assert list(verdict.right) == ["yhat - y", "(yhat - y) @ W2.T"]


@pytest.mark.parametrize(
    "answer",
    [
        "((yhat - y) @ W2.T * h * (1 - h)) @ W1.T",
        "(yhat - y) @ W2.T @ diag(h * (1 - h)) @ W1.T",
        "(W1 @ diag(h - h**2) @ W2 @ (yhat - y).T).T",
        "d2 = yhat - y\ndh = d2 @ W2.T\n\n# through sigma\ndz1 = dh * h * (1 - h)\ndz1 @ W1.T",
        "dJ/dx = delta1 @ W1.T",
        "dJ/dx = dJ/dh * h * (1 - h) @ W1.T = dJ/dz1 @ W1.T",
        "h = sigmoid(x @ W1 + b1)\ng = (yhat - y) @ W2.T\ng *= h\ng *= 1 - h\n∂J/∂x = g @ W1.T",
        "dJ/dx = (yhat - y) @ W2.T * prime(sigmoid)(x @ W1 + b1)\n   @ W1.T".replace("\n   ", " "),
    ],
)
def test_a_right_answer_is_right_in_any_form(network: dg.Problem, answer: str):
    assert network.check("J", "x", answer).kind == "correct"


def test_another_layout_is_right_unless_one_was_asked_for(network: dg.Problem):
    answer = "W1 @ ((yhat - y) @ W2.T * h * (1 - h)).T"
    assert network.check("J", "x", answer).kind == "other-convention"
    assert network.check("J", "x", answer, strict=True).kind == "incorrect"
    assert network.check("J", "x", answer, layout="gradient").kind == "incorrect"


@pytest.mark.parametrize(
    "wrt, answer, kind",
    [
        ("W1", "X.T @ ((P-Y)/N @ W2.T) + lam*W1", "missing-link"),
        ("W1", "X.T @ ((P-Y)/N @ W2.T * h*(1-h))", "regularisation"),
        ("W1", "X.T @ ((P-Y)/N @ W2.T * h*(1-h)) + 2*lam*W1", "regularisation"),
        ("W1", "X.T @ ((P-Y) @ W2.T * h*(1-h)) + lam*W1", "batch-factor"),
        ("W2", "h.T @ (Y-P)/N", "sign"),
        ("W2", "z1.T @ (P-Y)/N", "wrong-quantity"),
        ("W2", "(P-Y)/N @ h.T", "factor-order"),
        ("W2", "h @ (P-Y)/N", "transpose"),
        ("b2", "mean((P-Y)/N, axis=0)", "bias-averaged"),
        ("b2", "(P-Y)/N", "broadcast-not-summed"),
        ("b2", "sum((P-Y)/N, axis=1)", "wrong-axis"),
        ("b2", "sum((P-Y)*P*(1-P)/N, axis=0)", "extra-derivative"),
        ("b2", "sum((-Y/P/N)*P*(1-P), axis=0)", "softmax-diagonal"),
        ("X", "h*(1-h)*(P-Y) @ W2.T @ W1.T/N", "precedence"),
        ("X", "((P-Y)/N @ W2.T * z1*(1-z1)) @ W1.T", "wrong-point"),
    ],
)
def test_each_mistake_gets_its_name(batch: dg.Problem, wrt: str, answer: str, kind: str):
    verdict = batch.check("J", wrt, answer)
    assert verdict.kind == "incorrect"
    assert verdict.mistake.kind == kind
    if verdict.mistake.repair is not None:
        assert batch.check("J", wrt, verdict.mistake.repair).kind == "correct"


@pytest.mark.parametrize(
    "answer, kind",
    [("2*A @ x", "special-case"), ("A @ x", "one-occurrence"), ("(A + A.T) @ x * 2", None)],
)
def test_what_holds_for_symmetric_matrices_alone_is_told(answer: str, kind: str | None):
    verdict = dg.parse(QUADRATIC).check("f", "x", answer)
    assert verdict.mistake.kind == (kind or "constant-factor")


def test_a_fact_makes_an_answer_right():
    problem = dg.parse(QUADRATIC.replace("n]\n", "n] & symmetric\n", 1))
    assert problem.check("f", "x", "2*A @ x").kind == "correct"


def test_the_structured_derivative_is_another_convention():
    problem = dg.parse("S: matrix[n, n] & spd\nf = logdet(S)")
    structured = "2*inv(S) - diag(diagonal(inv(S)))"
    assert problem.check("f", "S", structured).kind == "other-convention"
    assert problem.check("f", "S", structured, strict=True).kind == "incorrect"


def test_a_factor_placed_elsewhere_and_made_up_for_is_another_convention(batch: dg.Problem):
    answer = "dJ/dz2 = P - Y\ndJ/dW2 = h.T @ dJ/dz2 / N"
    verdict = batch.check("J", "W2", answer)
    assert verdict.kind == "other-convention"
    assert "line 1 is N times ∂J/∂z₂" in verdict.because


def test_the_first_wrong_line_is_found_though_later_ones_use_it_rightly(batch: dg.Problem):
    answer = "dz2 = (P - Y) / N\ndh = dz2 @ W2.T\ndz1 = dh * h\ndX = dz1 @ W1.T"
    verdict = batch.check("J", "X", answer)
    assert verdict.first_wrong_line == 3
    assert [line.status for line in verdict.lines] == ["right", "right", "wrong", "follows"]
    assert verdict.lines[3].words == "right, given line 3"


def test_a_false_link_of_a_chain_makes_the_answer_wrong(network: dg.Problem):
    right = "((yhat - y) @ W2.T * h * (1 - h)) @ W1.T"
    verdict = network.check("J", "x", f"dJ/dx = ((y - yhat) @ W2.T * h * (1 - h)) @ W1.T = {right}")
    assert verdict.kind == "incorrect"


def test_a_small_wrong_term_is_not_hidden(network: dg.Problem):
    right = "((yhat - y) @ W2.T * h * (1 - h)) @ W1.T"
    assert network.check("J", "x", f"{right} + 1e-9 * x").kind == "incorrect"


@pytest.mark.parametrize(
    "answer, message",
    [
        ("", "nothing is written here"),
        ("dJ/dz1 =", "something is missing after this ="),
        ("x = 3", "x is given by the problem"),
        ("sum = 3", "sum is a word of the language"),
        ("(yhat - y", "never closed"),
        ("foo @ W1.T", "nothing is called foo"),
        ("yhat - - y @", "something is missing after @"),
        ("a = b = ", "nothing is called b"),
        ("h[0]", "not supported yet"),
        ("__import__('os')", None),
    ],
)
def test_what_is_not_in_the_language_is_an_error(
    network: dg.Problem, answer: str, message: str | None
):
    with pytest.raises(dg.ProblemError, match=message):
        network.check("J", "x", answer)


def test_an_answer_is_named_as_it_was_written(network: dg.Problem):
    with pytest.raises(dg.ProblemError) as error:
        network.check("J", "x", "dJ/dz1 = foo")
    assert "    dJ/dz1 = foo" in str(error.value)


def test_a_verdict_shows_as_much_as_is_asked_for(network: dg.Problem):
    verdict = network.check("J", "x", SEED)
    answer = "((yhat - y) @ W2.T * h * (1 - h)) @ W1.T"
    assert answer in verdict.text()
    assert answer not in verdict.text(hint=True)
    assert "The derivative: " + answer in verdict.text(hint=True, show_answer=True)
    data = verdict.data()
    assert data["verdict"] == "incorrect"
    assert data["mistake"]["kind"] == "hadamard-matmul"
    assert "answer" not in data
    assert verdict.data(show_answer=True)["answer"] == answer
    assert json.loads(json.dumps(data)) == data
    assert set(verdict._repr_mimebundle_()) == {"text/plain", "text/markdown"}


def test_every_kind_has_a_hint():
    assert len(KINDS) == 28
    assert worst(["correct", "undecided"]) == "undecided"


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def backward(X, W1, b1, W2, b2, Y, lam):
    h = 1 / (1 + np.exp(-(X @ W1 + b1)))
    d2 = (softmax(h @ W2 + b2) - Y) / len(X)
    d1 = d2 @ W2.T * h * (1 - h)
    return {
        "X": d1 @ W1.T,
        "W1": X.T @ d1 + lam * W1,
        "b1": d1.sum(0),
        "W2": h.T @ d2,
        "b2": d2.sum(0),
        "lam": (W1**2).sum() / 2,
        "dh": d2 @ W2.T,
    }


WRONG = {
    "transposed": (lambda g, X, h: {**g, "X": g["X"].T}, "X", "other-convention", None),
    "negative": (lambda g, X, h: {**g, "W2": -g["W2"]}, "W2", "incorrect", "sign"),
    "N times": (lambda g, X, h: {**g, "W2": len(X) * g["W2"]}, "W2", "incorrect", "batch-factor"),
    "a link": (lambda g, X, h: {**g, "b1": g["dh"].sum(0)}, "b1", "incorrect", "missing-link"),
    "not summed": (
        lambda g, X, h: {**g, "b1": np.tile(g["b1"] / 4, (4, 1))},
        "b1",
        "incorrect",
        "broadcast-not-summed",
    ),
    "nothing": (lambda g, X, h: {**g, "W1": 0 * g["W1"]}, "W1", "incorrect", "other"),
    "nan": (lambda g, X, h: {**g, "W1": np.nan * g["W1"]}, "W1", "incorrect", None),
    "float32": (
        lambda g, X, h: {k: np.asarray(v, np.float32) for k, v in g.items()},
        "W1",
        "correct",
        None,
    ),
}


def test_a_backward_pass_is_compared_by_numbers(batch: dg.Problem):
    found = batch.check_function(backward)
    assert found.kind == "correct"
    assert list(found.verdicts) == ["X", "W1", "b1", "W2", "b2", "lam"]
    assert dg.check_function(batch, backward, wrt="W1").kind == "correct"


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_backward_pass_is_told_what_numbers_show(batch: dg.Problem, name: str):
    change, wrt, kind, mistake = WRONG[name]

    def wrong(X, W1, b1, W2, b2, Y, lam):
        return change(backward(X, W1, b1, W2, b2, Y, lam), X, None)

    verdicts = batch.check_function(wrong).verdicts
    assert verdicts[wrt].kind == kind
    assert mistake is None or verdicts[wrt].mistake.kind == mistake
    others = [v.kind for n, v in verdicts.items() if n != wrt]
    assert set(others) == {"correct"}


def test_a_function_that_raises_or_returns_too_little_is_told_so(batch: dg.Problem):
    def raising(**arrays):
        raise KeyError("W3")

    assert batch.check_function(raising).verdicts["X"].because == (
        "the function raised KeyError: 'W3'"
    )
    found = batch.check_function(lambda **arrays: {"X": arrays["X"]}).verdicts
    assert found["W1"].because == "the function returns no gradient by W1"
    with pytest.raises(dg.ProblemError, match="returns 2 values, and 6 gradients"):
        batch.check_function(lambda **arrays: (1, 2))


def test_a_partial_derivative_that_holds_another_name_fixed_is_no_false_line():
    problem = dg.parse("x: column[n]; w: column[n]\nu = w * x\nv = sin(u)\nf = sum(u * v)")
    partial = "df/du = v\ndf/dv = u\ndf/dx = (df/du + df/dv * cos(u)) * w"
    assert problem.check("f", "x", partial).kind == "correct"
    assert problem.check("f", "x", "df/du = v * u\ndf/dx = (v + u*cos(u)) * w").kind == "incorrect"


def test_an_intermediate_is_right_by_a_declared_fact():
    problem = dg.parse(
        "A: matrix[N, N] & symmetric; X: matrix[N, D]; W: matrix[D, H]; V: matrix[H, C]\n"
        "Y: matrix[N, C] & onehot; m: column[N] & nonneg\n"
        "Z = A @ X @ W\nP = softmax(A @ relu(Z) @ V)\nJ = -sum(m * Y * log(P))"
    )
    answer = "dJ/dZ = A @ (m * (P - Y)) @ V.T * step(Z)\ndJ/dW = X.T @ A @ dJ/dZ"
    assert problem.check("J", "W", answer).kind == "correct"
