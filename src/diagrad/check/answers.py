"""An answer checked: from its text to the verdict."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from diagrad.check.bench import Bench
from diagrad.check.diagnosis import Diagnosing, Diagnosis
from diagrad.check.edits import places
from diagrad.check.judge import Found, Judge
from diagrad.check.quantities import Match
from diagrad.check.reading import Work, read_answer
from diagrad.check.running import fits
from diagrad.check.saying import HINTS, SENTENCES, Case
from diagrad.check.verdict import Judged, Mistake, Verdict
from diagrad.dimensions import describe
from diagrad.errors import DerivationError, InternalError, ProblemError
from diagrad.expression import Apply, Expression, Symbol
from diagrad.recursion import deep_recursion
from diagrad.show import printed

if TYPE_CHECKING:
    from diagrad.problem import Problem

MOST_RIGHT = 8
UNKNOWN = "nothing is called "


def check_answer(
    problem: Problem,
    of: str,
    wrt: str | tuple[str, str],
    answer: str,
    order: int = 1,
    layout: str = "auto",
    strict: bool = False,
) -> Verdict:
    """The verdict on an answer. Raises ProblemError for one that is not in the language,
    DerivationError for a question that cannot be asked."""
    if order not in (1, 2):
        raise DerivationError(f"order is 1 or 2, not {order!r}")
    by = (wrt,) * order if isinstance(wrt, str) else tuple(wrt)
    if len(by) != order:
        raise DerivationError(f"order {order} needs {order} variables, not {by}")
    with deep_recursion():
        bench = Bench(problem, of, by, layout)
        work = _read(bench, answer)
        return Checking(bench, work, strict or layout != "auto").verdict()


def _read(bench: Bench, answer: str) -> Work:
    """The answer, where names of the derivation (δ₁, ∂J/∂h) may stand in it undefined."""
    known: list[tuple[str, Expression]] = []
    while True:
        try:
            return read_answer(answer, bench.source, known)
        except ProblemError as error:
            name = error.message.partition(UNKNOWN)[2].partition(";")[0]
            meant = _introduced(bench, name)
            if meant is None or name in dict(known):
                raise
            known.append((name, meant))


def _introduced(bench: Bench, name: str) -> Expression | None:
    """What a name of the derivation stands for: an adjoint."""
    below = re.fullmatch(r"d(\w+?)_d(\w+)", name)
    by = below[2] if below and below[1] in {bench.of, bench.restated.of} else ""
    delta = re.fullmatch(r"[dD]elta_?(\w+)", name)
    if delta:
        by = f"z{delta[1]}" if delta[1].isdigit() else delta[1]
    if len(bench.wrt) > 1 or by not in {*bench.source.variables, *bench.source.definitions}:
        return None
    try:
        again = type(bench.problem)(bench.source)
        return again.derive(bench.restated.of, by).result.expression
    except (DerivationError, InternalError):
        return None


class Checking:
    """One answer to one question, and what is said of it."""

    def __init__(self, bench: Bench, work: Work, strict: bool) -> None:
        self.bench, self.work = bench, work
        self.judge = Judge(bench, work, strict)
        self.names = bench.problem.names

    def verdict(self) -> Verdict:
        found = self.judge.final()
        if found.convention is None and found.undecided:
            return self._made("undecided", "rounding hides whether it is right", found)
        if found.convention is None:
            return self._wrong(found)
        contradicted = self.judge.contradicted()
        if contradicted is not None:
            return self._contradicted(contradicted, found)
        if found.convention != self.judge.allowed[0][0][0]:
            because = f"this is {self._asked} {found.convention.words}"
            return self._made("other-convention", because, found)
        elsewhere = self.judge.elsewhere()
        if elsewhere is not None:
            return self._elsewhere(*elsewhere, found)
        return self._made("correct", f"this is {self._asked}", found)

    @property
    def _asked(self) -> str:
        """∂J/∂x, printed."""
        of = self.bench.of if self.bench.of.isidentifier() else "f"
        shown = self.judge.quantities.shown
        if len(self.bench.wrt) == 1:
            return f"∂{shown(of)}/∂{shown(self.bench.wrt[0])}"
        a, b = (shown(name) for name in self.bench.wrt)
        return f"∂²{shown(of)}/∂{a}²" if a == b else f"∂²{shown(of)}/∂{a}∂{b}"

    def _elsewhere(self, index: int, match: Match, found: Found) -> Verdict:
        line = self.work.lines[index]
        assert match.factor is not None
        because = (
            f"this is {self._asked}; line {line.number} is {match.factor.text} times "
            f"{match.quantity.words}, which is made up for further down"
        )
        return self._made("other-convention", because, found)

    def _contradicted(self, index: int, found: Found) -> Verdict:
        line = self.work.lines[index]
        because = f"the last line is {self._asked}, but line {line.number} is not what it says"
        meant = self.judge.targets.meant(index)
        said = f"This is not {meant.words}." if meant else "These are not equal."
        mistake = Mistake("other", said, HINTS["other"])
        return self._made("incorrect", because, found, line.number, mistake)

    def _wrong(self, found: Found) -> Verdict:
        diagnosis = Diagnosing(self.judge).diagnosed()
        line = self.work.lines[diagnosis.line]
        mistake = self._mistake(diagnosis)
        because = f"this is not {self._asked}"
        if found.why:
            because = f"{because}: {found.why}"
        made = self._made("incorrect", because, found, line.number, mistake, diagnosis)
        return made

    def _mistake(self, diagnosis: Diagnosis) -> Mistake:
        line = self.work.lines[diagnosis.line]
        claim = line.claims[diagnosis.claim]
        case = Case(line=claim.text, misfit=claim.misfit.message if claim.misfit else "")
        if diagnosis.meant is not None:
            case = case._replace(meant=diagnosis.meant.words)
        elif diagnosis.line == self.judge.last:
            case = case._replace(meant=self._asked)
        if diagnosis.edit is not None:
            old, new = diagnosis.edit.old, diagnosis.edit.new
            case = case._replace(old=self._shown(old), new=self._shown(new))
        if diagnosis.ratio is not None:
            case = case._replace(ratio=diagnosis.ratio.text)
        if diagnosis.slip is not None:
            case = case._replace(about=diagnosis.slip.about)
        wanted = self.bench.formula
        if diagnosis.line == self.judge.last and wanted is not None:
            shape = claim.expression.shape
            if len(shape) == 2 and shape != wanted.expression.shape:
                case = case._replace(
                    shape=f"{describe(wanted.expression.shape)}, not {describe(shape)}"
                )
        repair = self._repair(diagnosis)
        said = SENTENCES[diagnosis.kind](case)
        return Mistake(diagnosis.kind, said, HINTS[diagnosis.kind], repair)

    def _repair(self, diagnosis: Diagnosis) -> str | None:
        if diagnosis.edit is None:
            return None
        line = self.work.lines[diagnosis.line]
        source = self._shown(diagnosis.edit.whole, "source")
        target = f"{self.work.shown(line.target)} = " if line.target else ""
        return target + source

    def _shown(self, expression: Expression, notation: str = "unicode") -> str:
        text = printed(expression, notation, self.names)
        for kept in self.work.quotients if notation == "source" else ():
            text = text.replace(kept, self.work.shown(kept))
        return text

    def _made(
        self,
        kind: str,
        because: str,
        found: Found,
        line: int | None = None,
        mistake: Mistake | None = None,
        diagnosis: Diagnosis | None = None,
    ) -> Verdict:
        wrong = kind == "incorrect"
        return Verdict(
            kind,
            because,
            line,
            mistake,
            self._right(diagnosis) if wrong else (),
            self._lines(diagnosis) if wrong else (),
            self._evidence(found),
            self.bench.formula.source if self.bench.formula else None,
        )

    def _evidence(self, found: Found) -> dict[str, Any]:
        points = self.bench.points
        evidence: dict[str, Any] = {
            "seed": self.bench.seed,
            "points": len(points),
            "sizes": points[0].sizes,
            "layout": self.bench.layout,
        }
        if found.convention is not None:
            evidence["convention"] = found.convention.name
        elif found.worst:
            evidence |= {"relative_error": float(f"{found.error:.3g}"), "worst": found.worst}
        return evidence

    def _lines(self, diagnosis: Diagnosis | None) -> list[Judged]:
        """What each line is: right, wrong, given, or right given the lines above it."""
        lines, judged = self.work.lines, []
        at = diagnosis.line if diagnosis else len(lines)
        for k, line in enumerate(lines):
            values = self.judge.values(k)
            match = self.judge.quantities.match(values) if values is not None else None
            if k == at:
                judged.append(Judged(line.number, line.text, "wrong"))
            elif match is not None:
                words = match.quantity.words + (" transposed" if match.transposed else "")
                judged.append(Judged(line.number, line.text, "right", words))
            elif k > at and diagnosis is not None and diagnosis.edit is not None:
                above = f"right, given line {lines[at].number}"
                judged.append(Judged(line.number, line.text, "follows", above))
            else:
                judged.append(Judged(line.number, line.text, "given"))
        return judged

    def _right(self, diagnosis: Diagnosis | None) -> Sequence[str]:
        """Parts of the wrong line that are quantities of the derivation, the largest last."""
        if diagnosis is None:
            return ()
        tree = self.work.lines[diagnosis.line].claims[diagnosis.claim].expression
        run = self.judge.looked_at
        found: dict[str, int] = {}
        for place in places(tree)[1:]:
            node = place.node
            if not isinstance(node, Apply) or isinstance(node, Symbol) or not fits(node):
                continue
            try:
                values = [r.evaluate(node, r.before(diagnosis.line)) for r in run]
            except Exception:
                continue
            among = self.judge.quantities.backward
            if self.judge.quantities.match(values, among) is not None:
                found[printed(node, "source", self.names)] = len(place.above)
        return sorted(found, key=len)[:MOST_RIGHT]
