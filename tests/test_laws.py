"""Every law, through the record of what it did: equal before and after, and never an identity."""

from __future__ import annotations

import re
from functools import cache
from textwrap import dedent
from typing import NamedTuple

import numpy as np
import pytest
from generated.problems import case
from index_numbers import EXAMPLES, Values, difference, head_of, points

import diagrad as dg
from diagrad.errors import DerivationError, ProblemError
from diagrad.index.context import Application
from diagrad.index.differentiate import derivative
from diagrad.index.laws import HEAD_LAWS, LAWS, SUM_LAWS
from diagrad.index.term import Factor, Head, Sum, Term
from diagrad.setting import Setting, with_facts

GENERATED = range(120)
NAMES = [name for name, _ in (*LAWS, *SUM_LAWS, *HEAD_LAWS)]
NAMES += ["distribute a sum", "a closed sum is a scalar"]

# What it is about: what is differentiated, by what, once or twice; below it the problem.
PROBLEMS = """
powers: sum(x ** 3 * x ** s / sqrt(x)) by x twice
    x: row[n] & positive; s: scalar
powers of products: sum((4*a*x)**1.5) by x twice
    x: row[n] & positive; a: scalar & positive
a root of a square: sum(sqrt(4 * x ** 2)) by x
    x: row[n]
symbolic powers: (3 * a) ** (s - 1) * a ** (1 - s) by s twice
    a: scalar & positive; s: scalar
a whole symbolic power: sum(x ** n) ** (1 / n) by x
    x: row[n] & positive
numbers: sum((2 * x - 4) ** 2) / sqrt(2) ** 2 + sqrt(8) * sum(x) by x
    x: row[n]
a common number to a power: sum(sqrt(2 * x ** 2 + 4)) by x twice
    x: row[n]
one-hot: sum(y ** 3 * z) * sum(y) + sum(y * y) by z
    y: row[n] & onehot; z: row[n]
one-hot rows: sum(z * Y) by z
    Y: matrix[m, n] & onehot; z: column[m]
one-hot columns: sum((Y * z) ** 2) by z
    Y: matrix[m, n] & onehot(axis=0); z: row[n]
signs: sum(y ** 3 * z + y ** 2 * z ** 2 + z / y) by z
    y: column[m] & pm1; z: column[m]
a simplex: sum(p) + sum(p.T @ p @ W) by W
    p: row[n] & simplex; W: matrix[n, m]
softmax: sum(softmax(z) * c) + t @ softmax(z).T by z twice
    z: row[n]; t: row[n]; c: scalar
softmax down: sum(v * sum(softmax(Z, axis=0), axis=0)) by v
    Z: matrix[m, n]; v: row[n]
steps: sum(relu(x) ** 2 * step(x)) + sum(step(x) ** 2 * x) by x
    x: row[n]
absolute values: sum(abs(x) * sign(x) + x * sign(x) + abs(x) ** 3) by x
    x: row[n]
orthogonal: x @ Q @ Q.T @ x.T + sum(x @ Q.T @ Q) + x @ Q @ Q @ x.T by x twice
    Q: matrix[n, n] & orthogonal; x: row[n]
symmetric: x.T @ S.T @ x + trace(S @ S.T) by x twice
    S: matrix[n, n] & symmetric; x: column[n]
symmetric, itself varied: x.T @ S @ S @ x by S
    S: matrix[n, n] & symmetric; x: column[n]
spd: (x - mu) @ P @ (x - mu).T / 2 by mu twice
    P: matrix[n, n] & spd; mu: row[n]; x: row[n]
repeated entries: mean(x) * sum(A * ones(m, n)) + n * sum(x) by x
    x: row[n]; A: matrix[m, n]
counting: sum((x + ones(m, n)) * b) + trace(eye(n)) * sum(x) by x
    x: row[n]; b: column[m]
traces: trace(A @ B @ A @ B) by A
    A: matrix[m, n]; B: matrix[n, m]
diagonals: sum(diag(v) @ S @ diag(v)) + sum(diagonal(S)) by v twice
    S: matrix[n, n]; v: row[n]
norms: norm(A) + sum(A) / norm(A) ** 3 + sum(norm(A, axis=1)) by A
    A: matrix[m, n]
a sum's own powers: sum(log(x / sum(x))) + sum(x) / sum(x) ** 2 by x twice
    x: row[n] & positive
row sums: sum(b * A / sum(A, axis=1)) + sum(A**2) by b
    A: matrix[m, n]; b: column[m]
centred: sum(u) + sum(u * w) + sum(u ** 2) by x twice
    x: row[n]; w: row[n]
    u = x - mean(x)
layer normalisation: sum((r - t) ** 2) / 2 by x
    x: row[n]; t: row[n]
    u = x - mean(x)
    s = sqrt(mean(u ** 2) + 0.1)
    r = u / s
batch normalisation: sum(T * U / sqrt(V + 1)) by X
    X: matrix[m, n]; T: matrix[m, n]
    U = X - mean(X, axis=0)
    V = mean(U ** 2, axis=0)
named sums: c ** 2 + sum(y-x) by x
    x: row[n]; y: row[n]
    r = 2 * x - 2 * y
    c = r @ r.T
named products: sum(x**2*y**2) + h by x
    x: row[n]; y: row[n]
    q = 3 * x * y
    h = x @ y.T
named powers: sum(x**5) / sqrt(u) + u**2 by x
    x: row[n] & positive
    d = x ** 2
    u = sum(d)
named functions: sum(h * k) + sum(h ** 2) by z twice
    z: row[n]
    h = sigmoid(z)
    k = 1 - h
named transposes: x.T@B@x + sum(C) by x
    A: matrix[n, n]; x: column[n]
    B = A + A.T
    C = A - 2 * x
word products: (1 - r ** 2) ** -0.5 * (2 - 2 * r ** 2) * x by r
    x: scalar; r: scalar
factors of every term: sum((x*y + x*z)**3) / sum(x*y+x*z) by x
    x: row[n]; y: row[n]; z: row[n]
sums inside: sum(c * (A - mean(A, axis=1))) by A
    A: matrix[m, n]; b: row[n]; c: column[m]
a sum inside: sum(w * sum(x - ones(1, n))) + sum(w*sum(x - x/2)) by w
    x: row[n]; w: column[m]
a sum that is named: sum(a) * sum(p - ones(1, n)/n) by a
    p: row[n] & simplex; a: row[n]
digits: sum((vec(A) + c) * d) + sum(vec(A) * c) + c.T @ kron(eye(n), eye(m)) @ c by A twice
    A: matrix[m, n]; c: column[m*n]; d: column[m*n]
powers of row sums: sum(Q @ (S * (Q.T @ Q @ S) ** 3)) + sum((Q @ S) ** 3 * B) by Q twice
    Q: matrix[m, n]; S: matrix[n, n]; B: matrix[m, n]
squares of sums: sum((A @ x) * (A @ x) * c) + sum(c * sum(A, axis=1) * sum(A, axis=1)) by c
    A: matrix[m, n]; x: column[n]; c: column[m]
lower triangles: trace(tril(S) @ T) + sum(diagonal(tril(S @ T)) ** 2) + sum(tril(diag(v)) * T) by S
    S: matrix[n, n]; T: matrix[n, n]; v: row[n]
digits of nothing: sum(vec(A) * c * vec(B)) + sum(kron(ones(m, 1), b) * c) by b
    A: matrix[m, n]; B: matrix[m, n]; c: column[m*n]; b: column[n]
logistic: -sum(y * log(p) + (1 - y) * log(1 - p)) / N by w twice
    X: matrix[N, D]; y: column[N]; w: column[D]
    p = sigmoid(X @ w)
inverses: trace(inv(inv(X) @ A)) + logdet(inv(X)) + det(inv(X)) by X
    X: matrix[n, n]; A: matrix[n, n]
inverses of multiples: x @ inv(2 * s * (X + A.T)) @ x.T + det(X + A.T) + logdet(A.T + X) by s
    X: matrix[n, n]; A: matrix[n, n]; x: row[n]; s: scalar
inverses of products: x @ inv(X @ diag(v) @ A.T) @ x.T by X
    X: matrix[n, n]; A: matrix[n, n]; v: row[n]; x: row[n]
inverses of grams: trace(inv(W.T @ diag(w) @ W) @ W.T @ diag(w) @ W @ S) by S
    W: matrix[m, n]; w: row[m] & positive; S: matrix[n, n]
inverses of transposes: x @ inv(X * A) @ x.T + x @ inv(X.T * A.T) @ y.T by X
    X: matrix[n, n]; A: matrix[n, n]; x: row[n]; y: row[n]
push-through: sum(c @ inv(X.T @ X + a * eye(n)) @ X.T - w.T) by c
    X: matrix[n, n]; a: scalar & positive; c: row[n]; y: column[n]
    w = X.T @ inv(X @ X.T + a * eye(n)) @ y
push-through of a rectangle: sum(c * (inv(X.T @ X + a * eye(n)) @ X.T @ y - w)) by c
    X: matrix[m, n]; a: scalar & positive; c: column[n]; y: column[m]
    w = X.T @ inv(X @ X.T + a * eye(m)) @ y
an inverse beside a power: sum(inv(X) @ (X * X) @ A) + sum(inv(X) @ X ** 3) by A
    X: matrix[n, n]; A: matrix[n, n]
an inverse beside a diagonal: sum(a * inv(F) @ diagonal(F)) + sum(F * F @ inv(F)) by a
    X: matrix[n, n]; a: scalar
    F = X @ X.T + exp(a) * eye(n)
inverses that cancel: x @ inv(X - A) @ (A - X) @ inv(A) @ x.T by x
    X: matrix[n, n]; A: matrix[n, n]; x: row[n]
named inverses: logdet(F) + sum(X) by X
    A: matrix[n, n]; X: matrix[n, n]
    F = A @ X
diagonal inverses: x @ inv(diag(v)) @ x.T + det(diag(v)) + logdet(diag(v)) by v
    v: row[n]; x: row[n]
identity: det(eye(n)) * sum(x) + x @ inv(eye(n)) @ x.T by x
    x: row[n]
orthogonal inverses: x @ inv(Q) @ x.T + logdet(Q) * sum(x) by x
    Q: matrix[n, n] & orthogonal; x: row[n]
rank one: det(a * eye(n) + 2 * u @ v.T) + logdet(a * eye(n) + u @ u.T) by u
    a: scalar & positive; u: column[n]; v: column[n]
rank one, inverted: x @ inv(eye(n) + u @ v.T) @ x.T + x @ inv(a * eye(n) - u @ u.T) @ x.T by u
    a: scalar & positive; u: column[n]; v: column[n]; x: row[n]
pseudoinverses: sum(A @ pinv(A) @ A @ x.T) + sum(pinv(A) @ A @ pinv(A) @ y.T) by x
    A: matrix[m, n]; x: row[n]; y: row[m]
projections: norm(y - P @ y) ** 2 by y
    A: matrix[m, n]; y: column[m]
    P = A @ inv(A.T @ A) @ A.T
oblique projections: x.T @ P.T @ P.T @ x + sum(P @ P @ x) by x
    A: matrix[m, n]; B: matrix[m, n]; x: column[m]
    P = eye(m) - A @ inv(B.T @ A) @ B.T
Cholesky: x @ inv(L).T @ inv(L) @ x.T + det(L) + logdet(L) + sum(x @ L @ L.T) by x
    S: matrix[n, n] & spd; x: row[n]
    L = cholesky(S)
Cholesky of a Gaussian: sum(log(diagonal(L))) + norm(inv(L) @ x) ** 2 by A
    A: matrix[n, n]; x: column[n]
    L = cholesky(A @ A.T)
softmax as a quotient: sum(t * exp(z) ** 2 / sum(exp(z)) ** 2) + z @ softmax(2 * z + c).T by z
    z: row[n]; t: row[n]; c: scalar
attention in exponentials: sum((exp(S) @ V / sum(exp(S), axis=1)) ** 2) by S
    S: matrix[m, n]; V: matrix[n, k]
shares sum to 1: -sum(Y * log(P)) by Z
    Z: matrix[m, n]; Y: matrix[m, n] & onehot
    E = exp(Z - max(Z, axis=1))
    P = E / sum(E, axis=1)
a sigmoid as a quotient: sum(t / (1 + exp(-x @ W)) ** 2 + exp(x@W) / (1 + exp(x@W))) by x
    x: row[n]; W: matrix[n, m]; t: row[m]
opposite exponents: sum(t * exp(2*x) * exp(-2*x) ** 3 * x) + sum(exp(x) * sigmoid(-x)) by x
    x: row[n]; t: row[n]
tanh in exponentials: sum(t * (exp(x) - exp(-x)) ** 2 / (exp(x) + exp(-x)) ** 3) by x
    x: row[n]; t: row[n]
tanh of half: sum(t * (exp(x) - 1) / (exp(x) + 1) + (1 - exp(x)) / (1 + exp(x))) by x
    x: row[n]; t: row[n]
logarithms of exponentials: sum(log(sum(exp(A + b), axis=1)) * log(1 + exp(c))) by A
    A: matrix[m, n]; b: column[m]; c: column[m]
logarithms of shares: sum(softmax(z) * log(softmax(z))) + sum(exp(log_softmax(z)) ** 2) by z
    z: row[n]
odd and even: sum(sin(-x) * cos(-x) * tanh(-2*x*t) + cosh(-x - t)) by x
    x: row[n]; t: row[n]
a named complement: sum(log(1 + exp(-t * x))) by x twice
    x: row[n]; t: row[n]
    s = sigmoid(t * x)
the chosen probability: (1 - pt ** q) / q by z
    z: row[n]; y: row[n] & onehot; q: scalar & positive
    p = softmax(z)
    pt = sum(y * p)
roots of names: sum(x) / (v * q) + q ** 4 * sum(x * c) / v by x
    x: row[n] & positive; c: row[n]
    v = sum(x)
    q = sqrt(v)
squares of products: sum((X @ w) * (X @ w) * c + (X @ w) * (X @ w)) by c
    X: matrix[m, n]; w: column[n]; c: column[m]
unspecified: sum(g(x @ W) ** 2) by W
    g: elementwise; x: row[n]; W: matrix[n, m]
"""
ENTRY = re.compile(r"^(\S.*?): (.+) by (\w+)( twice)?\n((?:    .*\n)+)", re.MULTILINE)
WRITTEN = {
    name: (dedent(text), of, wrt, 2 if twice else 1)
    for name, of, wrt, twice, text in ENTRY.findall(PROBLEMS)
}


class Run(NamedTuple):
    """One derivation: the forms that came up, and what was recorded before and after facts held."""

    problem: dg.Problem
    forms: tuple[tuple[Head, Head], ...]
    free: tuple[Application, ...]
    known: tuple[Application, ...]
    by: tuple[str, ...]


def run(text: str, of: str, wrt: str | tuple[str, str], order: int) -> Run:
    """The engine without the raising; a mixed second derivative where `wrt` is a pair."""
    problem = dg.parse(text)
    by = (wrt,) * order if isinstance(wrt, str) else wrt
    setting = Setting(problem.source, by)
    lowered = head_of(problem, setting, of)
    head = setting.context.normal(lowered)
    forms = [(lowered, head)]
    for name in by:
        head = derivative(head, setting.heads[name], setting.context)
    context = with_facts(problem.source, setting, by)
    forms.append((head, context.normal(head)))
    again = () if context is setting.context else tuple(context.record)
    return Run(problem, tuple(forms), tuple(setting.context.record), again, by)


@cache
def runs() -> dict[str, Run]:
    """All derivations of this file, once."""
    found = {name: run(*asked) for name, asked in WRITTEN.items()}
    for path in EXAMPLES:
        problem = dg.load(path)
        for name in problem.default_wrt(problem.last):
            key = f"{path.stem} by {name}"
            found[key] = run(path.read_text(encoding="utf-8"), problem.last, name, 1)
    for seed in GENERATED:
        c = case(seed)
        try:
            found[f"seed {seed}"] = run(c.text, c.of, c.wrt, c.order)
        except (ProblemError, DerivationError):
            continue
    return found


@cache
def recorded() -> dict[str, list[Application]]:
    """All that was recorded, by law."""
    found: dict[str, list[Application]] = {name: [] for name in NAMES}
    for each in runs().values():
        for application in (*each.free, *each.known):
            found[application.law].append(application)
    return found


def wrong(problem: dg.Problem, applied: tuple[Application, ...], without: tuple[str, ...]) -> list:
    """The rewritings that change a value, or that have one nowhere."""
    places = [Values(environment) for environment in points(problem, 0, without)]
    return [a for a in set(applied) if not all_equal(a, places)]


def all_equal(applied: Application, places: list[Values]) -> bool:
    """Equal wherever both sides are finite, and they are so somewhere."""
    compared = 0
    for values in places:
        free = values.free((applied.before, *applied.after))
        before = values.total((applied.before,), free)
        after = values.total(applied.after, free)
        finite = np.isfinite(before) & np.isfinite(after)
        compared += int(finite.sum())
        if difference(before[finite], after[finite]) > 1e-9:
            return False
    return compared > 0


def undeclared(found: Run) -> tuple[str, ...]:
    """The variables of differentiation, of which nothing is known until the last derivative."""
    return tuple(name for name in found.by if name in found.problem.source.variables)


@pytest.mark.parametrize("name", [*WRITTEN, *(path.stem for path in EXAMPLES), "seed"])
def test_each_rewriting_is_true_at_points_that_respect_the_facts_in_force(name):
    chosen = {key: found for key, found in runs().items() if key.split(" by ")[0] == name}
    if name == "seed":
        chosen = {key: found for key, found in runs().items() if key.startswith("seed ")}
    assert chosen
    for key, found in chosen.items():
        assert not wrong(found.problem, found.free, undeclared(found)), key
        assert not wrong(found.problem, found.known, ()), key


@pytest.mark.parametrize("name", NAMES)
def test_each_law_was_at_work_and_never_changed_nothing(name):
    applied = recorded()[name]
    assert applied
    assert not [a for a in applied if a.after == (a.before,)]


def test_no_law_goes_unnamed():
    assert set(recorded()) == set(NAMES)


def test_a_false_rewriting_is_found():
    found = runs()["one-hot"]
    for applied in set(found.free):
        doubled = [t._replace(coefficient=2 * t.coefficient) for t in applied.after]
        assert wrong(found.problem, (applied._replace(after=tuple(doubled)),), ()) or not any(
            doubled
        )


def test_a_law_about_a_fact_is_false_without_it():
    found = runs()["signs"]
    about = [a for a in found.free if a.law == "entries are 0, 1 or ±1"]
    assert about and len(wrong(found.problem, tuple(about), ("y",))) == len(set(about))


@pytest.mark.parametrize("name", WRITTEN)
def test_a_normal_form_has_the_value_of_what_it_came_from(name):
    found = runs()[name]
    compared = 0
    for environment in points(found.problem):
        values = Values(environment)
        for before, after in found.forms:
            pair = values.of(before), values.of(after)
            finite = np.isfinite(pair[0]) & np.isfinite(pair[1])
            compared += int(finite.sum())
            assert difference(pair[0][finite], pair[1][finite]) < 1e-9
    assert compared


def test_a_group_times_what_was_taken_out_is_the_sum():
    problem = dg.parse("x: row[n]; y: row[n]; z: row[n]; A: matrix[n, n]; P: matrix[n, n]")
    setting = Setting(problem.source, ())
    for text in ("4*x*y - 6*x*z", "-A - P.T", "x * A / 2 + 3 * x * A.T", "A ** 2 * x - A ** 3 * y"):
        head = setting.context.normal(head_of(problem, setting, text))
        coefficient, common, primitive, order = setting.context.group(head)
        again = Sum(head.axes, (Term(coefficient, (*common, Factor(primitive, order))),))
        for environment in points(problem):
            values = Values(environment)
            assert difference(values.of(head), values.of(again)) < 1e-12
        assert setting.context.group(primitive)[0] == 1
