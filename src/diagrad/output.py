"""Where results and messages go: standard output, standard error, files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TextIO

from diagrad.errors import DerivationError, ProblemError

if TYPE_CHECKING:
    import diagrad as dg
    from diagrad.check import Verdict
    from diagrad.pages import Row

SYMBOLS = "∂ŷ²ᵀ₁ᵢ∘−×𝟏"
PLAIN = str.maketrans({"×": "x", "−": "-", "∂": "d", "∘": "*", "·": "*", "′": "'", "…": "..."})


ENDINGS = {
    ".html": "html", ".htm": "html", ".pdf": "pdf", ".tex": "latex", ".md": "markdown",
    ".typ": "typst", ".ipynb": "ipynb", ".json": "json",
}  # fmt: skip


def form_of(form: str | None, output: str | None) -> str:
    """The format that was asked for, or else that of the file's name."""
    return form or ENDINGS.get(Path(output or "").suffix.lower(), "text")


def show(
    derivations: list[dg.Derivation], route: str, depth: str, form: str, output: str | None
) -> None:
    """Derivations in a format, to a file or standard output, there in colour on a terminal."""
    from diagrad import pages

    if form == "json":
        emit_json(pages.data(derivations, route), output)
    elif form == "text":
        plain = output is None and not can_show(SYMBOLS, sys.stdout)
        on_terminal = output is None and sys.stdout.isatty()
        width = pages.terminal_width() if on_terminal else pages.WIDTH
        rows = pages.rows(derivations, route, depth, width, plain)
        if on_terminal:
            show_painted(rows)
        else:
            emit("".join(row.text + "\n" for row in rows), output)
    else:
        emit_page(pages, form, output, derivations, route, depth)


def show_verdicts(
    verdicts: list[Verdict], form: str, output: str | None, hint: bool, show_answer: bool
) -> None:
    """Verdicts in a format, to a file or standard output."""
    from diagrad.pages import verdicts as pages

    if form == "json":
        data = [verdict.data(show_answer, hint) for verdict in verdicts]
        emit_json(data[0] if len(data) == 1 else data, output)
    elif form == "text":
        plain = output is None and not can_show(SYMBOLS, sys.stdout)
        blocks = (verdict.text(hint, show_answer, plain) for verdict in verdicts)
        emit("\n\n".join(blocks) + "\n", output)
    else:
        emit_page(pages, form, output, verdicts, hint, show_answer)


def emit_page(pages: ModuleType, form: str, output: str | None, *what: object) -> None:
    """A page in a format other than text and JSON, for each of which `pages` has a function; LaTeX
    is a whole document where it goes to a file."""
    if form == "pdf":
        emit_bytes(pages.pdf(*what), output)
    elif form == "latex":
        emit_file(pages.latex(*what, output is not None), form, output)
    else:
        write = getattr(pages, "notebook" if form == "ipynb" else form)
        emit_file(write(*what), form, output)


def can_show(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def fitting(text: str, stream: TextIO) -> str:
    """The text as far as the stream can show it, the rest in ASCII."""
    if can_show(text, stream):
        return text
    encoding = stream.encoding or "utf-8"
    return text.translate(PLAIN).encode(encoding, "backslashreplace").decode(encoding)


def say(message: str) -> None:
    """To standard error; control characters, which a problem may hold, are shown, not sent."""
    visible = "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in message)
    print(fitting(visible, sys.stderr), file=sys.stderr)


def emit(text: str, output: str | None) -> None:
    if output is None:
        sys.stdout.write(fitting(text, sys.stdout))
        sys.stdout.flush()
        return
    save(output, lambda path: path.write_text(text, encoding="utf-8"))


def is_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "utf-8").lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")


def emit_json(data: object, output: str | None) -> None:
    plain = output is None and not is_utf8(sys.stdout)
    emit(json.dumps(data, ensure_ascii=plain, indent=2) + "\n", output)


def emit_file(text: str, form: str, output: str | None) -> None:
    """The text of a file, which programs read as UTF-8 whatever the terminal shows; HTML in
    ASCII where that is another encoding."""
    if output is not None or is_utf8(sys.stdout):
        emit(text, output)
    elif form == "html":
        emit(text.encode("ascii", "xmlcharrefreplace").decode("ascii"), None)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8"))
        sys.stdout.buffer.flush()


def emit_bytes(data: bytes, output: str | None) -> None:
    """To a file, or to another program; a terminal is for text."""
    if output is None:
        if sys.stdout.isatty():
            raise DerivationError("a PDF is not for a terminal: name a file with -o")
        sys.stdout.buffer.write(data)
        return
    save(output, lambda path: path.write_bytes(data))


def save(output: str, write: Callable[[Path], int]) -> None:
    """Raises ProblemError where the file cannot be written."""
    try:
        write(Path(output))
    except OSError as error:
        raise ProblemError(f"cannot write {output}: {error.strerror}") from None


STYLES = {"result": "bold", "heading": "bold", "reason": "dim"}


def show_painted(rows: list[Row]) -> None:
    """On a terminal: results bright, reasons dim."""
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True)
    for row in rows:
        console.print(Text(fitting(row.text, sys.stdout), style=STYLES.get(row.kind, "")))
