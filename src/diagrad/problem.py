"""A problem, and the pipeline from its text to a verified formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from diagrad.derivation import Derivation
from diagrad.engine import signs
from diagrad.errors import ProblemError
from diagrad.evaluate import environment_from, plain, with_definitions
from diagrad.expression import Expression
from diagrad.facts import LABELS
from diagrad.formula import Formula
from diagrad.language import Source, read, read_over
from diagrad.request import Request, Wrt
from diagrad.setting import shapes
from diagrad.show import Names

if TYPE_CHECKING:
    from diagrad.check import FunctionVerdict, Verdict
    from diagrad.compile.asked import Asked
    from diagrad.compile.descent import Descent
    from diagrad.compile.function import Function


def parse(text: str, file: str = "problem") -> Problem:
    """The problem that a text states, in the problem language.

    `file` is the name that errors give. Raises ProblemError with line, column and cure.
    """
    return Problem(read(text, file))


def load(path: str | Path) -> Problem:
    """The problem in a file. Raises OSError, ProblemError for what is no problem in UTF-8."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProblemError(f"{path} is not UTF-8 text: byte {error.start} cannot be read") from None
    return parse(text, Path(path).name)


class Problem:
    """Declared variables, definitions, and all that can be asked of them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.shapes = shapes(source)
        self.names = named(source)

    def __reduce__(self) -> tuple[Any, ...]:
        return parse, (self.source.text, self.source.file)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is legal and probably not meant."""
        return self.source.warnings

    @property
    def last(self) -> str:
        """The last definition. Raises ProblemError where there is none."""
        if not self.source.definitions:
            raise ProblemError(
                "the problem defines nothing to differentiate: add a line like J = …"
            )
        return list(self.source.definitions)[-1]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from diagrad import pages

        return pages.shown_problem(self.source, self.names)

    def default_wrt(self, of: str) -> list[str]:
        """Every declared variable that `of` depends on and that is not a label (onehot, pm1)."""
        needed = self.source.needed(self.expression(of))
        return [
            name
            for name, declaration in self.source.variables.items()
            if name in needed and not declaration.facts & LABELS
        ]

    def expression(self, text: str) -> Expression:
        """An expression over the problem's names. Raises ProblemError.

        A capital letter that stands in it alone, as the N of `-N / 2 * s`, becomes a dimension of
        the problem.
        """
        expression, source = read_over(text, self.source)
        if source is not self.source:
            self.source, self.names = source, named(source)
        return expression

    def formula(self, text: str) -> Formula:
        """An expression over the problem's names, to print and evaluate. Raises ProblemError."""
        return Formula(self.expression(text), self.source, self.names)

    def evaluate(self, /, **arrays: object) -> dict[str, Any]:
        """The forward pass: every definition's value, by name.

        Arrays are NumPy arrays or nested lists in the declared shapes; one-dimensional ones are
        taken for rows or columns as declared. Raises ProblemError for a missing or unknown name and
        for a shape that does not fit.
        """
        pairs = [(name, d.expression) for name, d in self.source.definitions.items()]
        environment = with_definitions(pairs, environment_from(self.source, arrays))
        return {name: plain(environment.arrays[name]) for name in self.source.definitions}

    @overload
    def derive(
        self, of: str, wrt: Wrt, order: int = ..., layout: str = ..., structure: bool = ...
    ) -> Derivation: ...
    @overload
    def derive(
        self, of: str, wrt: list[str], order: int = ..., layout: str = ..., structure: bool = ...
    ) -> list[Derivation]: ...

    def derive(
        self,
        of: str,
        wrt: Wrt | list[str],
        order: int = 1,
        layout: str = "auto",
        structure: bool = False,
    ) -> Derivation | list[Derivation]:
        """The derivative of an expression by a variable or definition, as a verified formula.

        `wrt` is a name, a list of names (a list of derivations comes out), or for order 2 a pair of
        names. Layouts are in `diagrad.layouts`. With `structure` the entries of a variable that is
        declared symmetric, diagonal, lower or upper move together as declared: the derivative by a
        symmetric matrix is G + Gᵀ − G ∘ I. Raises ProblemError for an expression that is not
        right, DerivationError for a request that cannot be met.
        """
        names = wrt if isinstance(wrt, list) else [wrt]
        request = Request(self, of, names, order, layout, structure)
        found = request.derivations()
        return found if isinstance(wrt, list) else found[0]

    def gradient(self, of: str, wrt: str) -> Derivation:
        """The gradient of a scalar, in the shape of the variable."""
        return self.derive(of, wrt, layout="gradient")

    def jacobian(self, of: str, wrt: str, layout: str = "auto") -> Derivation:
        """The Jacobian of a row or column by a row or column; with `layout`, of anything."""
        return self.derive(of, wrt, layout=layout)

    def hessian(self, of: str, wrt: Wrt, layout: str = "auto") -> Derivation:
        """The second derivative of a scalar."""
        return self.derive(of, wrt, order=2, layout=layout)

    def compile(self, outputs: Sequence[Asked], backend: str = "auto") -> Function:
        """A function of the problem's variables that computes several things at once.

        An output is the name of a definition or an expression, `dg.d(of, wrt)`, a derivative, or
        `dg.hvp(of, wrt)`, a Hessian times a vector. Every formula is verified before it is
        compiled. `backend` is "c", "numpy", or "auto": C where a compiler works. The function takes
        arrays in the order of `f.inputs` or by name and returns a tuple; `f.into(outputs, …)`
        writes into given arrays. Raises ProblemError, DerivationError.
        """
        from diagrad.compile import compiled

        return compiled(self, outputs, backend)

    def descent(self, of: str, wrt: Sequence[str], over: str, backend: str = "auto") -> Descent:
        """Gradient descent of a scalar by minibatches: `wrt` are the variables that move, `over` is
        the dimension of the examples, one in each row. An epoch is one call of `Descent.epoch`.
        Raises ProblemError, DerivationError."""
        from diagrad.compile.descent import Descent

        return Descent(self, of, wrt, over, backend)

    def check(
        self,
        of: str,
        wrt: Wrt,
        answer: str,
        order: int = 1,
        layout: str = "auto",
        strict: bool = False,
    ) -> Verdict:
        """Whether an answer, one expression or several lines, is the derivative; and if not, which
        line is wrong first, which mistake it is, and how it is repaired.

        With `strict`, or a layout, another layout is not right. Raises ProblemError for an answer
        that is not in the language, DerivationError for a question that cannot be asked.
        """
        from diagrad.check import check_answer

        return check_answer(self, of, wrt, answer, order, layout, strict)

    def check_function(
        self,
        function: Callable[..., object],
        of: str | None = None,
        wrt: str | Sequence[str] | None = None,
    ) -> FunctionVerdict:
        """Compares the gradients that a function returns with the right ones, at random points:
        see `diagrad.check.check_function`."""
        from diagrad.check import check_function

        return check_function(self, function, of, wrt)


def named(source: Source) -> Names:
    """How the names of a problem print."""
    known = [d.name for d in source.dimensions] + list(shapes(source)) + list(source.functions)
    return Names(known, signs=signs(source))
