"""Every room of every operation, by one test each: a half-furnished room fails by itself."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest
from index_numbers import Values, difference, points

import diagrad as dg
from diagrad.dimensions import is_scalar
from diagrad.errors import DerivationError
from diagrad.evaluate import evaluate
from diagrad.expression import Apply, Expression, walk
from diagrad.operations import OPERATORS, ROOMS
from diagrad.operations.room import Operation, ShapeError, Takes
from diagrad.setting import Setting

STANDARD = """
A: matrix[m, n]; B: matrix[m, n]; S: matrix[n, n]
row_m: row[m]; row_n: row[n]; column_m: column[m]; column_n: column[n]
positive_A: matrix[m, n] & positive; prob_A: matrix[m, n] & prob
"""
EVERY = list({id(room): room for room in [*ROOMS, *OPERATORS.values()]}.values())
every_room = pytest.mark.parametrize("room", EVERY, ids=[room.name for room in EVERY])
WEIGHTS = {"m": "row_m", "n": "row_n"}


@cache
def standard() -> dg.Problem:
    return dg.parse(STANDARD)


@cache
def example(room: Operation) -> Expression:
    return standard().expression(room.example)


def place(seed: int = 0):
    """A point with m, n and values as declared; arrays have no entries at which kinks lie."""
    return next(points(standard(), seed))


def variables(expression: Expression) -> list[str]:
    return sorted(standard().source.needed(expression) & standard().source.variables.keys())


EXAMPLES = [(room, name) for room in EVERY for name in variables(example(room))]
by_variable = pytest.mark.parametrize(
    ("room", "name"), EXAMPLES, ids=[f"{room.name} by {name}" for room, name in EXAMPLES]
)


def derived(of: str, wrt: str, order: int = 1, layout: str = "auto") -> dg.Derivation:
    """A verified derivation; that a row meets a column is no concern here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return standard().derive(of, wrt, order, layout)


def total(room: Operation) -> str:
    """A scalar in which every entry of the example has a weight of its own."""
    rows, columns = (str(size) for size in example(room).shape)
    row = f"sin(2 * {WEIGHTS[rows]}.T)" if rows in WEIGHTS else "2"
    column = f"cos(3 * {WEIGHTS[columns]})" if columns in WEIGHTS else "3"
    return f"sum({row} * ({room.example}) * {column})"


@every_room
def test_a_room_is_furnished(room):
    assert room.name and room.name == room.name.strip()
    assert room.summary.endswith("."), "a sentence"
    assert isinstance(room.takes, Takes)
    assert room.takes.operands or room.takes.sizes
    assert room.because and not room.because.endswith("."), "a clause that explains f′"
    assert room.identity and all(isinstance(part, str | int | Operation) for part in room.identity)
    assert hash(room.identity) == hash(room.identity)


def test_names_and_identities_are_different():
    assert len({room.name for room in EVERY}) == len(EVERY)
    assert len({room.identity for room in EVERY}) == len(EVERY)


@every_room
def test_an_example_is_an_example_of_its_room(room):
    nodes = [node for node in walk(example(room)) if isinstance(node, Apply)]
    assert room.name in [node.operation.name for node in nodes]


@every_room
def test_index_form_and_numpy_give_the_same_value(room):
    setting = Setting(standard().source, ())
    lowered = setting.lowered(example(room))
    for environment in points(standard(), 1):
        value = evaluate(example(room), environment)
        for head in (lowered, setting.context.normal(lowered)):
            assert difference(Values(environment).of(head).reshape(value.shape), value) < 1e-12


@every_room
def test_a_value_has_the_shape_that_is_declared(room):
    environment = place()
    for node in walk(example(room)):
        shape = tuple(size.evaluate(environment.sizes) for size in node.shape)
        assert np.shape(evaluate(node, environment)) == shape


@every_room
def test_a_batch_is_a_loop(room):
    environment = place()
    arrays = environment.arrays
    many = [{name: np.roll(a, k) for name, a in arrays.items()} for k in range(3)]
    stacked = {name: np.stack([each[name] for each in many]) for name in arrays}
    together = evaluate(example(room), environment.having(stacked))
    alone = [evaluate(example(room), environment.having(each)) for each in many]
    assert difference(together, np.stack(alone)) < 1e-14


@every_room
def test_what_is_printed_is_read_back(room):
    formula = standard().formula(room.example)
    assert formula.unicode() and formula.latex() and formula.ascii().isascii()
    again = standard().expression(formula.source)
    environment = place()
    assert np.array_equal(evaluate(again, environment), evaluate(example(room), environment))
    assert standard().formula(formula.source).source == formula.source


@by_variable
def test_the_gradient_of_a_weighted_sum_verifies(room, name):
    derivation = derived(total(room), name)
    assert derivation.verification.passed
    assert derivation.result.shape == tuple(str(size) for size in standard().shapes[name])


@by_variable
def test_the_derivative_of_every_entry_verifies_in_every_layout_that_fits(room, name):
    for layout in ("auto", "tensor", "vec", "numerator"):
        try:
            derivation = derived(room.example, name, layout=layout)
        except DerivationError as error:
            assert layout == "numerator" and "does not fit" in str(error)
            continue
        assert derivation.verification.passed
        assert derivation.result.source and derivation.result.latex()


@by_variable
def test_a_second_derivative_verifies(room, name):
    assert derived(total(room), name, order=2).verification.passed


@by_variable
def test_a_derivative_prints_and_is_read_back(room, name):
    formula = derived(total(room), name).result
    assert formula.unicode() and formula.latex() and formula.ascii().isascii()
    environment = place()
    again = standard().expression(formula.source)
    assert (
        difference(evaluate(again, environment), evaluate(formula.expression, environment)) < 1e-12
    )


@every_room
def test_shapes_that_do_not_fit_are_refused_with_the_operands_named(room):
    """Every operation of two or more matrices but ⊗ has operands that do not fit; a message has
    sizes."""
    if room.name == "kron":
        assert str(room.shape([standard().shapes["A"]] * 2, ())[0]) == "m*m"
        return
    shapes = [node.shape for node in map(standard().expression, ("A", "A.T"))]
    for node in walk(example(room)):
        if isinstance(node, Apply) and node.operation is room and len(node.operands) == 2:
            wrong = [shapes[0], shapes[0]] if room.name == "@" else shapes
            with pytest.raises(ShapeError) as caught:
                room.shape(wrong, node.parameters)
            assert "{" in str(caught.value)


@every_room
def test_scalars_go_in_where_matrices_do(room):
    """A unit axis is no axis: the example of nothing but scalars has the same value by indices."""
    text = "; ".join(f"{name}: scalar" for name in standard().source.variables)
    facts = {
        "positive_A: scalar": "positive_A: scalar & positive",
        "prob_A: scalar": "prob_A: scalar & prob",
    }
    for plain, declared in facts.items():
        text = text.replace(plain, declared)
    problem = dg.parse(f"{text}; unused_: matrix[m, n]")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expression = problem.expression(room.example)
        except dg.ProblemError:
            assert room.takes.subscripts or room.takes.sizes
            return
    setting = Setting(problem.source, ())
    environment = next(points(problem))
    value = evaluate(expression, environment)
    assert (
        difference(Values(environment).of(setting.lowered(expression)).reshape(value.shape), value)
        < 1e-12
    )
    assert is_scalar(expression.shape) or room.takes.sizes
