"""MathML and LaTeX of a formula are the same: each is read back, by readers of this file alone."""

from __future__ import annotations

import contextlib
import re
import sys
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import pytest
from test_rooms import EVERY, example, standard
from test_show_drawn import formulas

sys.path.insert(0, str(Path(__file__).parent))

from generated.check import derive
from generated.problems import case

import diagrad as dg
from diagrad.operations import Operation
from diagrad.pages.compose import pages
from diagrad.show import printed
from diagrad.show.mathml import in_mathml

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.dg"))
SEEDS = range(40)
GREEK = """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau
upsilon phi chi psi omega""".split()  # noqa: SIM905
LAMBDA = {"lambda": "lamda"}
SIGNS = {
    **{g: unicodedata.lookup(f"GREEK SMALL LETTER {LAMBDA.get(g, g)}") for g in GREEK},
    **{
        g.capitalize(): unicodedata.lookup(f"GREEK CAPITAL LETTER {LAMBDA.get(g, g)}")
        for g in GREEK
    },
    **dict(zip(["varepsilon", "sum", "prod", "partial", "nabla", "infty"], "ε∑∏∂∇∞", strict=True)),
    **dict(zip(["cdot", "circ", "times", "oslash", "otimes", "top"], "·∘×⊘⊗⊤", strict=True)),
    **dict(zip(["le", "ge", "ne", "langle", "rangle", "|"], "≤≥≠⟨⟩‖", strict=True)),
    **dict(zip(["leftarrow", "mapsto", "to", "in", "sim"], "←↦→∈∼", strict=True)),
    **{space: "" for space in (*",; ", "quad", "left", "right")},
    **{c: c for c in "%&#$_{}"},
}
STYLED = {r"\mathbf1": "𝟏", r"\mathbf0": "𝟎", r"\mathbb1": "𝟙", r"\mathbbR": "ℝ"}
WORDS = (r"\mathrm", r"\operatorname", r"\text")
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|'+|\s+|.", re.DOTALL)
ACCENTS = {"^": "hat", "‾": "bar", "~": "tilde"}
NOT_SEEN = re.compile("[\u2061\u2062\u00a0 ]")


class Latex:
    """A reader of LaTeX's math mode: every script in braces, the lower one first."""

    def __init__(self, text: str) -> None:
        self.tokens = TOKEN.findall(text)[::-1]

    def group(self, end: str = "") -> str:
        atoms: list[list[str]] = []
        while self.tokens and self.tokens[-1] != end:
            token = self.tokens.pop()
            if token[0] in "_^'":
                self.script(token, atoms)
            elif not token.isspace():
                atoms.append([self.atom(token), "", ""])
        if end:
            assert self.tokens.pop() == end
        return "".join(map("".join, atoms))

    def script(self, token: str, atoms: list[list[str]]) -> None:
        written = "′" * len(token) if token[0] == "'" else self.argument()
        at = 1 if token == "_" else 2
        if not atoms or atoms[-1][at] or (at == 1 and "′" in atoms[-1][2]):
            atoms.append(["", "", ""])
        atoms[-1][at] = f"{'_' if at == 1 else '^'}{{{written}}}"

    def argument(self) -> str:
        while self.tokens[-1].isspace():
            self.tokens.pop()
        token = self.tokens.pop()
        return self.group("}") if token == "{" else self.atom(token)

    def raw(self) -> str:
        taken = []
        while (token := self.tokens.pop()) != "}":
            taken.append("" if token == r"\," else token.removeprefix("\\"))
        return "".join(taken[1:])

    def atom(self, token: str) -> str:
        match token:
            case "{":
                return self.group("}")
            case r"\frac":
                return f"({self.argument()})/({self.argument()})"
            case r"\sqrt":
                return f"√({self.argument()})"
            case r"\begin":
                return "{" + self.raw().removeprefix("cases") + self.cases()
        if token in WORDS:
            return self.raw()
        if token in (r"\mathbf", r"\mathbb"):
            return STYLED[token + self.raw()]
        if token[1:] in ACCENTS.values():
            return f"{token[1:]}({self.argument()})"
        if token[0] == "\\":
            return SIGNS[token[1:]] if token[1:] in SIGNS else token[1:]
        return {"-": "−", "*": "∗"}.get(token, token)

    def cases(self) -> str:
        inner = ""
        while self.tokens[-1] != r"\end":
            inner += self.part()
        self.tokens.pop()
        self.raw()
        return inner + ";"

    def part(self) -> str:
        """A cell of `cases`, with what ends it."""
        cell: list[str] = []
        depth = 0
        while depth or self.tokens[-1] not in ("&", r"\\", r"\end"):
            token = self.tokens.pop()
            depth += {"{": 1, "}": -1}.get(token, 0)
            cell.append(token)
        ends = self.tokens[-1]
        if ends != r"\end":
            self.tokens.pop()
        return Latex("".join(cell)).group() + {"&": "&", r"\\": ";"}.get(ends, "")


def of_latex(latex: str) -> str:
    return NOT_SEEN.sub("", Latex(latex).group())


def of_mathml(element: ElementTree.Element) -> str:
    parts = [of_mathml(child) for child in element]
    match element.tag:
        case "mfrac":
            return f"({parts[0]})/({parts[1]})"
        case "msqrt":
            return f"√({''.join(parts)})"
        case "mover" if element.get("accent"):
            return f"{ACCENTS[parts[1]]}({parts[0]})"
        case "msub" | "munder":
            return f"{parts[0]}_{{{parts[1]}}}"
        case "msup" | "mover":
            return f"{parts[0]}^{{{parts[1]}}}"
        case "msubsup" | "munderover":
            return f"{parts[0]}_{{{parts[1]}}}^{{{parts[2]}}}"
        case "mtr":
            return "&".join(parts) + ";"
        case "mrow" if len(parts) == 2 and set(parts[1]) == {"′"}:
            return f"{parts[0]}^{{{parts[1]}}}"
    return NOT_SEEN.sub("", element.text or "") + "".join(parts)


def agree(latex: str) -> bool:
    tree = ElementTree.fromstring(in_mathml(latex))
    return of_mathml(tree) == of_latex(latex)


def differences(derivations: list[dg.Derivation]) -> list[str]:
    told = pages(derivations, "all", "full")
    shown = {maths("latex") for page in told for maths in formulas(page)}
    assert shown
    return [latex for latex in sorted(shown) if not agree(latex)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_formula_of_an_example_is_the_same_in_mathml_and_in_latex(path: Path) -> None:
    problem = dg.load(path)
    names = problem.default_wrt(problem.last)
    assert differences(problem.derive(problem.last, names)) == []


def test_every_formula_of_generated_problems_is_the_same_in_mathml_and_in_latex() -> None:
    derived = []
    for seed in SEEDS:
        with contextlib.suppress(dg.DerivationError):
            derived.append(derive(case(seed)))
    assert len(derived) > len(SEEDS) / 2
    assert [differences([d]) for d in derived] == [[]] * len(derived)


@pytest.mark.parametrize("room", EVERY, ids=lambda room: room.name)
def test_every_operation_is_the_same_in_mathml_and_in_latex(room: Operation) -> None:
    latex = printed(example(room), "latex", standard().names)
    assert agree(latex), latex


@pytest.mark.parametrize(
    ("latex", "other"),
    [
        ("x_{1}^{2}", "x^{1}_{2}"),
        (r"\frac{a}{b}", r"\frac{b}{a}"),
        (r"\hat{y}", r"\bar{y}"),
        ("A B^{T}", "(A B)^{T}"),
        (r"\sum_{k} x", r"\sum x_{k}"),
    ],
)
def test_formulas_that_differ_read_otherwise(latex: str, other: str) -> None:
    tree = ElementTree.fromstring(in_mathml(latex))
    assert of_mathml(tree) == of_latex(latex) != of_latex(other)
