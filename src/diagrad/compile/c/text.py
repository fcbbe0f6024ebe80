"""Entries as C expressions."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import NamedTuple

from diagrad.compile.cost import FUNCTION_NAMES
from diagrad.compile.statements import (
    PANEL,
    Buffer,
    Call,
    Count,
    DigitOf,
    Entry,
    Equal,
    Literal,
    Named,
    Read,
    Result,
    Unwritten,
    count_of,
)

LARGEST = Fraction(sys.float_info.max)
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

# Choices among entries; comparisons stand in `where`.
CHOOSING = {sign: f"({{0}} {sign} {{1}})" for sign in (">", ">=", "<", "<=", "==", "!=")} | {
    "where": "({0} ? {1} : {2})",
    "maximum": "larger({0}, {1})",
    "minimum": "smaller({0}, {1})",
    "clip": "smaller(larger({0}, {1}), {2})",
}


class Lanes(NamedTuple):
    """Entries side by side along a label, from an offset, in a panel from another one: those of one
    vector."""

    label: int
    width: int
    offset: str
    in_panel: str = "0"


class Scope(NamedTuple):
    """What names in a kernel mean: tensors in C, and the sizes of dimensions."""

    called: Mapping[Buffer, str]
    sizes: Mapping[str, int]

    def count(self, buffer: Buffer) -> int:
        """How many entries a tensor has."""
        return count_of(self.sizes, buffer.axes)

    def place(
        self,
        buffer: Buffer,
        at: Sequence[int],
        names: Mapping[int, str] | None = None,
        lanes: Lanes | None = None,
    ) -> str:
        """The entry of a tensor at labels, which are called by `names` or as always."""
        strides = strides_of([size.evaluate(self.sizes) for size in buffer.axes])
        parts = []
        for label, stride in zip(at, strides, strict=True):
            name = (names or {}).get(label) or variable(label)
            if lanes is not None and label == lanes.label:
                name = lanes.in_panel if buffer.role == PANEL else lanes.offset
            parts.append(f"{stride} * {name}" if stride != 1 else name)
        whole = f"{self.called[buffer]}[{' + '.join(parts) or '0'}]"
        if lanes is not None and lanes.width > 1 and lanes.label in at:
            return f"*(V{lanes.width} *)&{whole}"
        return whole

    def flat(self, entry: Entry) -> str:
        """An entry in a loop over k through tensors with the same axes."""
        if isinstance(entry, Read):
            return f"{self.called[entry.buffer]}[{'k' if entry.at else '0'}]"
        if isinstance(entry, Call):
            return called(entry, [self.flat(argument) for argument in entry.arguments])
        return self.entry(entry)

    def entry(
        self,
        entry: Entry,
        result: str = "",
        names: Mapping[int, str] | None = None,
        lanes: Lanes | None = None,
    ) -> str:
        """An entry; `result` is what a loop has added up."""
        match entry:
            case Read():
                text = self.place(entry.buffer, entry.at, names, lanes)
                return f"({text.replace('*(V', '*(const V', 1)})" if text[0] == "*" else text
            case Literal():
                return literal(entry.value)
            case Count():
                return literal(Fraction(self.sizes[entry.name]))
            case Named():
                return f"R({PI})"
            case Equal():
                i, j = (variable(label) for label in entry.at)
                return f"(real)({i} == {j})"
            case DigitOf():
                faster, size = (s.evaluate(self.sizes) for s in (entry.faster, entry.size))
                i, j = (variable(label) for label in entry.at)
                return f"(real)({i} / {faster} % {size} == {j})"
            case Result():
                return result
            case Call():
                of = [self.entry(a, result, names, lanes) for a in entry.arguments]
                return called(entry, of)
        raise AssertionError(entry)


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


def strides_of(sizes: Sequence[int]) -> list[int]:
    """How far apart neighbours along each axis lie, row-major."""
    return [prod(sizes[k + 1 :]) for k in range(len(sizes))]


def variable(label: int) -> str:
    return f"i{label}" if label >= 0 else f"r{-label - 1}"


def indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" if line and not line.startswith("#") else line for line in lines)


def literal(value: Fraction) -> str:
    if abs(value) > LARGEST:
        return "(real)INFINITY" if value > 0 else "(-(real)INFINITY)"
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
            return f"SQUARE({base})"
        if value.denominator == 1 and value <= 64:
            return base if value == 1 else f"whole_power({base}, {int(value)})"
    return f"STANDARD(pow)({base}, {text})"


def has_indicator(entry: Entry) -> bool:
    if isinstance(entry, Call):
        return any(map(has_indicator, entry.arguments))
    return isinstance(entry, Equal | DigitOf)
