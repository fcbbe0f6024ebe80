"""`cases(record)`: right and wrong answers to one problem, each with the verdict it deserves."""

import ast
import random
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from . import mistakes
from .mistakes import Mistake
from .rewriting import RULES, twice
from .several import derivative_name, restated, scaled, split, with_derivatives, written
from .trees import (
    call,
    is_,
    name,
    names_in,
    negative,
    parsed,
    parts,
    replaced,
    size,
    swapped,
    text,
    transposed,
)
from .world import LAYOUTS, Lines, Unusable, World

LONGEST = 500


class Case(NamedTuple):
    """An answer, the verdict that it deserves, the kinds that its mistake may be named, and the
    lines that may be called the first wrong one."""

    id: str
    problem: str
    of: str
    wrt: str
    order: int
    layout: str
    answer: str
    verdict: str
    kinds: frozenset[str] = frozenset()
    lines: frozenset[int] = frozenset()
    what: str = ""


class Maker:
    """Makes the cases of one record."""

    def __init__(self, record: dict[str, Any], seed: int) -> None:
        self.record = record
        self.rng = random.Random(f"{record['id']} {seed}")
        self.world = World(record, seed)
        self.of = record["of"] if record["of"].isidentifier() else self._title()
        self.mistakes: dict[str, list[Mistake]] = {}

    def _title(self) -> str:
        """A name for what is differentiated, where it has none and one is free; else nothing."""
        known = {*self.world.points[0][0].values, *self.world.problem.functions}
        scalar = self.world.points[0][1].shape[:2] == (1, 1)
        return next((n for n in ("J", "L", "loss") if scalar and n not in known), "")

    def case(
        self, answer: str, verdict: str, what: str, kinds: str = "", lines: Collection[int] = (), **more: Any
    ) -> Case:
        problem, of = self.record["problem"], self.record["of"]
        if more.pop("with_name", False) and self.of != of:
            problem, of = f"{problem.rstrip()}\n{self.of} = {of}\n", self.of
        layout = more.get("layout", "auto")
        name = f"{self.record['id']}/{what.replace(' ', '-')}"
        return Case(
            name,
            problem,
            of,
            self.record["wrt"],
            self.record["order"],
            layout,
            answer,
            verdict,
            frozenset(kinds.split()),
            frozenset(lines),
            what,
        )

    def verdict(self, lines: Lines) -> str:
        return {"right": "correct", "layout": "other-convention"}.get(
            self.world.worth(lines).verdict, ""
        )

    # Right answers

    def rewritten(self, node: ast.expr, steps: int) -> tuple[ast.expr, list[str]]:
        """The answer after some steps that change no value."""
        done: list[str] = []
        for _ in range(40):
            if len(done) == steps:
                break
            seen = self.world.recorded(node)

            def shape(part: ast.AST, seen: dict = seen) -> tuple[int, ...]:
                found = seen.get(id(part))
                return (1, 1) if found is None else found.shape[1:]

            place, part = self.rng.choice(list(parts(node)))
            rule = self.rng.choice(RULES)
            if rule is twice and self.rng.random() < 0.8:
                continue
            found = list(rule(part, shape))
            if found:
                new = replaced(node, place, self.rng.choice(found))
                if len(text(new)) < LONGEST and text(new) != text(node) and self.verdict([("", new)]):
                    node = new
                    done.append(rule.__name__)
        return node, done

    def inlined(self, node: ast.expr) -> ast.expr:
        bodies = self.world.problem.definitions
        used = sorted(n for n in names_in(node) & set(bodies) if n != self.world.wrt)
        for n in self.rng.sample(used, self.rng.randint(1, len(used))) if used else ():
            node = swapped(node, name(n), parsed(bodies[n]))
        return node

    def right(self) -> Iterator[Case]:
        base = self.world.answer
        yield self.case(self.record["answer"], self.verdict([("", base)]), "as it is")
        for k in range(10):
            new, done = self.rewritten(base, 1 + k % 3)
            if k > 6:
                new = self.inlined(new)
                done.append("inlined")
            yield from self.single(new, " ".join(dict.fromkeys(done)))
        yield from self.conventions(base)
        yield from self.right_lines(base)

    def single(self, node: ast.expr, what: str) -> Iterator[Case]:
        verdict = self.verdict([("", node)])
        if verdict and len(text(node)) < LONGEST:
            title, named = self.heading()
            yield self.case(written([("", node)], title), verdict, what, with_name=named)

    def heading(self) -> tuple[str, bool]:
        """What stands left of the last line: often nothing."""
        if self.record["order"] > 1 or self.rng.random() < 0.5:
            return "", False
        if self.of and self.rng.random() < 0.5:
            return f"d{self.of}/d{self.world.wrt}", True
        return derivative_name(self.world, "", self.world.wrt), False

    def conventions(self, base: ast.expr) -> Iterator[Case]:
        """The same in other layouts; asked for, it is right, and otherwise it is not."""
        turned = transposed(base) if not isinstance(base, ast.Attribute) else base.value
        new, _ = self.rewritten(turned, 1)
        for node, what in ((turned, "transposed"), (new, "transposed rewritten")):
            worth = self.world.worth([("", node)])
            if worth.verdict == "layout":
                yield self.case(text(node), "other-convention", what)
        if self.world.worth([("", turned)]).verdict == "layout":
            for layout in ("gradient", "numerator", "denominator", "vec"):
                yield from self.asked(base, turned, layout)

    def asked(self, base: ast.expr, turned: ast.expr, layout: str) -> Iterator[Case]:
        """With a layout asked for, the answer in it and the one that is not."""
        if layout not in self.world.allowed[0]:
            return
        self.world.layout = layout
        verdicts = [self.world.worth([("", node)]).verdict for node in (base, turned)]
        self.world.layout = "auto"
        if sorted(verdicts) == ["layout", "right"]:
            for node, verdict in zip((base, turned), verdicts, strict=True):
                if verdict == "right":
                    yield self.case(text(node), "correct", f"asked for {layout}", layout=layout)
                else:
                    kinds = "other-layout transpose factor-order"
                    yield self.case(
                        text(node), "incorrect", f"not in {layout}", kinds, (1,), layout=layout
                    )

    def right_lines(self, base: ast.expr) -> Iterator[Case]:
        for k in range(4):
            node, _ = self.rewritten(base, k % 2)
            yield from self.several(split(self.world, node, self.rng, 1 + k % 3), "split")
        for node in (base, self.inlined(base)):
            lines = restated(self.world, node, self.rng)
            if lines:
                yield from self.several(lines, "restated")
        for of in {"", self.of}:
            for lines in with_derivatives(self.world, base, of, self.rng)[:2]:
                yield from self.several(lines, "named derivatives", bool(of))
            for lines in scaled(self.world, base, of)[:2]:
                yield from self.several(lines, "factor elsewhere", bool(of), "other-convention")
        links = [self.rewritten(base, k)[0] for k in (1, 2)]
        if all(self.verdict([("", n)]) == self.verdict([("", base)]) for n in links):
            chain = " = ".join(text(n) for n in dict.fromkeys([base, *links]))
            title, named = self.heading()
            verdict = self.verdict([("", base)])
            yield self.case(f"{title} = {chain}" if title else chain, verdict, "chain", with_name=named)

    def several(
        self, lines: Lines, what: str, named: bool = False, verdict: str = ""
    ) -> Iterator[Case]:
        found = self.verdict(lines)
        if found and len(lines) > 1:
            verdict = verdict if found == "correct" and verdict else found
            title, heading = ("", False) if named else self.heading()
            if named:
                title = f"d{self.of}/d{self.world.wrt}"
            yield self.case(written(lines, title), verdict, what, with_name=named or heading)

    # Wrong answers

    def wrong(self) -> Iterator[Case]:
        yield from self.wrong_single()
        yield from self.wrong_several()

    def wrong_single(self) -> Iterator[Case]:
        base = self.world.answer
        for node, share in ((base, 18), (self.rewritten(base, 2)[0], 4)):
            for m in self.chosen(mistakes.of_answer(self.world, node), share):
                title, named = self.heading()
                answer, what = written([("", m.tree)], title), m.what
                if self.rng.random() < 0.08:
                    answer = f"{title or derivative_name(self.world, '', self.world.wrt) or 'A'} = {text(node)} = {text(m.tree)}"
                    what = f"chain: {what}"
                yield self.case(
                    answer, "incorrect", what, " ".join(m.kinds), (1,), with_name=named
                )

    def chosen(self, found: list[Mistake], count: int) -> list[Mistake]:
        """Some of each sort."""
        sorts: defaultdict[str, list[Mistake]] = defaultdict(list)
        for m in found:
            sorts[m.what if " for " not in m.what else "for"].append(m)
        for sort in sorts.values():
            self.rng.shuffle(sort)
        picked: list[Mistake] = []
        while len(picked) < count and any(sorts.values()):
            left = [k for k in sorts if sorts[k]]
            self.rng.shuffle(left)
            picked += [sorts[k].pop() for k in left]
        return picked[:count]

    def wrong_several(self) -> Iterator[Case]:
        """The same mistakes in one line of several, on which the later ones build."""
        base = self.world.answer
        for _ in range(3):
            yield from self.wrong_line(split(self.world, base, self.rng, 2), "split")
        for of in {"", self.of}:
            for lines in with_derivatives(self.world, base, of, self.rng)[:2]:
                yield from self.wrong_line(lines, "named", bool(of))
        lines = restated(self.world, base, self.rng)
        if lines:
            yield from self.misquoted(lines)

    def wrong_line(self, lines: Lines, sort: str, named: bool = False) -> Iterator[Case]:
        if len(lines) < 2 or self.verdict(lines) != "correct":
            return
        k = self.rng.randrange(len(lines))
        for m in self.chosen(mistakes.of_line(self.world, lines, k), 3):
            wrong = [*lines[:k], (lines[k][0], m.tree), *lines[k + 1 :]]
            title, heading = (f"d{self.of}/d{self.world.wrt}", True) if named else self.heading()
            at = {k + 1} if sort == "named" else self.ambiguous(lines, k, m)
            yield self.case(
                written(wrong, title), "incorrect", f"{sort}: {m.what}", " ".join(m.kinds), at,
                with_name=named or heading,
            )  # fmt: skip

    def ambiguous(self, lines: Lines, k: int, m: Mistake) -> set[int]:
        """The lines of which one may be called wrong, as names that say nothing state nothing: the
        mistaken one, the later ones, and for a missing factor the one that it may belong to."""
        at = set(range(k + 1, len(lines) + 1))
        if "missing-link" in m.kinds:
            at |= {j + 1 for j in range(k) if lines[j][0] in names_in(m.tree)}
        return at

    def misquoted(self, lines: Lines) -> Iterator[Case]:
        """A definition said again wrongly."""
        k = self.rng.randrange(len(lines) - 1)
        left, body = lines[k]
        for new in forward_slips(body):
            wrong = [*lines[:k], (left, new), *lines[k + 1 :]]
            if self.world.worth(wrong).verdict in ("wrong", "misfit"):
                title, named = self.heading()
                answer = written(wrong, title)
                yield self.case(
                    answer, "incorrect", "restated wrongly", "forward", (k + 1,), with_name=named
                )


def forward_slips(body: ast.expr) -> Iterator[ast.expr]:
    """Another activation, no bias, a sign."""
    others = {"sigmoid": "tanh", "tanh": "relu", "relu": "sigmoid", "softmax": "sigmoid", "exp": "sigmoid"}
    if isinstance(body, ast.Call) and isinstance(body.func, ast.Name) and body.func.id in others:
        yield call(others[body.func.id], *body.args)
    elif is_(body, ast.Add, ast.Sub):
        yield body.left  # type: ignore[attr-defined]
        yield ast.BinOp(body.left, ast.Sub() if is_(body, ast.Add) else ast.Add(), body.right)  # type: ignore[attr-defined]
    else:
        yield negative(body)


def cases(record: dict[str, Any], seed: int = 0) -> list[Case]:
    """Deterministic; empty for a record that numbers cannot decide."""
    try:
        maker = Maker(record, seed)
    except Unusable:
        return []
    found = {c.answer + c.layout + c.of: c for c in [*maker.right(), *maker.wrong()]}
    return list(found.values())
