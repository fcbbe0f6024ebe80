"""Derivatives as a person or a program reads them: text, LaTeX lines, JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from diagrad.show.names import SUBSCRIPTS, in_ascii, in_unicode

if TYPE_CHECKING:
    import diagrad as dg


def render(problem: dg.Problem, derivations: list[dg.Derivation], form: str, plain: bool) -> str:
    if form == "json":
        data = [as_data(d) for d in derivations]
        return json.dumps(data, ensure_ascii=plain, indent=2) + "\n"
    if form == "latex":
        return "".join(f"{latex_label(problem, d)} = {d.result.latex()}\n" for d in derivations)
    wording = Wording(problem, plain)
    return "\n".join(wording.block(d) for d in derivations)


def as_data(d: dg.Derivation) -> dict[str, Any]:
    check = d.verification
    return {
        "of": d.of,
        "wrt": d.wrt,
        "order": d.order,
        "layout": d.layout,
        "shape": list(d.result.shape),
        "result": formula_data(d.result),
        "definitions": [{"name": n, "formula": formula_data(f)} for n, f in d.definitions],
        "steps": [],
        "verification": {
            "max_relative_error": check.bound,
            "points": check.points,
            "method": check.method,
        },
    }


def formula_data(formula: dg.Formula) -> dict[str, str]:
    return {"source": formula.source, "unicode": formula.unicode(), "latex": formula.latex()}


def by_names(d: dg.Derivation) -> list[str]:
    """The variables in the denominator: one, or the two of a second derivative."""
    names = [d.wrt] if isinstance(d.wrt, str) else list(d.wrt)
    return names if len(names) == d.order else names * d.order


def latex_label(problem: dg.Problem, d: dg.Derivation) -> str:
    names = [problem.formula(name).latex() for name in (d.of, *by_names(d))]
    of, *by = names
    if not d.of.isidentifier():
        of = rf"\left({of}\right)"
    power = "^2 " if d.order == 2 else " "
    below = r" \, ".join(rf"\partial {name}" for name in by)
    if len(by) == 2 and by[0] == by[1]:
        below = rf"\partial {{{by[0]}}}^2"
    quotient = rf"\frac{{\partial{power}{of}}}{{{below}}}"
    labels = d.result.shown_labels
    return rf"\left({quotient}\right)_{{{labels}}}" if labels else quotient


class Wording:
    """How the text form words a derivative, in Unicode or in plain ASCII."""

    def __init__(self, problem: dg.Problem, plain: bool) -> None:
        self.problem, self.plain = problem, plain
        self.d, self.squared, self.times = ("d", "2", "x") if plain else ("∂", "²", "×")

    def block(self, d: dg.Derivation) -> str:
        """The derivative, its shape and convention, and its check."""
        made = in_ascii if self.plain else in_unicode
        where = [f"  with    {made(name)} = {self.formula(f)}\n" for name, f in d.definitions]
        convention = self.convention(d)
        shape = self.shape(d.result.shape) + (f", {convention}" if convention else "")
        return (
            f"{self.label(d)} = {self.formula(d.result)}\n{''.join(where)}"
            f"  shape   {shape}\n  checked {d.verification}\n"
        )

    def formula(self, formula: dg.Formula) -> str:
        return formula.ascii() if self.plain else formula.unicode()

    def name(self, text: str) -> str:
        printed = self.formula(self.problem.formula(text))
        return printed if text.isidentifier() else f"({printed})"

    def label(self, d: dg.Derivation) -> str:
        """∂J/∂x, ∂²J/∂x², ∂²J/∂x∂W₁; (∂h/∂W₁)ᵢⱼₖₗ where the formula is by elements."""
        quotient = self.quotient(d, self.name(d.of), [self.name(name) for name in by_names(d)])
        labels = d.result.shown_labels
        return self.entry_of(f"({quotient})", labels) if labels else quotient

    def quotient(self, d: dg.Derivation, of: str, by: list[str]) -> str:
        if len(by) == 2 and by[0] == by[1]:
            return f"{self.d}{self.squared}{of}/{self.d}{by[0]}{self.squared}"
        power = self.squared if d.order == 2 else ""
        return f"{self.d}{power}{of}/" + "".join(self.d + name for name in by)

    def shape(self, shape: tuple[str, ...]) -> str:
        if rank(shape) == 0:
            return "scalar"
        return self.times.join(f"({size})" if set(size) & set("*+-") else size for size in shape)

    def convention(self, d: dg.Derivation) -> str:
        """Which entry of the result is which derivative."""
        of, by = self.name(d.of), [self.name(name) for name in by_names(d)]
        if all(rank(self.problem.formula(name).shape) == 0 for name in by_names(d)):
            return f"the shape of {of}" if rank(d.result.shape) else ""
        if d.layout == "gradient":
            return f"the shape of {by[0]} (gradient layout)"
        if d.layout == "vec":
            stacked = self.quotient(d, f"vec({of})", [f"vec({name})" for name in by])
            return f"{stacked}, columns stacked (vec layout)"
        if d.layout == "tensor":
            axes = [of, by[0]] if d.order == 1 else by
            return f"the axes of {axes[0]}, then those of {axes[1]} (tensor layout)"
        return f"{self.entries(d)} ({d.layout} layout)"

    def entries(self, d: dg.Derivation) -> str:
        """`entry i,j is ∂ŷᵢ/∂xⱼ` for a Jacobian or a Hessian."""
        names = [d.of, *by_names(d)]
        ranks = [rank(self.problem.formula(name).shape) for name in names]
        letters = [
            "ijkl"[sum(ranks[:k]) : sum(ranks[: k + 1])] for k in range(len(names))
        ]  # fmt: skip
        of, *by = (self.entry(name, at) for name, at in zip(names, letters, strict=True))
        place = "".join(letters)
        if d.order == 1 and (d.layout == "denominator") != (ranks == [0, 2]):
            place = place[::-1]
        return f"entry {','.join(place)} is {self.quotient(d, of, by)}"

    def entry(self, name: str, at: str) -> str:
        printed = self.name(name)
        if not at:
            return printed
        if self.plain:
            return self.entry_of(printed, at)
        bare = len(printed) == 1 or printed.startswith("(")
        return self.entry_of(printed if bare else f"({printed})", at)

    def entry_of(self, printed: str, at: str) -> str:
        if self.plain:
            return f"{printed}[{','.join(at)}]"
        return printed + "".join(SUBSCRIPTS[letter] for letter in at)


def rank(shape: tuple[str, ...]) -> int:
    """0 for a scalar, 1 for a row or a column, 2 for a matrix."""
    return sum(size != "1" for size in shape)
