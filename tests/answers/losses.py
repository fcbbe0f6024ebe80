"""Mistakes of the chain rule: factors and terms missing or doubled, and other quantities."""

import ast

from .setting import Setting, is_slope
from .slips import Rule, Slip, Slips, penalty
from .trees import (
    LINEAR,
    REDUCTIONS,
    Place,
    at,
    call,
    called,
    divided,
    is_,
    is_number,
    minus,
    name,
    names_in,
    negative,
    number,
    product,
    same,
    size,
    swapped,
    terms,
    text,
    times,
)

SLOPED = {"sigmoid", "tanh", "relu", "sin", "exp", "softplus", "log", "cos"}


def factor(node: ast.expr, place: Place, s: Setting) -> Slips:
    """A factor that is not there."""
    match node:
        case ast.BinOp(left=a, op=ast.Mult() | ast.MatMult(), right=b):
            for kept, gone in ((a, b), (b, a)):
                if names_in(gone) <= s.dimensions or not is_link(gone) or is_number(kept):
                    continue
                if s.in_call(place):
                    continue
                kinds = "missing-link" + weight(gone, s) + penalty(node, s) + shared(gone, place, s)
                if is_residual_of_fusion(kept, s):
                    kinds += " fused-identity"
                yield Slip("factor missing", kinds, kept)
            if is_slope(node) and is_(a, ast.Mult):
                yield Slip("σ′ missing", "missing-link fused-identity", a.left)  # type: ignore[attr-defined]
        case ast.BinOp(left=a, op=ast.Div(), right=b) if not names_in(b) <= s.dimensions:
            if not is_number(b) and not is_number(a):
                yield Slip("divisor missing", "missing-link" + weight(b, s), a)


def shared(factor: ast.expr, place: Place, s: Setting) -> str:
    """A factor that the other terms of a sum have too may be left out by a bracket."""
    above = at(s.root, place[:-1]) if place else s.root
    if not (place and isinstance(above, ast.expr) and is_(above, *LINEAR)):
        return ""
    products = [t for _, t in terms(above) if is_(t, ast.Mult, ast.MatMult)]
    sides = [side for t in products for side in (t.left, t.right)]  # type: ignore[attr-defined]
    return " precedence" * (sum(same(side, factor) for side in sides) > 1)


def is_link(node: ast.expr) -> bool:
    """Whether it is a factor that one may forget: a name, a call, a slope, a power of these."""
    match node:
        case ast.Attribute(value=inner) | ast.BinOp(left=inner, op=ast.Pow()):
            return is_link(inner)
    return isinstance(node, ast.Name) or is_slope(node) or (bool(called(node)) and size(node) < 9)


def is_upstream(node: ast.expr) -> bool:
    """Whether it is a sum that carries the error, which nobody forgets: no 1 − h."""
    return is_(node, *LINEAR) and not any(is_number(t) for _, t in terms(node))


def weight(node: ast.expr, s: Setting) -> str:
    return " constant-factor" if s.scalar(node) else ""


def is_residual_of_fusion(node: ast.expr, s: Setting) -> bool:
    return is_(node, ast.Sub) and bool(s.words & {"softmax", "sigmoid", "cross_entropy"})


def doubled(node: ast.expr, place: Place, s: Setting) -> Slips:
    """A derivative that is there twice, or one that was in the error already."""
    match node:
        case ast.BinOp(left=a, op=ast.Mult(), right=b) if not is_number(a) and not is_number(b):
            if is_upstream(b) or called(b) in REDUCTIONS or s.scalar(a) != s.scalar(b):
                return
            derived = is_slope(node) or is_slope(b) or called(b) in SLOPED
            kinds = "extra-derivative" + weight(b, s) + " wrong-quantity other" * (not derived)
            if is_slope(node):
                last = a.right if is_(a, ast.Mult) else a  # type: ignore[attr-defined]
                yield Slip("σ′ twice", kinds, times(times(node, last), b))
            yield Slip("factor twice", kinds, times(node, b))
        case ast.BinOp(left=ast.Name(id=p), op=ast.Sub(), right=ast.Name()) if p in s.definitions:
            word = called(s.definitions[p])
            if word in ("sigmoid", "softmax"):
                more = times(times(node, name(p)), minus(number(1), name(p)))
                kinds = "extra-derivative" + " softmax-diagonal" * (word == "softmax")
                yield Slip("σ′ once more", kinds, more)


def quantity(node: ast.expr, place: Place, s: Setting) -> Slips:
    """Another value of the same shape."""
    if not isinstance(node, ast.Name) or node.id in s.known:
        return
    kinds = "wrong-quantity"
    if node.id in s.dimensions:
        kinds += " batch-factor constant-factor"
    elif s.scalar(node):
        kinds += " constant-factor regularisation"
    if s.in_slope(place):
        kinds += " wrong-point"
    if "step" in s.words_in_answer:
        kinds += beside_mask(node, place, s)
    for other in s.names_like(node.id)[:3]:
        yield Slip(f"{other} for {node.id}", kinds, name(other))


def beside_mask(node: ast.expr, place: Place, s: Setting) -> str:
    """Another name in a mask, or as the factor that it is applied to."""
    above = [at(s.root, place[:k]) for k in range(len(place))]
    masked = any(is_(n, ast.Mult) and called(n.right) == "step" for n in above[-1:])  # type: ignore[attr-defined]
    return " mask" if masked or called(above[-1] if above else node) == "step" else ""


def point(node: ast.expr, place: Place, s: Setting) -> Slips:
    """σ′ at h for z, or h(1 − h) with z for h."""
    if is_slope(node):
        for found in sorted(names_in(node)):
            made = s.definitions.get(found)
            if made is not None and called(made) in SLOPED and isinstance(made.args[0], ast.Name):  # type: ignore[attr-defined]
                new = swapped(node, name(found), made.args[0])  # type: ignore[attr-defined]
                if is_(node, ast.Mult) and is_(node.left, ast.Mult):  # type: ignore[attr-defined]
                    before = times(node.left.left, made.args[0])  # type: ignore[attr-defined]
                    new = times(before, swapped(node.right, name(found), made.args[0]))  # type: ignore[attr-defined]
                yield Slip("σ′ at z", "wrong-point", new)
    if called(node) in SLOPED | {"step"} and len(node.args) == 1:  # type: ignore[attr-defined]
        (z,) = node.args  # type: ignore[attr-defined]
        for found, made in s.definitions.items():
            if called(made) in SLOPED and text(made.args[0]) == text(z):  # type: ignore[attr-defined]
                kinds = "wrong-point wrong-quantity forward"
                yield Slip("σ′ at h", kinds, call(called(node), name(found)))


def mask(node: ast.expr, place: Place, s: Setting) -> Slips:
    match node:
        case ast.BinOp(left=g, op=ast.Mult(), right=b) if called(b) == "step" and not s.scalar(g):
            kinds = "mask wrong-point wrong-quantity"
            yield Slip("mask of the gradient", kinds, times(g, call("step", g)))


def term(node: ast.expr, place: Place, s: Setting) -> Slips:
    """A term that is not there."""
    if not is_(node, *LINEAR):
        return
    a, b = node.left, node.right  # type: ignore[attr-defined]
    for kept, gone in ((a, b), (negative(b) if is_(node, ast.Sub) else b, a)):
        if is_number(gone) or is_number(kept):
            kinds = "missing-link other wrong-quantity wrong-point"
            kinds += " one-occurrence" * (not s.in_slope(place))
        elif penalty(gone, s):
            kinds = "regularisation one-occurrence"
        elif s.is_residual(node):
            kinds = "wrong-quantity missing-link one-occurrence other"
        else:
            kinds = "one-occurrence"
        if s.words & {"softmax", "log_softmax", "logsumexp"}:
            kinds += " softmax-diagonal"
        if s.normalises:
            kinds += " held-constant"
        yield Slip("term missing", kinds, kept)


def special(node: ast.expr, place: Place, s: Setting) -> Slips:
    """2 A for A + Aᵀ, and terms that are the same only for a symmetric matrix."""
    if is_(node, ast.Add):
        a, b = node.left, node.right  # type: ignore[attr-defined]
        if mirrored(a, b):
            yield Slip("A + Aᵀ = 2 A", "special-case", times(number(2), a))
            yield Slip("A + Aᵀ = 2 A", "special-case", times(number(2), b))


def mirrored(a: ast.expr, b: ast.expr) -> bool:
    """Whether two terms differ in transposes alone, or one is the other's transpose."""
    one, two = (text(t).replace(".T", "").split(" @ ") for t in (a, b))
    return text(a) != text(b) and one in (two, two[::-1])


def softmax(node: ast.expr, place: Place, s: Setting) -> Slips:
    """A softmax whose Jacobian is taken for diagonal."""
    match node:
        case ast.BinOp(left=ast.Call(args=[p]) as d, op=ast.Sub()) if called(d) == "diag":
            only = call("diag", times(p, minus(number(1), p)))
            if isinstance(p, ast.Name) and (p.id in names_in(node.right)):
                yield Slip("diag(p(1 − p))", "softmax-diagonal", only)
        case ast.BinOp(left=p, op=ast.Mult(), right=ast.BinOp(left=c, op=ast.Sub(), right=b)):
            value = isinstance(p, ast.Name) or called(p) == "softmax"
            if value and called(b) == "sum" and names_in(p) <= names_in(b):
                only = times(times(p, minus(number(1), p)), c)
                yield Slip("p(1 − p) c", "softmax-diagonal", only)
        case ast.BinOp(left=ast.Name(id=p), op=ast.Sub(), right=ast.Name(id=y)):
            if called(s.definitions.get(p, node)) == "softmax" and "log" in s.words:
                q = name(p)
                upstream = negative(divided(name(y), q))
                new = times(times(upstream, q), minus(number(1), q))
                yield Slip("p(1 − p) for the softmax", "softmax-diagonal", new)


def function(node: ast.expr, place: Place, s: Setting) -> Slips:
    """Another function than the problem's."""
    others = {"sigmoid": "tanh", "tanh": "sigmoid", "softmax": "sigmoid", "step": "relu"}
    if called(node) in others:
        kinds = "forward wrong-quantity wrong-point other"
        other = call(others[called(node)], *node.args)  # type: ignore[attr-defined]
        yield Slip(f"{called(other)} for {called(node)}", kinds, other)


def unrolled(node: ast.expr, place: Place, s: Setting) -> Slips:
    """inv(A) B inv(A) with the inverses together, as for numbers."""
    match node:
        case ast.BinOp(left=ast.BinOp(op=ast.MatMult()) as ab, op=ast.MatMult(), right=c):
            if same(ab.left, c) and called(c) == "inv":
                kinds = "scalar-rule factor-order"
                yield Slip("a⁻² b", kinds, product(product(c, c), ab.right))


RULES: tuple[Rule, ...] = (
    factor,
    doubled,
    quantity,
    point,
    mask,
    term,
    special,
    softmax,
    function,
    unrolled,
)
