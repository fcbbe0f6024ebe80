"""The house is walked in one direction: a module imports only from what comes before it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "diagrad"

# In the order of the walk; a module may import from its own line and from those above.
WALK = [
    ["dimensions", "errors", "facts", "recursion"],
    ["expression", "layouts"],
    ["index.term", "index.build"],
    ["operations"],
    ["language"],
    ["index"],
    ["matrix"],
    ["show"],
    ["evaluate"],
    ["verify", "setting"],
    ["formula", "derivation"],
    ["engine"],
    ["answer"],
    ["request"],
    ["check"],
    ["compile"],
    ["code"],
    ["problem"],
    ["pages"],
    [""],
    ["output", "reporting"],
    ["cli", "__main__"],
    ["notebook"],
]
MODULES = sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def place(module: str) -> int:
    """The line of the walk on which a module stands: that of its longest matching name."""
    matches = [
        (len(room), line)
        for line, rooms in enumerate(WALK)
        for room in rooms
        if module == room or (room and module.startswith(room + "."))
    ]
    return max(matches)[1]


def imported(path: Path) -> list[str]:
    """Modules imported when this one is loaded: not inside functions, not for type checkers."""
    found = []
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("diagrad"):
            base = node.module.removeprefix("diagrad").removeprefix(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".removeprefix(".")
                is_module = any(name_of(m) == inner for m in MODULES)
                found.append(inner if is_module else base)
        elif isinstance(node, ast.Import):
            found += [a.name.removeprefix("diagrad.") for a in node.names if "diagrad." in a.name]
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_upstream(path: Path):
    here = place(name_of(path))
    assert [m for m in imported(path) if place(m) > here] == []


@pytest.mark.parametrize("path", sorted((SOURCE / "operations").glob("*.py")), ids=name_of)
def test_rooms_know_terms_sizes_and_errors_alone(path: Path):
    allowed = ("dimensions", "errors", "expression", "index.term", "index.build", "operations")
    assert [m for m in imported(path) if not m.startswith(allowed)] == []
