"""What a line is about, from the name it gives: dJ/dz2, dz2, grad_W, delta2."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from diagrad.check.quantities import Quantity

if TYPE_CHECKING:
    from diagrad.check.judge import Judge

HINT = re.compile(
    r"(?:d_?|grad_?|gradient_?|g_|delta_?|Delta_?|D_|nabla_?)(?P<first>\w+)"
    r"|(?P<second>\w+?)_?(?:grad|bar|adj)"
)
VALUES = frozenset({"J", "L", "l", "f", "E", "C", "loss", "cost", "Loss", "nll", "obj", "F"})


class Targets:
    def __init__(self, judge: Judge) -> None:
        self.judge, self.bench = judge, judge.bench

    def last(self) -> int:
        """The line that is the answer: the last that is named as the derivative asked for, or else
        the last that is not named as another."""
        lines = self.judge.lines
        wrt = self.bench.wrt[-1]
        named = [k for k, line in enumerate(lines) if line.target and self._by(line.target) == wrt]
        exact = [k for k in named if lines[k].target in self.judge.work.quotients]
        if exact or named:
            last = lines[-1].target
            if last is None or self._by(last) is None:
                return len(lines) - 1
            return (exact or named)[-1]
        return len(lines) - 1

    def _by(self, name: str) -> str | None:
        """What a name says it is the derivative by, if that is a name of the problem."""
        quotients = self.judge.work.quotients
        if name in quotients:
            above, below = quotients[name]
            return below if self._is_value(above) else None
        match = HINT.fullmatch(name)
        below = (match["first"] or match["second"]) if match else ""
        return below if below in self.bench.source.names else self._numbered(name)

    def _numbered(self, name: str) -> str | None:
        """delta2 and d2 as the derivative by z2, where there is a z2."""
        match = re.fullmatch(r"(?:delta|Delta|d|D)_?(\d+)", name)
        below = f"z{match[1]}" if match else ""
        return below if below in self.bench.source.definitions else None

    def _is_value(self, above: str) -> bool:
        return above in {self.bench.of, self.bench.restated.of} | VALUES

    def meant(self, index: int, certain: bool = False) -> Quantity | None:
        """The adjoint that a line's name says it is; with `certain` only where it is written as a
        quotient of names of the problem."""
        line = self.judge.lines[index]
        if line.target is None or line.target in self.bench.problem.source.definitions:
            return None
        if certain and line.target not in self.judge.work.quotients:
            return None
        below = self._by(line.target)
        if certain and below not in self.bench.problem.source.names:
            return None
        if below is None or self._is_own(index, below):
            return None
        backward = self.judge.quantities.backward
        return next((q for q in backward if q.name == below), None)

    def _is_own(self, index: int, name: str) -> bool:
        """Whether a name was given another value by the answer itself."""
        if name in self.bench.problem.source.names:
            return False
        return any(name in line.names for line in self.judge.lines[:index])

    def restated(self, index: int) -> Quantity | None:
        """The definition of the problem that a line states again."""
        name = self.judge.lines[index].target
        if name is None or name not in self.bench.problem.source.definitions:
            return None
        return next(q for q in self.judge.quantities.forward if q.name == name)
