"""Verdicts as people read them: LaTeX, Markdown, HTML, Typst, PDF, notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from diagrad.pages import marked
from diagrad.pages.judged import Judgement, Verdicts
from diagrad.pages.judging import page

if TYPE_CHECKING:
    from diagrad.check import FunctionVerdict, Verdict


def latex(
    verdicts: Sequence[Verdict],
    hint: bool = False,
    show_answer: bool = False,
    document: bool = False,
    code: str = "",
) -> str:
    """LaTeX blocks; with `document` a complete article."""
    body = drawn(marked.Marked(), page(verdicts, hint, show_answer, code))
    return marked.document(body) if document else body


def markdown(
    verdicts: Sequence[Verdict], hint: bool = False, show_answer: bool = False, code: str = ""
) -> str:
    """Markdown with formulas in $ and $$, as GitHub reads them."""
    return drawn(marked.Markdown(), page(verdicts, hint, show_answer, code))


def html(
    verdicts: Sequence[Verdict], hint: bool = False, show_answer: bool = False, code: str = ""
) -> str:
    """A page for a browser, in one file that needs nothing else."""
    from diagrad.pages import web_verdicts

    return web_verdicts.document(page(verdicts, hint, show_answer, code))


def typst(
    verdicts: Sequence[Verdict], hint: bool = False, show_answer: bool = False, code: str = ""
) -> str:
    """A document of Typst, which makes a PDF of it."""
    from diagrad.pages import typeset

    told = page(verdicts, hint, show_answer, code)
    return typeset.document(drawn(typeset.Typst(), told), told.title, "Checking")


def pdf(verdicts: Sequence[Verdict], hint: bool = False, show_answer: bool = False) -> bytes:
    """Likewise, as a PDF. Raises DerivationError where Typst is not installed."""
    from diagrad.pages import typeset

    return typeset.pdf(typst(verdicts, hint, show_answer))


def notebook(verdicts: Sequence[Verdict], hint: bool = False, show_answer: bool = False) -> str:
    """A Jupyter notebook that has the problem, the answer, the verdicts, and how to check it
    again."""
    from diagrad.pages import ipynb

    told, sheets = page(verdicts, hint, show_answer), [verdict.sheet for verdict in verdicts]
    known = [sheet for sheet in sheets if sheet is not None]
    writer = marked.Markdown()
    given = drawn(writer, told._replace(judgements=())) if told.given else ""
    found = drawn(writer, told._replace(given=None), told.names)
    problem, answer = known[0].problem.source.text, known[0].text
    return ipynb.checked(problem, given, answer, found, [sheet.call for sheet in known])


def bundle(verdict: Verdict) -> dict[str, str]:
    """What a notebook shows of a verdict: all but what is given, and the evidence."""
    return {"text/plain": verdict.text()} | _displayed(page([verdict]))


def function_bundle(found: FunctionVerdict) -> dict[str, str]:
    """What a notebook shows of the verdict on a function, with the function's text."""
    told = page(list(found.verdicts.values()), code=found.code)
    return {"text/plain": found.text()} | _displayed(told)


def _displayed(told: Verdicts) -> dict[str, str]:
    """Markdown, as of derivations."""
    brief = tuple(j._replace(question="", evidence=(), given=None) for j in told.judgements)
    shown = told._replace(judgements=brief, given=None)
    return {"text/markdown": drawn(marked.Display(), shown, told.names)}


def drawn(writer: marked.Marked, told: Verdicts, names: frozenset[str] | None = None) -> str:
    writer.names = told.names if names is None else names
    return "\n".join(_drawn(writer, told)) + "\n"


def _drawn(writer: marked.Marked, told: Verdicts) -> Iterator[str]:
    for judgement in told.judgements:
        if judgement.asked is not None and len(told.judgements) > 1:
            yield writer.heading(writer.inline(judgement.asked))
        yield from _judgement(writer, judgement)
        if judgement.given is not None:
            yield from writer.given(judgement.given)
    if told.code:
        yield writer.paragraph(writer.strong("The function:"))
        yield writer.listing(told.code)
    if told.given is not None:
        yield from writer.given(told.given)


def _judgement(writer: marked.Marked, told: Judgement) -> Iterator[str]:
    say, strong = writer.say, writer.strong
    quoted = f" {writer.code(told.quoted)}" if told.quoted else ""
    stop = "" if told.quoted else "."
    yield writer.paragraph(f"{strong(f'{told.said}:')} {say(told.because)}{quoted}{stop}")
    if told.message:
        where = f"{strong(told.where.strip())} " if told.where else ""
        yield writer.paragraph(where + say(told.message))
    if told.repair is not None:
        shown = told.repair.maths
        yield writer.paragraph(strong("Repair:") + (f" {writer.inline(shown)}" if shown else ""))
        yield writer.paragraph(writer.code(told.repair.source))
    if told.right:
        parts = (writer.inline(r.maths) if r.maths else writer.code(r.source) for r in told.right)
        yield writer.paragraph(f"{strong('Right so far:')} {', '.join(parts)}")
    if told.lines:
        yield writer.paragraph(strong("The answer:"))
        yield writer.lines(told.lines)
    if told.derivative is not None:
        shown = told.derivative.maths
        known = writer.inline(shown) if shown else writer.code(told.derivative.source)
        yield writer.paragraph(f"{strong('The derivative:')} {known}")
    if told.question:
        yield writer.paragraph(f"{strong('Asked:')} {say(told.question)}.")
    if told.evidence:
        yield writer.paragraph(f"{strong('Evidence:')} {say('. '.join(told.evidence))}.")
