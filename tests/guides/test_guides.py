"""The guides: every command in them runs (``tests.guides.blocks``), every link leads somewhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from hcrmp.cli import main
from hcrmp.guides.figure import FIGURE, figure
from tests.guides.blocks import FOLDER, GUIDES, INDEX, KINDS, blocks_of
from tests.guides.following import follow

LONGEST = 120
"""Lines of a guide; one that has the reader save files may be as much longer as these."""

ROOT = FOLDER.parent.parent


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_every_command_of_a_guide_runs(guide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    follow(guide, run_here, patient=False)


def run_here(words: list[str]) -> int:
    """Run a command in this process, where everything is imported already."""
    if words[0] == "hcrmp":
        return main(words[1:])
    assert words[0] == "python", words
    runpy.run_path(words[1], run_name="__main__")
    return 0


def test_the_figure_is_what_its_command_writes() -> None:
    assert FIGURE.read_text("utf-8") == figure()


@pytest.mark.parametrize("guide", (*GUIDES, INDEX), ids=lambda path: path.stem)
def test_a_guide_is_short_and_whole(guide: Path) -> None:
    text = guide.read_text("utf-8")
    files = sum(len(block.text.splitlines()) for block in blocks_of(text) if block.kind == "file")
    assert len(text.splitlines()) - files <= LONGEST
    assert {block.kind for block in blocks_of(text)} <= {"", *KINDS}
    assert text.count("```") == 2 * len(list(blocks_of(text)))
    assert len(re.findall("<!-- ", text)) == sum(bool(block.kind) for block in blocks_of(text))
    for block in blocks_of(text):
        assert block.kind not in ("not run", "long") or len(block.told) > 10, "say why"


@pytest.mark.parametrize("page", (*GUIDES, INDEX), ids=lambda path: path.stem)
def test_every_link_and_every_named_file_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if not link.startswith("https://")]
    assert [link for link in links if not (page.parent / link).is_file()] == []
    named = re.findall(r"`((?:envs|hcrmp|llm_hints|configs|tests|docker)/[\w./]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_index_names_every_guide() -> None:
    assert set(re.findall(r"\]\((\w+\.md)\)", INDEX.read_text("utf-8"))) == {path.name for path in GUIDES}
    assert len(GUIDES) == 9
