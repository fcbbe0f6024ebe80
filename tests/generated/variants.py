"""The same problem said differently: renamed, with definitions written out, in another order."""

import ast
import re
from dataclasses import replace

from .points import read
from .problems import Case

NAME = re.compile(r'"[^"]*"|#.*|(?<![\w.])[A-Za-z_]\w*')


def renamed(text: str, names: dict[str, str]) -> str:
    """The text with its names replaced, but for einsum's labels and attributes."""
    return NAME.sub(lambda match: names.get(match[0], match[0]), text)


def new_names(case: Case) -> dict[str, str]:
    """Names whose alphabetical order is the reverse of the old one's."""
    problem = read(case.text)
    old = {*problem.variables, *problem.definitions, *problem.functions, *problem.dimensions()}
    return {name: f"q{chr(ord('z') - i)}w" for i, name in enumerate(sorted(old))}


def with_new_names(case: Case) -> tuple[Case, dict[str, str]]:
    names = new_names(case)
    by = case.wrt
    wrt = names[by] if isinstance(by, str) else (names[by[0]], names[by[1]])
    changed = replace(case, text=renamed(case.text, names), of=renamed(case.of, names), wrt=wrt)
    return changed, names


class _Inline(ast.NodeTransformer):
    def __init__(self, definitions: dict[str, ast.expr]) -> None:
        self.definitions = definitions

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.definitions.get(node.id, node)


def inlined(case: Case) -> Case | None:
    """The case with no definitions, where it has some, none is its variable, and it stays short."""
    problem = read(case.text)
    if not problem.definitions or case.wrt in problem.definitions:
        return None
    known: dict[str, ast.expr] = {}
    for name, text in problem.definitions.items():
        known[name] = _Inline(known).visit(ast.parse(text, mode="eval").body)
    of = ast.unparse(_Inline(known).visit(ast.parse(case.of, mode="eval").body))
    return replace(case, text=declarations(case), of=of) if len(of) < 600 else None


def statements(case: Case) -> list[ast.stmt]:
    return ast.parse(case.text).body


def declarations(case: Case) -> str:
    lines = [ast.unparse(node) for node in statements(case) if isinstance(node, ast.AnnAssign)]
    return "\n".join(lines) + "\n"


def reordered(case: Case) -> Case:
    """Declarations backwards, and each definition as late as the ones that use it allow."""
    lines = [ast.unparse(node) for node in statements(case) if isinstance(node, ast.AnnAssign)][
        ::-1
    ]
    waiting = dict(read(case.text).definitions)
    tail: list[str] = []
    while waiting:
        used = {name for text in waiting.values() for name in NAME.findall(text)}
        last = next(name for name in waiting if name not in used)
        tail.insert(0, f"{last} = {waiting.pop(last)}")
    return replace(case, text="\n".join([*lines, *tail]) + "\n")
