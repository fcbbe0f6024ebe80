"""Mathematics in Unicode as LaTeX's math mode: z₂ⱼ = √(x²) as z_{2j} = \\sqrt{x^{2}}."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from diagrad.operations import WORDS
from diagrad.show.glyphs import ABOVE, ACCENTED, ACCENTS, BELOW, IN_LATEX, PRIMES, code
from diagrad.show.names import SPELLED, in_latex

BUILT_IN = frozenset(
    "log exp sin cos tan tanh sinh cosh arcsin arccos arctan max min det arg".split()  # noqa: SIM905
)
FUNCTIONS = BUILT_IN | WORDS.keys() | {"tr", "vec"}
SYMBOLS = {c: "\\" + c for c in "%&#$_{}"} | {"~": r"\sim", "\\": r"\backslash", '"': "{''}"}
LETTER = rf"[A-Za-z](?![{''.join(ACCENTS)}])"
ATOM = re.compile(
    rf"(?P<space>\s+)|(?P<accented>{ACCENTED})|(?P<below>[{''.join(BELOW)}]+)"
    rf"|(?P<mark>(?:_[A-Za-z0-9]+[{''.join(BELOW)}]*)+)"
    rf"|(?P<above>∘?[{''.join(ABOVE)}]+)|(?P<prime>[{''.join(PRIMES)}']+)"
    rf"|(?P<word>{LETTER}(?:{LETTER}|[0-9])*(?:_[A-Za-z0-9]+)*)|(?P<call>√|∘?\^)|(?P<other>.)",
    re.DOTALL,
)
DIFFERENTIAL = "d[A-Za-z]|d[A-Z][a-z]+"
CIRCLE = defaultdict(str, {"∘": r"\circ "})
CONTROL_WORD = re.compile(r"\\[A-Za-z]+$")
OWN_WORD = re.compile(r"\\mathrm")
UPRIGHT = re.compile(r"\\mathrm\{[^{}]*\}$")


class MathMode:
    """Pieces of LaTeX in a row; a script on one that has it already gets a base of its own."""

    def __init__(self) -> None:
        self.text, self.spaced = "", False
        self.scripts: set[str] = set()

    def add(self, piece: str, script: str = "") -> None:
        barred = {"prime": "above"}.get(script, script)
        if barred in self.scripts:
            self.text += "{}"
            self.scripts.clear()
        if self.spaced:
            words = (UPRIGHT.search(self.text) and piece not in "=<>+-") or OWN_WORD.match(piece)
            self.text += r" \, " if words else " "
        elif CONTROL_WORD.search(self.text) and piece[0].isalpha():
            self.text += " "
        self.text, self.spaced = self.text + piece, False
        self.scripts = self.scripts | {script} if script else set()

    def space(self) -> None:
        """Shown where two words would run together."""
        self.spaced = bool(self.text)


def in_math_mode(text: str) -> str:
    """The text, prepared as by `prepared`, without the signs that open and close math mode."""
    mode = MathMode()
    at = 0
    while at < len(text):
        atom = ATOM.match(text, at)
        assert atom is not None
        at = atom.end()
        if atom["call"]:
            inner, at = _argument(text, at)
            _call(atom["call"], inner, mode)
        elif atom["space"]:
            mode.space()
        else:
            _atom(atom, text[at : at + 1], mode)
    return mode.text


def _argument(text: str, at: int) -> tuple[str, int]:
    """What stands in the brackets that open here, or the next atom; and where it ends."""
    depth = 0
    for k in range(at, len(text)) if text[at : at + 1] == "(" else ():
        depth += {"(": 1, ")": -1}.get(text[k], 0)
        if depth == 0:
            return text[at + 1 : k], k + 1
    atom = ATOM.match(text, at)
    if atom is None or atom["space"] or atom["call"]:
        return "", at
    return atom[0], atom.end()


def _call(sign: str, inner: str, mode: MathMode) -> None:
    argument = in_math_mode(inner)
    if sign == "√":
        mode.add(rf"\sqrt{{{argument}}}" if inner else r"\surd")
    else:
        mode.add(f"^{{{CIRCLE[sign[0]]}{argument}}}", "above")


def _atom(atom: re.Match[str], after: str, mode: MathMode) -> None:
    piece = atom[0]
    match atom.lastgroup:
        case "accented":
            mode.add(rf"\{ACCENTS[piece[1]]}{{{''.join(_letter(piece[0]))}}}")
        case "below":
            mode.add(f"_{{{''.join(_below(piece))}}}", "below")
        case "mark":
            mode.add(f"_{{{','.join(map(in_math_mode, piece.split('_')[1:]))}}}", "below")
        case "above":
            raised = "".join(r"\top " if ABOVE[c] == "T" else ABOVE[c] for c in piece.strip("∘"))
            mode.add(f"^{{{CIRCLE[piece[0]]}{raised.strip()}}}", "above")
        case "prime":
            mode.add("".join(PRIMES.get(c, c) for c in piece), "prime")
        case "word":
            word = _word(piece, after)
            mode.add(word)
            mode.scripts |= {"below"} if word.endswith("}") and "_{" in word else set()
        case _:
            mode.add(_letter(piece))


def _below(run: str) -> Iterator[str]:
    for character in run:
        letter = BELOW[character]
        yield letter if len(letter) == 1 else f"\\{letter} "


def _word(word: str, after: str) -> str:
    """A word, and what comes after it without a space: dh and dŷ are small changes."""
    called = after == "("
    if word in BUILT_IN:
        return "\\" + word
    if word in FUNCTIONS or (called and len(word) > 1):
        return rf"\operatorname{{{word}}}".replace("_", r"\_")
    if re.fullmatch(DIFFERENTIAL, word):
        return rf"\mathrm{{d}}{in_latex(word[1:])}"
    if word == "d" and after.isalpha() and after not in BELOW.keys() | ABOVE.keys():
        return r"\mathrm{d}"
    return in_latex(word)


def _letter(character: str) -> str:
    if character in IN_LATEX:
        return IN_LATEX[character]
    if character in SPELLED:
        return in_latex(character)
    if character.isascii():
        return SYMBOLS.get(character, character)
    return rf"\mathrm{{{code(character)}}}"
