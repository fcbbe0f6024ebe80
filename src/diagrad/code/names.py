"""What tensors are called in code that people read."""

from __future__ import annotations

from collections.abc import Mapping

from diagrad.compile.statements import (
    LOCAL,
    Buffer,
    Call,
    Library,
    Loop,
    Read,
    Result,
    Schedule,
)
from diagrad.operations.factorisations import LOWER_ONES

# Longer names are not put into others.
SHORT = 14


def readable(schedule: Schedule, known: frozenset[str]) -> dict[Buffer, str]:
    """Names of tensors; one that has none in the problem is called by what it is: `exp_z`."""
    names = {b: b.name for b in (*schedule.inputs, *schedule.outputs)}
    taken = {*names.values(), *known}
    for statement in schedule.statements:
        buffer = statement.target
        if buffer in names:
            continue
        assert buffer.role == LOCAL
        name = buffer.name if buffer.name in known else _said(statement, names)
        if not name or (name in taken and buffer.name not in known):
            name = buffer.name
        names[buffer] = name
        taken.add(name)
    return names


def _said(statement: Loop | Library, names: Mapping[Buffer, str]) -> str:
    """The operation and its operand, where that is all there is."""
    if isinstance(statement, Library):
        if statement.head.operation is LOWER_ONES:
            return "below"
        return _of(statement.head.operation.name, statement.arguments[0], names)
    body = statement.body
    if statement.reduce:
        plain = isinstance(body, Read) and statement.finish == Result()
        return _of(statement.reduce, body.buffer, names) if plain else ""  # type: ignore[union-attr]
    if not isinstance(body, Call) or len(body.arguments) != 1:
        return ""
    inner = body.arguments[0]
    # Of exp(z - max) the operand is z.
    if isinstance(inner, Call) and inner.name == "+" and body.name == "exp":
        inner = inner.arguments[0]
    return _of(body.name, inner.buffer, names) if isinstance(inner, Read) else ""


def _of(word: str, buffer: Buffer, names: Mapping[Buffer, str]) -> str:
    name = names.get(buffer, buffer.name)
    return f"{word}_{name}" if len(name) <= SHORT else ""
