"""Which episode comes next in which world: a seed and a scenario cell, drawn from that world's own stream.

The draw of episode ``k`` of world ``b`` depends on (root seed, b, k) and, where a curriculum has set them, on the
weights of the cells at that time alone: not on the number of worlds, not on when the other worlds end. The stream's
whole state is the root, one counter a world and the weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from envs.errors import InvalidConfigError, require
from envs.scene import FloatArray, IntArray

SEED_BITS = 31
"""Episode seeds lie in [0, 2**31): short enough to be written down, and valid for every generator."""


class EpisodeStream:
    """Draws (episode seed, cell) for ``batch_size`` worlds, each cell of ``cells`` equally likely unless weighted."""

    def __init__(self, batch_size: int, cells: Sequence[int]) -> None:
        require(len(cells) > 0, "no scenario cell to draw episodes from: give at least one")
        self.cells = np.array(cells, dtype=np.int64)
        self.root: int | None = None
        self.weights: FloatArray | None = None
        self._episodes = np.zeros(batch_size, dtype=np.int64)

    def start(self, root: int) -> None:
        """Begin all streams anew from ``root``."""
        self.root = int(root)
        self._episodes[:] = 0

    def set_weights(self, weights: FloatArray | None) -> None:
        """Draw the cells in proportion to ``weights`` ``(len(cells),)`` from now on; None: each equally likely.

        The episode seeds stay those that they would have been.
        """
        if weights is not None:
            weights = np.array(weights, dtype=np.float64)
            good = weights.shape == self.cells.shape and np.isfinite(weights).all() and (weights >= 0.0).all()
            require(bool(good and weights.any()), f"weights must be {len(self.cells)} numbers >= 0, one more than 0 at "
                    f"least, got {weights.tolist()}")  # fmt: skip
            weights /= weights.sum()
        self.weights = weights

    def draw(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return the next episode seeds and cells ``(M,)`` of the worlds ``rows`` ``(M,)``."""
        if self.root is None:
            raise InvalidConfigError("the episode stream has no root seed yet: call start(root) first")
        words = np.array([self._words(int(b)) for b in rows], dtype=np.int64).reshape(-1, 2)
        self._episodes[rows] += 1
        return words[:, 0] >> (32 - SEED_BITS), self.cells[self._places(words[:, 1])]

    def _places(self, words: IntArray) -> IntArray:
        """Return which of the cells each random word below 2**32 means."""
        if self.weights is None:
            return words % len(self.cells)
        bounds = np.cumsum(self.weights)
        # Against the last bound, which rounding may leave a little off 1: a cell of weight 0 is never drawn.
        places: IntArray = np.searchsorted(bounds, words / 2**32 * bounds[-1], side="right")
        return places

    def _words(self, world: int) -> list[int]:
        sequence = np.random.SeedSequence(self.root, spawn_key=(world, int(self._episodes[world])))
        return [int(word) for word in sequence.generate_state(2)]

    def state(self) -> dict[str, Any]:
        """Return the stream's position as arrays (root -1: not started; no weights: each cell equally likely)."""
        return {
            "root": np.array(-1 if self.root is None else self.root),
            "episodes": self._episodes.copy(),
            "weights": np.zeros(0) if self.weights is None else self.weights.copy(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state`` returned."""
        root = int(state["root"])
        self.root = None if root < 0 else root
        self._episodes[:] = state["episodes"]
        # As they were, not normalised again: the next draws must be the same to the last bit.
        weights = np.array(state.get("weights", ()), dtype=np.float64)
        self.weights = weights if len(weights) else None
