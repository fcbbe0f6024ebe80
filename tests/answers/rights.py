"""Right answers: the known one said differently, in lines, under names, in another layout."""

import ast
from collections.abc import Iterator

from .maker import LONGEST, Case, Maker
from .several import restated, scaled, split, with_derivatives, written
from .trees import call, minus, parsed, plus, text, times, transposed
from .world import Lines

TURNED = {"other-layout", "transpose", "factor-order"}


def right(maker: Maker) -> Iterator[Case]:
    base = maker.world.answer
    yield maker.right(maker.record["answer"], maker.verdict([("", base)]), "as it is")
    for k in range(12):
        new, done = maker.rewritten(base, 1 + k % 3)
        if k > 8:
            new = maker.inlined(new)
            done.append("inlined")
        yield from single(maker, new, " ".join(dict.fromkeys(done)))
    yield from conventions(maker, base)
    yield from structured(maker, base)
    yield from lines_of(maker, base)
    yield from chains(maker, base)


def single(maker: Maker, node: ast.expr, what: str) -> Iterator[Case]:
    verdict = maker.verdict([("", node)])
    if verdict and len(text(node)) < LONGEST:
        title, titled = maker.heading()
        yield maker.right(written([("", node)], title), verdict, what, titled)


def conventions(maker: Maker, base: ast.expr) -> Iterator[Case]:
    """The same in other layouts: asked for, it is right, and where another is, it is not."""
    turned = transposed(base) if not isinstance(base, ast.Attribute) else base.value
    if maker.world.worth([("", turned)]).verdict != "layout":
        return
    for node, what in ((turned, "turned"), (maker.rewritten(turned, 1)[0], "turned and rewritten")):
        yield from single(maker, node, what)
    strict = maker.wrong(text(turned), "turned, strictly", TURNED, {1})
    yield strict._replace(strict=True)
    for layout in ("gradient", "numerator", "denominator", "vec"):
        if layout in maker.world.allowed[0]:
            yield from asked(maker, base, turned, layout)


def structured(maker: Maker, base: ast.expr) -> Iterator[Case]:
    """G + Gᵀ − G ∘ I for a variable that is declared symmetric."""
    variable = maker.world.problem.variables.get(maker.record["wrt"])
    if variable is None or not variable.facts & {"symmetric", "spd"}:
        return
    on_diagonal = times(base, call("eye", parsed(variable.axes[0])))
    node = minus(plus(base, transposed(base)), on_diagonal)
    if maker.world.is_structured(node):
        yield maker.right(text(node), "other-convention", "structured")


def asked(maker: Maker, base: ast.expr, turned: ast.expr, layout: str) -> Iterator[Case]:
    """With a layout asked for, the answer in it and the one that is not."""
    world = maker.world
    world.layout = layout
    found = {world.worth([("", node)]).verdict: node for node in (base, turned)}
    world.layout = "auto"
    if found.keys() == {"right", "layout"}:
        good, bad = text(found["right"]), text(found["layout"])
        yield maker.right(good, "correct", f"in {layout}")._replace(layout=layout)
        yield maker.wrong(bad, f"not in {layout}", TURNED, {1})._replace(layout=layout)


def lines_of(maker: Maker, base: ast.expr) -> Iterator[Case]:
    """The answer in several lines."""
    for k in range(6):
        node = maker.rewritten(base, k % 2)[0]
        yield from several(maker, split(maker.world, node, maker.rng, 1 + k % 3), "split")
    for node in (base, maker.inlined(base)):
        lines = restated(maker.world, node, maker.rng)
        yield from several(maker, lines, "restated")
    for of in dict.fromkeys(("", maker.of)):
        for lines in with_derivatives(maker.world, base, of, maker.rng)[:2]:
            yield from several(maker, lines, "named derivatives", bool(of))
        for lines in scaled(maker.world, base, of)[:2]:
            for case in several(maker, lines, "factor elsewhere", bool(of)):
                yield case._replace(verdict="other-convention")


def several(maker: Maker, lines: Lines, what: str, titled: bool = False) -> Iterator[Case]:
    """`titled`: the lines before use the name of what is differentiated, and so does the last."""
    verdict = maker.verdict(lines) if len(lines) > 1 else ""
    if verdict:
        title, heading = (maker.quotient, True) if titled else maker.heading()
        yield maker.right(written(lines, title), verdict, what, heading)


def chains(maker: Maker, base: ast.expr) -> Iterator[Case]:
    """Right forms with = between them."""
    for steps in ((1, 2), (2, 2)):
        links = [base, *(maker.rewritten(base, k)[0] for k in steps)]
        verdicts = {maker.verdict([("", link)]) for link in links}
        forms = list(dict.fromkeys(text(link) for link in links))
        if len(verdicts) == 1 and len(forms) > 1:
            title, titled = maker.heading()
            answer = " = ".join([title, *forms] if title else forms)
            yield maker.right(answer, verdicts.pop(), "chain", titled)
