"""A page as plain text of a given width, in Unicode or in ASCII."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from diagrad.pages.page import Block, Equation, Given, Heading, Item, Maths, Outcome, Page, names_of
from diagrad.pages.wrap import broken, columns, wrapped
from diagrad.show.sentences import in_ascii_text

GAP, INDENT, LONG = 3, 9, 30
RESULT, REASON, HEADING = "result", "reason", "heading"


class Row(NamedTuple):
    """A line: its text, what stands in the column of shapes, and what it is."""

    text: str
    right: str = ""
    kind: str = ""

    @property
    def columns(self) -> int:
        return columns(self.text)


def rows_of(page: Page, width: int, ascii: bool) -> list[Row]:
    """The lines of a page, none wider than `width` but for a formula that cannot be broken."""
    writer = Writer(width, ascii, names_of(page))
    blocks = [(block, list(writer.block(block))) for block in page]
    steps = [row for block, rows in blocks for row in rows if isinstance(block, Item)]
    column = writer.shape_column(steps)
    output: list[Row] = []
    for (block, rows), before in zip(blocks, [None, *page], strict=False):
        if before is not None and not (isinstance(block, Item) and isinstance(before, Item)):
            output += [] if isinstance(before, Heading) else [Row("")]
        output += [writer.set_right(row, column) for row in rows]
    return output


class Writer:
    """Writes the blocks of a page as rows."""

    def __init__(self, width: int, ascii: bool, names: frozenset[str]) -> None:
        self.width, self.style = width, "ascii" if ascii else "unicode"
        self.names = names

    def say(self, sentence: str) -> str:
        if self.style == "unicode":
            return sentence
        return in_ascii_text(sentence.replace("×", " × "), self.names)

    def block(self, block: Block) -> Iterator[Row]:
        match block:
            case Given():
                return self.given(block)
            case Item():
                return self.item(block, 0)
            case Outcome():
                return self.outcome(block)
        return self.heading(block)

    def shape_column(self, rows: Iterable[Row]) -> int:
        """Where the shapes start, so that most stand below each other."""
        sized = [row for row in rows if row.right]
        widest = max((columns(row.right) for row in sized), default=0)
        fitting = [r.columns for r in sized if r.columns + GAP + widest <= self.width]
        return min(max(fitting, default=0) + GAP, self.width - widest)

    def set_right(self, row: Row, column: int) -> Row:
        if not row.right:
            return Row(row.text.rstrip(), kind=row.kind)
        last = self.width - columns(row.right)
        place = max(min(column, last), row.columns + (GAP if row.text.strip() else 0))
        return Row(row.text + " " * (place - row.columns) + row.right, kind=row.kind)

    def given(self, given: Given) -> Iterator[Row]:
        note = self.say(given.convention)
        head = "Given" + " " * max(GAP, self.width - 5 - columns(note))
        fits = columns(head + note) <= self.width
        yield Row((head + note if fits else "Given").rstrip(), kind=HEADING)
        for line in wrapped("" if fits else note, self.width - 2):
            yield Row("  " + line)
        shown = [f"{v(self.style)}  {self.say(words)}" for v, words in given.variables]
        line = ""
        for text in shown:
            longer = f"{line}{' ' * 4}{text}" if line else f"  {text}"
            if line and columns(longer) > self.width:
                yield Row(line)
                longer = f"  {text}"
            line = longer
        if line:
            yield Row(line)
        yield from self._definitions(given)
        yield from self._way(given.way, "The way back: ")
        if given.signs:
            for line in wrapped(self.say(f"Signs: {'; '.join(given.signs)}"), self.width):
                yield Row(line)

    def _definitions(self, given: Given) -> Iterator[Row]:
        """name = formula, its shape and a remark, in columns."""
        names = [d.name(self.style) for d in given.definitions]
        formulas = [d.formula(self.style) for d in given.definitions]
        indent = max(map(columns, names), default=0) + 5
        notes = [_pair(self.say(d.shape), self.say(d.remark)) for d in given.definitions]
        room = self.width - max(map(columns, notes), default=0) - GAP
        lengths = [indent + columns(f) for f in formulas if indent + columns(f) <= room]
        column = max([*lengths, 22]) + GAP
        for name, formula, note in zip(names, formulas, notes, strict=True):
            head = "  " + _filled(name, indent - 5) + " = "
            lines = broken(formula, self.width - indent)
            for k, line in enumerate(lines):
                text = (head if k == 0 else " " * (indent + 2)) + line
                final = k == len(lines) - 1
                if final and columns(text) + GAP + columns(note) <= self.width:
                    place = max(min(column, self.width - columns(note)), columns(text) + GAP)
                    text = _filled(text, place) + note
                    note = ""
                yield Row(text)
            if note:
                yield Row(" " * max(0, min(column, self.width - columns(note))) + note)

    def _way(self, way: Sequence[Maths], words: str) -> Iterator[Row]:
        """The stretches of the way, as many a line as fit."""
        line = words
        for k, stretch in enumerate(way):
            text = stretch(self.style)
            longer = f"{line};  {text}" if k else line + text
            if k and columns(longer) >= self.width:
                yield Row(f"{line};")
                longer = " " * columns(words) + text
            while columns(longer) > self.width and (at := longer.rfind(" ", 0, self.width)) > 20:
                yield Row(longer[:at])
                longer = " " * columns(words) + longer[at:].lstrip()
            line = longer
        if way:
            yield Row(line)

    def heading(self, heading: Heading) -> Iterator[Row]:
        for line in wrapped(self.say(heading.words), self.width):
            yield Row(line, kind=HEADING)
        for equation in heading.called:
            yield from self._with_shape(self.joined(equation, 2), self.say(equation.shape))
        yield from self._way(heading.way, "The way back: ")

    def item(self, item: Item, indent: int) -> Iterator[Row]:
        number = " " * indent + _filled(item.number, max(1, len(item.number)) + 2)
        start = columns(number)
        rows = self.equations(item.equations, start)
        reason = self.say(item.reason)
        beside = len(rows) == 1 and not rows[0].right and bool(reason)
        if beside and rows[0].columns + GAP + columns(reason) <= self.width:
            rows, reason = [Row(f"{rows[0].text}{' ' * GAP}{reason}")], ""
        for k, row in enumerate(rows):
            yield row._replace(text=number + row.text[start:]) if k == 0 else row
        for line in wrapped(reason, self.width - start):
            yield Row(" " * start + line, kind=REASON)
        for part in item.parts:
            yield from self.item(part, start)

    def equations(self, equations: Sequence[Equation], start: int) -> list[Row]:
        """The rows of equations that start at a column, shapes where they fit."""
        output: list[Row] = []
        for equation in equations:
            rows = (
                self.aligned(equation, start) if equation.aligned else self.joined(equation, start)
            )
            rows = self._with_shape(rows, self.say(equation.shape))
            if equation.lead == "where" and output and len(rows) == 1 and not output[-1].right:
                together = f"{output[-1].text}{' ' * GAP}{rows[0].text.lstrip()}"
                if columns(together) <= self.width:
                    output[-1], rows = Row(together), []
            output += rows
        return output

    def _with_shape(self, rows: list[Row], shape: str) -> list[Row]:
        """The shape on the first row, or the last, or on a row of its own."""
        if not shape:
            return rows
        for k in (0, len(rows) - 1):
            if rows[k].columns + GAP + columns(shape) <= self.width:
                return [*rows[:k], rows[k]._replace(right=shape), *rows[k + 1 :]]
        return [*rows, Row("", shape)]

    def joined(self, equation: Equation, start: int) -> list[Row]:
        """left = first = second on one row as far as they fit, the others below the last =."""
        left = self._left(equation)
        texts = [side.maths(self.style) for side in equation.sides]
        at = start + columns(left)
        if columns(left) > LONG and any(at + 3 + columns(t) > self.width for t in texts):
            rows = [Row(" " * start + line) for line in broken(left, self.width - start)]
            return rows + [r for t in texts for r in self._side(" " * start, t, start)]
        rows = self._side(" " * start + left, texts[0], at)
        if len(texts) > 1 and len(rows) == 1:
            line = rows[0].text + " = " + texts[1]
            shape = columns(self.say(equation.shape)) + GAP if len(texts) == 2 else 0
            if columns(line) + (shape if columns(line) - at > 30 else 0) <= self.width:
                second = rows[0].columns
                rows, texts = [Row(line)], texts[1:]
                if all(second + 3 + columns(t) <= self.width for t in texts[1:]):
                    at = second
        for text in texts[1:]:
            rows += self._side(" " * at, text, at)
        return self._with_why(rows, self.say(equation.sides[-1].why), at + 3)

    def _with_why(self, rows: list[Row], why: str, at: int) -> list[Row]:
        """The reason for the last side beside it, or below."""
        if not why:
            return rows
        if rows[-1].columns + GAP + columns(why) <= self.width - 24 * (len(rows) == 1):
            return [*rows[:-1], Row(rows[-1].text + " " * GAP + why)]
        return [
            *rows,
            *(Row(" " * at + line, kind=REASON) for line in wrapped(why, self.width - at)),
        ]

    def aligned(self, equation: Equation, start: int) -> list[Row]:
        """Every side on a row, below the first =, with its reason beside it where that fits."""
        left = self._left(equation)
        at = start + columns(left)
        sides = [(side.maths(self.style), self.say(side.why)) for side in equation.sides]
        column = max(at + 3 + columns(text) for text, why in sides) + GAP
        rows: list[Row] = []
        for k, (text, why) in enumerate(sides):
            lines = self._side(" " * start + left if k == 0 else " " * at, text, at)
            place = next(
                (
                    c
                    for c in (column, lines[-1].columns + GAP)
                    if c + columns(why) <= self.width and c > lines[-1].columns
                ),
                None,
            )
            if why and place is not None:
                lines[-1] = Row(_filled(lines[-1].text, place) + why)
                why = ""
            rows += lines
            spare = self.width - columns(why)
            below = next((c for c in (at + 3, start + 2, start) if c <= spare), start + 2)
            rows += [Row(" " * below + w, kind=REASON) for w in wrapped(why, self.width - below)]
        return rows

    def _left(self, equation: Equation) -> str:
        lead = f"{equation.lead} " if equation.lead else ""
        return lead + equation.left(self.style)

    def _side(self, before: str, text: str, at: int) -> list[Row]:
        """` = text` after what stands before it, broken below itself."""
        first, *more = broken(text, self.width - at - 3)
        return [Row(f"{before} = {first}"), *(Row(" " * (at + 5) + line) for line in more)]

    def outcome(self, outcome: Outcome) -> Iterator[Row]:
        yield from self._results(outcome.results)
        for name, formula in outcome.named:
            head = " " * INDENT + "with " + name(self.style)
            yield from self._side(head, formula(self.style), columns(head))
        for remark in outcome.remarks:
            for line in wrapped(self.say(remark), self.width - INDENT):
                yield Row(" " * INDENT + line, kind=REASON)
        for k, check in enumerate(outcome.checks):
            for line in wrapped(self.say(check), self.width - INDENT):
                yield Row(_filled("" if k else "Checked", INDENT) + line)
                k += 1

    def _results(self, results: Sequence[Equation]) -> Iterator[Row]:
        """The results, what is said of their shapes in a column."""
        rows: list[Row] = []
        for equation in results:
            found = [r._replace(kind=RESULT) for r in self.joined(equation, INDENT)]
            note = self.say(equation.shape)
            if found[-1].columns + GAP + columns(note) <= self.width:
                found[-1] = found[-1]._replace(right=note)
            else:
                lines = wrapped(note, self.width - INDENT - 2)
                found += [Row(" " * (INDENT + 2) + line) for line in lines]
            rows += found
        column = self.shape_column(rows)
        for k, row in enumerate(rows):
            head = ("" if k else "Result" if len(results) == 1 else "Results").ljust(INDENT)
            yield self.set_right(row._replace(text=head + row.text[INDENT:]), column)


def _filled(text: str, width: int) -> str:
    return text + " " * max(0, width - columns(text))


def _pair(shape: str, remark: str) -> str:
    return f"{shape:8}  {remark}" if remark else shape
