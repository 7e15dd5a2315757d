"""What a reader of a guide does, block by block (``tests.guides.blocks``), in the present folder."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.guides.blocks import Block, blocks_of
from tests.llm_hints.providers.chat_stub import stub
from tests.ports import free_port

Run = Callable[[list[str]], int]
"""Runs the words of a command and returns its exit status."""

ENDPOINT, PORT = "http://127.0.0.1:8000/v1", r"\b2000\b"
"""What the guides' endpoint and port stand for: a stand-in on a free port, and a free port."""

ANSWER = (
    '{"road_category": "Highway", "traffic_density": "Low", "critical_entities": [], '
    '"weights": {"safety": 0.5, "comfort": 0.2, "efficiency": 0.3}}'
)


def follow(guide: Path, run: Run, *, patient: bool) -> None:
    """Follow a guide to its end; ``patient`` also where it takes long. Raises AssertionError where a command fails."""
    text = re.sub(PORT, str(free_port(2)), guide.read_text("utf-8"))
    with ExitStack() as until_the_end:
        if ENDPOINT in text:
            endpoint = until_the_end.enter_context(stub(lambda handler, body: handler.say(ANSWER)))
            text = text.replace(ENDPOINT, endpoint.base_url)
        for block in blocks_of(text):
            if block.kind == "file":
                save(block)
            elif block.kind == "background":
                for words in block.commands:
                    until_the_end.enter_context(running(words))
            elif not block.language and (block.kind in ("", "test") or (patient and block.kind == "long")):
                for words in block.commands:
                    assert run(words) == 0, words


def save(block: Block) -> None:
    """Write the file that a block is."""
    file = Path(block.told)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text, "utf-8")


def as_process(words: list[str]) -> list[str]:
    """Return the words of a command for a process of its own."""
    assert words[0] in ("hcrmp", "python"), words
    return [sys.executable, *(["-m", "hcrmp.cli"] if words[0] == "hcrmp" else []), *words[1:]]


@contextmanager
def running(words: list[str]) -> Iterator[None]:
    """Run a command until the end of the guide, from the moment that it says something."""
    with subprocess.Popen(as_process(words), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline(), words
            yield
        finally:
            process.terminate()
