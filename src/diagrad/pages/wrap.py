"""Lines of a given width: formulas broken at their loosest operators, sentences between words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import combining

from diagrad.show.glyphs import MATHEMATICAL

# Where a formula may be broken, the best places first: before an operator, or after a factor.
LOOSENESS = (
    re.compile(r" (?==)"),
    re.compile(r" (?=[+−] | - )"),
    re.compile(r" (?=[∘⊘·] |\.\* |@ |\* |/ )"),
    re.compile(r" "),
)
OPERATORS = frozenset(
    ["=", "+", "−", "-", "·", "∘", "⊘", "/", "≤", "<", ">", "*", "→", "←", "⊗", "×"]
)
# Where a formula in a sentence may be broken all the same if it is longer than GLUED.
LOOSE = frozenset(["=", "+", "−", "-"])
GLUED = 34
FACTOR = re.compile(r"[(−]*(d?[A-Z]|d[a-z]|\d+)[)⟩]*|(log|exp|tr|vec|diag)?\(.*")


def columns(text: str) -> int:
    """The columns that a text takes: combining characters take none."""
    return sum(not combining(character) for character in text)


def broken(formula: str, room: int) -> list[str]:
    """The formula in lines of at most `room` columns, where it can be broken so."""
    lines = []
    while columns(formula) > room:
        at = _break(formula, room)
        if at is None:
            break
        lines.append(formula[:at].rstrip())
        formula = formula[at:].lstrip()
        room -= 2 if len(lines) == 1 else 0
    return [*lines, formula]


def _break(formula: str, room: int) -> int | None:
    """Where to break: at the loosest operator within the room that does not stand near its
    beginning."""
    best: tuple[int, int, int] | None = None
    for kind, pattern in enumerate(LOOSENESS):
        for match in pattern.finditer(formula):
            at = match.start()
            if not 0 < columns(formula[:at]) <= room or _is_loose_end(formula, at):
                continue
            depth = formula.count("(", 0, at) - formula.count(")", 0, at)
            early = int(at < room // 3)
            candidate = (2 * depth + kind + 9 * early, -at, at)
            best = min(best, candidate) if best else candidate
    return best[2] if best else None


def _is_loose_end(formula: str, at: int) -> bool:
    """Whether an operator would end the line: Σⱼ without its terms, a sign without its operand."""
    last = formula[:at].rsplit(" ", 1)[-1].lstrip("([−-")
    return last in OPERATORS or last.startswith(("Σ", "sum_")) or not last


def wrapped(sentence: str, room: int) -> list[str]:
    """A sentence in lines of at most `room` columns, short formulas kept in one piece."""
    lines, line = [], ""
    for piece in _pieces(sentence):
        longer = f"{line} {piece}" if line else piece
        if line and columns(longer) > room:
            lines.append(line)
            longer = piece
        line = longer
        while columns(line) > room and " " in line:
            head, line = _cut(line, room)
            lines.append(head)
    return [*lines, line] if line else lines


def _cut(line: str, room: int) -> tuple[str, str]:
    """The words that fit, and the rest."""
    words = line.split(" ")
    head = words.pop(0)
    while words and columns(f"{head} {words[0]}") <= room:
        head += f" {words.pop(0)}"
    return head, " ".join(words)


def _is_factor(word: str) -> bool:
    """Whether a word is mathematics that may stand in a product, and no end of a clause."""
    if not word or word[-1] in ",;:." or word == "a" or word in OPERATORS:
        return False
    return len(word) == 1 or not MATHEMATICAL.isdisjoint(word) or bool(FACTOR.fullmatch(word))


def _pieces(sentence: str) -> Iterator[str]:
    """Words, and short formulas as one word."""
    held: list[str] = []
    open_brackets = 0
    for word in sentence.split(" "):
        glue = bool(held) and (
            word in OPERATORS
            or held[-1] in OPERATORS
            or held[-1].startswith("Σ")
            or held[-1].endswith("′")
            or open_brackets > 0
        )
        glue = glue or (bool(held) and _is_factor(held[-1]) and _is_factor(word.rstrip(",;:.")))
        paired = held and "⟨" in " ".join(held).rpartition("⟩")[2]
        length = len(" ".join(held))
        whole = length < GLUED or (length < 2 * GLUED and (open_brackets > 0 or word not in LOOSE))
        if held and not paired and not (glue and whole):
            yield " ".join(held)
            held, open_brackets = [], 0
        held.append(word)
        open_brackets = max(0, open_brackets + word.count("(") - word.count(")"))
    if held:
        yield " ".join(held)
