"""What the checker says of a case, against what it deserves."""

import re
import time
import warnings
from typing import NamedTuple

from generated.check import limited

import diagrad as dg

from .trees import parsed
from .variants import Case
from .world import Lines, World, Worth

LIMIT = 30.0
QUOTIENT = re.compile(r"\b(d\w+)/(d\w+)")
RIGHT = ("correct", "other-convention")


class Found(NamedTuple):
    """The checker's verdict on a case, the kind, line and repair that it gives, and what is wrong
    with these: `fault` is empty where nothing is, `repaired` is None where no repair is offered."""

    case: Case
    verdict: str
    kind: str
    line: int | None
    repair: str
    repaired: bool | None
    seconds: float
    error: str = ""

    @property
    def fault(self) -> str:
        wrong = self.case.verdict == "incorrect"
        if self.error:
            return "error"
        if self.verdict == "undecided":
            return "undecided"
        if wrong != (self.verdict == "incorrect"):
            return "false acceptance" if wrong else "false rejection"
        if self.verdict != self.case.verdict:
            return "other verdict"
        if self.repaired is False:
            return "wrong repair"
        if wrong and self.kind not in self.case.kinds:
            return "kind"
        return "line" if wrong and self.line not in self.case.lines else ""


def judged(case: Case, world: World) -> Found:
    """Checks the case's answer; any exception is a finding."""
    start = time.process_time()
    try:
        with limited(LIMIT), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            problem = dg.parse(case.problem)
            verdict = problem.check(
                case.of, case.wrt, case.answer, case.order, case.layout, case.strict
            )
            mistake = verdict.mistake
    except Exception as error:
        seconds = time.process_time() - start
        return Found(case, "", "", None, "", None, seconds, f"{type(error).__name__}: {error}")
    seconds = time.process_time() - start
    kind, repair = (mistake.kind, mistake.repair or "") if mistake else ("", "")
    line = verdict.first_wrong_line
    fine = is_right(world, case.answer, line, repair) if repair else None
    return Found(case, verdict.kind, kind, line, repair, fine, seconds)


def is_right(world: World, answer: str, line: int | None, repair: str) -> bool:
    """Whether an answer is right by numbers, in some layout, once its line is repaired."""
    return worth_of(world, answer, line, repair).verdict in ("right", "layout", "close")


def worth_of(world: World, answer: str, line: int | None = None, repair: str = "") -> Worth:
    physical = answer.splitlines()
    if repair and line is not None:
        physical[line - 1] = repair
    try:
        return world.worth([link for text in physical for link in links(text)])
    except (SyntaxError, KeyError):
        return Worth("unclear")


def links(line: str) -> Lines:
    """The last of the equal expressions of a line, with the name left of them."""
    line = QUOTIENT.sub(r"\1_by_\2", line.split("#")[0])
    pieces = [p.strip() for p in at_equals(line)]
    if not any(pieces):
        return []
    named = len(pieces) > 1 and pieces[0].isidentifier()
    return [(pieces[0] if named else "", parsed(pieces[-1]))]


def at_equals(line: str) -> list[str]:
    """The line split at the = that stand in no brackets."""
    pieces, depth = [""], 0
    for k, c in enumerate(line):
        depth += (c in "([") - (c in ")]")
        alone = c == "=" and "=" not in line[k - 1 : k] + line[k + 1 : k + 2]
        if depth == 0 and alone:
            pieces.append("")
        else:
            pieces[-1] += c
    return pieces


def shown(found: Found) -> str:
    """A case in full, with what was expected and what came."""
    case = found.case
    asked = f"of={case.of!r} wrt={case.wrt!r} order={case.order} layout={case.layout!r}"
    asked += " strict" * case.strict
    expected = f"{case.verdict} {'|'.join(sorted(case.kinds))} line {sorted(case.lines)}"
    got = found.error or f"{found.verdict} {found.kind} line {found.line}"
    repair = f"\n  repair: {found.repair} (right: {found.repaired})" if found.repair else ""
    body = "\n".join(f"  | {line}" for line in case.problem.rstrip().splitlines())
    answer = "\n".join(f"  > {line}" for line in case.answer.splitlines())
    return (
        f"## {found.fault}: {case.id}\n{body}\n  {asked}\n{answer}\n"
        f"  expected: {expected} ({case.what})\n  got: {got}{repair}"
    )
