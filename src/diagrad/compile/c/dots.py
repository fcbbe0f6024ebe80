"""Sums along which entries lie side by side, for several of them at a time: products of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from diagrad.compile.c.text import Lanes, indented, is_arithmetic, substituted, variable
from diagrad.compile.c.tiles import kind
from diagrad.compile.statements import Read, Result

if TYPE_CHECKING:
    from diagrad.compile.c.loops import LoopWriter

# So many sums at a time, which do not wait for each other, of at least so many vectors; longer ones
# are made in parts of so many.
ROWS, LONG, PART = 4, 2, 512


class Dots:
    """The lines of a sum over one label, in vectors, for some rows at a time."""

    def __init__(self, loop: LoopWriter, last: int) -> None:
        self.loop, self.last = loop, last
        self.block = loop.loop.at[-1]
        self.simple = is_arithmetic(loop.loop.finish)
        self.step = PART * loop.machine.lanes

    @staticmethod
    def are_in(loop: LoopWriter, outer: Sequence[int], last: int) -> bool:
        """Whether a loop is such a sum."""
        one, size = loop.loop, loop.size
        return (
            one.reduce == "sum"
            and not outer
            and bool(one.at)
            and one.at == one.free
            and is_arithmetic(one.body)
            and any(last in read.at for read in loop.reads)
            and loop.is_side_by_side(one.body, last)
            and size[last] >= LONG * loop.machine.lanes
            and size[one.at[-1]] >= ROWS
        )

    def lines(self) -> list[str]:
        one = self.loop.loop
        size = self.loop.size[self.block]
        whole = size - size % ROWS
        parts = [(0, whole, ROWS), (whole, size, size - whole)]
        lines = [line for part in parts if part[2] for line in self._rows(*part)]
        lines = self.loop.nested(one.at[:-1], lines)
        if self.simple:
            return lines
        finish = substituted(one.finish, Read(one.target, one.at))
        return [*lines, *self.loop.entrywise(finish)]

    def _rows(self, first: int, end: int, at_once: int) -> list[str]:
        i = variable(self.block)
        head = f"for (int {i} = {first}; {i} < {end}; {i} += {at_once}) {{"
        return [head, *indented(self._sums(at_once)), "}"]

    def _sums(self, at_once: int) -> Iterator[str]:
        loop, lanes, c = self.loop, self.loop.machine.lanes, variable(self.last)
        whole = loop.size[self.last] - loop.size[self.last] % lanes
        names = [{self.block: f"({variable(self.block)} + {r})"} for r in range(at_once)]
        entry, body, finish = loop.scope.entry, loop.loop.body, loop.loop.finish
        side = Lanes(self.last, lanes, c)
        vectors = [f"a{r} += {entry(body, '', name, side)};" for r, name in enumerate(names)]
        totals = [tree([f"a{r}[{k}]" for k in range(lanes)]) for r in range(at_once)]
        zeros = [f"{kind(lanes)} a{r} = {{0}};" for r in range(at_once)]
        sums = [f"s{r} += {total};" for r, total in enumerate(totals)]
        yield from (f"real s{r} = 0;" for r in range(at_once))
        parted = self.step < whole
        start, end = (f"{c}_first", f"{c}_end") if parted else ("0", str(whole))
        head = f"for (int {c} = {start}; {c} < {end}; {c} += {lanes}) {{"
        lines = [*zeros, head, *indented(vectors), "}", *sums]
        yield from loop.by_parts(self.last, self.step, lines, whole) if parted else lines
        if whole < loop.size[self.last]:
            yield f"for (int {c} = {whole}; {c} < {loop.size[self.last]}; {c}++) {{"
            yield from indented(f"s{r} += {entry(body, '', n)};" for r, n in enumerate(names))
            yield "}"
        for r, name in enumerate(names):
            value = entry(finish if self.simple else Result(), f"s{r}", name)
            yield f"{loop.scope.place(loop.loop.target, loop.loop.at, name)} = {value};"


def tree(terms: Sequence[str]) -> str:
    """A sum of halves of halves, in which little waits."""
    if len(terms) == 1:
        return terms[0]
    half = len(terms) // 2
    return f"({tree(terms[:half])} + {tree(terms[half:])})"
