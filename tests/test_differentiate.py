"""Reverse differentiation: the rules of calculus by numbers, and every link of the chain rule."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from generated.problems import case
from index_numbers import EXAMPLES, Values, difference, good_point, head_of, points, slopes

import diagrad as dg
from diagrad.errors import DerivationError, ProblemError
from diagrad.evaluate import Environment
from diagrad.index.differentiate import Link, derivative, local_derivatives
from diagrad.index.term import Applied, Head
from diagrad.setting import Setting

KINKED = {"step", "sign", "where", ">", ">=", "<", "<=", "==", "!="}
WRITTEN = [
    ("x: row[n]", "sum(x * sin(x)) * norm(x)", "x"),
    ("x: row[n]; A: matrix[n, n]", "x @ A @ (x * (x @ A)).T", "x"),
    ("A: matrix[m, n]; b: column[m]", "sum(softmax(A * b, axis=0) * log(A ** 2 + 1))", "A"),
    ("A: matrix[m, n]; b: column[m]", "logsumexp(A, axis=1) * b", "A"),
    ("x: row[n]; s: scalar", "log_softmax(s * x) + s ** 2 * mean(x)", "s"),
    ("x: row[n] & positive; s: scalar", "sum(x ** s) ** (1 / s)", "s"),
    ("x: row[n] & positive; s: row[n]", "sum(x ** s / s ** x)", "x"),
    ("x: row[n]; y: row[n]", "sum(maximum(x, y) * clip(x, -1, y) + where(x < y, x * y, x))", "x"),
    ("S: matrix[n, n]; v: column[n]", "diagonal(S @ S) * (S @ v) + trace(S) * v", "S"),
    ("g: elementwise; x: row[n]; W: matrix[n, m]\nh = g(x @ W)", "sum(h * g(h) / 2)", "W"),
    ("x: row[n]\nu = x - mean(x)\ns = sqrt(mean(u ** 2) + 1)\nr = u / s", "sum(r ** 3)", "x"),
    ("x: row[n]\nh = tanh(x)\nk = h * x\nl = k * h", "sum(exp(l) * k)", "h"),
    ("A: matrix[m, n]", "A.T @ A", "A"),
    ("x: column[n]; P: matrix[n, n] & spd", "gelu(P @ x) * erf(x)", "x"),
]  # fmt: skip


class Run(NamedTuple):
    """A first derivative by indices: of, result, and the links between them."""

    problem: dg.Problem
    of: Head
    wrt: Head
    result: Head
    links: tuple[Link, ...]


def run(text: str, of: str, wrt: str) -> Run:
    problem = dg.parse(text)
    setting = Setting(problem.source, (wrt,))
    head = setting.context.normal(head_of(problem, setting, of))
    links: list[Link] = []
    result = derivative(head, setting.heads[wrt], setting.context, links)
    return Run(problem, head, setting.heads[wrt], result, tuple(links))


@cache
def runs() -> dict[str, Run]:
    found = {f"d {of} / d {wrt}": run(text, of, wrt) for text, of, wrt in WRITTEN}
    for path in EXAMPLES:
        problem, text = dg.load(path), path.read_text(encoding="utf-8")
        for name in problem.default_wrt(problem.last):
            found[f"{path.stem} by {name}"] = run(text, problem.last, name)
    for seed in range(30):
        asked = case(seed)
        if asked.order == 1:
            try:
                found[f"seed {seed}"] = run(asked.text, asked.of, str(asked.wrt))
            except (ProblemError, DerivationError):
                continue
    return found


every_run = pytest.mark.parametrize("name", sorted(runs()))


@cache
def place(name: str) -> Environment:
    found = runs()[name]
    of_links = [h for link in found.links for h in (link.adjoint, link.local, link.contribution)]
    return good_point(found.problem, [found.of, found.result, *of_links])


def contracted(link: Link, values: Values) -> np.ndarray:
    """The adjoint times a local derivative, summed over the axes of the head between them."""
    return np.tensordot(values.of(link.adjoint), values.of(link.local), len(link.head.axes))


@every_run
def test_a_contribution_is_the_adjoint_times_the_local_derivative(name):
    values = Values(place(name))
    for link in runs()[name].links:
        assert difference(values.of(link.contribution), contracted(link, values)) < 1e-9


@every_run
def test_local_derivatives_are_those_of_the_head_by_its_child(name):
    """Other children keep their values; a child that stands in a head twice has two links."""
    environment = place(name)
    for head, child in dict.fromkeys((link.head, link.child) for link in runs()[name].links):
        if isinstance(child, Applied) and child.operation.name in KINKED:
            continue
        values = Values(environment)
        known = {other: values.of(other) for other in head.children}
        stated = sum(values.of(part) for other, part in local_derivatives(head) if other is child)

        def moved(x, head=head, child=child, known=known):
            return Values(environment, {**known, child: x}).of(head)

        assert difference(stated, slopes(moved, known[child])) < 1e-6, (head, child)


@every_run
def test_what_flows_into_a_head_is_its_adjoint(name):
    found, values = runs()[name], Values(place(name))
    heads = {link.head: link.adjoint for link in found.links} | {found.wrt: found.result}
    for head, adjoint in heads.items():
        if head is found.of:
            identity = np.eye(values.of(head).size)
            assert np.array_equal(values.of(adjoint).reshape(identity.shape), identity)
        else:
            parts = [contracted(link, values) for link in found.links if link.child is head]
            assert difference(values.of(adjoint), sum(parts, np.zeros(()))) < 1e-9


@every_run
def test_the_result_is_the_derivative_by_differences(name):
    found, environment = runs()[name], place(name)

    def moved(x):
        array = x.reshape(environment.arrays[found.wrt.name].shape)
        return Values(environment.having({found.wrt.name: array})).of(found.of)

    slope = slopes(moved, Values(environment).of(found.wrt))
    assert difference(Values(environment).of(found.result), slope) < 1e-6


@every_run
def test_heads_come_before_their_children_and_only_once(name):
    order = list(dict.fromkeys(link.head for link in runs()[name].links))
    depths = [head.depth for head in order]
    assert depths == sorted(depths, reverse=True)
    adjoints = {(link.head, link.adjoint) for link in runs()[name].links}
    assert len(adjoints) == len(order)


CALCULUS = """
x: row[n]; A: matrix[n, n]; a: scalar; b: scalar
f = sum(sin(x)) * a
g = x @ A @ x.T
h = tanh(x @ A)
"""


def gradient(of: str, wrt: str = "x", text: str = CALCULUS) -> np.ndarray:
    """The value of a first derivative, always at the same point."""
    found = run(text, of, wrt)
    return Values(good_point(found.problem, [found.result])).of(found.result)


def value(of: str) -> np.ndarray:
    found = run(CALCULUS, of, "x")
    return Values(good_point(found.problem, [found.of])).of(found.of)


def test_the_derivative_is_linear():
    expected = value("a") * gradient("f") + value("b") * gradient("g")
    assert difference(gradient("a * f + b * g"), expected) < 1e-12


def test_a_product_is_differentiated_one_factor_at_a_time():
    expected = value("g") * gradient("f") + value("f") * gradient("g")
    assert difference(gradient("f * g"), expected) < 1e-12


def test_a_quotient_follows():
    expected = (value("g") * gradient("f") - value("f") * gradient("g")) / value("g") ** 2
    assert difference(gradient("f / g"), expected) < 1e-12


def test_the_chain_goes_through_definitions():
    outer = gradient("sum(exp(h) * h)", "h")
    assert difference(gradient("sum(exp(h) * h)"), outer @ gradient("h")) < 1e-12
    written = gradient("sum(exp(tanh(x @ A)) * tanh(x @ A))")
    assert difference(gradient("sum(exp(h) * h)"), written) < 1e-12


def test_every_use_of_a_variable_counts():
    cube, once = gradient("sum(x) * sum(x) * sum(x)"), gradient("sum(x)")
    assert difference(cube, 3 * once * value("sum(x)") ** 2) < 1e-12
    both = gradient("x @ A @ x.T")
    assert difference(both, value("A @ x.T") + value("x @ A")) < 1e-12


def test_what_lies_before_a_definition_is_constant():
    """∂/∂h of h * x, where h depends on x, is diag(x) alone; by x both count."""
    direct = gradient("h * x", "h")
    assert difference(direct, np.diag(value("x"))) < 1e-12
    both = gradient("h * x", "x")
    assert difference(both, np.diag(value("h")) + direct @ gradient("h")) < 1e-12


def test_what_does_not_depend_has_derivative_zero():
    assert not gradient("f", "A").any()
    assert not gradient("f", "h").any()


def test_second_derivatives_commute():
    problem = dg.parse(CALCULUS)
    setting = Setting(problem.source, ("x", "A"))
    head = setting.context.normal(head_of(problem, setting, "sum(h * h) * a"))
    x, A = setting.heads["x"], setting.heads["A"]
    one = derivative(derivative(head, x, setting.context), A, setting.context)
    other = derivative(derivative(head, A, setting.context), x, setting.context)
    for environment in points(problem):
        values = Values(environment)
        assert difference(values.of(one), np.moveaxis(values.of(other), 2, 0)) < 1e-9


# What is asked, of variables of which something is declared, and the formula.
FREE_ENTRIES = [
    ("y: row[n] & onehot", "sum(y)", 1, "ones(1, n)"),
    ("y: row[n] & onehot", "sum(y * y)", 1, "2 * y"),
    ("z: row[n]; y: row[n] & onehot", "sum(y ** 2 * z)", 1, "2 * z * y"),
    ("y: row[n] & simplex", "sum(y)", 1, "ones(1, n)"),
    ("y: column[n] & pm1", "sum(y ** 2)", 1, "2 * y"),
    ("y: column[n] & pm1", "sum(y ** 2)", 2, "2 * eye(n)"),
    ("y: column[n] & pm1", "sum(y ** 3)", 1, "3 * ones(n, 1)"),
    ("y: column[n] & pm1", "sum(y ** 3)", 2, "6 * diag(y)"),
    ("x: column[n]; y: matrix[n, n] & symmetric", "x.T @ y @ x", 1, "x @ x.T"),
    ("y: matrix[n, n] & symmetric", "trace(y @ y)", 1, "2 * y"),
    ("y: matrix[n, n] & orthogonal", "trace(y @ y.T)", 1, "2 * y"),
    ("y: row[n] & positive", "sum(abs(y))", 1, "sign(y)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "of", "order", "expected"), FREE_ENTRIES)
def test_what_is_declared_of_a_variable_holds_only_after_the_last_derivative(
    text, of, order, expected
):
    assert dg.parse(text).derive(of, "y", order).result.source == expected


def test_what_is_declared_of_other_variables_holds_throughout():
    problem = dg.parse("y: row[n] & onehot; x: row[n]")
    assert problem.derive("sum(y) * sum(x * y ** 2)", "x").result.source == "y"
