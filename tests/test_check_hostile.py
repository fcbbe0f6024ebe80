"""Wrong answers that hide, right ones that look wrong, and text that asks for too much."""

import pytest

import diagrad as dg

NETWORK = """
x: row[Dx]; W1: matrix[Dx, H]; b1: row[H]; W2: matrix[H, Dy]; b2: row[Dy]; y: row[Dy] & onehot
h = sigmoid(x @ W1 + b1)
yhat = softmax(h @ W2 + b2)
J = -sum(y * log(yhat))
"""
RIGHT = "((yhat - y) @ W2.T * h * (1 - h)) @ W1.T"
SQUARE = "x: column[n]\nJ = x.T @ x"
HALF = "x: row[n]\nJ = sum(x ** 2) / 2"
SOFTMAX = "z: row[k]; y: row[k] & onehot\np = softmax(z)\nJ = -sum(y * log(p))"

HIDDEN = [
    (SQUARE, "x", "2*x + 1e6*where(x == max(x), 1, 0)"),
    (SQUARE, "x", "2*x + where(x == min(x), 1, 0)"),
    (SQUARE, "x", "2*x * where(max(x) > x, 1, 0)"),
    (SQUARE, "x", "where(sum(x) == sum(x), exp(x), 2*x)"),
    (SQUARE, "x", "where(sum(x)/sum(x) >= 1, 5*x, 2*x)"),
    (SQUARE, "x", "2*x + inv(x @ x.T) @ x"),
    (SQUARE, "x", "where(x > 0, 2*x, log(x))"),
    (SQUARE, "x", "2*maximum(x, -5)"),
    (SOFTMAX, "z", "p - where(p == max(p), 1, 0)"),
    (SOFTMAX, "z", "p + sign(max(p) - p) - 1"),
    ("x: scalar\nJ = relu(x - 5)", "x", "0"),
    ("x: row[n]\nJ = sum(relu(x - 50))", "x", "zeros(1, n)"),
    ("x: row[n]\nJ = sum(clip(x, -100, 100))", "x", "ones(1, n)"),
    ("x: row[n]\nJ = sum(relu(x))", "x", "where(x > 1e-2, 1, 0)"),
    ("x: row[n]\nJ = sum(relu(x))", "x", "sigmoid(1e3*x)"),
    ("x: row[n]\nJ = max(x)", "x", "softmax(1e9*x)"),
    (HALF, "x", "x + relu(x - 100)"),
    (HALF, "x", "x + where(n > 20, 1, 0)"),
    (HALF, "x", "x + where(abs(x) < 1e-2, 1, 0)"),
    (HALF, "x", "x + sigmoid(x - 200)"),
    (HALF, "x", "x + 1e-9*x"),
    (NETWORK, "x", f"dJ/dW1 = {RIGHT}"),
    (NETWORK, "x", f"dh/dx = {RIGHT}"),
    (NETWORK, "x", f"dJ/dh = 5*h\n{RIGHT}"),
    (NETWORK, "x", f"yhat - y = h @ W2\n{RIGHT}"),
    (NETWORK, "x", f"sum(y) = 2\n{RIGHT}"),
    (NETWORK, "x", f"h = tanh(x @ W1 + b1)\n{RIGHT}"),
    (NETWORK, "x", f"J = sum(y * log(yhat))\n{RIGHT}"),
    (NETWORK, "x", f"dx = {RIGHT}\ndx += x"),
]
SURPRISING = [
    ("x: row[n]\nJ = sum(relu(x - 50))", "x", "step(x - 50)"),
    ("x: row[n]\nJ = max(x)", "x", "where(x == max(x), 1, 0)"),
    (HALF, "x", "relu(x) - relu(-x)"),
    (HALF, "x", "sign(x) * abs(x)"),
    (HALF, "x", "x * (sin(x)**2 + cos(x)**2)"),
    (SQUARE, "x", "2*x + norm(x - x)"),
    ("x: row[n] & positive\nJ = 1e-200 * sum(x ** 2)", "x", "2e-200 * x"),
    ("x: row[n]\nJ = logsumexp(x)", "x", "exp(x) / sum(exp(x))"),
    ("Q: matrix[m, dk]\nJ = sum(Q * Q) / dk", "Q", "dS = 2*Q\ndS/dk"),
    (NETWORK, "x", f"dJ/dW2 = h.T @ yhat\n{RIGHT}"),
    (NETWORK, "x", f"sum(y) = 1\n{RIGHT}"),
    (NETWORK, "x", f"dh/dz1 = diag(h * (1 - h))\n{RIGHT}"),
]
TOO_MUCH = [
    "x + 0*sum(ones(1000000, 1000000))",
    "x + 0*sum(commutation(n**3, n**3))",
    "x + 0*sum(inv(eye(5000)))",
    "\n".join(["a = kron(A, A)", *["a = kron(a, a)"] * 12, "x + 0*sum(a)"]),
    f'x + 0*einsum("{",".join(["ij"] * 30)}->", {", ".join(["A"] * 30)})',
    "x" + " + x" * 2000,
    "\n".join(f"a{k} = x" for k in range(201)),
    "(" * 300 + "x" + ")" * 300,
    "x\0y",
    "\n".join(["x"] * 20_000),
]


@pytest.mark.parametrize("text, wrt, answer", HIDDEN)
def test_a_wrong_answer_is_never_taken_for_a_right_one(text: str, wrt: str, answer: str):
    assert not dg.parse(text).check("J", wrt, answer).is_right


@pytest.mark.parametrize("text, wrt, answer", SURPRISING)
def test_a_right_answer_is_right_whatever_its_form(text: str, wrt: str, answer: str):
    assert dg.parse(text).check("J", wrt, answer).kind == "correct"


@pytest.mark.parametrize("answer", TOO_MUCH)
def test_what_asks_for_too_much_is_refused_before_it_is_computed(answer: str):
    problem = dg.parse("x: column[n]; A: matrix[n, n]\nJ = sum(x ** 2) / 2 + trace(A)")
    with pytest.raises(dg.ProblemError):
        problem.check("J", "x", answer)


@pytest.mark.parametrize("answer", ["dJ/dx", "dJ/dx = dJ/dx.T", "delta_x"])
def test_the_derivative_asked_for_is_not_lent(answer: str):
    with pytest.raises(dg.ProblemError, match="which is what is asked for"):
        dg.parse(NETWORK).check("J", "x", answer)


def test_many_lines_that_grow_take_bounded_work():
    lines = ["a0 = x", *(f"a{k + 1} = a{k} * a{k}" for k in range(40)), "a40"]
    assert dg.parse(HALF).check("J", "x", "\n".join(lines)).kind == "incorrect"
