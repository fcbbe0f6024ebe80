"""What is done with indices, in words: which δ keeps what, which sum is a matrix product."""

from __future__ import annotations

import re

from diagrad.derivation.reasons import Reasons, listed
from diagrad.formula import Formula
from diagrad.index.term import Definition, Delta, Factor, Head, Term, Variable, as_sum
from diagrad.matrix.contract import NoMatrixForm
from diagrad.operations.room import SUBSCRIPT_LETTERS

BELOW = "".join(SUBSCRIPT_LETTERS.values())
LETTER = {below: letter for letter, below in SUBSCRIPT_LETTERS.items()}
ORDINALS = ("first", "second", "third", "fourth", "fifth")
AROUND = "around that sum all works entry by entry"
ENTRYWISE = "the same index everywhere and no sum left: all of it works entry by entry"


class Indices:
    """The words for indices in one derivation."""

    def __init__(self, reasons: Reasons) -> None:
        self.book, self.called, self.printed = reasons.book, reasons.called, reasons.printed

    def collapse(self, before: Formula, raw: Head | None = None) -> str:
        """Which δ keeps what, read off the formula by elements: δⱼᵢ keeps only j = i; and what
        cancels in `raw`, the formula's sum."""
        pairs = re.findall(f"δ([{BELOW}])([{BELOW}])", before.unicode())
        kept = [f"{LETTER[a]} = {LETTER[b]}" for a, b in dict.fromkeys(pairs)]
        said = [f"δ keeps only {listed(kept)}"] if kept else []
        gone = self._cancelled(raw) if raw is not None else []
        said += [f"{listed(gone)} cancels"] if gone else []
        return ", and ".join(said)

    def _cancelled(self, raw: Head) -> list[str]:
        """What stands above and below in a term."""
        found: dict[str, None] = {}
        for term in as_sum(raw).terms:
            below = {f.head for f in term.factors if f.exponent == -1}
            both = [f.head for f in term.factors if f.exponent == 1 and f.head in below]
            found |= dict.fromkeys(self.called(h) for h in both if isinstance(h, Definition))
        return list(found)

    def vectorised(self, head: Head, letters: str, after: str) -> str:
        """Which index is summed and where it stands, so that it is this product. `letters` are
        those for what is summed over; `after` is the matrix form in print."""
        terms = as_sum(head).terms
        said = [self._product(t, self.book.bound_letters(t, letters), after) for t in terms]
        if any(factor.labels and term.bound for term in terms for factor in term.factors):
            said = [AROUND if sentence == ENTRYWISE else sentence for sentence in said]
        return "; ".join(sorted(dict.fromkeys(filter(None, said)), key=lambda s: s == AROUND))

    def _product(self, term: Term, letters: str, after: str) -> str:
        arrays = [f for f in term.factors if f.labels and not isinstance(f.head, Delta)]
        said = []
        for bound in sorted({k for f in arrays for k in f.labels if k < 0}, reverse=True):
            where = [f for f in arrays if bound in f.labels]
            letter = letters[-bound - 1]
            said.append(self._contracted(letter, bound, where, after))
        if said or len(arrays) < 2:
            return "; ".join(said)
        if len({frozenset(f.labels) for f in arrays}) == 1:
            return ENTRYWISE
        if not set(arrays[0].labels) & set(arrays[-1].labels):
            return "no sum left and no index in common: a column times a row, the outer product"
        return ""

    def _contracted(self, letter: str, bound: int, where: list[Factor], after: str) -> str:
        """What the sum over one label is, by how many factors have it."""
        names = [self._name(f) for f in where]
        if len(where) == 1:
            return f"{letter} stands on {names[0]} alone: its entries are added up along {letter}"
        if len(where) > 2:
            return f"{letter} stands on {listed(names)}: one of them scales, as a diagonal matrix"
        beside = [set(f.labels) - {bound} for f in where]
        if all(beside) and beside[0] & beside[1]:
            lines = {(1, 1): " in every row", (0, 0): " in every column"}
            places = where[0].labels.index(bound), where[1].labels.index(bound)
            said = f"{names[0]} and {names[1]} are multiplied entry by entry"
            return f"{said} and added up along {letter}{lines.get(places, '')}"
        pairs = sorted(zip(where, names, strict=True), key=lambda pair: len(pair[0].labels))
        both = [self._place(f, bound, name) for f, name in pairs]
        turned = [n for n, f in zip(names, where, strict=True) if f"{n}ᵀ" in after and f.labels[1:]]
        how = f" with {listed(turned)} transposed" if turned else ""
        return f"the summed {letter} is {both[0]} and {both[1]}: a product{how}"

    def _place(self, factor: Factor, label: int, name: str) -> str:
        if len(factor.labels) == 1:
            return f"the index of {name}"
        place = ORDINALS[factor.labels.index(label)]
        return f"the {place} index of {name}"

    def _name(self, factor: Factor) -> str:
        head = factor.head
        if isinstance(head, Variable | Definition):
            return self.called(head)
        if len(head.axes) > 2:
            return "a factor"
        try:
            places = (0, 1) if len(head.axes) == 2 else (None, 0)
            shown = self.printed(self.book.plain.raised(head, *places))
        except NoMatrixForm:
            return "a factor"
        return shown if len(shown) < 20 else "a factor"
