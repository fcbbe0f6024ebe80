"""Mistakes in one place of an answer: transposes, orders, products, signs, constants, sums.

A rule takes a part and gives what a person writes there by mistake, with the kinds of MISTAKES
that this deserves to be called.
"""

import ast
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .setting import Setting
from .trees import (
    LINEAR,
    Place,
    binary,
    call,
    called,
    divided,
    is_,
    is_number,
    is_transpose,
    minus,
    names_in,
    negative,
    number,
    plus,
    power,
    product,
    times,
    transposed,
    with_axis,
)


class Slip(NamedTuple):
    """What was done, the kinds it may be named, and what stands there now."""

    what: str
    kinds: str
    new: ast.expr


Slips = Iterator[Slip]
Rule = Callable[[ast.expr, Place, Setting], Slips]


def transpose(node: ast.expr, place: Place, s: Setting) -> Slips:
    if is_transpose(node):
        inner = node.value  # type: ignore[attr-defined]
        if not s.scalar(inner):
            yield Slip("transpose dropped", "transpose" + special(inner, s), inner)
        return
    named = isinstance(node, ast.Name) or bool(called(node))
    if named and not s.scalar(node) and place[-1:] != ("value",):
        yield Slip("transpose added", "transpose" + special(node, s), transposed(node))


def special(node: ast.expr, s: Setting) -> str:
    """A square matrix without its transpose is as a symmetric one would allow."""
    return " special-case" if s.square(node) else ""


def order(node: ast.expr, place: Place, s: Setting) -> Slips:
    rule = " scalar-rule" if s.inverts else ""
    match node:
        case ast.BinOp(left=a, op=ast.MatMult(), right=b) if not (s.scalar(a) or s.scalar(b)):
            rule += " transpose special-case" * (s.symmetric(a) and s.symmetric(b))
            yield Slip("factors swapped", "factor-order" + rule, product(b, a))
            if is_(a, ast.MatMult) and not s.scalar(a.right):  # type: ignore[attr-defined]
                swapped = product(product(a.left, b), a.right)  # type: ignore[attr-defined]
                yield Slip("factors swapped", "factor-order" + rule, swapped)
        case ast.Attribute(value=ast.BinOp(left=a, op=ast.MatMult(), right=b)):
            new = product(transposed(a), transposed(b))
            yield Slip("(A B)ᵀ = Aᵀ Bᵀ", "factor-order transpose" + rule, new)


def products(node: ast.expr, place: Place, s: Setting) -> Slips:
    """One product for the other; under a sum, xᵀ y is the sum of x ∘ y, so a transpose or the order
    repairs it as well."""
    summed = " transpose factor-order" * s.is_under(place, "sum")
    match node:
        case ast.BinOp(left=a, op=ast.Mult(), right=b) if not (s.scalar(a) or s.scalar(b)):
            kinds = "hadamard-matmul" + summed
            yield Slip("@ for *", kinds, product(a, b))
            yield Slip("@ .T for *", kinds, product(a, transposed(b)))
        case ast.BinOp(left=a, op=ast.MatMult(), right=b) if not (s.scalar(a) or s.scalar(b)):
            yield Slip("* for @", "hadamard-matmul unreduced" + summed, times(a, b))


def sign(node: ast.expr, place: Place, s: Setting) -> Slips:
    if not place:
        yield Slip("sign", "sign", negative(node))
    match node:
        case ast.UnaryOp(operand=a):
            yield Slip("minus dropped", "sign" + penalty(a, s), a)
        case ast.BinOp(left=a, op=ast.Sub(), right=b):
            yield Slip("plus for minus", "sign" + penalty(b, s), plus(a, b))
            yield Slip("difference turned", "sign", minus(b, a))
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            yield Slip("minus for plus", "sign" + penalty(b, s), minus(a, b))
            yield Slip("minus for plus", "sign" + penalty(a, s), minus(b, a))
        case ast.Call(func=f, args=[z], keywords=[]) if called(node) in ("sigmoid", "exp"):
            flipped = z.operand if isinstance(z, ast.UnaryOp) else negative(z)
            kinds = "sign wrong-point forward missing-link other"
            yield Slip("sign inside", kinds, ast.Call(f, [flipped], []))


def penalty(term: ast.AST, s: Setting) -> str:
    return " regularisation" if s.is_penalty(term) else ""


def constant(node: ast.expr, place: Place, s: Setting) -> Slips:
    if not place:
        yield Slip("doubled", "constant-factor", times(number(2), node))
        yield Slip("halved", "constant-factor one-occurrence", divided(node, number(2)))
    match node:
        case ast.BinOp(left=a, op=ast.Mult() | ast.MatMult(), right=b):
            if is_number(a) or is_number(b):
                c, x = (a, b) if is_number(a) else (b, a)
                once = " one-occurrence" if c.value in (2, 3, 4) else ""  # type: ignore[attr-defined]
                yield Slip("constant dropped", "constant-factor" + once + penalty(node, s), x)
                doubled = times(number(2 * c.value), x)  # type: ignore[attr-defined]
                yield Slip("constant doubled", "constant-factor" + penalty(node, s), doubled)
        case ast.BinOp(left=x, op=ast.Div(), right=c) if is_number(c):
            yield Slip("constant dropped", "constant-factor" + penalty(node, s), x)
            doubled = divided(x, number(2 * c.value))  # type: ignore[attr-defined]
            yield Slip("constant doubled", "constant-factor" + penalty(node, s), doubled)
        case ast.BinOp(left=x, op=ast.Pow(), right=ast.Constant(value=e)) if e in (2, 3):
            kinds = "other wrong-quantity missing-link extra-derivative"
            kinds += " constant-factor" if s.scalar(x) else ""
            kinds += " batch-factor" if names_in(x) & s.dimensions else ""
            yield Slip("exponent", kinds, x if e == 2 else power(x, 2))
            yield Slip("exponent", kinds, power(x, e + 1))
        case ast.BinOp(left=a, op=op, right=b) if is_(node, *LINEAR):
            for term, kind in ((a, penalty(a, s)), (b, penalty(b, s))):
                if not (is_number(a) or is_number(b) or s.is_residual(node)):
                    twice = times(number(2), term)
                    sides = (twice, b) if term is a else (a, twice)
                    yield Slip("term doubled", "constant-factor" + kind, binary(op, *sides))


def batch(node: ast.expr, place: Place, s: Setting) -> Slips:
    """1/N dropped, or there twice."""
    if not place:
        for n in sorted(batch_sizes(s)):
            yield Slip("1/N twice", "batch-factor", divided(node, ast.Name(n, ast.Load())))
            if n not in names_in(node):
                yield Slip("N", "batch-factor", times(ast.Name(n, ast.Load()), node))
    match node:
        case ast.BinOp(left=x, op=ast.Div(), right=n) if names_in(n) & s.dimensions and s.scalar(n):
            kinds = "batch-factor" if isinstance(n, ast.Name) else "batch-factor constant-factor"
            yield Slip("1/N dropped", kinds, x)
            yield Slip("1/N twice", kinds, divided(node, n))
        case ast.BinOp(left=ast.Name(id=n) as a, op=ast.Mult(), right=x) if n in s.dimensions:
            yield Slip("N dropped", "batch-factor constant-factor", x)
            yield Slip("N twice", "batch-factor constant-factor", times(a, node))


def batch_sizes(s: Setting) -> set[str]:
    """The dimensions that the problem divides by."""
    bodies = [ast.parse(s.world.of, mode="eval").body, *s.definitions.values()]
    divisors = [n.right for b in bodies for n in ast.walk(b) if is_(n, ast.Div)]  # type: ignore[attr-defined]
    return {d.id for d in divisors if isinstance(d, ast.Name) and d.id in s.dimensions}


def axis(node: ast.expr, place: Place, s: Setting) -> Slips:
    word = called(node)
    if word not in ("sum", "mean", "softmax", "log_softmax", "max", "min", "norm", "logsumexp"):
        return
    forward = " forward softmax-diagonal" if "soft" in word else ""
    shape = s.shape(node.args[0])  # type: ignore[attr-defined]
    if len(shape) != 2 or 1 in shape:
        return
    if node.keywords:  # type: ignore[attr-defined]
        which = node.keywords[0].value.value  # type: ignore[attr-defined]
        yield Slip("other axis", "wrong-axis" + forward, with_axis(node, 1 - which))  # type: ignore[arg-type]
        if not forward:
            yield Slip("axis dropped", "wrong-axis", with_axis(node, None))  # type: ignore[arg-type]
    elif not forward:
        for which in (0, 1):
            kinds = "wrong-axis unreduced broadcast-not-summed"
            yield Slip("axis added", kinds, with_axis(node, which))  # type: ignore[arg-type]
    else:
        yield Slip("other axis", "wrong-axis" + forward, with_axis(node, 0))  # type: ignore[arg-type]


def reduction(node: ast.expr, place: Place, s: Setting) -> Slips:
    if not isinstance(node, ast.Call) or not node.args or s.scalar(node.args[0]):
        return
    inner, factor = node.args[0], "bias-averaged batch-factor constant-factor"
    match called(node):
        case "sum":
            kinds = "broadcast-not-summed unreduced"
            kinds += " hadamard-matmul" * is_(inner, ast.Mult)
            soft = " softmax-diagonal" if "softmax" in s.words and place else ""
            yield Slip("sum dropped", kinds + soft, inner)
            yield Slip("mean for sum", factor, ast.Call(call("mean").func, [inner], node.keywords))  # type: ignore[attr-defined]
        case "mean":
            yield Slip("sum for mean", factor, ast.Call(call("sum").func, [inner], node.keywords))  # type: ignore[attr-defined]
            held = " held-constant" if place else ""
            yield Slip("mean dropped", "broadcast-not-summed unreduced" + held, inner)
        case "trace":
            yield Slip("trace dropped", "unreduced", inner)
        case "diagonal":
            yield Slip("diagonal dropped", "unreduced", inner)


def brackets(node: ast.expr, place: Place, s: Setting) -> Slips:
    """Brackets forgotten: (a + b) c read as a + b c, a (b @ c) as (a b) @ c."""
    match node:
        case ast.BinOp(left=a, op=ast.Mult() | ast.MatMult() | ast.Div() as op, right=b):
            factor = " constant-factor batch-factor" if s.scalar(a) or s.scalar(b) else ""
            if is_(a, *LINEAR):
                moved = binary(a.op, a.left, binary(op, a.right, b))  # type: ignore[attr-defined]
                yield Slip("brackets", "precedence" + factor, moved)
            if is_(b, *LINEAR):
                moved = binary(b.op, binary(op, a, b.left), b.right)  # type: ignore[attr-defined]
                yield Slip("brackets", "precedence" + factor, moved)
            if is_(b, ast.MatMult, ast.Mult, ast.Div) and not (
                type(b.op) is type(op) is not ast.Div  # type: ignore[attr-defined]
            ):
                moved = binary(b.op, binary(op, a, b.left), b.right)  # type: ignore[attr-defined]
                yield Slip("brackets", "precedence" + factor, moved)
            if is_(a, ast.Mult) and isinstance(op, ast.MatMult) and not s.scalar(a.left):  # type: ignore[attr-defined]
                yield Slip("brackets", "precedence", times(a.left, product(a.right, b)))  # type: ignore[attr-defined]


RULES: tuple[Rule, ...] = (
    transpose,
    order,
    products,
    sign,
    constant,
    batch,
    axis,
    reduction,
    brackets,
)
