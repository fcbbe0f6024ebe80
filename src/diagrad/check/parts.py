"""What the lines of an answer are, and the parts of a wrong one."""

from __future__ import annotations

from dataclasses import replace

from diagrad.check.diagnosis import Diagnosis
from diagrad.check.judge import Judge
from diagrad.check.places import places
from diagrad.check.running import fits
from diagrad.check.verdict import Judged
from diagrad.expression import Apply, Expression
from diagrad.show import printed

MOST_RIGHT = 8


def judged_lines(judge: Judge, diagnosis: Diagnosis | None, wrong: bool = False) -> list[Judged]:
    """What each line is: right, wrong, given, or right given the lines above it."""
    at = diagnosis.line if diagnosis else judge.last if wrong else None
    lines = [_judged(judge, k, k == at) for k in range(len(judge.lines))]
    if diagnosis is None or diagnosis.edit is None:
        return lines
    above = f"right, given line {lines[diagnosis.line].number}"
    return [
        replace(line, status="follows", words=above)
        if k > diagnosis.line and line.status == "given"
        else line
        for k, line in enumerate(lines)
    ]


def _judged(judge: Judge, k: int, wrong: bool) -> Judged:
    number, text = judge.lines[k].number, judge.lines[k].text
    if wrong:
        return Judged(number, text, "wrong")
    values = judge.values(k)
    match = judge.quantities.match(values) if values is not None else None
    if match is None:
        return Judged(number, text, "given")
    words = match.quantity.words + (" transposed" if match.transposed else "")
    return Judged(number, text, "right", words)


def right_parts(judge: Judge, diagnosis: Diagnosis) -> list[Expression]:
    """Parts of the wrong line that are quantities of the derivation, the largest last."""
    tree = judge.lines[diagnosis.line].claims[diagnosis.claim].expression
    found: dict[str, Expression] = {}
    for place in places(tree)[1:]:
        if not isinstance(place.node, Apply) or not fits(place.node):
            continue
        values = judge.values_of(diagnosis.line, place.node)
        among = judge.quantities.backward
        if values is not None and judge.quantities.match(values, among) is not None:
            found[printed(place.node, "source", judge.bench.problem.names)] = place.node
    return [found[text] for text in sorted(found, key=len)[:MOST_RIGHT]]
