"""Sentences with formulas between the words: from Unicode to ASCII, LaTeX, HTML and Typst."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from html import escape
from string import ascii_letters

from diagrad.show.glyphs import (
    ABOVE,
    ACCENTED,
    ACCENTS,
    BELOW,
    IN_ASCII,
    MATHEMATICAL,
    PRIMES,
    prepared,
)
from diagrad.show.inline import FUNCTIONS, in_math_mode
from diagrad.show.names import SPELLED, in_ascii
from diagrad.show.notation import VULGAR

PIECE = re.compile(rf"[{''.join(BELOW)}]+|∘?[{''.join(ABOVE)}]+|∘\^|{ACCENTED}|.", re.DOTALL)
SPELLINGS = IN_ASCII | PRIMES | SPELLED | {"∘^": ".^"}


def in_ascii_text(sentence: str, names: Collection[str] = ()) -> str:
    """The sentence in ASCII: z2_j for z₂ⱼ, W2^T for W₂ᵀ, sum_k for Σₖ; a character without a
    spelling as u00e9. `names` are those of the problem, in Unicode."""
    text, last = "", " "
    for piece in PIECE.findall(prepared(sentence, names)):
        spelled = piece if piece.isascii() else _spelled(piece, text, last)
        change = last == "d" and not text[-2:-1].isalnum()
        if spelled[0].isalpha() and text[-1:].isalnum() and _parted(last, piece) and not change:
            text += " "
        text += spelled
        last = piece
    return text


def _parted(last: str, piece: str) -> bool:
    """Whether what is spelled out would run together with the letter beside it."""
    if last[-1] in MATHEMATICAL:
        return last not in "∂×"
    if piece in "√∑∏∇∈∞":
        return True
    return last.isalpha() and (piece in SPELLED or piece[-1] in ACCENTS)


def _spelled(piece: str, text: str, last: str) -> str:
    if piece in VULGAR.values() and last == "^":
        return f"({SPELLINGS[piece]})"
    if piece in SPELLINGS:
        return SPELLINGS[piece]
    if piece[0] in BELOW:
        return _subscript("".join(BELOW[c] for c in piece), text, last)
    if piece[-1] in ABOVE:
        return "." * (piece[0] == "∘") + "^" + "".join(ABOVE[c] for c in piece.removeprefix("∘"))
    if piece[-1] in ACCENTS:
        return SPELLED.get(piece[0], in_ascii(piece[0])) + ACCENTS[piece[-1]]
    return in_ascii(piece)


def _subscript(below: str, text: str, last: str) -> str:
    """Digits belong to the name: z2_j."""
    digits = "" if not text[-1:].isalnum() or last[-1] in ABOVE else below.rstrip(ascii_letters)
    rest = below.removeprefix(digits)
    return digits + ("_" + rest if rest else "")


# Words, and what could be mathematics beside them: single letters, numbers, signs, functions. What
# stands in angle brackets is one word.
WORD = re.compile(r"(?:[^\s⟨]|⟨[^⟨⟩]*⟩)+|\S|\s+")
FREE_STANDING = r"diag|vec|tr|log|exp|sin|cos|tan|tanh|sinh|cosh"
CALLED = "|".join(sorted(FUNCTIONS, reverse=True))
LETTER = r"[A-Za-z](?![A-Za-z]|\.[A-Za-z]|'[A-Za-z])"
NEUTRAL = re.compile(
    rf"(?:(?<![A-Za-z])(?:(?:{FREE_STANDING})(?![A-Za-z])|(?:{CALLED})(?=\()|d[A-Z](?![A-Za-z])"
    rf"|{LETTER})|[0-9]+|[-=+/*<>|()\[\],.;:?!^'@])+"
)
TELLING = re.compile(r"[=<>|+]|(?<![A-Za-z])[A-Za-z](?![A-Za-z])")
STOPS = '.,;:?!"'
ESCAPES = {c: "\\" + c for c in "%&#$_{}"} | {c: rf"\({c}\)" for c in "<>|"}
# What Typst's markup takes for something else, also at the start of a line.
MARKUP = re.compile(r"[\\#$*_`<>@~\[\]=/+-]")
# GitHub refuses \operatorname, and sets \mathop alike.
OPERATOR = re.compile(r"\\operatorname\{([^{}]*)\}")
TAG = re.compile(r"< ?(?=[A-Za-z/!?])")
# Likewise of Markdown; a dash or a number begins a list, a dot ends an address.
MARKED = re.compile(r"[\\`*_{}\[\]<>#$%&|~^@]|(?<=:)//|(?<=www)\.")
BEGINS = re.compile(r"^(\d*)([-+=.)])")
ESCAPES |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}


def in_latex_text(sentence: str, names: Collection[str] = ()) -> str:
    r"""The sentence for LaTeX's text mode and for Markdown: mathematics between \( and \), the
    words escaped; a character that LaTeX has no sign for as u00e9. `names` are those of the
    problem, in Unicode: words that are mathematics too."""
    return "".join(
        rf"\({part}\)" if is_formula else _escaped(part)
        for part, is_formula in _parts(sentence, names)
    )


def in_markdown_text(sentence: str, names: Collection[str] = ()) -> str:
    """The sentence for Markdown, mathematics between dollars, the words escaped."""
    text = "".join(
        f"${in_markdown(part.strip())}$"
        if is_formula
        else MARKED.sub(r"\\\g<0>", _escaped(part, {}))
        for part, is_formula in _parts(sentence, names)
    )
    return BEGINS.sub(r"\1\\\2", text)


def in_markdown(latex: str) -> str:
    """A formula that nobody takes for a tag, without what GitHub refuses."""
    return OPERATOR.sub(r"\\mathop{\\mathrm{\1}}", TAG.sub(r"\\lt ", latex))


def in_html_text(
    sentence: str, names: Collection[str] = (), draw: Callable[[str], str] | None = None
) -> str:
    """The sentence for HTML, mathematics as MathML; `draw` makes it of LaTeX."""
    if draw is None:
        from diagrad.show.mathml import in_mathml

        draw = in_mathml
    return "".join(
        draw(part) if is_formula else escape(part.replace(" -- ", " – "), quote=False)
        for part, is_formula in _parts(sentence, names)
    )


def in_typst_text(sentence: str, names: Collection[str] = ()) -> str:
    """The sentence for Typst's markup, mathematics between dollars."""
    from diagrad.show.typst import in_typst

    return "".join(
        f"${in_typst(part)}$" if is_formula else MARKUP.sub(r"\\\g<0>", part)
        for part, is_formula in _parts(sentence, names)
    )


def in_latex_code(text: str) -> str:
    """A piece of code for LaTeX, as it was typed."""
    escapes = ESCAPES | {" ": r"\ ", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}"}
    return rf"\texttt{{{_escaped(text, escapes | {'-': '-{}'})}}}"


def _parts(sentence: str, names: Collection[str]) -> Iterator[tuple[str, bool]]:
    """Words, and formulas as LaTeX, in their order."""
    known = frozenset(name for name in names if name in ("a", "A") or _is_no_word(name))
    known |= {f"d{name}" for name in names if len(name) == 1} - {"do"}
    starts = True
    for run, word in _runs(WORD.findall(prepared(sentence, names)), known):
        before, formula, after = _formula(run, starts, word, known)
        parts = ((before, False), (formula and in_math_mode(formula), True), (after + word, False))
        for part, is_formula in parts:
            if part:
                ends = not is_formula and part.rstrip().endswith((".", "!", "?"))
                starts = ends or (starts and part.isspace())
                yield part, is_formula


def _is_no_word(name: str) -> bool:
    """Whether a name of several letters could not be taken for a word of the sentence."""
    return len(name) > 1 and not (name.isalpha() and name.islower())


def _has_name(text: str, names: Container[str]) -> bool:
    words = re.findall(r"\w+", text)
    return any(
        word in names or word.removeprefix("d") in names for word in words if word not in ("a", "A")
    )


def _runs(words: Sequence[str], names: Container[str]) -> Iterator[tuple[list[str], str]]:
    """Words and spaces that could be one formula together, and the word that ends them."""
    run: list[str] = []
    for word in words:
        spaced = word.isspace() and bool(run)
        mathematical = _is_neutral(word) or not MATHEMATICAL.isdisjoint(word)
        if spaced or mathematical or _has_name(word, names):
            run.append(word)
            if _is_ended("".join(run)):
                yield run, ""
                run = []
        else:
            yield run, word
            run = []
    yield run, ""


def _is_neutral(word: str) -> bool:
    return NEUTRAL.fullmatch(word) is not None and word.strip("-") != ""


def _is_ended(text: str) -> bool:
    """Whether a formula ends here: at a stop, or where a bracket closes that words opened."""
    opened = text.count("(") - text.count(")")
    return opened < 0 or (text[-1] in STOPS and opened == 0)


def _formula(
    run: Sequence[str], starts: bool, word: str, names: Container[str]
) -> tuple[str, str, str]:
    """A run as the text before its formula, the formula, the text after it. `starts` says that it
    stands at the start of the sentence, `word` is what comes after it."""

    def is_article(at: int) -> bool:
        if run[at] == "a" and "a" in names:
            return _is_before_a_noun(run, at, word)
        named = run[at] == "A" and "A" in names
        return _is_article(run, at, starts) and not (named and not _is_before_a_noun(run, at, word))

    first, last = 0, len(run)
    while first < last and (run[first].isspace() or is_article(first)):
        first += 1
    while first < last and (run[last - 1].isspace() or is_article(last - 1)):
        last -= 1
    before, formula, after = ("".join(part) for part in (run[:first], run[first:last], run[last:]))
    told = TELLING.search(formula) or _has_name(formula, names)
    if not told and MATHEMATICAL.isdisjoint(formula):
        return before + formula + after, "", ""
    core = formula.rstrip(STOPS + " ")
    while core.endswith(")") and core.count(")") > core.count("("):
        core = core[:-1].rstrip(STOPS + " ")
    start = 0
    while core.startswith("(", start) and core.count("(", start) > core.count(")"):
        start += 1
    return before + core[:start], core[start:], formula[len(core) :] + after


def _is_article(run: Sequence[str], at: int, starts: bool) -> bool:
    """An `a` that no sign stands beside, and a lonely `A` that begins the sentence."""
    if run[at] == "A":
        return starts and "".join(run).strip() == "A"
    beside = [run[k] for k in (at - 2, at + 2) if 0 <= k < len(run)]
    return run[at] == "a" and any(c.isalnum() for c in "".join(beside) or "a")


def _is_before_a_noun(run: Sequence[str], at: int, word: str) -> bool:
    """Whether an `a` that is also a name is an article: a column, but not a enters, a = b."""
    following = next((w for w in (*run[at + 1 :], word) if not w.isspace()), "")
    noun = bool(re.match(r"[a-z]{2,}", following)) and not following.endswith("s")
    return noun and following != "should"


def _escaped(text: str, escapes: Mapping[str, str] = ESCAPES) -> str:
    return "".join(escapes.get(c, c if c.isascii() else in_ascii(c)) for c in text)
