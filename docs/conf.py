"""The documentation site: `tools/site.sh` builds it.

The pages are the Markdown files beside this one, as GitHub shows them. What only the site needs is
here: the order of the pages, and mathematics as MathML, which needs neither a script nor a network.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

import diagrad

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
from gallery import TOPICS

project = "Diagrad"
author = "Diagrad contributors"
copyright = author
version = release = diagrad.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["_site"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
default_role = "literal"
highlight_language = "text"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
nb_render_markdown_format = "myst"
nb_execution_mode = "off"  # the tutorial has its outputs, and the tests compare them

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "Diagrad"
html_static_path = ["_site"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_copyright = html_show_sphinx = html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

CONTENTS = {
    "index": {
        "Learn": ["tutorial", "reading-a-derivation"],
        "How to": [
            "deriving",
            "checking",
            "checking-results",
            "notebooks",
            "results-in-code",
            "compiling",
        ],
        "Look up": ["language", "operations", "gallery", "reference", "benchmarks"],
        "Understand": ["conventions", "style", "how-it-works"],
        "Take part": ["contributing", "changelog"],
    },
    "gallery": {"": [f"gallery/{topic}" for topic in TOPICS]},
}
# On the site the page that opens it stands for the README.
ELSEWHERE = {
    "../README.md": "index.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../benchmarks/RESULTS.md": "benchmarks.md",
}
FOLDER = re.compile(r"\[gallery/\]\(gallery\)")
# What docutils does not know, and what it sets otherwise: limits below an accent.
CURES = {
    re.compile(r"\\mathop\{\\mathrm\{(\w+)\}\}"): r"\\operatorname{\1}",
    re.compile(r"(\\(?:hat|bar|tilde)\{[^{}]*\})(?=_)"): r"{\1{}}",
}


def mathml(latex: str, block: bool = False) -> str:
    """A formula as MathML."""
    for pattern, cure in CURES.items():
        latex = pattern.sub(cure, latex)
    return tex2mathml(latex.strip(), as_block=block)


def inline(translator: Any, node: nodes.Element) -> None:
    translator.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def block(translator: Any, node: nodes.Element) -> None:
    translator.body.append(f'<div class="math">{mathml(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def of_site(app: Sphinx, docname: str, content: list[str]) -> None:
    """A page as the site has it: with its place in the contents, and links that stay inside."""
    if docname == "tutorial":
        return
    text = FOLDER.sub("`docs/gallery`", content[0])
    for there, here in ELSEWHERE.items():
        text = text.replace(f"]({there}", f"]({here}")
    for caption, names in CONTENTS.get(docname, {}).items():
        entries = "\n".join(names)
        titled = f":caption: {caption}\n" if caption else ""
        text += f"\n```{{toctree}}\n:hidden:\n{titled}\n{entries}\n```\n"
    content[0] = text


def setup(app: Sphinx) -> None:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("source-read", of_site)
