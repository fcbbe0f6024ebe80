"""What the rooms say about a use is true: every formula in it is read back and evaluated."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest
from formula_reader import Reader, uses
from index_numbers import points
from test_rooms import EVERY, example, standard

import diagrad as dg
from diagrad.evaluate import Environment, with_definitions
from diagrad.operations.elementwise import Elementwise
from diagrad.operations.functions import TABLE
from diagrad.operations.room import Use


def defined(problem: dg.Problem) -> Iterator[Use]:
    for name, definition in problem.source.definitions.items():
        yield from uses(problem, definition.expression, name)


def of(text: str, variable: str, value: str = "") -> Use:
    """The use by which the operand called `variable` enters the value, the last definition."""
    problem = dg.parse(text)
    value = value or problem.names.shown(problem.last, "unicode")
    return next(use for use in defined(problem) if (use.variable, use.value) == (variable, value))


def sentences(use: Use) -> set[str]:
    """What the room says of a use, by Jacobians and by differentials."""
    return {use.node.operation.says(use), use.node.operation.moves(use)}


def says(text: str, variable: str, value: str = "") -> str:
    use = of(text, variable, value)
    return use.node.operation.says(use)


def environments(problem: dg.Problem, count: int = 2) -> list[Environment]:
    pairs = [(name, d.expression) for name, d in problem.source.definitions.items()]
    drawn = [environment for environment, _ in zip(points(problem), range(count), strict=False)]
    return [with_definitions(pairs, environment) for environment in drawn]


# What an equality sign may say besides: a side condition, a name, the rule of a function.
NO_CLAIM = re.compile(r"(where [^,;]*|(with|and) \w|is 1 for [ijkl]|′( \S+)?|√\S+\)′|\|′)$")
# Rows, columns, matrices and scalars in every room, the value with a name.
CORPUS = """
x: row[n]; y: row[n]; c: column[m]; d: column[m]; s: scalar & positive; t: scalar
W: matrix[n, k]; A: matrix[m, n]; B: matrix[m, n]; S: matrix[n, n]; U: matrix[k, m]
p: row[n] & prob; q: column[m] & prob; Q: matrix[m, n] & prob; z_1: row[n]
"""
PAIRS = ["x y", "c d", "A B", "A x", "x A", "A c", "c A", "A s", "s A", "x s", "s x", "c s", "x c"]
PAIRS += ["s t", "x x", "A A", "p y", "z_1 y", "Q p", "p Q", "Q q", "q Q", "p s", "s p"]
SINGLE = ["x", "c", "A", "s", "p", "Q", "z_1"]
OF_TWO = ["{} + {}", "{} - {}", "{} * {}", "{} / {}", "exp({}) ** {}", "outer({}, {})"]
OF_TWO += ["mse({}, {})", "softmax_cross_entropy({}, {})", "maximum({}, {})", "minimum({}, {})"]
OF_TWO += ["cross_entropy({}, exp({}))", "clip({}, {}, 2)", "where({0} > {1}, {0}, {1})"]
OF_ONE = ["sum({})", "mean({})", "norm({})", "norm1({})", "softmax({})", "log_softmax({})"]
OF_ONE += ["logsumexp({})", "{}.T", "trace({})", "diag({})", "diagonal({})", "3 * {}", "{} / 3"]
OF_ONE += ["{} ** 2", "{} ** -1", "{} ** 3", "exp({}) ** t", "exp({}) ** 0.5", "1 / {}", "-{}"]
OF_ONE += ["7 - {}", "tanh({})", "sigmoid({} + 1)", "prime(tanh)({})", "exp({})"]
OF_AXIS = ["sum", "mean", "norm", "norm1", "softmax", "log_softmax", "logsumexp"]
PRODUCTS = ["x @ W", "x @ S.T", "A @ W", "W.T @ A.T", "A @ A.T", "S @ S", "U @ c", "A.T @ c"]
PRODUCTS += ["c @ x", "c @ c.T", "x.T @ c.T", "x @ y.T", "c.T @ d", "c.T @ c", "s * x @ S"]
PRODUCTS += ["s @ x", "x @ s", "s @ t", "(x - y) @ W", "(A + B) @ (W - 1)", "x @ (S + S.T)"]
PRODUCTS += ["x @ S @ x.T", "trace(S)", "trace(A @ B.T)", "diag(x)", "diag(c)", "diagonal(S)"]
PRODUCTS += ["diagonal(S @ S)", "-A @ W", "x @ W / 2", "A @ W / sqrt(m)", "-(A @ W)", "(3 * A).T"]
SUMS = ["ij,jk->ik", "ij,ij->ij", "ij,ij->", "ij,jk->ki"]
EINSUMS = [f'einsum("{s}", A, {"W" if "k" in s else "B"})' for s in SUMS]
EINSUMS += ['einsum("i,j->ij", x, c)', 'einsum("ij,j->i", A, x)', 'einsum("ii->", S)']
EINSUMS += ['einsum("ij->j", A)', 'einsum("i,i->", x, x)', 'einsum("zj,jk->zk", A, W)']


def expressions() -> Iterator[tuple[dg.Problem, str]]:
    problem = dg.parse(CORPUS)
    texts = [f.format(*pair.split()) for f in OF_TWO for pair in PAIRS]
    texts += [f.format(name) for f in OF_ONE for name in SINGLE] + PRODUCTS + EINSUMS
    texts += [f"{f}({name}, axis={k})" for f in OF_AXIS for name in "xcAs" for k in (0, 1)]
    for text in texts:
        with warnings.catch_warnings(), suppress(dg.ProblemError):
            warnings.simplefilter("ignore")
            problem.expression(text)
            yield problem, text
    yield from ((standard(), room.example) for room in EVERY)


ALL = list(expressions())


@pytest.mark.parametrize(("problem", "text"), ALL, ids=[text for _, text in ALL])
def test_every_formula_in_a_reason_is_true(problem, text):
    found = list(uses(problem, problem.expression(text), "V"))
    for use in [*found, *(use._replace(gradient=False) for use in found)]:
        for said in sentences(use):
            sentence = said.replace("A = B", "A equal to B")
            for environment in environments(problem):
                read = Reader(use, environment, sentence).equations()
                for sign in re.finditer(" = ", sentence):
                    claim = not NO_CLAIM.search(sentence[: sign.start()])
                    assert sign.start() in read or not claim, sentence


RECOGNISED = """
S: matrix[n, m] & prob; V: matrix[m, p]; G: matrix[n, p]
A = softmax(S)
O = A @ V
J = sum(G * O)
"""


def test_a_sum_that_is_recognised_is_equal_on_both_sides():
    problem = dg.parse(RECOGNISED)
    because = problem.derive("J", "S").steps[-1].because
    sentence = because.rpartition("; ")[2]
    assert sentence == "Σⱼₖ Vⱼₖ Gᵢₖ Aᵢⱼ = Σₖ Gᵢₖ Oᵢₖ, since O = A V"
    use = of(RECOGNISED, "S", "A")
    for environment in environments(problem):
        reader = Reader(use, environment, sentence)
        reader.known |= {name: environment.arrays[name] for name in "GVAO"}
        assert sentence.index(" = ") in reader.equations()


@pytest.mark.parametrize("label", ["row[Dy]", "column[Dy]"])
def test_a_product_with_a_jacobian_of_several_terms_is_true_term_by_term(label):
    z = "h @ W" if label.startswith("row") else "W.T @ h.T"
    problem = dg.parse(
        f"h: row[H]; W: matrix[H, Dy]; y: {label}\np = softmax({z})\nJ = -sum(y * log(p))\n"
    )
    derivation = problem.derive("J", "h")
    account = derivation.telling.last
    arrays = {"h": np.ones((1, 4)), "W": np.arange(12.0).reshape(4, 3) / 9, "y": np.ones((1, 3))}
    arrays["y"] = arrays["y"] if label.startswith("row") else arrays["y"].T
    pairs = account.routes["jacobian"].products(account.sweep.nodes["z"])
    assert len(pairs) == 2
    for product, outcome in pairs:
        sides = [f.evaluate(**needed(f, arrays)) for f in (product, outcome)]
        np.testing.assert_allclose(*sides, rtol=1e-9)


def needed(formula, arrays):
    names = formula._problem.needed(formula.expression)
    return {name: array for name, array in arrays.items() if name in names}


def test_a_wrong_formula_is_found_out():
    use = of(NETWORK, "z₂")
    right = use.node.operation.says(use)
    wrong = right.replace("= ŷᵢ(", "= ŷⱼ(")
    for environment in environments(dg.parse(NETWORK)):
        assert Reader(use, environment, right).equations()
        with pytest.raises(AssertionError):
            Reader(use, environment, wrong).equations()


def test_a_wrong_differential_is_found_out():
    use = of(NETWORK, "z₂")
    right = use.node.operation.moves(use)
    wrong = right.replace("Σₖ ŷₖ", "Σₖ ŷᵢ")
    for environment in environments(dg.parse(NETWORK)):
        assert Reader(use, environment, right).equations()
        with pytest.raises(AssertionError):
            Reader(use, environment, wrong).equations()


@pytest.mark.parametrize("room", TABLE, ids=[room.name for room in TABLE])
def test_the_rule_of_a_function_is_its_derivative(room):
    """Read at x = 0.3, the function's own name and that of others standing for their values."""
    x, h = np.array([[0.3]]), 1e-6
    (use,) = uses(SCALARS, SCALARS.expression(f"{room.name}(x)"), "V")
    _, equal, rule = room.formula_of_prime.rpartition(" = ")
    reader = Reader(use, next(points(SCALARS)), rule)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    values = {row.word: row.numpy(x) for row in TABLE if row.name not in ("log", "sign")}
    named = values | {f"{word}(x)": value for word, value in values.items()}
    named |= {"x": x, "π": np.array([[np.pi]]), "e": np.array([[np.e]])}
    reader.known = named | {"φ(x)": density, "Φ(x)": (1 + room_of("erf").numpy(x / 2**0.5)) / 2}
    slope = (room.numpy(x + h) - room.numpy(x - h)) / (2 * h)
    if equal:
        assert reader.sum(0)[0] == pytest.approx(slope.item(), rel=1e-6)
    else:
        assert room.name in ("relu", "step", "sign")


def room_of(name: str) -> Elementwise:
    return next(row for row in TABLE if row.name == name)


SCALARS = dg.parse("x: scalar & prob")
NETWORK = """
x: row[Dx]; W1: matrix[Dx, H]; b1: row[H]; W2: matrix[H, Dy]; b2: row[Dy]; y: row[Dy] & onehot
z1 = x @ W1 + b1
h = sigmoid(z1)
z2 = h @ W2 + b2
yhat = softmax(z2)
"""
BATCH = """
X: matrix[N, Dx]; W1: matrix[Dx, H]; b1: row[H]; W2: matrix[H, Dy]; Y: matrix[N, Dy] & onehot
Z1 = X @ W1 + b1
H1 = tanh(Z1)
Z2 = H1 @ W2
P = softmax(Z2)
"""
COLUMNS = """
x: column[Dx]; W: matrix[H, Dx]; a: column[H]; s: scalar
z = W @ x
h = relu(z)
p = softmax(z)
"""
GOLDEN = """
row: z = h @ W2 by h
    zⱼ contains the term hᵢ (W₂)ᵢⱼ: ∂zⱼ/∂hᵢ = (W₂)ᵢⱼ, as a matrix (row j, column i) W₂ᵀ
row: z = x @ W1 by W₁
    (W₁)ᵢⱼ reaches zⱼ alone: ∂zⱼ/∂(W₁)ᵢⱼ = xᵢ, so ∂J/∂(W₁)ᵢⱼ = xᵢ · ∂J/∂zⱼ, a column times a
    row, the outer product xᵀ ∂J/∂z
row: a = sigmoid(z1) by z₁
    σ works entry by entry: aᵢ depends on (z₁)ᵢ alone, so ∂a/∂z₁ is a diagonal H×H matrix;
    multiplying a row by it scales the entries one by one, which is the elementwise product ∘;
    σ′ = σ(1 − σ), taken at z₁ and written in a
row: - by z₂
    every entry of z₂ moves every entry of ŷ, because they share s = Σₖ exp((z₂)ₖ);
    quotient rule: ∂ŷᵢ/∂(z₂)ⱼ = δᵢⱼ exp((z₂)ᵢ)/s − exp((z₂)ᵢ) exp((z₂)ⱼ)/s² = ŷᵢ(δᵢⱼ − ŷⱼ),
    so the Jacobian diag(ŷ) − ŷᵀ ŷ is not diagonal
row: u = z1 + b1 by b₁
    (nothing)
row: d = yhat - y by y
    y enters with the factor −1
row: J = cross_entropy(y, yhat) by ŷ
    J = −Σᵢ yᵢ log ŷᵢ, so ∂J/∂ŷᵢ = −yᵢ/ŷᵢ
row: J = softmax_cross_entropy(y, z2) by z₂
    J = −Σᵢ yᵢ log pᵢ with p = softmax(z₂), so ∂J/∂(z₂)ᵢ = pᵢ (Σₖ yₖ) − yᵢ; where Σₖ yₖ = 1,
    as in a one-hot label, this is pᵢ − yᵢ
row: u = h * z1 by h
    hᵢ reaches uᵢ alone: ∂uᵢ/∂hᵢ = (z₁)ᵢ, so the Jacobian is diag(z₁) and multiplies entry
    by entry
row: m = mean(h) by h
    each entry of h enters the mean with the weight 1/H, so each gets the same derivative:
    ∂m/∂hᵢ = 1/H
row: l = norm(x) by x
    l = √(Σᵢ xᵢ²), so ∂l/∂xᵢ = xᵢ/l; where l = 0 there is no derivative
column: u = W @ x by x
    uᵢ contains the term Wᵢⱼ xⱼ: ∂uᵢ/∂xⱼ = Wᵢⱼ, so ∂J/∂xⱼ = Σᵢ ∂J/∂uᵢ · Wᵢⱼ, the column
    Wᵀ ∂J/∂u
column: u = W @ x by W
    Wᵢⱼ reaches uᵢ alone: ∂uᵢ/∂Wᵢⱼ = xⱼ, so ∂J/∂Wᵢⱼ = ∂J/∂uᵢ · xⱼ, a column times a row, the
    outer product (∂J/∂u) xᵀ
column: v = relu(z) by z
    relu works entry by entry: vᵢ depends on zᵢ alone, so ∂v/∂z is a diagonal H×H matrix;
    multiplying a column by it scales the entries one by one, which is the elementwise product ∘;
    relu′ is 1 for positive entries and 0 for the others, also at 0 by convention
column: - by z
    every entry of z moves every entry of p, because they share c = Σₖ exp(zₖ); quotient rule:
    ∂pᵢ/∂zⱼ = δᵢⱼ exp(zᵢ)/c − exp(zᵢ) exp(zⱼ)/c² = pᵢ(δᵢⱼ − pⱼ), so the Jacobian
    diag(p) − p pᵀ is not diagonal
column: J = a.T @ h by h
    the product is the sum Σᵢ aᵢ hᵢ, so ∂J/∂hᵢ = aᵢ: as a column, like h, this is a
column: u = s * x by s
    s reaches every entry, so ∂J/∂s = Σᵢ ∂J/∂uᵢ · xᵢ
column: u = s * x by x
    s multiplies every entry: it stays as a factor
column: u = 2 * x by x
    (nothing)
column: u = -x by x
    (nothing)
batch: Z = X @ W1 by X
    a change dX changes Z by dX W₁, and J by ⟨∂J/∂Z, dX W₁⟩ = Σᵢⱼₖ ∂J/∂Zᵢⱼ · dXᵢₖ (W₁)ₖⱼ =
    ⟨(∂J/∂Z) W₁ᵀ, dX⟩: what stands beside dX is ∂J/∂X
batch: Z = X @ W1 by W₁
    a change dW₁ changes Z by X dW₁, and J by ⟨∂J/∂Z, X dW₁⟩ = Σᵢⱼₖ ∂J/∂Zᵢⱼ · Xᵢₖ (dW₁)ₖⱼ =
    ⟨Xᵀ ∂J/∂Z, dW₁⟩: what stands beside dW₁ is ∂J/∂W₁
batch: Z = X @ W1 + b1 by b₁
    b₁ is added to each of the N rows, so all N rows send their gradient to the same b₁:
    they are summed
batch: A = tanh(Z1) by Z₁
    tanh works entry by entry: Aᵢⱼ depends on (Z₁)ᵢⱼ alone, so each entry of ∂J/∂A is
    multiplied by its own tanh′: the elementwise product ∘; tanh′ = 1 − tanh², taken at Z₁
    and written in A
batch: - by Z₂
    within row i every entry of Z₂ moves every entry of P, because they share
    s = Σₗ exp((Z₂)ᵢₗ); quotient rule: ∂Pᵢⱼ/∂(Z₂)ᵢₖ = δⱼₖ exp((Z₂)ᵢⱼ)/s −
    exp((Z₂)ᵢⱼ) exp((Z₂)ᵢₖ)/s² = Pᵢⱼ(δⱼₖ − Pᵢₖ);
    summed up, ∂J/∂(Z₂)ᵢₖ = Pᵢₖ(∂J/∂Pᵢₖ − Σⱼ ∂J/∂Pᵢⱼ · Pᵢⱼ)
batch: s = sum(Z1, axis=0) by Z₁
    every entry of column j enters sⱼ once: ∂J/∂(Z₁)ᵢⱼ = ∂J/∂sⱼ, the same in all N rows
column: u = maximum(x, 0) by x
    the entries of u are those of x where x ≥ 0: there ∂J/∂u goes on, elsewhere 0
column: u = minimum(s, x) by s
    the entries of u are those of s where s ≤ x: there ∂J/∂u goes on, elsewhere 0, summed
    because s is stretched
column: u = clip(s, -1, 1) by s
    u is s where −1 < s < 1: there the derivative is 1, elsewhere 0
column: u = where(x > 0, x, s) by s
    the entries of u are those of s where x > 0 does not hold: there ∂J/∂u goes on, elsewhere 0,
    summed because s is stretched
batch: K = Z1 * b1 by b₁
    (b₁)ⱼ reaches all of column j, so ∂J/∂(b₁)ⱼ = Σᵢ ∂J/∂Kᵢⱼ · (Z₁)ᵢⱼ
"""
CASE = re.compile(r"^(\w+): (.*) by (.*)\n((?:    .*\n)+)", re.M)
CASES = [(*found, " ".join(said.split())) for *found, said in CASE.findall(GOLDEN)]
PROBLEMS = {"row": NETWORK, "column": COLUMNS, "batch": BATCH}


@pytest.mark.parametrize(("problem", "line", "variable", "sentence"), CASES)
def test_what_a_tutor_says(problem, line, variable, sentence):
    said = says(PROBLEMS[problem] + line.strip("-"), variable)
    assert (said or "(nothing)") == sentence


def test_every_case_is_read():
    assert len(CASES) == len(re.findall(r"^\w", GOLDEN, re.M))


def test_a_function_without_a_formula_keeps_its_prime():
    text = "g: elementwise; t: scalar; u = g(t); v = prime(g)(t)"
    assert says(text, "t", "u") == "g is known by name only, so the derivative of g is written g′"
    assert "the derivative of g′ is written g′′" in says(text, "t", "v")


RULES = """
matrix product: A @ W, x @ W, A.T @ c; inner product: x @ y.T; outer product: c @ x, outer(x, y)
scalar multiple: s @ t, s @ x; elementwise function: tanh(A), prime(tanh)(A); softmax: softmax(A)
sum: sum(A); mean: mean(A); product rule: A * B, s * A; constant factor: 2 * A, A / 2, -A
quotient rule: A / B; power rule: A ** 2; exponential rule: 2 ** A; transpose: A.T; norm: norm(A)
broadcasting: x + A, A - s; sum rule: A + B, A - B; trace: trace(S); diagonal: diagonal(S)
mean squared error: mse(A, B); cross-entropy: cross_entropy(A, Q)
case distinction: where(x > y, x, y)
"""
NAMED = [
    (text.strip(), rule.strip())
    for group in re.split(r"[;\n]", RULES.strip())
    for rule, texts in [group.split(":")]
    for text in re.split(r", (?![^(]*\))", texts)
]


@pytest.mark.parametrize(("text", "rule"), NAMED)
def test_a_rule_has_the_name_of_the_field(text, rule):
    problem = dg.parse(CORPUS)
    named = {u.node.operation.rule_of(u) for u in uses(problem, problem.expression(text), "V")}
    assert rule in named


@pytest.mark.parametrize("room", EVERY, ids=[room.name for room in EVERY])
def test_a_room_speaks_in_clauses(room):
    """Of the operands of the use alone, in its shapes; a clause has no full stop."""
    for use in uses(standard(), example(room), "V"):
        for sentence in sentences(use):
            assert not set("{}") & set(sentence)
            assert not sentence.endswith(".") and sentence == sentence.strip()
            assert len(sentence) <= 300 and use.node.operation.rule_of(use)
            spoken = " ".join((*use.operands, use.value, use.incoming))
            for name in standard().source.variables:
                shown = standard().formula(name).unicode()
                pattern = rf"(?<!\w){re.escape(shown)}(?![\w])"
                if len(shown) > 1 and re.search(pattern, sentence):
                    assert shown in spoken, sentence
            sizes = {"×".join(map(use.size, part.shape)) for part in (use.node, *use.node.operands)}
            sizes |= {f"{use.size(n)}×{use.size(n)}" for n in use.node.shape}
            assert set(re.findall(r"\w+×\w+", sentence)) <= sizes


def because(text: str, wrt: str, route: str = "jacobian") -> str:
    problem = dg.parse(text)
    steps = problem.derive(problem.last, wrt).told(route)
    lines = [line for step in steps for line in step.substeps if line.target == step.target]
    return "; ".join(part.because for part in (*steps, *lines))


def test_only_what_stands_transposed_is_called_so():
    text = "X: matrix[m, n]; A: matrix[m, m]; B: matrix[n, n]\nf = trace(B @ X.T @ A @ X)\n"
    said = because(text, "X", "elements")
    assert "the second index of A and the first index of X: a product;" in said
    assert "the first index of A and the first index of X: a product with A transposed" in said


def test_a_vector_is_not_summed_where_it_is_differentiated_itself():
    said = because("x: column[n]\ns = norm(x)\ny = x / s\n", "x")
    assert "s reaches every entry: ∂yᵢ/∂s = −xᵢ/s²" in said


@pytest.mark.parametrize("route", ["jacobian", "differential"])
def test_a_squared_norm_has_a_derivative_everywhere(route):
    said = because("R: matrix[m, n]\ns = norm(R)\nf = s ** 2\n", "R", route)
    assert "there is no derivative" not in said
    assert "s cancels" in said
    assert "there is no derivative" in because("R: matrix[m, n]\nf = 3 * norm(R)\n", "R", route)


def test_a_vector_beside_a_matrix_is_told_by_its_sum():
    text = "Z: matrix[N, D]; G: matrix[N, D]; b: row[D]\nJ = sum(G * (Z * b + b))\n"
    assert "bᵢ reaches all of column i: ∂J/∂bᵢ = Σⱼ " in because(text, "b")


def test_a_product_that_facts_make_short_is_multiplied_out_first():
    text = "z: row[K]\np = softmax(z)\nH = -sum(p * log(p))\n"
    said = because(text, "z")
    assert said.endswith("written with H = −∑(p ∘ log(p)); p is a softmax, so Σₖ pₖ = 1")
    assert "only one term" not in because("a: row[n]\nc = sum(a) / norm(a)\n", "a")
