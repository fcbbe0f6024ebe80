"""What to write instead of what is no part of the language."""

from __future__ import annotations

import keyword
import unicodedata

PRODUCT = "* (entry by entry) or @ (matrix product)"
CHARACTERS: dict[str, str] = {
    **dict.fromkeys("−–—‐‑", "write - for minus"),
    **dict.fromkeys("∘⊙", "write * for the product entry by entry"),
    **dict.fromkeys("·×⋅•∙", f"write {PRODUCT}"),
    **dict.fromkeys("÷⊘∕", "write /"),
    "∗": "write *",
    "^": "write ** for a power, and W.T for a transpose",
    "√": "write sqrt(…)",
    "∑": "write sum(…)",
    "∏": "products are written prod(…)",
    "∂": "only definitions stand in a problem; ask for the derivative with wrt",
    "∇": "only definitions stand in a problem; ask for the derivative with wrt",
    "∞": "there is no infinity in the language",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "←": "write =",
    "∈": "a declaration is written x: row[n]",
    "ℝ": "a declaration is written x: row[n]",
    "⊤": "write W.T for a transpose",
    **dict.fromkeys("‖∥", "write norm(…)"),
    "|": "write abs(…) or norm(…)",
    **dict.fromkeys("'′’‘", "write W.T for a transpose, prime(g)(z) for a derivative"),
    "⊗": "products are written outer(u, v) or kron(A, B)",
    "%": "there is no remainder in the language",
    "//": "write / (the quotient is not rounded)",
    "~": "write 1 - x",
    ":=": "write =",
    "->": "it stands only inside the labels of einsum",
    "=>": "write >=",
    "=<": "write <=",
    "<>": "write !=",
    "++": "write one +",
    "{": "use round brackets ( )",
    "}": "use round brackets ( )",
    "…": "write everything out",
    "\\": "a backslash stands only at the end of a line that goes on",
}
QUOTES = '"“”„'
AS_NAME = {"lambda": "lam"}
STATEMENTS = "only declarations (x: row[n]) and definitions (h = sigmoid(x)) stand in a problem"


def for_character(character: str) -> str:
    """Why a character, or two that Python would read as one, cannot stand there, and the cure."""
    if character in QUOTES:
        return 'text stands only as labels, like einsum("ij,jk->ik", A, B)'
    if cure := CHARACTERS.get(character):
        return f"{character} is no sign of the language: {cure}"
    code = f"U+{ord(character[0]):04X}"
    if unicodedata.category(character[0]) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"an invisible character ({code}) stands here: delete it"
    if not character.isascii() and is_plain(plain := unicodedata.normalize("NFKC", character)):
        return f"{character} ({code}) is no sign of the language: write {plain}"
    return f"{character} is no sign of the language"


def is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and text.strip() != ""


def for_name(name: str) -> str | None:
    """Why a word cannot be a name, and the cure; None where it can."""
    if name.startswith("__"):
        return f"{name} begins with two underscores: choose another name"
    plain = unicodedata.normalize("NFKC", name)
    if plain == name and name.isidentifier():
        return None
    if any(c in "ᵀ⊤" for c in name):
        return f"{name} holds a superscript: write {name.rstrip('ᵀ⊤')}.T for a transpose"
    decompositions = [unicodedata.decomposition(c) for c in name]
    if any(d.startswith("<sub>") for d in decompositions):
        return f"{name} holds a subscript: write {plain}, which is shown with the subscript"
    if any(d.startswith("<super>") for d in decompositions):
        return f"{name} holds a superscript: write {_power(name)} for a power"
    if any(unicodedata.combining(c) for c in name):
        return f"{name} holds an accent: write {_spelled(name)}, which is shown with the accent"
    if plain.isidentifier():
        return f"{name} is read as {plain}: write {plain}"
    return f"{name} is no name: use letters, digits and _"


def _power(name: str) -> str:
    base = "".join(c for c in name if not unicodedata.decomposition(c).startswith("<super>"))
    raised = "".join(c for c in name if unicodedata.decomposition(c).startswith("<super>"))
    return f"{base}**{unicodedata.normalize('NFKC', raised)}"


def _spelled(name: str) -> str:
    spelled = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde", "\u0305": "bar"}
    return "".join(spelled.get(c, "" if unicodedata.combining(c) else c) for c in name)


def for_keyword(word: str, following: str, begins: bool) -> str | None:
    """Why one of Python's words cannot stand there; None for others, and True, False, None."""
    if word in ("True", "False", "None") or not keyword.iskeyword(word):
        return None
    if word in ("and", "or", "not"):
        return f"{word} does not join conditions: put one where(…) inside another"
    if word in ("if", "else") and not begins:
        return f"{word} stands for no choice here: write where(condition, A, B)"
    if word == "lambda" and (following[:1].isalpha() or following == "*"):
        return (
            "functions are not defined here: write the expression itself, or declare g: elementwise"
        )
    if begins and following not in (":", "="):
        return f"{word} begins a Python statement: {STATEMENTS}"
    cure = AS_NAME.get(word, f"{word}1")
    return f"{word} is a word of Python and cannot be a name: write {cure}"
