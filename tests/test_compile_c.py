"""The C that is generated: sums at every size, with BLAS and without, in a workspace or on the
stack, for vectors of any width; and what compilers and sanitizers say of it."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from compiled import call, check, compiled, point, quietly, reference, same, sizes_of

import diagrad as dg
from diagrad.compile import backends, c
from diagrad.compile.backends import blas
from diagrad.compile.build import library, working
from diagrad.compile.c import panels, products
from diagrad.compile.c.batches import batched
from diagrad.compile.c.loops import Machine

pytestmark = pytest.mark.usefixtures("compiles")

# What is summed over tensors that are read along and across, of m×k, k×n and n×k.
SUMS = ["A{0} @ B{0}", "A{0} @ C{0}.T", "B{0}.T @ A{0}.T", "A{0}.T @ A{0}", "C{0} @ v{0}"]
SUMS += ["tanh(A{0} @ B{0} + w{0})", "v{0}.T @ B{0}", "softmax(B{0})", "max(C{0}, axis=1)"]
SUMS += ["sum(B{0})", "sum(B{0}, axis=0)", "sum(C{0}, axis=1)", "prod(v{0})", "B{0}.T * C{0}"]


def several(sizes):
    """A problem with the tensors of SUMS at each m, k and n, and all its sums."""
    lines, asked = [], []
    for at, (m, k, n) in enumerate(sizes):
        lines.append(f"A{at}: matrix[{m}, {k}]; B{at}: matrix[{k}, {n}]; C{at}: matrix[{n}, {k}]")
        lines.append(f"v{at}: column[{k}]; w{at}: row[{n}]")
        asked += [one.format(at) for one in SUMS]
    return quietly("\n".join(lines)), asked


@pytest.mark.parametrize(
    ("first", "dtype"), [(1, np.float64), (7, np.float32), (13, np.float64)], ids=str
)
def test_sums_are_right_at_every_size(first, dtype):
    """A size is a row of a tile, a column, or a term, in turn."""
    order = [(3 * s + 2, 5 * s + 3, s) for s in range(first, first + 6)]
    sizes = [tuple(n % 17 + 1 for n in one) for one in order]
    problem, asked = several(sizes)
    check(problem, asked, {}, "c", [dtype])


@pytest.mark.parametrize("width", [16, 32, 64])
def test_sums_are_right_with_vectors_of_any_width(width, monkeypatch):
    monkeypatch.setattr(backends, "vector_bytes", lambda: width)
    problem, asked = several([(3, 5, 40), (9, 2, 33)])
    check(problem, asked, {}, "c", [np.float64])


NETWORK = """
X: matrix[N, D]; Y: matrix[N, K] & onehot; W: matrix[D, H]; b: row[H]; V: matrix[H, K]
Z = sigmoid(X @ W + b)
P = softmax(Z @ V)
G = X.T @ X
J = -sum(Y * log(P)) / N
"""
GRADIENTS = ["J", "G", "Z", *(dg.d("J", name) for name in ("W", "b", "V", "X"))]
WIDE = {"N": 40, "D": 33, "H": 24, "K": 17}


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_large_products_go_through_blas_or_through_blocks(monkeypatch, dtype, missing):
    """Which is worth its while for larger ones than a test has the time for."""
    monkeypatch.setattr(products, "NEAR", 1000)
    if missing:
        monkeypatch.setattr(backends, "blas", lambda: None)
    elif blas() is None:
        pytest.skip("SciPy is not installed")
    problem = quietly(NETWORK)
    arrays = point(problem, WIDE, dtype=dtype)
    function = compiled(problem, GRADIENTS, "c")
    body = function.source(**arrays).partition("void kernel")[2]
    assert (" tiled_product(" if missing else " product(") in body
    check(problem, GRADIENTS, WIDE, "c", [dtype])


@pytest.mark.parametrize("missing", [False, True])
def test_products_of_large_matrices_are_right_with_blas_and_without(monkeypatch, missing):
    if missing:
        monkeypatch.setattr(backends, "blas", lambda: None)
    problem = dg.parse("A: matrix[m, k]; B: matrix[k, n]\nC = tanh(A @ B / k)\nG = A @ A.T")
    size = {"m": 401, "k": 390, "n": 403}
    assert products.NEAR < 8 * 401 * 390
    arrays = point(problem, size)
    function = problem.compile(["C", "G"], backend="c")
    body = function.source(**arrays).partition("void kernel")[2]
    assert " tiled_product(" in body and (" product(" in body) is not (missing or blas() is None)
    for _ in range(2):
        C, G = function(**arrays)
        same(C, np.tanh(arrays["A"] @ arrays["B"] / 390), np.float64)
        same(G, arrays["A"] @ arrays["A"].T, np.float64)


@pytest.mark.parametrize("size", [{"m": 230, "n": 70}, {"m": 40, "n": 530}], ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_large_product_weighs_what_it_copies(monkeypatch, dtype, size):
    """The matrix diag(w) X is not stored."""
    monkeypatch.setattr(products, "NEAR", 1000)
    problem = dg.parse("X: matrix[m, n]; w: column[m]\nG = X.T @ diag(w) @ X / m; S = diag(w) @ X")
    arrays = point(problem, size, dtype=dtype)
    function = problem.compile(["G", "S", "sum(S)"], backend="c")
    body = function.source(**arrays).partition("void kernel")[2]
    (call,) = (line for line in body.splitlines() if " tiled_product(" in line)
    assert "(out0, in0, in0, in1, " in call
    X, w = (arrays[name].astype(float) for name in "Xw")
    wanted = [X.T @ (w * X) / size["m"], w * X, (w * X).sum()]
    for value, want in zip(function(**arrays), wanted, strict=True):
        same(value, want, dtype)


@pytest.mark.parametrize("size", [(9, 20, 41), (16, 33, 10), (3, 8, 16), (40, 17, 31)], ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_copies_that_one_product_alone_reads_are_made_for_some_columns_at_a_time(
    monkeypatch, dtype, size
):
    monkeypatch.setattr(panels, "LEAST", 0)
    problem = quietly(
        "A: matrix[m, k]; B: matrix[n, k]; C: matrix[k, n]; w: column[k]; v: row[n]\n"
        "T = tanh(A @ B.T); E = A @ (w * C + v); G = C.T @ (w * C); S = A @ sin(C)"
    )
    sizes = dict(zip("mkn", size, strict=True))
    asked = ["T", "E", "G", "S"]
    arrays = point(problem, sizes, dtype=dtype)
    body = compiled(problem, asked, "c").source(**arrays).partition("void kernel")[2]
    assert " turn(scratch" in body and "B_turned" not in body
    check(problem, asked, sizes, "c", [dtype])


@pytest.mark.parametrize("size", [(5, 16), (9, 37), (4, 500), (3, 40)], ids=str)
def test_dot_products_are_right_for_rows_and_what_is_left_of_them(size):
    problem = quietly(
        "A: matrix[m, n]; w: column[n]; B: matrix[p, n]\n"
        "u = sigmoid(A @ w) * sum(w); v = -(A @ w) + 1\n"
        "T = sum(A ** 2, axis=1); s = A @ w @ w.T @ w"
    )
    sizes = {"m": size[0], "n": size[1], "p": 2}
    check(problem, ["u", "v", "T", "s"], sizes, "c", [np.float64, np.float32])


LONG_SUMS = """
x: column[n]; A: matrix[n, k]; B: matrix[k, n]; y: column[n]
"""


@pytest.mark.parametrize("k", [1, 2, 5, 9, 16])
def test_long_sums_lose_no_digits(k):
    """Of many terms of one sign, which are added up in parts, in single precision."""
    asked = ["mean(x)", "sum(A)", "sum(A, axis=0)", "sum(B, axis=1)", "sum(B)", "A.T @ A", "B @ x"]
    asked += ["x.T @ A", "B @ B.T", "sum(exp(A))", "sum((A + x) ** 2)", "norm(x)"]
    asked += ["trace(B @ diag(y) @ A)", "sum(A * (x @ ones(1, k)), axis=0)", "max(x)"]
    problem = quietly(LONG_SUMS)
    function = compiled(problem, asked, "c")
    for n in (1025, 8193, 30011):
        arrays = {name: np.abs(a) for name, a in point(problem, {"n": n, "k": k}).items()}
        single = {name: a.astype(np.float32) for name, a in arrays.items()}
        exact = {name: a.astype(float) for name, a in single.items()}
        wanted = reference(problem, *asked).values(exact | {"n": n, "k": k})
        for one, value, double, want in zip(
            asked, function(**single), function(**exact), wanted, strict=True
        ):
            far = np.max(np.abs(want))
            assert np.max(np.abs(np.reshape(value, want.shape) - want)) <= 3e-6 * far, (one, n)
            assert np.max(np.abs(np.reshape(double, want.shape) - want)) <= 1e-13 * far, (one, n)


@pytest.mark.parametrize("size", [(3, 5, 2), (9, 17, 8), (16, 8, 24)], ids=str)
def test_tensors_are_turned_as_matrices(size):
    problem = quietly(
        "A: matrix[m, n]; B: matrix[n, k]; C: matrix[k, m]\nJ = sum((A @ B @ C) ** 2)"
    )
    asked = [dg.d("J", pair) for pair in [("A", "B"), ("B", "A"), ("C", "A"), ("A", "C")]]
    asked += ["A.T", dg.d("A.T @ C.T", "C", layout="tensor")]
    sizes = dict(zip("mnk", size, strict=True))
    function = compiled(problem, asked, "c")
    arrays = point(problem, sizes)
    body = function.source(**arrays).partition("void kernel")[2]
    assert body.count(" turn(out") >= 3
    check(problem, asked, sizes, "c", [np.float64, np.float32])


def test_a_diagonal_is_no_matrix(monkeypatch):
    """Σₖ Tᵢₖₖ wₖ, large: T is read along its diagonal."""
    monkeypatch.setattr(products, "NEAR", 1000)
    text = "A: matrix[m*n, n]; x: column[m]\nJ = sum(exp(diagonal(kron(x.T, eye(n)) @ A)))"
    check(quietly(text), ["J", dg.d("J", "x"), dg.d("J", "x", 2)], {"m": 20, "n": 18}, "c")


def test_what_a_sum_is_finished_by_is_stored(monkeypatch):
    monkeypatch.setattr(products, "NEAR", 1000)
    text = "X: matrix[n, n]; w: column[n]\nS = diag(w) @ X; G = tanh(X.T @ S) + S"
    check(quietly(text), ["G"], {"n": 37}, "c")


def test_squares_of_squares_are_short():
    lines = ["a0: row[n]", *(f"a{k + 1} = sin(a{k}) ** 2" for k in range(18)), "J = sum(a18)"]
    problem = quietly("\n".join(lines))
    assert len(compiled(problem, ["J"], "c").source(np.ones(5))) < 40_000
    check(problem, ["J"], {"n": 5}, "c")


@pytest.mark.parametrize("example", ["gru", "batch", "attention"])
def test_tensors_in_a_workspace_give_way_to_later_ones_only(example, monkeypatch, request):
    monkeypatch.setattr(c, "STACK", 0)
    problem = dg.load(request.config.rootpath / "examples" / f"{example}.dg")
    free = [n for n, v in problem.source.variables.items() if "onehot" not in v.facts]
    check(problem, ["J", *(dg.d("J", name) for name in free)], sizes_of(problem), "c")


BLOCKS = """
X: matrix[N, D]; W: matrix[D, H]; V: matrix[H, K]; Y: matrix[N, K] & onehot
J = -sum(Y * log(softmax(tanh(X @ W) @ V))) / N
P = softmax(tanh(X @ W) @ V)
"""


@pytest.mark.parametrize("stack", [0, 1 << 30])
def test_what_is_large_for_all_examples_is_computed_for_one_after_the_other(monkeypatch, stack):
    monkeypatch.setattr(c, "STACK", stack)
    problem = quietly(BLOCKS)
    asked = [dg.d("J", "X", 2, per="N"), dg.d("P", "X", per="N"), "J", dg.d("J", "X")]
    sizes = {"N": 23, "D": 17, "H": 19, "K": 16}
    schedule = compiled(problem, asked, "c")._plan.schedule(sizes)
    together = [b for b in batched(schedule, Machine(8, 24, lambda: False, 8)) if b.own]
    assert together and all(len(t.axes) == 2 for b in together for t in b.own)
    for dtype in (np.float64, np.float32):
        arrays = point(problem, sizes, dtype=dtype)
        values = [call(compiled(problem, asked, b), arrays, sizes) for b in ("c", "numpy")]
        for value, want in zip(*values, strict=True):
            same(value, want, dtype)


def test_a_workspace_is_smaller_than_all_tensors_and_calls_at_once_have_their_own():
    problem = dg.parse("A: matrix[n, n]\nB = A" + " @ A" * 12)
    function = problem.compile(["B"], backend="c")
    A = np.random.default_rng(0).normal(size=(150, 150)) / 12
    want = np.linalg.matrix_power(A, 13)
    for _ in range(2):
        same(function(A)[0], want, np.float64)
    (kernel, _), *_ = function._made.values()
    assert kernel.workspace <= 5 * A.nbytes


def test_the_code_compiles_without_a_warning():
    problem = quietly(NETWORK)
    for dtype in (np.float64, np.float32):
        asked = [*GRADIENTS, "inv(G)", "logdet(G)", "pinv(W)", "gelu(Z)", "prod(Z, axis=0)"]
        arrays = point(problem, sizes_of(problem), dtype=dtype)
        function = compiled(problem, asked, "c")
        text = function.source(**arrays)
        library(text, ("-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"))


MAIN = """
#include <stdio.h>
#include <stdlib.h>
int main(void)
{{
    static const size_t sizes[] = {{{inputs}}}, results[] = {{{outputs}}};
    void *in[sizeof sizes / sizeof *sizes], *out[sizeof results / sizeof *results];
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {{
        real *values = in[k] = malloc(sizes[k] * sizeof(real));
        for (size_t i = 0; i < sizes[k]; i++) values[i] = (real)((i * 7 + k) % 11) / 11 - R(0.4);
    }}
    for (size_t k = 0; k < sizeof results / sizeof *results; k++)
        out[k] = malloc(results[k] * sizeof(real));
    void *work = aligned_alloc(64, {workspace} + 64);
    kernel((const void *const *)in, out, work);
    for (size_t k = 0; k < sizeof results / sizeof *results; k++) {{
        for (size_t i = 0; i < results[k]; i++) printf("%.17g\\n", (double)((real *)out[k])[i]);
        free(out[k]);
    }}
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) free(in[k]);
    free(work);
    return 0;
}}
"""
SANITIZERS = ["-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@pytest.mark.parametrize("least", [panels.LEAST, 0])
def test_the_code_runs_clean_under_the_sanitizers(tmp_path, monkeypatch, least):
    """Arrays end where they end, so that a read beyond is found."""
    monkeypatch.setattr(panels, "LEAST", least)
    problem = quietly(NETWORK)
    sizes = {"N": 5, "D": 9, "H": 19, "K": 3}
    arrays = point(problem, sizes)
    for name, array in zip(arrays, arrays.values(), strict=True):
        count = np.arange(array.size)
        array[...] = ((count * 7 + list(arrays).index(name)) % 11 / 11 - 0.4).reshape(array.shape)
    asked = [*GRADIENTS, "pinv(W)", "pinv(V) @ pinv(V).T"]
    function = compiled(problem, asked, "c")
    assert ("turn(scratch" in function.source(**arrays)) is (least == 0)
    values = function(**arrays)
    (kernel, _), *_ = function._made.values()
    main = MAIN.format(
        inputs=", ".join(str(arrays[name].size) for name in function.inputs),
        outputs=", ".join(str(np.size(value)) for value in values),
        workspace=kernel.workspace,
    )
    (tmp_path / "main.c").write_text(function.source(**arrays) + main)
    command = [*working().command, "-std=c11", *SANITIZERS, "main.c", "-o", "main", "-lm"]
    if subprocess.run(command, cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("the compiler has no sanitizers")
    ran = subprocess.run([tmp_path / "main"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    printed = np.array(ran.stdout.split(), float)
    same(printed, np.concatenate([np.ravel(value) for value in values]), np.float64)
