"""The one namespace of a problem, while it is read."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from difflib import get_close_matches

from diagrad.dimensions import Dimension
from diagrad.errors import ProblemError, Span, Unsupported
from diagrad.language.bounds import Bounds
from diagrad.language.source import Declaration, Definition, Source
from diagrad.language.statements import Statement
from diagrad.operations import WORDS
from diagrad.operations.unspecified import Unspecified

KINDS = ("scalar", "row", "column", "matrix", "elementwise")
RESERVED = frozenset(WORDS) | {"prime", "pi"}

SYNONYMS = {
    "ln": "log(…)",
    "transpose": "A.T",
    "dot": "@",
    "matmul": "@",
    "mul": "*",
    "multiply": "*",
    "hadamard": "*",
    "pow": "**",
    "power": "**",
    "tr": "trace(…)",
    "logistic": "sigmoid(…)",
    "identity": "eye(n)",
    "I": "eye(n)",
    "sgn": "sign(…)",
    "heaviside": "step(…)",
    "swish": "silu(…)",
    "norm2": "norm(…)",
    "asin": "arcsin(…)",
    "acos": "arccos(…)",
    "atan": "arctan(…)",
    "fabs": "abs(…)",
    "e": "exp(1)",
    "inverse": "inv(…)",
}
CONCATENATION = ("concat", "concatenate", "hstack", "vstack", "stack", "cat", "block")
CONVOLUTION = ("conv", "conv1d", "conv2d", "convolve", "convolution", "correlate")
LATER = {
    **dict.fromkeys(CONCATENATION, "concatenation"),
    **dict.fromkeys(CONVOLUTION, "convolution"),
    **dict.fromkeys(("one_hot", "embedding", "gather", "take"), "an integer class label"),
    **dict.fromkeys(("reshape", "tensordot", "array", "tensor"), "an array of any dimensions"),
}


class Names:
    """Every name so far, its line, and the statements that introduce names further down."""

    def __init__(self, following: Sequence[Statement] = ()) -> None:
        self.dimensions: dict[str, Dimension] = {}
        self.variables: dict[str, Declaration] = {}
        self.functions: dict[str, Unspecified] = {}
        self.definitions: dict[str, Definition] = {}
        self.lines: dict[str, int] = {}
        self.following: dict[str, Statement] = {}
        self.bounds = Bounds()
        for statement in following:
            if name := statement.introduces:
                self.following.setdefault(name, statement)

    @staticmethod
    def of(source: Source) -> Names:
        """The names of a problem that has been read."""
        names = Names()
        names.dimensions = {dimension.name: dimension for dimension in source.dimensions}
        names.variables, names.functions = source.variables, source.functions
        names.definitions = source.definitions
        for definition in source.definitions.values():
            names.bounds.define(definition.name, definition.expression)
        return names

    @property
    def position(self) -> int:
        return len(self.variables) + len(self.definitions)

    def may_count(self, name: str) -> bool:
        """Whether a name that nothing declares could be a number of things."""
        known = (self.dimensions, self.variables, self.functions, self.definitions, self.following)
        single = len(name) == 1 and name.isascii() and name.isupper()
        return single and name not in SYNONYMS and not any(name in names for names in known)

    def count(self, name: str) -> None:
        self.dimensions[name] = Dimension(len(self.dimensions), name)

    def introduce(self, statement: Statement, node: ast.Name) -> Span:
        """Take a new name. Raises ProblemError where it is reserved or taken."""
        self.check_free(statement, node)
        self.lines[node.id] = statement.page.line(statement.place(node)[0])
        return statement.page.span(*statement.place(node))

    def check_free(self, statement: Statement, node: ast.Name) -> None:
        name = node.id
        if name in RESERVED:
            message = f"{name} is a word of the language: choose another name, such as {name}1"
            raise statement.error(message, node)
        if name in self.dimensions:
            message = (
                f"{name} is already a dimension (line {self.lines[name]}): choose another name"
            )
            raise statement.error(message, node)
        if name in self.lines:
            kind = "defined" if name in self.definitions else "declared"
            message = f"{name} is already {kind} on line {self.lines[name]}: choose another name"
            raise statement.error(message, node)

    def unknown(self, statement: Statement, node: ast.Name, called: bool = False) -> ProblemError:
        """Why a name means nothing here, and the cure."""
        name, later = node.id, self.following.get(node.id)
        if later is not None:
            return statement.error(self._too_early(name, statement, later), node)
        if name in WORDS or name == "prime":
            cure = "prime(g)(z)" if name == "prime" else WORDS[name].example
            return statement.error(f"{name} stands with brackets, as in {cure}", node)
        if called and name in LATER:
            return statement.error(
                f"{name} means {LATER[name]}, which is not supported yet", node, Unsupported
            )
        if name in KINDS:
            message = (
                f"{name} is a kind of variable: a declaration is written with a colon, x: row[n]"
            )
            return statement.error(message, node)
        what = "no function is called" if called else "nothing is called"
        return statement.error(f"{what} {name}{self.suggestion(name, called)}", node)

    def suggestion(self, name: str, called: bool = False) -> str:
        if name in SYNONYMS:
            return f"; write {SYNONYMS[name]}"
        words = [*WORDS, *self.functions, *([] if called else self._values())]
        folded = {word.lower(): word for word in words}
        near = get_close_matches(name, words, 1) or get_close_matches(name.lower(), folded, 1)
        if near:
            return f"; did you mean {folded.get(near[0].lower(), near[0])}?"
        if called:
            return "; declare it as an unspecified function, with " + f"{name}: elementwise"
        return f"; declare it above, as in {name}: row[n]"

    def _values(self) -> list[str]:
        return [*self.variables, *self.definitions, *self.dimensions, "pi"]

    def _too_early(self, name: str, statement: Statement, later: Statement) -> str:
        if later is statement:
            return f"{name} is defined by itself: give the new value another name, such as {name}1"
        if statement.introduces and self._uses(later, statement.introduces):
            return (
                f"{statement.introduces} and {name} (line {later.line}) are defined by each other: "
                "one of them needs a value of its own"
            )
        verb = "defined" if later.tokens[1].text == "=" else "declared"
        return f"{name} is {verb} only on line {later.line}: move that line up, above its first use"

    def _uses(self, statement: Statement, name: str) -> bool:
        """Whether a statement further down depends on a name."""
        seen: set[int] = set()
        stack = [statement]
        while stack:
            current = stack.pop()
            seen.add(id(current))
            words = {token.text for token in current.tokens[1:] if token.kind == "name"}
            if name in words:
                return True
            used = (self.following[word] for word in words if word in self.following)
            stack.extend(s for s in used if id(s) not in seen)
        return False
