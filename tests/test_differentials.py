"""The route by differentials: dz = dh W, paired with what comes in, and the derivative read off."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from test_rooms import EXAMPLES, derived, total
from test_steps import NETWORK

import diagrad as dg
from diagrad import pages
from diagrad.derivation import truth
from diagrad.errors import DerivationError, InternalError
from diagrad.evaluate import evaluate, with_definitions
from diagrad.matrix import make
from diagrad.verify.points import draw

ROUTE = "differential"
COLUMNS = """
x: column[n]; A: matrix[n, n]; W: matrix[m, n]; b: column[m]; t: scalar & positive
z = W @ x + b
h = tanh(z)
q = x.T @ A @ x
"""
MATRICES = """
A: matrix[m, n]; X: matrix[n, p]; B: matrix[p, q]; r: row[q]; c: column[m]; T: matrix[m, q]
Z = A @ X @ B
P = softmax(Z + r, axis=0)
J = sum((Z - T) ** 2) / 2
"""


def told(text: str, of: str, wrt: str, name: str) -> str:
    """How the derivation by `wrt` writes the differential of a name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = dg.parse(text).derive(of, wrt).steps_by(ROUTE)
    found = (d for step in steps for d in step.differentials if d.of == name)
    return next(found).formula.unicode()


@pytest.mark.parametrize(
    ("text", "of", "wrt", "name", "differential"),
    [
        (NETWORK, "J", "x", "z2", "dh W₂"),
        (NETWORK, "J", "x", "h", "h ∘ (1 − h) ∘ dz₁"),
        (NETWORK, "J", "x", "yhat", "ŷ ∘ (dz₂ − ∑(ŷ ∘ dz₂))"),
        (NETWORK, "J", "W1", "z1", "x dW₁"),
        (COLUMNS, "h", "x", "z", "W dx"),
        (COLUMNS, "h", "W", "z", "dW x"),
        (COLUMNS, "q", "x", "q", "dxᵀ A x + xᵀ A dx"),
        (COLUMNS, "q", "A", "q", "xᵀ dA x"),
        (COLUMNS, "t ** 3", "t", "f", "3 t² dt"),
        (MATRICES, "J", "X", "Z", "A dX B"),
        (MATRICES, "P", "X", "P", "P ∘ (dZ₁ − 𝟏ᵀ (P ∘ dZ₁))"),
    ],
)
def test_a_differential_is_what_one_writes_by_hand(text, of, wrt, name, differential):
    assert told(text, of, wrt, name) == differential


def test_all_that_a_value_is_made_of_moves_at_once():
    by_x, by_w1, _ = dg.parse(NETWORK).derive("J", ["x", "W1", "b1"])
    formulas = {d.steps_by(ROUTE)[-2].differentials[0].formula.unicode() for d in (by_x, by_w1)}
    assert formulas == {"dx W₁ + x dW₁ + db₁"}
    parts = [d.steps_by(ROUTE)[-2].differentials[0].part.unicode() for d in (by_x, by_w1)]
    assert parts == ["dx W₁", "x dW₁"]


@pytest.mark.parametrize(
    ("room", "name"), EXAMPLES, ids=[f"{room.name} by {name}" for room, name in EXAMPLES]
)
def test_the_differential_of_every_operation_is_true(room, name):
    try:
        derivation = derived(total(room), name)
    except DerivationError:
        pytest.skip("no derivative")
    source = derivation.telling.last.book.source
    for step in derivation.steps_by(ROUTE):
        assert truth.check(source, step) >= 2 or step.after.source.startswith("zeros")


@pytest.mark.parametrize(
    ("text", "wrt"),
    [(NETWORK, "x"), (NETWORK, "W1"), (MATRICES, "X"), (COLUMNS + "J = norm(h) * q", "x")],
)
def test_the_two_sides_of_a_pairing_are_equal(text, wrt):
    """⟨∂J/∂z₂, dh W₂⟩ = ⟨∂J/∂h, dh⟩ for a random dh."""
    derivation = dg.parse(text).derive("J", wrt)
    source = derivation.telling.last.book.source
    drawn = draw(source, np.random.default_rng(1))
    pairs = [(name, d.expression) for name, d in source.definitions.items()]
    at = with_definitions(pairs, drawn)
    for step in derivation.steps_by(ROUTE):
        if not step.differentials or step.rule == "write out":
            continue
        by = step.differentials[0].by
        change = np.random.default_rng(2).standard_normal(at.arrays[step.target[1]].shape)
        moved = at.having({by: change})
        left = 0.0
        for d in step.differentials:
            part = evaluate(d.part.expression, moved)
            incoming = evaluate(d.incoming.expression, moved) if d.incoming else 1.0
            left += float(np.sum(incoming * part))
        right = float(np.sum(evaluate(step.after.expression, at) * change))
        assert left == pytest.approx(right, rel=1e-9)


def test_a_wrong_differential_is_found_out():
    derivation = dg.parse(NETWORK).derive("J", "x")
    source = derivation.telling.last.book.source
    step = derivation.steps_by(ROUTE)[2]
    (right,) = step.differentials
    twice = derivation.telling.last.book.formula(make.plus(*[right.formula.expression] * 2))
    wrong = right._replace(formula=twice, part=twice)
    step = type(step)(step.target, step.before, step.after, "", "", differentials=(wrong,))
    with pytest.raises(InternalError, match="the differential dz2 = "):
        truth.check(source, step)


def test_a_differential_keeps_clear_of_the_users_names():
    text = "x: row[n]; dh: row[n]; W: matrix[n, n]\nh = tanh(x @ W)\nJ = sum(h * dh)\n"
    derivation = dg.parse(text).derive("J", "x")
    (differential,) = derivation.steps_by(ROUTE)[0].differentials
    assert differential.by == "dh_"
    assert differential.formula.unicode() == "∑(dh ∘ dh_)"


def test_without_a_matrix_form_a_derivative_is_read_off_by_elements():
    text = dg.parse(MATRICES).derive("Z", "X").text(ROUTE)
    assert "1  dZ = A dX B\n   dZᵢⱼ = Σₖₗ Aᵢₖ Bₗⱼ dXₖₗ\n   ∂Zᵢⱼ/∂Xₖₗ = Aᵢₖ Bₗⱼ" in text


def test_what_is_found_is_what_the_other_routes_find():
    derivation = dg.parse(NETWORK).derive("J", "W1")
    last = {route: derivation.steps_by(route)[-1].after for route in ("jacobian", ROUTE)}
    assert last["jacobian"].source == last[ROUTE].source == derivation.result.source


def test_a_page_of_differentials_has_no_chain_rule_of_jacobians():
    derivation = dg.parse(NETWORK).derive("J", "x")
    text = derivation.text(ROUTE)
    assert "chain rule" not in text
    assert "dJ = ⟨∂J/∂u, du⟩, where ⟨A, B⟩ = Σᵢⱼ Aᵢⱼ Bᵢⱼ = tr(Aᵀ B)" in text.replace("\n", " ")
    assert "dJ = ⟨∂J/∂z₂, dh W₂⟩ = ⟨(∂J/∂z₂) W₂ᵀ, dh⟩" in text
    assert "dJ = <dJ/dz2, dh @ W2> = <dJ/dz2 @ W2.T, dh>" in derivation.text(ROUTE, ascii=True)
    assert r"\mathrm{d}z_{2} &= \mathrm{d}h W_{2}" in derivation.latex(ROUTE)


SHAPES = """
x: column[n]; y: row[n]; A: matrix[n, n]; S: matrix[n, n] & symmetric; B: matrix[n, m]
"""
Q = ["x.T @ A @ x", "y @ A @ A @ x + x.T @ A.T @ y.T", "3 * (y @ A @ x) / 2", "x.T @ x - y @ x"]
Q += ["trace(S @ A)", "trace(A @ S @ A.T) / 2", "trace(B.T @ A.T @ A @ B)", "x.T @ S @ x / (y @ x)"]
Q += ["sum((A @ B) ** 2) - sum(S * (A @ A.T))"]


@pytest.mark.parametrize("q", Q)
@pytest.mark.parametrize("wrt", ["x", "y", "A", "B"])
def test_each_term_of_a_change_is_paired_as_it_says(q, wrt):
    """dxᵀ A x = ⟨A x, dx⟩ at a random point, and all of them add up to the derivative."""
    account = dg.parse(f"{SHAPES}q = {q}\n").derive("q", wrt).telling.last
    source, changes = account.book.source, account.routes[ROUTE].reasons.changes
    pairs = [(name, d.expression) for name, d in source.definitions.items()]
    at = with_definitions(pairs, draw(source, np.random.default_rng(1)))
    for link in account.sweep.nodes[wrt].links:
        by = changes.differentials.symbol(account.sweep.nodes[wrt]).name
        change = np.random.default_rng(2).standard_normal(at.arrays[wrt].shape)
        moving = at.having({by: change})
        incoming = at.arrays.get(account.book.called[link.consumer], 1.0)
        for moved, beside in changes.of_link(link):
            one = np.sum(incoming * evaluate(moved.expression, moving))
            two = np.sum(evaluate(beside.expression, moving) * change)
            assert one == pytest.approx(two)


@pytest.mark.parametrize("route", ["jacobian", "elements", ROUTE])
def test_the_step_to_stacked_columns_has_a_reason(route):
    text = "A: matrix[m, n]; X: matrix[n, p]; B: matrix[p, q]\nY = A @ X @ B\n"
    page = " ".join(dg.parse(text).derive("Y", "X").text(route).split())
    rule = "vec(P dX Q) = (Qᵀ ⊗ P) vec(dX) for any matrices P and Q"
    assert f"2 ∂Y/∂X = Bᵀ ⊗ A (m q)×(n p) {rule}; so dY = A dX B is" in page
    assert "is vec(dY) = (Bᵀ ⊗ A) vec(dX)" in page
    assert "A ⊗ B has the block Aᵢⱼ B in place i, j" in page


def test_a_trace_is_told_as_a_trace():
    text = "A: matrix[m, m]; B: matrix[n, n]; X: matrix[m, n]\nf = trace(B @ X.T @ A @ X)\n"
    said = dg.parse(text).derive("f", "X").steps_by(ROUTE)[-1].because
    assert said == "tr(B dXᵀ A X) = ⟨A X B, dX⟩; tr(B Xᵀ A dX) = ⟨Aᵀ X Bᵀ, dX⟩"


def test_a_differential_of_a_vector_goes_on_as_a_matrix_product():
    text = "Z: matrix[n, n]; x: column[n]\nV = inv(Z)\nw = V @ x\n"
    assert "dw = −V dZ w" in dg.parse(text).derive("w", "Z").text(ROUTE)


def test_json_has_the_differentials_of_a_step():
    (data,) = pages.data([dg.parse(NETWORK).derive("J", "x")], ROUTE)
    (found,) = data["steps"][2]["differentials"]
    assert found["formula"] == {
        "source": "dh @ W2",
        "unicode": "dh W₂",
        "latex": r"\mathrm{d}h W_{2}",
    }
    assert (found["of"], found["name"]) == ("z2", "dz2")
    assert found["moved"] == [{"of": "h", "name": "dh"}]


def test_all_routes_stand_below_each_other():
    text = dg.parse(NETWORK).derive("J", "x").text("all")
    places = [text.index(words) for words in ("1.1", "by elements", "The same by differentials")]
    assert places == sorted(places)


def test_a_name_d_is_no_sign_of_a_change():
    text = "x: column[n]; P: matrix[n, n]\nd = 2 * x\nL = d.T @ P @ d\n"
    page = dg.parse(text).derive("L", "x").text(ROUTE)
    assert "Δu is a small change of u; what has no Δ is held fixed" in page
    assert "Δd = 2 Δx" in page
    assert not re.search(r"d[dxL]\b", page)
