"""What came of a check: the verdict, the first wrong line, the mistake, and what was right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from diagrad.show.sentences import in_ascii_text

if TYPE_CHECKING:
    from diagrad.check.sheet import Sheet

KINDS = ("correct", "other-convention", "incorrect", "undecided")
HEADINGS = {
    "correct": "right",
    "other-convention": "right, in another convention",
    "incorrect": "not right",
    "undecided": "undecided",
}


def worst(kinds: Iterable[str]) -> str:
    """The worst of several verdicts."""
    order = ("incorrect", "undecided", "other-convention", "correct")
    return min(kinds, key=order.index)


@dataclass(frozen=True)
class Mistake:
    """`kind` is one of `diagrad.check.saying.KINDS`, `message` says what is wrong with the user's
    names, `hint` gives the rule alone, and `repair` is the smallest corrected expression of the
    line, in the problem language, None where none was found."""

    kind: str
    message: str
    hint: str
    repair: str | None = None


@dataclass(frozen=True)
class Judged:
    """A line: its number and text, "right", "wrong", "given" (a name that stands for nothing known)
    or "follows" (right, given the lines above it), and in words what it is."""

    number: int
    text: str
    status: str
    words: str = ""


@dataclass(frozen=True)
class Verdict:
    """`kind` is "correct", "other-convention", "incorrect" or "undecided"; `because` says why in a
    sentence. `first_wrong_line` counts from 1 in the text of the answer. `right` are the parts of
    a wrong answer that are right. `evidence` has seed, sizes, points, the largest relative error,
    the worst entry, and a constant ratio, if there is one. `answer` is the right derivative in the
    problem language, to be shown only on request."""

    kind: str
    because: str
    first_wrong_line: int | None = None
    mistake: Mistake | None = None
    right: Sequence[str] = ()
    lines: Sequence[Judged] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    answer: str | None = field(default=None, repr=False)
    _sheet: Callable[[], Sheet] | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """What is sent elsewhere has the words and not the expressions."""
        return self.__dict__ | {"_sheet": None}

    @property
    def is_right(self) -> bool:
        return self.kind in ("correct", "other-convention")

    def data(self, show_answer: bool = False, hint: bool = False) -> dict[str, Any]:
        """The verdict as JSON has it; with `hint` the rule alone, without the repair."""
        found: dict[str, Any] = {
            "verdict": self.kind,
            "because": self.because,
            "first_wrong_line": self.first_wrong_line,
            "mistake": self.mistake and _mistake_data(self.mistake, hint),
            "right": list(self.right),
            "lines": [
                {"number": j.number, "text": j.text, "status": j.status, "words": j.words}
                for j in self.lines
            ],
            "evidence": dict(self.evidence),
        }
        if show_answer:
            found["answer"] = self.answer
        return found

    def text(self, hint: bool = False, show_answer: bool = False, ascii: bool = False) -> str:
        """The verdict for a reader: with `hint` the rule alone, without the repair."""
        say = in_ascii_text if ascii else str
        rows = _filled(say(f"{HEADINGS[self.kind].capitalize()}: {self.because}."))
        if self.mistake is not None:
            said = self.mistake.hint if hint else self.mistake.message
            rows += ["", *_filled(say(f"{self.where}{said}"))]
            if self.mistake.repair and not hint:
                rows += ["", f"  {self.mistake.repair}"]
        if self.right and not self.is_right:
            rows += ["", *_filled("Right so far: " + ", ".join(self.right))]
        if len(self.lines) > 1:
            signs = SIGNS_IN_ASCII if ascii else SIGNS
            rows += ["", *(_row(line, signs, say(line.words)) for line in self.lines)]
        if show_answer and self.answer:
            rows += ["", f"The derivative: {self.answer}"]
        return "\n".join(rows)

    @property
    def where(self) -> str:
        """`Line 3: `, of an answer of several lines."""
        several = self.first_wrong_line and len(self.lines) > 1
        return f"Line {self.first_wrong_line}: " if several else ""

    @property
    def sheet(self) -> Sheet | None:
        """What the verdict is about, as expressions; None of one that no check made."""
        return self._sheet and self._sheet()

    def latex(self, hint: bool = False, show_answer: bool = False, document: bool = False) -> str:
        """The verdict, the problem and the evidence as LaTeX; with `document` an article."""
        from diagrad.pages import verdicts

        return verdicts.latex([self], hint, show_answer, document)

    def markdown(self, hint: bool = False, show_answer: bool = False) -> str:
        """Likewise as Markdown with formulas in $ and $$."""
        from diagrad.pages import verdicts

        return verdicts.markdown([self], hint, show_answer)

    def html(self, hint: bool = False, show_answer: bool = False) -> str:
        """Likewise as a page for a browser, one file that needs no other."""
        from diagrad.pages import verdicts

        return verdicts.html([self], hint, show_answer)

    def typst(self, hint: bool = False, show_answer: bool = False) -> str:
        """Likewise as a document of Typst."""
        from diagrad.pages import verdicts

        return verdicts.typst([self], hint, show_answer)

    def __str__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from diagrad.pages import verdicts

        return verdicts.bundle(self)


WIDTH = 100


def _filled(text: str) -> list[str]:
    return wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


SIGNS = {"right": "✓", "wrong": "✗", "given": "·", "follows": "→"}
SIGNS_IN_ASCII = {"right": "+", "wrong": "x", "given": ".", "follows": ">"}


def _row(line: Judged, signs: Mapping[str, str], words: str) -> str:
    said = f"   {words}" if words else ""
    return f"  {signs[line.status]} {line.number:2}  {line.text}{said}"


def _mistake_data(mistake: Mistake, hint: bool) -> dict[str, str | None]:
    if hint:
        return {"kind": mistake.kind, "message": mistake.hint, "repair": None}
    return {"kind": mistake.kind, "message": mistake.message, "repair": mistake.repair}
