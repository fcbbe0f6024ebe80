"""From verdicts to their page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

from diagrad.check.verdict import HEADINGS, SIGNS
from diagrad.language.page import visible
from diagrad.operations.room import SUPERSCRIPT
from diagrad.pages import maths, words
from diagrad.pages.judged import CodeLine, Judgement, Line, Shown, Verdicts
from diagrad.pages.page import Given, Maths
from diagrad.pages.story import given
from diagrad.show import Names, printed

if TYPE_CHECKING:
    from diagrad.check.sheet import Sheet
    from diagrad.check.verdict import Judged, Verdict
    from diagrad.expression import Expression

LINE_SIGNS = SIGNS | {"open": "?"}
FLOAT = re.compile(r"\b(\d+(?:\.\d+)?)e([-+]?\d+)\b")
MINUS = re.compile(r"(?<![\w)])-(?=\d)")
RAISED = re.compile(r"(the function raised )(.*)", re.DOTALL)


def page(
    verdicts: Sequence[Verdict], hint: bool = False, show_answer: bool = False, code: str = ""
) -> Verdicts:
    sheets = [verdict.sheet for verdict in verdicts]
    known = [sheet for sheet in sheets if sheet is not None]
    judgements = tuple(
        _judgement(verdict, sheet, hint, show_answer)
        for verdict, sheet in zip(verdicts, sheets, strict=True)
    )
    wrong = {verdict.first_wrong_line for verdict in verdicts}
    lines = enumerate(map(visible, code.rstrip().split("\n") if code.strip() else ()), 1)
    listed = tuple(CodeLine(number, text, number in wrong) for number, text in lines)
    told = Verdicts(judgements, listed)
    if len({_defined(sheet) for sheet in known}) <= 1 or not all(sheet.call for sheet in known):
        return told._replace(given=_given(known) if known else None)
    each = (_given([sheet]) if sheet else None for sheet in sheets)
    apart = (j._replace(given=g) for j, g in zip(judgements, each, strict=True))
    return told._replace(judgements=tuple(apart))


def _defined(sheet: Sheet) -> tuple[object, ...]:
    return tuple((name, d.expression) for name, d in sheet.source.definitions.items())


def _given(sheets: Sequence[Sheet]) -> Given:
    """The problem, as far as one of the questions is about it; where they do not name its parts
    alike, as it was stated."""
    first = sheets[0]
    alike = len({_defined(sheet) for sheet in sheets}) == 1
    source = first.source if alike else first.problem.source
    wanted = {first.of, *(name for sheet in sheets for name in sheet.wrt)}
    for name in wanted & source.definitions.keys():
        wanted |= source.needed(source.definitions[name].expression)
    if first.of not in source.definitions:
        wanted |= source.names
    remarks = {name: "the variable here" for sheet in sheets for name in sheet.wrt}
    return given(source, first.names, [n for n in source.names if n in wanted], remarks)


def _judgement(verdict: Verdict, sheet: Sheet | None, hint: bool, show: bool) -> Judgement:
    raised = RAISED.fullmatch(verdict.because)
    because, quoted = raised.groups() if raised else (verdict.because, "")
    mistake = verdict.mistake
    found = Judgement(
        _asked(sheet) if sheet else None,
        verdict.kind,
        HEADINGS[verdict.kind].capitalize(),
        because.strip(),
        visible(" ".join(quoted.split())),
        evidence=tuple(_evidence(verdict)),
        question=_question(sheet) if sheet and sheet.call else "",
    )
    if mistake is not None:
        said = in_powers(mistake.hint if hint else mistake.message)
        found = found._replace(where=verdict.where, message=said)
        if mistake.repair and not hint:
            repair = _shown(sheet, sheet.repair if sheet else (), mistake.repair)
            found = found._replace(repair=repair)
    if not verdict.is_right:
        found = found._replace(right=tuple(_right(verdict, sheet)))
    if show and verdict.answer:
        found = found._replace(derivative=_derivative(sheet, verdict.answer))
    return found._replace(lines=tuple(_lines(verdict, sheet)))


def _derivative(sheet: Sheet | None, source: str) -> Shown:
    if sheet is None or sheet.derivative is None:
        return Shown(None, source)
    return Shown(_claimed(_asked(sheet), _equation([sheet.derivative], sheet.names)), source)


def _asked(sheet: Sheet) -> Maths:
    if len(sheet.wrt) == 1:
        return maths.derivative(sheet.names, sheet.of, sheet.wrt[0])
    return maths.second_derivative(sheet.names, sheet.of, sheet.wrt, ["", ""])


def _question(sheet: Sheet) -> str:
    """What was asked of an answer: the derivative, its shape, the layout."""
    derivative = _asked(sheet)("unicode")
    layout = f"in the {sheet.layout} layout" + (", and in no other" if sheet.strict else "")
    if sheet.derivative is None:
        return f"{derivative}, {layout}"
    shape = words.shape_words(sheet.derivative.shape, sheet.names)
    return f"{derivative}, {shape}, {layout}" if shape != "scalar" else f"{derivative}, a scalar"


def _equation(sides: Sequence[Expression], names: Names) -> Maths:
    return lambda style: " = ".join(printed(side, style, names) for side in sides)


def _shown(sheet: Sheet | None, sides: Sequence[Expression], source: str) -> Shown:
    return Shown(_equation(sides, sheet.names) if sheet and sides else None, source)


def _right(verdict: Verdict, sheet: Sheet | None) -> Iterator[Shown]:
    parts = sheet.right if sheet and len(sheet.right) == len(verdict.right) else ()
    for k, text in enumerate(verdict.right):
        yield _shown(sheet, parts[k : k + 1], text)


def _lines(verdict: Verdict, sheet: Sheet | None) -> Iterator[Line]:
    """The lines with what they are; of one line that is wrong, and not repaired, too."""
    pairs = sheet.lines if sheet else tuple((judged, ()) for judged in verdict.lines)
    for judged, sides in pairs:
        shown = _equation(sides, sheet.names) if sheet and sides else None
        if sheet and shown and len(sides) == 1 and len(pairs) == 1:
            shown = _claimed(_asked(sheet), shown)
        status, said = judged.status, _words(judged)
        text = visible(judged.text)
        yield Line(LINE_SIGNS[status], judged.number, shown, text, status, said)


def _claimed(asked: Maths, shown: Maths) -> Maths:
    """∂J/∂x = …"""
    return lambda style: f"{asked(style)} = {shown(style)}"


def _words(judged: Judged) -> str:
    match judged.status:
        case "wrong":
            return "wrong"
        case "given":
            return "an intermediate of its own"
        case "right":
            return f"right: {judged.words}" if judged.words else "right"
    return judged.words


def _evidence(verdict: Verdict) -> Iterator[str]:
    """How it was compared, and what came of it."""
    found = verdict.evidence
    if not found:
        return
    sizes = ", ".join(f"{name} = {size}" for name, size in found.get("sizes", {}).items())
    where = f", the first with {sizes}" if sizes else ""
    yield f"Compared at {found['points']} random points (seed {found['seed']}){where}"
    if "convention" in found or verdict.is_right:
        yield "The value is equal to the derivative up to rounding"
    elif isfinite(found.get("relative_error", inf)):
        yield from _apart(found)
    else:
        yield "No entry could be compared with one of the derivative"
    if "ratio" in found:
        yield f"It is {found['ratio']} times what is right, at all of them"


def _apart(found: Mapping[str, Any]) -> Iterator[str]:
    said = f"The relative error is {found['relative_error']:.2g} at most"
    yield in_powers(said + (f": {found['worst']}" if found.get("worst") else ""))


def in_powers(sentence: str) -> str:
    """1.2 · 10⁻⁹ for 1.2e-09, and −2 for -2."""

    def power(match: re.Match[str]) -> str:
        return f"{match[1]} · 10{str(int(match[2])).translate(SUPERSCRIPT)}"

    return MINUS.sub("−", FLOAT.sub(power, sentence))
