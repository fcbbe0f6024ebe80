"""Verdicts as a page for a browser: one file, complete without script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from diagrad.pages.judged import CodeLine, Judgement, Line, Shown, Verdicts
from diagrad.pages.marked import gutter
from diagrad.pages.symbols import Symbols
from diagrad.pages.web import Web, whole

# What may be wider than the screen is reached by the keyboard.
SCROLLS = ' tabindex="0"'


def document(told: Verdicts) -> str:
    """The verdicts as one document."""
    symbols = Symbols([(given,) for given in told.all_given])
    said = "; ".join(dict.fromkeys(j.said.lower() for j in told.judgements))
    body = "".join(WebVerdicts(told, symbols).main())
    return whole(f"{told.title}: {said}", body, symbols, "Checked by Diagrad.")


class WebVerdicts(Web):
    """The HTML of the page."""

    def __init__(self, told: Verdicts, symbols: Symbols) -> None:
        super().__init__((), symbols, "v", "")
        self.names = told.names
        self.told, self.alone = told, len(told.judgements) == 1

    def main(self) -> Iterator[str]:
        told = self.told
        asked = [j.asked for j in told.judgements if j.asked]
        title = self._listed(asked) if asked else "an answer"
        first = "".join(self.verdict(told.judgements[0])) if self.alone else ""
        yield f"<header><h1>Checking {title}</h1>{first}</header>\n"
        for number, judgement in enumerate(told.judgements, 1):
            self.prefix = f"v{number}"
            if self.alone:
                yield from self.judgement(judgement)
            elif judgement.asked is not None:
                heading = escape(judgement.asked("unicode"))
                yield self._section("asked", heading, self._told(judgement))
        self.prefix = "v"
        if told.code:
            yield self._section("code", "The function", self.listing(told.code))
        if told.given is not None:
            yield self._section("given", "Given", self.given(told.given))

    def _told(self, judgement: Judgement) -> Iterator[str]:  # type: ignore[override]
        yield from self.verdict(judgement)
        yield from self.judgement(judgement)
        if judgement.given is not None:
            yield self._part("given", "Given", self.given(judgement.given))

    def verdict(self, told: Judgement) -> Iterator[str]:
        quoted = f" <code>{escape(told.quoted)}</code>" if told.quoted else ""
        because = self.say(told.because + ("" if told.quoted else "."))
        yield f'<p class="verdict {told.kind}"><b>{told.said}</b>: {because}{quoted}</p>\n'

    def judgement(self, told: Judgement) -> Iterator[str]:
        if told.message:
            yield self._part("mistake", "The mistake", self.mistake(told))
        if told.lines:
            yield self._part("answer", "The answer", self.lines(told.lines))
        if told.right:
            parts = "".join(f"<li>{self.shown(part)}</li>" for part in told.right)
            yield self._part(
                "right", "Right so far", [f'<ul class="parts"{SCROLLS}>{parts}</ul>\n']
            )
        if told.derivative is not None:
            group = f'class="formula"{SCROLLS} role="group" aria-label="The derivative"'
            formula = f"<div {group}>{self.shown(told.derivative)}</div>\n"
            yield self._part("result", "The derivative", [formula])
        compared = list(self.evidence(told))
        if self.alone and compared:
            yield self._part("compared", "How it was compared", compared)
        else:
            yield from compared

    def _part(self, name: str, words: str, inner: Sequence[str] | Iterator[str]) -> str:
        """A section; of several verdicts a part of one."""
        if self.alone:
            return self._section(name, words, iter(inner))
        heading = f'<h3 id="{self.prefix}-{name}">{words}</h3>'
        return f'<div class="{name}">\n{heading}\n{"".join(inner)}</div>\n'

    def mistake(self, told: Judgement) -> Iterator[str]:
        where = f"<b>{escape(told.where.strip())}</b> " if told.where else ""
        yield f'<p class="message">{where}{self.say(told.message)}</p>\n'
        if told.repair is not None:
            label = '<p class="lead">The smallest repair:</p>'
            source = f"<pre><code>{escape(told.repair.source)}</code></pre>"
            shown = told.repair.maths
            drawn = f'<p class="formula">{self.symbols.drawn(shown("shaped"))}</p>' if shown else ""
            yield f'<div class="repair"{SCROLLS} role="group" aria-label="Repair">'
            yield f"{label}{drawn}{source}</div>\n"

    def shown(self, part: Shown) -> str:
        if part.maths is None:
            return f"<code>{escape(part.source)}</code>"
        return self.symbols.between_words(part.maths("latex"))

    def lines(self, lines: Sequence[Line]) -> Iterator[str]:
        yield f'<ul class="lines"{SCROLLS}>\n'
        for line in lines:
            shown = f"<code>{escape(line.text)}</code>"
            if line.maths is not None:
                shown = self.symbols.drawn(line.maths("shaped"))
            sign = f'<span class="sign" aria-hidden="true">{line.sign}</span>'
            number = f'<span class="number">Line {line.number}</span>'
            words = f'<span class="note">{self.say(line.words)}</span>'
            yield (
                f'<li class="{line.status}">{sign}{number}'
                f'<span class="formula">{shown}</span>{words}</li>\n'
            )
        yield "</ul>\n"

    def listing(self, lines: Sequence[CodeLine]) -> Iterator[str]:
        rows = "\n".join(
            f"<mark>{escape(text)}</mark>" if line.wrong else escape(text)
            for line, text in zip(lines, gutter(lines), strict=True)
        )
        yield f'<pre class="listing"{SCROLLS}><code>{rows}</code></pre>\n'

    def evidence(self, told: Judgement) -> Iterator[str]:
        if told.question:
            yield f'<p class="why">Asked for: {self.say(f"{told.question}.")}</p>\n'
        if told.evidence:
            yield f'<p class="why">{self.say(". ".join(told.evidence) + ".")}</p>\n'
