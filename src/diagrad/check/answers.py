"""An answer checked: from its text to the verdict."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from diagrad.check.bench import Bench
from diagrad.check.bounds import check_bounds
from diagrad.check.branches import scales
from diagrad.check.diagnosis import Diagnosing, Diagnosis
from diagrad.check.judge import Found, Judge
from diagrad.check.parts import judged_lines, right_parts
from diagrad.check.places import places
from diagrad.check.quantities import Match
from diagrad.check.reading import NOWHERE, Claim, Work, read_answer
from diagrad.check.running import fits
from diagrad.check.saying import HINTS, SENTENCES, Case, Link
from diagrad.check.sheet import answered
from diagrad.check.verdict import Mistake, Verdict
from diagrad.dimensions import describe
from diagrad.errors import DerivationError, ProblemError
from diagrad.expression import Apply, Expression, Symbol
from diagrad.operations.room import ShapeError
from diagrad.recursion import deep_recursion
from diagrad.request import variables_of
from diagrad.show import printed

if TYPE_CHECKING:
    from diagrad.problem import Problem

# Kinds whose sentence is about the whole answer.
SPECIAL = frozenset({"fused-identity", "special-case", "scalar-rule"})
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
    if not isinstance(wrt, str | tuple):
        raise DerivationError(f"wrt is a name or a pair of names, not {wrt!r}")
    by = variables_of(problem, wrt, order)
    with deep_recursion(), np.errstate(all="ignore"):
        bench = Bench(problem, of, by, layout)
        work = _read(bench, answer)
        bench.scales = _scales(bench, work)
        for point in bench.points:
            check_bounds(work.lines, point.sizes)
        return Checking(bench, work, strict or layout != "auto").verdict()


def _scales(bench: Bench, work: Work) -> list[float]:
    """Magnitudes of variables at which the problem or the answer may do something else."""
    answer = [claim.expression for line in work.lines for claim in line.claims]
    return scales([*bench.expressions, *answer])


def _read(bench: Bench, answer: str) -> Work:
    """The answer, where names of the derivation (δ₁, ∂J/∂h) may stand in it undefined."""
    known: list[tuple[str, Expression]] = []
    while True:
        try:
            return read_answer(answer, bench.source, known)
        except ProblemError as error:
            name = error.message.partition(UNKNOWN)[2].partition(";")[0].replace("/", "_")
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
    if by == bench.wrt[0]:
        raise ProblemError(f"the answer uses d{bench.called}/d{by}, which is what is asked for")
    return bench.derivative(by)


class Checking:
    """One answer to one question, and what is said of it."""

    def __init__(self, bench: Bench, work: Work, strict: bool) -> None:
        self.bench, self.work = bench, work
        self.judge = Judge(bench, work, strict)
        self.names = bench.problem.names

    def verdict(self) -> Verdict:
        found = self.judge.final()
        if found.convention is None and found.undecided:
            return self._made("undecided", found.why, found)
        if found.convention is None:
            return self._wrong(found)
        contradicted = self.judge.contradicted()
        if contradicted is not None:
            return self._contradicted(contradicted, found)
        if found.convention != self.judge.allowed[0][0][0]:
            because = f"this is {self.asked} {found.convention.words}"
            return self._made("other-convention", because, found)
        elsewhere = self.judge.elsewhere()
        if elsewhere is not None:
            return self._elsewhere(*elsewhere, found)
        return self._made("correct", f"this is {self.asked}", found)

    @property
    def asked(self) -> str:
        """∂J/∂x, printed."""
        quantities = self.judge.quantities
        if len(set(self.bench.wrt)) == len(self.bench.wrt):
            return quantities.derivative(self.bench.wrt[-1])
        return f"∂²{quantities.shown(self.bench.called)}/∂{quantities.shown(self.bench.wrt[0])}²"

    def _elsewhere(self, index: int, match: Match, found: Found) -> Verdict:
        line = self.work.lines[index]
        assert match.factor is not None
        because = (
            f"this is {self.asked}; line {line.number} is {match.factor.text} times "
            f"{match.quantity.words}, which is made up for further down"
        )
        return self._made("other-convention", because, found)

    def _contradicted(self, index: int, found: Found) -> Verdict:
        line = self.work.lines[index]
        because = f"the value is {self.asked}, but line {line.number} is not what it says"
        stated = self.judge.targets.restated(index)
        meant = self.judge.targets.stands_for(index, certain=True)
        said = f"This is not {meant.words}." if meant else "Its sides are not equal."
        kind = "forward" if stated else "other"
        mistake = Mistake(kind, said, HINTS[kind])
        diagnosis = Diagnosis(index, "other")
        return self._made("incorrect", because, found, line.number, mistake, diagnosis)

    def _wrong(self, found: Found) -> Verdict:
        convention = self.judge.otherwise()
        if convention is not None:
            number = self.work.lines[self.judge.last].number
            said = f"This is {self.asked} {convention.words}; it was to be in the "
            said += f"{self.bench.layout} layout."
            mistake = Mistake("other-layout", said, HINTS["other-layout"])
            return self._made("incorrect", f"this is not {self.asked}", found, number, mistake)
        diagnosis = Diagnosing(self.judge).diagnosed()
        line = self.work.lines[diagnosis.line]
        mistake = self._mistake(diagnosis, found)
        because = f"this is not {self.asked}"
        if found.why and line.claims[diagnosis.claim].misfit is None:
            because = f"{because}: {found.why}"
        return self._made("incorrect", because, found, line.number, mistake, diagnosis)

    def _mistake(self, diagnosis: Diagnosis, found: Found) -> Mistake:
        line = self.work.lines[diagnosis.line]
        claim = line.claims[diagnosis.claim]
        case = Case(misfit=self._misfit(claim), meant=self._meant(diagnosis))
        case = case._replace(difference=self._difference(diagnosis, claim, found))
        if diagnosis.edit is not None:
            old, new = diagnosis.edit.old, diagnosis.edit.new
            shown = self._shown(old), self._shown(self.written(new))
            if diagnosis.edit.kind == "missing-term":
                case = case._replace(absent=shown[1])
            elif diagnosis.edit.kind == "extra-factor":
                case = case._replace(extra=shown[0])
            elif diagnosis.kind not in SPECIAL or diagnosis.edit.kind in SPECIAL:
                case = case._replace(old=shown[0], new=shown[1])
            case = case._replace(shapes=_shapes(old, new), link=self._link(diagnosis))
        if diagnosis.ratio is not None:
            case = case._replace(ratio=diagnosis.ratio.text)
        if diagnosis.slip is not None:
            use = diagnosis.slip.use
            about = self._shown(self.written(use.node))
            case = case._replace(about=about, link=self._slope_of(use.node))
        if diagnosis.line == self.judge.last:
            case = case._replace(chain=self.judge.quantities.chain)
        said = SENTENCES[diagnosis.kind](case)
        return Mistake(diagnosis.kind, said, HINTS[diagnosis.kind], self._repair(diagnosis))

    def _meant(self, diagnosis: Diagnosis) -> str:
        if diagnosis.meant is not None:
            return diagnosis.meant.words
        return self.asked if diagnosis.line == self.judge.last else ""

    def _misfit(self, claim: Claim) -> str:
        """Why the shapes do not fit: for a product, which product does not exist."""
        if claim.misfit is None:
            return ""
        for place in reversed(places(claim.expression)):
            node = place.node
            if isinstance(node, Apply) and node.shape == NOWHERE and node.operation.name == "@":
                a, b = (operand.shape for operand in node.operands)
                if len(a) == len(b) == 2:
                    return f"The product does not exist: ({describe(a)})({describe(b)})"
        why = self._unfitting(claim) or claim.misfit.message.partition("; did you mean")[0]
        return why[:1].upper() + why[1:]

    def _unfitting(self, claim: Claim) -> str:
        """What an operation says of the operands that do not fit it, printed as elsewhere."""
        nodes = [place.node for place in places(claim.expression) if not fits(place.node)]
        for node in nodes:
            if not isinstance(node, Apply) or not all(map(fits, node.operands)):
                continue
            try:
                node.operation.shape([o.shape for o in node.operands], node.parameters)
            except ShapeError as error:
                said = str(error)
                for k, o in enumerate(node.operands):
                    said = said.replace(f"{{{k}}}", f"{self._shown(o)} ({describe(o.shape)})")
                return said
        return ""

    def _difference(self, diagnosis: Diagnosis, claim: Claim, found: Found) -> str:
        """How far the line is from what it should be."""
        wanted = self.bench.formula
        shape = claim.expression.shape
        if diagnosis.line != self.judge.last or len(shape) != 2 or wanted is None:
            return ""
        if shape != wanted.expression.shape:
            return f": it is {describe(shape)} and should be {describe(wanted.expression.shape)}"
        return f": at a random point {found.worst}" if found.worst else ""

    def _link(self, diagnosis: Diagnosis) -> Link | None:
        """The function whose slope is a factor of what an edit changed, or what it brought in."""
        edit = diagnosis.edit
        if edit is None or diagnosis.kind not in ("hadamard-matmul", "missing-link"):
            return None
        parts: list[Expression] = [edit.old]
        if diagnosis.kind == "hadamard-matmul" and isinstance(edit.old, Apply):
            parts = list(edit.old.operands)
        for part in parts:
            values = self.judge.values_of(diagnosis.line, part)
            if values is None:
                continue
            slopes = [q for q in self.judge.quantities.slopes if q.expression is not None]
            match = self.judge.quantities.match(values, slopes)
            if match is not None and match.quantity.use is not None:
                return self._slope_of(match.quantity.use.node)
        return None

    def _slope_of(self, node: Apply) -> Link | None:
        quantities = self.judge.quantities
        slope = next((q for q in quantities.slopes if q.use and q.use.node is node), None)
        if slope is None or slope.expression is None:
            return None
        value, argument = quantities.named(node), quantities.named(node.operands[0])
        formula = printed(node, "unicode", self.names)
        sizes = [size for size in node.shape if size.number != 1]
        size = f"{sizes[0]}×{sizes[0]}" if len(sizes) == 1 else ""
        return Link(value, formula, argument, self._shown(slope.expression), size)

    def _repair(self, diagnosis: Diagnosis) -> str | None:
        if diagnosis.edit is None:
            return None
        line = self.work.lines[diagnosis.line]
        whole = diagnosis.edit.whole
        if isinstance(whole, Symbol) and whole.name == line.target:
            return None
        source = self._shown(self.written(whole), "source")
        target = f"{self.work.shown(line.target)} = " if line.target else ""
        repair = target + source
        return repair if self._is_right(diagnosis.line, repair) else None

    def written(self, expression: Expression) -> Expression:
        """The expression in names of the problem and of the answer."""
        return self.judge.in_problem(expression)

    def _is_right(self, index: int, repair: str) -> bool:
        """Whether the answer is right with a line replaced, read again as it will be."""
        texts = [line.text for line in self.work.lines]
        texts[index] = repair
        try:
            work = _read(self.bench, "\n".join(texts))
            again = Judge(self.bench, work, self.judge.strict)
            return again.final().convention is not None and again.contradicted() is None
        except ProblemError:
            return False

    def _shown(self, expression: Expression, notation: str = "unicode") -> str:
        text = printed(expression, notation, self.names)
        for kept in self.work.quotients:
            written = self.work.shown(kept)
            text = text.replace(kept, written if notation == "source" else _partial(written))
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
        lines = judged_lines(self.judge, diagnosis, wrong) if wrong else []
        parts = right_parts(self.judge, diagnosis) if diagnosis else []
        return Verdict(
            kind,
            because,
            line,
            mistake,
            list(dict.fromkeys(self._shown(part, "source") for part in parts)),
            lines,
            self._evidence(found, diagnosis),
            self.bench.formula.source if self.bench.formula else None,
            partial(answered, self, diagnosis, lines, kind),
        )

    def _evidence(self, found: Found, diagnosis: Diagnosis | None) -> dict[str, Any]:
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
        if diagnosis is not None and diagnosis.ratio is not None:
            evidence["ratio"] = diagnosis.ratio.text
        return evidence


def _shapes(old: Expression, new: Expression) -> str:
    """The shapes before and after, where they differ."""
    if len(old.shape) != 2 or len(new.shape) != 2 or old.shape == new.shape:
        return ""
    return f" The one is {describe(old.shape)}, the other {describe(new.shape)}."


def _partial(quotient: str) -> str:
    """∂J/∂h of dJ/dh."""
    above, _, below = quotient.partition("/")
    return f"∂{above[1:]}/∂{below[1:]}"
