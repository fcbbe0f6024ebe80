"""Loop statements in C."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import NamedTuple

from diagrad.compile.c.dots import Dots
from diagrad.compile.c.products import MatrixProduct, matrix_product
from diagrad.compile.c.text import (
    Scope,
    has_indicator,
    indented,
    is_arithmetic,
    is_function,
    substituted,
    variable,
)
from diagrad.compile.c.tiles import (
    IN_A_ROW,
    MOST_ROWS,
    VECTORS,
    Tile,
    kind,
    panels,
    side_by_side,
    zero,
)
from diagrad.compile.statements import (
    ZERO,
    Call,
    Entry,
    Loop,
    Read,
    Result,
    count_of,
    reads,
)

# Shorter runs are added one by one. From so many sums on, to so many vectors of them, they are kept
# side by side.
SHORT, FEW, MOST_LANES = 16, 4, 8
# Rounding grows with how many terms are added one after the other: longer sums are made in parts of
# so many terms, in vectors along the sum and in one across.
LONG, LONG_ACROSS = 4096, 512
# From so many rows on, of a symmetric sum only half is added up.
HALVED = 16
# Where a product copies parts of its factors to.
ROOM = "room"


class Machine(NamedTuple):
    """What code is written for: entries of a vector, registers for sums, whether BLAS is
    there, and the bytes of an entry."""

    lanes: int
    registers: int
    blas: Callable[[], bool]
    each: int

    def product(self, loop: Loop, size: Mapping[int, int]) -> MatrixProduct | None:
        """A loop as a product of large matrices."""
        return matrix_product(loop, size, self.each)


class Part(NamedTuple):
    """So many values of a label at a time; `before` are the labels of the loops around it."""

    label: int
    step: int
    before: tuple[int, ...]


class LoopWriter:
    """The lines of one loop statement; `fixed` is a label that a loop around it runs over."""

    def __init__(
        self, scope: Scope, machine: Machine, loop: Loop, fixed: int | None = None
    ) -> None:
        self.scope, self.machine, self.loop, self.fixed = scope, machine, loop, fixed
        self.size = {k: size.evaluate(scope.sizes) for k, size in loop.sizes.items()}
        self.reads = list(reads(loop.body))
        # Half of a small sum is no less work than all of it.
        self.symmetric = loop.symmetric and self.size[loop.at[-1]] >= HALVED
        self.part: Part | None = None

    def lines(self) -> list[str]:
        loop = self.loop
        if not loop.reduce:
            return self.entrywise(loop.body)
        product = self.machine.product(loop, self.size)
        if product is not None:
            return self.large(product)
        inner = self.tiled_along()
        return self.reduced() if inner is None else self.tiled(inner)

    # Where nothing is reduced.

    def entrywise(self, body: Entry) -> list[str]:
        """Entry by entry; a function in one loop through all that is stored."""
        loop = self.loop
        if self._is_flat(body):
            return self._flat(body)
        if isinstance(body, Read) and self._is_turned(body):
            target, of = self.scope.called[loop.target], self.scope.called[body.buffer]
            rows = prod(self.size[k] for k in range(body.at[0], len(loop.at)))
            columns = prod(self.size.values()) // rows
            return [f"turn({target}, {rows}, {of}, {columns}, {rows}, {columns});"]
        whole = self.fixed is None and not loop.adds and loop.at == loop.free
        if whole and len(loop.at) > 1 and is_function(body):
            assert isinstance(body, Call)
            stored = body._replace(arguments=(Read(loop.target, loop.at),))
            return [*self._nest(body.arguments[0]), *self._flat(stored)]
        return self._nest(body)

    def _is_flat(self, body: Entry) -> bool:
        whole = self.loop.at
        if self.fixed is not None or whole != self.loop.free or has_indicator(body):
            return False
        return all(read.at == whole or not read.at for read in reads(body))

    def _is_turned(self, read: Read) -> bool:
        """Whether a loop copies a matrix, of any axes before and after, as its transpose."""
        loop = self.loop
        whole = tuple(range(len(loop.at)))
        first = read.at[0] if read.at else 0
        plain = self.fixed is None and not loop.adds and loop.at == whole
        return plain and first > 0 and read.at == (*whole[first:], *whole[:first])

    def _flat(self, body: Entry) -> list[str]:
        count = count_of(self.scope.sizes, self.loop.target.axes)
        text = self.scope.flat(body)
        target = self.scope.called[self.loop.target]
        sign = "+=" if self.loop.adds else "="
        return [f"for (int k = 0; k < {count}; k++)", f"    {target}[k] {sign} {text};"]

    def _nest(self, body: Entry) -> list[str]:
        return self.nested(self.loop.free, [self._store(self.scope.entry(body))])

    def _store(self, text: str) -> str:
        sign = "+=" if self.loop.adds else "="
        return f"{self.scope.place(self.loop.target, self.loop.at)} {sign} {text};"

    def nested(self, labels: Sequence[int], body: Iterable[str]) -> list[str]:
        lines = list(body)
        for label in reversed([k for k in labels if k != self.fixed]):
            lines = [f"{self.head(label)} {{", *indented(lines), "}"]
        return lines

    def head(self, label: int) -> str:
        """The head of the loop over a label, or over a part of it."""
        i, start, end = variable(label), "0", str(self.size[label])
        if self.part is not None and self.part.label == label:
            start, end = f"{i}_first", f"{i}_end"
        return f"for (int {i} = {start}; {i} < {end}; {i}++)"

    def parted(self, labels: Sequence[int], most: int) -> Part | None:
        """How a sum over labels is made in parts of so many terms; None for one that is short."""
        terms = 1
        for k in range(len(labels) - 1, -1, -1):
            if terms * self.size[labels[k]] > 2 * most:
                return Part(labels[k], max(1, most // terms), tuple(labels[:k]))
            terms *= self.size[labels[k]]
        return None

    def by_parts(self, label: int, step: int, lines: Iterable[str], size: int) -> list[str]:
        """Lines about one part of a label after the other, so many of its `size` values each."""
        i, after = variable(label), f"{variable(label)}_first + {step}"
        return [
            f"for (int {i}_first = 0; {i}_first < {size}; {i}_first += {step}) {{",
            f"    const int {i}_end = {after} < {size} ? {after} : {size};",
            *indented(lines),
            "}",
        ]

    def in_parts(self, part: Part, lines: Iterable[str]) -> list[str]:
        """Lines about one part of a sum after the other."""
        loop = self.by_parts(part.label, part.step, lines, self.size[part.label])
        return self.nested(part.before, loop)

    # Sums.

    def tiled_along(self) -> int | None:
        """Of a sum that vectors can add up, a free label along which entries lie side by side, in
        the target and wherever it is read."""
        loop = self.loop
        if not loop.at or loop.at != loop.free or has_indicator(loop.body):
            return None
        if loop.reduce != "sum" or not is_arithmetic(loop.body):
            return None
        j = loop.at[-1]
        if self.size[j] < 2 or not any(j in read.at for read in self.reads):
            return None
        return j if self.is_side_by_side(loop.body, j) else None

    def is_side_by_side(self, entry: Entry, j: int) -> bool:
        """Whether neighbours along a label are neighbours wherever it is read."""
        used = [read.at for read in reads(entry) if j in read.at]
        return all(at.index(j) == len(at) - 1 for at in used)

    def large(self, product: MatrixProduct) -> list[str]:
        """A product of large matrices, and then what finishes its entries. A symmetric one is half
        of the work in our own tiles."""
        tensors = (self.loop.target, product.left.buffer, product.right.buffer)
        called = ", ".join(self.scope.called[buffer] for buffer in tensors)
        rows, columns, terms = product.rows, product.columns, product.terms
        sizes = f"{rows}, {columns}, {terms}"
        scale = " * ".join(map(self.scope.entry, product.scale)) or "R(1.0)"
        first, second = product.turned
        half = self.symmetric and len(self.loop.at) == 2
        if not half and product.weights is None and self.machine.blas():
            turned = f"{int(first)}, {int(second)}"
            steps = f"{rows if first else terms}, {terms if second else columns}, {columns}"
            call = f"product({called}, {turned}, {sizes}, {steps}, {scale});"
        else:
            steps = f"1, {rows}" if first else f"{terms}, 1"
            steps += f", 1, {terms}" if second else f", {columns}, 1"
            by = self.scope.called[product.weights.buffer] if product.weights else "NULL"
            sizes = f"{sizes}, {scale}, {int(half)}, {ROOM}"
            call = f"tiled_product({called}, {by}, {steps}, {sizes});"
        if product.finish == Result():
            return [call]
        result = Read(self.loop.target, self.loop.at)
        return [call, *self.entrywise(substituted(product.finish, result))]

    def tiled(self, j: int) -> list[str]:
        """Sums of several rows and columns at a time, each vector of them in a register."""
        outer = [label for label in self.loop.free if label not in (j, self.fixed)]
        block = outer.pop() if outer else None
        within, after = self._finishes(j)
        part = self.part = self.parted(self.loop.over, LONG_ACROSS)
        if part is not None:
            within, after = Result(), self.loop.finish
        lines: list[str] = []
        vectors = IN_A_ROW if block is None else VECTORS
        for first, count, widths in panels(self.size[j], self.machine.lanes, vectors):
            tile = Tile(self, j, block, first, widths, within)
            rows = self._rows(block, len(widths))
            lines += tile.over_panels(count, rows)
        if part is not None:
            lines = [*self._nest(ZERO), *self.in_parts(part, lines)]
        if self.symmetric and block is not None:
            corner = self.scope.place(self.loop.target, self.loop.at, {block: "0", j: "0"})
            lines.append(f"mirror(&{corner}, {self.size[j]});")
        lines = self.nested(outer, lines) if outer else lines
        if after != Result():
            stored = Read(self.loop.target, self.loop.at)
            lines += self.entrywise(substituted(after, stored))
        return lines

    def _finishes(self, j: int) -> tuple[Entry, Entry]:
        """What is done to sums before they are stored, and what to the stored entries."""
        finish = self.loop.finish
        if self._finishes_in_tiles(finish, j):
            return finish, Result()
        if is_function(finish):
            assert isinstance(finish, Call)
            if self._finishes_in_tiles(finish.arguments[0], j):
                return finish.arguments[0], finish._replace(arguments=(Result(),))
        return Result(), finish

    def _finishes_in_tiles(self, finish: Entry, j: int) -> bool:
        """Whether entries can be finished before they are stored: by arithmetic of vectors, and
        for a symmetric sum, of which half is stored, the same for all."""
        even = not any(read.at for read in reads(finish))
        if self.symmetric and not even:
            return False
        return is_arithmetic(finish) and self.is_side_by_side(finish, j)

    def _rows(self, block: int | None, vectors: int) -> list[tuple[int, int, int]]:
        """First row, end and rows at a time."""
        if block is None:
            return [(0, 1, 1)]
        size = self.size[block]
        most = max(1, min(size, MOST_ROWS, self.machine.registers // vectors))
        at_once = next((n for n in range(most, most // 2, -1) if size % n == 0), most)
        whole = size - size % at_once
        rest = [(whole, size, size - whole)] if whole < size else []
        return [(0, whole, at_once), *rest]

    def reduced(self) -> list[str]:
        """One entry after the other."""
        loop = self.loop
        term = self.scope.entry(loop.body)
        start, step, clause = {
            "sum": ("0", f"acc += {term};", "+"),
            "prod": ("1", f"acc *= {term};", "*"),
            "max": ("-INFINITY", f"acc = larger(acc, {term});", ""),
            "min": ("INFINITY", f"acc = smaller(acc, {term});", ""),
        }[loop.reduce]
        if loop.loose:
            step, clause = f"acc = {term} > acc ? {term} : acc;", "max"
        *outer, last = self._over()
        if Dots.are_in(self, outer, last):
            return Dots(self, last).lines()
        if loop.reduce == "sum" and self._has_lanes(outer, last):
            return self._by_lanes(outer, last)
        part = self.part = self.parted([*outer, last], LONG) if loop.reduce == "sum" else None
        simd = clause and self.size[last] >= SHORT
        innermost = [
            *([f"#pragma omp simd reduction({clause}:acc)"] if simd else []),
            self.head(last),
            f"    {step}",
        ]
        within = [k for k in outer if part is None or k not in part.before]
        return self._sum_of_parts([f"real acc = {start};", *self.nested(within, innermost)])

    def _sum_of_parts(self, lines: Sequence[str]) -> list[str]:
        """For every entry, lines that make `acc`, or one part of it after the other."""
        free, acc, part = self.loop.free, "acc", self.part
        if part is not None:
            lines = ["double total = 0;", *self.in_parts(part, [*lines, "total += acc;"])]
            acc = "(real)total"
        body = [*lines, self._store(self.scope.entry(self.loop.finish, acc))]
        return self.nested(free, body) if free else ["{", *indented(body), "}"]

    def _by_lanes(self, outer: Sequence[int], last: int) -> list[str]:
        """A sum over several labels, side by side along the last one until the end."""
        lanes = side_by_side(last, self.size[last], self.machine.lanes)
        sums = [(f"a{k}", lane) for k, lane in enumerate(lanes)]
        entries = [self.scope.entry(self.loop.body, lanes=lane) for lane in lanes]
        total = [
            f"{name}[{k}]" if lane.width > 1 else name
            for name, lane in sums
            for k in range(lane.width)
        ]
        part = self.part = self.parted(outer, LONG_ACROSS)
        within = [k for k in outer if part is None or k not in part.before]
        return self._sum_of_parts(
            [
                *(f"{kind(lane.width)} {name} = {zero(lane.width)};" for name, lane in sums),
                *self.nested(within, [f"a{k} += {entry};" for k, entry in enumerate(entries)]),
                f"const real acc = {' + '.join(total)};",
            ]
        )

    def _has_lanes(self, outer: Sequence[int], last: int) -> bool:
        """Whether a sum can be kept in a few vectors along its last label."""
        body, few = self.loop.body, MOST_LANES * self.machine.lanes
        simple = is_arithmetic(body) and self.is_side_by_side(body, last)
        return (
            bool(outer)
            and simple
            and any(last in r.at for r in self.reads)
            and (FEW <= self.size[last] <= few)
        )

    def _over(self) -> list[int]:
        """The labels that are reduced, the one along which entries lie side by side last, if there
        are some."""

        def merit(label: int) -> tuple[bool, int, int]:
            apart = sum(label in read.at[:-1] for read in self.reads)
            return self.size[label] >= FEW, -apart, self.size[label]

        return sorted(self.loop.over, key=merit)
