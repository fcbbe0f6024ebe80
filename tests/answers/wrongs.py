"""Wrong answers: one mistake in the known one, in one line of it, in a definition said again."""

import ast
from collections import defaultdict
from collections.abc import Iterator

from . import mistakes
from .maker import Case, Maker
from .mistakes import Kinds, Mistake
from .several import derivative_name, restated, split, with_derivatives, written
from .trees import call, called, is_, names_in, negative, text
from .world import Lines

FUNCTIONS = {
    "sigmoid": "tanh",
    "tanh": "relu",
    "relu": "sigmoid",
    "softmax": "sigmoid",
    "exp": "sigmoid",
}


def wrong(maker: Maker) -> Iterator[Case]:
    base = maker.world.answer
    found = mistakes.of_answer(maker.world, base, {})
    known = mistakes.kinds_of_values(maker.world, found)
    yield from in_one_line(maker, base, found, 15)
    other = maker.rewritten(base, 2)[0]
    if maker.verdict([("", other)]) == maker.verdict([("", base)]):
        more = mistakes.of_answer(maker.world, other, known)
        yield from in_one_line(maker, other, more, 4)
    for _ in range(3):
        yield from in_a_line(maker, split(maker.world, base, maker.rng, 2), known, "split")
    for of in dict.fromkeys(("", maker.of)):
        for lines in with_derivatives(maker.world, base, of, maker.rng)[:2]:
            yield from in_a_line(maker, lines, known, "named", bool(of))
    yield from misquoted(maker, restated(maker.world, base, maker.rng))


def in_one_line(maker: Maker, node: ast.expr, found: list[Mistake], count: int) -> Iterator[Case]:
    """Some mistakes; now and then as the last link of a chain whose first is right."""
    for m in chosen(maker, found, count):
        title, titled = maker.heading()
        answer, what = written([("", m.tree)], title), m.what
        if maker.rng.random() < 0.08:
            left = title or derivative_name(maker.world, "", maker.world.wrt) or "A"
            answer, what = f"{left} = {text(node)} = {text(m.tree)}", f"chain: {what}"
        yield maker.wrong(answer, what, m.kinds, {1}, titled)


def chosen(maker: Maker, found: list[Mistake], count: int) -> list[Mistake]:
    """Some of each sort, by chance."""
    sorts: defaultdict[str, list[Mistake]] = defaultdict(list)
    for m in found:
        sorts["for" if " for " in m.what and m.what[0].isalpha() else m.what].append(m)
    for sort in sorts.values():
        maker.rng.shuffle(sort)
    picked: list[Mistake] = []
    while len(picked) < count and any(sorts.values()):
        left = [sort for sort in sorts.values() if sort]
        maker.rng.shuffle(left)
        picked += [sort.pop() for sort in left]
    return picked[:count]


def in_a_line(
    maker: Maker, lines: Lines, known: Kinds, sort: str, titled: bool = False
) -> Iterator[Case]:
    """A mistake in one of several lines, on which the later ones build."""
    if len(lines) < 2 or maker.verdict(lines) != "correct":
        return
    k = maker.rng.randrange(len(lines))
    for m in chosen(maker, mistakes.of_line(maker.world, lines, k, known), 2):
        changed = [*lines[:k], (lines[k][0], m.tree), *lines[k + 1 :]]
        title, heading = (maker.quotient, True) if titled else maker.heading()
        at = {k + 1} if sort == "named" else blamed(lines, k, m)
        kinds = m.kinds | ({"wrong-point", "forward"} if called_later(lines, k) else set())
        yield maker.wrong(written(changed, title), f"{sort}: {m.what}", kinds, at, heading)


def called_later(lines: Lines, k: int) -> bool:
    """Whether a later line takes a function of what a line defines."""
    later = [call for _, tree in lines[k + 1 :] for call in ast.walk(tree) if called(call)]
    return any(lines[k][0] in names_in(call) for call in later)


def blamed(lines: Lines, k: int, m: Mistake) -> set[int]:
    """The lines of which one may be called wrong, as names that say nothing state nothing: the
    mistaken one, the later ones, and where something is missing those that it may belong to."""
    at = set(range(k + 1, len(lines) + 1))
    if m.what.split()[-1] in ("missing", "dropped"):
        at |= {j + 1 for j in range(k) if lines[j][0] in names_in(m.tree)}
    return at


def misquoted(maker: Maker, lines: Lines) -> Iterator[Case]:
    """A definition said again wrongly."""
    if not lines:
        return
    k = maker.rng.randrange(len(lines) - 1)
    left, body = lines[k]
    for new in changed_definitions(body):
        changed = [*lines[:k], (left, new), *lines[k + 1 :]]
        if maker.world.worth(changed).verdict in ("wrong", "misfit"):
            title, titled = maker.heading()
            answer = written(changed, title)
            yield maker.wrong(answer, "restated wrongly", {"forward"}, {k + 1}, titled)


def changed_definitions(body: ast.expr) -> Iterator[ast.expr]:
    """Another activation, no bias, a sign."""
    if called(body) in FUNCTIONS:
        yield call(FUNCTIONS[called(body)], *body.args)  # type: ignore[attr-defined]
    elif is_(body, ast.Add, ast.Sub):
        yield body.left  # type: ignore[attr-defined]
        other = ast.Sub() if is_(body, ast.Add) else ast.Add()
        yield ast.BinOp(body.left, other, body.right)  # type: ignore[attr-defined]
    else:
        yield negative(body)
