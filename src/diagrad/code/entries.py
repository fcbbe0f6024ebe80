"""Entries of tensors as C expressions, with no more brackets than they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from diagrad.compile.c_functions import FUNCTIONS, LIBRARY
from diagrad.compile.statements import (
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
)
from diagrad.dimensions import Size

COMPARISONS = frozenset({">", ">=", "<", "<=", "==", "!="})
# How tightly C's operators bind.
CHOICE, COMPARISON, SUM, PRODUCT, UNARY, ATOM = range(6)
LARGEST = {False: 1.7976931348623157e308, True: 3.4028234e38}
SMALLEST = {False: 5e-324, True: 1.5e-45}


class Text(NamedTuple):
    """An expression, and how tightly it binds."""

    text: str
    binds: int = ATOM

    def within(self, binds: int) -> str:
        return self.text if self.binds >= binds else f"({self.text})"


class Entries:
    """Writes entries: `place` is where one is stored, `size` a size as a factor, `counted` a
    dimension. The functions of ours that were called are in `used`."""

    def __init__(
        self,
        place: Callable[[Read], Text],
        size: Callable[[Size], str],
        counted: Mapping[str, str],
        single: bool,
    ) -> None:
        self.place, self.size, self.counted, self.single = place, size, counted, single
        self.used: set[str] = set()

    def text(self, entry: Entry, labels: Mapping[int, str], result: str = "") -> Text:
        """`labels` are the loops' variables, `result` is what a loop has added up."""
        match entry:
            case Read():
                return self.place(entry)
            case Literal():
                return self.number(entry.value)
            case Count():
                real = "float" if self.single else "double"
                return Text(f"({real}){self.counted[entry.name]}", UNARY)
            case Named():
                return self.number(Fraction(3.141592653589793))
            case Equal():
                i, j = (labels[k] for k in entry.at)
                return self._indicator(f"{i} == {j}")
            case DigitOf():
                i, j = (labels[k] for k in entry.at)
                shifted = i if entry.faster.number == 1 else f"{i} / {self.size(entry.faster)}"
                return self._indicator(f"{shifted} % {self.size(entry.size)} == {j}")
            case Result():
                return Text(result)
            case Call():
                return self._call(entry, [self.text(a, labels, result) for a in entry.arguments])
        raise AssertionError(entry)

    def number(self, value: Fraction) -> Text:
        """The nearest number of the type."""
        number = float(value)
        if abs(number) > LARGEST[self.single]:
            text = "INFINITY"
        else:
            text = repr(abs(number) if abs(number) >= SMALLEST[self.single] else 0.0)
            text += "f" if self.single else ""
        return Text(f"-{text}", UNARY) if value < 0 else Text(text)

    def _indicator(self, condition: str) -> Text:
        one, zero = self.number(Fraction(1)).text, self.number(Fraction(0)).text
        return Text(f"{condition} ? {one} : {zero}", CHOICE)

    def _call(self, call: Call, of: Sequence[Text]) -> Text:
        name = call.name
        if name == "+":
            return Text(_added([text.within(SUM) for text in of]), SUM)
        if name == "*":
            return self._product(call, of)
        if name == "**":
            return self._power(call.arguments[1], *of)
        if name in COMPARISONS:
            return Text(f"{of[0].within(SUM)} {name} {of[1].within(SUM)}", COMPARISON)
        if name == "where":
            condition, yes, no = (text.within(COMPARISON) for text in of)
            return Text(f"{condition} ? {yes} : {no}", CHOICE)
        if name == "clip":
            return self._ours("smaller", [self._ours("larger", of[:2]), of[2]])
        return self._ours({"maximum": "larger", "minimum": "smaller"}.get(name, name), of)

    def _ours(self, name: str, of: Sequence[Text]) -> Text:
        if name in FUNCTIONS:
            self.used.add(name)
            called = name
        elif name in LIBRARY:
            called = LIBRARY[name] + ("f" if self.single else "")
        else:
            raise Unwritten(name)
        return Text(f"{called}({', '.join(text.text for text in of)})")

    def _product(self, call: Call, of: Sequence[Text]) -> Text:
        """A sign in front, then factors, then quotients."""
        pairs = list(zip(call.arguments, of, strict=True))
        sign = "-" if pairs[0][0] == Literal(Fraction(-1)) and len(pairs) > 1 else ""
        pairs = pairs[1:] if sign else pairs
        one = self.number(Fraction(1)).text
        prefix = f"{one} / "
        below = [text for entry, text in pairs if _is_reciprocal(entry, text, prefix)]
        above = [text for entry, text in pairs if not _is_reciprocal(entry, text, prefix)]
        product = " * ".join(t.within(UNARY if k else PRODUCT) for k, t in enumerate(above)) or one
        if sign and product.startswith("-"):
            sign, product = "", product[1:]
        divided = "".join(f" / {text.text.removeprefix(prefix)}" for text in below)
        return Text(sign + product + divided, PRODUCT)

    def _power(self, exponent: Entry, base: Text, text: Text) -> Text:
        if not isinstance(exponent, Literal):
            return self._ours("pow", [base, text])
        value = exponent.value
        if value < 0:
            inner = self._power(Literal(-value), base, self.number(-value))
            return Text(f"{self.number(Fraction(1)).text} / {inner.within(UNARY)}", PRODUCT)
        if value == 1:
            return base
        if value == 2:
            return self._ours("square", [base])
        return (
            self._ours("sqrt", [base])
            if value == Fraction(1, 2)
            else self._ours("pow", [base, text])
        )


def _is_reciprocal(entry: Entry, text: Text, prefix: str) -> bool:
    return isinstance(entry, Call) and entry.name == "**" and text.text.startswith(prefix)


def _added(texts: Sequence[str]) -> str:
    first, *others = texts
    rest = (f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in others)
    return first + "".join(rest)
