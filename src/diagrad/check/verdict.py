"""What came of a check: the verdict, the first wrong line, the mistake, and what was right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from textwrap import wrap
from typing import Any

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

    @property
    def is_right(self) -> bool:
        return self.kind in ("correct", "other-convention")

    def data(self, show_answer: bool = False) -> dict[str, Any]:
        """The verdict as JSON has it."""
        mistake = self.mistake
        found: dict[str, Any] = {
            "verdict": self.kind,
            "because": self.because,
            "first_wrong_line": self.first_wrong_line,
            "mistake": None
            if mistake is None
            else {"kind": mistake.kind, "message": mistake.message, "repair": mistake.repair},
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

    def text(self, hint: bool = False, show_answer: bool = False) -> str:
        """The verdict for a reader: with `hint` the rule alone, without the repair."""
        rows = _filled(f"{HEADINGS[self.kind].capitalize()}: {self.because}.")
        if self.mistake is not None:
            several = self.first_wrong_line and len(self.lines) > 1
            where = f"Line {self.first_wrong_line}: " if several else ""
            said = self.mistake.hint if hint else self.mistake.message
            rows += ["", *_filled(f"{where}{said}")]
            if self.mistake.repair and not hint:
                rows += ["", f"  {self.mistake.repair}"]
        if self.right and not self.is_right:
            rows += ["", *_filled("Right so far: " + ", ".join(self.right))]
        if len(self.lines) > 1:
            rows += ["", *(_row(line) for line in self.lines)]
        if show_answer and self.answer:
            rows += ["", f"The derivative: {self.answer}"]
        return "\n".join(rows)

    def __str__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self._html()}

    def _html(self) -> str:
        said = f"<p><b>{HEADINGS[self.kind].capitalize()}</b>: {escape(self.because)}.</p>"
        if self.mistake is not None:
            where = f"Line {self.first_wrong_line}: " if self.first_wrong_line else ""
            said += f"<p>{where}{escape(self.mistake.message)}</p>"
            if self.mistake.repair:
                said += f"<pre>{escape(self.mistake.repair)}</pre>"
        if self.right and not self.is_right:
            parts = ", ".join(f"<code>{escape(part)}</code>" for part in self.right)
            said += f"<p>Right so far: {parts}</p>"
        if len(self.lines) > 1:
            cells = "<td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td>"
            rows = (
                cells.format(SIGNS[j.status], j.number, escape(j.text), escape(j.words))
                for j in self.lines
            )
            said += f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
        return f"<div>{said}</div>"


WIDTH = 100


def _filled(text: str) -> list[str]:
    return wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


SIGNS = {"right": "✓", "wrong": "✗", "given": "·", "follows": "→"}


def _row(line: Judged) -> str:
    words = f"   {line.words}" if line.words else ""
    return f"  {SIGNS[line.status]} {line.number:2}  {line.text}{words}"
