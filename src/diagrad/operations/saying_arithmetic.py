"""Reasons for + − * / and **, where an operand may stretch."""

from __future__ import annotations

from diagrad.dimensions import is_row, is_scalar
from diagrad.operations.room import SUBSCRIPTED, SUPERSCRIPT, Use, in_brackets, is_name
from diagrad.operations.saying import (
    bare,
    factor,
    from_above,
    handed_on,
    held,
    is_constant,
    of_operand,
    of_value,
    one_to_one,
    stretched,
)


def added(use: Use) -> str:
    return repeated(use, "is added to") if stretched(use) else ""


def subtracted(use: Use) -> str:
    if use.operand == 0:
        return repeated(use, "is repeated in") if stretched(use) else ""
    if stretched(use):
        return repeated(use, "is subtracted from", ", with the factor −1")
    return f"{use.variable} enters with the factor −1"


def repeated(use: Use, verb: str, sign: str = "") -> str:
    """Of an operand that stretches in a sum or difference."""
    own, (rows, columns) = use.node.operands[use.operand].shape, use.node.shape
    if is_scalar(own):
        where, these = "every entry", "every entry sends its"
    else:
        size, lines = (rows, "rows") if is_row(own) else (columns, "columns")
        number = use.size(size)
        where, these = f"each of the {number} {lines}", f"all {number} {lines} send their"
    name = use.variable
    if not use.gradient:
        return f"{name} {verb} {where}, so a change of it moves all of them alike{sign}"
    return f"{name} {verb} {where}, so {these} gradient to the same {name}: they are summed{sign}"


def stays(other: str) -> str:
    return f"{factor(other)} multiplies every entry: it stays as a factor"


def scaled(use: Use, onward: str) -> str:
    """A constant factor goes without saying, but where it leads from one formula to another."""
    same = is_name(use.value) and is_name(use.variable)
    return "" if same or is_scalar(use.node.shape) else f"{handed_on(use)} = {onward}"


def is_scaling(use: Use) -> bool:
    """Whether the use is by a constant factor, or a sign."""
    others = [o for k, o in enumerate(use.node.operands) if k != use.operand]
    name = use.node.operation.name
    return name in ("negate", "*", "/", "@") and all(map(is_constant, others))


def negated(use: Use) -> str:
    return scaled(use, f"−{from_above(use)}")


def multiplied(use: Use) -> str:
    """Of a product entry by entry, also with a scalar."""
    other = use.node.operands[1 - use.operand]
    if is_constant(other):
        return scaled(use, f"{factor(use.others[0])} · {from_above(use)}")
    if is_scalar(other.shape) and not is_scalar(use.node.shape) and not stretched(use):
        return held(use) + stays(use.others[0])
    jacobian = "diagonal" if stretched(use) or is_scalar(other.shape) else f"diag({use.others[0]})"
    return one_to_one(use, of_operand(use, 1 - use.operand), jacobian)


def divided(use: Use) -> str:
    above, below = use.node.operands
    a, b = of_operand(use, 0), of_operand(use, 1)
    if use.operand == 1:
        return one_to_one(use, f"−{a}/{raised(b, 2)}")
    if is_constant(below):
        return scaled(use, f"{from_above(use)} / {factor(use.others[0])}")
    if is_scalar(below.shape) and not is_scalar(above.shape):
        return f"{held(use)}{use.others[0]} divides every entry: it stays as a divisor"
    return one_to_one(use, f"1/{b}")


def powered(use: Use, n: int | None) -> str:
    """`n` is the exponent where it is a whole number."""
    x, p = of_operand(use, 0), of_operand(use, 1)
    if use.operand == 1:
        down = f"{raised(x)}^({p}) = exp({p} log {x}): the logarithm of the base comes down"
        return f"{down}; {one_to_one(use, f'{of_value(use)} log {x}')}"
    lowered = f"{p} {raised(x)}^({p} − 1)" if n is None else whole_power(x, n)
    return f"the exponent comes down and is lowered by one; {one_to_one(use, lowered)}"


def whole_power(x: str, n: int) -> str:
    """n xⁿ⁻¹."""
    if n in (0, 1):
        return str(n)
    sign = "−" if n < 0 else ""
    front = sign if abs(n) == 1 else f"{sign}{abs(n)} "
    return f"{front}{raised(x, n - 1)}"


def raised(entry: str, power: int = 1) -> str:
    """A power of an entry: xᵢ², (a + b)²."""
    base = entry if entry[-1] in SUBSCRIPTED else in_brackets(bare(entry))
    return base if power == 1 else f"{base}{str(power).translate(SUPERSCRIPT)}"
