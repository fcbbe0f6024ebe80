"""What the documentation says is so: examples print what they print, links lead somewhere."""

import doctest
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS]
LINK = re.compile(r"\[[^\]]*\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")


def by_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


printed = tool("printed")


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_the_examples_of_a_page_run(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = printed.without_fences(page.read_text(encoding="utf-8"))
    examples = doctest.DocTestParser().get_doctest(text, {}, by_name(page), str(page), 0)
    report: list[str] = []
    failed, _ = doctest.DocTestRunner(verbose=False).run(examples, out=report.append)
    assert not failed, "".join(report)


@pytest.mark.parametrize("name", ["how-it-works.md", "language.md"])
def test_a_page_with_examples_has_them(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert len(doctest.DocTestParser().get_examples(printed.without_fences(text))) > 20


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_what_a_command_prints_on_a_page_is_what_it_prints(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == printed.printed(text), "run python tools/printed.py --write"


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_no_derivation_on_a_page_is_copied_by_hand(page: Path) -> None:
    text = printed.PRINTED.sub("", page.read_text(encoding="utf-8"))
    assert not re.search(r"^(Given|Results?|Checked) {2,}\S", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", ["conventions.md", "reading-a-derivation.md"])
def test_a_page_of_printed_examples_has_them(name: str) -> None:
    assert len(printed.PRINTED.findall((ROOT / "docs" / name).read_text("utf-8"))) > 5


def test_a_printed_example_shows_the_lines_that_are_asked_for() -> None:
    output = "Given\n  x\n\n1  first\n   why\n2  second\n\nResult\n"
    assert printed.lines(output) == output
    assert printed.lines(output, "from '1 ' to '2 '") == "1  first\n   why\n"
    assert printed.lines(output, "from '2 '") == "2  second\n\nResult\n"
    with pytest.raises(printed.Stale, match="no line begins with '3 '"):
        printed.lines(output, "from '3 '")
    with pytest.raises(printed.Stale, match="what lines"):
        printed.lines(output, "until Result")


def test_printed_examples_and_doctests_are_renewed() -> None:
    page = (
        "<!-- file: mine.dg -->\n```\nx: scalar\nf = x ** 3\n```\n\n"
        '<!-- printed: diagrad derive mine.dg --depth overview | from "1" to "Result" -->\n'
        "```\nold\n```\n\n"
        "```python\n>>> print(1); print(); print(2)\nold\n\n```\n"
    )
    again = printed.tested(printed.printed(page), "page")
    assert "```\n1  df/dx = 3 x²   scalar\n```\n".replace("df/dx", "∂f/∂x") in again
    assert "print(2)\n1\n<BLANKLINE>\n2\n\n```" in again
    assert again == printed.tested(printed.printed(again), "page")


def test_an_example_that_cannot_be_printed_is_an_error() -> None:
    with pytest.raises(printed.Stale, match="exit status 2"):
        printed.output_of("diagrad derive nowhere.dg")
    with pytest.raises(printed.Stale, match="only diagrad"):
        printed.output_of("ls")
    with pytest.raises(printed.Stale, match="not followed by a block"):
        printed.printed("\n<!-- printed: diagrad -->\n\n```\n```\n")


def test_the_catalogue_of_operations_is_up_to_date() -> None:
    written = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert written == tool("catalogue").page(), "run python tools/catalogue.py"


def test_checking_the_catalogue_notices_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = tool("catalogue")
    monkeypatch.setattr(module, "PAGE", tmp_path / "operations.md")
    monkeypatch.setattr(module, "page", lambda: "new")
    assert module.main(["--check"]) == 1
    assert "run python tools/catalogue.py" in capsys.readouterr().err
    assert module.main([]) == 0
    assert module.main(["--check"]) == 0


def test_a_picture_that_cannot_be_taken_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tool("browser")
    pictures = tool("pictures")
    page, picture = tmp_path / "a.html", tmp_path / "a.png"
    assert pictures.main(["nothing"]) == 2
    assert pictures.main([str(page), str(picture), "800", "600"]) == 2
    said = capsys.readouterr().err
    assert "there are derivation, " in said and "tools/site.sh builds the site" in said
    monkeypatch.setenv("CHROMIUM", "no-such-browser")
    page.touch()
    assert pictures.main([str(page), str(picture), "800", "600"]) == 2
    assert "tools/browser.sh installs one" in capsys.readouterr().err


def test_every_picture_is_made_by_the_script() -> None:
    tool("browser")
    made = {picture.stem for picture in (ROOT / "docs" / "pictures").iterdir()}
    assert made == set(tool("pictures").ALL)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    dangling = []
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            dangling.append(f"{path}#{anchor}" if anchor else path)
    assert not dangling
