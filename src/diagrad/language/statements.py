"""From tokens to statements: values and operators in turn, and then Python's own parser.

That parser sees one statement at a time, on one line, of bounded nesting, of known tokens only.
"""

from __future__ import annotations

import ast
from itertools import pairwise

from diagrad.errors import ProblemError
from diagrad.language.cures import PRODUCT, STATEMENTS, for_keyword
from diagrad.language.lexical import Token
from diagrad.language.limits import DEEPEST
from diagrad.language.page import Page

OPENS = {"(": ")", "[": "]"}
TOO_DEEP = f"more than {DEEPEST} levels inside each other: give a part a name of its own"
Place = ast.expr | ast.stmt | ast.keyword


class Statement:
    """One statement: its tokens, its syntax tree, and where each node stands in the text."""

    def __init__(self, page: Page, tokens: list[Token]) -> None:
        self.page, self.tokens = page, tokens
        self.start, self.end = tokens[0].start, tokens[-1].end
        self._code = self._on_one_line()
        self._characters = None if self._code.isascii() else _characters(self._code)

    @property
    def introduces(self) -> str | None:
        """The name that stands before the colon or the equals sign."""
        named = len(self.tokens) > 1 and self.tokens[0].kind == "name"
        return self.tokens[0].text if named and self.tokens[1].text in (":", "=") else None

    @property
    def line(self) -> int:
        return self.page.line(self.start)

    def parse(self) -> ast.stmt:
        """The syntax tree. Raises ProblemError where Python's grammar or the nesting refuses."""
        try:
            (tree,) = ast.parse(self._code).body
        except SyntaxError as error:
            raise self._syntax_error(error) from None
        except (RecursionError, MemoryError):
            raise self.page.error(TOO_DEEP, self.start, self.end) from None
        self._check_depth(tree)
        return tree

    def place(self, node: Place) -> tuple[int, int]:
        """Where a node begins and ends, as character indices of the text."""
        start, end = node.col_offset, node.end_col_offset or node.col_offset + 1
        if self._characters is not None:
            start, end = self._characters[start], self._characters[end]
        return self.start + start, self.start + end

    def words(self, node: Place) -> str:
        """The node as written."""
        start, end = self.place(node)
        return self._code[start - self.start : end - self.start]

    def error(
        self, message: str, node: Place, kind: type[ProblemError] = ProblemError
    ) -> ProblemError:
        return self.page.error(message, *self.place(node), kind)

    def _on_one_line(self) -> str:
        pieces = [self.tokens[0].text]
        for before, token in pairwise(self.tokens):
            pieces.append(" " * (token.start - before.end) + token.text)
        return "".join(pieces)

    def _syntax_error(self, error: SyntaxError) -> ProblemError:
        if self.tokens[0].text in ("True", "False", "None"):
            return self.page.error(
                f"{self.tokens[0].text} is a word of Python and cannot be a name",
                self.start,
                self.tokens[0].end,
            )
        signs = {token.text for token in self.tokens}
        if "=" in signs:
            return self.page.error(
                "left of = stands one name, as in h = sigmoid(x)", self.start, self.tokens[0].end
            )
        if ":" in signs:
            message = "a declaration is written x: row[n] & fact, one name before the colon"
            return self.page.error(message, self.start, self.end)
        offset = min(max((error.offset or 1) - 1, 0), self.end - self.start - 1)
        return self.page.error(f"not understood here; {STATEMENTS}", self.start + offset, self.end)

    def _check_depth(self, tree: ast.stmt) -> None:
        stack: list[tuple[ast.AST, int]] = [(tree, 0)]
        while stack:
            node, depth = stack.pop()
            if depth > DEEPEST and isinstance(node, ast.expr):
                raise self.error(TOO_DEEP, node)
            stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _characters(code: str) -> list[int]:
    """The character index of every UTF-8 byte offset, which is how `ast` counts."""
    table = [k for k, c in enumerate(code) for _ in range(len(c.encode()))]
    return [*table, len(code)]


def statements(page: Page, tokens: list[Token]) -> list[Statement]:
    """The statements of a text, none empty. Raises ProblemError for what is out of place."""
    found: list[Statement] = []
    reader = _Sequence(page)
    for token, following in pairwise([*tokens, END, END]):
        if reader.ends_before(token):
            if reader.tokens:
                reader.finish()
                found.append(Statement(page, reader.tokens))
            reader = _Sequence(page)
        elif token.kind != "newline":
            reader.add(token, following)
    if reader.open:
        raise reader.unclosed()
    return found


END = Token("newline", "", 0, 0)


class _Sequence:
    """The tokens of one statement as they come: values and operators must take turns."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.tokens: list[Token] = []
        self.open: list[Token] = []
        self.nested: list[int] = [0]
        self.wants_value = True

    def ends_before(self, token: Token) -> bool:
        if token.text == ";" and self.open:
            raise self.unclosed()
        return token.text == ";" or (token.kind == "newline" and not self.open)

    def add(self, token: Token, following: Token) -> None:
        if wrong := for_keyword(token.text, following.text, not self.tokens):
            raise self.page.error(wrong, token.start, token.end)
        if self.tokens and self.tokens[-1].text == "." and token.kind != "name":
            raise self.page.error("after a dot stands T, as in W.T", token.start, token.end)
        (self._value if self.wants_value else self._operator)(token)
        self.tokens.append(token)
        if len(self.open) + sum(self.nested) > DEEPEST:
            raise self.page.error(TOO_DEEP, token.start, token.end)

    def _value(self, token: Token) -> None:
        last = self.tokens[-1] if self.tokens else None
        if token.kind != "sign":
            self.wants_value = False
        elif token.text in OPENS:
            self._enter(token)
        elif token.text in "+-":
            self.nested[-1] += 1
        elif token.text in ")]" and last and last.text in "([,":
            self._leave(token)
        elif not (token.text == ":" and self.open and self.open[-1].text == "["):
            raise self._missing(token)

    def _operator(self, token: Token) -> None:
        if token.kind != "sign":
            raise self._juxtaposed(token)
        if token.text in OPENS:
            self._enter(token)
        elif token.text in ")]":
            self._leave(token)
        else:
            self.nested[-1] = self.nested[-1] + 1 if token.text == "**" else 0
            self.wants_value = True

    def _enter(self, token: Token) -> None:
        self.open.append(token)
        self.nested.append(0)
        self.wants_value = True

    def _leave(self, token: Token) -> None:
        if not self.open:
            raise self.page.error(f"this {token.text} closes nothing", token.start, token.end)
        opener = self.open.pop()
        if OPENS[opener.text] != token.text:
            message = (
                f"this {token.text} closes {opener.text} of line {self.page.line(opener.start)}"
            )
            raise self.page.error(
                f"{message}: write {OPENS[opener.text]} first", token.start, token.end
            )
        self.nested.pop()
        self.wants_value = False

    def finish(self) -> None:
        last = self.tokens[-1]
        if self.wants_value:
            message = f"something is missing after {last.text}"
            hint = (
                "" if last.text in ":=" else "; an expression of several lines stands in brackets"
            )
            raise self.page.error(message + hint, last.start, last.end)

    def unclosed(self) -> ProblemError:
        opener = self.open[-1]
        message = f"this {opener.text} is never closed: write {OPENS[opener.text]} where it ends"
        return self.page.error(message, opener.start, opener.end)

    def _missing(self, token: Token) -> ProblemError:
        if not self.tokens:
            return self.page.error(
                f"something is missing before {token.text}", token.start, token.end
            )
        last = self.tokens[-1]
        message = f"something is missing between {last.text} and {token.text}"
        return self.page.error(message, last.start, token.end)

    def _juxtaposed(self, token: Token) -> ProblemError:
        last = self.tokens[-1]
        if self.open and self.page.line(last.start) != self.page.line(token.start):
            return self.unclosed()
        if len(self.tokens) > 1 and self.tokens[1].text == ":" and not self.open:
            cure = f"facts are joined by &: write & {token.text}"
        elif last.kind == "number" and last.end == token.start:
            cure = f"a product is written out: write {last.text}*{token.text}"
        else:
            cure = f"a product is written {PRODUCT}"
        message = f"an operator is missing between {last.text} and {token.text}; {cure}"
        return self.page.error(message, last.start, token.end)
