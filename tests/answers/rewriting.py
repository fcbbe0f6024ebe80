"""The same value said differently: what a person with the right answer may also write.

A rule takes a part and says what may stand in its place; `shape` gives the rows and columns of a
part. Where a rule needs a side condition on values, numbers decide afterwards.
"""

import ast
from collections.abc import Callable, Iterator

from .trees import (
    LINEAR,
    binary,
    call,
    called,
    divided,
    is_,
    is_number,
    is_transpose,
    minus,
    negative,
    number,
    plus,
    power,
    product,
    same,
    times,
    transposed,
    turned,
)

Shape = Callable[[ast.AST], tuple[int, ...]]
Rule = Callable[[ast.expr, Shape], Iterator[ast.expr]]


def commuted(node: ast.expr, shape: Shape) -> Iterator[ast.expr]:
    """a ∘ b = b ∘ a, and a scalar on either side of a matrix."""
    match node:
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            yield times(b, a)
            if is_(a, ast.Mult):
                yield times(times(a.left, b), a.right)  # type: ignore[attr-defined]
        case ast.BinOp(left=a, op=ast.MatMult(), right=b) if (1, 1) in (shape(a), shape(b)):
            yield product(b, a)


def reordered(node: ast.expr, shape: Shape) -> Iterator[ast.expr]:
    """a + b = b + a; a − b = −b + a = −(b − a)."""
    match node:
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            yield plus(b, a)
        case ast.BinOp(left=a, op=ast.Sub(), right=b):
            yield plus(negative(b), a)
            yield negative(minus(b, a))
        case ast.UnaryOp(operand=ast.BinOp(left=a, op=ast.Sub(), right=b)):
            yield minus(b, a)


def distributed(node: ast.expr, shape: Shape) -> Iterator[ast.expr]:
    """a (b + c) = a b + a c for each of the three products, on either side."""
    match node:
        case ast.BinOp(left=a, op=(ast.Mult() | ast.MatMult()) as op, right=b):
            if is_(b, *LINEAR):
                yield binary(b.op, binary(op, a, b.left), binary(op, a, b.right))  # type: ignore[attr-defined]
            if is_(a, *LINEAR):
                yield binary(a.op, binary(op, a.left, b), binary(op, a.right, b))  # type: ignore[attr-defined]
        case ast.BinOp(left=a, op=ast.Div(), right=b) if is_(a, *LINEAR):
            yield binary(a.op, divided(a.left, b), divided(a.right, b))  # type: ignore[attr-defined]
        case ast.Attribute(value=a) if is_(a, *LINEAR):
            yield binary(a.op, transposed(a.left), transposed(a.right))  # type: ignore[attr-defined]
        case ast.Call(args=[a]) if called(node) in ("sum", "mean", "trace") and is_(a, *LINEAR):
            if shape(a.left) == shape(a.right):  # type: ignore[attr-defined]
                sides = (ast.Call(node.func, [s], node.keywords) for s in (a.left, a.right))  # type: ignore[attr-defined]
                yield binary(a.op, *sides)  # type: ignore[attr-defined]


def factored(node: ast.expr, shape: Shape) -> Iterator[ast.expr]:
    """a b + a c = a (b + c), b a + c a = (b + c) a."""
    if not is_(node, *LINEAR):
        return
    a, b = node.left, node.right  # type: ignore[attr-defined]
    for op in (ast.Mult, ast.MatMult, ast.Div):
        if is_(a, op) and is_(b, op):
            if same(a.right, b.right):
                yield binary(op(), binary(node.op, a.left, b.left), a.right)  # type: ignore[attr-defined]
            if same(a.left, b.left) and op is not ast.Div:
                yield binary(op(), a.left, binary(node.op, a.right, b.right))  # type: ignore[attr-defined]


def transposes(node: ast.expr, shape: Shape) -> Iterator[ast.expr]:
    """(A B)ᵀ = Bᵀ Aᵀ in both directions, inv(A)ᵀ = inv(Aᵀ)."""
    match node:
        case ast.Attribute(value=ast.BinOp(left=a, op=ast.MatMult(), right=b)):
            yield product(turned(b), turned(a))
        case ast.Attribute(value=ast.BinOp(left=a, op=ast.Mult(), right=b)):
            yield times(turned(a), turned(b))
        case ast.Attribute(value=ast.Call(args=[a])) if called(node.value) in ("inv", "pinv"):
            yield call(called(node.value), turned(a))
        case ast.BinOp(left=a, op=ast.MatMult(), right=b) if is_transpose(a) and is_transpose(b):
            yield transposed(product(b.value, a.value))  # type: ignore[attr-defined]
        case ast.BinOp(left=a, op=ast.MatMult(), right=b) if (1, 1) not in (shape(a), shape(b)):
            yield transposed(product(turned(b), turned(a)))


def twice(node: ast.expr, shape: Shape) -> Iterator[ast.expr]:
    """Aᵀᵀ = A."""
    match node:
        case ast.Name() | ast.Call() if shape(node) != (1, 1):
            yield transposed(transposed(node))
        case ast.Attribute(value=ast.Attribute(value=a)):
            yield a


def associated(node: ast.expr, shape: Shape) -> Iterator[ast.expr]:
    """(A B) C = A (B C)."""
    match node:
        case ast.BinOp(
            left=ast.BinOp(left=a, op=ast.MatMult(), right=b), op=ast.MatMult(), right=c
        ):
            if (1, 1) not in (shape(a), shape(b), shape(c)):
                yield product(a, product(b, c))
        case ast.BinOp(left=a, op=ast.MatMult(), right=ast.BinOp(op=ast.MatMult()) as b):
            yield product(product(a, b.left), b.right)
        case ast.BinOp(left=a, op=ast.Mult(), right=ast.BinOp(op=ast.Mult()) as b):
            yield times(times(a, b.left), b.right)


def diagonals(node: ast.expr, shape: Shape) -> Iterator[ast.expr]:
    """A ∘ v, v a row, is A diag(v); v ∘ A, v a column, is diag(v) A."""
    match node:
        case ast.BinOp(left=a, op=ast.Mult(), right=v):
            for matrix, line in ((a, v), (v, a)) if len(shape(a)) == len(shape(v)) == 2 else ():
                (m, n), (p, q) = shape(matrix), shape(line)
                if p == 1 and q == n > 1:
                    yield product(matrix, call("diag", line))
                if q == 1 and p == m > 1:
                    yield product(call("diag", line), matrix)
        case ast.BinOp(left=a, op=ast.MatMult(), right=b):
            if called(a) == "diag":
                yield times(_line(a.args[0], shape, 0), b)  # type: ignore[attr-defined]
            elif called(b) == "diag":
                yield times(a, _line(b.args[0], shape, 1))  # type: ignore[attr-defined]


def _line(v: ast.expr, shape: Shape, axis: int) -> ast.expr:
    """A vector along an axis: 0 down, 1 across."""
    return turned(v) if shape(v)[axis] == 1 else v


def constants(node: ast.expr, shape: Shape) -> Iterator[ast.expr]:
    """x / c = (1 / c) x, c (a b) = a (c b); a number and its fraction."""
    match node:
        case ast.BinOp(left=x, op=ast.Div(), right=c) if shape(c) == (1, 1) != shape(x):
            yield times(divided(number(1), c), x)
            yield times(x, divided(number(1), c))
            if is_(x, ast.MatMult, ast.Mult):
                yield binary(x.op, x.left, divided(x.right, c))  # type: ignore[attr-defined]
                yield binary(x.op, divided(x.left, c), x.right)  # type: ignore[attr-defined]
            if is_number(c):
                yield times(number(1 / c.value), x)  # type: ignore[attr-defined]
        case ast.BinOp(left=ast.BinOp(left=c, op=ast.Mult(), right=x), op=ast.MatMult(), right=y):
            if shape(c) == (1, 1):
                yield times(c, product(x, y))
                yield product(x, times(c, y))
        case ast.BinOp(left=c, op=ast.Mult(), right=x) if is_number(c) and c.value == 2:
            yield plus(x, x)
        case ast.UnaryOp(operand=a) if is_(a, ast.MatMult, ast.Mult):
            yield binary(a.op, negative(a.left), a.right)  # type: ignore[attr-defined]
            yield binary(a.op, a.left, negative(a.right))  # type: ignore[attr-defined]


def powers(node: ast.expr, shape: Shape) -> Iterator[ast.expr]:
    """x² = x ∘ x, 1 − x² = (1 − x)(1 + x), ‖x‖² = Σ x²; a root as a power."""
    match node:
        case ast.BinOp(left=x, op=ast.Pow(), right=ast.Constant(value=2)):
            yield times(x, x)
            if called(x) == "norm" and not x.keywords:  # type: ignore[attr-defined]
                yield call("sum", power(x.args[0], 2))  # type: ignore[attr-defined]
            if called(x) != "norm":
                yield call("square", x)
        case ast.BinOp(
            left=ast.Constant(value=1),
            op=ast.Sub(),
            right=ast.BinOp(left=x, op=ast.Pow(), right=ast.Constant(value=2)),
        ):
            yield times(minus(number(1), x), plus(number(1), x))
        case ast.BinOp(left=x, op=ast.Mult(), right=ast.BinOp(op=ast.Sub()) as one):
            if is_number(one.left) and same(one.right, x):
                yield minus(x, power(x, 2))
        case ast.Call(args=[x]) if called(node) == "sqrt":
            yield power(x, 0.5)


def functions(node: ast.expr, shape: Shape) -> Iterator[ast.expr]:
    """Derivatives and traces by other names."""
    match node:
        case ast.Call(args=[z], keywords=[]):
            match called(node):
                case "step":
                    yield call(
                        "where", ast.Compare(z, [ast.Gt()], [number(0)]), number(1), number(0)
                    )
                case "cos":
                    yield ast.Call(call("prime", ast.Name("sin", ast.Load())), [z], [])
                case "sigmoid":
                    yield divided(number(1), plus(number(1), call("exp", negative(z))))
                    yield minus(number(1), call("sigmoid", negative(z)))
                case "trace" if is_(z, ast.MatMult):
                    yield call("trace", product(z.right, z.left))  # type: ignore[attr-defined]
                    yield call("sum", times(z.left, turned(z.right)))  # type: ignore[attr-defined]
                case "sum" if is_(z, ast.Mult) and shape(z.left) == shape(z.right) != (1, 1):  # type: ignore[attr-defined]
                    yield call("trace", product(turned(z.left), z.right))  # type: ignore[attr-defined]
        case ast.BinOp(left=a, op=ast.MatMult(), right=b) if called(a) == "inv":
            yield call("solve", a.args[0], b)  # type: ignore[attr-defined]
        case ast.BinOp(left=a, op=ast.MatMult(), right=b) if shape(a)[-1] == 1 == shape(b)[0]:
            if shape(a) != (1, 1) != shape(b):
                yield call("outer", a, b)
                yield times(a, b)


def by_facts(node: ast.expr, shape: Shape) -> Iterator[ast.expr]:
    """Sᵀ = S for a symmetric matrix, P Σ y = P for labels: right where the facts make it so."""
    match node:
        case ast.Name() | ast.Call() if len(set(shape(node))) == 1 and shape(node) != (1, 1):
            yield transposed(node)
        case ast.Attribute(value=ast.Name() as a) if len(set(shape(a))) == 1:
            yield a
        case ast.BinOp(left=p, op=ast.Sub(), right=ast.Name() as y) if shape(p) == shape(y):
            if len(shape(y)) == 2 and shape(y) != (1, 1):
                yield minus(times(p, call("sum", y)), y)
                yield minus(times(p, call("sum", y, axis=1)), y)


RULES: tuple[Rule, ...] = (
    commuted,
    reordered,
    distributed,
    factored,
    transposes,
    twice,
    associated,
    diagonals,
    constants,
    powers,
    functions,
    by_facts,
)
