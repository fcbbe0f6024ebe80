"""What is done with indices, in words: which δ keeps what, which sum is a matrix product."""

from __future__ import annotations

import re

from diagrad.derivation.reasons import Reasons, listed
from diagrad.derivation.sweep import Node
from diagrad.dimensions import UNIT
from diagrad.formula import Formula
from diagrad.index.term import Definition, Delta, Factor, Head, Sum, Term, Variable, as_sum
from diagrad.matrix.contract import NoMatrixForm
from diagrad.matrix.shown import Shown
from diagrad.operations.room import SUBSCRIPT_LETTERS

BELOW = "".join(SUBSCRIPT_LETTERS.values())
DELTA = re.compile(f"δ([{BELOW}])([{BELOW}])")
LETTER = {below: letter for letter, below in SUBSCRIPT_LETTERS.items()}
ORDINALS = ("first", "second", "third", "fourth", "fifth")
AROUND = "around that sum all works entry by entry"
ENTRYWISE = "the same index everywhere and no sum left: all of it works entry by entry"


class Indices:
    """The words for indices in one derivation."""

    def __init__(self, reasons: Reasons) -> None:
        self.book, self.called, self.printed = reasons.book, reasons.called, reasons.printed
        self.sweep = reasons.sweep

    def collapse(self, before: Formula, after: Formula) -> str:
        """Which δ keeps what, read off the formulas by elements: δⱼᵢ keeps only j = i; and what
        cancels."""
        first, second = before.unicode(), after.unicode()
        kept = _kept(first, second)
        said = [kept] if kept else []
        below = dict.fromkeys(re.findall(r" / ([^\s()]+)", first))
        gone = [entry for entry in below if first.count(entry) > 1 and " / " not in second]
        said += [f"{listed(gone)} cancel{'s' if len(gone) == 1 else ''}"] if gone else []
        return ("; " if kept.startswith("in the") else ", and ").join(said)

    def vectorised(self, head: Head, letters: str, after: Shown, node: Node) -> str:
        """Which index is summed and where it stands, so that it is this product. `letters` are
        those for what is summed over; `after` is the matrix form of the derivative by `node`."""
        terms, column = as_sum(head).terms, node.shape[1] == UNIT
        bound, whole = self.book.bound_letters, self.book.formula(after).unicode()
        printed = [whole] if len(terms) == 1 else [self._alone(t, head, node, whole) for t in terms]
        said = [
            self._product(t, bound(t, letters), text, column, len(terms) == 1)
            for t, text in zip(terms, printed, strict=True)
        ]
        around = any(factor.labels and term.bound for term in terms for factor in term.factors)
        instead = AROUND if around else self._numbers(terms, whole, node) or ENTRYWISE
        said = [instead if sentence == ENTRYWISE else sentence for sentence in said]
        return "; ".join(sorted(dict.fromkeys(filter(None, said)), key=lambda s: s == AROUND))

    def _numbers(self, terms: tuple[Term, ...], whole: str, node: Node) -> str:
        """What comes from all entries and stands beside single ones, as a number."""
        heads = dict.fromkeys(f.head for t in terms for f in t.factors if not f.labels)
        known = self.sweep.depending(node.name) | set(self.book.called.values())
        names = [self.called(h) for h in heads if isinstance(h, Definition) and h.name in known]
        names = [*(["∑(…)"] if "∑(" in whole else []), *names]
        at = "i" if UNIT in node.shape else "i and j"
        are = "is one number" if len(names) == 1 else "are numbers"
        said = f"{listed(names)} {are}, the same for every {at}; the rest works entry by entry"
        return said if names else ""

    def _alone(self, term: Term, head: Head, node: Node, whole: str) -> str:
        """The matrix form of one term by itself, as it prints."""
        try:
            return self.book.formula(self.book.written(Sum(head.axes, (term,)), node)).unicode()
        except NoMatrixForm:
            return whole

    def _product(
        self, term: Term, letters: str, after: str, column: bool, alone: bool = True
    ) -> str:
        arrays = [f for f in term.factors if f.labels and not isinstance(f.head, Delta)]
        said = []
        for bound in sorted({k for f in arrays for k in f.labels if k < 0}, reverse=True):
            where = [f for f in arrays if bound in f.labels]
            letter = letters[-bound - 1]
            said.append(self._contracted(letter, bound, where, after, column))
        if said or len(arrays) < 2:
            return "; ".join(said)
        if len({frozenset(f.labels) for f in arrays}) == 1:
            return ENTRYWISE
        if not set(arrays[0].labels) & set(arrays[-1].labels):
            outer = "a column times a row, the outer product"
            names = [self._name(f) for f in arrays]
            if alone or "a factor" in names or len(set(names)) < len(names):
                return f"no sum left and no index in common: {outer}"
            return f"{listed(names)} have no index in common: {outer}"
        return ""

    def _contracted(
        self, letter: str, bound: int, where: list[Factor], after: str, column: bool
    ) -> str:
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
        vector = column if any(len(f.labels) == 1 for f in where) else None
        turned = [n for f, n in pairs if f.labels[1:] and _is_turned(f, bound, n, after, vector)]
        how = f" with {listed(list(dict.fromkeys(turned)))} transposed" if turned else ""
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


def _kept(before: str, after: str) -> str:
    """Which δ keeps what, told for each sum where they differ."""
    left = set(DELTA.findall(after))

    def kept_in(part: str) -> str:
        pairs = [pair for pair in dict.fromkeys(DELTA.findall(part)) if pair not in left]
        return listed([f"{LETTER[a]} = {LETTER[b]}" for a, b in pairs])

    first, *sums = map(kept_in, re.split("(?=Σ)", before))
    if first or len(sums) > len(ORDINALS) or len(set(sums)) < 2:
        everything = kept_in(before)
        return f"δ keeps only {everything}" if everything else ""
    told = [(f"in the {n} sum", kept) for n, kept in zip(ORDINALS, sums, strict=False) if kept]
    (where, kept), *others = told
    return ", ".join([f"{where} δ keeps only {kept}", *map(" ".join, others)])


def _is_turned(factor: Factor, bound: int, name: str, after: str, column: bool | None) -> bool:
    """Whether a matrix stands transposed in a product: as `after` prints it, and where that has it
    both ways, by the place of the index in its product with a vector that is a column or not."""
    if f"{name}ᵀ" not in after and f"({name})ᵀ" not in after:
        return False
    plain = re.search(rf"(?<!\w){re.escape(name)}(?!\)?[ᵀ\w])", after)
    if plain and column is None:
        return False
    return not plain or factor.labels.index(bound) != int(bool(column))
