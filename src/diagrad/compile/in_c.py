"""A schedule as a function in C, specialised to its sizes.

The function is `void kernel(const void *const *in, void *const *out, void *work)`. Local tensors
that are small live on the stack, the others in `work`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from importlib.resources import files
from math import prod
from typing import NamedTuple

from diagrad.compile.digits import RESHAPED
from diagrad.compile.schedule import (
    FUNCTION_NAMES,
    LOCAL,
    Buffer,
    Call,
    Count,
    DigitOf,
    Entry,
    Equal,
    Library,
    Literal,
    Loop,
    Named,
    Read,
    Result,
    Schedule,
    Unwritten,
    count_of,
    reads,
)
from diagrad.dimensions import Size

TYPES = {"d": ("double", ""), "f": ("float", "f")}
BYTES = {"d": 8, "f": 4}
ALIGNMENT = 64
# Local tensors of so many bytes in all stand on the stack.
STACK = 1 << 16
# Vectors side by side in a tile, and at most so many rows.
VECTORS, MOST_ROWS = 2, 8
PI = "3.141592653589793238462643383279502884"
# The functions of functions.c, by the word of the language.
OWN = frozenset(
    "exp log tanh sigmoid softplus relu step abs sign gelu".split()  # noqa: SIM905
)
# Those of the standard library.
STANDARD = {
    name: name
    for name in "sqrt sin cos tan sinh cosh erf log1p expm1".split()  # noqa: SIM905
} | {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}

# The functions of linear_algebra.c: of the target, a copy of the matrix, and its size.
LINEAR_ALGEBRA = {
    "inv": "inverse({0}, {1}, order, {2});",
    "det": "{0}[0] = determinant({1}, order, {2});",
    "logdet": "{0}[0] = log_determinant({1}, order, {2});",
}
# Choices among entries; comparisons stand in `where`.
CHOOSING = {sign: f"({{0}} {sign} {{1}})" for sign in (">", ">=", "<", "<=", "==", "!=")} | {
    "where": "({0} ? {1} : {2})",
    "maximum": "larger({0}, {1})",
    "minimum": "smaller({0}, {1})",
    "clip": "smaller(larger({0}, {1}), {2})",
}


class Kernel(NamedTuple):
    """C text, and the bytes of workspace that its function needs."""

    text: str
    workspace: int


def kernel(schedule: Schedule, dtype: str, vector: int = 64, name: str = "kernel") -> Kernel:
    """The function of a schedule for "d" or "f", with vectors of so many bytes. Raises Unwritten."""
    return _Writer(schedule, dtype, vector).kernel(name)


class _Writer:
    def __init__(self, schedule: Schedule, dtype: str, vector: int) -> None:
        self.schedule, self.sizes, self.dtype = schedule, schedule.sizes, dtype
        self.suffix = TYPES[dtype][1]
        self.lanes = vector // BYTES[dtype]
        self.registers = 24 if vector == 64 else 12
        self.called: dict[Buffer, str] = {}
        self.scratch: list[Buffer] = []
        for k, buffer in enumerate(schedule.inputs):
            self.called[buffer] = f"in{k}"
        for k, buffer in enumerate(schedule.outputs):
            self.called[buffer] = f"out{k}"
        for k, buffer in enumerate(schedule.locals):
            self.called[buffer] = f"t{k}"

    def kernel(self, name: str) -> Kernel:
        body = [line for s in self.schedule.statements for line in self.statement(s)]
        declared, workspace = self._declarations()
        real = TYPES[self.dtype][0]
        head = [
            f"typedef {real} real;",
            f"#define REAL_BITS {8 * BYTES[self.dtype]}",
            f"#define R(x) x{'##' + self.suffix if self.suffix else ''}",
            _resource("functions.c"),
            *([_resource("linear_algebra.c")] if self.scratch else []),
            *(
                f"typedef real V{n} __attribute__((vector_size({n} * sizeof(real)), aligned(sizeof(real)), may_alias));"
                for n in (2, 4, 8, 16)
            ),
            f"void {name}(const void *const *in, void *const *out, void *work)",
            "{",
        ]
        lines = [*head, *indented(declared), *indented(body), "}"]
        return Kernel("\n".join(lines) + "\n", workspace)

    def _declarations(self) -> tuple[list[str], int]:
        lines = ["(void)in; (void)out; (void)work;"]
        for k, buffer in enumerate(self.schedule.inputs):
            lines.append(f"const real *restrict const in{k} = in[{k}];  /* {buffer.name} */")
        for k, buffer in enumerate(self.schedule.outputs):
            lines.append(f"real *restrict const out{k} = out[{k}];  /* {buffer.name} */")
        places, total = self._places()
        on_stack = total <= STACK
        for buffer, place in places.items():
            called, count = self.called[buffer], max(1, self.count(buffer.axes))
            if on_stack:
                lines.append(f"real {called}[{count}] ALIGNED;  /* {buffer.name} */")
            else:
                at = f"(real *)((char *)work + {place})"
                lines.append(f"real *restrict const {called} = {at};  /* {buffer.name} */")
        return lines, 0 if on_stack else total

    def _places(self) -> tuple[dict[Buffer, int], int]:
        places: dict[Buffer, int] = {}
        total = 0
        for buffer in (*self.schedule.locals, *self.scratch):
            places[buffer] = total
            size = self.count(buffer.axes) * BYTES[self.dtype]
            total += -(-size // ALIGNMENT) * ALIGNMENT
        return places, total

    def count(self, axes: Iterable[Size]) -> int:
        return count_of(self.sizes, list(axes))

    # Statements.

    def statement(self, statement: Loop | Library) -> list[str]:
        if isinstance(statement, Library):
            return self.library(statement)
        loop = _Loop(self, statement)
        return ["", f"/* {statement.target.name} */", *loop.lines()]

    def library(self, statement: Library) -> list[str]:
        word = statement.head.operation.name
        target, of = (self.called[b] for b in (statement.target, *statement.arguments))
        axes = statement.arguments[0].axes
        if word == RESHAPED.name:
            copied = f"memcpy({target}, {of}, {self.count(axes)} * sizeof(real));"
            return ["", f"/* {statement.target.name} */", copied]
        if word not in LINEAR_ALGEBRA or len(axes) != 2:
            raise Unwritten(word)
        size = axes[0].evaluate(self.sizes)
        scratch = Buffer(f"scratch{len(self.scratch)}", axes, LOCAL)
        self.called[scratch] = scratch.name
        self.scratch.append(scratch)
        return [
            "",
            f"/* {statement.target.name} */",
            "{",
            f"    int order[{size}];",
            f"    memcpy({scratch.name}, {of}, {size * size} * sizeof(real));",
            f"    {LINEAR_ALGEBRA[word].format(target, scratch.name, size)}",
            "}",
        ]


class Lanes(NamedTuple):
    """Entries side by side along a label, from an offset: those of one vector."""

    label: int
    count: int
    offset: str


class _Loop:
    """The lines of one loop statement."""

    def __init__(self, writer: _Writer, loop: Loop) -> None:
        self.writer, self.loop = writer, loop
        self.size = {k: size.evaluate(writer.sizes) for k, size in loop.sizes.items()}
        self.reads = list(reads(loop.body))

    def lines(self) -> list[str]:
        loop = self.loop
        if not loop.reduce:
            return self.entrywise(loop.body)
        inner = self._inner()
        if loop.reduce == "sum" and inner is not None and is_arithmetic(loop.body):
            return self.tiled(inner)
        return self.reduced()

    # Where nothing is reduced.

    def entrywise(self, body: Entry) -> list[str]:
        """Entry by entry; a function in one loop through all that is stored."""
        loop = self.loop
        if self._is_flat(body):
            return self._flat(body)
        if not loop.adds and len(loop.at) > 1 and loop.at == loop.free and is_function(body):
            assert isinstance(body, Call)
            stored = body._replace(arguments=(Read(loop.target, loop.at),))
            return [*self._nest(body.arguments[0]), *self._flat(stored)]
        return self._nest(body)

    def _is_flat(self, body: Entry) -> bool:
        whole = self.loop.at
        if whole != self.loop.free or _has_equal(body):
            return False
        return all(read.at == whole or not read.at for read in reads(body))

    def _flat(self, body: Entry) -> list[str]:
        count = self.writer.count(self.loop.target.axes)
        text = self.entry(body, flat=True)
        target = self.writer.called[self.loop.target]
        sign = "+=" if self.loop.adds else "="
        return [f"for (int k = 0; k < {count}; k++)", f"    {target}[k] {sign} {text};"]

    def _nest(self, body: Entry) -> list[str]:
        return self._loops(self.loop.free, [self._store(self.entry(body))])

    def _store(self, text: str) -> str:
        sign = "+=" if self.loop.adds else "="
        return f"{self.place(self.loop.target, self.loop.at)} {sign} {text};"

    def _loops(self, labels: Sequence[int], body: Iterable[str]) -> list[str]:
        lines = list(body)
        for label in reversed(labels):
            i, size = variable(label), self.size[label]
            lines = [f"for (int {i} = 0; {i} < {size}; {i}++) {{", *indented(lines), "}"]
        return lines

    # Sums.

    def _inner(self) -> int | None:
        """A free label along which entries lie side by side, in the target and wherever it is
        read."""
        loop = self.loop
        if not loop.at or loop.at != loop.free or _has_equal(loop.body):
            return None
        j = loop.at[-1]
        if self.size[j] < 2 or not any(j in read.at for read in self.reads):
            return None
        return j if self._is_side_by_side(loop.body, j) else None

    def _is_side_by_side(self, entry: Entry, j: int) -> bool:
        """Whether neighbours along a label are neighbours wherever it is read."""
        used = [read.at for read in reads(entry) if j in read.at]
        return all(at.index(j) == len(at) - 1 for at in used)

    def tiled(self, j: int) -> list[str]:
        """Sums of several rows and columns at a time, each vector of them in a register."""
        outer = [label for label in self.loop.free if label != j]
        block = outer.pop() if outer else None
        plain = self.loop.finish == Result()
        simple = is_arithmetic(self.loop.finish) and self._is_side_by_side(self.loop.finish, j)
        lines: list[str] = []
        for first, count, widths in panels(self.size[j], self.writer.lanes):
            tile = _Tile(self, j, block, first, widths, simple)
            rows = self._rows(block, len(widths))
            lines += tile.over_panels(count, rows)
        lines = self._loops(outer, lines) if outer else lines
        if not plain and not simple:
            lines += self.entrywise(
                substituted(self.loop.finish, Read(self.loop.target, self.loop.at))
            )
        return lines

    def _rows(self, block: int | None, vectors: int) -> list[tuple[int, int, int]]:
        """First row, end and rows at a time."""
        if block is None:
            return [(0, 1, 1)]
        size = self.size[block]
        most = max(1, min(size, MOST_ROWS, self.writer.registers // vectors))
        at_once = next((n for n in range(most, most // 2, -1) if size % n == 0), most)
        whole = size - size % at_once
        rest = [(whole, size, size - whole)] if whole < size else []
        return [(0, whole, at_once), *rest]

    def reduced(self) -> list[str]:
        """One entry after the other."""
        loop = self.loop
        term = self.entry(loop.body)
        start, step, clause = {
            "sum": ("0", f"acc += {term};", "+"),
            "prod": ("1", f"acc *= {term};", "*"),
            "max": ("-INFINITY", f"acc = larger(acc, {term});", ""),
            "min": ("INFINITY", f"acc = smaller(acc, {term});", ""),
        }[loop.reduce]
        *outer, last = self._over()
        i = variable(last)
        simd = [f"#pragma omp simd reduction({clause}:acc)"] if clause else []
        innermost = [*simd, f"for (int {i} = 0; {i} < {self.size[last]}; {i}++)", f"    {step}"]
        store = self._store(self.entry(loop.finish, "acc"))
        body = [f"real acc = {start};", *self._loops(outer, innermost), store]
        return self._loops(loop.free, body) if loop.free else ["{", *indented(body), "}"]

    def _over(self) -> list[int]:
        """The labels that are reduced, the one along which entries lie side by side last."""
        last = [read.at[-1] for read in self.reads if read.at]

        def side_by_side(label: int) -> tuple[int, int]:
            return last.count(label), self.size[label]

        return sorted(self.loop.over, key=side_by_side)

    # Entries.

    def place(
        self,
        buffer: Buffer,
        at: Sequence[int],
        names: Mapping[int, str] | None = None,
        lanes: Lanes | None = None,
    ) -> str:
        strides = strides_of([size.evaluate(self.writer.sizes) for size in buffer.axes])
        parts = []
        for label, stride in zip(at, strides, strict=True):
            name = (names or {}).get(label) or variable(label)
            if lanes is not None and label == lanes.label:
                name = lanes.offset
            parts.append(f"{stride} * {name}" if stride != 1 else name)
        whole = f"{self.writer.called[buffer]}[{' + '.join(parts) or '0'}]"
        if lanes is not None and lanes.count > 1 and lanes.label in at:
            return f"*(V{lanes.count} *)&{whole}"
        return whole

    def entry(
        self,
        entry: Entry,
        result: str | None = None,
        names: Mapping[int, str] | None = None,
        lanes: Lanes | None = None,
        flat: bool = False,
    ) -> str:
        match entry:
            case Read():
                if flat:
                    return f"{self.writer.called[entry.buffer]}[{'k' if entry.at else '0'}]"
                text = self.place(entry.buffer, entry.at, names, lanes)
                return f"({text.replace('*(V', '*(const V', 1)})" if text[0] == "*" else text
            case Literal():
                return literal(entry.value)
            case Count():
                return literal(Fraction(self.writer.sizes[entry.name]))
            case Named():
                return f"R({PI})"
            case Equal():
                i, j = (variable(label) for label in entry.at)
                return f"(real)({i} == {j})"
            case DigitOf():
                faster, size = (s.evaluate(self.writer.sizes) for s in (entry.faster, entry.size))
                i, j = (variable(label) for label in entry.at)
                return f"(real)({i} / {faster} % {size} == {j})"
            case Result():
                assert result is not None
                return result
            case Call():
                of = [self.entry(a, result, names, lanes, flat) for a in entry.arguments]
                return called(entry, of)
        raise AssertionError(entry)


class _Tile:
    """Rows `block`, some at a time, by columns `j` of some vectors: the loops of a sum."""

    def __init__(
        self,
        loop: _Loop,
        j: int,
        block: int | None,
        first: int,
        widths: Sequence[int],
        finishes: bool,
    ) -> None:
        self.loop, self.j, self.block, self.first = loop, j, block, first
        self.widths, self.finishes = widths, finishes

    def over_panels(self, count: int, rows: Sequence[tuple[int, int, int]]) -> list[str]:
        """The tiles of `count` panels of columns, one after the other."""
        step = sum(self.widths)
        start = f"{self.first} + c" if count > 1 else str(self.first)
        lines = [line for part in rows for line in self._over_rows(part, start)]
        if count < 2:
            return lines
        return [f"for (int c = 0; c < {count * step}; c += {step}) {{", *indented(lines), "}"]

    def _over_rows(self, part: tuple[int, int, int], start: str) -> list[str]:
        first, end, at_once = part
        lines = list(self._tile(at_once, first, start, single=end - first == at_once))
        if self.block is None or end - first == at_once:
            return ["{", *indented(lines), "}"]
        i = variable(self.block)
        loop = f"for (int {i} = {first}; {i} < {end}; {i} += {at_once}) {{"
        return [loop, *indented(lines), "}"]

    def _tile(self, rows: int, first: int, start: str, single: bool) -> Iterator[str]:
        cells = [(r, c) for r in range(rows) for c in range(len(self.widths))]
        names = {r: self._names(r, first, single) for r in range(rows)}
        lanes = [
            Lanes(self.j, width, f"({start} + {sum(self.widths[:c])})")
            for c, width in enumerate(self.widths)
        ]
        for r, c in cells:
            kind = "real" if self.widths[c] == 1 else f"V{self.widths[c]}"
            yield f"{kind} a{r}_{c} = {'0' if self.widths[c] == 1 else '{0}'};"
        loop = self.loop.loop
        body = [
            f"a{r}_{c} += {self.loop.entry(loop.body, None, names[r], lanes[c])};" for r, c in cells
        ]
        yield from self.loop._loops(loop.over, body)
        for r, c in cells:
            target = self.loop.place(loop.target, loop.at, names[r], lanes[c])
            finish = loop.finish if self.finishes else Result()
            yield f"{target} = {self.loop.entry(finish, f'a{r}_{c}', names[r], lanes[c])};"

    def _names(self, row: int, first: int, single: bool) -> dict[int, str]:
        if self.block is None:
            return {}
        return {self.block: str(first + row) if single else f"({variable(self.block)} + {row})"}


def panels(size: int, lanes: int) -> Iterator[tuple[int, int, list[int]]]:
    """Columns in panels of vectors: the first column, how many such panels, the widths of the
    vectors in one."""
    wide = VECTORS * lanes
    if size >= wide:
        yield 0, size // wide, [lanes] * VECTORS
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


def is_arithmetic(entry: Entry) -> bool:
    """Whether an entry is made by + and * and whole powers alone, which vectors have."""
    if isinstance(entry, Call):
        if entry.name == "**":
            base, exponent = entry.arguments
            whole = isinstance(exponent, Literal) and exponent.value in (-1, 2)
            return whole and is_arithmetic(base)
        return entry.name in ("+", "*") and all(map(is_arithmetic, entry.arguments))
    return not isinstance(entry, Equal | DigitOf)


def is_function(entry: Entry) -> bool:
    """Whether an entry is a costly function of one argument."""
    return isinstance(entry, Call) and entry.name in FUNCTION_NAMES and len(entry.arguments) == 1


def substituted(entry: Entry, result: Entry) -> Entry:
    """The entry with the result of a reduction replaced."""
    if isinstance(entry, Result):
        return result
    if isinstance(entry, Call):
        return entry._replace(arguments=tuple(substituted(a, result) for a in entry.arguments))
    return entry


def _resource(name: str) -> str:
    return files("diagrad").joinpath("compile", name).read_text("utf-8")


def strides_of(sizes: Sequence[int]) -> list[int]:
    """How far apart neighbours along each axis lie, row-major."""
    return [prod(sizes[k + 1 :]) for k in range(len(sizes))]


def variable(label: int) -> str:
    return f"i{label}" if label >= 0 else f"r{-label - 1}"


def indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" if line and not line.startswith("#") else line for line in lines)


def literal(value: Fraction) -> str:
    text = repr(float(value))
    return f"R({text})" if value >= 0 else f"(-R({text[1:]}))"


def called(call: Call, of: Sequence[str]) -> str:
    """A function of entries, written in brackets where it is not a call."""
    match call.name:
        case "+":
            return f"({' + '.join(of)})"
        case "*":
            if call.arguments[0] == Literal(Fraction(-1)):
                return f"(-{_product(of[1:])})"
            return _product(of)
        case "**":
            return _power(of[0], call.arguments[1], of[1])
    if call.name in CHOOSING:
        return CHOOSING[call.name].format(*of)
    if call.name in OWN:
        return f"{call.name}_({', '.join(of)})"
    if call.name in STANDARD:
        return f"STANDARD({STANDARD[call.name]})({', '.join(of)})"
    raise Unwritten(call.name)


def _product(of: Sequence[str]) -> str:
    return of[0] if len(of) == 1 else f"({' * '.join(of)})"


def _power(base: str, exponent: Entry, text: str) -> str:
    if isinstance(exponent, Literal):
        value = exponent.value
        if value < 0:
            return f"(R(1.0) / {_power(base, Literal(-value), literal(-value))})"
        if value == Fraction(1, 2):
            return f"STANDARD(sqrt)({base})"
        if value == 2:
            return f"({base} * {base})"
        if value.denominator == 1 and value <= 64:
            return base if value == 1 else f"whole_power({base}, {int(value)})"
    return f"STANDARD(pow)({base}, {text})"


def _has_equal(entry: Entry) -> bool:
    if isinstance(entry, Call):
        return any(map(_has_equal, entry.arguments))
    return isinstance(entry, Equal | DigitOf)
