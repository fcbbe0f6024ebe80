"""What readers see: names, numbers, brackets, and that source can be read again."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from diagrad.errors import ProblemError
from diagrad.expression import Apply, Expression, Number, Symbol, number
from diagrad.language import read, read_expression
from diagrad.operations import OPERATORS, ROOMS, WORDS
from diagrad.operations.functions import BY_NAME
from diagrad.operations.room import Operation
from diagrad.operations.unspecified import Prime, Unspecified
from diagrad.show import NOTATIONS, Names, printed

SOURCE = read("""
x: row[Dx];  W1: matrix[Dx, H];  b1: row[H];  h: row[H]
W2: matrix[H, Dy];  y: row[Dy];  yhat: row[Dy]
s: scalar;  t: scalar;  lam: scalar
A: matrix[n, n];  B: matrix[n, n];  C: matrix[n, n];  AB: matrix[n, n]
u: row[n];  v: row[n];  X: matrix[N, n]
""")
DECLARED = ["x", "W1", "b1", "h", "W2", "y", "yhat", "s", "t", "lam"]
DECLARED += ["A", "B", "C", "AB", "u", "v", "N", "n"]
SYMBOLS = {name: read_expression(name, SOURCE) for name in DECLARED}
NAMES = Names([*DECLARED, "Dx", "H", "Dy"])
(n, _) = SYMBOLS["A"].shape


def apply(operation: Operation, *operands: Expression, parameters: tuple[Any, ...] = ()) -> Apply:
    shape = operation.shape([o.shape for o in operands], parameters)
    return Apply(shape, operation, operands, parameters)


def shown(text: str, notation: str) -> str:
    return printed(read_expression(text, SOURCE), notation, NAMES)


def test_the_seed_network_prints_as_in_a_textbook() -> None:
    source = "((yhat - y) @ W2.T * h * (1 - h)) @ W1.T"
    assert {notation: shown(source, notation) for notation in NOTATIONS} == {
        "source": source,
        "unicode": "((ŷ − y) W₂ᵀ ∘ h ∘ (1 − h)) W₁ᵀ",
        "ascii": "((yhat - y) @ W2.T .* h .* (1 - h)) @ W1.T",
        "latex": r"\left(\left(\hat{y} - y\right) W_{2}^{\top} \circ h \circ "
        r"\left(1 - h\right)\right) W_{1}^{\top}",
    }


UNICODE = {
    "sigmoid(x @ W1 + b1)": "σ(x W₁ + b₁)",
    "-sum(y * log(yhat))": "−∑(y ∘ log(ŷ))",
    "-y / yhat": "−y ⊘ ŷ",
    "s * (-t)": "s (−t)",
    "-(-s)": "−(−s)",
    "A - (-B)": "A − (−B)",
    "-(A + B)": "−(A + B)",
    "(A + B).T": "(A + B)ᵀ",
    "A.T.T": "(Aᵀ)ᵀ",
    "(-s) ** 2": "(−s)²",
    "-s ** 2": "−s²",
    "s ** t ** 2": "s^(t²)",
    "(s ** t) ** 2": "(s^t)²",
    "s ** -1": "s⁻¹",
    "sigmoid(A) ** 2": "σ(A)∘²",
    "A.T ** 2": "(Aᵀ)∘²",
    "2 * A @ B": "2 A B",
    "2 * (A @ B)": "2 A B",
    "A * 2": "2 A",
    "2 * (3 * s)": "2 · 3 s",
    "(u @ v.T) * A": "(u vᵀ) A",
    "A @ B / N": "A B / N",
    "A / (s * t)": "A / (s t)",
    "s * (A @ B) / N * C": "s A B / N ∘ C",
    "A * (B @ C)": "A ∘ B C",
    "(A * B) @ C": "(A ∘ B) C",
    "A @ (B @ C)": "A (B C)",
    "A - (B - C)": "A − (B − C)",
    "sum(A, axis=0)": "𝟏ᵀ A",
    "sum(2 * A, axis=0)": "𝟏ᵀ · 2 A",
    "sum(A) ** 2": "(∑(A))²",
    "norm(A) ** 2": "‖A‖²",
    "where(A > -B, A, B)": "where(A > −B, A, B)",
    "A + eye(n) * lam": "A + λ I",
    "1e-05 * A": "10⁻⁵ A",
    "0.5 * A": "½ A",
    "-0.5 * A": "−½ A",
    "softmax(A, axis=0)": "softmax(A, axis=0)",
}


@pytest.mark.parametrize(("source", "expected"), UNICODE.items())
def test_brackets_stand_exactly_where_a_reader_needs_them(source: str, expected: str) -> None:
    assert shown(source, "unicode") == expected


LATEX = {
    "(s + t) / (s - t) * A": r"\frac{s + t}{s - t} A",
    "(s / t) ** 2": r"\left(\frac{s}{t}\right)^{2}",
    "A.T ** 2": r"\left(A^{\top}\right)^{\circ 2}",
    "A / N": "A / N",
    "2 * (s / t)": r"2 \frac{s}{t}",
    "2 * (3 / t)": r"2 \cdot \frac{3}{t}",
    "AB @ A": r"\mathrm{AB} \, A",
    "-sum(log_softmax(A))": r"-\sum\left(\operatorname{log\,softmax}\left(A\right)\right)",
    "relu(b1)": r"\operatorname{relu}\left(b_{1}\right)",
    "sqrt(s) ** 2": r"\left(\sqrt{s}\right)^{2}",
    "cross_entropy(y, yhat)": r"\operatorname{cross\_entropy}\left(y, \hat{y}\right)",
    "ones(n, 1) @ u": r"\mathbf{1} u",
    "1e-05 * A": r"10^{-5} A",
}


@pytest.mark.parametrize(("source", "expected"), LATEX.items())
def test_latex_reads_as_typeset_by_hand(source: str, expected: str) -> None:
    assert shown(source, "latex") == expected


ELEMENTS = {
    'einsum("ij,jk->ik", A, B)': ("Σⱼ Aᵢⱼ Bⱼₖ", r"\sum_{j} A_{ij} B_{jk}"),
    'einsum("ij,jk->ik", A + B, eye(n))': (
        "Σⱼ (Aᵢⱼ + Bᵢⱼ) δⱼₖ",
        r"\sum_{j} \left(A_{ij} + B_{ij}\right) \delta_{jk}",
    ),
    'einsum("ij,jk->ik", W1, W2)': (
        "Σⱼ (W₁)ᵢⱼ (W₂)ⱼₖ",
        r"\sum_{j} \left(W_{1}\right)_{ij} \left(W_{2}\right)_{jk}",
    ),
    'einsum("i,jk->ijk", x, eye(H))': ("xᵢ δⱼₖ", r"x_{i} \delta_{jk}"),
    'einsum("i,i->", u, v) * A': (
        "(Σᵢ uᵢ vᵢ) A",
        r"\left(\sum_{i} u_{i} v_{i}\right) A",
    ),
    'einsum("bc,cd->bd", A, B)': ("Σⱼ Aᵢⱼ Bⱼₖ", r"\sum_{c} A_{bc} B_{cd}"),
    'einsum("ij->ij", A) - einsum("i,j->ij", u, v)': (
        "Aᵢⱼ − uᵢ vⱼ",
        "A_{ij} - u_{i} v_{j}",
    ),
    'sigmoid(einsum("ij,jk->ik", A, B))': (
        "σ([Σⱼ Aᵢⱼ Bⱼₖ]ᵢₖ)",
        r"\sigma\left(\left[\sum_{j} A_{ij} B_{jk}\right]_{ik}\right)",
    ),
}


@pytest.mark.parametrize(("source", "expected"), ELEMENTS.items())
def test_an_einsum_prints_by_elements(source: str, expected: tuple[str, str]) -> None:
    assert (shown(source, "unicode"), shown(source, "latex")) == expected
    assert shown(source, "source") == source


PRETTY = {
    "x": ("x", "x"),
    "W1": ("W₁", "W_{1}"),
    "W_1": ("W₁", "W_{1}"),
    "x_max": ("xₘₐₓ", r"x_{\text{max}}"),
    "x_bad": ("x_bad", r"x_{\text{bad}}"),
    "W1_out": ("W₁ₒᵤₜ", r"W_{1,\text{out}}"),
    "alpha": ("α", r"\alpha"),
    "lam": ("λ", r"\lambda"),
    "theta1": ("θ₁", r"\theta_{1}"),
    "Sigma": ("Σ", r"\Sigma"),
    "yhat": ("ŷ", r"\hat{y}"),
    "y_hat": ("ŷ", r"\hat{y}"),
    "yhat2": ("ŷ₂", r"\hat{y}_{2}"),
    "thetahat": ("θ̂", r"\hat{\theta}"),
    "xbar": ("x̄", r"\bar{x}"),
    "ntilde": ("ñ", r"\tilde{n}"),
    "what": ("what", r"\mathrm{what}"),
    "that": ("that", r"\mathrm{that}"),
    "hat": ("hat", r"\mathrm{hat}"),
    "rebar": ("rebar", r"\mathrm{rebar}"),
    "hidden": ("hidden", r"\mathrm{hidden}"),
    "_x": ("_x", r"\mathrm{\_x}"),
    "dJ/dW1": ("∂J/∂W₁", r"\frac{\partial J}{\partial W_{1}}"),
}


@pytest.mark.parametrize(("name", "expected"), PRETTY.items())
def test_names_print_as_mathematics(name: str, expected: tuple[str, str]) -> None:
    names = Names()
    assert (names.shown(name, "unicode"), names.shown(name, "latex")) == expected
    assert names.shown(name, "source") == names.shown(name, "ascii") == name


DERIVATIVE_NAMES = {
    "dJ_dW2": ("∂J/∂W₂", r"\frac{\partial J}{\partial W_{2}}"),
    "dJ_dh.T": ("(∂J/∂h)ᵀ", r"\left(\frac{\partial J}{\partial h}\right)^{\top}"),
    "dJ_dh @ W1.T": ("(∂J/∂h) W₁ᵀ", r"\frac{\partial J}{\partial h} W_{1}^{\top}"),
    "-dJ_dh * h": ("−∂J/∂h ∘ h", r"-\frac{\partial J}{\partial h} \circ h"),
    "h ** 2 / dJ_dh": ("h∘² ⊘ ∂J/∂h", r"h^{\circ 2} \oslash \frac{\partial J}{\partial h}"),
    "dJ_dh ** 2": ("(∂J/∂h)∘²", r"\left(\frac{\partial J}{\partial h}\right)^{\circ 2}"),
}


@pytest.mark.parametrize(("source", "expected"), DERIVATIVE_NAMES.items())
def test_the_name_of_a_derivative_prints_as_its_quotient(
    source: str, expected: tuple[str, str]
) -> None:
    names = Names([*DECLARED, "J"], derivatives={"dJ_dh": ("J", "h"), "dJ_dW2": ("J", "W2")})
    declared = read("h: row[H]; dJ_dh: row[H]; W1: matrix[Dx, H]; dJ_dW2: matrix[H, Dy]")
    node = read_expression(source, declared)
    texts = {notation: printed(node, notation, names) for notation in NOTATIONS}
    assert (texts["unicode"], texts["latex"]) == expected
    assert texts["source"] == source
    assert "_" not in texts["ascii"]


def test_the_pieces_of_a_derivative_keep_the_spelling_of_their_names() -> None:
    names = Names(["W1", "W_1", "J"], derivatives={"slope": ("J", "W_1")})
    assert names.shown("slope", "unicode") == "∂J/∂W_1"


def test_names_that_would_print_alike_are_kept_apart() -> None:
    names = Names(["W1", "W_1", "lam", "λ", "yhat", "y_hat"])
    assert [names.shown(n, "unicode") for n in names.names] == [
        "W₁",
        "W_1",
        "lam",
        "λ",
        "ŷ",
        "y_hat",
    ]
    assert names.shown("W_1", "latex") == r"\mathrm{W\_1}"


@given(st.lists(st.from_regex(r"\A[a-zα-ω](hat|bar)?_?[0-9]{0,2}(_[a-z0-9]{1,2})?\Z"), max_size=12))
def test_no_two_names_ever_print_alike(given_names: list[str]) -> None:
    names = Names(given_names)
    for notation in NOTATIONS:
        assert len({names.shown(n, notation) for n in names.names}) == len(names.names)


NUMBERS = {
    "2": Fraction(2),
    "-2": Fraction(-2),
    "1 / 2": Fraction(1, 2),
    "-1 / 3": Fraction(-1, 3),
    "1e-05": Fraction(1, 100000),
    "0.044715": Fraction(44715, 1000000),
    "1e+20": Fraction(10**20),
    "1 / 12345": Fraction(1, 12345),
}


@pytest.mark.parametrize(("expected", "value"), NUMBERS.items())
def test_numbers_print_exactly_and_short(expected: str, value: Fraction) -> None:
    assert printed(number(value), "source") == expected


def test_a_number_is_bracketed_before_a_transpose_because_python_reads_a_point() -> None:
    assert printed(apply(OPERATORS["T"], number(2)), "source") == "(2).T"


def test_derivatives_of_functions_print_with_a_prime() -> None:
    g = Unspecified("alpha", 0).differentiated()
    sigma = Prime(BY_NAME["sigmoid"])
    expected = {
        "source": ("prime(alpha)(s)", "prime(sigmoid)(s)"),
        "unicode": ("α′(s)", "σ′(s)"),
        "ascii": ("alpha'(s)", "sigmoid'(s)"),
        "latex": (r"\alpha'\left(s\right)", r"\sigma'\left(s\right)"),
    }
    for notation, texts in expected.items():
        s = SYMBOLS["s"]
        assert tuple(printed(apply(f, s), notation) for f in (g, sigma)) == texts


def test_a_deeply_nested_expression_prints() -> None:
    deep: Expression = SYMBOLS["A"]
    for _ in range(150):
        deep = apply(OPERATORS["-"], SYMBOLS["B"], deep)
    for notation in NOTATIONS:
        assert printed(deep, notation, NAMES).count("B") == 150


# Random trees: scalars, rows of length n and n×n matrices.

KINDS = {"scalar": ["s", "t", "N"], "row": ["u", "v"], "matrix": ["A", "B", "AB"]}
RATIONALS = st.sampled_from([Fraction(p) for p in (0, 1, 2, -3, "1/2", "-2/3", "1/1000", 10)])
FUNCTIONS = [BY_NAME[name] for name in ("sigmoid", "square", "tanh", "abs")]


@st.composite
def expressions(draw: st.DrawFn, kind: str = "matrix", depth: int = 4) -> Expression:
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        symbol = st.sampled_from(KINDS[kind]).map(SYMBOLS.__getitem__)
        return draw(symbol | RATIONALS.map(number) if kind == "scalar" else symbol)

    def part(kind: str) -> Expression:
        return draw(expressions(kind, depth - 1))

    choice = draw(st.sampled_from(["entrywise", "scaled", "unary", "product", "special"]))
    if choice == "entrywise":
        return apply(OPERATORS[draw(st.sampled_from("+-*/"))], part(kind), part(kind))
    if choice == "scaled":
        pair = [part("scalar"), part(kind)]
        return apply(OPERATORS[draw(st.sampled_from(["*", "@"]))], *draw(st.permutations(pair)))
    if choice == "unary":
        return apply(draw(st.sampled_from([OPERATORS["negate"], *FUNCTIONS])), part(kind))
    if choice == "product":
        return draw(products(kind, depth))
    return draw(specials(kind, depth))


@st.composite
def products(draw: st.DrawFn, kind: str, depth: int) -> Expression:
    first, second = {
        "matrix": ("matrix", "matrix"),
        "row": ("row", "matrix"),
        "scalar": ("row", "row"),
    }[kind]
    left, right = (draw(expressions(k, depth - 1)) for k in (first, second))
    return apply(OPERATORS["@"], left, apply(OPERATORS["T"], right))


@st.composite
def specials(draw: st.DrawFn, kind: str, depth: int) -> Expression:
    inner = draw(expressions("matrix", depth - 1))
    match kind:
        case "matrix" if draw(st.booleans()):
            other = draw(expressions("matrix", depth - 1))
            return apply(WORDS["einsum"], inner, other, parameters=("ij,jk->ik",))
        case "row":
            return apply(WORDS["sum"], inner, parameters=(0,))
        case "scalar" if draw(st.booleans()):
            return apply(WORDS["sum"], inner, parameters=(None,))
    base = draw(expressions(kind, depth - 1))
    return apply(OPERATORS["**"], base, number(draw(st.sampled_from([2, 3, -1, -2]))))


def spelled(expression: Expression) -> Expression:
    """The tree with each number as the operations it is written with."""
    match expression:
        case Number(value=value) if value < 0:
            magnitude = spelled(number(-value))
            if isinstance(magnitude, Apply):
                p, q = magnitude.operands
                return apply(OPERATORS["/"], apply(OPERATORS["negate"], p), q)
            return apply(OPERATORS["negate"], magnitude)
        case Number(value=value) if 1 < value.denominator < 13:
            p, q = number(value.numerator), number(value.denominator)
            return apply(OPERATORS["/"], p, q)
        case Apply():
            operands = tuple(spelled(o) for o in expression.operands)
            return Apply(expression.shape, expression.operation, operands, expression.parameters)
    return expression


@given(expressions() | expressions("row") | expressions("scalar"))
@settings(deadline=None)
def test_source_read_again_is_the_same_expression(expression: Expression) -> None:
    source = printed(expression, "source", NAMES)
    try:
        again = read_expression(source, SOURCE)
    except ProblemError as error:
        assume("divides by zero" not in error.message)
        raise
    assert again == spelled(expression)
    assert printed(again, "source", NAMES) == source


ARRAYS = {
    "s": np.array(0.7),
    "t": np.array(-1.3),
    "N": np.array(3.0),
    **{name: np.random.default_rng(k).normal(size=(3, 3)) for k, name in enumerate("ABC")},
    **{name: np.random.default_rng(k).normal(size=(1, 3)) for k, name in enumerate("uv")},
}


def evaluated(expression: Expression) -> Any:
    match expression:
        case Number(value=value):
            return np.full((1, 1), float(value))
        case Symbol(name=name):
            return ARRAYS[name].reshape(1, 1) if ARRAYS[name].ndim == 0 else ARRAYS[name]
        case Apply():
            operands = [evaluated(o) for o in expression.operands]
            return expression.operation.evaluate(operands, expression, {"n": 3})
    raise AssertionError(expression)


@pytest.mark.parametrize(
    "source", [s for s in UNICODE if not re.search(r"x|y|where|eye|W|softmax", s)]
)
def test_source_is_plain_numpy_with_the_same_value(source: str) -> None:
    functions: dict[str, Any] = {f.name: f.numpy for f in FUNCTIONS}
    functions |= {"sum": np.sum, "norm": np.linalg.norm}
    plain = shown(source.replace("u @ v.T", "sum(u @ v.T)"), "source")
    value = eval(plain, functions | ARRAYS)
    expected = evaluated(read_expression(source, SOURCE))
    np.testing.assert_allclose(np.broadcast_to(value, expected.shape), expected)


@given(expressions())
@settings(deadline=None)
def test_latex_is_balanced(expression: Expression) -> None:
    latex = printed(expression, "latex", NAMES)
    assert latex.count(r"\left") == latex.count(r"\right")
    depth = 0
    for c in re.sub(r"\\[{}]", "", latex):
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"\^\{[^{}]*\}\^", latex), "TeX refuses a double superscript"


@given(expressions())
@settings(deadline=None)
def test_ascii_is_ascii_and_printing_is_deterministic(expression: Expression) -> None:
    assert printed(expression, "ascii", NAMES).isascii()
    for notation in NOTATIONS:
        assert printed(expression, notation, NAMES) == printed(expression, notation, NAMES)


@given(expressions())
@settings(deadline=None)
def test_two_numbers_never_stand_side_by_side(expression: Expression) -> None:
    for notation in ("unicode", "latex"):
        assert not re.search(r"\d (\\frac\{)?[\d½]", printed(expression, notation, NAMES))


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_every_room_prints_in_every_notation(room: Operation) -> None:
    takes = room.takes
    operands = [SYMBOLS["u" if room.name in ("diag", "outer") else "A"] for _ in takes.operands]
    parameters: tuple[Any, ...] = (None,) if takes.axis else tuple(n for _ in takes.sizes)
    if takes.subscripts:
        parameters = ("ij->ij",)
    node = apply(room, *operands, parameters=parameters)
    for notation in NOTATIONS:
        text = printed(node, notation, NAMES)
        assert text.isascii() or notation == "unicode"
        assert "{{" not in text
        assert "{0}" not in text.replace(r"\mathbf{0}", "")
