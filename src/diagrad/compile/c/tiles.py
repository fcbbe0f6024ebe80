"""Sums of products in tiles: some rows by some vectors of columns, each vector in a register."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from diagrad.compile.c.text import Lanes, indented, variable
from diagrad.compile.statements import Entry, Loop, Read

if TYPE_CHECKING:
    from diagrad.compile.c.loops import LoopWriter

# Vectors side by side in a tile, and at most so many rows; of a tile that has one row, vectors.
VECTORS, MOST_ROWS, IN_A_ROW = 2, 8, 8


class Tile:
    """Rows `block`, some at a time, by columns `j` of some vectors: the loops of a sum."""

    def __init__(
        self,
        loop: LoopWriter,
        j: int,
        block: int | None,
        first: int,
        widths: Sequence[int],
        finish: Entry,
    ) -> None:
        self.loop, self.j, self.block, self.first = loop, j, block, first
        self.widths, self.finish = widths, finish

    def over_panels(self, count: int, rows: Sequence[tuple[int, int, int]]) -> list[str]:
        """The tiles of `count` panels of columns, one after the other; of a symmetric sum the
        vectors that are not below the diagonal."""
        step = sum(self.widths)
        start = f"{self.first} + c" if count > 1 else str(self.first)
        lines = [line for panel in self.loop.loop.panels for line in self._filled(panel, start)]
        lines += [line for part in rows for line in self._over_rows(part, start)]
        if count < 2:
            return lines
        return [f"for (int c = 0; c < {count * step}; c += {step}) {{", *indented(lines), "}"]

    def _over_rows(self, part: tuple[int, int, int], start: str) -> list[str]:
        first, end, at_once = part
        single = self.block is None or end - first == at_once
        if not self.loop.symmetric:
            tile = list(self._tile(at_once, first, start, single, 0))
            if single:
                return ["{", *indented(tile), "}"]
            i = variable(self.block or 0)
            head = f"for (int {i} = {first}; {i} < {end}; {i} += {at_once}) {{"
            return [head, *indented(tile), "}"]
        # From the diagonal on, the vectors left of it are left out one after the other.
        lines = []
        i = str(first) if single else variable(self.block or 0)
        for skipped in range(len(self.widths)):
            bound = f"{i} < {start} + {sum(self.widths[: skipped + 1])}"
            tile = list(self._tile(at_once, first, start, single, skipped))
            if single:
                lines += [f"{'else ' if skipped else ''}if ({bound}) {{", *indented(tile), "}"]
            else:
                head = f"for (; {i} < {end} && {bound}; {i} += {at_once}) {{"
                lines += [head, *indented(tile), "}"]
        return lines if single else ["{", *indented([f"int {i} = {first};", *lines]), "}"]

    def _tile(self, rows: int, first: int, start: str, single: bool, skipped: int) -> Iterator[str]:
        columns = range(skipped, len(self.widths))
        cells = [(r, c) for r in range(rows) for c in columns]
        names = {r: self._names(r, first, single) for r in range(rows)}
        lanes = self._lanes(start)
        for r, c in cells:
            yield f"{kind(self.widths[c])} a{r}_{c} = {zero(self.widths[c])};"
        loop = self.loop.loop
        body = [
            f"a{r}_{c} += {self.loop.scope.entry(loop.body, '', names[r], lanes[c])};"
            for r, c in cells
        ]
        part = self.loop.part
        yield from self.loop.nested(loop.over[len(part.before) if part else 0 :], body)
        for r, c in cells:
            target = self.loop.scope.place(loop.target, loop.at, names[r], lanes[c])
            value = self.loop.scope.entry(self.finish, f"a{r}_{c}", names[r], lanes[c])
            yield f"{target} {'+=' if part else '='} {value};"

    def _lanes(self, start: str) -> list[Lanes]:
        before = [sum(self.widths[:c]) for c in range(len(self.widths))]
        pairs = zip(self.widths, before, strict=True)
        return [Lanes(self.j, w, f"({start} + {first})", str(first)) for w, first in pairs]

    def _filled(self, panel: Loop, start: str) -> list[str]:
        """What fills a panel for these columns."""
        scope, r = self.loop.scope, panel.at[0]
        if is_turned(panel):
            assert isinstance(panel.body, Read)
            of = scope.place(panel.body.buffer, panel.body.at, {self.j: f"({start})", r: "0"})
            to, terms = scope.called[panel.target], self.loop.size[r]
            wide = panel.target.axes[1].evaluate(scope.sizes)
            return [f"turn({to}, {wide}, &{of}, {terms}, {sum(self.widths)}, {terms});"]
        lines = [
            f"{scope.place(panel.target, panel.at, None, lanes)} = "
            f"{scope.entry(panel.body, '', None, lanes)};"
            for lanes in self._lanes(start)
        ]
        return self.loop.nested([r], lines)

    def _names(self, row: int, first: int, single: bool) -> dict[int, str]:
        if self.block is None:
            return {}
        return {self.block: str(first + row) if single else f"({variable(self.block)} + {row})"}


def is_turned(panel: Loop) -> bool:
    """Whether a panel has columns of a matrix that is stored transposed."""
    return isinstance(panel.body, Read) and panel.body.at == panel.at[::-1]


def kind(width: int) -> str:
    """The type of so many entries side by side."""
    return "real" if width == 1 else f"V{width}"


def zero(width: int) -> str:
    return "0" if width == 1 else "{0}"


def side_by_side(label: int, size: int, lanes: int) -> list[Lanes]:
    """The vectors that all entries along a label make, the widest first."""
    found, first = [], 0
    for _, count, widths in panels(size, lanes, VECTORS):
        for width in widths * count:
            found.append(Lanes(label, width, str(first)))
            first += width
    return found


def panels(size: int, lanes: int, vectors: int) -> Iterator[tuple[int, int, list[int]]]:
    """Columns in panels of so many vectors: the first column, how many such panels, the widths of
    the vectors in one."""
    wide = vectors * lanes
    if size >= wide:
        yield 0, size // wide, [lanes] * vectors
    first = size - size % wide
    widths = []
    rest, width = size - first, lanes
    while rest:
        while width > rest:
            width //= 2
        widths.append(width)
        rest -= width
    if widths:
        yield first, 1, widths
