"""Naming what a person would name: z₁ = x W₁ + b₁ before h = σ(z₁).

The chain of a derivation leads from name to name. What stands unnamed inside a definition and
would be a link of that chain is given a name here: the argument of a function, a value in which
its own derivative is written, a part that occurs twice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from diagrad.dimensions import UNIT, is_scalar
from diagrad.errors import Span
from diagrad.expression import Apply, Expression, Symbol, walk
from diagrad.language import Source
from diagrad.language.names import RESERVED
from diagrad.language.source import Definition

NOWHERE = Span(1, 1, 1)
# Operations that keep the entries of what they are applied to: they only move or stretch them.
MOVES = frozenset({"T", "negate"})
REDUCES = frozenset({"sum", "mean", "negate", "+", "-", "*", "/"})

LETTERS = {"softmax": "p", "sqrt": "s", "norm": "s", "exp": "e", "inv": "v", "pinv": "v"}
LETTERS |= {"cholesky": "l"}


class Restated(NamedTuple):
    """The problem with more names: `of` is the name of what is differentiated, `introduced` are
    the new definitions in their order, `path` all definitions that lead from the variables to
    `of`, the first to be worked out first."""

    source: Source
    of: str
    introduced: tuple[str, ...]
    path: tuple[str, ...]
    reserved: frozenset[str] = frozenset()


def restated(
    source: Source, of: Expression, by: Iterable[str], reserved: frozenset[str] = frozenset()
) -> Restated:
    """The problem with names for all links of the chain from `by` to `of`; new names are none of
    the `reserved`."""
    by = frozenset(by)
    counted = _Naming(source, of, by, Counter(), reserved)
    naming = _Naming(source, of, by, Counter(counted.letters), reserved)
    order = {n: k for k, n in enumerate([*source.variables, *naming.definitions])}
    again = replace(
        source,
        variables={n: replace(d, position=order[n]) for n, d in source.variables.items()},
        definitions={n: Definition(n, e, order[n], NOWHERE) for n, e in naming.definitions.items()},
    )
    path = tuple(n for n in naming.definitions if n in naming.dependent and n in naming.needed)
    return Restated(again, naming.of, tuple(naming.introduced), path, reserved)


class _Naming:
    """Takes definitions in order and puts names for their parts before them."""

    def __init__(
        self,
        source: Source,
        of: Expression,
        by: frozenset[str],
        several: Counter[str],
        reserved: frozenset[str],
    ) -> None:
        self.by = by
        self.needed = set(source.needed(of))
        self.dependent: set[str] = set(by)
        self.definitions: dict[str, Expression] = {}
        self.introduced: list[str] = []
        self.letters: list[str] = []
        self._several = several
        self._named: dict[Expression, str] = {}
        self._taken = set(source.names | RESERVED | reserved)
        parts = [d.expression for d in source.definitions.values() if d.name in self.needed]
        self._repeated = _repeated([*parts, of])
        self.of = of.name if isinstance(of, Symbol) else self._fresh("f", of)
        for definition in source.definitions.values():
            self.take(definition.name, definition.expression)
        if not isinstance(of, Symbol):
            self.needed.add(self.of)
            self.take(self.of, of)
            self.introduced.append(self.of)

    def take(self, name: str, expression: Expression) -> None:
        """A definition, its parts named where it lies on the way."""
        if name in self.needed and name not in self.by and self._depends(expression):
            self.dependent.add(name)
            expression = self._split(expression, whole=True)
        self.definitions[name] = expression

    def _depends(self, expression: Expression) -> bool:
        return any(
            isinstance(node, Symbol) and node.name in self.dependent for node in walk(expression)
        )

    def _split(self, node: Expression, whole: bool = False) -> Expression:
        """The expression with its parts replaced by names, from the inside out."""
        if not isinstance(node, Apply) or not self._depends(node):
            return node
        operands = tuple(self._inside(node, operand) for operand in node.operands)
        for k, operand in enumerate(operands):
            if self._deserves(node, k, operand, whole):
                named = self._name(_letter(node, operand), operand)
                operands = (*operands[:k], named, *operands[k + 1 :])
        made = replace(node, operands=operands)
        if not whole and node in self._repeated and not _light(made, self.dependent):
            return self._name("u", made)
        return made

    def _inside(self, parent: Apply, operand: Expression) -> Expression:
        if parent.operation.curved and _light(operand, self.dependent):
            return operand
        return self._split(operand)

    def _deserves(self, parent: Apply, k: int, operand: Expression, whole: bool) -> bool:
        """Whether a person would name the operand of this operation."""
        if not isinstance(operand, Apply) or not self._depends(operand):
            return False
        if parent.operation.curved and (parent.operation.name != "**" or k == 0):
            return not _light(operand, self.dependent)
        own = operand.operation
        if not own.curved or not own.reuses_value or (is_scalar(parent.shape) and whole):
            return False
        return parent.operation.name not in MOVES and not self._just_reduced(parent)

    def _just_reduced(self, parent: Apply) -> bool:
        """Whether the parent only adds the operand's entries up, as in Σ exp(x)."""
        return parent.operation.name in REDUCES and is_scalar(parent.shape)

    def _name(self, letter: str, expression: Expression) -> Expression:
        """A symbol for the expression: the name that it has, or a new one."""
        name = self._named.get(expression)
        if name is None:
            name = self._fresh(letter, expression)
            self._named[expression] = name
            self.definitions[name] = expression
            self.dependent.add(name)
            self.needed.add(name)
            self.introduced.append(name)
        return Symbol(expression.shape, name, "definition")

    def _fresh(self, letter: str, expression: Expression) -> str:
        """A free name: the letter, a capital for a matrix, numbered where several will be needed or
        the user numbers his."""
        if UNIT not in expression.shape:
            letter = letter.upper()
        self.letters.append(letter)
        numbers = [int(m[1]) for n in self._taken if (m := re.fullmatch(letter + r"(\d+)", n))]
        if numbers or letter in self._taken or self._several[letter] > 1:
            letter = f"{letter}{max(numbers, default=0) + 1}"
        self._taken.add(letter)
        return letter


def _repeated(wholes: Iterable[Expression]) -> frozenset[Expression]:
    """Operations on operations that stand in several places."""
    count = Counter(
        node
        for whole in wholes
        for node in walk(whole)
        if isinstance(node, Apply) and node.operation.name not in MOVES
    )
    return frozenset(node for node, times in count.items() if times > 1)


def _light(expression: Expression, dependent: set[str]) -> bool:
    """Whether it is one name scaled, shifted by a scalar, or such a thing's exponential, so that
    a name for it would say nothing new."""
    found = 0
    for node in walk(expression):
        match node:
            case Symbol(name=name) if name in dependent:
                found += 1
            case Apply(operation=operation, operands=operands):
                if operation.name in ("+", "-") and not any(map(_is_constant_scalar, operands)):
                    return False
                if operation.name not in (*REDUCES, *MOVES, "exp") or operation.name in (
                    "sum",
                    "mean",
                ):
                    return False
    return found <= 1


def _is_constant_scalar(expression: Expression) -> bool:
    return is_scalar(expression.shape)


def _letter(parent: Apply, operand: Expression) -> str:
    """The letter that people use: z for what a function is taken of, r for a residual that is
    squared, p for what softmax gives, s for a root, v for an inverse, l for a Cholesky
    factor, a for another activation."""
    own = operand.operation if isinstance(operand, Apply) else parent.operation
    if parent.operation.curved and not own.curved:
        squares = parent.operation.name in ("**", "square", "norm", "norm1", "abs")
        return "r" if squares and own.name in ("+", "-") else "z"
    return LETTERS.get(own.name, "a")
