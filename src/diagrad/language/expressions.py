"""From syntax trees to typed expressions."""

from __future__ import annotations

import ast
from fractions import Fraction
from typing import TypeVar

from diagrad.dimensions import SCALAR, Shape, is_scalar
from diagrad.errors import ProblemError, Span, Unsupported
from diagrad.expression import Apply, Expression, Number, Symbol
from diagrad.language.bounds import TooLarge
from diagrad.language.misfits import mixed, mixture, written
from diagrad.language.names import KINDS, Names
from diagrad.language.statements import Statement
from diagrad.operations import OPERATORS
from diagrad.operations.room import Operation, ShapeError

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
NOT_A_VALUE: dict[type[ast.expr], str] = {
    ast.Tuple: "one value stands here, not several with commas",
    ast.Compare: "a comparison stands only as the condition of where(condition, A, B)",
}


E = TypeVar("E", bound=Expression)


class ExpressionReader:
    """Reads the expressions of one statement over given names, and collects warnings."""

    def __init__(self, statement: Statement, names: Names) -> None:
        self.statement, self.names = statement, names
        self.warnings: list[str] = []

    def read(self, node: ast.expr) -> Expression:
        """The expression that a node says. Raises ProblemError."""
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name():
                return self._name(node)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return self.apply(OPERATORS["negate"], node, [inner])
            case ast.UnaryOp(op=ast.UAdd(), operand=inner):
                return self.read(inner)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                self._count(op, left, right)
                return self.apply(OPERATORS[BINARY[type(op)]], node, [left, right])
            case ast.Attribute(value=inner, attr="T"):
                return self.apply(OPERATORS["T"], node, [inner])
            case ast.Call():
                from diagrad.language.calls import call

                return call(self, node)
        raise self._not_a_value(node)

    def condition(self, node: ast.expr) -> Expression:
        """The condition of `where`: one comparison."""
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
                return self.apply(OPERATORS[COMPARISONS[type(op)]], node, [left, right])
            case ast.Compare():
                message = "a condition is one comparison: put one where(…) inside another"
                raise self.error(message, node)
        raise self.error("the condition of where is a comparison, such as x > 0", node)

    def apply(
        self,
        operation: Operation,
        node: ast.expr,
        nodes: list[ast.expr],
        parameters: tuple[object, ...] = (),
    ) -> Apply:
        """The operation on what the nodes say, with its shape. Raises ProblemError."""
        condition = operation.takes.condition
        operands = [
            self.condition(operand) if condition and k == 0 else self.read(operand)
            for k, operand in enumerate(nodes)
        ]
        shapes = [operand.shape for operand in operands]
        try:
            shape = self._shape(operation, shapes, parameters)
        except ShapeError as error:
            message = written(str(error), operation, self.statement, nodes, shapes)
            shape = self.misfit(self.error(message, node), operands)
        if mixed(operation, shapes):
            self._warn(node, nodes, shapes, shape)
        made = Apply(shape, operation, tuple(operands), parameters, span=self.span(node))
        return self.noted(made, node)

    def misfit(self, error: ProblemError, operands: list[Expression]) -> Shape:
        """The shape of what does not fit. Raises the error: a problem has no such value."""
        raise error from None

    def _shape(
        self, operation: Operation, shapes: list[Shape], parameters: tuple[object, ...]
    ) -> Shape:
        if all(len(shape) == 2 for shape in shapes):
            return operation.shape(shapes, parameters)
        higher = [shape for shape in shapes if len(shape) > 2]
        name = operation.name
        if name == "negate" or (name in "+-" and shapes[0] == shapes[1]):
            return higher[0]
        multiple = name == "*" or (name == "/" and len(shapes[0]) > 2)
        if multiple and len(higher) == 1 and any(is_scalar(shape) for shape in shapes):
            return higher[0]
        first = shapes.index(higher[0])
        raise ShapeError(
            f"{{{first}}} has {len(higher[0])} axes: such a value is only added, subtracted, "
            "negated and multiplied by a scalar"
        )

    def noted(self, made: E, node: ast.expr) -> E:
        """The same expression, its constants found to be of bounded size. Raises ProblemError."""
        try:
            self.names.bounds.note(made)
        except TooLarge as error:
            raise self.error(str(error), node) from None
        return made

    def _constant(self, node: ast.Constant) -> Expression:
        words = self.statement.words(node)
        if words in ("True", "False", "None"):
            cure = {"True": ": write 1", "False": ": write 0"}.get(words, "")
            raise self.error(f"{words} is no number{cure}", node)
        if words[0] in "\"'":
            message = 'text stands only as labels, like einsum("ij,jk->ik", A, B)'
            raise self.error(message, node)
        return self.noted(Number(SCALAR, Fraction(words), span=self.span(node)), node)

    def _name(self, node: ast.Name) -> Expression:
        name, names = node.id, self.names
        if name in names.functions:
            raise self.error(f"{name} is a function: write {name}(z)", node)
        if name in names.variables:
            shape, role = names.variables[name].shape, "variable"
        elif name in names.definitions:
            shape, role = names.definitions[name].expression.shape, "definition"
        elif name in names.dimensions:
            shape, role = SCALAR, "dimension"
        elif name == "pi":
            shape, role = SCALAR, "constant"
        else:
            raise names.unknown(self.statement, node)
        return self.noted(Symbol(shape, name, role, span=self.span(node)), node)

    def _count(self, op: ast.operator, left: ast.expr, right: ast.expr) -> None:
        """Takes a capital letter that nothing declares for a dimension, where it multiplies or
        divides, as the N of −N/2 log|C| does."""
        if not isinstance(op, ast.Mult | ast.Div):
            return
        for node in (left, right):
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
                node = node.operand
            if isinstance(node, ast.Name) and self.names.may_count(node.id):
                self.names.count(node.id)
                self.warnings.append(
                    f"{node.id} stands in no shape: it is taken for a dimension, a whole number"
                )

    def _not_a_value(self, node: ast.expr) -> ProblemError:
        match node:
            case ast.Subscript(value=ast.Name(id=name)) if name in KINDS:
                message = f"a declaration is written with a colon, as in x: {name}[n]"
                return self.error(message, node)
            case ast.Subscript():
                return self.error(
                    "taking entries or slices is not supported yet", node, Unsupported
                )
            case ast.List():
                message = "arrays written out, and concatenation, are not supported yet"
                return self.error(message, node, Unsupported)
            case ast.Attribute(value=inner, attr=attr):
                return self.error(self._attribute(inner, attr), node)
            case ast.BinOp(op=ast.BitAnd()):
                return self.error(
                    "& joins facts in a declaration; a product is written * or @", node
                )
        return self.error(
            NOT_A_VALUE.get(type(node), "this is no expression of the language"), node
        )

    def _attribute(self, inner: ast.expr, attr: str) -> str:
        words = self.statement.words(inner)
        if attr.lower() in ("t", "h", "mt", "transpose"):
            return f"a transpose is written .T, not .{attr}"
        if words in ("np", "numpy", "torch", "jnp", "math"):
            return f"write {attr} without {words}."
        return f".{attr} means nothing here; the only attribute is .T, the transpose"

    def _warn(
        self, node: ast.expr, nodes: list[ast.expr], shapes: list[Shape], shape: Shape
    ) -> None:
        message = mixture(self.statement, nodes, shapes, shape)
        self.warnings.append(str(self.error(message, node)))

    def error(
        self, message: str, node: ast.expr | ast.keyword, kind: type[ProblemError] = ProblemError
    ) -> ProblemError:
        return self.statement.error(message, node, kind)

    def span(self, node: ast.expr) -> Span:
        return self.statement.page.span(*self.statement.place(node))
