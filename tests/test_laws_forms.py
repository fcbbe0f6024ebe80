"""Normal forms: reached once, one object for equal forms, and blind to names."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from generated.problems import case
from generated.variants import with_new_names
from hypothesis import given, settings
from hypothesis import strategies as st
from index_numbers import Values, difference, head_of, points
from test_laws import run, runs

import diagrad as dg
from diagrad.dimensions import Dimension, Size
from diagrad.evaluate import Environment
from diagrad.index.relabel import canonical
from diagrad.index.term import Applied, Definition, Factor, Head, Numeral, Sum, Term, Variable
from diagrad.operations import WORDS
from diagrad.setting import Setting, with_facts

SIZES = {"m": 3, "n": 4}
M, N = (Size.named(Dimension(k, name)) for k, name in enumerate(SIZES))

PROBLEM = """
x: row[n]; y: row[n]; z: column[n]; a: scalar; b: scalar & positive
A: matrix[m, n]; B: matrix[m, n]; C: matrix[n, m]; S: matrix[n, n] & symmetric; P: matrix[n, n]
h = sigmoid(x)
u = x - mean(x)
U = A - mean(A, axis=0)
"""
EQUAL = [
    ("x * y * 2", "2 * (y * x)"),
    ("(x + y) + h", "h + (y + x)"),
    ("A.T.T", "A"),
    ("(A @ C) @ A", "A @ (C @ A)"),
    ("(A @ C).T", "C.T @ A.T"),
    ("trace(A @ C)", "trace(C @ A)"),
    ("trace(A @ C @ A @ C)", "trace(C @ A @ C @ A)"),
    ("trace(A.T @ B)", "sum(B * A)"),
    ("x @ z", "z.T @ x.T"),
    ("x @ P @ x.T", "x @ P.T @ x.T"),
    ("S.T @ z", "S @ z"),
    ("(2 * x + 2 * y) ** 2", "4 * (y + x) ** 2"),
    ("sum((x - y) ** 2)", "sum((y - x) ** 2)"),
    ("(x - y) ** 3", "-(y - x) ** 3"),
    ("sum((A - B) * C.T)", "sum((A.T - B.T) * C)"),
    ("norm(x) ** 2", "x @ x.T"),
    ("sqrt(b) * sqrt(b)", "b"),
    ("(2 * b) ** 0.5 * 2 ** 0.5", "2 * sqrt(b)"),
    ("x / x", "ones(1, n)"),
    ("diag(x) @ diag(y)", "diag(x * y)"),
    ("sum(A, axis=0)", "ones(1, m) @ A"),
    ("mean(A)", "sum(A) / (n * m)"),
    ("outer(x, y) @ z", "x.T * (y @ z)"),
    ("sigmoid(x) * (1 - h)", "(1 - sigmoid(x)) * h"),
    ("log(exp(x))", "x"),
    ("log(1 + exp(x))", "softplus(x)"),
    ("exp(x) / sum(exp(x))", "softmax(x)"),
    ("exp(A) / sum(exp(A), axis=0)", "softmax(A, axis=0)"),
    ("sum(x * exp(y)) / sum(exp(y))", "softmax(y) @ x.T"),
    ("log(sum(exp(A), axis=1))", "logsumexp(A, axis=1)"),
    ("log(sum(exp(A)))", "logsumexp(A)"),
    ("logsumexp(x + a)", "logsumexp(x) + a"),
    ("softmax(A - z.T @ x.T)", "softmax(A)"),
    ("softmax(A - max(A, axis=1))", "softmax(A)"),
    ("log(softmax(x))", "log_softmax(x)"),
    ("1 / (1 + exp(-y))", "sigmoid(y)"),
    ("exp(y) / (1 + exp(y)) ** 2", "sigmoid(y) * sigmoid(-y)"),
    ("(exp(y) - exp(-y)) / (exp(y) + exp(-y))", "tanh(y)"),
    ("(1 - exp(-2 * y)) / (1 + exp(-2 * y))", "tanh(y)"),
    ("exp(y) * exp(-y)", "ones(1, n)"),
    ("cosh(-y) * tanh(-y)", "-tanh(y) * cosh(y)"),
    ("sigmoid(-x)", "1 - h"),
    ("softmax(y.T)", "softmax(y).T"),
    ("sum(softmax(A), axis=1)", "ones(m, 1)"),
    ("einsum('ij,kj->ik', A, B)", "A @ B.T"),
    ("exp(x * y + h)", "exp(h + y * x)"),
    ("where(x < y, x, x)", "x"),
    ("x * eye(n)", "diag(x)"),
    ("a * (b * x)", "(a * x) * b"),
    ("a ** 2 * a ** b", "a ** (b + 2)"),
    ("sum(U)", "0"),
    ("x @ S @ z", "z.T @ S @ x.T"),
    ("sum(u * y) + sum(u)", "u @ y.T"),
]


def normal(text: str, of: str) -> tuple[Head, Setting]:
    problem = dg.parse(text)
    setting = Setting(problem.source, ())
    return setting.context.normal(head_of(problem, setting, of)), setting


def plain(term: Term) -> Term:
    """The canonical form where no head is symmetric."""
    return canonical(term, lambda head: False)


def factored(head: Head) -> Head:
    """As a single factor of a product, in which sums are turned so that they are one head."""
    return Sum(head.axes, (Term(1, (Factor(head, tuple(range(len(head.axes)))), *THING)),))


THING = (Factor(Variable("thing_", 99, ()), ()),)


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_forms_are_one_object(one, other):
    (first, setting), (second, _) = normal(PROBLEM, one), normal(PROBLEM, other)
    assert first is second or setting.context.normal(factored(first)) is setting.context.normal(
        factored(second)
    )


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_forms_that_are_claimed_to_be_equal_are_so_by_numbers(one, other):
    problem = dg.parse(PROBLEM)
    setting = Setting(problem.source, ())
    for environment in points(problem):
        values = Values(environment)
        first, second = (values.of(head_of(problem, setting, text)) for text in (one, other))
        finite = np.isfinite(first) & np.isfinite(second)
        assert difference(first[finite], second[finite]) < 1e-9


@pytest.mark.parametrize("name", sorted(runs()))
def test_a_normal_form_is_normal(name):
    """In a context that has seen nothing but the problem."""
    found = runs()[name]
    (asked, first), (_, last) = found.forms
    again = Setting(found.problem.source, found.by)
    again.context.read(asked)
    assert again.context.normal(first) is first
    assert with_facts(found.problem.source, again, found.by).normal(last) is last


@pytest.mark.parametrize("seed", range(40))
def test_names_change_no_key(seed):
    asked = case(seed)
    changed, _ = with_new_names(asked)
    one, other = (run(c.text, c.of, c.wrt, c.order) for c in (asked, changed))
    pairs = zip(one.forms, other.forms, strict=True)
    assert all(a.key == b.key for forms in pairs for a, b in zip(*forms, strict=True))
    assert [a.law for a in one.free] == [a.law for a in other.free]


def test_the_same_structure_is_the_same_object():
    def made() -> list[Head]:
        x = Variable("x", 0, (N,))
        square = Sum((), (Term(Fraction(2, 2), (Factor(x, (-1,), 2),), (N,)),))
        wave = Applied(WORDS["sin"], (x,), (N,))
        return [x, square, wave, Definition("w", 1, wave), Numeral(Fraction(4, 2)), Numeral(2)]

    one, other = made(), made()
    assert all(a is b for a, b in zip(one, other, strict=True))
    assert one[-1] is one[-2]
    assert len({head.key for head in one}) == 5


def test_different_structures_have_different_keys():
    heads: dict[Head, None] = {}
    pending = [head for forms in runs()["powers"].forms for head in forms]
    while pending:
        head = pending.pop()
        heads[head] = None
        pending += head.children
    assert len(heads) > 10
    assert len({head.key for head in heads}) == len(heads)


@st.composite
def terms(draw) -> Term:
    """A term with up to two free and four bound labels of two sizes, some of its factors equal."""
    free = (M, N)[: draw(st.integers(0, 2))]
    bound = draw(st.lists(st.sampled_from([M, N]), max_size=4))
    sizes = dict(enumerate(free)) | {-k - 1: size for k, size in enumerate(bound)}
    groups = draw(
        st.lists(st.lists(st.sampled_from(sorted(sizes)), max_size=3), min_size=1, max_size=6)
        if sizes
        else st.just([[]])
    )
    factors = []
    for group in groups:
        axes = tuple(sizes[k] for k in group)
        number = draw(st.integers(0, 1))
        kind = number + 2 * sum(3**k * (1 + (size is N)) for k, size in enumerate(axes))
        exponent = draw(st.sampled_from([1, 1, 2, -1, Fraction(1, 2)]))
        factors.append(Factor(Variable(f"v{kind}", kind, axes), tuple(group), exponent))
    return Term(draw(st.sampled_from([1, -2, Fraction(1, 3)])), tuple(factors), tuple(bound))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(terms(), st.randoms(use_true_random=False))
def test_the_names_of_bound_labels_and_the_order_of_factors_do_not_matter(term, random):
    order = list(range(len(term.bound)))
    random.shuffle(order)
    new = {-old - 1: -k - 1 for k, old in enumerate(order)}
    factors = [f._replace(labels=tuple(new.get(k, k) for k in f.labels)) for f in term.factors]
    random.shuffle(factors)
    shuffled = Term(term.coefficient, tuple(factors), tuple(term.bound[k] for k in order))
    assert plain(term) == plain(shuffled)
    assert plain(plain(term)) == plain(term)
    assert same_value(term, plain(shuffled))


def test_labels_that_look_alike_are_told_apart_by_trying():
    """tr(P³) tr(P⁴): each label stands once before and once behind, in cycles of two lengths."""
    P = Variable("P", 0, (N, N))
    steps = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 6), (6, 3)]
    found = set()
    for seed in range(20):
        place = np.random.default_rng(seed).permutation(7)
        factors = tuple(Factor(P, (-1 - int(place[i]), -1 - int(place[j]))) for i, j in steps)
        found.add(plain(Term(1, factors, (N,) * 7)))
    assert len(found) == 1


def same_value(one: Term, other: Term) -> bool:
    rng = np.random.default_rng(0)
    heads = {f.head for f in one.factors}
    shapes = {h.name: [size.evaluate(SIZES) for size in h.axes] for h in sorted(heads, key=key)}
    arrays = {name: rng.uniform(0.5, 2, shape) for name, shape in shapes.items()}
    values = Values(Environment(arrays, SIZES))
    free = values.free((one,))
    return difference(values.total((one,), free), values.total((other,), free)) < 1e-12


def key(head: Head) -> tuple[int, int, int]:
    return head.key
