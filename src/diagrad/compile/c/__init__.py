"""A schedule as a function in C, specialised to its sizes.

The function is `void kernel(const void *const *in, void *const *out, void *work)`. Local tensors
that are small live on the stack, the others in `work`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import NamedTuple

from diagrad.compile.c.batches import Batch, batched
from diagrad.compile.c.layout import laid_out
from diagrad.compile.c.loops import ROOM, LoopWriter, Machine
from diagrad.compile.c.panels import with_panels
from diagrad.compile.c.text import Scope, indented, variable
from diagrad.compile.c.whole import written
from diagrad.compile.c_functions import LINEAR_ALGEBRA, texts
from diagrad.compile.statements import (
    LOCAL,
    ZERO,
    Buffer,
    Library,
    Loop,
    Schedule,
    Statement,
    Unwritten,
    count_of,
    used,
)
from diagrad.dimensions import Size

TYPES = {"d": ("double", ""), "f": ("float", "f")}
BYTES = {"d": 8, "f": 4}
ALIGNMENT = 64
# Entries of room for a product of large matrices: PRODUCT_ROOM in products.c, at most.
ROOM_ENTRIES = 168 * (528 + 8)
# Indices are of type int.
MOST = 2**31 - 1
# An output of so many bytes that is mostly 0 is asked for as pages that are 0.
MANY = 1 << 16
# Local tensors of so many bytes in all stand on the stack.
STACK = 1 << 16


class Kernel(NamedTuple):
    """C text, the bytes of workspace that its function needs, the places of outputs that are 0
    everywhere when it begins, and whether it calls BLAS."""

    text: str
    workspace: int
    zeroed: tuple[int, ...]
    blas: bool


def kernel(
    schedule: Schedule, dtype: str, vector: int = 64, blas: Callable[[], bool] = lambda: False
) -> Kernel:
    """The function of a schedule for "d" or "f", with vectors of so many bytes, and where
    products are large with BLAS, if `blas` says that it is there. Raises Unwritten."""
    each, registers = BYTES[dtype], 24 if vector == 64 else 12
    machine = Machine(vector // each, registers, blas, each)
    schedule = laid_out(schedule, machine.product)
    schedule = with_panels(schedule, machine)
    batches = batched(schedule, machine)
    statements = tuple(s for batch in batches for s in batch.statements)
    return _Writer(replace(schedule, statements=statements), batches, dtype, machine).kernel()


class _Writer:
    def __init__(
        self, schedule: Schedule, batches: Sequence[Batch], dtype: str, machine: Machine
    ) -> None:
        self.schedule, self.sizes, self.dtype = schedule, schedule.sizes, dtype
        self.batches, self.machine = batches, machine
        self.called: dict[Buffer, str] = {}
        self.scratch: list[Buffer] = []
        buffers = zip(
            ("in", "out", "t"), (schedule.inputs, schedule.outputs, schedule.locals), strict=True
        )
        for letter, members in buffers:
            self.called |= {buffer: f"{letter}{k}" for k, buffer in enumerate(members)}
        self.scope = Scope(self.called, self.sizes)

    def kernel(self) -> Kernel:
        zeroed = self._zeroed()
        rest = (b for b in self.batches if b.statements[0] not in zeroed.values())
        body = [line for batch in rest for line in self.batch(batch)]
        if any(self.count(buffer.axes) > MOST for buffer in self.schedule.buffers):
            raise Unwritten("tensors of more than 2³¹ entries")
        declared, workspace = self._declarations()
        calls_blas = any(line.lstrip().startswith("product(") for line in body)
        if any("tiled_product(" in line for line in body):
            declared.append(f"real *const {ROOM} = (real *)((char *)work + {workspace});")
            workspace += ROOM_ENTRIES * BYTES[self.dtype]
        real, suffix = TYPES[self.dtype]
        head = [
            f"typedef {real} real;",
            f"#define REAL_BITS {8 * BYTES[self.dtype]}",
            f"#define R(x) x{f'##{suffix}' if suffix else ''}",
            resource("functions.c"),
            *texts(self._of_matrices(), self.dtype == "f"),
            resource("products.c"),
            "void kernel(const void *const *in, void *const *out, void *work);",
            "void kernel(const void *const *in, void *const *out, void *work)",
            "{",
        ]
        lines = [*head, *indented(declared), *indented(body), "}"]
        return Kernel("\n".join(lines) + "\n", workspace, tuple(zeroed), calls_blas)

    def _of_matrices(self) -> set[str]:
        """The functions of matrices that are called."""
        libraries = (s for s in self.schedule.statements if isinstance(s, Library))
        words = {statement.head.operation.name for statement in libraries}
        return {LINEAR_ALGEBRA[word] for word in words & LINEAR_ALGEBRA.keys()}

    def _zeroed(self) -> dict[int, Statement]:
        """Large outputs that begin with 0 everywhere, and the statements that would say so."""
        found: dict[int, Statement] = {}
        for place, output in enumerate(self.schedule.outputs):
            first = next(s for s in self.schedule.statements if s.target is output)
            zero = isinstance(first, Loop) and first.body == ZERO and first.at == first.free
            if zero and self._bytes(output) >= MANY:
                found[place] = first
        return found

    def _declarations(self) -> tuple[list[str], int]:
        lines = ["(void)in; (void)out; (void)work;"]
        for k, buffer in enumerate(self.schedule.inputs):
            lines.append(f"const real *restrict const in{k} = in[{k}];{comment(buffer)}")
        for k, buffer in enumerate(self.schedule.outputs):
            lines.append(f"real *restrict const out{k} = out[{k}];{comment(buffer)}")
        local = [*self.schedule.locals, *self.scratch]
        if sum(map(self._bytes, local)) <= STACK:
            for buffer in local:
                count = max(1, self.count(buffer.axes))
                lines.append(f"real {self.called[buffer]}[{count}] ALIGNED;{comment(buffer)}")
            return lines, 0
        places, total = self._places(local)
        for buffer, place in places.items():
            at = f"(real *)((char *)work + {place})"
            lines.append(f"real *const {self.called[buffer]} = {at};{comment(buffer)}")
        return lines, total

    def _bytes(self, buffer: Buffer) -> int:
        """What a tensor takes, in whole cache lines."""
        return -(-self.count(buffer.axes) * BYTES[self.dtype] // ALIGNMENT) * ALIGNMENT

    def _places(self, local: Sequence[Buffer]) -> tuple[dict[Buffer, int], int]:
        """Where each local tensor begins; those that are not needed any more give way."""
        ends = self._last_uses()
        places: dict[Buffer, int] = {}
        total = 0
        for step, buffer in self._targets():
            if buffer.role != LOCAL or buffer in places:
                continue
            alive = sorted((places[b], self._bytes(b)) for b in places if ends[b] >= step)
            start = 0
            for place, size in alive:
                if place - start >= self._bytes(buffer):
                    break
                start = max(start, place + size)
            places[buffer] = start
            total = max(total, start + self._bytes(buffer))
        for buffer in local:
            if buffer not in places:
                places[buffer], total = total, total + self._bytes(buffer)
        return places, total

    def _targets(self) -> Iterator[tuple[int, Buffer]]:
        """The tensors that are filled, and at which step room for them is needed."""
        step = 0
        for batch in self.batches:
            targets = [s.target for s in batch.statements]
            yield from ((step, target) for target in targets if target not in batch.own)
            for target in targets:
                yield step, target
                step += 1

    def _last_uses(self) -> dict[Buffer, int]:
        """The step after which a tensor is not needed; what all examples read is needed for the
        last one still."""
        ends: dict[Buffer, int] = {}
        step = 0
        for batch in self.batches:
            last = step + len(batch.statements) - 1
            for statement in batch.statements:
                for buffer in (statement.target, *used(statement)):
                    ends[buffer] = step if buffer in batch.own else last
                step += 1
        return ends

    def count(self, axes: Iterable[Size]) -> int:
        return count_of(self.sizes, list(axes))

    # Statements.

    def batch(self, batch: Batch) -> list[str]:
        lines = [line for s in batch.statements for line in self.statement(s, batch.label)]
        if batch.label is None:
            return lines
        i, size = variable(batch.label), self.count(batch.axis)
        return ["", f"for (int {i} = 0; {i} < {size}; {i}++) {{", *indented(lines[1:]), "}"]

    def statement(self, statement: Loop | Library, label: int | None) -> list[str]:
        if isinstance(statement, Library):
            lines = written(statement, self.scope, self._scratch)
        else:
            for panel in statement.panels:
                self.called[panel.target] = self._scratch(panel.target)
            lines = LoopWriter(self.scope, self.machine, statement, label).lines()
        return ["", comment(statement.target).strip(), *lines]

    def _scratch(self, like: Buffer) -> str:
        """Room for a copy of a tensor."""
        scratch = Buffer(f"scratch{len(self.scratch)}", like.axes, LOCAL)
        self.called[scratch] = scratch.name
        self.scratch.append(scratch)
        return scratch.name


def comment(buffer: Buffer) -> str:
    """The name of a tensor beside it, of harmless characters."""
    name = "".join(c if c.isalnum() or c in "_ +-@.,()" else "_" for c in buffer.name)
    return f"  /* {name} */"


def resource(name: str) -> str:
    """C text that stands in every kernel."""
    return files("diagrad").joinpath("compile", "c", name).read_text("utf-8")
