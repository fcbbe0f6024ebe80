"""Operations on whole matrices in C, which no loop of a schedule does."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from diagrad.code.identifiers import identifier
from diagrad.compile.digits import RESHAPED
from diagrad.compile.statements import LOCAL, Buffer, Library, Read, Unwritten
from diagrad.dimensions import Size
from diagrad.operations.extremes import FIRST, SHARED
from diagrad.operations.factorisations import CHOLESKY, LOWER_ONES

if TYPE_CHECKING:
    from diagrad.code.in_c import Unit

LINEAR_ALGEBRA = {"inv": "inverse", "det": "determinant", "logdet": "log_determinant"}


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
        if statement.head.operation is FIRST:
            return self._first(statement)
        if statement.head.operation is SHARED:
            return self._shared(statement)
        if word not in (*LINEAR_ALGEBRA, CHOLESKY.name, LOWER_ONES.name) or len(of.axes) != 2:
            raise Unwritten(word)
        if statement.head.operation is LOWER_ONES:
            return self._lower_ones(target)
        order = self.unit.size(of.axes[0]).text
        self.unit.entries.used.add(LINEAR_ALGEBRA.get(word, word))
        if word == CHOLESKY.name:
            return [f"cholesky({called}, {given}, {order});"]
        copy = self._copy(of)
        lines = self._copied(copy, of, self.unit.count(of).text)
        if target.axes:
            return [*lines, f"inverse({called}, {copy}, {order});"]
        start = self.unit.assigned(target, first=True)
        return [*lines, f"{start} = {LINEAR_ALGEBRA[word]}({copy}, {order});"]

    def _lower_ones(self, target: Buffer) -> list[str]:
        self.unit.labels = dict(enumerate(self.unit.letters[:2]))
        i, j = self.unit.letters[:2]
        one, zero = (self.unit.entries.number(Fraction(n)).text for n in (1, 0))
        line = f"{self.unit.place(Read(target, (0, 1))).text} = {j} <= {i} ? {one} : {zero};"
        return self._over(target.axes, (0, 1), [line])

    def _first(self, statement: Library) -> list[str]:
        """1 at the first entry along some axes that is nearest to the one that was chosen, or at
        the first that is not a number."""
        axes, along = statement.arguments[0].axes, statement.head.parameters
        kept, (place, entry, largest) = self._placed(statement)
        absolute = "fabsf" if self.unit.single else "fabs"
        one, zero = (self.unit.entries.number(Fraction(n)).text for n in (1, 0))
        far, least, nearest = (
            identifier(name, self.unit.taken) for name in ("far", "least", "nearest")
        )
        inner = [
            f"const {self.unit.real} {far} = {absolute}({entry} - {largest});",
            f"{place} = {zero};",
            f"if (!{nearest} || {far} < {least} || (isnan({far}) && !isnan({least}))) {{",
            f"    {nearest} = &{place};",
            f"    {least} = {far};",
            "}",
        ]
        body = [
            f"{self.unit.real} *{nearest} = NULL, {least} = {zero};",
            *self._over(axes, along, inner),
            f"if ({nearest})",
            f"    *{nearest} = {one};",
        ]
        return self._for_each(axes, kept, body)

    def _shared(self, statement: Library) -> list[str]:
        """1 at the entries along some axes that equal the one that was chosen, over their count."""
        axes, along = statement.arguments[0].axes, statement.head.parameters
        kept, (place, entry, largest) = self._placed(statement)
        absolute = "fabsf" if self.unit.single else "fabs"
        near, one, zero = (
            self.unit.entries.number(n).text
            for n in (Fraction(1, 10**12), Fraction(1), Fraction(0))
        )
        count = identifier("count", self.unit.taken)
        gap = f"{absolute}({entry} - {largest}) <= {near} * {absolute}({largest})"
        inner = [
            f"{place} = {entry} == {largest} || {gap} ? {one} : {zero};",
            f"{count} += {place};",
        ]
        body = [
            f"{self.unit.real} {count} = {zero};",
            *self._over(axes, along, inner),
            *self._over(axes, along, [f"{place} /= {count};"]),
        ]
        return self._for_each(axes, kept, body)

    def _placed(self, statement: Library) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """The axes that are kept, and an entry of the target, of what it is of, and of what was
        chosen along the others."""
        of, chosen = statement.arguments
        every = tuple(range(len(of.axes)))
        self.unit.labels = dict(zip(every, self.unit.letters, strict=False))
        kept = tuple(k for k in every if k not in statement.head.parameters)
        reads = (Read(statement.target, every), Read(of, every), Read(chosen, kept))
        return kept, tuple(self.unit.place(read).text for read in reads)

    def _for_each(self, axes: Sequence[Size], kept: Sequence[int], body: list[str]) -> list[str]:
        if kept:
            return self._over(axes, kept, body)
        return ["{", *(f"    {line}" for line in body), "}"]

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
        copy = Buffer(f"copy_of_{of.name}", of.axes, LOCAL)
        self.unit.called[copy] = identifier(f"copy_of_{self.unit.called[of]}", self.unit.taken)
        self.unit.copies.append(copy)
        return self.unit.called[copy]
