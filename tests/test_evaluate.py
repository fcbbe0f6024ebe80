"""Values: every room on its own example, and the arrays that a caller passes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from diagrad.errors import ProblemError
from diagrad.evaluate import Environment, environment_from, evaluate, plain, with_definitions
from diagrad.expression import Apply, Symbol
from diagrad.language import read, read_expression
from diagrad.operations import ROOMS
from diagrad.operations.choices import COMPARISONS
from diagrad.operations.room import Operation
from diagrad.verify.points import draw

STANDARD = """
A: matrix[m, n]; B: matrix[m, n]; S: matrix[n, n]
row_m: row[m]; row_n: row[n]; column_m: column[m]; column_n: column[n]
positive_A: matrix[m, n] & positive; prob_A: matrix[m, n] & prob
"""
EVERY = [*ROOMS, *COMPARISONS]
every_room = pytest.mark.parametrize("room", EVERY, ids=[room.name for room in EVERY])

# The value of each example that NumPy or the math module can say in another way.
ORACLES = {
    "+": lambda v: np.add(v.A, v.row_n),
    "-": lambda v: np.subtract(v.A, v.row_n),
    "*": lambda v: np.einsum("ij,j->ij", v.A, v.row_n[0]),
    "/": lambda v: v.A * (1 + v.row_n * v.row_n) ** -1.0,
    "negate": lambda v: 0 - v.A,
    "**": lambda v: v.A * v.A * v.A * v.A,
    "@": lambda v: np.einsum("ij,kj->ik", v.A, v.B),
    "T": lambda v: np.einsum("ij->ji", v.A),
    "trace": lambda v: np.sum(np.linalg.eigvals(v.S)).real.reshape(1, 1),
    "diag": lambda v: np.diag(v.row_n[0]),
    "diagonal": lambda v: np.array([[v.S[k, k]] for k in range(len(v.S))]),
    "outer": lambda v: np.multiply.outer(v.row_m[0], v.column_n[:, 0]),
    "ones": lambda v: v.A + 1,
    "zeros": lambda v: v.A,
    "eye": lambda v: v.S + np.diag(np.ones(len(v.S))),
    "einsum": lambda v: v.A @ v.B.T,
    "sigmoid": lambda v: 0.5 + 0.5 * np.tanh(v.A / 2),
    "softplus": lambda v: np.logaddexp(0, v.A),
    "silu": lambda v: v.A / (1 + np.exp(-v.A)),
    "gelu": lambda v: v.A * np.vectorize(math.erfc)(-v.A / math.sqrt(2)) / 2,
    "erf": lambda v: 1 - np.vectorize(math.erfc)(v.A),
    "relu": lambda v: np.maximum(v.A, 0),
    "step": lambda v: np.heaviside(v.A, 0),
    "abs": lambda v: np.abs(v.A),
    "sign": lambda v: np.sign(v.A),
    "square": lambda v: np.square(v.A),
    "sqrt": lambda v: np.exp(np.log(v.positive_A) / 2),
    "maximum": lambda v: np.maximum(v.A, v.B),
    "minimum": lambda v: np.minimum(v.A, v.B),
    "clip": lambda v: np.clip(v.A, -1, 1),
    "where": lambda v: np.choose(v.A > v.B, [v.B**2, v.A]),
    "sum": lambda v: np.ones((1, len(v.A))) @ v.A,
    "mean": lambda v: np.average(v.A, axis=1)[:, None],
    "norm": lambda v: np.linalg.norm(v.A).reshape(1, 1),
    "norm1": lambda v: np.linalg.norm(v.A.ravel(), 1).reshape(1, 1),
    "softmax": lambda v: np.exp(v.A) / np.exp(v.A).sum(1)[:, None],
    "log_softmax": lambda v: v.A - np.log(np.exp(v.A).sum(1))[:, None],
    "logsumexp": lambda v: np.logaddexp.reduce(v.A, axis=1)[:, None],
    "cross_entropy": lambda v: -np.vdot(v.B, np.log(v.prob_A)).reshape(1, 1),
    "softmax_cross_entropy": lambda v: np.reshape(
        -np.vdot(v.B, v.A - np.log(np.exp(v.A).sum(1))[:, None]), (1, 1)
    ),
    "kron": lambda v: np.kron(v.A, v.row_n),
    "vec": lambda v: v.A.ravel(order="F")[:, None],
    "commutation": lambda v: v.A.ravel()[:, None],
    "max": lambda v: np.array([[max(row)] for row in v.A]),
    "min": lambda v: np.array([[min(column) for column in v.A.T]]),
    "prod": lambda v: np.array([[math.prod(row)] for row in v.A]),
    "inv": lambda v: cofactors(v.S).T / np.linalg.det(v.S),
    "det": lambda v: np.reshape(v.S[0] @ cofactors(v.S)[0], (1, 1)),
    "logdet": lambda v: np.log(np.linalg.svd(v.S)[1]).sum().reshape(1, 1),
    "solve": lambda v: cofactors(v.S).T / np.linalg.det(v.S) @ v.A.T,
    "pinv": lambda v: np.linalg.lstsq(v.A, np.eye(len(v.A)), rcond=None)[0],
    "cholesky": lambda v: signed(np.linalg.qr(v.S.T)[1].T),
    "tril": lambda v: np.where(np.subtract.outer(range(len(v.S)), range(len(v.S))) < 0, 0, v.S),
    "mse": lambda v: np.average((v.A - v.B) ** 2).reshape(1, 1),
}


def cofactors(a):
    """(−1)ⁱ⁺ʲ times the determinant without row i and column j."""
    minor = [
        [np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(len(a))]
        for i in range(len(a))
    ]
    return np.array(minor) * (-1.0) ** np.add.outer(range(len(a)), range(len(a)))


def signed(lower):
    """A triangular factor with its diagonal made positive."""
    return lower * np.sign(np.diag(lower))


class Values:
    """Arrays by attribute."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.__dict__.update(arrays)


@pytest.fixture(scope="module")
def standard():
    return read(STANDARD)


def point(source, seed=0, style="normal"):
    return draw(source, np.random.default_rng(seed), style)


def example(room: Operation, source):
    return read_expression(room.example, source)


@every_room
def test_an_example_uses_its_room(room, standard):
    assert any(
        isinstance(node, Apply) and node.operation.name == room.name
        for node in all_parts(example(room, standard))
    )


def all_parts(expression):
    yield expression
    for operand in getattr(expression, "operands", ()):
        yield from all_parts(operand)


@every_room
def test_a_value_has_the_shape_that_the_room_says(room, standard):
    environment = point(standard)
    expression = example(room, standard)
    shape = tuple(size.evaluate(environment.sizes) for size in expression.shape)
    assert evaluate(expression, environment).shape == shape


@every_room
def test_a_value_is_what_numpy_says_in_another_way(room, standard):
    oracle = ORACLES.get(room.name, getattr(np, room.name, None))
    if oracle is None or room in COMPARISONS:
        pytest.skip("no second way to say it")
    environment = point(standard)
    values = Values(environment.arrays)
    arguments = {"log": "positive_A", "log1p": "positive_A", "arcsin": "prob_A", "arccos": "prob_A"}
    operand = getattr(values, arguments.get(room.name, "A"))
    expected = oracle(values) if room.name in ORACLES else oracle(operand)
    np.testing.assert_allclose(evaluate(example(room, standard), environment), expected, rtol=1e-12)


@every_room
def test_a_batch_gives_what_a_loop_gives(room, standard):
    environment = point(standard)
    rng = np.random.default_rng(1)
    many = {k: v * rng.uniform(0.5, 1, (4, 1, 1)) for k, v in environment.arrays.items()}
    expression = example(room, standard)
    together = evaluate(expression, environment.having(many))
    for k in range(4):
        alone = environment.having({name: array[k] for name, array in many.items()})
        np.testing.assert_allclose(together[k], evaluate(expression, alone), rtol=1e-13, atol=1e-15)


@every_room
def test_a_batch_stands_beside_operands_without_one(room, standard):
    environment = point(standard)
    expression = example(room, standard)
    for name in {node.name for node in all_parts(expression) if isinstance(node, Symbol)}:
        if name not in environment.arrays:
            continue
        many = np.stack([environment.arrays[name] * factor for factor in (0.9, 0.8, 0.7)])
        together = evaluate(expression, environment.having({name: many[:, None]}))
        for k in range(3):
            alone = evaluate(expression, environment.having({name: many[k]}))
            np.testing.assert_allclose(together[k, 0], alone, rtol=1e-13, atol=1e-15)


@every_room
def test_complex_numbers_beside_the_real_line_give_the_real_value(room, standard):
    environment = point(standard)
    expression = example(room, standard)
    real = evaluate(expression, environment)
    if room.analytic:
        near = {name: array + 1e-30j for name, array in environment.arrays.items()}
        value = evaluate(expression, environment.having(near))
        np.testing.assert_allclose(np.real(value), real, rtol=1e-12, atol=1e-14)


@every_room
def test_single_precision_stays_single(room, standard):
    environment = point(standard)
    small = {name: array.astype(np.float32) for name, array in environment.arrays.items()}
    single = Environment(small, environment.sizes, {}, np.dtype(np.float32))
    assert evaluate(example(room, standard), single).dtype in (np.float32, np.bool_)


def test_two_batches_broadcast_in_an_einsum_of_three():
    source = read("A: matrix[m, n]; B: matrix[n, k]; C: matrix[k, m]")
    e = read_expression('einsum("ij,jk,kl->il", A, B, C)', source)
    at = point(source)
    A, B, C = (at.arrays[name] for name in "ABC")
    value = evaluate(
        e, at.having({"A": np.stack([A, 2 * A])[:, None], "B": np.stack([B, 3 * B, B])})
    )
    np.testing.assert_allclose(value[1, 1], 6 * A @ B @ C)
    assert value.shape[:2] == (2, 3)


def test_an_einsum_may_have_four_axes():
    source = read("A: matrix[m, n]; B: matrix[p, q]")
    e = read_expression('einsum("ij,kl->ijkl", A, B)', source)
    at = point(source)
    assert np.array_equal(plain(evaluate(e, at)), np.multiply.outer(at.arrays["A"], at.arrays["B"]))


def test_diag_of_infinity_has_zeros_beside_it():
    source = read("v: row[n]")
    value = evaluate(
        read_expression("diag(v)", source), environment_from(source, {"v": [np.inf, 1]})
    )
    assert np.array_equal(value, [[np.inf, 0], [0, 1]])


@pytest.mark.parametrize("exponent", ["101", "151", "(-3)", "2", "(-120)", "(n * 0 + 101)"])
def test_whole_powers_of_negative_numbers_are_analytic(exponent):
    source = read("v: row[n]")
    at = environment_from(source, {"v": [-1.01, -0.99, 1.02]})
    n = int(eval(exponent.replace("n * 0", "0")))
    value = evaluate(
        read_expression(f"v ** {exponent}", source), at.having({"v": at.arrays["v"] + 1e-30j})
    )
    np.testing.assert_allclose(value.imag / 1e-30, n * at.arrays["v"] ** (n - 1), rtol=1e-12)


@pytest.mark.parametrize(
    "text", ["relu(v)", "maximum(v, 0)", "maximum(0, v)", "clip(v, -1, 1)", "abs(v)"]
)
def test_not_a_number_stays_not_a_number(text):
    source = read("v: row[n]")
    at = environment_from(source, {"v": [np.nan, 1.0]})
    assert np.isnan(evaluate(read_expression(text, source), at)[0, 0])


def test_overflow_and_division_by_zero_are_silent():
    source = read("v: row[n]")
    at = environment_from(source, {"v": [0.0, 1e308]})
    assert np.array_equal(evaluate(read_expression("1 / v", source), at)[0, 0], np.inf)
    assert np.isinf(evaluate(read_expression("v * v", source), at)[0, 1])


def test_a_deep_expression_with_shared_parts_takes_linear_time():
    source = read("c: scalar")
    e = read_expression("c", source)
    add = read_expression("c + c", source).operation
    for _ in range(5000):
        e = Apply(e.shape, add, (e, e))
    value = evaluate(e, environment_from(source, {"c": 0.0}))
    assert plain(value) == 0


NETWORK = """
x: row[D]; W: matrix[D, H + 1]; t: column[3]; c: scalar
z = x @ W
J = sum(z) * c / D
"""
GIVEN = {"x": [1, 2], "W": [[1, 0, 2], [0, 1, 1]], "t": [1, 2, 3], "c": 2}


def test_definitions_are_computed_in_order():
    source = read(NETWORK)
    at = environment_from(source, GIVEN)
    names = [(name, d.expression) for name, d in source.definitions.items()]
    values = with_definitions(names, at).arrays
    assert plain(values["J"]) == 7.0
    assert np.array_equal(plain(values["z"]), [[1, 2, 4]])
    assert at.sizes == {"D": 2, "H": 2}


def test_one_axis_is_taken_as_declared_and_integers_become_double():
    at = environment_from(read(NETWORK), GIVEN)
    assert at.arrays["x"].shape == (1, 2)
    assert at.arrays["t"].shape == (3, 1)
    assert at.arrays["c"].shape == (1, 1)
    assert {array.dtype for array in at.arrays.values()} == {np.dtype(np.float64)}


def test_floats_keep_their_width_and_mixed_ones_get_the_wider():
    single = {name: np.asarray(value, np.float32) for name, value in GIVEN.items()}
    assert environment_from(read(NETWORK), single).dtype == np.float32
    assert environment_from(read(NETWORK), {**single, "c": 2.5}).dtype == np.float32
    mixed = environment_from(read(NETWORK), {**single, "c": np.float64(2)})
    assert mixed.arrays["x"].dtype == np.float64
    integers = environment_from(read(NETWORK), {**single, "c": np.int32(2)})
    assert integers.dtype == np.float64


def test_complex_numbers_and_booleans_are_taken():
    at = environment_from(read(NETWORK), {**GIVEN, "x": [1j, 2], "c": True})
    assert at.arrays["W"].dtype == np.complex128
    assert at.dtype == np.float64


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": [1, 2, 3]}, "W is D×(H+1) and was given 2×3: D is 3, not 2"),
        ({"x": [[1], [2]]}, "x is 1×D and was given 2×1"),
        ({"t": [1, 2]}, "t is 3×1 and was given 2 numbers"),
        ({"W": [1, 2]}, "W is D×(H+1) and was given 2 numbers"),
        ({"c": [1, 2]}, "c is a scalar and was given 2 numbers"),
        ({"x": 3.0}, "x is 1×D and was given a number"),
        ({"x": ["a", "b"]}, "x (1×D) was given <U1 values, not numbers"),
        ({"x": [[1, 2], [3]]}, "x (1×D) was given lists of different lengths"),
        ({"x": None}, "x (1×D) was given object values, not numbers"),
        ({"X": 1}, "X is not a variable of the problem; its variables are x, W, t, c"),
        ({"z": 1}, "z is a definition, computed from the variables: pass x, W, t, c"),
        ({"D": 2.5}, "D is a dimension: pass a whole number"),
        (
            {"W": np.zeros((2, 0))},
            "W is D×(H+1) and was given 2×0: no size H makes H+1 equal to 0: sizes are 1 or more",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_named_with_their_shapes(changed, message):
    with pytest.raises(ProblemError) as error:
        environment_from(read(NETWORK), {**GIVEN, **changed})
    assert str(error.value) == message


def test_a_missing_array_is_named():
    with pytest.raises(ProblemError, match=r"^no value given for W \(D×\(H\+1\)\)$"):
        environment_from(read(NETWORK), {"x": [1, 2], "t": [1, 2, 3], "c": 2})


def test_a_size_that_no_array_tells_is_passed_by_name():
    source = read("v: row[m*n]\nJ = trace(eye(n)) * sum(v)")
    with pytest.raises(ProblemError, match=r"cannot tell the dimensions of m\*n = 6 apart"):
        environment_from(source, {"v": [1] * 6})
    at = environment_from(source, {"v": [1] * 6, "n": 2})
    assert plain(evaluate(source.definitions["J"].expression, at)) == 12


def test_functions_are_passed_with_the_derivatives_that_are_needed():
    source = read("g: elementwise\nx: row[n]")
    both = environment_from(source, {"x": [1.0, 2.0], "g": (np.sin, np.cos)})
    prime = read_expression("prime(g)(x)", source)
    np.testing.assert_allclose(evaluate(prime, both), np.cos([[1.0, 2.0]]))
    alone = environment_from(source, {"x": [1.0, 2.0], "g": np.sin})
    np.testing.assert_allclose(
        evaluate(read_expression("g(x)", source), alone), np.sin([[1.0, 2.0]])
    )
    with pytest.raises(ProblemError, match=r"g′ has no value: pass g=\(g, g′\)"):
        evaluate(prime, alone)
    with pytest.raises(ProblemError, match="g is an unspecified function: pass a function"):
        environment_from(source, {"x": [1.0], "g": 3})


def test_a_result_is_the_users_own():
    source = read("A: matrix[m, n]")
    given = np.ones((2, 3))
    result = plain(evaluate(read_expression("A.T", source), environment_from(source, {"A": given})))
    result[0, 0] = 5
    assert given[0, 0] == 1


@pytest.mark.parametrize(
    "name", ["sigmoid", "relu", "sign", "sqrt", "arcsin", "gelu", "abs", "square"]
)
def test_prime_of_a_built_in_function_is_its_derivative(name):
    source = read("v: row[n]")
    at = environment_from(source, {"v": [0.3, 0.6]})
    f, prime = (read_expression(t, source) for t in (f"{name}(v)", f"prime({name})(v)"))
    forth, back = (evaluate(f, at.having({"v": at.arrays["v"] + h})) for h in (1e-5, -1e-5))
    np.testing.assert_allclose(evaluate(prime, at), (forth - back) / 2e-5, rtol=1e-8, atol=1e-9)
