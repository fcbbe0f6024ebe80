"""Derivations as people read them: text, LaTeX, Markdown, a light HTML; and as data."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from diagrad.pages import marked
from diagrad.pages.compose import ROUTES, SEVERAL, pages
from diagrad.pages.data import as_data
from diagrad.pages.story import given
from diagrad.pages.text import Row as Row
from diagrad.pages.text import rows_of

if TYPE_CHECKING:
    from diagrad.derivation import Derivation
    from diagrad.language import Source
    from diagrad.show import Names

WIDTH = 100


def rows(
    derivations: Sequence[Derivation],
    route: str = "jacobian",
    depth: str = "standard",
    width: int = WIDTH,
    ascii: bool = False,
) -> list[Row]:
    """The lines of the text, each with what it is, so that they can be painted."""
    output: list[Row] = []
    for page in pages(derivations, route, depth):
        output += [Row("")] if output else []
        output += rows_of(page, width, ascii)
    return output


def text(
    derivations: Sequence[Derivation],
    route: str = "jacobian",
    depth: str = "standard",
    width: int = WIDTH,
    ascii: bool = False,
) -> str:
    """The derivations as text; steps that they share are told once."""
    return "".join(row.text + "\n" for row in rows(derivations, route, depth, width, ascii))


def latex(
    derivations: Sequence[Derivation],
    route: str = "jacobian",
    depth: str = "standard",
    document: bool = False,
) -> str:
    """LaTeX blocks; with `document` a complete article."""
    body = _marked(marked.Marked(), derivations, route, depth)
    return marked.document(body) if document else body


def markdown(
    derivations: Sequence[Derivation], route: str = "jacobian", depth: str = "standard"
) -> str:
    """Markdown with formulas in $ and $$, as GitHub reads them."""
    return _marked(marked.Markdown(), derivations, route, depth)


def shown(
    derivations: Sequence[Derivation], route: str = "jacobian", depth: str = "standard"
) -> dict[str, str]:
    """What a notebook shows of derivations: Markdown, which JupyterLab, VS Code and nbconvert all
    typeset. JupyterLab takes MathML away from notebooks that it does not trust, and VS Code leaves
    LaTeX in HTML as it is."""
    return {
        "text/plain": text(derivations, route, depth),
        "text/markdown": _marked(marked.Display(), derivations, route, depth),
    }


def html(derivations: Sequence[Derivation], route: str = "both", depth: str = "standard") -> str:
    """A page for a browser, in one file that needs nothing else; routes stand side by side."""
    from diagrad.pages import web

    return web.document(pages(derivations, route, depth), web.first_of(route))


def typst(derivations: Sequence[Derivation], route: str = "both", depth: str = "standard") -> str:
    """A document of Typst, which makes a PDF of it."""
    from diagrad.pages import typeset, web

    drawn = pages(derivations, route, depth)
    return typeset.document("\n".join(map(typeset.Typst().page, drawn)), web.title_of(drawn))


def pdf(derivations: Sequence[Derivation], route: str = "both", depth: str = "standard") -> bytes:
    """Likewise, as a PDF. Raises DerivationError where Typst is not installed."""
    from diagrad.pages import typeset

    return typeset.pdf(typst(derivations, route, depth))


def notebook(
    derivations: Sequence[Derivation], route: str = "jacobian", depth: str = "standard"
) -> str:
    """A Jupyter notebook that has the problem, the derivations, and how to run them again."""
    from diagrad.pages import ipynb

    first = derivations[0]
    wrt = [d.wrt for d in derivations]
    asked = f"{first.of!r}, {wrt if len(wrt) > 1 else wrt[0]!r}"
    asked += f", order={first.order}" if first.order > 1 else ""
    asked += f", layout={first.layout!r}"
    call = f"problem.derive({asked})"
    text = first.problem.source.text
    return ipynb.notebook(
        pages(derivations, route, depth), text, f"display(*{call})" if len(wrt) > 1 else call
    )


def _marked(
    writer: marked.Marked, derivations: Sequence[Derivation], route: str, depth: str
) -> str:
    return "\n".join(writer.page(page) for page in pages(derivations, route, depth))


def data(derivations: Sequence[Derivation], route: str = "jacobian") -> list[dict[str, Any]]:
    """What JSON has of the derivations; of several routes the steps of the first."""
    return [as_data(d, ROUTES[0] if route in SEVERAL else route) for d in derivations]


def shown_problem(source: Source, names: Names) -> dict[str, str]:
    """What a notebook shows of a problem: what is given."""
    page = (given(source, names),)
    return {
        "text/plain": "\n".join(row.text for row in rows_of(page, WIDTH, False)),
        "text/markdown": marked.Display().page(page),
    }


def terminal_width() -> int:
    """The columns of the terminal; 100 where there is none."""
    return max(40, shutil.get_terminal_size((WIDTH, 24)).columns)
