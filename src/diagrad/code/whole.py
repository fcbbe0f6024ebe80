"""Operations on whole matrices in C, which no loop of a schedule does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from diagrad.code.identifiers import identifier
from diagrad.compile.c_functions import LINEAR_ALGEBRA
from diagrad.compile.digits import RESHAPED
from diagrad.compile.statements import LOCAL, Buffer, Library, Read, Unwritten
from diagrad.dimensions import Size
from diagrad.operations.extremes import FIRST, SHARED
from diagrad.operations.factorisations import CHOLESKY, LOWER_ONES

if TYPE_CHECKING:
    from diagrad.code.in_c import Unit

# Loops over the axes along which one was chosen.
Each = Callable[[list[str]], list[str]]


class Whole:
    """The lines of such statements, in a translation unit. Raises Unwritten."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    def lines(self, statement: Library) -> list[str]:
        word = statement.head.operation.name
        target, of = statement.target, statement.arguments[0]
        called, given = self.unit.called[target], self.unit.called[of]
        if word == RESHAPED.name:
            return self._copied(called, of, self.unit.count(target).text)
        if statement.head.operation in (FIRST, SHARED):
            return self._chosen(statement)
        if statement.head.operation is LOWER_ONES:
            return self._lower_ones(target)
        if word not in LINEAR_ALGEBRA or len(of.axes) != 2:
            raise Unwritten(word)
        order = self.unit.size(of.axes[0]).text
        self.unit.entries.used.add(LINEAR_ALGEBRA[word])
        if word == CHOLESKY.name:
            return [f"cholesky({called}, {given}, {order});"]
        if word == "pinv":
            return self._pseudoinverse(called, of)
        copy = self._copy(of)
        lines = self._copied(copy, of, self.unit.count(of).text)
        if target.axes:
            return [*lines, f"inverse({called}, {copy}, {order});"]
        start = self.unit.assigned(target, first=True)
        return [*lines, f"{start} = {LINEAR_ALGEBRA[word]}({copy}, {order});"]

    def _pseudoinverse(self, called: str, of: Buffer) -> list[str]:
        """Room for the square of the columns is more than enough for that of the shorter side."""
        room = self._copy(of), self._room("rotations_of", of, (of.axes[1], of.axes[1]))
        sizes = (self.unit.size(axis).text for axis in of.axes)
        return [f"pseudoinverse({', '.join((called, self.unit.called[of], *room, *sizes))});"]

    def _lower_ones(self, target: Buffer) -> list[str]:
        self.unit.labels = dict(enumerate(self.unit.letters[:2]))
        i, j = self.unit.letters[:2]
        one, zero = self._numbers(1, 0)
        line = f"{self.unit.place(Read(target, (0, 1))).text} = {j} <= {i} ? {one} : {zero};"
        return self._over(target.axes, (0, 1), [line])

    def _chosen(self, statement: Library) -> list[str]:
        """Entries that say, along some axes, which ones were chosen."""
        of, chosen = statement.arguments
        every, along = tuple(range(len(of.axes))), statement.head.parameters
        self.unit.labels = dict(zip(every, self.unit.letters, strict=False))
        kept = tuple(k for k in every if k not in along)
        reads = (Read(statement.target, every), Read(of, every), Read(chosen, kept))
        place, entry, largest = (self.unit.place(read).text for read in reads)
        absolute = "fabsf" if self.unit.single else "fabs"
        gap = f"{absolute}({entry} - {largest})"

        def each(lines: list[str]) -> list[str]:
            return self._over(of.axes, along, lines)

        if statement.head.operation is FIRST:
            body = self._first(place, gap, each)
        else:
            near = self._numbers(Fraction(1, 10**12))[0]
            close = f"{entry} == {largest} || {gap} <= {near} * {absolute}({largest})"
            body = self._shared(place, close, each)
        if kept:
            return self._over(of.axes, kept, body)
        return ["{", *(f"    {line}" for line in body), "}"]

    def _first(self, place: str, gap: str, each: Each) -> list[str]:
        """1 at the first entry that is nearest to the one that was chosen, or at the first that is
        not a number."""
        one, zero = self._numbers(1, 0)
        far, least, nearest = (
            identifier(name, self.unit.taken) for name in ("far", "least", "nearest")
        )
        inner = [
            f"const {self.unit.real} {far} = {gap};",
            f"{place} = {zero};",
            f"if (!{nearest} || {far} < {least} || (isnan({far}) && !isnan({least}))) {{",
            f"    {nearest} = &{place};",
            f"    {least} = {far};",
            "}",
        ]
        return [
            f"{self.unit.real} *{nearest} = NULL, {least} = {zero};",
            *each(inner),
            f"if ({nearest})",
            f"    *{nearest} = {one};",
        ]

    def _shared(self, place: str, close: str, each: Each) -> list[str]:
        """1 at the entries that equal the one that was chosen, over their count."""
        one, zero = self._numbers(1, 0)
        count = identifier("count", self.unit.taken)
        inner = [
            f"{place} = {close} ? {one} : {zero};",
            f"{count} += {place};",
        ]
        return [
            f"{self.unit.real} {count} = {zero};",
            *each(inner),
            *each([f"{place} /= {count};"]),
        ]

    def _numbers(self, *values: Fraction | int) -> list[str]:
        return [self.unit.entries.number(Fraction(value)).text for value in values]

    def _over(self, axes: Sequence[Size], labels: Sequence[int], body: list[str]) -> list[str]:
        """Loops over some axes of a tensor."""
        for label in reversed(labels):
            i, size = self.unit.labels[label], self.unit.size(axes[label]).text
            head = f"for (size_t {i} = 0; {i} < {size}; {i}++)"
            inner = [f"    {line}" for line in body]
            body = [head, *inner] if len(body) == 1 else [f"{head} {{", *inner, "}"]
        return body

    def _copied(self, target: str, of: Buffer, count: str) -> list[str]:
        i = self.unit.letters[0]
        loop = f"for (size_t {i} = 0; {i} < {count}; {i}++)"
        return [loop, f"    {target}[{i}] = {self.unit.called[of]}[{i}];"]

    def _copy(self, of: Buffer) -> str:
        """Room for a copy of a matrix."""
        return self._room("copy_of", of, of.axes)

    def _room(self, what: str, of: Buffer, axes: tuple[Size, ...]) -> str:
        room = Buffer(f"{what}_{of.name}", axes, LOCAL)
        self.unit.called[room] = identifier(f"{what}_{self.unit.called[of]}", self.unit.taken)
        self.unit.copies.append(room)
        return self.unit.called[room]
