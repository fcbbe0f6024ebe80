"""What making the cases of one record needs, right or wrong."""

import ast
import random
from collections.abc import Collection
from typing import Any, NamedTuple

from .rewriting import RULES, twice
from .several import derivative_name
from .trees import name, names_in, parsed, parts, replaced, swapped, text
from .world import Lines, World

LONGEST = 500
REMARKS = ("# the backward pass", "", "# chain rule")
VERDICTS = {"right": "correct", "layout": "other-convention"}


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
    strict: bool = False


class Maker:
    """A record, its answer at points, and one source of chance for all that is made of it."""

    def __init__(self, record: dict[str, Any], seed: int) -> None:
        self.record = record
        self.rng = random.Random(f"{record['id']} {seed}")
        self.world = World(record, seed)
        self.of = record["of"] if record["of"].isidentifier() else self._title()

    def _title(self) -> str:
        """A name for what is differentiated, where it has none and one is free; else nothing."""
        known = {*self.world.points[0][0].values, *self.world.problem.functions}
        scalar = self.world.points[0][1].shape[:2] == (1, 1)
        return next((n for n in ("J", "L", "loss") if scalar and n not in known), "")

    @property
    def quotient(self) -> str:
        return f"d{self.of}/d{self.world.wrt}"

    def right(self, answer: str, verdict: str, what: str, titled: bool = False) -> Case:
        """`titled`: the answer uses the name of what is differentiated, so the problem says it."""
        problem, of = self.record["problem"], self.record["of"]
        if titled and self.of != of:
            problem, of = f"{problem.rstrip()}\n{self.of} = {of}\n", self.of
        number = f"{self.record['id']}/{what.replace(' ', '-')}"
        wrt, order = self.record["wrt"], self.record["order"]
        return Case(number, problem, of, wrt, order, "auto", answer, verdict, what=what)

    def wrong(
        self,
        answer: str,
        what: str,
        kinds: Collection[str],
        lines: Collection[int],
        titled: bool = False,
    ) -> Case:
        case = self.right(answer, "incorrect", what, titled)
        return case._replace(kinds=frozenset(kinds), lines=frozenset(lines))

    def verdict(self, lines: Lines) -> str:
        """The verdict of right lines; empty for others."""
        return VERDICTS.get(self.world.worth(lines).verdict, "")

    def heading(self) -> tuple[str, bool]:
        """What stands left of the last line, often nothing; and whether it names what is
        differentiated."""
        if self.record["order"] > 1 or self.rng.random() < 0.5:
            return "", False
        if self.of and self.rng.random() < 0.5:
            return self.quotient, True
        return derivative_name(self.world, "", self.world.wrt), False

    def rewritten(self, node: ast.expr, steps: int) -> tuple[ast.expr, list[str]]:
        """The answer after some steps that change no value, and the names of these."""
        done: list[str] = []
        for _ in range(40):
            if len(done) == steps:
                break
            rule = self.rng.choice(RULES)
            if rule is twice and self.rng.random() < 0.8:
                continue
            seen = self.world.recorded(node)

            def shape(part: ast.AST, seen: dict = seen) -> tuple[int, ...]:
                found = seen.get(id(part))
                return (1, 1) if found is None else found.shape[1:]

            place, part = self.rng.choice(list(parts(node)))
            found = list(rule(part, shape))
            new = replaced(node, place, self.rng.choice(found)) if found else node
            if self.is_news(node, new):
                node = new
                done.append(rule.__name__)
        return node, done

    def is_news(self, old: ast.expr, new: ast.expr) -> bool:
        """Whether it is right too, of a length to read, and not the same."""
        source = text(new)
        return source != text(old) and len(source) < LONGEST and bool(self.verdict([("", new)]))

    def dressed(self, case: Case) -> Case:
        """The answer with the spaces, blank lines and remarks of another hand."""
        answer, at = case.answer, case.lines
        if self.rng.random() < 0.2 and "einsum" not in answer:
            answer = answer.replace(" @ ", "@").replace(" * ", "*").replace(" ** ", "**")
        lines = answer.splitlines()
        if len(lines) > 1 and self.rng.random() < 0.3:
            k = self.rng.randrange(len(lines))
            lines.insert(k, self.rng.choice(REMARKS))
            at = frozenset(n + (n > k) for n in at)
        if self.rng.random() < 0.05:
            lines[-1] += "  # done"
        return case._replace(answer="\n".join(lines), lines=at)

    def inlined(self, node: ast.expr) -> ast.expr:
        """With some definitions in place of their names."""
        bodies = self.world.problem.definitions
        used = sorted(n for n in names_in(node) & set(bodies) if n != self.world.wrt)
        for n in self.rng.sample(used, self.rng.randint(1, len(used))) if used else ():
            node = swapped(node, name(n), parsed(bodies[n]))
        return node
