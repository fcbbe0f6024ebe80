"""From text to words, numbers and signs; everything else ends here, with its cure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from diagrad.errors import ProblemError
from diagrad.language.cures import for_character, for_name
from diagrad.language.limits import LARGEST_TENS, LONGEST_NAME, MOST_DIGITS, MOST_TOKENS
from diagrad.language.page import Page, shortened


class Token(NamedTuple):
    """kind is name, number, string, sign or newline."""

    kind: str
    text: str
    start: int
    end: int


TOKEN = re.compile(
    r"""
      (?P<blank> [ \t\f\u00a0\u2000-\u200a\u202f\u3000]+ | \\\n | \#[^\n]* )
    | (?P<newline> \n )
    | (?P<number> (?: [0-9][0-9_]* \.? [0-9_]* | \.[0-9][0-9_]* ) (?: [eE][+-]?[0-9][0-9_]* )? )
    | (?P<name> [^\W\d] [\w\u0300-\u036f]* )
    | (?P<string> "[A-Za-z,> -]*" | '[A-Za-z,> -]*' )
    | (?P<refused> // | << | >> | := | -> | => | =< | <> | \+\+ )
    | (?P<sign> \*\*=? | [-+*/@&]=? | [=!<>]= | [<>=(),:;.\[\]] )
    """,
    re.VERBOSE,
)
NUMBER = re.compile(r"(?:0|[1-9][0-9]*|[0-9]*\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][+-]?[0-9]+)?")


def tokens(page: Page) -> list[Token]:
    """The words, numbers, strings, signs and line ends of a text. Raises ProblemError."""
    found: list[Token] = []
    for token in _scan(page):
        if len(found) == MOST_TOKENS:
            message = f"the problem is too long: more than {MOST_TOKENS} words, numbers and signs"
            raise page.error(message, token.start, token.end)
        _check(page, token)
        found.append(token)
    return found


def _scan(page: Page) -> Iterator[Token]:
    at, text = 0, page.text
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup == "refused":
            raise _refused(page, at, match[0] if match else text[at])
        if match.lastgroup != "blank":
            yield Token(str(match.lastgroup), match[0], at, match.end())
        at = match.end()


def _refused(page: Page, at: int, piece: str) -> ProblemError:
    letters = page.text[at + 1 : at + 3]
    if piece == "^" and letters.startswith("T") and not letters[1:].isalnum():
        return page.error("a transpose is written W.T, not W^T", at, at + 2)
    return page.error(for_character(piece), at, at + len(piece))


def _check(page: Page, token: Token) -> None:
    wrong = None
    if token.kind == "name":
        wrong = for_name(token.text)
        if token.end - token.start > LONGEST_NAME:
            wrong = f"a name has at most {LONGEST_NAME} characters"
    elif token.kind == "number":
        wrong = _wrong_number(token.text)
    if wrong:
        raise page.error(wrong, token.start, token.end)


def _wrong_number(text: str) -> str | None:
    plain = re.sub(r"(?<=[0-9])_(?=[0-9])", "", text)
    if "_" in plain:
        return f"{shortened(text)} is no number: _ stands between two digits"
    mantissa, _, tens = plain.lower().partition("e")
    if sum(c.isdigit() for c in mantissa) > MOST_DIGITS:
        return f"a number has at most {MOST_DIGITS} digits"
    if len(tens) > MOST_DIGITS or abs(int(tens or 0)) > LARGEST_TENS:
        return f"the exponent of a number goes from -{LARGEST_TENS} to {LARGEST_TENS}"
    if NUMBER.fullmatch(plain):
        return None
    if mantissa.isdigit():
        return f"a whole number does not begin with 0: write {int(mantissa)}"
    return f"{shortened(text)} is no number"
