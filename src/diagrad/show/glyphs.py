"""The characters of mathematical prose: what each is in ASCII and in LaTeX's math mode."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

from diagrad.show.names import COMBINING, SPELLED, SUBSCRIPTS
from diagrad.show.notation import VULGAR

TABLE = r"""
− - -               · * \cdot           ⋅ * \cdot           ∙ * \cdot
∗ * *               × x \times          ÷ / \div            ∕ / /
∘ .* \circ          ⊙ .* \odot          ⊘ ./ \oslash        ⊗ (x) \otimes
± +- \pm            ∂ d \partial        ∇ grad \nabla       ∑ sum \sum
∏ prod \prod        √ sqrt \surd        ∞ inf \infty        ∈ in \in
≤ <= \le            ≥ >= \ge            ≠ != \ne            ≈ ~= \approx
→ -> \to            ← <- \leftarrow     ↦ -> \mapsto        ⇒ => \Rightarrow
⟨ < \langle         ⟩ > \rangle         ‖ || \|             ∥ || \|
𝟏 1 \mathbf{1}      𝟙 1 \mathbb{1}      ℝ R \mathbb{R}      • * \bullet
"""
CELLS = TABLE.split()
IN_ASCII = dict(zip(CELLS[::3], CELLS[1::3], strict=True))
IN_LATEX = dict(zip(CELLS[::3], CELLS[2::3], strict=True))
for value, character in VULGAR.items():
    IN_ASCII[character] = str(value)
    IN_LATEX[character] = rf"\frac{{{value.numerator}}}{{{value.denominator}}}"

BELOW = {character: letter for letter, character in SUBSCRIPTS.items()}
ABOVE = dict(
    zip(
        "⁻⁺⁽⁾⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ⊤ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ",
        "-+()0123456789TTabcdefghijklmnoprstuvwxyz",
        strict=True,
    )
)
ACCENTS = {mark: accent for accent, mark in COMBINING.items()}
PRIMES = {"′": "'", "″": "''"}
MATHEMATICAL = frozenset([*IN_ASCII, *BELOW, *ABOVE, *ACCENTS, *PRIMES, *SPELLED])

# Punctuation is no mathematics.
TYPOGRAPHY = str.maketrans(
    {"…": "...", "—": "--", "–": "--", "‑": "-", "‐": "-", "’": "'", "‘": "'", "\u00a0": " "}
    | {"“": '"', "”": '"', "„": '"', "─": "-", "│": "|", "└": "`", "├": "|"}
)
# Σ is a name where it stands like one: Σ⁻¹, or before a word.
SUM = re.compile(rf"Σ(?=[{''.join(BELOW)}(]| (?![a-z]{{2,}})| (?:exp|log)\b)")
INDEXED_SUM = re.compile(rf"Σ(?=[{''.join(BELOW)}])")
ACCENTED = rf"[^\W\d_][{''.join(ACCENTS)}]"
# In a word a letter with an accent is one character of it.
LETTER_WITH_ACCENT = re.compile(rf"((?<![A-Za-ce-z]){ACCENTED}(?![A-Za-z]))")


def prepared(sentence: str, names: Container[str] = ()) -> str:
    """With plain punctuation, Σ of a sum as ∑, and accents apart from the letters of mathematics:
    ŷ as y and an accent. Where Σ is one of the `names` it is that unless it has labels."""
    characters = unicodedata.normalize("NFC", sentence.translate(TYPOGRAPHY))
    total = INDEXED_SUM if "Σ" in names else SUM
    apart = "".join(map(_apart, total.sub("∑", characters)))
    pieces = LETTER_WITH_ACCENT.split(apart)
    pieces[::2] = [unicodedata.normalize("NFC", piece) for piece in pieces[::2]]
    return "".join(pieces)


def _apart(character: str) -> str:
    decomposed = unicodedata.normalize("NFD", character)
    return decomposed if len(decomposed) == 2 and decomposed[1] in ACCENTS else character


def code(character: str) -> str:
    """A character that no notation has: u00e9."""
    return f"u{ord(character):04x}"
