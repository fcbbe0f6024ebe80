"""All mistakes of one expression, those of one value together."""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from . import losses, slips
from .setting import Setting
from .trees import parts, replaced, text
from .world import Lines, Recorder, World, Worth

RULES = slips.RULES + losses.RULES
LONGEST = 500
Kinds = Mapping[str, frozenset[str]]


class Mistake(NamedTuple):
    """A wrong expression, and all the kinds that its value may come of."""

    what: str
    kinds: frozenset[str]
    tree: ast.expr
    worth: Worth


def slipped(setting: Setting) -> Iterator[tuple[str, str, ast.expr]]:
    """Every mistake of every part."""
    for place, node in parts(setting.root):
        for rule in RULES:
            for slip in rule(node, place, setting):
                inside = " wrong-point forward wrong-quantity" if setting.in_call(place) else ""
                yield slip.what, slip.kinds + inside, replaced(setting.root, place, slip.new)


def mistakes(setting: Setting, worth: Callable[[ast.expr], Worth], known: Kinds) -> list[Mistake]:
    """The wrong ones; each has the kinds of all that have its value, or its text, and those that
    `known` has for its value."""
    found: dict[str, tuple[str, set[str], ast.expr, Worth]] = {}
    kinds: defaultdict[str, set[str]] = defaultdict(set, {k: set(v) for k, v in known.items()})
    for what, named, tree in slipped(setting):
        source = text(tree)
        if len(source) > LONGEST:
            continue
        if source not in found:
            found[source] = (what, set(), tree, worth(tree))
        mine = found[source]
        mine[1].update(named.split())
        if mine[3].mixed:
            mine[1].add("broadcast-outer")
        mine[1].update(setting.world.multiple(mine[3]))
        if mine[3].verdict in ("wrong", "misfit"):
            kinds[setting.world.key(mine[3]) or source] |= mine[1]
    return [
        Mistake(what, frozenset(kinds[setting.world.key(w) or source]), tree, w)
        for source, (what, _, tree, w) in found.items()
        if w.verdict in ("wrong", "misfit")
    ]


def of_answer(world: World, node: ast.expr, known: Kinds) -> list[Mistake]:
    setting = Setting(world, node, world.recorded(node))
    return mistakes(setting, lambda tree: world.worth([("", tree)]), known)


def kinds_of_values(world: World, found: list[Mistake]) -> Kinds:
    """The kinds of each wrong value, and of each text that has none."""
    return {world.key(m.worth) or text(m.tree): m.kinds for m in found}


def of_line(world: World, lines: Lines, k: int, known: Kinds) -> list[Mistake]:
    """Mistakes in one of several lines, judged by what the last comes to."""
    run = recorded_before(world, lines, k)
    before = tuple(name for name, _ in lines[:k])
    setting = Setting(world, lines[k][1], run, before)

    def worth(tree: ast.expr) -> Worth:
        return world.worth([*lines[:k], (lines[k][0], tree), *lines[k + 1 :]])

    return mistakes(setting, worth, known)


def recorded_before(world: World, lines: Lines, k: int) -> dict[int, object]:
    run = world.interpreter(0, Recorder)
    world.value(lines[: k + 1], 0, run)
    return run.seen  # type: ignore[attr-defined]
