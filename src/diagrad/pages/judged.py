"""Verdicts as a page, in no notation yet: what was asked, what was answered, what is said of it."""

from __future__ import annotations

from typing import NamedTuple

from diagrad.pages.page import Given, Maths


class Line(NamedTuple):
    """A line of the answer: its sign and number, as mathematics where it is an equation that can be
    read, as it was typed, and what it is: a status and words."""

    sign: str
    number: int
    maths: Maths | None
    text: str
    status: str
    words: str


class Shown(NamedTuple):
    """A formula as mathematics, where it is known as such, and in the problem language."""

    maths: Maths | None
    source: str


class Judgement(NamedTuple):
    """A verdict: `asked` is the derivative, `said` the verdict in a word or two and `because` why,
    `quoted` what somebody else's program said of it; `where` is the line of the mistake; `given`
    is the problem, where the verdicts of the page do not name its parts alike."""

    asked: Maths | None
    kind: str
    said: str
    because: str
    quoted: str = ""
    where: str = ""
    message: str = ""
    repair: Shown | None = None
    right: tuple[Shown, ...] = ()
    lines: tuple[Line, ...] = ()
    derivative: Shown | None = None
    question: str = ""
    evidence: tuple[str, ...] = ()
    given: Given | None = None


class CodeLine(NamedTuple):
    number: int
    text: str
    wrong: bool


class Verdicts(NamedTuple):
    """The page: verdicts, the text of the function that they are about, and the problem."""

    judgements: tuple[Judgement, ...]
    code: tuple[CodeLine, ...] = ()
    given: Given | None = None

    @property
    def names(self) -> frozenset[str]:
        return frozenset().union(*(given.names for given in self.all_given))

    @property
    def all_given(self) -> list[Given]:
        found = (self.given, *(judgement.given for judgement in self.judgements))
        return [given for given in found if given is not None]

    @property
    def title(self) -> str:
        """∂J/∂x, ∂J/∂W₁"""
        return ", ".join(j.asked("unicode") for j in self.judgements if j.asked) or "an answer"
