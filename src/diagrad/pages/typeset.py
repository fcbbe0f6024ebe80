"""A page for Typst, and with it as a PDF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diagrad.errors import DerivationError
from diagrad.pages.aligned import Rows
from diagrad.pages.judged import CodeLine, Line
from diagrad.pages.marked import Marked, gutter
from diagrad.pages.page import Item, Maths
from diagrad.show.sentences import in_typst_text
from diagrad.show.typst import FACTOR, in_typst, quoted

PREAMBLE = """\
#set document(title: [{title}], date: none)
#set page(paper: "a4", margin: (x: 1.8cm, y: 1.4cm), numbering: "1")
#set text(lang: "en", size: 9pt)
#set par(spacing: 0.75em)
#show heading: set block(above: 1.2em, below: 0.6em)
#show heading.where(level: 1): set text(size: 15pt, weight: "regular")
#show heading.where(level: 2): set text(size: 11pt)
#show math.equation.where(block: true): set align(left)
#show math.equation.where(block: true): set block(breakable: true, spacing: 0.6em)
#let step(number, body) = block(above: 1em, grid(columns: (2em, 1fr), strong(number), body))
#let answered(sign, number, body) = block(
  grid(columns: (1.6em, 1.8em, 1fr), align: horizon, sign, number, body))

= {doing} {title}

"""


class Typst(Marked):
    """Typst's markup; factors have their shape below them."""

    notation = "shaped"
    apart = " #h(1.5em) "

    def inline(self, maths: Maths) -> str:
        return f"${in_typst(maths('latex'))}$"

    def say(self, sentence: str) -> str:
        return in_typst_text(sentence, self.names)

    def display(self, rows: Rows) -> str:
        lines = []
        for left, right, note in rows:
            shape = note.rpartition(" = ")[2]
            beside = f" & quad {in_typst(shape)}" if note else ""
            lines.append(f"  {in_typst(left) if left else ''} &= {in_typst(right)}{beside}")
        return "$\n" + " \\\n".join(lines) + "\n$\n"

    def heading(self, words: str) -> str:
        return f"== {words}\n"

    def paragraph(self, text: str) -> str:
        return f"{text}\n"

    def strong(self, text: str) -> str:
        return f"*{text}*"

    def code(self, text: str) -> str:
        return f"#raw({quoted(text)});"

    def line(self, line: Line) -> str:
        return f'#answered("{line.sign}", "{line.number}")[{self.wrote(line)}]\n'

    def listing(self, lines: Sequence[CodeLine]) -> str:
        return f"#raw(block: true, {quoted(chr(10).join(gutter(lines)))})\n"

    def wrote(self, line: Line) -> str:
        maths = line.maths
        if maths is not None:
            line = line._replace(maths=lambda style: maths("shaped"))
        return super().wrote(line)

    def item(self, item: Item) -> Iterator[str]:
        yield f'#step("{item.number}")['
        yield from self.told(item)
        yield "]\n"


def document(body: str, title: str, doing: str = "Deriving") -> str:
    """A complete document around blocks of Typst."""
    return FACTOR + PREAMBLE.format(title=in_typst_text(title), doing=doing) + body


def pdf(text: str) -> bytes:
    """The document as a PDF. Raises DerivationError where Typst is not installed."""
    try:
        import typst
    except ImportError:
        raise DerivationError(
            "a PDF is set by Typst, which is not installed: pip install 'diagrad[pdf]'"
        ) from None
    made: bytes = typst.compile(text.encode("utf-8"), format="pdf")
    return made
