"""The words of the language, as section 1 of the contract lists them, and which of them a case
uses on the way from its variable to its target."""

import ast
from collections.abc import Iterator

from .pieces import words
from .problems import Case

ELEMENTWISE = words(
    "sigmoid tanh exp log sqrt relu abs sign sin cos tan arcsin arccos arctan sinh cosh softplus "
    "gelu silu erf square step log1p expm1 maximum minimum clip where"
)
REDUCTIONS = words("sum mean max min prod norm norm1 logsumexp")
SOFTMAXES = words("softmax log_softmax")
ALONG_AXES = [f"{name}(axis={k})" for name in REDUCTIONS + SOFTMAXES for k in (0, 1)]
MATRICES = words(
    "trace det logdet inv pinv diag diagonal kron vec outer ones zeros eye commutation solve "
    "cholesky tril einsum"
)
LOSSES = words("cross_entropy softmax_cross_entropy mse")
OPERATORS = ["+", "-", "*", "/", "**", "@", ".T", "unary -", "prime", ">", "<", ">=", "<="]
FACTS = words(
    "&positive &nonneg &prob &pm1 &onehot &simplex &onehot(axis=0) &simplex(axis=0) &symmetric "
    "&spd &orthogonal &invertible &diagonal &lower &upper"
)
UNSPECIFIED = "an unspecified function"
FUNCTIONS = [*ELEMENTWISE, *REDUCTIONS, *SOFTMAXES, *MATRICES, *LOSSES]
OPERATIONS = [*FUNCTIONS, UNSPECIFIED, *ALONG_AXES, *OPERATORS]
VOCABULARY = [*OPERATIONS, *FACTS]
LAYOUTS = words("auto gradient numerator denominator vec tensor")
REQUESTS = [f"order 1 {layout}" for layout in LAYOUTS]
REQUESTS += [request.replace("1", "2") for request in REQUESTS] + ["mixed", "by a definition"]

SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.USub: "unary -",
    ast.Gt: ">",
    ast.Lt: "<",
    ast.GtE: ">=",
    ast.LtE: "<=",
}


def used(case: Case) -> set[str]:
    """The operations that the derivative of a case goes through, the facts of what it depends on,
    and what was asked."""
    declared: dict[str, ast.AnnAssign] = {}
    defined: dict[str, ast.expr] = {}
    for statement in ast.parse(case.text).body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                declared[name] = statement
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                defined[name] = value
    found = {f"order {case.order} {case.layout}"}
    by = [case.wrt] if isinstance(case.wrt, str) else list(case.wrt)
    found |= {"mixed"} if len(by) == 2 else set()
    found |= {"by a definition"} if by[0] in defined else set()
    names, trees = reached(ast.parse(case.of, mode="eval").body, defined, by)
    for name in names & declared.keys():
        found |= facts(declared[name].annotation)
    moving = moves(defined, by)
    for tree in trees:
        found |= set(operations(tree, moving))
    return found


def named(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def moves(defined: dict[str, ast.expr], by: list[str]) -> set[str]:
    """The names that move with the variables."""
    moving = set(by)
    for name, tree in defined.items():
        if name not in by and named(tree) & moving:
            moving.add(name)
    return moving


def reached(
    tree: ast.expr, defined: dict[str, ast.expr], by: list[str]
) -> tuple[set[str], list[ast.expr]]:
    """The names that an expression depends on, and with it the definitions among them."""
    names, trees = named(tree), [tree]
    for name, value in reversed(defined.items()):
        if name in names and name not in by:
            names |= named(value)
            trees.append(value)
    return names, trees


def facts(annotation: ast.expr) -> set[str]:
    found: set[str] = set()
    while isinstance(annotation, ast.BinOp):
        found.add(f"&{ast.unparse(annotation.right)}")
        annotation = annotation.left
    return found


def operations(tree: ast.AST, moving: set[str]) -> Iterator[str]:
    """The operations with an operand that moves, and the constants among them."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="ones" | "zeros" | "eye" | "commutation" as name)):
                yield name
            case _ if not named(node) & moving:
                continue
            case ast.Call(func=ast.Call()):
                yield "prime"
            case ast.Call(func=ast.Name(id=name), keywords=keywords):
                yield name if name in FUNCTIONS else UNSPECIFIED
                yield from (f"{name}({ast.unparse(k)})" for k in keywords if k.arg == "axis")
            case ast.Attribute(attr="T"):
                yield ".T"
            case ast.BinOp(op=op) | ast.UnaryOp(op=op):
                yield SIGNS[type(op)]
            case ast.Compare(ops=[op]):
                yield SIGNS[type(op)]
