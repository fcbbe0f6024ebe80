"""Sentences as ASCII and as LaTeX: what a reader gets where Unicode is not wanted."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diagrad.operations import ROOMS
from diagrad.operations.room import Operation
from diagrad.show.glyphs import MATHEMATICAL
from diagrad.show.sentences import in_ascii_text, in_html_text, in_latex_text, in_typst_text

SENTENCES = {
    "z₂ = h W₂ + b₂ is linear in h: ∂z₂ⱼ/∂hᵢ = (W₂)ᵢⱼ, which as a matrix (row j) is W₂ᵀ": (
        "z2 = h W2 + b2 is linear in h: dz2_j/dh_i = (W2)_ij, which as a matrix (row j) is W2^T",
        r"\(z_{2} = h W_{2} + b_{2}\) is linear in \(h\): "
        r"\(\partial z_{2j}/\partial h_{i} = (W_{2})_{ij}\), "
        r"which as a matrix (row \(j\)) is \(W_{2}^{\top}\)",
    ),
    "so ⟨G, dX W⟩ = ⟨G Wᵀ, dX⟩.": (
        "so <G, dX W> = <G W^T, dX>.",
        r"so \(\langle G, \, \mathrm{d}X W\rangle = "
        r"\langle G W^{\top}, \, \mathrm{d}X\rangle\).",
    ),
    "dμ is one number, and dŷᵢ = ŷᵢ (dz₂)ᵢ": (
        "dmu is one number, and dyhat_i = yhat_i (dz2)_i",
        r"\(\mathrm{d}\mu\) is one number, and "
        r"\(\mathrm{d}\hat{y}_{i} = \hat{y}_{i} (\mathrm{d}z_{2})_{i}\)",
    ),
    "the Jacobian is diag(ŷ) − ŷᵀŷ": (
        "the Jacobian is diag(yhat) - yhat^T yhat",
        r"the Jacobian is \(\operatorname{diag}(\hat{y}) - \hat{y}^{\top}\hat{y}\)",
    ),
    "σ′ = σ(1 − σ), taken at z": (
        "sigma' = sigma(1 - sigma), taken at z",
        r"\(\sigma' = \sigma(1 - \sigma)\), taken at \(z\)",
    ),
    "y is one-hot, so Σₖ yₖ = 1": (
        "y is one-hot, so sum_k y_k = 1",
        r"\(y\) is one-hot, so \(\sum_{k} y_{k} = 1\)",
    ),
    "a 1×Dy row": ("a 1xDy row", r"a \(1\times\mathrm{Dy}\) row"),
    "x ↦ |x| for x ≠ 0": ("x -> |x| for x != 0", r"\(x \mapsto |x|\) for \(x \ne 0\)"),
    "‖a‖ = (Σ aᵢ²)^½, half of it ½ ‖a‖": (
        "||a|| = (sum a_i^2)^(1/2), half of it 1/2 ||a||",
        r"\(\|a\| = (\sum a_{i}^{2})^{\frac{1}{2}}\), half of it \(\frac{1}{2} \|a\|\)",
    ),
    "exp(−x²)/√π and 1/(2√x)": (
        "exp(-x^2)/sqrt pi and 1/(2 sqrt x)",
        r"\(\exp(-x^{2})/\sqrt{\pi}\) and \(1/(2\sqrt{x})\)",
    ),
    "an error ≤ 10⁻¹² (of A⁻¹ or A∘²)": (
        "an error <= 10^-12 (of A^-1 or A.^2)",
        r"an error \(\le 10^{-12}\) (of \(A^{-1}\) or \(A^{\circ 2}\))",
    ),
    "column sums 𝟏ᵀ Δ₁; then Bᵀ ⊗ A, y ⊘ ŷ → 0": (
        "column sums 1^T Delta1; then B^T (x) A, y ./ yhat -> 0",
        r"column sums \(\mathbf{1}^{\top} \Delta_{1}\); then \(B^{\top} \otimes A\), "
        r"\(y \oslash \hat{y} \to 0\)",
    ),
    "∂loss/∂xₘₐₓ of σ(A)ᵢⱼ² — the reader’s “way”…": (
        'dloss/dx_max of sigma(A)_ij^2 -- the reader\'s "way"...',
        r"\(\partial\mathrm{loss}/\partial x_{max}\) of \(\sigma(A)_{ij}^{2}\) "
        '-- the reader\'s "way"...',
    ),
    "50% of {x_bad} & $5, café #1": (
        "50% of {x_bad} & $5, cafu00e9 #1",
        r"50\% of \{x\_bad\} \& \$5, cafu00e9 \#1",
    ),
    "i.e. every A, e.g. the first: an entry of log p": (
        "i.e. every A, e.g. the first: an entry of log p",
        r"i.e. every \(A\), e.g. the first: an entry of \(\log p\)",
    ),
    "as a matrix (row j, column i) W₂ᵀ, or (if x > 0) y": (
        "as a matrix (row j, column i) W2^T, or (if x > 0) y",
        r"as a matrix (row \(j\), column \(i\)) \(W_{2}^{\top}\), or (if \(x > 0\)) \(y\)",
    ),
    "powers x² … of x": ("powers x^2 ... of x", r"powers \(x^{2}\) ... of \(x\)"),
    "Σ is the covariance; θ̂₂ᵀ Σ⁻¹ x": (
        "Sigma is the covariance; thetahat2^T Sigma^-1 x",
        r"\(\Sigma\) is the covariance; \(\hat{\theta}_{2}^{\top} \Sigma^{-1} x\)",
    ),
}


@pytest.mark.parametrize(("sentence", "expected"), SENTENCES.items())
def test_a_sentence_reads_well_in_ascii_and_in_latex(
    sentence: str, expected: tuple[str, str]
) -> None:
    assert (in_ascii_text(sentence), in_latex_text(sentence)) == expected


def test_a_plain_sentence_stays_as_it_is() -> None:
    plain = "a row times a diagonal matrix scales its entries one by one; the rest (if any) stays."
    assert in_ascii_text(plain) == in_latex_text(plain) == plain


WORDS = (
    "a A is the (row of) h, W₂ᵀ Σₖ ∂J/∂hⱼ = ( ) ⟨G, dX⟩ √(x) √ ^ ^(x 50% log é señor ŷ ′ ² f″²′ x_1"
)
sentences = st.lists(
    st.sampled_from(WORDS.split())
    | st.text(sorted(MATHEMATICAL) + list("aXd1 ()_^'\\{}$|<~"), max_size=6)
    | st.text(max_size=4),
    max_size=8,
).map(" ".join)


@given(sentences)
def test_no_character_beyond_ascii_is_left(sentence: str) -> None:
    assert in_ascii_text(sentence).isascii()
    assert in_latex_text(sentence).isascii()


@given(sentences)
@example("x²′ x₁_a x² ² ′² ^^ √ √√ A^(b^(c")
def test_latex_is_what_tex_accepts(sentence: str) -> None:
    check_latex(in_latex_text(sentence))


@given(sentences)
def test_html_is_well_formed_and_typst_has_its_dollars_in_pairs(sentence: str) -> None:
    visible = "".join(c for c in sentence if c.isprintable())
    ElementTree.fromstring(f"<p>{in_html_text(visible)}</p>")
    assert re.sub(r"\\.", "", in_typst_text(visible)).count("$") % 2 == 0


def test_a_sentence_has_its_formulas_drawn() -> None:
    sentence = "a row & a matrix: h₁ is new"
    assert in_html_text(sentence) == (
        "a row &amp; a matrix: <math><msub><mi>h</mi><mn>1</mn></msub></math> is new"
    )
    assert in_typst_text(sentence) == "a row & a matrix: $h_1$ is new"


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_what_the_operations_say_can_be_written_everywhere(room: Operation) -> None:
    for sentence in (room.because, room.summary):
        assert in_ascii_text(sentence).isascii()
        check_latex(in_latex_text(sentence))
        ElementTree.fromstring(f"<p>{in_html_text(sentence)}</p>")


def check_latex(text: str) -> None:
    """Special characters escaped in the text; in mathematics braces balanced and no double
    script."""
    pieces = re.split(r"(\\\(|\\\))", text)
    assert pieces[1::4] == [r"\("] * len(pieces[1::4])
    assert pieces[3::4] == [r"\)"] * (len(pieces) // 4)
    for prose in pieces[::4]:
        assert not re.search(r"[%&#_$^~<>|]", re.sub(r"\\[%&#_${}]", "", prose))
    for formula in pieces[2::4]:
        assert formula.strip()
        check_scripts(re.findall(r"\\[A-Za-z]+|\\.|\S", formula))


def check_scripts(tokens: list[str]) -> None:
    nuclei: list[set[str]] = [set()]
    script = ""
    for token in tokens:
        if script:
            assert token == "{"
        if token == "}":
            assert len(nuclei) > 1
            nuclei.pop()
        elif token in "^_'":
            barred = "^" if token == "'" else token
            assert barred not in nuclei[-1], "a double script"
            nuclei[-1].add(token)
        elif not script:
            nuclei[-1].clear()
        if token == "{":
            nuclei.append(set())
        assert token not in ("$", "%", "&", "#", "~")
        script = token if token in ("^", "_") else ""
    assert len(nuclei) == 1
    assert not script


NAMED = {
    "the shape of Σ (gradient layout)": r"the shape of \(\Sigma\) (gradient layout)",
    "Σ V stays I, so Σₖ xₖ is (Σ)ᵢⱼ": (
        r"\(\Sigma V\) stays \(I\), so \(\sum_{k} x_{k}\) is \((\Sigma)_{ij}\)"
    ),
    "the shape of a (gradient layout)": r"the shape of \(a\) (gradient layout)",
    "a enters b, a column": r"\(a\) enters \(b\), a column",
    "the shape of Wf, dWf and Un": (
        r"the shape of \(\mathrm{Wf}\), \(\mathrm{d}\mathrm{Wf}\) and \(\mathrm{Un}\)"
    ),
    "call it Δ_Y, and (Δ_N1)ᵢⱼ": (r"call it \(\Delta_{Y}\), and \((\Delta_{N_{1}})_{ij}\)"),
    "dₖ columns": r"\(d_{k}\) columns",
    "dᵀ x": r"\(d^{\top} x\)",
}


@pytest.mark.parametrize(("sentence", "expected"), NAMED.items())
def test_the_names_of_the_problem_are_mathematics(sentence: str, expected: str) -> None:
    assert in_latex_text(sentence, {"Σ", "a", "b", "V", "Wf", "Un", "dₖ", "x"}) == expected


def test_sigma_is_a_name_in_ascii_too() -> None:
    assert in_ascii_text("Σ V, Σₖ xₖ", {"Σ"}) == "Sigma V, sum_k x_k"
    assert in_ascii_text("Σ exp x", ()) == "sum exp x"
