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
        if len(self.bench.wrt) > 1:
            return len(lines) - 1
        wrt = self.bench.wrt[-1]
        named = [k for k, line in enumerate(lines) if line.target and self._by(line.target) == wrt]
        exact = [k for k in named if lines[k].target in self.judge.work.quotients]
        if exact:
            return exact[-1]
        return named[-1] if named and lines[-1].target is not None else len(lines) - 1

    def _by(self, name: str) -> str | None:
        """What a name says it is the derivative by, if that is a name of the problem."""
        quotients = self.judge.work.quotients
        if name in quotients:
            above, below = quotients[name]
            return below if self._is_value(above) else None
        match = HINT.fullmatch(name)
        below = (match["first"] or match["second"]) if match else ""
        if below in self._names:
            return below
        alike = [n for n in self._names if n.lower() == (below or "").lower()]
        return alike[0] if len(alike) == 1 else self._numbered(name)

    @property
    def _names(self) -> set[str]:
        """Names of the problem and of the answer."""
        own = {name for line in self.judge.lines for name in line.names}
        return own | self.bench.source.names

    def _numbered(self, name: str) -> str | None:
        """delta2 and d2 as the derivative by z2, where there is a z2."""
        match = re.fullmatch(r"(?:delta|Delta|d|D)_?(\d+)", name)
        below = f"z{match[1]}" if match else ""
        return below if below in self.bench.source.definitions else None

    def _is_value(self, above: str) -> bool:
        if above in {self.bench.of, self.bench.restated.of}:
            return True
        return above in VALUES and above not in self.bench.problem.source.names

    def is_own(self, index: int) -> bool:
        """Whether a line's name speaks of a name of the problem or of the answer."""
        target = self.judge.lines[index].target or ""
        quotients = self.judge.work.quotients
        by = quotients[target][1] if target in quotients else self._by(target)
        own = {name for line in self.judge.lines for name in line.names}
        return by in own | self.bench.problem.source.names

    def is_aside(self, index: int) -> bool:
        """Whether a line is the derivative by a variable that is not asked for."""
        target = self.judge.lines[index].target
        by = self._by(target) if target else None
        return by in self.bench.source.variables and by not in self.bench.wrt

    def meant(self, index: int, certain: bool = False) -> Quantity | None:
        """The derivative that a line's name says it is; with `certain` only where it is written as
        a quotient of names of the problem."""
        line = self.judge.lines[index]
        if line.target is None or line.target in self.bench.problem.source.definitions:
            return None
        quotient = self.judge.work.quotients.get(line.target)
        if certain and (quotient is None or not set(quotient) <= self._problem | VALUES):
            return None
        if len(self.bench.wrt) > 1:
            return None
        if quotient is not None and not self._is_value(quotient[0]):
            return self._between(index, *quotient)
        if certain and quotient is not None and quotient[1] == self.bench.wrt[-1]:
            return None  # what is asked for: compared at all points, in all conventions
        below = self._by(line.target)
        return None if below is None else self._adjoint(index, below)

    def stands_for(self, index: int, certain: bool = False) -> Quantity | None:
        """What a line is held to: the definition that it states again, or what its name says."""
        return self.restated(index) or self.meant(index, certain)

    @property
    def _problem(self) -> frozenset[str]:
        return self.bench.problem.source.names | {self.bench.of}

    def _adjoint(self, index: int, below: str) -> Quantity | None:
        """The derivative of the value by a name: by what it is, where the answer gives it."""
        backward = self.judge.quantities.backward
        own = self._own(index, below)
        if own is None:
            return next((q for q in backward if q.name == below), None)
        if own.name:
            return next((q for q in backward if q.name == own.name), None)
        return next((q for q in backward if q.expression is own.expression and not q.name), None)

    def _between(self, index: int, above: str, below: str) -> Quantity | None:
        """The derivative of one name by another, as dq/dx where J is made of q."""
        upper = self._own(index, above)
        lower = self._own(index, below)
        top = upper.name if upper else above
        bottom = lower.name if lower else below
        values = self.bench.between(top, bottom) if top and bottom else None
        if values is None:
            return None
        shown = self.judge.quantities.shown
        return Quantity("jacobian", "", f"∂{shown(above)}/∂{shown(below)}", values)

    def _own(self, index: int, name: str) -> Quantity | None:
        """What a name that the answer gives a value to is, if that is known."""
        for k in range(index - 1, -1, -1):
            if name in self.judge.lines[k].names and name not in self.bench.problem.source.names:
                values = self.judge.values(k)
                forward = self.judge.quantities.forward
                match = self.judge.quantities.match(values, forward) if values else None
                return match.quantity if match and not match.transposed else None
        return None

    def restated(self, index: int) -> Quantity | None:
        """The definition of the problem that a line states again."""
        name = self.judge.lines[index].target
        if name is None or name not in self.bench.problem.source.definitions:
            return None
        return next(q for q in self.judge.quantities.forward if q.name == name)
