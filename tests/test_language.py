"""The problem language: what is read, and every message word for word."""

# ruff: noqa: E501

from fractions import Fraction

import pytest

from diagrad.dimensions import SCALAR, Dimension, Size, describe
from diagrad.errors import ProblemError, Span
from diagrad.expression import Apply, Number, Symbol
from diagrad.language import Source, read, read_expression
from diagrad.operations import OPERATORS, WORDS
from diagrad.operations.unspecified import Prime, Unspecified

NETWORK = """\
# Stanford CS224n, assignment 1, question 2(c): row vectors, one hidden layer
x:  row[Dx]
W1: matrix[Dx, H];  b1: row[H]
W2: matrix[H, Dy];  b2: row[Dy]
y:  row[Dy] & onehot

h    = sigmoid(x @ W1 + b1)
yhat = softmax(h @ W2 + b2)
J    = -sum(y * log(yhat))
"""
NAMES = "x: row[n]; c: column[n]; A: matrix[m, n]; s: scalar; g: elementwise\n"


def value(text: str) -> Apply:
    made = read_expression(text, read(NAMES))
    assert isinstance(made, Apply)
    return made


def shape(text: str, names: str = NAMES) -> str:
    return describe(read_expression(text, read(names)).shape)


def message(text: str, file: str = "problem") -> str:
    with pytest.raises(ProblemError) as error:
        read(text, file)
    return str(error.value)


def test_the_network_of_the_contract_is_read() -> None:
    source = read(NETWORK)
    assert list(source.variables) == ["x", "W1", "b1", "W2", "b2", "y"]
    assert list(source.definitions) == ["h", "yhat", "J"]
    assert [d.position for d in source.definitions.values()] == [6, 7, 8]
    assert [describe(d.shape) for d in source.variables.values()] == (
        ["1×Dx", "Dx×H", "1×H", "H×Dy", "1×Dy", "1×Dy"]
    )
    assert source.variables["y"].facts == {"onehot"}
    assert source.variables["y"].sums_along == 1
    assert source.dimensions == (Dimension(0, "Dx"), Dimension(1, "H"), Dimension(2, "Dy"))
    assert source.definitions["J"].expression.shape == SCALAR
    assert source.warnings == ()


def test_the_error_of_the_contract_is_shown_as_there() -> None:
    text = NETWORK.replace("J    = -sum(y * log(yhat))", "").replace("h @ W2 + b2", "h @ W2")
    line = "\n".join(text.split("\n")[:7]) + "\nz = x @ W2"
    assert message(line, "problem.dg") == (
        "problem.dg:8: cannot multiply x (1×Dx) by W2 (H×Dy): "
        "the inner dimensions Dx and H differ\n"
        "    z = x @ W2\n"
        "        ^^^^^^"
    )


MESSAGES = {
    "y = x @ A": (
        "problem:2: cannot multiply x (1×n) by A (m×n): the inner dimensions n and m differ; did you mean x @ A.T?\n"
        "    y = x @ A\n"
        "        ^^^^^"
    ),
    "y = (A + 1) @ (c.T)": (
        "problem:2: cannot multiply A + 1 (m×n) by c.T (1×n): the inner dimensions n and 1 differ; did you mean (A + 1) @ c?\n"
        "    y = (A + 1) @ (c.T)\n"
        "        ^^^^^^^^^^^^^^^"
    ),
    "y = A * c": (
        "problem:2: cannot multiply A (m×n) and c (n×1) entry by entry: m rows do not fit n rows; did you mean A * c.T?\n"
        "    y = A * c\n"
        "        ^^^^^"
    ),
    "y = trace(A)": (
        "problem:2: trace needs a square matrix, not A (m×n)\n    y = trace(A)\n        ^^^^^^^^"
    ),
    "y = diag(A)": (
        "problem:2: diag needs a row or a column, not A (m×n); "
        "for the diagonal of a matrix there is diagonal(A)\n"
        "    y = diag(A)\n"
        "        ^^^^^^^"
    ),
    "y = outer(A, x)": (
        "problem:2: outer needs rows or columns, not A (m×n)\n"
        "    y = outer(A, x)\n"
        "        ^^^^^^^^^^^"
    ),
    "lambda = 2": (
        "problem:2: lambda is a word of Python and cannot be a name: write lam\n"
        "    lambda = 2\n"
        "    ^^^^^^"
    ),
    "y = lambda z: z": (
        "problem:2: functions are not defined here: write the expression itself, or declare g: elementwise\n"
        "    y = lambda z: z\n"
        "        ^^^^^^"
    ),
    "import os": (
        "problem:2: import begins a Python statement: only declarations (x: row[n]) and definitions (h = sigmoid(x)) stand in a problem\n"
        "    import os\n"
        "    ^^^^^^"
    ),
    "W₁ = 2": (
        "problem:2: W₁ holds a subscript: write W1, which is shown with the subscript\n"
        "    W₁ = 2\n"
        "    ^^"
    ),
    "y = Aᵀ @ x": (
        "problem:2: Aᵀ holds a superscript: write A.T for a transpose\n    y = Aᵀ @ x\n        ^^"
    ),
    "y = x²": ("problem:2: x² holds a superscript: write x**2 for a power\n    y = x²\n        ^^"),
    "y = x − c": (
        "problem:2: − is no sign of the language: write - for minus\n    y = x − c\n          ^"
    ),
    "y = x ∘ x": (
        "problem:2: ∘ is no sign of the language: write * for the product entry by entry\n"
        "    y = x ∘ x\n"
        "          ^"
    ),
    "y = A · x": (
        "problem:2: · is no sign of the language: write * (entry by entry) or @ (matrix product)\n"
        "    y = A · x\n"
        "          ^"
    ),
    "y = A^T": ("problem:2: a transpose is written W.T, not W^T\n    y = A^T\n         ^^"),
    "y = x ^ 2": (
        "problem:2: ^ is no sign of the language: write ** for a power, and W.T for a transpose\n"
        "    y = x ^ 2\n"
        "          ^"
    ),
    "y = 2x": (
        "problem:2: an operator is missing between 2 and x; a product is written out: write 2*x\n"
        "    y = 2x\n"
        "        ^^"
    ),
    "y = A c": (
        "problem:2: an operator is missing between A and c; a product is written * (entry by entry) or @ (matrix product)\n"
        "    y = A c\n"
        "        ^^^"
    ),
    "y = A(c)": (
        "problem:2: A is no function; a product is written * (entry by entry) or @\n"
        "    y = A(c)\n"
        "        ^^^^"
    ),
    "y = 2(c)": (
        "problem:2: 2 is no function; a product is written * (entry by entry) or @ (matrix product)\n"
        "    y = 2(c)\n"
        "        ^^^^"
    ),
    "B: matrix[m, n] positive": (
        "problem:2: an operator is missing between ] and positive; facts are joined by &: write & positive\n"
        "    B: matrix[m, n] positive\n"
        "                  ^^^^^^^^^^"
    ),
    "B: matrix[m, n] & posit": (
        "problem:2: posit is no fact; the facts are diagonal, invertible, lower, nonneg, onehot, orthogonal, pm1, positive, prob, simplex, spd, symmetric, upper; did you mean positive?\n"
        "    B: matrix[m, n] & posit\n"
        "                      ^^^^^"
    ),
    "B: matrix[m, n] & spd": (
        "problem:2: spd is said of square matrices, and B is m×n\n"
        "    B: matrix[m, n] & spd\n"
        "                      ^^^"
    ),
    "B: row[n] & onehot & pm1": (
        "problem:2: onehot and pm1 contradict each other: entries are +1 and -1, but none is negative\n"
        "    B: row[n] & onehot & pm1\n"
        "                         ^^^"
    ),
    "B: matrix[n, n] & prob & diagonal": (
        "problem:2: prob and diagonal contradict each other: every entry is greater than 0, but those above the diagonal are 0\n"
        "    B: matrix[n, n] & prob & diagonal\n"
        "                             ^^^^^^^^"
    ),
    "B: scalar & onehot": (
        "problem:2: onehot is said of rows, columns and matrices, and B is a scalar\n"
        "    B: scalar & onehot\n"
        "                ^^^^^^"
    ),
    "B: row[n] & onehot(axis=0)": (
        "problem:2: the entries of a row sum along axis=1\n"
        "    B: row[n] & onehot(axis=0)\n"
        "                ^^^^^^^^^^^^^^"
    ),
    "B: row[n], onehot": (
        "problem:2: a declaration is written x: row[n] & fact, one name before the colon\n"
        "    B: row[n], onehot\n"
        "    ^^^^^^^^^^^^^^^^^"
    ),
    "B: row[n] = 2": (
        "problem:2: B is declared and defined at once: declare it, or write B = …\n"
        "    B: row[n] = 2\n"
        "                ^"
    ),
    "B: row": ("problem:2: row needs its size: write row[n]\n    B: row\n       ^^^"),
    "B: row(n)": (
        "problem:2: sizes stand in square brackets: row[…]\n    B: row(n)\n       ^^^^^^"
    ),
    "B: vector[n]": (
        "problem:2: a vector is a row[n] or a column[n]: say which\n"
        "    B: vector[n]\n"
        "       ^^^^^^^^^"
    ),
    "B: matrx[n]": (
        "problem:2: the kinds of variables are scalar, row[n], column[n], matrix[m, n], elementwise; did you mean matrix?\n"
        "    B: matrx[n]\n"
        "       ^^^^^^^^"
    ),
    "B: matrix[n]": (
        "problem:2: a matrix is written matrix[m, n]\n    B: matrix[n]\n       ^^^^^^^^^"
    ),
    "B: matrix[n, n, n]": (
        "problem:2: matrix with 3 sizes: more than two dimensions are not supported yet\n"
        "    B: matrix[n, n, n]\n"
        "       ^^^^^^^^^^^^^^^"
    ),
    "B: row[0]": ("problem:2: the size 0 is not positive\n    B: row[0]\n           ^"),
    "B: row[n - n]": (
        "problem:2: the size n - n, that is 0, is not positive\n    B: row[n - n]\n           ^^^^^"
    ),
    "B: row[1.5]": (
        "problem:2: a size is a whole number, not 1.5\n    B: row[1.5]\n           ^^^"
    ),
    "B: row[n / 2]": (
        "problem:2: sizes are not divided: name the smaller size n and write 2*n for the larger\n"
        "    B: row[n / 2]\n"
        "           ^^^^^"
    ),
    "B: row[n**20]": (
        "problem:2: in a size, an exponent is a whole number from 0 to 8\n"
        "    B: row[n**20]\n"
        "              ^^"
    ),
    "B: row[x]": (
        "problem:2: x is already declared on line 1: choose another name\n"
        "    B: row[x]\n"
        "           ^"
    ),
    "sum = 2": (
        "problem:2: sum is a word of the language: choose another name, such as sum1\n"
        "    sum = 2\n"
        "    ^^^"
    ),
    "x = 2": ("problem:2: x is already declared on line 1: choose another name\n    x = 2\n    ^"),
    "y = y + 1": (
        "problem:2: y is defined by itself: give the new value another name, such as y1\n"
        "    y = y + 1\n"
        "        ^"
    ),
    "y = z\nz = 2": (
        "problem:2: z is defined only on line 3: move that line up, above its first use\n"
        "    y = z\n"
        "        ^"
    ),
    "y = z\nz = y": (
        "problem:2: y and z (line 3) are defined by each other: one of them needs a value of its own\n"
        "    y = z\n"
        "        ^"
    ),
    "x += 2": ("problem:2: x has one value: give the new one another name\n    x += 2\n    ^^^^^^"),
    "y == 2": ("problem:2: a definition is written with one =\n    y == 2\n    ^^^^^^"),
    "x @ c": (
        "problem:2: only declarations (x: row[n]) and definitions (h = sigmoid(x)) stand in a problem; to define a value, write J = x @ c\n"
        "    x @ c\n"
        "    ^^^^^"
    ),
    "y = a = x": (
        "problem:2: one definition has one name: write every = on a line of its own\n"
        "    y = a = x\n"
        "        ^"
    ),
    "y = maxi(x)": (
        "problem:2: no function is called maxi; did you mean max?\n    y = maxi(x)\n        ^^^^"
    ),
    "y = det(A)": (
        "problem:2: det needs a square matrix, not A (m×n)\n    y = det(A)\n        ^^^^^^"
    ),
    "y = ln(x)": ("problem:2: no function is called ln; write log(…)\n    y = ln(x)\n        ^^"),
    "y = xx": ("problem:2: nothing is called xx; did you mean x?\n    y = xx\n        ^^"),
    "y = x[0]": (
        "problem:2: taking entries or slices is not supported yet\n    y = x[0]\n        ^^^^"
    ),
    "y = [x, x]": (
        "problem:2: arrays written out, and concatenation, are not supported yet\n"
        "    y = [x, x]\n"
        "        ^^^^^^"
    ),
    "y = concatenate(x, x)": (
        "problem:2: concatenate means concatenation, which is not supported yet\n"
        "    y = concatenate(x, x)\n"
        "        ^^^^^^^^^^^"
    ),
    'y = "ij"': (
        'problem:2: text stands only as labels, like einsum("ij,jk->ik", A, B)\n'
        '    y = "ij"\n'
        "        ^^^^"
    ),
    "y = x > 0": (
        "problem:2: a comparison stands only as the condition of where(condition, A, B)\n"
        "    y = x > 0\n"
        "        ^^^^^"
    ),
    "y = where(x, x, x)": (
        "problem:2: the condition of where is a comparison, such as x > 0\n"
        "    y = where(x, x, x)\n"
        "              ^"
    ),
    "y = where(0 < x < 1, x, x)": (
        "problem:2: a condition is one comparison: put one where(…) inside another\n"
        "    y = where(0 < x < 1, x, x)\n"
        "              ^^^^^^^^^"
    ),
    "y = where(x > 0, x)": (
        "problem:2: where takes 3 operands, not 2: where(condition, A, B)\n"
        "    y = where(x > 0, x)\n"
        "        ^^^^^^^^^^^^^^^"
    ),
    "y = x and x": (
        "problem:2: and does not join conditions: put one where(…) inside another\n"
        "    y = x and x\n"
        "          ^^^"
    ),
    "y = sum(x, 0)": (
        "problem:2: sum takes 1 operand, not 2: sum(A); an axis is written axis=0\n"
        "    y = sum(x, 0)\n"
        "        ^^^^^^^^^"
    ),
    "y = sum(x, axis=-1)": (
        "problem:2: axis is 0 (over the rows, one result a column) or 1 (one result a row)\n"
        "    y = sum(x, axis=-1)\n"
        "                    ^^"
    ),
    "y = sum(x, axis=0, keepdims=False)": (
        "problem:2: keepdims is always True: every value stays two-dimensional\n"
        "    y = sum(x, axis=0, keepdims=False)\n"
        "                       ^^^^^^^^^^^^^^"
    ),
    "y = sum(x, dim=0)": (
        "problem:2: sum has no dim=, only axis=\n    y = sum(x, dim=0)\n               ^^^^^"
    ),
    "y = x.sum()": ("problem:2: write sum(x)\n    y = x.sum()\n        ^^^^^"),
    "y = np.sum(x)": ("problem:2: write sum(…) without np.\n    y = np.sum(x)\n        ^^^^^^"),
    "y = x.t": ("problem:2: a transpose is written .T, not .t\n    y = x.t\n        ^^^"),
    "y = g": ("problem:2: g is a function: write g(z)\n    y = g\n        ^"),
    "y = g(x, x)": (
        "problem:2: g takes one operand, not 2: g(z)\n    y = g(x, x)\n        ^^^^^^^"
    ),
    "y = prime(prime(exp))(x)": (
        "problem:2: the second derivative of a built-in function is not supported yet\n"
        "    y = prime(prime(exp))(x)\n"
        "        ^^^^^^^^^^^^^^^^^"
    ),
    "y = prime(g)": (
        "problem:2: a derivative is a function: write prime(g)(z)\n"
        "    y = prime(g)\n"
        "        ^^^^^^^^"
    ),
    "y = x**10**9": (
        "problem:2: a constant exponent goes from -1000 to 1000\n    y = x**10**9\n        ^^^^^^^^"
    ),
    "y = x / (1 - 1)": (
        "problem:2: this divides by zero\n    y = x / (1 - 1)\n        ^^^^^^^^^^^"
    ),
    "y = 007": (
        "problem:2: a whole number does not begin with 0: write 7\n    y = 007\n        ^^^"
    ),
    "y = 1e999": (
        "problem:2: the exponent of a number goes from -300 to 300\n    y = 1e999\n        ^^^^^"
    ),
    "y = ones(m, k)": (
        "problem:2: no dimension is called k; the dimensions are n, m\n"
        "    y = ones(m, k)\n"
        "                ^"
    ),
    'y = sum(einsum("i,j,k->ijk", x, x, x))': (
        'problem:2: einsum("i,j,k->ijk", x, x, x) (n×n×n) has 3 axes: such a value is only added, subtracted, negated and multiplied by a scalar\n'
        '    y = sum(einsum("i,j,k->ijk", x, x, x))\n'
        "        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"
    ),
    'y = einsum("ij,jk->ik", A, A)': (
        "problem:2: einsum's label j is n in one operand and m in A (m×n)\n"
        '    y = einsum("ij,jk->ik", A, A)\n'
        "        ^^^^^^^^^^^^^^^^^^^^^^^^^"
    ),
    'y = einsum("ij;jk", A, A)': (
        'problem:2: text stands only as labels, like einsum("ij,jk->ik", A, B)\n'
        '    y = einsum("ij;jk", A, A)\n'
        "               ^"
    ),
    "y = x + c.T.T @ A.T  # mixed": (
        "problem:2: cannot multiply c.T.T (n×1) by A.T (n×m): the inner dimensions 1 and n differ; did you mean c.T @ A.T?\n"
        "    y = x + c.T.T @ A.T  # mixed\n"
        "            ^^^^^^^^^^^"
    ),
    "y = 1e99_": (
        "problem:2: 1e99_ is no number: _ stands between two digits\n    y = 1e99_\n        ^^^^^"
    ),
    "y = f(x\nz = 2": (
        "problem:2: this ( is never closed: write ) where it ends\n    y = f(x\n         ^"
    ),
    "y = x)": ("problem:2: this ) closes nothing\n    y = x)\n         ^"),
    "y = (x]": ("problem:2: this ] closes ( of line 2: write ) first\n    y = (x]\n          ^"),
    "y = x @": (
        "problem:2: something is missing after @; an expression of several lines stands in brackets\n"
        "    y = x @\n"
        "          ^"
    ),
    "y = x @ * c": (
        "problem:2: something is missing between @ and *\n    y = x @ * c\n          ^^^"
    ),
    "y = x\n  + c": (
        "problem:3: this line has no name; if it goes on from the line above, put both in brackets\n"
        "      + c\n"
        "      ^^^"
    ),
    "y = x'": (
        "problem:2: ' is no sign of the language: write W.T for a transpose, prime(g)(z) for a derivative\n"
        "    y = x'\n"
        "         ^"
    ),
    "__class__ = 2": (
        "problem:2: __class__ begins with two underscores: choose another name\n"
        "    __class__ = 2\n"
        "    ^^^^^^^^^"
    ),
    "y = x.__class__": (
        "problem:2: __class__ begins with two underscores: choose another name\n"
        "    y = x.__class__\n"
        "          ^^^^^^^^^"
    ),
    "y = True": ("problem:2: True is no number: write 1\n    y = True\n        ^^^^"),
    "f(x) = 2": ("problem:2: left of = stands one name, as in h = sigmoid(x)\n    f(x) = 2\n    ^"),
    "y = x $ 2": ("problem:2: $ is no sign of the language\n    y = x $ 2\n          ^"),
    "y = x \u200b+ 2": (
        "problem:2: an invisible character (U+200B) stands here: delete it\n"
        "    y = x �+ 2\n"
        "          ^"
    ),
}


@pytest.mark.parametrize("text", MESSAGES)
def test_a_mistake_is_told_with_its_place_and_its_cure(text: str) -> None:
    assert message(NAMES + text) == MESSAGES[text]


@pytest.mark.parametrize("word", sorted(set(WORDS) | {"pi", "prime"}))
def test_a_word_of_the_language_names_nothing_else(word: str) -> None:
    for text in (f"{word}: scalar", f"{word} = 2", f"x: row[{word}]", f"{word}: elementwise"):
        assert f"{word} is a word of the language" in message(text)


@pytest.mark.parametrize(
    ("text", "exact"),
    [("0.1", "1/10"), ("1e-5", "1/100000"), ("3.", "3"), (".5", "1/2"), ("1_000", "1000")],
)
def test_a_number_is_exactly_what_is_written(text: str, exact: str) -> None:
    made = read_expression(text, read(NAMES))
    assert made == Number(SCALAR, Fraction(exact))
    assert made.span == Span(1, 1, 1 + len(text))


def test_names_become_symbols_with_their_roles() -> None:
    source = read(NAMES + "z = x")
    roles = {name: read_expression(name, source) for name in ("x", "z", "n", "pi")}
    assert {name: node.role for name, node in roles.items() if isinstance(node, Symbol)} == (
        {"x": "variable", "z": "definition", "n": "dimension", "pi": "constant"}
    )


@pytest.mark.parametrize(
    ("text", "operation"),
    [
        ("x + x", "+"),
        ("x - 1", "-"),
        ("x * x", "*"),
        ("x / n", "/"),
        ("x ** 2", "**"),
        ("A @ c", "@"),
        ("-x", "negate"),
        ("A.T", "T"),
    ],
)
def test_an_operator_applies_its_room(text: str, operation: str) -> None:
    assert value(text).operation is OPERATORS[operation]


def test_powers_and_signs_bind_as_in_python() -> None:
    negated = value("-x ** 2")
    assert negated.operation is OPERATORS["negate"]
    product = value("A * 2 @ c")
    assert product.operation is OPERATORS["@"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sum(A)", "scalar"),
        ("sum(A, axis=0)", "1×n"),
        ("mean(A, axis=1, keepdims=True)", "m×1"),
        ("norm(A, axis=None)", "scalar"),
        ("c @ x", "n×n"),
        ("x @ c", "scalar"),
        ("c @ s", "n×1"),
        ("ones(m, n + 1)", "m×(n+1)"),
        ("eye(2*n)", "(2*n)×(2*n)"),
        ("where(A > 0, A, x)", "m×n"),
        ('einsum("i,j->ij", x, c)', "n×n"),
        ('2 * einsum("i,j,k->ijk", x, c, x) - einsum("i,j,k->ijk", x, x, x) / s', "n×n×n"),
        ("+x", "1×n"),
    ],
)
def test_a_value_has_the_shape_of_its_room(text: str, expected: str) -> None:
    assert shape(text) == expected


def test_parameters_are_axes_sizes_and_labels() -> None:
    n = Size.named(Dimension(0, "n"))
    assert value("sum(A)").parameters == (None,)
    assert value("sum(A, axis=1)").parameters == (1,)
    assert value("eye(n)").parameters == (n,)
    assert value("eye(n)").operands == ()
    assert value('einsum("ij,jk->ik", A, c)').parameters == ("ij,jk->ik",)


def test_a_declared_function_and_derivatives_of_functions_are_called() -> None:
    assert value("g(x)").operation == Unspecified("g", 0)
    assert value("prime(g)(x)").operation == Unspecified("g", 0, 1)
    assert value("prime(prime(g))(x)").operation == Unspecified("g", 0, 2)
    built_in = value("prime(sigmoid)(x)").operation
    assert isinstance(built_in, Prime)
    assert built_in.base is WORDS["sigmoid"]


def test_a_row_with_a_column_entry_by_entry_is_warned_about() -> None:
    assert read(NAMES + "y = x + c").warnings == (
        "problem:2: warning: this stretches the row x and the column c to a matrix n×n; "
        "transpose one of them if that is not meant\n"
        "    y = x + c\n"
        "        ^^^^^",
    )
    assert read(NAMES + "y = outer(x, c) + c @ x").warnings == ()


@pytest.mark.parametrize(
    ("kind", "along"),
    [
        ("row[n] & onehot", 1),
        ("column[n] & simplex", 0),
        ("matrix[m, n] & onehot", 1),
        ("matrix[m, n] & onehot(axis=0)", 0),
        ("row[n] & positive", None),
    ],
)
def test_entries_sum_to_one_along_the_rows_unless_told(kind: str, along: int | None) -> None:
    assert read(f"y: {kind}").variables["y"].sums_along == along


def test_sizes_are_polynomials_of_names() -> None:
    assert shape("z", "z: matrix[m*n, (H + 1)**2]") == "(m*n)×(2*H+H*H+1)"
    assert shape("z", "z: row[1]") == "scalar"


@pytest.mark.parametrize(
    "text",
    [
        "x: row[n]\r\ny = x + 1\r\n",
        "\ufeffx: row[n]\ny = x + 1",
        "  \n\t# first\n    x: row[n]  # here\n\n    y = x + 1\n",
        "x: row[n]; y = x + 1;",
        "x: row[n]\ny = (x\n  + 1  # more\n)",
        "x: row[n]\ny = x \\\n + 1",
        "x:\trow[n]\ny\t=\tx\t+\u00a01",
    ],
)
def test_line_ends_blanks_comments_and_brackets_are_pythons(text: str) -> None:
    made = read(text).definitions["y"].expression
    assert made == read("x: row[n]; y = x + 1").definitions["y"].expression


def test_columns_count_characters_of_the_original_line() -> None:
    with pytest.raises(ProblemError) as error:
        read("\n    λ: scalar; éé = λ + ζ  # é\n")
    assert (error.value.line, error.value.column) == (2, 25)
    assert str(error.value).endswith(f"    λ: scalar; éé = λ + ζ  # é\n    {' ' * 24}^")


@pytest.mark.parametrize("text", ["", "\n\n", "# only words", ";;"])
def test_an_empty_problem_says_how_to_begin(text: str) -> None:
    assert message(text) == (
        "problem: nothing declared and nothing defined; a problem begins like x: row[n]"
    )


def test_kinds_and_facts_may_be_names() -> None:
    source = read("row: row[n]; lower: scalar; prob = softmax(row) * lower")
    assert isinstance(source, Source)
    assert list(source.definitions) == ["prob"]


def test_an_expression_is_read_over_the_names_of_a_problem() -> None:
    with pytest.raises(ProblemError) as error:
        read_expression("sum(h ** 2) + W1 @ xx", read(NETWORK))
    assert str(error.value) == (
        "expression:1: nothing is called xx; did you mean x?\n"
        "    sum(h ** 2) + W1 @ xx\n"
        "                       ^^"
    )


@pytest.mark.parametrize("text", ["", "a = 2", "s: scalar", "x; x"])
def test_an_expression_is_no_statement(text: str) -> None:
    with pytest.raises(ProblemError):
        read_expression(text, read(NAMES))


def test_a_capital_letter_that_counts_is_a_dimension_and_said_to_be_one() -> None:
    source = read("S: matrix[d, d] & spd\nL = -N / 2 * logdet(S)")
    assert [dimension.name for dimension in source.dimensions] == ["d", "N"]
    assert source.warnings == ("N stands in no shape: it is taken for a dimension, a whole number",)


@pytest.mark.parametrize("text", ["A @ x", "A.T * x", "x + A", "foo / 2", "sum(x) * I"])
def test_any_other_name_that_nothing_declares_is_refused(text: str) -> None:
    with pytest.raises(ProblemError, match="nothing is called"):
        read(f"x: row[n]\ny = {text}")
