"""The gallery: fifty entries, and pages that say what the program prints now."""

from __future__ import annotations

import re
import tomllib

import pytest
from test_docs import LINK, anchors, tool

import diagrad as dg

gallery = tool("gallery")


@pytest.mark.parametrize("name", gallery.TOPICS)
def test_a_page_of_the_gallery_is_up_to_date(name: str) -> None:
    written = (gallery.FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert written == gallery.page(gallery.topic(name)), "run python tools/gallery.py"


def test_the_index_of_the_gallery_is_up_to_date() -> None:
    topics = [gallery.topic(name) for name in gallery.TOPICS]
    assert gallery.INDEX.read_text("utf-8") == gallery.index(topics), "run python tools/gallery.py"


def test_every_file_of_entries_is_a_page() -> None:
    assert {path.stem for path in gallery.FOLDER.glob("*.toml")} == set(gallery.TOPICS)
    assert {path.stem for path in gallery.FOLDER.glob("*.md")} == set(gallery.TOPICS)


def test_fifty_entries_have_titles_of_their_own_and_say_why_they_are_famous() -> None:
    entries = [entry for name in gallery.TOPICS for entry in gallery.topic(name).entries]
    assert len(entries) == len({entry.title for entry in entries}) == 50
    assert all(entry.why.strip() for entry in entries)


@pytest.mark.parametrize("name", gallery.TOPICS)
def test_links_of_a_page_lead_somewhere_and_its_math_is_what_github_accepts(name: str) -> None:
    path = gallery.FOLDER / f"{name}.md"
    text = path.read_text(encoding="utf-8")
    assert all((path.parent / target).exists() for target, _ in LINK.findall(text))
    assert {entry.anchor for entry in gallery.topic(name).entries} <= anchors(text)
    assert r"\operatorname" not in text


@pytest.mark.parametrize("name", gallery.TOPICS)
def test_a_result_of_the_gallery_is_read_again(name: str) -> None:
    for entry in gallery.topic(name).entries:
        for one in entry.derivations:
            assert dg.parse(entry.problem).expression(one.result.source).shape


def test_an_entry_is_asked_for_as_it_says() -> None:
    entry = gallery.Entry("A", "why", "x: row[n]\nJ = sum(x)", ["x"], of="sum(x ** 2)", order=2)
    assert entry.command == "diagrad derive problem.dg --of 'sum(x ** 2)' --wrt x --order 2"
    assert [len(answer) for answer in entry.answers] == [1, 1]
    shown = "\n".join(gallery.section(entry))
    assert re.search(r"^d2.*/dx2 = 2 \* eye\(n\)$", shown, flags=re.MULTILINE)


def test_a_misspelt_field_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tomllib, "loads", lambda _: {"entry": [{"titel": "A"}]})
    with pytest.raises(TypeError, match="titel"):
        gallery.topic(gallery.TOPICS[0])


def test_checking_the_gallery_notices_a_difference(
    tmp_path: gallery.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "docs" / "gallery.md"
    path.parent.mkdir()
    monkeypatch.setattr(gallery, "INDEX", path)
    monkeypatch.setattr(gallery, "files", lambda: [(path, "new")])
    assert gallery.main(["--check"]) == 1
    assert "docs/gallery.md is out of date: run python tools/gallery.py" in capsys.readouterr().err
    assert gallery.main([]) == 0
    assert gallery.main(["--check"]) == 0
