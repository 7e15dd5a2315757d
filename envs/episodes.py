"""Which episode comes next in which world: a seed and a scenario cell, drawn from that world's own stream.

The draw of episode ``k`` of world ``b`` depends on (root seed, b, k) alone: not on the number of worlds, not on when
the other worlds end. The stream's whole state is the root and one counter a world.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from envs.errors import InvalidConfigError, require
from envs.scene import IntArray

SEED_BITS = 31
"""Episode seeds lie in [0, 2**31): short enough to be written down, and valid for every generator."""


class EpisodeStream:
    """Draws (episode seed, cell) for ``batch_size`` worlds, each cell of ``cells`` equally likely."""

    def __init__(self, batch_size: int, cells: Sequence[int]) -> None:
        require(len(cells) > 0, "no scenario cell to draw episodes from: give at least one")
        self.cells = np.array(cells, dtype=np.int64)
        self.root: int | None = None
        self._episodes = np.zeros(batch_size, dtype=np.int64)

    def start(self, root: int) -> None:
        """Begin all streams anew from ``root``."""
        self.root = int(root)
        self._episodes[:] = 0

    def draw(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return the next episode seeds and cells ``(M,)`` of the worlds ``rows`` ``(M,)``."""
        if self.root is None:
            raise InvalidConfigError("the episode stream has no root seed yet: call start(root) first")
        words = np.array([self._words(int(b)) for b in rows], dtype=np.int64).reshape(-1, 2)
        self._episodes[rows] += 1
        return words[:, 0] >> (32 - SEED_BITS), self.cells[words[:, 1] % len(self.cells)]

    def _words(self, world: int) -> list[int]:
        sequence = np.random.SeedSequence(self.root, spawn_key=(world, int(self._episodes[world])))
        return [int(word) for word in sequence.generate_state(2)]

    def state(self) -> dict[str, Any]:
        """Return the stream's position as arrays (root -1: not started)."""
        return {"root": np.array(-1 if self.root is None else self.root), "episodes": self._episodes.copy()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state`` returned."""
        root = int(state["root"])
        self.root = None if root < 0 else root
        self._episodes[:] = state["episodes"]
