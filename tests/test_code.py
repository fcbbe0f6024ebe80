"""What `diagrad code` prints computes what the formulas say, wherever it is pasted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from emitted import STRICT, Program, point, python_function

import diagrad as dg
from diagrad.cli import main
from diagrad.code import code
from diagrad.code.task import task_of
from diagrad.compile.c_functions import LINEAR_ALGEBRA

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "code"
SEED = ROOT / "examples" / "one_hidden_layer.dg"
# What is derived of which problem: text or example, of, wrt, order, layout.
SMALL = {
    "seed": ("one_hidden_layer", "J", ["x", "W1", "b1", "W2", "b2"], 1, "auto"),
    "batch": ("batch", "J", ["X", "W1", "b1", "W2", "b2"], 1, "auto"),
    "column": ("column", "J", ["x", "W1"], 1, "auto"),
    "jacobian": ("one_hidden_layer", "yhat", ["x", "W1"], 1, "auto"),
    "tensor": ("x: row[n]; A: matrix[n, m]; F = tanh(x @ A) ** 2", "F", ["A"], 1, "tensor"),
    "hessian": ("logistic", "J", ["w"], 2, "auto"),
    "mixed": ("x: row[n]; A: matrix[n, m]; J = norm(x @ A) ** 2", "J", [("x", "A")], 2, "auto"),
    "scalar": (
        "s: scalar & positive; x: row[n]; J = sum((x ** 2) ** s) / s",
        "J",
        ["s", "x"],
        1,
        "auto",
    ),
    "inverse": ("A: matrix[n, n] & spd; b: row[n]; J = b @ inv(A) @ b.T", "J", ["A"], 1, "auto"),
    "logdet": ("A: matrix[n, n] & spd; J = logdet(A) + det(A)", "J", ["A"], 1, "auto"),
    "cholesky": (
        "A: matrix[n, n] & spd; b: row[n]; J = sum(cholesky(A)) + sum(b ** 2)",
        "J",
        ["A", "b"],
        1,
        "auto",
    ),
    "pseudoinverse": (
        "A: matrix[m, n]; b: column[m]; J = norm(pinv(A) @ b) ** 2 + sum(A)",
        "J",
        ["A", "b"],
        1,
        "auto",
    ),
    "triangle": ("A: matrix[n, n]; J = sum(tril(A) ** 3)", "J", ["A"], 1, "auto"),
    "kron": ("A: matrix[n, n]; B: matrix[m, m]; J = sum(kron(A, B) ** 3)", "J", ["A"], 1, "auto"),
    "indicator": ("A: matrix[n, n]; J = trace(A) ** 2", "J", ["A"], 2, "vec"),
    "sizes": (
        "x: row[H+1]; A: matrix[2*H, m]; J = sum(x ** 2) / H + m * sum(A)",
        "J",
        ["x", "A"],
        1,
        "auto",
    ),
    "extremes": (
        "A: matrix[n, m]; b: row[m]\n"
        "J = sum(max(A, axis=1) ** 2) + sum(b * min(A, axis=0)) + min(A) + sum(b ** 2) * prod(A)",
        "J",
        ["A", "b"],
        1,
        "auto",
    ),
    "ties": (
        "S: matrix[n, n] & symmetric\n"
        "J = max(S) ** 2 + sum(max(S @ S.T, axis=1) ** 2) + min(S @ S)",
        "J",
        ["S"],
        1,
        "auto",
    ),
    "choices": (
        "x: row[n]; J = sum(clip(x, -0.5, 0.5) + where(x > 0.2, x ** 2, abs(x)) + maximum(x, 0.1))",
        "J",
        ["x"],
        1,
        "auto",
    ),
    "functions": (
        "x: row[n]; J = sum(gelu(x) + softplus(x) + relu(x) * step(x) + sign(x) * silu(x) + "
        "erf(x) + arctan(x) + log1p(x**2) + expm1(x) + sqrt(x**2 + 1) + pi * x ** -3)",
        "J",
        ["x"],
        1,
        "auto",
    ),
    "expression": ("x: row[n]; y: row[n]", "sum((x - y) ** 2) / n", ["x"], 1, "auto"),
    "additive": ("a: scalar; x: row[n]; J = 3 * a + n * a + sum(x)", "J", ["a", "x"], 1, "auto"),
    "bilinear": ("a: scalar; b: scalar; J = 2 * a * b + b", "J", [("a", "b")], 2, "auto"),
    "count": ("s: scalar & positive; J = -N / 2 * log(s)", "J", ["s"], 1, "auto"),
    "constant": ("x: row[n]; y: row[n]; J = sum(x) + 0 * sum(y)", "J", ["x", "y"], 1, "auto"),
}


def derived(name: str) -> list[dg.Derivation]:
    text, of, wrt, order, layout = SMALL[name]
    path = ROOT / "examples" / f"{text}.dg"
    problem = dg.load(path) if ":" not in text else dg.parse(text)
    return problem.derive(of, wrt, order, layout)


def sizes_of(problem: dg.Problem) -> list[dict[str, int]]:
    """All 1, all different, and all different the other way round."""
    names = [d.name for d in problem.source.dimensions]
    up = {name: 2 + k for k, name in enumerate(names)}
    return [dict.fromkeys(names, 1), up, dict(zip(names, reversed(up.values()), strict=True))]


def expected(derivations: list[dg.Derivation], arrays, sizes) -> list[np.ndarray]:
    problem = derivations[0].problem
    formulas = [problem.formula(derivations[0].of), *(d.result for d in derivations)]
    values = []
    for formula in formulas:
        needed = problem.source.needed(formula.expression)
        given = {n: a for n, a in (arrays | sizes).items() if n in needed}
        told = {
            d.name for n in given if n in arrays for s in problem.shapes[n] for d in s.dimensions
        }
        given = {n: a for n, a in given.items() if n in arrays or n not in told}
        values.append(np.asarray(formula.evaluate(**given)))
    return values


def inputs_of(derivations: list[dg.Derivation]) -> list[str]:
    return [buffer.name for buffer in task_of(derivations).schedule.inputs]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("single", [False, True], ids=["double", "float"])
def test_python_computes_what_the_formulas_say_in_the_documented_shapes(name, single) -> None:
    derivations = derived(name)
    function = python_function(code(derivations, "numpy", single))
    names = inputs_of(derivations)
    tolerance = 2e-3 if single else 1e-9
    for sizes in sizes_of(derivations[0].problem):
        arrays = point(derivations[0].problem, 3, sizes)
        more = {"N": sizes["N"]} if name == "count" else {}
        with np.errstate(all="ignore"):
            found = function(*(arrays[n] for n in names), **more)
        for got, value in zip(found, expected(derivations, arrays, sizes), strict=True):
            assert np.shape(got) == value.shape or set(sizes.values()) == {1}
            assert np.size(got) == value.size
            assert got.dtype == (np.float32 if single else np.float64)
            np.testing.assert_allclose(
                np.reshape(got, value.shape), value, tolerance, tolerance * abs(value).max()
            )


@pytest.mark.parametrize("name", SMALL)
def test_c_computes_what_the_formulas_say_and_the_sanitizers_find_nothing(
    name, tmp_path, compiles
) -> None:
    derivations = derived(name)
    program = Program(code(derivations, "c"), tmp_path)
    names = inputs_of(derivations)
    for sizes in sizes_of(derivations[0].problem):
        arrays = point(derivations[0].problem, 3, sizes)
        values = expected(derivations, arrays, sizes)
        found = program(sizes, [arrays[n] for n in names], [v.shape for v in values])
        for got, value in zip(found, values, strict=True):
            np.testing.assert_allclose(got, value, 1e-9, 1e-9 * abs(value).max())


# Names that mean something in C, in Python or in the functions themselves.
HOSTILE = """
int double exp main out work sum i j k I NAN INFINITY size_t J_and_gradient larger square y1 gamma
restrict _Bool __x NULL complex errno log1pf M_PI cblas_dgemm np math inverse e fits print len self
dJ_dx value_ σ naïve copy_of_A largest J_and_gradients_workspace unit a b c d n m register fabs
"""


def hostile() -> list[str]:
    """Those that the language takes."""
    found = []
    for name in HOSTILE.split():
        try:
            dg.parse(f"{name}: row[n_]; J_ = sum({name})")
        except dg.ProblemError:
            continue
        found.append(name)
    return found


def test_any_name_of_the_language_is_a_name_in_both_back_ends(tmp_path, compiles) -> None:
    names = hostile()
    assert {"int", "main", "exp", "np", "σ", "I"} - {"exp"} <= set(names)
    lines = [f"{name}: row[{name}_size]" for name in names]
    lines.append("J = " + " + ".join(f"sum(sigmoid({name}) ** 2)" for name in names))
    derivations = dg.parse("\n".join(lines)).derive("J", names[:3])
    sizes = {d.name: 1 + k % 3 for k, d in enumerate(derivations[0].problem.source.dimensions)}
    arrays = point(derivations[0].problem, 0, sizes)
    values = expected(derivations, arrays, sizes)
    inputs = [arrays[name] for name in inputs_of(derivations)]
    for got, value in zip(
        python_function(code(derivations, "numpy"))(*inputs), values, strict=True
    ):
        np.testing.assert_allclose(got, value)
    program = Program(code(derivations, "c"), tmp_path)
    by_place = dict(zip((p.name for p in program.parameters), sizes.values(), strict=False))
    for got, value in zip(
        program(by_place, inputs, [v.shape for v in values]), values, strict=True
    ):
        np.testing.assert_allclose(got, value)


@pytest.mark.parametrize("name", ["np", "int", "I", "math", "J", "i", "size_t", "exp_", "abs_"])
def test_any_name_is_that_of_a_size(name, tmp_path, compiles) -> None:
    derivations = dg.parse(f"x: row[{name}]; f = sum(sigmoid(x)) / {name}").derive("f", ["x"])
    arrays = {"x": np.array([[0.5, -1.0, 2.0]])}
    values = expected(derivations, arrays, {name: 3})
    for got, value in zip(
        python_function(code(derivations, "numpy"))(arrays["x"]), values, strict=True
    ):
        np.testing.assert_allclose(got, value)
    program = Program(code(derivations, "c"), tmp_path)
    called = next(p.name for p in program.parameters if p.kind == "size_t")
    found = program({called: 3}, [arrays["x"]], [v.shape for v in values])
    for got, value in zip(found, values, strict=True):
        np.testing.assert_allclose(got, value)


def test_no_macro_of_the_headers_is_the_name_of_a_variable(tmp_path, compiles) -> None:
    headers = "#include <math.h>\n#include <stddef.h>\n#include <complex.h>\n"
    said = subprocess.run(
        ["cc", "-std=gnu11", "-dM", "-E", "-xc", "-"], input=headers, capture_output=True, text=True
    ).stdout
    macros = {line.split()[1].partition("(")[0] for line in said.splitlines()}
    from diagrad.code.identifiers import RESERVED, identifier

    assert not {name for name in macros if identifier(name, set(RESERVED)) == name}


REMARKS = [
    "*/ int evil(void); /*",
    "*\\",
    "/ what ??/",
    "\"\"\" ''' \\",
    "coding: utf-7",
    "\u202e reversed \u2028 and \x0b more \x0c",
    "é ∂ 𝟏",
]


@pytest.mark.parametrize("remark", REMARKS)
def test_no_text_of_a_problem_comes_out_of_its_comment(remark, tmp_path, compiles) -> None:
    derivations = dg.parse(f"# {remark}\n#{remark}\nx: row[n]\nJ = sum(x ** 2)  #{remark}").derive(
        "J", ["x"]
    )
    text = code(derivations, "c")
    found = Program(text, tmp_path)({"n": 2}, [[3.0, 4.0]], [(), (1, 2)])
    assert [value.tolist() for value in found] == [25.0, [[6.0, 8.0]]]
    assert text.count("*/") == text.count("/*")
    module = code(derivations, "numpy")
    path = tmp_path / "module.py"
    path.write_text(module, "utf-8")
    value, slope = python_function(path.read_bytes())([3, 4])  # as Python reads a file
    assert value == 25 and slope.tolist() == [[6.0, 8.0]]
    assert all(c.isprintable() or c == "\n" for c in text + module)


def test_python_takes_lists_and_one_axis_and_says_what_does_not_fit() -> None:
    function = python_function(code(derived("seed"), "numpy"))
    x, W1, b1, W2, b2, y = [1, 2], [[1, 0, 1], [0, 1, 1]], [0, 0, 0], [[1, 2]] * 3, [[0, 0]], [1, 0]
    assert function(x, W1, b1, W2, b2, y)[1].shape == (1, 2)
    for wrong in ((x, W1, b1, W2, [0], y), ([1], W1, b1, W2, b2, y), (x, x, b1, W2, b2, y)):
        with pytest.raises(ValueError):
            function(*wrong)


def test_values_stay_finite_for_large_arguments(tmp_path, compiles) -> None:
    p = dg.parse(
        "x: row[n]; y: row[n] & onehot; J = -sum(y * log(softmax(x))) + sum(log(sigmoid(x)))"
    )
    derivations = p.derive("J", ["x"])
    arrays = [np.array([[1000.0, -1000.0, 0.0]]), np.array([[0.0, 1.0, 0.0]])]
    value, slope = python_function(code(derivations, "numpy"))(*arrays)
    assert value == pytest.approx(2000 - 1000 - np.log(2))
    found = Program(code(derivations, "c"), tmp_path)({"n": 3}, arrays, [(), (1, 3)])
    np.testing.assert_allclose(found[0], value)
    np.testing.assert_allclose(found[1], slope)


CBLAS = """
#include <stddef.h>
enum { CblasRowMajor = 101, CblasNoTrans = 111, CblasTrans = 112 };
static void cblas_dgemm(int order, int ta, int tb, int m, int n, int k, double alpha,
    const double *a, int lda, const double *b, int ldb, double beta, double *c, int ldc)
{
    (void)order; (void)beta;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double s = 0.0;
            for (int t = 0; t < k; t++)
                s += (ta == CblasTrans ? a[t * lda + i] : a[i * lda + t])
                   * (tb == CblasTrans ? b[j * ldb + t] : b[t * ldb + j]);
            c[i * ldc + j] = alpha * s;
        }
}
"""


@pytest.mark.parametrize("name", ["batch", "hessian"])
def test_products_may_be_left_to_cblas(name, tmp_path, compiles) -> None:
    derivations = derived(name)
    (tmp_path / "cblas.h").write_text(CBLAS, "utf-8")
    plain = tmp_path / "plain"
    plain.mkdir()
    sizes = sizes_of(derivations[0].problem)[1]
    arrays = point(derivations[0].problem, 3, sizes)
    inputs, values = (
        [arrays[n] for n in inputs_of(derivations)],
        expected(derivations, arrays, sizes),
    )
    program = Program(code(derivations, "c"), tmp_path, ("-DDIAGRAD_CBLAS", "-fsanitize=address"))
    found = program(sizes, inputs, [v.shape for v in values])
    for got, value in zip(found, values, strict=True):
        np.testing.assert_allclose(got, value, 1e-9)


def test_the_back_ends_that_there_are_are_said() -> None:
    (derivation,) = dg.parse("x: row[n]; J = sum(x ** 2)").derive("J", ["x"])
    for backend in ("torch", "jax"):
        with pytest.raises(
            dg.DerivationError, match=f"no code for '{backend}' yet: .* numpy and c"
        ):
            derivation.code(backend)
    with pytest.raises(dg.DerivationError, match="no code for 'rust': the back ends"):
        derivation.code("rust")
    assert derivation.code("numpy") == code([derivation], "numpy")


def test_what_has_no_code_and_what_is_not_defined_is_said(monkeypatch) -> None:
    p = dg.parse("A: matrix[n, n]; g: elementwise; J = sum(pinv(A)); K = sum(g(A))")
    monkeypatch.delitem(LINEAR_ALGEBRA, "pinv")
    with pytest.raises(dg.DerivationError, match="no c code for pinv"):
        p.derive("J", "A").code("c")
    with pytest.raises(dg.DerivationError, match="g has no definition"):
        p.derive("K", "A").code("numpy")


def diagrad(*arguments: str, text: str | None = None):
    return CliRunner().invoke(main, arguments, input=text)


def test_the_command_prints_what_python_gives_and_writes_files(tmp_path: Path) -> None:
    derivations = derived("seed")
    for backend in ("numpy", "c"):
        result = diagrad("code", str(SEED), "--backend", backend)
        assert (result.exit_code, result.stdout) == (0, code(derivations, backend))
    result = diagrad("code", "-", "--wrt", "W1", text=SEED.read_text("utf-8"))
    alone = derivations[0].problem.derive("J", "W1")
    assert result.stdout == alone.code("numpy")
    out = tmp_path / "out.c"
    asked = ["--wrt", "x", "--backend", "c", "--float", "-o", str(out)]
    result = diagrad("code", str(SEED), *asked)
    assert (result.exit_code, result.output) == (0, "")
    alone = derivations[0].problem.derive("J", "x")
    assert out.read_text("utf-8") == alone.code("c", single=True)


def test_the_command_says_what_it_cannot_do(tmp_path: Path) -> None:
    problem = tmp_path / "problem.dg"
    problem.write_text("x: row[n]; J = sum(x ** 2)", "utf-8")
    wrong = {
        "no code for 'torch' yet: the back ends are numpy and c": ["--backend", "torch"],
        "is the problem itself": ["-o", str(problem)],
        "cannot write": ["-o", str(tmp_path / "nowhere" / "out.c")],
        "z": ["--wrt", "z"],
    }
    for words, options in wrong.items():
        result = diagrad("code", str(problem), *options)
        assert (result.exit_code, result.stdout) == (2, "")
        assert words in result.stderr
    assert problem.read_text("utf-8").startswith("x: row")


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_the_text_of_the_seed_network_is_that_which_a_person_reviewed(backend: str) -> None:
    path = GOLDEN / f"one_hidden_layer.{'c' if backend == 'c' else 'py'}.txt"
    text = code(derived("seed"), backend)
    if os.environ.get("DIAGRAD_GOLDEN") == "write":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), "review: DIAGRAD_GOLDEN=write pytest tests/test_code.py"


def test_no_number_of_the_sizes_that_were_tried_is_in_the_text(tmp_path, compiles) -> None:
    for name in SMALL:
        for backend in ("numpy", "c"):
            body = code(derived(name), backend).partition(
                "import" if backend == "numpy" else "#include"
            )[2]
            assert not any(f"{number}" in body.split() for number in (32, 40, 48, 56))
    assert STRICT


def test_the_text_is_the_same_in_every_run() -> None:
    script = (
        "import diagrad as dg; p = dg.load('examples/one_hidden_layer.dg');"
        "d = p.derive('J', 'W1'); print(d.code('numpy'), d.code('c'))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in "012"
    }
    assert len(said) == 1
