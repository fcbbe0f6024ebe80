"""Fails where a file or a function of src has outgrown its reader; prints the totals."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

LONGEST_FILE, LONGEST_FUNCTION = 400, 60
SOURCES = Path(__file__).resolve().parent.parent / "src"


def functions(tree: ast.AST) -> Iterator[tuple[str, int, int]]:
    """Name, first line and number of lines of every function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def main() -> int:
    complaints: list[str] = []
    sizes: list[int] = []
    lengths: list[int] = []
    for path in sorted(SOURCES.rglob("*.py")):
        text, name = path.read_text("utf-8"), path.relative_to(SOURCES.parent)
        sizes.append(len(text.splitlines()))
        if sizes[-1] > LONGEST_FILE:
            complaints.append(f"{name}: {sizes[-1]} lines, over {LONGEST_FILE}")
        for function, line, length in functions(ast.parse(text)):
            lengths.append(length)
            if length > LONGEST_FUNCTION:
                complaints.append(
                    f"{name}:{line}: {function} has {length} lines, over {LONGEST_FUNCTION}"
                )
    print(*complaints, sep="\n", end="\n" if complaints else "")
    print(f"{len(sizes)} files, {sum(sizes)} lines, the longest {max(sizes, default=0)};")
    print(f"{len(lengths)} functions, the longest {max(lengths, default=0)} lines")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
