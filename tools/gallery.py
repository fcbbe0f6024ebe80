"""Writes docs/gallery.md and the pages of docs/gallery, famous derivatives with their derivations.

    python tools/gallery.py           writes them
    python tools/gallery.py --check   fails where one is out of date

The entries are in docs/gallery/*.toml, a file for each page. An entry has a `title`, `why` it is
famous, the `problem` as in a .dg file, and `wrt`, a name or a list of names. It may have `of`,
`order`, `layout` and `route`, as `diagrad derive` takes them.
"""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import diagrad as dg
from diagrad import pages

INDEX = Path(__file__).resolve().parent.parent / "docs" / "gallery.md"
FOLDER = INDEX.with_suffix("")
TOPICS = (
    "matrices",
    "regression",
    "softmax",
    "networks",
    "layers",
    "embeddings",
    "probability",
)
NOTICE = "<!-- Written by tools/gallery.py from docs/gallery/*.toml. Do not edit. -->"
ROUTES = {"jacobian": "Jacobians", "elements": "elements", "differential": "differentials"}
RESULT = re.compile(r"^### Results?\n(.*?)^Checked", flags=re.MULTILINE | re.DOTALL)

OPENING = f"""\
# The gallery

{NOTICE}

{{count}} derivatives that people look up, in {{topics}} pages. Each has its problem in
[the language](language.md), the result as a formula and as text that the program reads again, and
the derivation. All of it is printed by Diagrad, which checks every result against numbers.

To try one, save its problem as a file and type the command that stands below it. To add one, write
an entry into a file of [gallery/](gallery) and run `python tools/gallery.py`.
"""


@dataclass(frozen=True)
class Entry:
    """A derivative of the gallery: what is asked, and why it is famous."""

    title: str
    why: str
    problem: str
    wrt: str | list[str]
    of: str = ""
    order: int = 1
    layout: str = "auto"
    route: str = "jacobian"

    @property
    def names(self) -> list[str]:
        return [self.wrt] if isinstance(self.wrt, str) else self.wrt

    @property
    def anchor(self) -> str:
        return re.sub(r"[^\w\- ]", "", self.title.lower()).replace(" ", "-")

    @property
    def command(self) -> str:
        """What a reader types to see the derivation."""
        given = {"--of": self.of, "--wrt": ",".join(self.names)}
        given |= {"--order": "2"} if self.order == 2 else {}
        given |= {"--layout": self.layout} if self.layout != "auto" else {}
        given |= {"--route": self.route} if self.route != "jacobian" else {}
        options = [word for option, value in given.items() if value for word in (option, value)]
        return shlex.join(["diagrad", "derive", "problem.dg", *options])

    @cached_property
    def derivations(self) -> list[dg.Derivation]:
        return self.derived(self.order)

    @cached_property
    def answers(self) -> list[list[dg.Derivation]]:
        """The derivations whose results are shown: of a Hessian those of its gradient as well."""
        return [*([self.derived(1)] if self.order == 2 else []), self.derivations]

    def derived(self, order: int) -> list[dg.Derivation]:
        problem = dg.parse(self.problem)
        layout = self.layout if order == self.order else "auto"
        return problem.derive(self.of or problem.last, self.names, order=order, layout=layout)


@dataclass(frozen=True)
class Topic:
    """A page of the gallery."""

    name: str
    title: str
    about: str
    entries: list[Entry]


def topic(name: str) -> Topic:
    """The topic as its file has it."""
    read = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    entries = [Entry(**entry) for entry in read["entry"]]
    return Topic(name, read["title"], read["about"], entries)


def page(one: Topic) -> str:
    """The page of a topic as Markdown."""
    opening = f"# {one.title}\n\n{NOTICE}\n\n{one.about}\n\nPart of [the gallery](../gallery.md).\n"
    return "\n".join([opening, *("\n".join(section(entry)) for entry in one.entries)])


def section(entry: Entry) -> Iterator[str]:
    """An entry: the problem, the results, and the derivation folded away."""
    yield f"## {entry.title}\n"
    yield f"{entry.why.strip()}\n"
    yield f"```\n{entry.problem.strip()}\n```\n"
    yield f"`{entry.command}`\n"
    yield from (formulas(answer) for answer in entry.answers)
    sources = "\n".join(source(one) for answer in entry.answers for one in answer)
    yield f"```\n{sources}\n```\n"
    yield f"<details>\n<summary>The derivation by {ROUTES[entry.route]}</summary>\n"
    yield f"```text\n{pages.text(entry.derivations, entry.route).rstrip()}\n```\n"
    yield "</details>\n"


def formulas(answer: list[dg.Derivation]) -> str:
    """The results as the program's Markdown has them."""
    result = RESULT.search(pages.markdown(answer, depth="overview"))
    assert result, "the page of a derivation has its result"
    return result[1].strip() + "\n"


def source(one: dg.Derivation) -> str:
    """The result in the problem language: `dJ/dw = X.T @ r`."""
    left = f"d2{one.of}/d{one.wrt}2" if one.order == 2 else f"d{one.of}/d{one.wrt}"
    return f"{left} = {one.result.source}"


def index(topics: list[Topic]) -> str:
    """The page that leads to all of them, with every result."""
    count = sum(len(one.entries) for one in topics)
    words = OPENING.format(count="Fifty" if count == 50 else count, topics=len(topics))
    return "\n".join([words, *("\n".join(contents(one)) for one in topics)])


def contents(one: Topic) -> Iterator[str]:
    """The entries of a page with their results."""
    yield f"## [{one.title}](gallery/{one.name}.md)\n"
    yield f"{one.about}\n"
    for entry in one.entries:
        yield f"- [{entry.title}](gallery/{one.name}.md#{entry.anchor})"
        results = [derivation for answer in entry.answers for derivation in answer]
        yield from (f"    - `{named(result)} = {result.result}`" for result in results)
    yield ""


def named(one: dg.Derivation) -> str:
    """∂J/∂W₁, or ∂²J/∂W₁²."""
    of, wrt = (one.problem.formula(name).unicode() for name in (one.of, str(one.wrt)))
    return f"∂²{of}/∂{wrt}²" if one.order == 2 else f"∂{of}/∂{wrt}"


def files() -> Iterator[tuple[Path, str]]:
    """Every page with the text it should have."""
    topics = [topic(name) for name in TOPICS]
    yield INDEX, index(topics)
    for one in topics:
        yield FOLDER / f"{one.name}.md", page(one)


def main(arguments: list[str]) -> int:
    stale = [
        (path, text)
        for path, text in files()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        if "--check" in arguments:
            name = path.relative_to(INDEX.parent.parent).as_posix()
            print(f"{name} is out of date: run python tools/gallery.py", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
