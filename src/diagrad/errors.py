"""Every error that a user can meet.

ValueError
├── ProblemError       the text, or what was passed with it, is not right; says where and what to do
│   └── Unsupported    right, but not in Diagrad yet
└── DerivationError    the request cannot be met; says why
RuntimeError
├── InternalError      Diagrad contradicts itself; asks for a report
└── NoCompiler         nothing here compiles C; says why
    └── Refused        the compiler works, and did not compile this
UserWarning
└── CacheWarning       compiled code cannot be kept for the next process; says why
"""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """A piece of one line: line and columns from 1, in characters, the end excluded."""

    line: int
    column: int
    end: int


class ProblemError(ValueError):
    """What is wrong with a problem, where, and the cure.

    `line` and `column` count from 1, in characters; both are None where there is no place in a
    text.
    """

    def __init__(
        self,
        message: str,
        span: Span | None = None,
        text_line: str = "",
        file: str = "problem",
    ) -> None:
        self.message = message
        self.line = span.line if span else None
        self.column = span.column if span else None
        self.span = span
        super().__init__(_with_caret(message, span, text_line, file) if span else message)


class Unsupported(ProblemError):
    """A correct problem that uses what Diagrad does not have yet."""


class DerivationError(ValueError):
    """A request that cannot be met: why, and what could be asked instead."""


class InternalError(RuntimeError):
    """Diagrad found its own result wrong. The message holds what a report needs."""


class NoCompiler(RuntimeError):
    """There is no C compiler that works; `reason` says what was tried and what came of it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"no C compiler that works: {reason}; install one, or name one in CC")


class Refused(NoCompiler):
    """The compiler works, and did not compile one text: its words, or how long it was given."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        RuntimeError.__init__(self, f"the C compiler did not compile this: {reason}")


class CacheWarning(UserWarning):
    """Compiled code cannot be kept where it is looked for; other processes compile it again."""


WIDEST = 100


def _with_caret(message: str, span: Span, text_line: str, file: str) -> str:
    head = f"{file}:{span.line}: {message}"
    if not text_line.strip():
        return head
    start = max(0, span.column - 1 - WIDEST // 2)
    shown = text_line[start : start + WIDEST]
    column = span.column - 1 - start
    carets = "^" * max(1, min(span.end - span.column, len(shown) - column))
    lead = "".join("\t" if c == "\t" else " " for c in shown[:column])
    return f"{head}\n    {shown}\n    {lead}{carets}"
