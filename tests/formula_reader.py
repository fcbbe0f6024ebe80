"""Reads the formulas in a reason back as numbers, so that what is said can be tested."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import product

import numpy as np
import pytest

import diagrad as dg
from diagrad.evaluate import Environment, evaluate
from diagrad.expression import Apply, Expression, Symbol, walk
from diagrad.operations.room import SUBSCRIPT_LETTERS, SUPERSCRIPT, Use, in_brackets
from diagrad.operations.saying import changed, is_constant, sign_of_change
from diagrad.show import printed
from diagrad.show.notation import NOTATIONS, size_text

LETTER = {below: letter for letter, below in SUBSCRIPT_LETTERS.items()}
DIGIT = {chr(raised): chr(plain) for plain, raised in SUPERSCRIPT.items()}
WORDS = {"log": np.log, "exp": np.exp, "sign": np.sign, "√": np.sqrt}
# What stands before an equation that says something about this use.
BEFORE = (", ", "; ", ": ", "so ", "and ", "the sum ", "is ", "share ", " by ")


def uses(problem: dg.Problem, expression: Expression, name: str) -> Iterator[Use]:
    """Every use in an expression with that name, by every operand that is not a number."""

    def text(part: Expression) -> str:
        return printed(part, "unicode", problem.names)

    def size(size):
        return size_text(size, NOTATIONS["unicode"], problem.names)

    source = problem.source
    named = [*source.names, *(d.name for d in source.dimensions)]
    taken = frozenset(problem.names.shown(name, "unicode") for name in named)
    for node in walk(expression):
        if not isinstance(node, Apply):
            continue
        called = Symbol(node.shape, name, "definition") if node is expression else node
        operands, value = tuple(map(text, node.operands)), text(called)
        for k, operand in enumerate(node.operands):
            if not is_constant(operand):
                above = f"∂J/∂{in_brackets(value)}"
                yield Use(node, k, value, operands, above, size, True, taken)


class NoFormula(Exception):
    pass


class Reader:
    """Reads the formulas of a sentence as numbers, for one use at one point.

    `known` are the values of all names and printed operands; labels stand for the numbers in `at`,
    and `ranges` remembers how far each runs.
    """

    def __init__(self, use: Use, environment: Environment, sentence: str) -> None:
        self.use, self.text = use, sentence
        self.ranges: dict[str, int] = {}
        self.at: dict[str, int] = dict.fromkeys("ijkl", 0)
        node = use.node
        self.arrays = [evaluate(operand, environment) for operand in node.operands]
        self.sizes = environment.sizes
        self.value = self.apply(self.arrays)
        rng = np.random.default_rng(0)
        self.above = rng.normal(size=self.value.shape)
        own = self.arrays[use.operand]
        known = {use.value: self.value, f"∂J/∂{in_brackets(use.value)}": self.above}
        known |= {"G": self.above} | dict(zip(use.operands, self.arrays, strict=True))
        change = rng.normal(size=own.shape)
        known |= {changed(use): change}
        moved = f"{sign_of_change(use)}{in_brackets(use.value)}"
        if moved in sentence:
            known |= {moved: np.tensordot(self.derivative(), change)}
        known |= {text[:-1]: a.T for text, a in list(known.items()) if text.endswith("ᵀ")}
        known |= {name: np.array([[float(n)]]) for name, n in self.sizes.items()}
        named = re.search(r" with ([a-zA-Z]) = softmax\(.*?(, axis=0)?\)", sentence)
        if named:
            scores = own if use.node.operation.name != "softmax_cross_entropy" else self.arrays[1]
            axis = 0 if named[2] or scores.shape[1] == 1 else 1
            known[named[1]] = np.exp(scores) / np.exp(scores).sum(axis=axis, keepdims=True)
        self.shared, self.line = re.search(r"share (\w) = ", sentence), use.node.parameters == (0,)
        if self.shared:
            axis = 0 if self.line or own.shape[1] == 1 else 1
            known[self.shared[1]] = np.exp(own).sum(axis=axis, keepdims=True)
        self.known = known

    def apply(self, arrays):
        return np.asarray(self.use.node.operation.evaluate(arrays, self.use.node, self.sizes))

    def derivative(self) -> np.ndarray:
        """∂value/∂operand by central differences, the other operands held."""
        own, h = self.arrays[self.use.operand], 1e-6
        result = np.zeros(self.value.shape + own.shape)
        for place in np.ndindex(own.shape):
            sides = []
            for step in (h, -h):
                arrays = [a.copy() for a in self.arrays]
                arrays[self.use.operand][place] += step
                sides.append(self.apply(arrays))
            result[(..., *place)] = (sides[0] - sides[1]) / (2 * h)
        return result

    # Reading: each method takes a position and gives a number with the position after it.

    def starts(self, k: int, *signs: str) -> str:
        return next((sign for sign in signs if self.text.startswith(sign, k)), "")

    def labels(self, k: int) -> tuple[str, int]:
        end = k
        while end < len(self.text) and self.text[end] in LETTER:
            end += 1
        return "".join(LETTER[c] for c in self.text[k:end]), end

    def name(self, k: int) -> tuple[str, str, int]:
        """The longest known text at k, also in brackets, with the labels after it."""
        found = []
        for text in self.known:
            for shown in (text, f"({text})"):
                if self.text.startswith(shown, k):
                    labels, end = self.labels(k + len(shown))
                    found.append((end, len(shown), text, labels))
        if not found:
            raise NoFormula
        end, _, text, labels = max(found)
        return text, labels, end

    def index(self, shape: tuple[int, ...], labels: str) -> tuple[int, ...]:
        axes = [k for k, size in enumerate(shape) if size > 1] if len(labels) < 2 else [0, 1]
        if len(labels) != len(axes):
            raise NoFormula
        place = [0] * len(shape)
        for axis, label in zip(axes, labels, strict=True):
            self.ranges[label] = shape[axis]
            place[axis] = self.at[label]
        return tuple(place)

    def fraction(self, k: int) -> tuple[float, int]:
        """∂J/∂z, ∂J/∂x or ∂z/∂x, by entries."""
        total = self.text.startswith("∂J/∂", k) and self.use.value != "J"
        text, labels, k = ("J", "", k + 2) if total else self.name(k + 1)
        if self.text[k : k + 2] != "/∂":
            raise NoFormula
        by, below, k = self.name(k + 2)
        if total and by == self.use.value:
            return self.above[self.index(self.above.shape, below)], k
        if text not in ("J", self.use.value) and self.use.node.operation.name != "softmax":
            raise NoFormula
        jacobian = self.derivative()
        place = self.index(self.known[by].shape, below)
        own = place if self.known[by].shape == jacobian.shape[2:] else place[::-1]
        if total:
            return float(np.sum(self.above * jacobian[(..., *own)])), k
        return jacobian[(*self.index(self.value.shape, labels), *own)], k

    def matrices(self, k: int, end: str) -> tuple[np.ndarray, int]:
        text, _, k = self.name(k)
        value = self.known[text]
        if self.text.startswith("ᵀ", k):
            value, k = value.T, k + 1
        if self.text.startswith(" ", k):
            rest, k = self.matrices(k + 1, end)
            return value @ rest, k
        if not self.text.startswith(end, k):
            raise NoFormula
        return value, k + len(end)

    def atom(self, k: int) -> tuple[float, int]:
        sign = self.starts(k, "Σ", "δ", "∂", "⟨", "|", *WORDS)
        if sign == "∂":
            return self.fraction(k)
        if sign == "⟨":
            first, k = self.matrices(k + 1, ", ")
            second, k = self.matrices(k, "⟩")
            return float(np.sum(first * second)), k
        if sign == "δ":
            labels, end = self.labels(k + 1)
            return float(self.at[labels[0]] == self.at[labels[1]]), end
        if sign == "Σ":
            labels, k = self.labels(k + 1)
            return self.total(labels, k + 1)
        with suppress(NoFormula):
            text, labels, end = self.name(k)
            if self.shared and text == self.shared[1]:
                # s, the same all along row i or column j.
                total = self.known[text]
                labels = "" if total.size == 1 else "j" if self.line else "i"
            if len(text) >= len(sign):
                return float(self.known[text][self.index(self.known[text].shape, labels)]), end
        return self.applied(sign, k)

    def applied(self, sign: str, k: int) -> tuple[float, int]:
        """A function, an absolute value, something in brackets, or a number."""
        if sign in WORDS:
            inner, k = self.power(k + len(sign) + self.text.startswith(" ", k + len(sign)))
            return float(WORDS[sign](inner)), k
        if sign == "|":
            inner, k = self.sum(k + 1)
            return abs(inner), k + 1
        if self.text.startswith("(", k):
            inner, k = self.sum(k + 1)
            if not self.text.startswith(")", k):
                raise NoFormula
            return inner, k + 1
        digits = re.compile(r"\d+(\.\d+)?").match(self.text, k)
        if not digits:
            raise NoFormula
        return float(digits[0]), digits.end()

    def total(self, labels: str, k: int) -> tuple[float, int]:
        self.product(k)
        before, result, end = dict(self.at), 0.0, k
        for place in product(*(range(self.ranges[label]) for label in labels)):
            self.at |= dict(zip(labels, place, strict=True))
            value, end = self.product(k)
            result += value
        self.at = before
        return result, end

    def power(self, k: int) -> tuple[float, int]:
        value, k = self.atom(k)
        end = k
        while end < len(self.text) and self.text[end] in DIGIT:
            end += 1
        if end > k:
            return value ** float("".join(DIGIT[c] for c in self.text[k:end])), end
        if self.text.startswith("^(", k):
            exponent, k = self.sum(k + 2)
            return value**exponent, k + 1
        return value, k

    def product(self, k: int) -> tuple[float, int]:
        if self.text.startswith("−", k):
            value, k = self.product(k + 1)
            return -value, k
        value, k = self.power(k)
        while True:
            by = self.starts(k, " · ", " / ", "/", " ", "(", "√")
            try:
                if not by:
                    raise NoFormula
                factor, end = self.power(k + len(by) * (by not in "(√"))
            except NoFormula:
                return value, k
            value, k = (value / factor if "/" in by else value * factor), end

    def sum(self, k: int) -> tuple[float, int]:
        value, k = self.product(k)
        while sign := self.starts(k, " + ", " − "):
            term, k = self.product(k + 3)
            value += term if sign == " + " else -term
        return value, k

    def equations(self) -> set[int]:
        """Where the equality signs stand of the equations that were read, each found true."""
        signs: set[int] = set()
        for k in range(len(self.text)):
            if k == 0 or self.text[:k].endswith(BEFORE):
                signs |= self.holds(k)
        return signs

    def holds(self, k: int) -> set[int]:
        """The signs of the equation at k, or chain of them, which is asserted at every place."""
        self.ranges.clear()
        signs: list[int] = []
        with suppress(NoFormula):
            _, end = self.sum(k)
            while self.text.startswith(" = ", end):
                _, after = self.sum(end + 3)
                signs, end = [*signs, end], after
        free = {label: n for label, n in self.ranges.items() if signs}
        for place in product(*(range(size) for size in free.values())):
            self.at |= dict(zip(free, place, strict=True))
            for sign in signs:
                left, right = self.sum(k)[0], self.sum(sign + 3)[0]
                assert left == pytest.approx(right, rel=1e-5, abs=1e-7), self.text[k:]
        return set(signs)
