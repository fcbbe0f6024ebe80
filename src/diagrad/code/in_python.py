"""A function in Python over NumPy alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from diagrad.code import comments
from diagrad.code.sizes import Told, lines, renamed, told
from diagrad.code.task import Task, in_brackets
from diagrad.compile.in_numpy import SINGLE, TAKEN, Writer, dimensions, new_name
from diagrad.compile.statements import Buffer

# What is a number of NumPy's, not an array without axes.
NUMBER = re.compile(r"np\.(sum|max|min|prod|exp|log|sqrt|tanh)\(|.*[^,] [-+*/@]+ |-")
WIDTH = 96
FAR = 64  # the column of comments, at most


def python(task: Task, single: bool) -> str:
    """The text of a module. Raises Unwritten."""
    return _Module(task, SINGLE if single else "float").text()


class _Module:
    def __init__(self, task: Task, dtype: str) -> None:
        self.task, self.schedule, self.dtype = task, task.schedule, dtype
        taken = set(TAKEN)
        self.sized = {name: new_name(name, taken) for name in dimensions(task.schedule)}
        self.called = {
            b: new_name(task.names[b], taken)
            for b in sorted(task.names, key=lambda b: b.role != "input")
        }
        self.name = new_name(task.name, taken)
        self.writer = Writer(task.schedule, (self.called, self.sized), dtype)

    def text(self) -> str:
        body = list(self._body())
        helpers = self.writer.helpers.values()
        imports = ["import math", ""] if any("math." in text for text in helpers) else []
        parts = [
            "\n".join([*comments.in_python(self.task.heading), "", *imports, "import numpy as np"]),
            *(text.rstrip("\n") for text in helpers),
            "\n".join([*_listed(f"def {self.name}(", self._parameters(), "):"), *_indented(body)]),
        ]
        return "\n\n\n".join(parts) + "\n"

    def _parameters(self) -> Iterator[str]:
        yield from (self.called[buffer] for buffer in self.schedule.inputs)
        yield from (self.sized[name] for name in self._untold)

    def _body(self) -> Iterator[str]:
        yield from self._docstring()
        for buffer in self.schedule.inputs:
            name = self.called[buffer]
            as_declared = ("()", "-1")[len(buffer.axes)] if len(buffer.axes) < 2 else ""
            shaped = f".reshape({as_declared})" if as_declared else ""
            number = "[()]" if as_declared == "()" else ""
            yield f"{name} = np.asarray({name}, dtype={self.dtype}){shaped}{number}"
        yield from lines(self._told, self.called, self.sized)
        yield from self._checks()
        yield ""
        yield from self._statements()
        yield ""
        returned = [self._returned(buffer) for buffer in self.schedule.outputs]
        whole = f"return {', '.join(returned)}"
        yield from [whole] if len(whole) <= WIDTH else _listed("return (", returned, ")")

    def _docstring(self) -> Iterator[str]:
        yield '"""The value and the derivatives of the problem above.'
        yield ""
        yield from self._list("Takes", self.schedule.inputs)
        yield from (f"    {self.sized[name]}: a whole number" for name in self._untold)
        yield ""
        yield from self._list("Returns", self.schedule.outputs)
        yield ""
        yield "Arrays or nested lists; a row or a column may have one axis. What comes back is a"
        yield "tuple in this order: arrays with two axes or more, and numbers."
        yield "Raises ValueError for shapes that do not fit."
        yield '"""'

    def _list(self, title: str, buffers: Sequence[Buffer]) -> Iterator[str]:
        yield f"{title}"
        yield from (f"    {self.called[b]}: {self._declared(b)}" for b in buffers)

    def _declared(self, buffer: Buffer) -> str:
        shape = (renamed(size, self.sized) for size in self.task.shapes[buffer])
        return in_brackets(tuple(shape))

    # Sizes.

    @cached_property
    def _told(self) -> list[Told]:
        return told(self.schedule.inputs)

    @property
    def _untold(self) -> list[str]:
        known = {one.name for one in self._told}
        return [name for name in dimensions(self.schedule) if name not in known]

    def _checks(self) -> Iterator[str]:
        """That shapes fit, but for those from which all sizes were taken."""
        fits = [
            f"{self.called[b]}.shape == {self.writer.tuple(b.axes)}"
            for b in self.schedule.inputs
            if sum(one.buffer is b and "//" not in one.formula for one in self._told) < len(b.axes)
        ]
        if not fits:
            return
        if len(fits) <= 2:
            yield f"if not ({' and '.join(fits)}):"
        else:
            yield "fits = ("
            yield from (f"    {'and ' if k else ''}{line}" for k, line in enumerate(fits))
            yield ")"
            yield "if not fits:"
        yield '    raise ValueError("the shapes of the arguments do not fit together")'

    # Statements.

    def _statements(self) -> Iterator[str]:
        written = [
            (line, self._note(s.target)) for s in self.schedule.statements
            for line in self.writer.statement(s)
        ]  # fmt: skip
        column = max((len(line) for line, _ in written if len(line) <= FAR), default=0)
        for line, note in written:
            yield f"{line:{column}}  {note}".rstrip() if note else line

    def _note(self, buffer: Buffer) -> str:
        return f"# {' x '.join(map(self.writer.size, buffer.axes))}" if buffer.axes else ""

    def _returned(self, buffer: Buffer) -> str:
        shape, name = self.task.shapes[buffer], self.called[buffer]
        if not buffer.axes and all(size.number == 1 for size in shape):
            return name if self._is_number(buffer) else f"{name}[()]"
        if len(shape) == len(buffer.axes):
            return name
        return f"{name}.reshape({', '.join(map(self.writer.size, shape))})"

    def _is_number(self, buffer: Buffer) -> bool:
        written = (self.writer.statement(s) for s in self.schedule.statements if s.target is buffer)
        *_, last = (line for statement in written for line in statement)
        return bool(NUMBER.match(last.partition(" = ")[2]))


def _listed(head: str, items: Iterable[str], end: str) -> list[str]:
    """On one line, or where that is long on one for each."""
    items = list(items)
    whole = f"{head}{', '.join(items)}{end}"
    return [whole] if len(whole) <= WIDTH else [head, *(f"    {item}," for item in items), end]


def _indented(lines: Sequence[str]) -> Iterator[str]:
    return (f"    {line}" if line else "" for line in lines)
