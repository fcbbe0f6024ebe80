"""What a schedule computes, and that it computes nothing else: contractions in the cheapest order,
what is shared once, nothing that no output needs, and of sparse tensors only what is not 0."""

from __future__ import annotations

import numpy as np
import pytest
from compiled import compiled, point, quietly

import diagrad as dg
from diagrad.compile.statements import Loop, Schedule, used, work_of

DECLARED = """
A: matrix[m, n]; B: matrix[n, k]; C: matrix[k, l]; S: matrix[n, n]
u: column[m]; x: column[n]; y: column[l]; v: row[n]
"""
SIZES = {"m": 10, "n": 100, "k": 5, "l": 50}


def schedule(asked: list, text: str = DECLARED, sizes: dict = SIZES) -> Schedule:
    return compiled(quietly(text), asked, "numpy")._plan.schedule(sizes)


def contractions(found: Schedule) -> list[Loop]:
    loops = [s for s in found.statements if isinstance(s, Loop)]
    return [loop for loop in loops if loop.reduce == "sum"]


def source(asked: list, text: str = DECLARED, sizes: dict = SIZES) -> str:
    problem = quietly(text)
    function = compiled(problem, asked, "numpy")
    arrays = point(problem, sizes)
    return function.source(**{name: arrays[name] for name in function.inputs})


# Multiplications of the cheapest order, by hand.
ORDERS = {
    "A @ B @ C": 10 * 100 * 5 + 10 * 5 * 50,
    "A @ (B @ C)": 10 * 100 * 5 + 10 * 5 * 50,
    "A @ B @ C @ y": 5 * 50 + 100 * 5 + 10 * 100,
    "u.T @ A @ B @ C": 10 * 100 + 100 * 5 + 5 * 50,
    "u.T @ A @ B @ C @ y": 10 * 100 + 100 * 5 + 5 * 50 + 5,
    "trace(S @ S)": 100 * 100,
    "S @ S @ x": 2 * 100 * 100,
    "x @ v @ x": 2 * 100,
    "sum(A @ B)": 10 * 100 + 100 * 5 + 100,
}


@pytest.mark.parametrize("expression", ORDERS)
def test_products_are_contracted_in_the_cheapest_order(expression):
    assert work_of(schedule([expression])) <= ORDERS[expression]


def test_the_cheapest_order_follows_the_sizes():
    (left, right) = ({"m": 10, "n": 100, "k": 5, "l": 50}, {"m": 50, "n": 5, "k": 100, "l": 10})
    found = schedule(["A @ B @ C"], sizes=right)
    assert work_of(found) == 5 * 100 * 10 + 50 * 5 * 10 < 50 * 5 * 100 + 50 * 100 * 10
    assert work_of(schedule(["A @ B @ C"], sizes=left)) == 10 * 100 * 5 + 10 * 5 * 50


def test_both_sides_of_a_product_share_what_is_the_same_in_them():
    """(A B) diag(v) (A B)ᵀ: the second A B costs nothing, although A (B diag(v)) costs no more."""
    sizes = {"m": 30, "n": 30, "k": 5, "l": 1}
    text = f"{DECLARED}; w: row[k]"
    found = schedule(["A @ B @ diag(w) @ B.T @ A.T"], text, sizes)
    assert work_of(found) == 30 * 30 * 5 + 30 * 5 + 30 * 5 * 30


def test_what_several_outputs_need_is_computed_once():
    assert len(contractions(schedule(["sin(A @ B)", "cos(A @ B)", "A @ B @ C", "A @ B"]))) == 2
    assert len(contractions(schedule(["A @ B", "(A @ B).T", "B.T @ A.T"]))) == 1
    text = source(["softmax(v)", "logsumexp(v)", dg.d("logsumexp(v)", "v"), "log(softmax(v))"])
    assert text.count("np.exp(") == 1 and text.count("np.max(") == 1
    assert text.count("np.sum(") == 1 and text.count("np.log(") == 1


def test_a_gradient_reuses_what_the_value_computed():
    network = "X: matrix[N, D]; W: matrix[D, H]; b: row[H]; V: matrix[H, K]\n"
    network += "Z = tanh(X @ W + b)\nJ = sum((Z @ V) ** 2)"
    sizes = {"N": 7, "D": 5, "H": 6, "K": 4}
    both = [*map(dg.d, "JJJ", "WbV"), "J", "Z"]
    products = [
        loop for loop in contractions(schedule(both, network, sizes)) if len(loop.free) == 2
    ]
    assert len(products) == 5, "X W, Z V, δ Vᵀ, Xᵀ δ, Zᵀ δ"
    assert source(both, network, sizes).count("np.tanh(") == 1


def test_nothing_is_computed_or_asked_for_that_no_output_needs():
    problem = quietly(f"{DECLARED}P = exp(A @ B)\nQ = A @ x\nJ = sum(Q) + 0 * sum(P)")
    function = compiled(problem, [dg.d("J", "x")], "numpy")
    assert function.inputs == ("A",)
    (one,) = function._plan.schedule(SIZES).statements
    assert one.reduce == "sum" and one.target.axes != ()
    assert compiled(problem, ["Q"], "numpy").inputs == ("A", "x")
    assert "exp" not in source(["Q"], problem.source.text)


def test_every_local_tensor_is_read_and_filled_before():
    problem = quietly(f"{DECLARED}P = tanh(A @ B) @ C\nJ = sum(P ** 2) + logsumexp(S)")
    asked = ["J", *(dg.d("J", name) for name in "ABCS"), dg.hvp("J", "B")]
    found = compiled(problem, asked, "numpy")._plan.schedule(SIZES)
    filled, read = set(found.inputs), set()
    for statement in found.statements:
        needed = set(used(statement))
        assert needed <= filled, statement
        read |= needed
        filled.add(statement.target)
    assert set(found.locals) <= read and set(found.outputs) <= filled


def test_a_diagonal_costs_what_its_entries_cost():
    """Zeros aside, which fill the output once."""
    n = SIZES["n"]
    assert work_of(schedule([dg.d("sum(exp(v))", "v", 2)])) <= n * n + 2 * n
    assert work_of(schedule([dg.d("tanh(v)", "v")])) <= n * n + 2 * n
    assert work_of(schedule(["diag(v) @ S"])) <= n * n
    assert work_of(schedule(["trace(diag(v) @ S)"])) <= n


def test_labels_that_are_equal_by_way_of_others_are_one(backend):
    """dz/dE is δ with δ with δ, as E is the identity by its formula."""
    problem = quietly("A: matrix[n, n] & invertible\nE = A @ inv(A)\nz = E * E")
    (value,) = compiled(problem, [dg.d("z", "E", layout="vec")], backend)(
        A=point(problem, {"n": 3})["A"]
    )
    np.testing.assert_allclose(value, 2 * np.diag(np.eye(3).ravel()))


def test_a_block_diagonal_hessian_costs_what_its_blocks_cost():
    text = "U: matrix[n, k]; V: matrix[m, k]; T: matrix[n, m]\nJ = sum((U @ V.T - T) ** 2)"
    sizes = {"n": 20, "m": 30, "k": 3}
    found = schedule([dg.d("J", "U", 2, layout="tensor")], text, sizes)
    size, block = (20 * 3) ** 2, 3 * 3 * 30
    assert work_of(found) <= 2 * size + block


def test_a_product_with_its_transpose_is_symmetric(backend):
    problem = quietly(DECLARED)
    function = compiled(problem, ["A.T @ A", "A @ A.T", "S @ S.T + S.T @ S"], backend)
    sizes = {"m": 19, "n": 37, "k": 1, "l": 1}
    arrays = point(problem, sizes)
    for value in function(**{name: arrays[name] for name in function.inputs}):
        np.testing.assert_allclose(value, value.T, rtol=1e-14, atol=1e-14)


def test_the_text_of_a_function_is_the_same_in_every_run(backend):
    problem = quietly(f"{DECLARED}J = sum(tanh(A @ B) @ C)")
    arrays = point(problem, SIZES)
    texts = set()
    for _ in range(3):
        function = compiled(problem, ["J", *(dg.d("J", n) for n in "ABC")], backend)
        texts.add(function.source(**{name: arrays[name] for name in function.inputs}))
    assert len(texts) == 1


def test_the_code_for_numpy_is_short_and_in_the_names_of_the_problem():
    text = source(["h", dg.d("J", "B")], f"{DECLARED}h = tanh(v @ B)\nJ = sum(h)")
    lines = [line.strip() for line in text.splitlines() if line]
    assert lines[:2] == ["import numpy as np", "def f(B, v):"] and len(lines) <= 9
    assert any(line.startswith("h = np.tanh(") for line in lines)
    assert "1 - h ** 2" in text and "einsum" not in text


def test_a_tensor_of_three_axes_is_no_matrix_that_stands_first(backend):
    """The second derivative of P by x has one with the axes of the result, one of them twice."""
    text = "A: matrix[n, n]; x: column[n]\nP = tanh(diag(x)) @ (x @ x.T + A * diag(x))"
    problem = quietly(f"{text}\nJ = sum(P ** 2)")
    function = problem.compile([dg.d("J", "x"), dg.d("J", "x", 2)], backend=backend)
    arrays = point(problem, {"n": 4})
    _, hessian = function(**arrays)
    step = 1e-6
    for k, row in enumerate(hessian):
        moved = [
            function(**arrays | {"x": arrays["x"] + s * step * np.eye(4)[:, [k]]})[0]
            for s in (1, -1)
        ]
        slope = (moved[0] - moved[1]).ravel() / (2 * step)
        np.testing.assert_allclose(row, slope, rtol=1e-6, atol=1e-6)
