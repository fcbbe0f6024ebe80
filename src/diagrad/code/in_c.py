"""A function in C11, in plain loops, for any sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence

from diagrad.code import comments
from diagrad.code.entries import ATOM, SUM, UNARY, Entries, Text
from diagrad.code.identifiers import RESERVED, identifier
from diagrad.code.loops import Product, is_side_by_side, product_of
from diagrad.code.task import Task, in_brackets
from diagrad.code.whole import Whole
from diagrad.compile.c_functions import texts
from diagrad.compile.in_numpy import Writer, dimensions
from diagrad.compile.statements import (
    Buffer,
    Call,
    Entry,
    Library,
    Loop,
    Read,
    Result,
    Statement,
    Unwritten,
)
from diagrad.dimensions import Size

LETTERS = "ijklpqrst"
# What has been reduced so far.
SO_FAR = {"sum": "sum", "prod": "product", "max": "largest", "min": "smallest"}
START = {"sum": "0.0", "prod": "1.0", "max": "-INFINITY", "min": "INFINITY"}


def c(task: Task, single: bool) -> str:
    """The text of a translation unit. Raises Unwritten."""
    return Unit(task, single).text()


class Unit:
    def __init__(self, task: Task, single: bool) -> None:
        self.task, self.schedule, self.single = task, task.schedule, single
        self.real = "float" if single else "double"
        taken = self.taken = set(RESERVED)
        self.sized = {n: identifier(n, taken) for n in dimensions(task.schedule)}
        first = sorted(task.names, key=lambda b: b.role != "input")
        self.called = {b: identifier(task.names[b], taken) for b in first}
        self.name = identifier(task.name, taken)
        self.work = identifier("work", taken)
        self.so_far = {word: identifier(name, taken) for word, name in SO_FAR.items()}
        self.letters = [identifier(letter, taken) for letter in LETTERS]
        self.copies: list[Buffer] = []
        self.used_sizes: set[str] = set()
        self.entries = Entries(self.place, lambda s: self.size(s).within(ATOM), self.sized, single)
        self.labels: dict[int, str] = {}
        self.declared: set[Buffer] = set()
        self.blas = False
        self.in_numpy = Writer(task.schedule, (self.called, self.sized), "float")

    # The whole.

    def text(self) -> str:
        body = [line for s in self.schedule.statements for line in self.statement(s)]
        pieces = list(self._pieces())
        used = "\n".join([*body, *pieces])
        sizes = [
            name for name in self.sized if re.search(rf"\b{re.escape(self.sized[name])}\b", used)
        ]
        helpers = texts(self.entries.used, self.single)
        parts = [
            "\n".join([*comments.in_c([*self.task.heading, "", *self._notes()]), ""]),
            "#include <math.h>\n#include <stddef.h>\n",
            *(["#ifdef DIAGRAD_CBLAS\n#include <cblas.h>\n#endif\n"] if self.blas else []),
            *helpers,
            *self._workspace(sizes),
            "\n".join(
                [*self._head(sizes), "{", *_indented([*self._unused(used), *pieces, *body]), "}"]
            ),
        ]
        return "\n".join(parts) + "\n"

    def _notes(self) -> Iterator[str]:
        """How it is called."""
        yield "Matrices are stored row by row. Sizes are 1 or more. An array that is written to"
        yield "shares no memory with another."
        if self._stored:
            yield f"{self.work} has room for {self.name}_workspace(...) numbers."
        if self.blas:
            yield "With DIAGRAD_CBLAS defined, products of matrices are made by CBLAS."

    def _head(self, sizes: Sequence[str]) -> Iterator[str]:
        inputs, outputs = self.schedule.inputs, self.schedule.outputs
        lines = [(f"size_t {self.sized[n]}", self._note(n, self.sized[n])) for n in sizes]
        lines += [(self._parameter(b), self._about(b)) for b in inputs]
        lines += [(self._parameter(b), f"out: {self._about(b)}") for b in outputs]
        if self._stored:
            lines.append((f"{self.real} *restrict {self.work}", "room for intermediate values"))
        width = max(len(text) for text, _ in lines) + 1
        yield f"void {self.name}("
        for k, (text, note) in enumerate(lines):
            text += "," if k < len(lines) - 1 else ")"
            yield f"    {text:{width}}  /* {comments.harmless(note)} */" if note else f"    {text}"

    def _note(self, name: str, called: str) -> str:
        return "" if name == called else name

    def _about(self, buffer: Buffer) -> str:
        declared = in_brackets(self.task.shapes[buffer])
        name = self.task.names[buffer]
        return declared if name == self.called[buffer] else f"{name}: {declared}"

    def _parameter(self, buffer: Buffer) -> str:
        if buffer in self.schedule.outputs:
            return f"{self.real} *restrict {self.called[buffer]}"
        return f"{f'const {self.real} *' if buffer.axes else f'{self.real} '}{self.called[buffer]}"

    @property
    def _stored(self) -> list[Buffer]:
        """What stands in the workspace."""
        return [*(b for b in self.schedule.locals if b.axes), *self.copies]

    def _pieces(self) -> Iterator[str]:
        """Where each local tensor begins in the workspace."""
        at = self.work
        for buffer in self._stored:
            yield f"{self.real} *const {self.called[buffer]} = {at};"
            at = f"{self.called[buffer]} + {self.count(buffer).within(SUM)}"

    def _workspace(self, sizes: Sequence[str]) -> Iterator[str]:
        if not self._stored:
            return
        total = Size.of(0)
        for buffer in self._stored:
            total += math.prod(buffer.axes, start=Size.of(1))
        text = self.size(total).text
        own = [self.sized[n] for n in sizes if re.search(rf"\b{re.escape(self.sized[n])}\b", text)]
        parameters = ", ".join(f"size_t {name}" for name in own) or "void"
        yield (
            f"/* How many numbers {self.name} needs room for. */\n"
            f"size_t {self.name}_workspace({parameters})\n{{\n"
            + "\n".join(_wrapped(f"    return {text};"))
            + "\n}\n"
        )

    def _unused(self, used: str) -> Iterator[str]:
        for buffer in self.schedule.inputs:
            if not re.search(rf"\b{self.called[buffer]}\b", used):
                yield f"(void){self.called[buffer]};  /* nothing depends on it */"

    # Sizes and places.

    def size(self, size: Size) -> Text:
        terms = sorted(size.terms, key=lambda term: not term[0])
        text = ""
        for monomial, c in terms:
            factors = [self.sized[d.name] for d in monomial]
            factors = factors if abs(c) == 1 and factors else [str(abs(c)), *factors]
            sign = ("-" if c < 0 else "") if not text else (" - " if c < 0 else " + ")
            text += sign + " * ".join(factors)
        plain = text.isalnum() or text.replace("_", "a").isalnum()
        return Text(text or "0", ATOM if plain else SUM)

    def count(self, buffer: Buffer) -> Text:
        """How many entries a tensor has."""
        factors = [self.size(size).within(ATOM) for size in buffer.axes] or ["1"]
        return Text(" * ".join(factors), ATOM if len(factors) == 1 else UNARY)

    def place(self, read: Read) -> Text:
        buffer = read.buffer
        if not buffer.axes:
            output = buffer.role == "output"
            return Text(f"*{self.called[buffer]}", UNARY) if output else Text(self.called[buffer])
        index = ""
        for label, size in zip(read.at, buffer.axes, strict=True):
            letter = self.labels[label]
            if index:
                before = f"({index})" if " + " in index else index
                index = f"{before} * {self.size(size).within(ATOM)} + {letter}"
            else:
                index = letter
        return Text(f"{self.called[buffer]}[{index}]")

    # Statements.

    def statement(self, statement: Statement) -> list[str]:
        said = self._said(statement)
        if isinstance(statement, Library):
            return ["", *said, *Whole(self).lines(statement)]
        every = (*statement.free, *statement.over)
        if len(every) > len(self.letters):
            raise Unwritten("a tensor of so many axes")
        self.labels = dict(zip(every, self.letters, strict=False))
        return ["", *said, *self._loop(statement)]

    def _said(self, statement: Statement) -> list[str]:
        """The statement in NumPy's notation, as a comment."""
        try:
            (line,) = self.in_numpy.statement(statement)
        except Unwritten:
            return []
        line = comments.harmless(line).replace("np.", "").replace(", optimize=True", "")
        return [f"/* {line.replace(', dtype=float', '')} */"]

    def assigned(self, buffer: Buffer, first: bool, constant: bool = True) -> str:
        """A scalar on the left of its first assignment, or of a later one."""
        if buffer.role == "output":
            return f"*{self.called[buffer]}"
        if not first or buffer in self.declared:
            return self.called[buffer]
        self.declared.add(buffer)
        return f"{'const ' if constant else ''}{self.real} {self.called[buffer]}"

    def _loop(self, loop: Loop) -> list[str]:
        if not loop.reduce:
            return self._entrywise(loop, loop.body, loop.adds)
        product = product_of(loop)
        if product is not None:
            self.blas = True
            plain = self._summed(loop, finish=False)
            blas = self._by_blas(loop, product)
            return [
                *("#ifdef DIAGRAD_CBLAS", *blas, "#else", *plain, "#endif"),
                *self._finished(loop),
            ]
        return self._summed(loop)

    def _entrywise(
        self, loop: Loop, entry: Entry, adds: bool = False, result: str = ""
    ) -> list[str]:
        text = self.entries.text(entry, self.labels, result).text
        if not loop.at:
            return [f"{self.assigned(loop.target, first=True)} {'+=' if adds else '='} {text};"]
        place = self.place(Read(loop.target, loop.at)).text
        return self._nested(loop, loop.free, [f"{place} {'+=' if adds else '='} {text};"])

    def _finished(self, loop: Loop) -> list[str]:
        """What is left to do to the entries of a sum."""
        if loop.finish == Result():
            return []
        return self._entrywise(loop, loop.finish, result=self._stored_entry(loop))

    def _stored_entry(self, loop: Loop) -> str:
        return self.place(Read(loop.target, loop.at)).text

    def _nested(self, loop: Loop, labels: Iterable[int], body: list[str]) -> list[str]:
        """Loops around lines, with braces around more than one statement."""
        lines = body
        for label in reversed(list(labels)):
            i, size = self.labels[label], self.size(loop.sizes[label]).text
            alone = len(_statements(lines)) == 1
            head = f"for (size_t {i} = 0; {i} < {size}; {i}++)"
            inner = [f"    {line}" for line in lines]
            lines = [head, *inner] if alone else [f"{head} {{", *inner, "}"]
        return lines

    def _summed(self, loop: Loop, finish: bool = True) -> list[str]:
        if loop.reduce == "sum" and is_side_by_side(loop):
            return [*self._by_rows(loop), *(self._finished(loop) if finish else [])]
        start = self._start(loop)
        if not loop.at:
            first = f"{self.assigned(loop.target, first=True, constant=False)} = {start};"
            target = self.assigned(loop.target, first=False)
            lines = [first, *self._nested(loop, loop.over, [self._step(loop, target)])]
            if loop.finish == Result():
                return lines
            text = self.entries.text(loop.finish, self.labels, self._stored_entry(loop)).text
            return [*lines, f"{target} = {text};"]
        entry = loop.finish if finish else Result()
        so_far = self.so_far[loop.reduce]
        text = self.entries.text(entry, self.labels, so_far).text
        target = self._stored_entry(loop)
        body = [
            f"{self.real} {so_far} = {start};",
            *self._nested(loop, loop.over, [self._step(loop, so_far)]),
            f"{target} {'+=' if loop.adds else '='} {text};",
        ]
        return self._nested(loop, loop.free, body)

    def _start(self, loop: Loop) -> str:
        start = START[loop.reduce]
        return start + "f" if self.single and start[-1].isdigit() else start

    def _step(self, loop: Loop, target: str) -> str:
        text = self.entries.text(loop.body, self.labels)
        if loop.reduce in ("max", "min"):
            word = "larger" if loop.reduce == "max" else "smaller"
            self.entries.used.add(word)
            return f"{target} = {word}({target}, {text.text});"
        if loop.reduce == "sum" and text.text.startswith("-") and text.binds >= SUM + 1:
            return f"{target} -= {text.text[1:]};"
        return f"{target} {'+=' if loop.reduce == 'sum' else '*='} {text.text};"

    def _by_rows(self, loop: Loop) -> list[str]:
        """A sum whose entries lie side by side: the innermost loop runs along them."""
        *outer, j = loop.free
        target = self._stored_entry(loop)
        zero = self._nested(loop, [j], [f"{target} = {self._start(loop)};"])
        add = self._nested(loop, [*loop.over, j], [self._step(loop, target)])
        return self._nested(loop, outer, [*zero, *add])

    def _by_blas(self, loop: Loop, product: Product) -> Iterator[str]:
        left, right = product.left, product.right
        rows, columns = (f"(int){self.size(loop.sizes[k]).within(ATOM)}" for k in loop.at)
        terms = f"(int){self.size(loop.sizes[loop.over[0]]).within(ATOM)}"
        turns = ("CblasTrans" if turned else "CblasNoTrans" for turned in product.turned)
        a, b = self.called[left.buffer], self.called[right.buffer]
        steps = [f"(int){self.size(read.buffer.axes[1]).within(ATOM)}" for read in (left, right)]
        one, zero = ("1.0f", "0.0f") if self.single else ("1.0", "0.0")
        scale = one
        if product.scale:
            call = Call("*", product.scale) if len(product.scale) > 1 else product.scale[0]
            scale = self.entries.text(call, self.labels).text
        yield f"cblas_{'s' if self.single else 'd'}gemm(CblasRowMajor, {', '.join(turns)},"
        yield f"            {rows}, {columns}, {terms}, {scale}, {a}, {steps[0]},"
        yield f"            {b}, {steps[1]}, {zero}, {self.called[loop.target]}, {columns});"


def _statements(lines: Sequence[str]) -> list[str]:
    """The lines that begin a statement and are not inside another one."""
    return [line for line in lines if not line.startswith(" ") and line != "}"]


def _wrapped(line: str) -> list[str]:
    """A sum on lines of at most 100 columns."""
    lines = [line]
    while len(lines[-1]) > 100 and " + " in lines[-1][8:98]:
        cut = lines[-1].rindex(" + ", 8, 98)
        lines[-1:] = [lines[-1][:cut], "        " + lines[-1][cut + 1 :]]
    return lines


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" if line and not line.startswith("#") else line for line in lines)
