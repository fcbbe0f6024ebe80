"""Every step of a derivation is true, connected to the others, and names what it uses."""

import sys
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from generated.problems import case

import diagrad as dg
from diagrad.derivation import truth
from diagrad.derivation.account import ROUTES
from diagrad.derivation.restate import restated
from diagrad.derivation.step import Step
from diagrad.errors import DerivationError, InternalError

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.dg"))
SEEDS = range(7000, 7120)

NETWORK = """
x: row[Dx]; W1: matrix[Dx, H]; b1: row[H]; W2: matrix[H, Dy]; b2: row[Dy]; y: row[Dy] & onehot
h = sigmoid(x @ W1 + b1)
yhat = softmax(h @ W2 + b2)
J = -sum(y * log(yhat))
"""
LAYER_NORM = """
x: row[n]; gamma: row[n]; beta: row[n]; g: row[n]; epsilon: scalar & positive
mu = mean(x)
v = mean((x - mu) ** 2)
xhat = (x - mu) / sqrt(v + epsilon)
y = gamma * xhat + beta
J = sum(g * y)
"""
ATTENTION = """
Q: matrix[n, d]; K: matrix[m, d]; V: matrix[m, p]; T: matrix[n, p]
A = softmax(Q @ K.T / sqrt(d))
J = sum((A @ V - T) ** 2) / 2
"""
# Problem, of, by, order, layout.
ASKED = [
    (NETWORK, "J", "x", 2, "auto"),
    (NETWORK, "J", ("x", "W1"), 2, "auto"),
    (NETWORK, "J", "h", 1, "auto"),
    (NETWORK, "yhat", "x", 1, "auto"),
    (NETWORK, "yhat", "x", 1, "denominator"),
    (NETWORK, "yhat", "W1", 1, "tensor"),
    (NETWORK, "sum(h ** 2)", "W1", 1, "auto"),
    (NETWORK, "J", "W1", 1, "numerator"),
    (LAYER_NORM, "J", "x", 1, "auto"),
    (LAYER_NORM, "xhat", "x", 1, "auto"),
    (ATTENTION, "J", "Q", 1, "auto"),
    (ATTENTION, "J", "K", 1, "auto"),
    ("x: column[n]; A: matrix[n, n]\nq = x.T @ A @ x\n", "q", "x", 2, "auto"),
    ("x: column[n]; A: matrix[n, n] & symmetric\nq = x.T @ A @ x\n", "q", "A", 1, "auto"),
    ("X: matrix[N, d]; w: column[d]; y: column[N] & pm1\n"
     "J = sum(log(1 + exp(-y * (X @ w))))\n", "J", "w", 2, "auto"),
    ("A: matrix[m, n]; X: matrix[n, p]; B: matrix[p, q]\n", "A @ X @ B", "X", 1, "tensor"),
    ("s: scalar & positive\n", "log(s) * s ** 2", "s", 2, "auto"),
    ("X: matrix[n, k]\nZ = X @ X.T\ns = min(Z)\n", "s ** 2", "X", 1, "auto"),
    ("x: row[n]; y: row[n]\n", "sum(y)", "x", 1, "auto"),
    ("x: row[n]\n", "x", "x", 1, "auto"),
]  # fmt: skip


def checked(derivation: dg.Derivation, before: dict[Step, int] | None = None) -> int:
    """How many formulas of steps were compared, or have been `before` for another derivation of the
    request; fails at what is not true or not well told."""
    source = derivation.telling.last.book.source
    compared, known = 0, {} if before is None else before
    for route in ROUTES:
        told = derivation.steps_by(route)
        known |= {step: truth.check(source, step) for step in told if step not in known}
        compared += sum(known[step] for step in told)
        assert list(truth.faults(told, source.names, derivation.result)) == []
        for step in (part for whole in told for part in whole.walk()):
            assert step.before.shape == step.after.shape or step.rule == "write out"
            assert step.because != "None"
            assert "{" not in step.because
            assert not step.because.endswith(".")
    return compared


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_step_of_the_examples_is_true(path):
    problem = dg.load(path)
    derivations, known = problem.derive(problem.last, problem.default_wrt(problem.last)), {}
    for derivation in derivations:
        assert checked(derivation, known) >= 4


@pytest.mark.parametrize(("text", "of", "by", "order", "layout"), ASKED)
def test_every_step_is_true_in_every_order_and_layout(text, of, by, order, layout):
    checked(dg.parse(text).derive(of, by, order, layout))


@pytest.mark.parametrize("chunk", range(0, len(SEEDS), 20))
def test_every_step_of_generated_problems_is_true(chunk):
    told = 0
    for seed in SEEDS[chunk : chunk + 20]:
        asked = case(seed)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                derivation = dg.parse(asked.text).derive(
                    asked.of, asked.wrt, asked.order, asked.layout
                )
        except (DerivationError, dg.ProblemError):
            continue
        checked(derivation)
        told += 1
    assert told > 15


def test_an_untrue_step_is_found():
    derivation = dg.parse(NETWORK).derive("J", "x")
    source = derivation.telling.last.book.source
    step = derivation.steps[2]
    wrong = type(step)(step.target, step.before, derivation.steps[1].after, "", "")
    with pytest.raises(InternalError, match="the step dJ/dz1"):
        truth.check(source, wrong)


def test_a_badly_told_derivation_is_found():
    derivation = dg.parse(NETWORK).derive("J", "x")
    names, result = derivation.telling.last.book.source.names, derivation.result
    steps = derivation.steps
    assert list(truth.faults(steps, names, result)) == []
    assert "used before it is found" in next(truth.faults(steps[1:], names, result))
    assert "the last step is not" in next(truth.faults(steps[:-1], names, result))
    assert "nothing defines" in next(truth.faults(steps, names - {"z1"} - {"W2"}, result))


def test_the_variables_of_one_request_share_their_steps():
    by_w1, by_b1 = dg.parse(NETWORK).derive("J", ["W1", "b1"])
    shared = [step for step in by_w1.steps if step in by_b1.steps]
    assert [step.target for step in shared] == [("J", "z2"), ("J", "h"), ("J", "z1")]
    assert shared[-1].called == "delta1"
    assert by_b1.steps[3].after.unicode() == "δ₁"


def test_what_a_person_would_name_gets_a_name():
    derivation = dg.parse(NETWORK).derive("J", "x")
    assert [name for name, _ in derivation.definitions][:2] == ["z1", "z2"]
    assert derivation.definitions[0][1].source == "x @ W1 + b1"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x: row[n]\nJ = sum(exp(x))\n", []),
        ("x: row[n]\nJ = sum(sigmoid(2 * x))\n", []),
        ("x: row[n]; b: row[n]\nJ = sum(sigmoid(x + b))\n", ["z"]),
        ("x: row[n]; W: matrix[n, n]\nJ = sum(tanh(sigmoid(x @ W) @ W))\n", ["z1", "a", "z2"]),
        ("x: row[n]; y: row[n]\nJ = sum((x - y) ** 2)\n", ["r"]),
        ("X: matrix[m, n]; Y: matrix[m, n]\nJ = norm(X - Y)\n", ["R"]),
        ("x: row[n]; z: row[n]\nJ = sum(log(1 + exp(x * z)))\n", []),
        ("x: row[n]; W: matrix[n, n]\nJ = sum((x @ W) * (x @ W))\n", ["u"]),
    ],
)
def test_only_links_of_the_chain_get_names(text, names):
    problem = dg.parse(text)
    found = restated(problem.source, problem.expression("J"), {"x", "X"})
    assert list(found.introduced) == names


def test_definitions_can_be_defined_in_their_order():
    derivation = dg.parse(NETWORK).derive("J", "W1")
    lines = [f"{name} = {formula.source}" for name, formula in derivation.definitions]
    again = dg.parse(NETWORK + "\n".join(lines))
    assert again.formula(derivation.steps[-1].before.source).shape == ("Dx", "H")
