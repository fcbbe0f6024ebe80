"""Expressions of NumPy as text: sums, products, powers and numbers, in brackets where they must."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from diagrad.compile.statements import Call, Entry, Literal

LARGEST = Fraction(sys.float_info.max)
# How tightly NumPy's operators bind.
SUM, PRODUCT, SIGN, POWER, ATOM = range(5)


class Text(NamedTuple):
    """An expression of NumPy, and how tightly it binds."""

    text: str
    binds: int = ATOM

    def within(self, binds: int) -> str:
        return self.text if self.binds >= binds else f"({self.text})"


def added(texts: Sequence[str]) -> str:
    first, *others = texts
    rest = (f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in others)
    return first + "".join(rest)


def multiplied(call: Call, of: Sequence[Text]) -> Text:
    """A product, with a sign in front and quotients at the end."""
    pairs = list(zip(call.arguments, of, strict=True))
    sign = "-" if pairs[0][0] == Literal(Fraction(-1)) and len(pairs) > 1 else ""
    pairs = pairs[1:] if sign else pairs
    below = [p for p in pairs if _is_reciprocal(p[0])]
    left = [text for pair, text in pairs if not _is_reciprocal(pair)]
    loosest = SIGN if sign else PRODUCT
    above = [text.within(POWER if k else loosest) for k, text in enumerate(left)]
    text = " * ".join(above) or "1"
    for _, reciprocal in below:
        text += " / " + reciprocal.text.removeprefix("1 / ")
    return Text(sign + text, PRODUCT if not sign else SUM)


def _is_reciprocal(entry: Entry) -> bool:
    return (
        isinstance(entry, Call)
        and entry.name == "**"
        and entry.arguments[1] == Literal(Fraction(-1))
    )


def power(call: Call, of: Sequence[Text]) -> Text:
    exponent = call.arguments[1]
    base = of[0].within(ATOM)
    if isinstance(exponent, Literal):
        match exponent.value:
            case -1:
                return Text(f"1 / {base}", PRODUCT)
            case value if value == Fraction(1, 2):
                return Text(f"np.sqrt({of[0].text})")
            case value if value == Fraction(-1, 2):
                return Text(f"1 / np.sqrt({of[0].text})", PRODUCT)
            case value if value.denominator == 1 and value > 0:
                return Text(f"{base} ** {value}", POWER)
            case value if value.denominator == 1:
                return Text(f"1 / {base} ** {-value}", PRODUCT)
    return Text(f"{base} ** {of[1].within(ATOM)}", POWER)


def number(value: Fraction) -> Text:
    if value < 0:
        return Text(f"-{number(-value).text}", SIGN)
    if value > LARGEST:
        return Text("np.inf")
    return Text(str(value.numerator) if value.denominator == 1 else repr(float(value)))
