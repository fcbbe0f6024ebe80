"""Answers of several lines: parts of a right answer under names of their own, derivatives by the
names that they have, definitions said again."""

import ast
import random
import re

import numpy as np

from .trees import (
    Place,
    called,
    divided,
    is_,
    is_number,
    name,
    names_in,
    parsed,
    parts,
    replaced,
    size,
    swapped,
    text,
)
from .world import Lines, World, distance

PLAIN = ["t", "u", "M", "G", "E", "r", "s", "q", "delta1", "delta2", "delta3", "tmp", "err"]


def taken(world: World) -> set[str]:
    """Every word of the problem, and of the request."""
    return set(re.findall(r"\w+", f"{world.record['problem']} {world.of} {world.record['answer']}"))


def free_names(world: World, rng: random.Random) -> list[str]:
    used = taken(world)
    names = [n for n in PLAIN if n not in used and n.rstrip("123") not in used]
    head, tail = names[:7], names[7:]
    rng.shuffle(head)
    return head + tail if rng.random() < 0.7 else tail + head


def derivative_name(world: World, of: str, by: str) -> str:
    """dJ/dz where what is differentiated has a name; else dz, unless that is a name already."""
    if of:
        return f"d{of}/d{by}"
    return f"d{by}" if f"d{by}" not in taken(world) else ""


def candidates(node: ast.expr) -> list[tuple[Place, ast.expr]]:
    """Parts worth a name: products, sums and calls of several names, but not the whole."""
    return [
        (place, part)
        for place, part in parts(node)
        if place
        and (is_(part, ast.Mult, ast.MatMult, ast.Add, ast.Sub, ast.Div) or called(part))
        and 3 <= size(part) < size(node)
        and names_in(part)
        and not is_multiple(part)
    ]


def is_multiple(part: ast.expr) -> bool:
    """A number times a name, which needs no name."""
    return is_(part, ast.Mult) and is_number(part.left) and size(part) < 6  # type: ignore[attr-defined]


def split(world: World, node: ast.expr, rng: random.Random, count: int) -> Lines:
    """The answer with so many parts in lines of their own, under names that say nothing."""
    lines: Lines = []
    for new in free_names(world, rng)[:count]:
        found = [part for _, part in candidates(node)]
        if not found:
            break
        part = rng.choice(found)
        node = swapped(node, part, name(new))
        for k, (before, body) in enumerate(lines):
            lines[k] = (before, swapped(body, part, name(new)))
        lines.insert(0, (new, part))
    return in_order([*lines, ("", node)])


def in_order(lines: Lines) -> Lines:
    """Each line after those that it uses."""
    done: Lines = []
    names = {n for n, _ in lines if n}
    waiting = list(lines)
    while waiting:
        ready = next(
            line for line in waiting if not names_in(line[1]) & names - {n for n, _ in done}
        )
        waiting.remove(ready)
        done.append(ready)
    return done


def named(world: World, node: ast.expr, of: str) -> list[tuple[float, str, ast.expr]]:
    """Parts that are the derivative by a definition, or a multiple of it: the factor, its name."""
    found = []
    for _, part in candidates(node):
        for by, values in world.adjoints.items():
            title = derivative_name(world, of, by)
            ratio = multiple(world, part, values)
            if title and ratio is not None and names_in(part) - {by}:
                found.append((ratio, title, part))
    return found


def multiple(world: World, part: ast.expr, values: list[np.ndarray]) -> float | None:
    """The positive factor at the first point that makes the derivative of a part, if there is."""
    ratios = []
    for k, right in enumerate(values):
        try:
            value = world.value([("", part)], k)
        except ValueError:
            return None
        if value.shape != right.shape or not np.isfinite(value).all():
            return None
        ratio = float((value * right).sum() / (right * right).sum())
        if distance(value, ratio * right) > 1e-9 or ratio <= 0:
            return None
        ratios.append(ratio)
    return ratios[0] if ratios else None


def scale(world: World, ratio: float) -> ast.expr | None:
    """What makes a multiple: 1, a dimension, or a small number."""
    for n, extent in world.sizes.items():
        if abs(ratio - extent) < 1e-9 and not n.startswith("spare_"):
            return name(n)
    for c in (2, 3, 4):
        if abs(ratio - c) < 1e-9:
            return ast.Constant(c)
    return None


def with_derivatives(world: World, node: ast.expr, of: str, rng: random.Random) -> list[Lines]:
    """Answers in which parts have the names of the derivatives that they are; with the factor that
    is missing in them where they are multiples, moved there from the last line."""
    made: list[Lines] = []
    found = named(world, node, of)
    rng.shuffle(found)
    for ratio, title, part in found:
        if abs(ratio - 1) < 1e-9:
            made.append(titled(world, node, [(title, part)], found))
            continue
        factor = scale(world, ratio)
        if factor is not None:
            again = name("PLACE")
            moved = without_factor(swapped(node, part, again), text(factor))
            if moved is not None:
                last = swapped(moved, again, name(title))
                made.append([(title, divided(part, factor)), ("", last)])
    return made


def titled(world: World, node: ast.expr, lines: Lines, found: list) -> Lines:
    """The same with those parts of the first part that are derivatives too."""
    (title, part) = lines[0]
    node = swapped(node, part, name(title))
    for ratio, other, inner in found:
        if other != title and abs(ratio - 1) < 1e-9 and size(inner) < size(part):
            changed = swapped(part, inner, name(other))
            if changed is not part:
                return [(other, inner), (title, changed), ("", swapped(node, inner, name(other)))]
    return [(title, part), ("", node)]


def without_factor(node: ast.expr, factor: str) -> ast.expr | None:
    """The expression without a division by a factor outside."""
    for place, part in parts(node):
        if is_(part, ast.Div) and text(part.right) == factor:  # type: ignore[attr-defined]
            return replaced(node, place, part.left)  # type: ignore[attr-defined]
    return None


def scaled(world: World, node: ast.expr, of: str) -> list[Lines]:
    """Answers that call a multiple of a derivative by its name, and make up for it later: 1/N in
    another line than where it belongs."""
    return [
        [(title, part), ("", swapped(node, part, name(title)))]
        for ratio, title, part in named(world, node, of)
        if abs(ratio - 1) > 1e-9 and scale(world, ratio) is not None
    ]


def restated(world: World, node: ast.expr, rng: random.Random) -> Lines:
    """The answer after one or more of the definitions that it uses."""
    bodies = world.problem.definitions
    used = [n for n in bodies if n in names_in(node) and n != world.wrt]
    if not used:
        return []
    keep = set(rng.sample(used, rng.randint(1, len(used))))
    lines: Lines = [(n, parsed(bodies[n])) for n in bodies if n in keep]
    return [*lines, ("", node)]


def written(lines: Lines, title: str = "") -> str:
    """The text of an answer: a quotient such as dJ/dz stands in a tree as one name."""
    head = [f"{left} = {text(node)}" for left, node in lines[:-1]]
    last = text(lines[-1][1])
    return "\n".join([*head, f"{title} = {last}" if title else last])
