r"""LaTeX for a paper: balanced, with no command that its preamble does not know.

All of `documents` were compiled once by hand. `python tests/test_latex.py FOLDER` writes them, for
a machine that has a TeX.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from webpages import ANSWERS, backward, example

import diagrad as dg
from diagrad import pages
from diagrad.pages.aligned import aligned
from diagrad.show.sentences import in_latex_text

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.dg"))
DEPTHS = ("overview", "standard", "full")
# What LaTeX has, with amsmath, amssymb, inputenc, fontenc and geometry.
KNOWN = """
    documentclass usepackage begin end setlength allowdisplaybreaks AtBeginDocument mathindent
    emergencystretch abovedisplayskip belowdisplayskip par medskip noindent textbf text mathrm
    mathbf mathbb mathop operatorname frac sqrt left right hat bar tilde underset
    sum prod partial nabla cdot circ times oslash otimes odot pm le ge ne approx in to infty sim
    top langle rangle leftarrow mapsto Rightarrow quad surd backslash
    alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho
    sigma tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
    log exp sin cos tan tanh sinh cosh arcsin arccos arctan max min det arg
    textasciitilde textasciicircum textbackslash textasciigrave textquotesingle texttt makebox
    checkmark
""".split()  # noqa: SIM905
ENVIRONMENTS = {"document", "align*", "cases"}
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}$&\n]|[^\\{}$&\n]+", re.DOTALL)
OPENS = {"{": "}", r"\left": r"\right", r"\(": r"\)", r"\[": r"\]"}


def faults(text: str) -> list[str]:
    """What would stop TeX: an opening without its end, an unknown command, a stray sign."""
    found, expected = [], [""]
    tokens = TOKEN.findall(text)
    for k, token in enumerate(tokens):
        if token in (r"\begin", r"\end"):
            name = "".join(tokens[k + 2 : tokens.index("}", k)])
            found += [] if name in ENVIRONMENTS else [f"unknown environment {name}"]
            expected += [name] if token == r"\begin" else []
            if token == r"\end" and expected.pop() != name:
                found.append(f"{name} ends, but did not begin")
        elif token in OPENS:
            expected.append(OPENS[token])
        elif token in OPENS.values():
            if expected.pop() != token:
                return [*found, f"unexpected {token} after {''.join(tokens[max(0, k - 9) : k])}"]
        elif token == "$" or (token == "&" and not {"align*", "cases"} & {*expected}):
            found.append(f"stray {token}")
        elif re.match(r"\\[A-Za-z]", token) and token[1:] not in KNOWN:
            found.append(f"unknown command {token}")
    return found + ([f"missing {expected[-1]}"] if expected != [""] else [])


def documents() -> Iterator[tuple[str, str]]:
    """The LaTeX of every example, by all routes, in every depth; and of verdicts of each kind."""
    for path in EXAMPLES:
        problem = dg.load(path)
        derivations = problem.derive(problem.last, problem.default_wrt(problem.last))
        for depth in DEPTHS:
            yield f"{path.stem}_{depth}", pages.latex(derivations, "all", depth, document=True)
    network = example("one_hidden_layer")
    for kind, answer in ANSWERS.items():
        verdict = network.check("J", "x", answer)
        yield f"answer_{kind.replace(' ', '_')}", verdict.latex(show_answer=True, document=True)
    yield "function", network.check_function(backward, wrt=["b2", "W2"]).latex(document=True)


def test_the_latex_of_examples_and_verdicts_is_balanced_and_known_by_every_route() -> None:
    written = dict(documents())
    assert len(written) == len(EXAMPLES) * len(DEPTHS) + len(ANSWERS) + 1
    assert {name: found for name, text in written.items() if (found := faults(text))} == {}
    assert all(text.isascii() for text in written.values())


@pytest.mark.parametrize(
    ("latex", "fault"),
    [
        (r"\begin{align*} x &= y", "missing align*"),
        (r"\begin{gather} x \end{gather}", "unknown environment gather"),
        (r"\( \left( x \)", "unexpected \\)"),
        (r"\textbf{x", "missing }"),
        ("x & y", "stray &"),
        ("5 $", "stray $"),
        (r"\( \trace x \)", r"unknown command \trace"),
    ],
)
def test_what_would_stop_tex_is_seen(latex: str, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults(latex))


def test_a_long_sum_goes_on_in_the_next_line_and_brackets_stay_together() -> None:
    term = r"\left(a + b\right) \circ \mathrm{d}p"
    lines = aligned([("J", " + ".join([term] * 9), "")]).splitlines()
    assert len(lines) > 1
    assert all(line.startswith(r"&\quad + \left(") for line in lines[1:])
    assert faults(r"\begin{align*}" + "\n".join(lines) + r"\end{align*}") == []


def test_a_long_left_side_has_a_line_of_its_own_and_a_long_shape_only_its_end() -> None:
    left, shapes = " + ".join("abcdefghijklmnop"), " + ".join([r"(1\times H)(H\times H)"] * 4)
    assert aligned([(left, "q", rf"{shapes} = 1\times H")]) == (
        f"& {left} \\\\\n&\\quad = q && 1\\times H"
    )


@pytest.mark.parametrize(
    ("sentence", "latex"),
    [
        ("call it Δ_C; so", r"call it \(\Delta_{C}\); so"),
        ("call it Δ_L₁", r"call it \(\Delta_{L_{1}}\)"),
        ("∑(y ∘ dp ⊘ p)", r"\(\sum(y \circ \, \mathrm{d}p \oslash p)\)"),
        ("what we do", "what we do"),
    ],
)
def test_names_with_a_mark_and_small_changes_are_mathematics(sentence: str, latex: str) -> None:
    assert in_latex_text(sentence, {"y", "p", "o", "Δ_C"}) == latex


if __name__ == "__main__":
    for name, text in documents():
        Path(sys.argv[1], f"{name}.tex").write_text(text, "utf-8")
