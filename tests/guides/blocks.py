"""The fenced blocks of the guides, and what the comment above each says of it.

Above a block stands at most one comment:

- ``<!-- file: NAME -->``: the reader saves it as NAME;
- ``<!-- not run: REASON -->``: it cannot run here, and the text around says so in words;
- ``<!-- long: REASON -->``: it runs in ``make guides`` alone;
- ``<!-- background -->``: it runs until the guide is done;
- ``<!-- test: OVERRIDES -->``: it runs, and these are added to its ``hcrmp train`` and ``hcrmp evaluate``, to be quick.

A block of commands without a comment runs as it stands. A block with another language is only shown.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hcrmp

FOLDER = Path(hcrmp.__file__).parent / "guides"
INDEX = FOLDER / "README.md"
GUIDES = tuple(path for path in sorted(FOLDER.glob("*.md")) if path != INDEX)

_BLOCK = re.compile(
    r"(?:^<!-- (?P<kind>[a-z ]+?)(?:: (?P<told>[^>]*?))? -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
KINDS = ("file", "not run", "long", "background", "test")
SHORTENED = ("train", "evaluate")


@dataclass(frozen=True)
class Block:
    """``kind`` of its comment ("": none), what that ``told``, the block's ``language`` ("": commands), its ``text``."""

    kind: str
    told: str
    language: str
    text: str

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command, comments left out, with what the test adds."""
        lines = self.text.replace("\\\n", " ").splitlines()
        commands = [words for line in lines if (words := shlex.split(line, comments=True))]
        added = shlex.split(self.told) if self.kind == "test" else []
        short = [words[0] == "hcrmp" and words[1] in SHORTENED for words in commands]
        return [words + added if cut else words for words, cut in zip(commands, short, strict=True)]


def blocks_of(text: str) -> Iterator[Block]:
    """Yield the blocks of a guide in their order."""
    for match in _BLOCK.finditer(text):
        yield Block(match["kind"] or "", match["told"] or "", match["language"], match["text"])
