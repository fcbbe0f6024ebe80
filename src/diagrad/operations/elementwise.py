"""Functions applied entry by entry: table rows.

Each row gives f′ as mathematics in x, the entry, and y = f(x); the Jacobian is diagonal because entry i of the value
depends on entry i of the argument alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from diagrad.dimensions import Shape
from diagrad.errors import ProblemError
from diagrad.expression import Apply
from diagrad.index.build import Indexed, Polynomial, as_polynomial, delta, labels, matrix, tensor
from diagrad.index.term import (
    Applied,
    Constant,
    Factor,
    Head,
    Numeral,
    Rational,
    Sum,
    Term,
    as_number,
    constant,
)
from diagrad.operations.room import (
    ATOM,
    COMPARE,
    CHAIN,
    POSTFIX,
    Array,
    Form,
    Operation,
    Takes,
    entry,
    same_axes,
    together,
)

Derivative = Callable[[Polynomial, Polynomial], Any]


class Elementwise(Operation):
    """One function of one argument, entry by entry."""

    takes = Takes(operands=("A",))

    def __init__(
        self,
        name: str,
        derivative: Derivative,
        numpy: Callable[[Array], Array],
        summary: str,
        because: str,
        *,
        source: str = "",
        unicode: str = "",
        latex: str = "",
        facts: Sequence[str] = (),
        at: Mapping[Rational, Rational] | None = None,
        inverse: str = "",
        analytic: bool = True,
        example: str = "",
        idempotent: bool = False,
        formula: Callable[[Any], Any] | None = None,
        recognised: Callable[[Head], Head | None] | None = None,
        joins: Callable[[Applied, Factor, Head], Factor | None] | None = None,
        mirrored: bool = False,
    ) -> None:
        self.name, self.prime, self.numpy = name, derivative, numpy
        self.summary, self.because, self.source = summary, because, source
        self.unicode, self.latex = unicode or name, latex or rf"\operatorname{{{name}}}"
        self.facts = frozenset(facts)
        self.at, self.inverse = dict(at or {}), inverse
        self.analytic = analytic
        self.example = example or f"{name}(A)"
        self.idempotent = idempotent
        self.formula, self.recognised, self.joins = formula, recognised, joins
        self.mirrored = mirrored

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return shapes[0]

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (a,) = operands
        if self.formula is None:
            return Indexed(Applied(self, (a.tensor,), a.tensor.axes), a.row_axes)
        i, j = labels(a.rows), labels(a.columns)
        return matrix(i, j, self.formula(a.tensor[i, j]))

    def derivative(self, head: Applied, argument: int) -> Sum:
        i, j = labels(head.axes), labels(head.axes)
        local = self.prime(head.arguments[0][i], head[i])
        return tensor((i, j), local * delta(i, j))

    def simplified(self, head: Applied) -> Head | None:
        (argument,) = head.arguments
        value = as_number(argument)
        if value is not None and value in self.at:
            return constant(self.at[value], head.axes)
        if isinstance(argument, Applied) and argument.operation.name == self.inverse:
            return argument.arguments[0]
        return self.recognised(argument) if self.recognised else None

    def complement(self, head: Applied) -> Head | None:
        """f(−x), where f is `mirrored`: 1 − f(x) = f(−x)."""
        if not self.mirrored:
            return None
        (argument,) = head.arguments
        i = labels(argument.axes)
        return Applied(self, (tensor(i, -argument[i]),), head.axes)

    def joined(self, head: Applied, other: Factor, argument: Head) -> Factor | None:
        return self.joins(head, other, argument) if self.joins else None

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return self.numpy(arrays[0])

    def form(self, notation: str, node: Apply) -> Form | None:
        printed = {"unicode": self.unicode, "latex": self.latex}.get(notation)
        if printed is None:
            return None
        if "{0}" in printed:
            return Form(printed, POSTFIX, (0,))
        return Form(called(printed, notation), ATOM, (0,))


def called(word: str, notation: str) -> str:
    """Template of a call of one argument by a word that the notation has for the function."""
    argument = r"\left({0}\right)" if notation == "latex" else "({0})"
    return word.replace("{", "{{").replace("}", "}}") + argument


def function(name: str) -> Callable[[Any], Any]:
    """The function of that name, for use in formulas: `cos(x)` of a polynomial or of an array."""

    def apply(x: Any) -> Any:
        if not isinstance(x, Polynomial):
            return BY_NAME[name].numpy(x)
        head, at = x.single()
        return Applied(BY_NAME[name], (head,), head.axes)[at]

    return apply


def pi(x: Any) -> Any:
    """π, as a polynomial beside polynomials and as a number beside arrays."""
    return Constant("pi")[()] if isinstance(x, Polynomial) else math.pi


def root_half(x: Any) -> Any:
    """√½, likewise."""
    return Numeral(2)[()] ** -0.5 if isinstance(x, Polynomial) else math.sqrt(0.5)


def real(a: Array) -> Array:
    """The real part, by which functions with kinks choose their branch."""
    return np.real(a)


def _sigmoid(a: Array) -> Array:
    e = np.exp(np.where(real(a) >= 0, -a, a))
    return np.where(real(a) >= 0, 1 / (1 + e), e / (1 + e))


def _softplus(a: Array) -> Array:
    return np.log1p(np.exp(np.where(real(a) >= 0, -a, a))) + np.where(real(a) >= 0, a, 0)


_erf = np.vectorize(math.erf, otypes=[float])


def _step(a: Array) -> Array:
    return (real(a) > 0).astype(a.dtype)


def _erf_array(a: Array) -> Array:
    return np.asarray(_erf(a)).reshape(a.shape).astype(a.dtype)


exp, log, cos, sin, tanh = (function(n) for n in ("exp", "log", "cos", "sin", "tanh"))
sinh, cosh, sigmoid, step, sign = (function(n) for n in ("sinh", "cosh", "sigmoid", "step", "sign"))
tan, erf = function("tan"), function("erf")


def _passes_relu(head: Applied, other: Factor, argument: Head) -> Factor | None:
    """relu(a)ⁿ step(a) = relu(a)ⁿ for n > 0."""
    relu = isinstance(other.head, Applied) and other.head.operation.name == "relu"
    positive = not isinstance(other.exponent, Head) and other.exponent > 0
    return other if relu and positive and other.head.children == (argument,) else None


def _makes_absolute(head: Applied, other: Factor, argument: Head) -> Factor | None:
    """a sign(a) = |a| and |a| sign(a) = a."""
    if other.exponent != 1:
        return None
    if other.head is argument:
        return other._replace(head=Applied(BY_NAME["abs"], (argument,), head.axes))
    absolute = isinstance(other.head, Applied) and other.head.operation.name == "abs"
    return other._replace(head=argument) if absolute and other.head.children == (argument,) else None


def _softplus_of(argument: Head) -> Head | None:
    """log(1 + exp u) = softplus(u)."""
    if not isinstance(argument, Sum) or len(argument.terms) != 2:
        return None
    one, rest = argument.terms
    exponential = rest.factors[0].head if len(rest.factors) == 1 else None
    if one != Term(1, ()) or rest.coefficient != 1 or rest.bound:
        return None
    if not isinstance(exponential, Applied) or exponential.operation.name != "exp":
        return None
    factor = rest.factors[0]
    if factor.exponent != 1 or factor.labels != tuple(range(len(argument.axes))):
        return None
    return Applied(BY_NAME["softplus"], exponential.arguments, argument.axes)


TABLE: tuple[Elementwise, ...] = (
    Elementwise(
        "sigmoid",
        lambda x, y: y * (1 - y),
        _sigmoid,
        "σ(x) = 1 / (1 + e⁻ˣ).",
        "σ′ = σ(1 − σ), taken at the argument and written in the value",
        unicode="σ",
        latex=r"\sigma",
        facts=["prob"],
        at={0: Fraction(1, 2)},
        mirrored=True,
    ),
    Elementwise(
        "tanh",
        lambda x, y: 1 - y**2,
        np.tanh,
        "The hyperbolic tangent.",
        "tanh′ = 1 − tanh²",
        latex=r"\tanh",
        at={0: 0},
    ),
    Elementwise(
        "exp",
        lambda x, y: y,
        np.exp,
        "eˣ.",
        "the exponential is its own derivative",
        latex=r"\exp",
        facts=["positive"],
        at={0: 1},
        inverse="log",
    ),
    Elementwise(
        "log",
        lambda x, y: x**-1,
        np.log,
        "The natural logarithm.",
        "log′ x = 1/x",
        latex=r"\log",
        at={1: 0},
        inverse="exp",
        recognised=_softplus_of,
        example="log(positive_A)",
    ),
    Elementwise(
        "sqrt",
        lambda x, y: x**-0.5 / 2,
        np.sqrt,
        "The square root.",
        "a power with exponent ½, so √x′ = 1/(2√x)",
        unicode="√({0})",
        latex=r"\sqrt{{{0}}}",
        example="sqrt(positive_A)",
        formula=lambda x: x**0.5,
    ),
    Elementwise(
        "square",
        lambda x, y: 2 * x,
        lambda a: a * a,
        "x².",
        "a power with exponent 2, so (x²)′ = 2x",
        formula=lambda x: x**2,
    ),
    Elementwise(
        "relu",
        lambda x, y: step(x),
        lambda a: np.where(real(a) <= 0, 0, a),
        "max(x, 0); its derivative at 0 is 0.",
        "relu passes the entries that are positive and stops the others",
        facts=["nonneg"],
        at={0: 0},
    ),
    Elementwise(
        "step",
        lambda x, y: 0,
        _step,
        "1 where x > 0, otherwise 0 (also at 0).",
        "a step is constant on both sides of 0; at 0 itself the derivative is taken to be 0",
        facts=["nonneg"],
        at={0: 0},
        idempotent=True,
        joins=_passes_relu,
        unicode="𝟙[{0} > 0]",
        latex=r"\mathbb{{1}}\left[{0} > 0\right]",
    ),
    Elementwise(
        "abs",
        lambda x, y: sign(x),
        lambda a: np.where(real(a) >= 0, a, -a),
        "|x|; its derivative at 0 is 0.",
        "|x|′ = sign x",
        unicode="|{0}|",
        latex=r"\left|{0}\right|",
        facts=["nonneg"],
        at={0: 0},
        analytic=False,
    ),
    Elementwise(
        "sign",
        lambda x, y: 0,
        lambda a: np.sign(real(a)).astype(a.dtype),
        "1, 0 or −1 as x is positive, 0 or negative.",
        "the sign is constant on both sides of 0; at 0 itself the derivative is taken to be 0",
        at={0: 0},
        joins=_makes_absolute,
    ),
    Elementwise(
        "sin", lambda x, y: cos(x), np.sin, "The sine.", "sin′ = cos", latex=r"\sin", at={0: 0}
    ),
    Elementwise(
        "cos", lambda x, y: -sin(x), np.cos, "The cosine.", "cos′ = −sin", latex=r"\cos", at={0: 1}
    ),
    Elementwise(
        "tan",
        lambda x, y: 1 + y**2,
        np.tan,
        "The tangent.",
        "tan′ = 1 + tan²",
        latex=r"\tan",
        at={0: 0},
    ),
    Elementwise(
        "arcsin",
        lambda x, y: (1 - x**2) ** -0.5,
        np.arcsin,
        "The inverse sine, for |x| < 1.",
        "arcsin′ x = 1/√(1 − x²)",
        source="differentiate sin(arcsin x) = x",
        latex=r"\arcsin",
        at={0: 0},
        example="arcsin(prob_A)",
    ),
    Elementwise(
        "arccos",
        lambda x, y: -((1 - x**2) ** -0.5),
        np.arccos,
        "The inverse cosine, for |x| < 1.",
        "arccos′ x = −1/√(1 − x²)",
        source="arccos x = π/2 − arcsin x",
        latex=r"\arccos",
        example="arccos(prob_A)",
    ),
    Elementwise(
        "arctan",
        lambda x, y: (1 + x**2) ** -1,
        np.arctan,
        "The inverse tangent.",
        "arctan′ x = 1/(1 + x²)",
        latex=r"\arctan",
        at={0: 0},
    ),
    Elementwise(
        "sinh",
        lambda x, y: cosh(x),
        np.sinh,
        "The hyperbolic sine.",
        "sinh′ = cosh",
        latex=r"\sinh",
        at={0: 0},
    ),
    Elementwise(
        "cosh",
        lambda x, y: sinh(x),
        np.cosh,
        "The hyperbolic cosine.",
        "cosh′ = sinh",
        latex=r"\cosh",
        facts=["positive"],
        at={0: 1},
    ),
    Elementwise(
        "softplus",
        lambda x, y: sigmoid(x),
        _softplus,
        "log(1 + eˣ), stable for large x.",
        "softplus′ = σ",
        facts=["positive"],
    ),
    Elementwise(
        "gelu",
        lambda x, y: (1 + erf(x * root_half(x))) / 2
        + x * exp(-(x**2) / 2) * (2 * pi(x)) ** -0.5,
        lambda a: a * (1 + _erf_array(a / math.sqrt(2))) / 2,
        "x Φ(x), Φ the standard normal distribution (the exact form, by erf).",
        "gelu′ = Φ + x φ, by the product rule",
        source="Hendrycks and Gimpel, Gaussian error linear units, 2016",
        at={0: 0},
        analytic=False,
    ),
    Elementwise(
        "silu",
        lambda x, y: sigmoid(x) + y * (1 - sigmoid(x)),
        lambda a: a * _sigmoid(a),
        "x σ(x), also called swish.",
        "silu′ = σ + x σ(1 − σ), by the product rule; 1 − σ(x) is also σ(−x)",
        formula=lambda x: x * sigmoid(x),
    ),
    Elementwise(
        "erf",
        lambda x, y: 2 * exp(-(x**2)) * pi(x) ** -0.5,
        _erf_array,
        "The error function.",
        "erf′ x = 2 e^(−x²)/√π",
        source="its definition as an integral",
        at={0: 0},
        analytic=False,
    ),
    Elementwise(
        "log1p",
        lambda x, y: (1 + x) ** -1,
        np.log1p,
        "log(1 + x), accurate for small x.",
        "log1p′ x = 1/(1 + x)",
        at={0: 0},
        example="log1p(positive_A)",
    ),
    Elementwise(
        "expm1",
        lambda x, y: exp(x),
        np.expm1,
        "eˣ − 1, accurate for small x.",
        "expm1′ = exp",
        at={0: 0},
    ),
)


BY_NAME: dict[str, Elementwise] = {row.name: row for row in TABLE}


class Larger(Operation):
    """maximum(A, B); a tie counts for the first."""

    name = "maximum"
    takes = Takes(operands=("A", "B"))
    summary = "The larger of two entries; at a tie the derivative goes to the first."
    example = "maximum(A, B)"
    because = "only the larger of the two moves the result"
    sense = 1

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return together(shapes, "compare")

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        return broadcast_head(self, operands)

    def derivative(self, head: Applied, argument: int) -> Sum:
        i, j = labels(head.axes), labels(head.axes)
        a, b = (argument_[i] for argument_ in head.arguments)
        second = step((b - a) * self.sense)
        return tensor((i, j), (1 - second if argument == 0 else second) * delta(i, j))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        a, b = arrays
        return np.where((self.sense * real(b) > self.sense * real(a)) | np.isnan(b), b, a)

    def form(self, notation: str, node: Apply) -> Form | None:
        if notation == "latex":
            word = r"\max" if self.sense > 0 else r"\min"
            return Form(rf"{word}\left({{0}}, {{1}}\right)", ATOM, (0, 0))
        return None


class Smaller(Larger):
    """minimum(A, B); a tie counts for the first."""

    name = "minimum"
    summary = "The smaller of two entries; at a tie the derivative goes to the first."
    example = "minimum(A, B)"
    because = "only the smaller of the two moves the result"
    sense = -1


class Clip(Operation):
    name = "clip"
    takes = Takes(operands=("A", "low", "high"))
    summary = "The entry, but at least `low` and at most `high`; its derivative at the ends is 0."
    example = "clip(A, -1, 1)"
    because = "clip passes the entries inside and stops the others"

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return together(shapes, "clip")

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        return broadcast_head(self, operands)

    def derivative(self, head: Applied, argument: int) -> Sum:
        i, j = labels(head.axes), labels(head.axes)
        x, low, high = (a[i] for a in head.arguments)
        inside = step(x - low) * step(high - x)
        local = (inside, (1 - step(x - low)) * step(high - low), 1 - step(high - x) * step(high - low))
        return tensor((i, j), local[argument] * delta(i, j))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        x, low, high = arrays
        raised = np.where(real(x) <= real(low), low, x)
        return np.where(real(raised) >= real(high), high, raised)


class Compare(Operation):
    """A comparison, the condition of `where`: 1 where it holds, otherwise 0, and nowhere a derivative."""

    operator = True
    takes = Takes(operands=("A", "B"))
    because = "a condition is constant on both sides of where it changes"

    def __init__(self, name: str, unicode: str, latex: str, test: Callable[[Any, Any], Any]) -> None:
        self.name, self.unicode, self.latex, self.test = name, unicode, latex, test
        self.summary = f"The condition a {unicode} b of a `where`."
        self.example = f"where(A {name} B, A, B)"

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return together(shapes, "compare")

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        return broadcast_head(self, operands)

    def derivative(self, head: Applied, argument: int) -> Sum:
        return constant(0, head.axes + head.axes)

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return np.asarray(self.test(real(arrays[0]), real(arrays[1])))

    def form(self, notation: str, node: Apply) -> Form:
        sign = {"unicode": self.unicode, "latex": self.latex}.get(notation, self.name)
        return Form(f"{{0}} {sign} {{1}}", COMPARE, (COMPARE + 1, COMPARE + 1))


class Where(Operation):
    name = "where"
    takes = Takes(operands=("condition", "A", "B"), condition=True)
    summary = "The entry of A where the condition holds, otherwise that of B."
    example = "where(A > B, A, square(B))"
    because = "where the condition holds only A counts, elsewhere only B"

    def shape(self, shapes: Sequence[Shape], parameters: tuple[Any, ...]) -> Shape:
        return together(shapes, "choose from")

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        return broadcast_head(self, operands)

    def derivative(self, head: Applied, argument: int) -> Sum:
        i, j = labels(head.axes), labels(head.axes)
        if argument == 0:
            return constant(0, head.axes + head.axes)
        chosen = tuple(constant(int(k == argument), head.axes) for k in (1, 2))
        indicator = Applied(self, (head.arguments[0], *chosen), head.axes)
        return tensor((i, j), indicator[i] * delta(i, j))

    def simplified(self, head: Applied) -> Head | None:
        _, first, second = head.arguments
        return first if first is second else None

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        return np.where(arrays[0], arrays[1], arrays[2])


def broadcast_head(operation: Operation, operands: Sequence[Indexed]) -> Indexed:
    """An operation on several operands entry by entry, each stretched to the common axes."""
    rows, columns = same_axes(operands)
    i, j = labels(rows), labels(columns)
    arguments = tuple(tensor((i, j), entry(operand, i, j)) for operand in operands)
    return Indexed(Applied(operation, arguments, rows + columns), len(rows))


class Unspecified(Elementwise):
    """g: elementwise, known by name only; `order` counts how often it was differentiated."""

    def __init__(self, name: str, position: int, order: int = 0) -> None:
        self.user_name, self.position, self.order = name, position, order
        super().__init__(
            name,
            lambda x, y: Applied(self.differentiated(), (x.single()[0],), x.single()[0].axes)[
                x.single()[1]
            ],
            self._unknown,
            f"The function {name} of the problem.",
            f"{name} works entry by entry; its derivative is written {name}′",
        )

    def differentiated(self) -> Unspecified:
        return Unspecified(self.user_name, self.position, self.order + 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unspecified) and (self.user_name, self.position, self.order) == (
            other.user_name,
            other.position,
            other.order,
        )

    def __hash__(self) -> int:
        return hash((self.user_name, self.order))

    @property
    def identity(self) -> tuple[Any, ...]:
        return ("unspecified", self.position, self.order)

    def form(self, notation: str, node: Apply) -> Form:
        if notation == "source":
            return Form("prime(" * self.order + "{name}" + ")" * self.order + "({0})")
        mark = "′" if notation == "unicode" else "'"
        opening, closing = (r"\left(", r"\right)") if notation == "latex" else "()"
        return Form("{name}" + mark * self.order + opening + "{0}" + closing)

    def _unknown(self, a: Array) -> Array:
        raise ProblemError(f"{self.user_name} is an unspecified function: give it a value to evaluate")


class Prime(Elementwise):
    """f′ of a built-in function, as written by `prime(f)`; index notation replaces it by its formula."""

    def __init__(self, base: Elementwise) -> None:
        self.base = base
        super().__init__(
            f"prime({base.name})",
            lambda x, y: 0,
            base.numpy,
            f"The derivative of {base.name}.",
            base.because,
            analytic=base.analytic,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prime) and self.base == other.base

    def __hash__(self) -> int:
        return hash((Prime, self.base))

    def elements(self, operands: Sequence[Indexed], parameters: tuple[Any, ...]) -> Indexed:
        (a,) = operands
        value = Applied(self.base, (a.tensor,), a.tensor.axes)
        i, j = labels(a.rows), labels(a.columns)
        return matrix(i, j, as_polynomial(self.base.prime(a.tensor[i, j], value[i, j])))

    def form(self, notation: str, node: Apply) -> Form | None:
        base, order = self.base, 1
        while isinstance(base, Prime):
            base, order = base.base, order + 1
        word = {"unicode": base.unicode, "latex": base.latex}.get(notation, base.name)
        if "{0}" in word:
            word = base.name if notation == "unicode" else rf"\operatorname{{{base.name}}}"
        mark = "′" if notation == "unicode" else "'"
        return None if notation == "source" else Form(called(word + mark * order, notation), slots=(0,))

    def evaluate(self, arrays: Sequence[Array], node: Apply, sizes: Mapping[str, int]) -> Array:
        (a,) = arrays
        return np.broadcast_to(self.base.prime(a, self.base.numpy(a)), a.shape).astype(a.dtype)


OPERATIONS: tuple[Operation, ...] = (
    *TABLE,
    Larger(),
    Smaller(),
    Clip(),
    Where(),
)
COMPARISONS: tuple[Compare, ...] = (
    Compare(">", ">", ">", np.greater),
    Compare(">=", "≥", r"\ge", np.greater_equal),
    Compare("<", "<", "<", np.less),
    Compare("<=", "≤", r"\le", np.less_equal),
    Compare("==", "=", "=", np.equal),
    Compare("!=", "≠", r"\ne", np.not_equal),
)
