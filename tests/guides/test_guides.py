"""The guides: every command in them runs (``tests.guides.blocks``), every link leads somewhere."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from hcrmp.cli import main
from tests.guides.blocks import FOLDER, GUIDES, INDEX, KINDS, Block, blocks_of
from tests.llm_hints.providers.chat_stub import stub
from tests.ports import free_port

LONGEST = 120
ROOT = FOLDER.parent.parent
ANSWER = (
    '{"road_category": "Highway", "traffic_density": "Low", "critical_entities": [], '
    '"weights": {"safety": 0.5, "comfort": 0.2, "efficiency": 0.3}}'
)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_every_command_of_a_guide_runs(guide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = guide.read_text("utf-8")
    port = free_port(2)
    with ExitStack() as open_things:
        if "127.0.0.1:8000/v1" in text:
            endpoint = open_things.enter_context(stub(lambda handler, body: handler.say(ANSWER)))
            text = text.replace("http://127.0.0.1:8000/v1", endpoint.base_url)
        for block in blocks_of(re.sub(r"\b2000\b", str(port), text)):
            _follow(block, open_things)


def _follow(block: Block, open_things: ExitStack) -> None:
    """Do what a reader does with a block."""
    if block.kind == "file":
        Path(block.told).parent.mkdir(parents=True, exist_ok=True)
        Path(block.told).write_text(block.text, "utf-8")
    elif block.kind != "not run" and not block.language:
        for words in block.commands:
            if block.kind == "background":
                open_things.enter_context(_running(words))
            else:
                assert _run(words) == 0, words


def _run(words: list[str]) -> int:
    """Run a command here, where everything is imported already."""
    if words[0] == "hcrmp":
        return main(words[1:])
    assert words[0] == "python", words
    if words[1] == "-m":
        runpy.run_module(words[2], run_name="__main__")
    else:
        runpy.run_path(words[1], run_name="__main__")
    return 0


@contextmanager
def _running(words: list[str]) -> Iterator[None]:
    """Run a command until the end of the guide, from the moment that it says that it listens."""
    assert words[0] == "hcrmp"
    command = [sys.executable, "-m", "hcrmp.cli", *words[1:]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=None) as process:
        try:
            assert process.stdout is not None and process.stdout.readline()
            yield
        finally:
            process.terminate()


@pytest.mark.parametrize("guide", (*GUIDES, INDEX), ids=lambda path: path.stem)
def test_a_guide_is_short_and_whole(guide: Path) -> None:
    text = guide.read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST + 20 * (text.count("<!-- file:") > 0)
    assert {block.kind for block in blocks_of(text)} <= {"", *KINDS}
    assert text.count("```") == 2 * len(list(blocks_of(text)))
    assert len(re.findall("<!-- ", text)) == sum(bool(block.kind) for block in blocks_of(text))
    for block in blocks_of(text):
        assert block.kind != "not run" or len(block.told) > 10, "say why it does not run"


@pytest.mark.parametrize("page", (*GUIDES, INDEX), ids=lambda path: path.stem)
def test_every_link_and_every_named_file_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if not link.startswith("https://")]
    assert [link for link in links if not (page.parent / link).is_file()] == []
    named = re.findall(r"`((?:envs|hcrmp|llm_hints|configs|tests|docker)/[\w./]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_index_names_every_guide() -> None:
    assert set(re.findall(r"\]\((\w+\.md)\)", INDEX.read_text("utf-8"))) == {path.name for path in GUIDES}
    assert len(GUIDES) == 8
