"""Compiled functions give what Formula.evaluate gives: for every operation, every example, and
problems that nobody wrote, by NumPy and by C, in both precisions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from compiled import call, check, compiled, expected, point, quietly, reference, same, sizes_of
from generated.oracle import target_of
from generated.points import draw_env
from generated.problems import case

import diagrad as dg
from diagrad.compile.c import whole
from diagrad.errors import DerivationError
from diagrad.operations import OPERATORS, ROOMS
from diagrad.operations.functions import TABLE

BOTH = (np.float64, np.float32)
EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.dg"))
every_example = pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
in_c = pytest.mark.usefixtures("compiles")

STANDARD = """
A: matrix[m, n]; B: matrix[m, n]; S: matrix[n, n] & invertible
row_m: row[m]; row_n: row[n]; column_m: column[m]; column_n: column[n]
positive_A: matrix[m, n] & positive; prob_A: matrix[m, n] & prob
"""
EVERY = list({id(room): room for room in [*ROOMS, *OPERATORS.values()]}.values())


@pytest.fixture(scope="module")
def standard():
    return quietly(STANDARD)


def gradient(problem: dg.Problem, example: str):
    """The derivative of a scalar in which every entry of an example counts."""
    needed = problem.source.needed(problem.expression(example)) & problem.source.variables.keys()
    whole = example if "kron" in example else f"sin({example})"
    return dg.d(f"sum({whole})", max(needed)) if needed else example


@pytest.mark.parametrize("room", EVERY, ids=[room.name for room in EVERY])
def test_every_operation_and_its_derivative_run_by_numpy(standard, room):
    asked = [room.example, gradient(standard, room.example)]
    for sizes in ({"m": 4, "n": 3}, {"m": 1, "n": 1}):
        check(standard, asked, sizes, "numpy", BOTH)


@in_c
def test_every_operation_and_its_derivative_run_in_c(standard):
    check(standard, [room.example for room in EVERY], {"m": 4, "n": 3}, "c", BOTH)
    derivatives = [gradient(standard, room.example) for room in EVERY]
    check(standard, derivatives, {"m": 3, "n": 5}, "c")


def test_the_derivative_of_every_function_runs_by_its_name(standard, backend):
    asked = [f"prime({room.name})(prob_A)" for room in TABLE]
    check(standard, asked, {"m": 4, "n": 3}, backend, BOTH)
    assert compiled(standard, asked, "numpy").source(np.ones((4, 3))).startswith("import")


@in_c
def test_what_c_has_no_code_for_runs_by_numpy_and_c_asked_for_says_so(standard, monkeypatch):
    monkeypatch.delitem(whole.LINEAR_ALGEBRA, "det")
    asked = ["det(S)", gradient(standard, "det(S)")]
    assert compiled(standard, asked, "auto").backend == "numpy"
    check(standard, asked, {"m": 4, "n": 3}, "auto", BOTH)
    with pytest.raises(DerivationError, match=r"no C code for det: use backend='numpy'"):
        compiled(standard, asked, "c")


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (5, 3), (3, 5), (24, 17), (9, 9)])
@pytest.mark.parametrize("dtype", BOTH)
def test_pseudoinverses_are_right_for_every_rank(backend, shape, dtype):
    function = quietly("A: matrix[m, n]").compile(["pinv(A)"], backend=backend)
    rng, shortest = np.random.default_rng(7), min(shape)
    for rank in {0, 1, shortest // 2, shortest}:
        for scale in (1.0, 1e-25, 1e25):
            left, right = (np.linalg.qr(rng.normal(size=(n, rank)))[0] for n in shape)
            A = (left * np.linspace(scale, 9 * scale, rank) @ right.T).astype(dtype)
            (found,) = function(A)
            want = np.linalg.pinv(A.astype(float), rcond=1e-4 if dtype == np.float32 else 1e-11)
            same(found * scale, want * scale, dtype, (shape, rank, scale))
    A = np.ones(shape, dtype)
    A[0, 0] = np.nan
    assert np.isnan(function(A)[0]).all() and function(A)[0].shape == shape[::-1]


def gradients(problem: dg.Problem) -> list:
    """The last definition and all its gradients, not by labels."""
    (*_, last) = problem.source.definitions
    free = [n for n, v in problem.source.variables.items() if not {"onehot", "pm1"} & set(v.facts)]
    return [last, *(dg.d(last, name) for name in free)]


@every_example
def test_examples_with_all_gradients_run_by_numpy(path):
    problem = quietly(path.read_text("utf-8"))
    asked = gradients(problem)
    check(problem, asked, sizes_of(problem), "numpy", BOTH)


@in_c
@every_example
def test_examples_with_all_gradients_run_in_c(path):
    problem = quietly(path.read_text("utf-8"))
    check(problem, gradients(problem), sizes_of(problem), "c")


@in_c
@pytest.mark.parametrize("name", ["batch", "attention", "gaussian"])
def test_examples_run_in_single_precision_and_with_sizes_of_1(name):
    problem = quietly((Path(__file__).parents[1] / "examples" / f"{name}.dg").read_text("utf-8"))
    check(problem, gradients(problem), sizes_of(problem), "c", [np.float32])
    check(problem, gradients(problem), dict.fromkeys(sizes_of(problem), 1), "c", BOTH)
    check(problem, gradients(problem), dict.fromkeys(sizes_of(problem), 1), "numpy", BOTH)


NETWORK = (Path(__file__).parents[1] / "examples" / "one_hidden_layer.dg").read_text("utf-8")
BATCH = (Path(__file__).parents[1] / "examples" / "batch.dg").read_text("utf-8")


def test_jacobians_hessians_and_tensors_come_in_their_layouts(backend):
    problem = quietly(NETWORK)
    asked = [
        "yhat",
        dg.d("yhat", "x"),
        dg.d("yhat", "x", layout="denominator"),
        dg.d("h", "W1"),
        dg.d("yhat", "W1", layout="tensor"),
        dg.d("h", "x", layout="tensor"),
        dg.d("J", "W1", layout="numerator"),
        dg.d("J", "x", 2),
        dg.d("J", "W2", 2, layout="vec"),
        dg.d("J", "W1", 2, layout="tensor"),
        dg.d("J", ("x", "W1"), layout="tensor"),
        dg.d("J", ("b1", "b2")),
    ]
    check(problem, asked, {"Dx": 4, "H": 3, "Dy": 5}, backend, BOTH if backend == "c" else BOTH[:1])


@pytest.mark.parametrize("extra", ["", " + sum(A) * sum(B)", " + norm(A) * sum(B)"])
@pytest.mark.parametrize("layout", ["auto", "vec", "tensor"])
def test_mixed_derivatives_in_both_orders_are_each_others_transposes(backend, layout, extra):
    problem = quietly(f"A: matrix[m, n]; B: matrix[n, k]\nJ = sum(tanh(A @ B) ** 2){extra}")
    pairs = [("A", "B"), ("B", "A")]
    asked = [dg.d("J", pair, layout=layout) for pair in pairs]
    check(problem, asked, {"m": 2, "n": 3, "k": 4}, backend)


def test_a_long_chain_of_definitions_runs(backend):
    lines = [
        "a0: row[n]",
        *(f"a{k + 1} = sin(a{k}) ** 2 + a{k}" for k in range(250)),
        "J = sum(a250)",
    ]
    problem = quietly("\n".join(lines))
    function = problem.compile(["J"], backend=backend)
    x = np.linspace(0.1, 0.5, 5)
    want = x
    for _ in range(250):
        want = np.sin(want) ** 2 + want
    np.testing.assert_allclose(function(x)[0], want.sum(), rtol=1e-12)


def test_a_hessian_times_a_vector_is_that_product(backend):
    problem = quietly(NETWORK)
    asked = [dg.hvp("J", "W1"), dg.hvp("J", "x", direction="u"), "J"]
    function = problem.compile(asked, backend=backend)
    assert function.inputs[-2:] == ("v_W1", "u")
    sizes = {"Dx": 4, "H": 3, "Dy": 5}
    arrays = point(problem, sizes)
    v, u = np.cos(arrays["W1"]), np.sin(arrays["x"])
    by_W1, by_x, _ = function(**arrays, v_W1=v, u=u)
    whole = expected(problem, dg.d("J", "W1", 2, layout="tensor"), arrays)
    same(by_W1, np.einsum("ijkl,kl->ij", whole, v), np.float64)
    same(by_x, u @ expected(problem, dg.d("J", "x", 2), arrays), np.float64)


def test_derivatives_per_example_are_those_of_every_example_alone(backend):
    problem = quietly(BATCH)
    names = ("W1", "b1", "W2", "b2", "X")
    each = problem.compile([dg.d("J", name, per="N") for name in names], backend=backend)
    sizes = {"N": 5, "Dx": 4, "H": 3, "Dy": 6}
    arrays = point(problem, sizes)
    found = dict(zip(names, each(**arrays), strict=True))
    for k in range(sizes["N"]):
        one = arrays | {"X": arrays["X"][k : k + 1], "Y": arrays["Y"][k : k + 1]}
        for name in names[:-1]:
            alone = expected(problem, dg.d("J", name), one) / sizes["N"]
            same(found[name][k], alone.reshape(found[name][k].shape), np.float64, name)
    same(found["X"][:, 0, :], expected(problem, dg.d("J", "X"), arrays), np.float64)


# Seeds of generated problems that take long to derive or evaluate.
SLOW = {39, 42, 58, 205}


def generated(seed: int, backend: str) -> str:
    """How a generated case runs, which is as its formulas say; why not, where it does not."""
    made = case(seed)
    of, names = made.of, (made.wrt,) if isinstance(made.wrt, str) else made.wrt
    problem, asked = quietly(made.text), [of, dg.d(of, made.wrt, made.order, made.layout)]
    try:
        function = compiled(problem, asked, backend)
    except DerivationError as error:
        return str(error)
    env = draw_env(target_of(made).problem, names, 0, np.random.default_rng(seed), 1.0)
    needed = {n: k for n, k in env.sizes.items() if n in function._plan.dimensions}
    found = function(**{name: env.values[name] for name in function.inputs}, **needed)
    wanted = reference(problem, *asked).values(env.values | env.sizes)
    for one, value, want in zip(asked, found, wanted, strict=True):
        if np.isfinite(want).all():
            same(value, want, np.float64, (seed, one))
    return function.backend


@pytest.mark.parametrize("start", range(0, 60, 10))
def test_generated_problems_run_by_numpy(start):
    ran = [generated(seed, "numpy") for seed in range(start, start + 10) if seed not in SLOW]
    assert ran.count("numpy") >= len(ran) // 2


@in_c
def test_generated_problems_run_in_c():
    ran = [generated(seed, "auto") for seed in range(200, 208)]
    assert ran.count("c") >= 4


def test_outputs_that_are_inputs_constants_or_the_same_are_arrays_of_their_own(backend):
    problem = dg.parse("A: matrix[m, n]; s: scalar\nB = A\nJ = sum(A)")
    asked = ["A", "B", "A", "A.T", "s", "n", "3", "ones(m, n)", "eye(n)", dg.d("J", "A")]
    asked += ["zeros(n, m)", dg.d("J", "s"), dg.d("A", "A"), dg.d("A.T", "A"), "J", "J"]
    sizes = {"m": 2, "n": 3}
    check(problem, asked, sizes, backend, BOTH)
    arrays = point(problem, sizes)
    found = call(compiled(problem, asked, backend), arrays, sizes)
    for k, one in enumerate(found):
        others = [*arrays.values(), *found[:k]]
        assert not any(np.may_share_memory(one, other) for other in others)


def test_every_function_takes_a_constant(backend):
    words = [row.name for row in TABLE]
    assert {"gelu", "erf", "step", "sigmoid"} <= set(words)
    constants = ("pi / 4", "sqrt(0.5)", "1", "n")
    asked = [f"{x} * {word}({c})" for word in words for x in "xs" for c in constants]
    check(quietly("x: row[n]; s: scalar"), asked, {"n": 1}, backend, BOTH)
    alone = quietly("s: scalar").compile(["erf(2)", "gelu(2)", "step(2)", "erf(-1) * s"], backend)
    np.testing.assert_allclose(alone(s=1.0), [0.995322265, 1.954499736, 1, -0.842700793], rtol=1e-8)


def test_numbers_made_of_sizes_divide_by_zero_and_overflow_as_in_numpy(backend):
    problem = dg.parse("x: row[n]")
    asked = ["x / (1 - n)", "2 ** n * x", "n ** n * x", "x * 1e300 * 1e10", "(n - 1) ** -0.5 * x"]
    function = problem.compile(asked, backend=backend)
    x = np.full((1, 1), 1.5)
    np.testing.assert_array_equal(np.ravel(function(x)), [np.inf, 3, 1.5, np.inf, np.inf])
    of_many = function(np.full((1, 2000), 1.5))
    assert [value[0, 0] for value in of_many[1:4]] == [np.inf] * 3
