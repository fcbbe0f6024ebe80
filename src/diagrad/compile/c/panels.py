"""Copies that one product alone reads, made for some columns of it at a time: what is copied is
near the processor when it is read."""

from __future__ import annotations

from diagrad.compile.c.layout import without_copies
from diagrad.compile.c.loops import LONG_ACROSS, LoopWriter, Machine
from diagrad.compile.c.text import Scope, has_indicator, is_arithmetic
from diagrad.compile.c.tiles import VECTORS, is_turned
from diagrad.compile.statements import (
    PANEL,
    Buffer,
    Loop,
    Read,
    Schedule,
    count_of,
    reads,
    relabelled,
    replaced,
)
from diagrad.dimensions import Size

# Smaller copies are near in any case.
LEAST = 1 << 13  # bytes


def with_panels(schedule: Schedule, machine: Machine) -> Schedule:
    """The schedule, in which such copies are panels of the products that read them."""

    def panelled(product: Loop, read: Read, copy: Loop) -> Loop | None:
        writer = LoopWriter(Scope({}, schedule.sizes), machine, product)
        if not _is_product(writer, read) or machine.product(product, writer.size) is not None:
            return None
        if count_of(schedule.sizes, copy.target.axes) * machine.each < LEAST:
            return None
        at = dict(zip(copy.at, read.at, strict=True))
        axes = (copy.target.axes[0], Size.of(VECTORS * machine.lanes))
        panel = Loop(
            Buffer(copy.target.name, axes, PANEL),
            read.at,
            relabelled(copy.body, at),
            {at[k]: size for k, size in copy.sizes.items()},
        )
        if not (is_turned(panel) or _is_made_in_vectors(writer, panel)):
            return None
        body = replaced(product.body, read, Read(panel.target, read.at))
        return product._replace(body=body, panels=(*product.panels, panel))

    return without_copies(schedule, panelled)


def _is_product(writer: LoopWriter, read: Read) -> bool:
    """Whether a sum of short columns is made in tiles, and reads a tensor down the columns."""
    loop = writer.loop
    plain = len(loop.at) == 2 and len(loop.over) == 1 and read.at == (loop.over[0], loop.at[-1])
    short = writer.parted(loop.over, LONG_ACROSS) is None
    return plain and short and writer.tiled_along() == loop.at[-1]


def _is_made_in_vectors(writer: LoopWriter, panel: Loop) -> bool:
    j = panel.at[-1]
    simple = is_arithmetic(panel.body) and not has_indicator(panel.body)
    along = any(j in read.at for read in reads(panel.body))
    return simple and along and writer.is_side_by_side(panel.body, j)
