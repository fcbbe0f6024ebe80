"""MathML and Typst: drawn from LaTeX, complete, and the same formula as in one line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from test_golden import ASKED, COURSE, GOLDEN, derived, request
from test_rooms import EVERY, example, standard

from diagrad.operations import Operation
from diagrad.pages.compose import pages
from diagrad.pages.page import Block, Equation, Given, Heading, Item, Maths, Outcome
from diagrad.show import printed
from diagrad.show.glyphs import ABOVE, BELOW
from diagrad.show.mathml import in_mathml, in_terms, in_words
from diagrad.show.notation import VULGAR
from diagrad.show.typst import in_typst

CHILDREN = {
    "mfrac": 2,
    "msup": 2,
    "msub": 2,
    "mover": 2,
    "munder": 2,
    "msubsup": 3,
    "munderover": 3,
}
LEAVES = {"mi", "mn", "mo", "mtext"}
ELEMENTS = {"math", "mrow", "msqrt", "mtable", "mtr", "mtd", "mspace", *CHILDREN, *LEAVES}
# What looks otherwise in two dimensions than in a line, and how it reads there.
ALIKE = {
    "cholesky": "chol",
    "log_softmax": "logsoftmax",
    "maximum": "max",
    "minimum": "min",
    r"zeros\((\w+), (\w+)\)": r"𝟎\1×\2",
    "axis=": "axis",
    "Σ": "∑",
    "⊤": "T",
    "−": "-",
}
IN_A_LINE = str.maketrans(
    {character: str(value) for value, character in VULGAR.items()}
    | ABOVE
    | BELOW
    | {c: None for c in "()[]{},·_^~‾ \u00a0\u2061\u2062\u0302\u0303\u0304"}
)


def line(element: ElementTree.Element) -> str:
    """A formula in MathML as a line of text, without brackets and spaces."""
    parts = [line(child) for child in element]
    match element.tag:
        case "mfrac":
            return "/".join(parts)
        case "msqrt":
            return "√" + "".join(parts)
        case "mtable":
            return "where" + "".join(when + value for value, when in map(cells, element))
    return (element.text or "") + "".join(parts)


def cells(row: ElementTree.Element) -> tuple[str, str]:
    """A value and its condition."""
    value, when = map(line, row)
    return value, re.sub("^if|otherwise", "", when)


def plain(text: str) -> str:
    """The text without brackets, spaces, commas and dots, all of it on the line."""
    for words, others in ALIKE.items():
        text = re.sub(words, others, text)
    return unicodedata.normalize("NFD", text).translate(IN_A_LINE)


def check(maths: Maths) -> None:
    """MathML that is complete and says what Unicode says, and balanced Typst."""
    tree = ElementTree.fromstring(in_mathml(maths("latex")))
    for element in tree.iter():
        assert element.tag in ELEMENTS
        assert len(element) == CHILDREN.get(element.tag, len(element))
        assert element.tag not in LEAVES or element.text
        assert element.tag != "msqrt" or len(element) > 0
    assert plain(line(tree)) == plain(maths("unicode"))
    broken = "".join(map("".join, in_terms(maths("latex"))))
    for pieces in (broken, in_words(maths("latex"))):
        assert line(ElementTree.fromstring(f"<p>{pieces}</p>")) == line(tree)
    typst = in_typst(maths("latex"))
    bare = re.sub(r'"([^"\\]|\\.)*"|\\.', "", typst)
    assert bare.count("(") == bare.count(")") and "\\" not in bare


@pytest.mark.parametrize("room", EVERY, ids=lambda room: room.name)
def test_every_operation_is_drawn_as_it_reads_in_a_line(room: Operation) -> None:
    names = standard().names
    check(lambda notation: printed(example(room), notation, names))


def formulas(blocks: tuple[Block, ...] | tuple[Item, ...]) -> Iterator[Maths]:
    """All formulas of a page."""
    for block in blocks:
        match block:
            case Given():
                yield from block.way
                for maths, _ in block.variables:
                    yield maths
                for defined in block.definitions:
                    yield from (defined.name, defined.formula)
            case Heading():
                yield from [*block.way, *_of_equations(block.called)]
            case Item():
                yield from _of_equations(block.equations)
                yield from formulas(block.parts)
            case Outcome():
                yield from _of_equations(block.results)
                yield from (maths for pair in block.named for maths in pair)


def _of_equations(equations: tuple[Equation, ...]) -> Iterator[Maths]:
    for equation in equations:
        yield equation.left
        yield from (side.maths for side in equation.sides)


@pytest.mark.parametrize("name", COURSE)
def test_every_formula_of_a_course_is_drawn_as_it_reads_in_a_line(name: str) -> None:
    path = GOLDEN / f"{name}.dg"
    asked = request(path.read_text("utf-8").splitlines()[0].removeprefix(ASKED))
    for page in pages(derived(path, asked), "all", "full"):
        for maths in formulas(page):
            check(maths)


def test_typst_accepts_every_operation() -> None:
    typst = pytest.importorskip("typst")
    names = standard().names
    shown = [printed(example(room), "typst", names) for room in EVERY]
    document = "\n\n".join(f"$ {formula} $" for formula in shown)
    assert typst.compile(document.encode(), format="svg")


DRAWN = {
    r"\hat{y}": ('<mover accent="true"><mi>y</mi><mo stretchy="false">^</mo></mover>', "hat(y)"),
    r"W_{1}^{\top}": ("<msubsup><mi>W</mi><mn>1</mn><mo>⊤</mo></msubsup>", "W_1^⊤"),
    r"\frac{1}{N}": ("<mfrac><mn>1</mn><mi>N</mi></mfrac>", "frac(1, N)"),
    r"A x": ("<mrow><mi>A</mi><mo>\u2062</mo><mi>x</mi></mrow>", "A x"),
    r"\mathrm{a\_b}": ("<mi>a_b</mi>", 'upright("a_b")'),
    r"x < \text{a \& b}": (
        "<mrow><mi>x</mi><mo>&lt;</mo><mtext>a\u00a0&amp;\u00a0b</mtext></mrow>",
        'x < "a & b"',
    ),
    r"\left|x\right|": (
        '<mrow><mo fence="true" form="prefix" stretchy="true">|</mo><mi>x</mi>'
        '<mo fence="true" form="postfix" stretchy="true">|</mo></mrow>',
        "lr(| x |)",
    ),
    r"\sigma'": ('<mrow><mi>σ</mi><mo lspace="0" rspace="0">′</mo></mrow>', "σ^(′)"),
    r"\sigma\left(z\right)": (
        '<mrow><mi>σ</mi><mo>\u2061</mo><mrow><mo stretchy="false">(</mo><mi>z</mi>'
        '<mo stretchy="false">)</mo></mrow></mrow>',
        "σ ( z )",
    ),
    r"\left(\frac{x}{y}\right)": (
        "<mrow><mo>(</mo><mfrac><mi>x</mi><mi>y</mi></mfrac><mo>)</mo></mrow>",
        "( frac(x, y) )",
    ),
    r"J = -x": (
        '<mrow><mi>J</mi><mo>=</mo><mo form="prefix">−</mo><mi>x</mi></mrow>',
        "J = − x",
    ),
}


@pytest.mark.parametrize("latex", DRAWN)
def test_latex_is_drawn_in_marks_of_mathml_and_of_typst(latex: str) -> None:
    mathml, typst = DRAWN[latex]
    assert in_mathml(latex) == f"<math>{mathml}</math>"
    assert in_typst(latex) == typst


# Where a long line breaks: | before a term, / before a factor.
BROKEN = {
    "= A + B": "=A|+B",
    "= -A - B": "=−A|−B",
    r"= A \left(B + C\right) \circ D": "=A/(B+C)/∘D",
    "= (x_{1} + 2)_{i} + y": "=(x1+2)i|+y",
    r"\frac{\partial J}{\partial h} \cdot \frac{\partial h}{\partial x}": "∂J∂h/·∂h∂x",
    "x": "x",
}


@pytest.mark.parametrize(("latex", "expected"), BROKEN.items())
def test_a_long_line_breaks_before_terms_and_where_these_are_long_before_factors(
    latex: str, expected: str
) -> None:
    terms = [["".join(ElementTree.fromstring(f).itertext()) for f in t] for t in in_terms(latex)]
    assert re.sub("[\u2061\u2062]", "", "|".join("/".join(term) for term in terms)) == expected


def test_a_sign_at_the_beginning_of_a_line_has_the_space_that_it_has_within() -> None:
    (first, *_), (second, *_) = in_terms("-A - B")
    assert 'form="infix"' not in first and '<mo form="infix">−</mo>' in second


def test_a_command_that_we_do_not_print_is_an_error() -> None:
    with pytest.raises(KeyError):
        in_mathml(r"\unknown x")
