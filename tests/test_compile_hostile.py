"""Compiled functions and what users do to them: names, arguments, and arrays of every kind."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from compiled import check, point, same

import diagrad as dg
from diagrad.errors import DerivationError, ProblemError

NAMES = [
    ("out", "int", "self"),
    ("in_", "R", "real"),
    ("k", "np", "f"),
    ("math", "work", "acc"),
    ("t1", "t2", "in0"),
    ("inverse", "cholesky_", "dtype"),
    ("args", "kwargs", "outputs"),
    ("exp_", "gemm", "ALIGNED"),
    ("λ", "ñ", "Ω"),
    ("E", "J_", "dJ_da"),
]
# Dimensions by which generated code could hide what it needs.
DIMENSIONS = ["np", "math", "inverse", "t1", "len", "dJ_dx", "float", "f"]


@pytest.mark.parametrize("names", NAMES, ids=" ".join)
def test_variables_may_have_any_name(names):
    a, b, c = names
    problem = dg.parse(f"""
        {a}: matrix[n, n] & invertible; {b}: row[n]; {c}: row[n]
        z = sigmoid({b} @ inv({a})) * {c}
        J = sum(z ** 2)
    """)
    check(problem, ["J", dg.d("J", a), dg.d("J", b), dg.d("J", c), "z"], {"n": 3}, "numpy")


@pytest.mark.usefixtures("compiles")
def test_variables_may_have_any_name_in_c():
    flat = [name for names in NAMES for name in names]
    lines = [f"{name}: row[n]" for name in flat]
    problem = dg.parse("\n".join([*lines, f"J = sum(exp({' + '.join(flat)}))"]))
    check(problem, ["J", *(dg.d("J", name) for name in flat)], {"n": 3}, "c")


@pytest.mark.parametrize("name", DIMENSIONS)
def test_dimensions_may_have_any_name(name):
    problem = dg.parse(f"""
        x: row[{name}]; A: matrix[{name}, {name}] & invertible
        J = sum(exp(x) @ inv(A)) / {name} + sum(erf(x))
    """)
    check(problem, ["J", dg.d("J", "x"), dg.d("J", "A")], {name: 3}, "numpy")


def test_outputs_may_be_any_text(backend):
    problem = dg.parse("x: row[n]; s: scalar\nJ = sum(x)")
    asked = ["J # */ \" ' \\ ??/", "(J)", "-(J)", "(J\n)", "s", "1", "x" + " + x" * 90]
    check(problem, asked, {"n": 3}, backend)


@pytest.fixture(scope="module")
def function(cache):
    text = "A: matrix[m, n]; x: row[n]; y: column[m]; s: scalar\nJ = s * sum(y * tanh(A @ x.T))"
    return dg.parse(text).compile(["J", dg.d("J", "A"), dg.d("J", "x")])


def arguments(dtype=np.float64):
    rng = np.random.default_rng(2)
    shapes = {"A": (5, 3), "x": (1, 3), "y": (5, 1), "s": ()}
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


WRONG = [
    ({"x": np.ones((3, 1))}, r"x is 1×n and was given 3×1"),
    ({"x": np.ones(4)}, r"x is 1×n and was given 4 numbers: n is 3, not 4"),
    ({"A": np.ones(15)}, r"A is m×n and was given 15 numbers"),
    ({"A": np.ones((5, 3, 1))}, r"A is m×n and was given 5×3×1"),
    ({"y": np.ones((1, 5))}, r"y is m×1 and was given 1×5"),
    ({"s": np.ones(2)}, r"s is a scalar and was given 2 numbers"),
    ({"x": np.ones((1, 0)), "A": np.ones((5, 0))}, "no size n makes n equal to 0"),
    ({"x": np.array(["a", "b", "c"])}, r"x \(1×n\) was given <U1 values, not numbers"),
    ({"x": None}, r"x \(1×n\) was given object values, not numbers"),
    ({"x": [[1.0, 2.0], [3.0]]}, r"x \(1×n\) was given lists of different lengths"),
    ({"x": np.ones(3, complex)}, "compiled functions take real numbers, and x is complex"),
    ({"w": 1.0}, "w is not a variable of the problem; its variables are A, x, y, s"),
    ({"J": 1.0}, "J is a definition, computed from the variables: pass A, x, y, s"),
    ({"n": 4}, "n is 4, not 3"),
    ({"n": 3.0}, "n is a dimension: pass a whole number"),
]


@pytest.mark.parametrize(("changed", "message"), WRONG, ids=[message for _, message in WRONG])
def test_what_does_not_fit_is_named(function, changed, message):
    for _ in range(2):
        with pytest.raises(ProblemError, match=message):
            function(**arguments() | changed)
        function(**arguments())


def test_too_many_too_few_and_twice_are_named(function):
    given = arguments()
    with pytest.raises(ProblemError, match="5 arrays were given, and there are 4 inputs: A, x, y"):
        function(*given.values(), 1.0)
    with pytest.raises(ProblemError, match="A was given twice, by place and by name"):
        function(*given.values(), A=given["A"])
    del given["y"]
    with pytest.raises(ProblemError, match=r"no value given for y \(m×1\)"):
        function(**given)


@pytest.mark.parametrize("through", [lambda f: pickle.loads(pickle.dumps(f)), copy.deepcopy])
def test_functions_and_problems_are_pickled_and_copied(function, through):
    given = arguments()
    problem = dg.parse("x: row[n]\nJ = sum(x ** 2)")
    problem.derive("J", "x")
    for first, second in zip(function(**given), through(function)(**given), strict=True):
        np.testing.assert_array_equal(first, second)
    assert str(through(problem).derive("J", "x").result) == "2 x"


def test_a_hessian_times_a_vector_is_of_a_scalar():
    with pytest.raises(DerivationError, match="is of a scalar, and z is 1×n"):
        dg.parse("x: row[n]\nz = tanh(x)").compile([dg.hvp("z", "x")])


def test_a_request_that_names_nothing_or_something_else_says_what_to_write():
    problem = dg.parse("x: row[n]\nJ = sum(x ** 2)")
    for wrong, message in (
        ([], 'there is nothing to compile: name outputs, as in compile\\(\\["J"\\]\\)'),
        ("J", r"compile takes a list of outputs: compile\(\['J'\]\)"),
        ([3], "an output is a name, d(…) or hvp(…), not 3".replace("(", r"\(").replace(")", r"\)")),
    ):
        with pytest.raises(DerivationError, match=message):
            problem.compile(wrong)
    with pytest.raises(DerivationError, match='backend is "auto", "c" or "numpy", not \'cuda\''):
        problem.compile(["J"], backend="cuda")
    with pytest.raises(ProblemError, match="nothing is called K"):
        problem.compile(["K"])


def misaligned(array):
    room = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    room[...] = array
    return room


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


WAYS = {
    "in Fortran's order": np.asfortranarray,
    "turned": lambda a: a.T.copy().T,
    "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "backwards": lambda a: a[..., ::-1].copy()[..., ::-1] if a.ndim else a,
    "read-only": read_only,
    "in the other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "misaligned": misaligned,
    "a list": lambda a: a.tolist(),
    "a memory view": lambda a: memoryview(a) if a.ndim else a,
    "a masked array": np.ma.masked_array,
    "flat": lambda a: a.ravel() if 1 in a.shape else a,
    "broadcast": lambda a: np.broadcast_to(a[..., :1], a.shape) if a.ndim else a,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_may_lie_in_any_way(function, way, dtype):
    plain = arguments(dtype)
    if way == "broadcast":
        plain = {n: np.ascontiguousarray(WAYS[way](a)) for n, a in plain.items()}
    given = {name: WAYS[way](array) for name, array in plain.items()}
    for found, want in zip(function(**given), function(**plain), strict=True):
        kind = np.float64 if way == "a list" else dtype
        assert found.dtype == kind
        same(found, want, dtype)


def test_integers_booleans_and_mixed_types_become_doubles(function):
    given = arguments()
    ones = given | {"x": np.array([1, 0, 1])}
    for x in (np.array([True, False, True]), [1, 0, 1], np.array([1, 0, 1], np.float16)):
        for found, want in zip(function(**given | {"x": x}), function(**ones), strict=True):
            assert found.dtype == np.float64
            same(found, want, np.float64)
    mixed = arguments(np.float32) | {"A": given["A"]}
    assert all(value.dtype == np.float64 for value in function(**mixed))
    weak = arguments(np.float32) | {"s": 2.0}
    assert all(value.dtype == np.float32 for _ in range(2) for value in function(**weak))


def test_into_writes_what_a_call_returns_wherever_the_arrays_lie(backend):
    problem = dg.parse("A: matrix[n, n]; B: matrix[n, n]\nC = A @ B\nJ = sum(C ** 2)")
    function = problem.compile(["C", "J", dg.d("J", "A")], backend=backend)
    given = point(problem, {"n": 4})
    want = function(**given)
    for _ in range(2):
        arrays = [np.empty((4, 4), order="F"), np.empty((1, 1)), np.empty((8, 4))[::2]]
        assert function.into(arrays, **given) is None
        for found, value in zip(arrays, want, strict=True):
            same(found, value, np.float64)
        A, B = given["A"].copy(), given["B"].copy()
        function.into([A, np.empty(()), B], A, B)
        same(A, want[0], np.float64)
        same(B, want[2], np.float64)


def test_into_names_the_array_that_does_not_fit(backend):
    function = dg.parse("x: row[n]\nJ = sum(x ** 2)").compile(["J", dg.d("J", "x")], backend)
    x, J, g = np.ones((1, 3)), np.empty(()), np.empty((1, 3))
    function.into((J, g), x)
    for wrong, message in (
        ([J], "into takes a list of 2 arrays: for J, dJ/dx"),
        (J, "into takes a list of 2 arrays"),
        ([J, [0, 0, 0]], "dJ/dx is written into a NumPy array, not list"),
        ([J, np.empty(3)], r"dJ/dx needs .* shape \(1, 3\) and float64, not \(3,\) of float64"),
        ([J, g.astype(np.float32)], r"dJ/dx needs .* float64, not \(1, 3\) of float32"),
        ([np.empty(2), g], r"J needs a writable array of shape \(\)"),
        ([J, read_only(g)], "dJ/dx needs an array that can be written"),
    ):
        with pytest.raises(ProblemError, match=message):
            function.into(wrong, x)


def test_sizes_that_a_call_names_are_not_taken_for_those_of_the_next(backend):
    """The shape of theta is that of many N and D."""
    function = dg.parse("theta: column[N*D]\nJ = sum(theta) / N").compile(["J"], backend)
    theta = np.ones(12)
    assert function(theta, N=3, D=4) == (4,) and function(theta, N=4, D=3) == (3,)
    with pytest.raises(ProblemError, match="cannot tell the dimensions of"):
        function(theta)
