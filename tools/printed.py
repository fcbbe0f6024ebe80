"""Renews the printed examples of the documentation.

    python tools/printed.py           fails where an example is not what the program prints
    python tools/printed.py --write   writes them anew

A block after `<!-- printed: diagrad derive mine.dg --wrt x -->` is what that command prints, of
which ` | from "2 " to "Result"` after the command leaves the lines from the first that begins with
`2 ` up to the one that begins with `Result`. A block after `<!-- file: mine.dg -->` is a file that
the commands of the page can read, beside `examples/`. Lines after `>>>` are doctests, and written
anew with the rest.
"""

from __future__ import annotations

import contextlib
import doctest
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from diagrad.cli import main as diagrad

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

BLOCK = r"(?P<fence>```\w*\n)(?P<body>.*?)^```$"
FILE = re.compile(rf"^<!-- file: (?P<name>\S+) -->\n{BLOCK}", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(
    r"^<!-- printed: (?P<command>[^\n|]+?)(?: \| (?P<cut>[^\n]+?))? -->\n" + BLOCK,
    re.MULTILINE | re.DOTALL,
)


class Stale(Exception):
    """An example that cannot be printed: its command fails, or has no such lines."""


def printed(text: str) -> str:
    """The page with what its commands print now. Raises Stale."""
    files = tuple((m["name"], m["body"]) for m in FILE.finditer(text))
    if len(PRINTED.findall(text)) != text.count("\n<!-- printed:"):
        raise Stale("a comment that begins `printed:` is not followed by a block")

    def renewed(block: re.Match[str]) -> str:
        output = lines(output_of(block["command"], files), block["cut"] or "")
        start, end = (place - block.start() for place in block.span("body"))
        return block[0][:start] + output + block[0][end:]

    return PRINTED.sub(renewed, text)


@cache
def output_of(command: str, files: tuple[tuple[str, str], ...] = ()) -> str:
    """What a command prints that does not write to a terminal."""
    program, *arguments = shlex.split(command)
    if program != "diagrad":
        raise Stale(f"{command}: only diagrad is run")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("examples").symlink_to(ROOT / "examples")
        for name, body in files:
            Path(name).write_text(body, encoding="utf-8")
        result = CliRunner().invoke(diagrad, arguments)
    wrong_answer = arguments[:1] == ["check"] and result.exit_code == 1
    if result.exit_code and not wrong_answer:
        raise Stale(f"{command}: exit status {result.exit_code}\n{result.output}")
    return result.output


def lines(output: str, cut: str = "") -> str:
    """The lines that `from START to START` leaves, `to` being optional."""
    kept = output.splitlines()
    match shlex.split(cut):
        case []:
            pass
        case ["from", first]:
            kept = kept[place(kept, first) :]
        case ["from", first, "to", last]:
            kept = kept[place(kept, first) :]
            kept = kept[: place(kept, last)]
        case _:
            raise Stale(f"what lines are meant by {cut}?")
    return "\n".join(kept).rstrip() + "\n"


def place(rows: list[str], start: str) -> int:
    for k, row in enumerate(rows):
        if row.startswith(start):
            return k
    raise Stale(f"no line begins with {start!r}")


def without_fences(text: str) -> str:
    """Blank lines where fences were, because expected output ends at a blank line."""
    return re.sub(r"^```.*$", "", text, flags=re.MULTILINE)


class Collector(doctest.DocTestRunner):
    """Collects what examples print where it is not what the page has."""

    def __init__(self) -> None:
        super().__init__(verbose=False)
        self.found: list[tuple[doctest.Example, str]] = []

    def report_failure(self, out: Any, test: Any, example: doctest.Example, got: str) -> None:
        self.found.append((example, got))

    def report_unexpected_exception(
        self, out: Any, test: Any, example: doctest.Example, exc_info: Any
    ) -> None:
        raise Stale(f"{test.name}:{example.lineno + 1}: {exc_info[1]!r}")


def tested(text: str, name: str) -> str:
    """The page with what its doctests print now. Raises Stale for one that fails to run."""
    test = doctest.DocTestParser().get_doctest(without_fences(text), {}, name, name, 0)
    collector = Collector()
    with contextlib.chdir(ROOT):
        collector.run(test)
    rows = text.split("\n")
    for example, got in reversed(collector.found):
        start = example.lineno + example.source.count("\n")
        end = start + example.want.count("\n")
        indent = " " * example.indent
        got = re.sub(r"(?<=^Traceback \(most recent call last\):\n)(?: .*\n)+", "", got)
        shown = (indent + row if row else indent + "<BLANKLINE>" for row in got.splitlines())
        rows[start:end] = shown
    return "\n".join(rows)


def stale() -> Iterator[tuple[Path, str]]:
    """The pages that are out of date, each with the text it should have."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        try:
            again = tested(printed(text), path.name)
        except Stale as error:
            raise SystemExit(f"{path.relative_to(ROOT)}: {error}") from None
        if again != text:
            yield path, again


def main(arguments: list[str]) -> int:
    pages = list(stale())
    for path, text in pages:
        name = path.relative_to(ROOT)
        if "--write" in arguments:
            path.write_text(text, encoding="utf-8")
            print(f"{name}: written")
        else:
            message = "is out of date: run python tools/printed.py --write, and read the difference"
            print(f"{name} {message}", file=sys.stderr)
    return 1 if pages and "--write" not in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
