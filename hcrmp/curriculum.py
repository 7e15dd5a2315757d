"""Curricula: how often each cell (condition x density) is met in a training, and how that follows the learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from envs.errors import require
from envs.scenarios.families import DENSITIES
from envs.scene import FloatArray

SLOWER = 4
"""How many times longer the memory is with which the recent success is compared (ours)."""


@dataclass(frozen=True, slots=True)
class CurriculumConfig:
    """Which cells (condition x density) a training meets how often. An evaluation meets all alike."""

    name: Literal["none", "density", "success", "progress"] = "none"
    """All alike; low density first; more of the cells that succeed less; more of those whose success changes."""
    floor: float = 0.3
    """Share of the episodes that is spread evenly over all cells whatever the curriculum says, so that none is
    forgotten."""
    starts: tuple[float, float] = (0.2, 0.4)
    """Shares of ``total_steps`` from which medium and high density are met like the others (``density``)."""
    window: int = 100
    """Episodes of a cell over which its success is told (``success``, ``progress``)."""

    def __post_init__(self) -> None:
        """Refuse what is no share, no order or no number of episodes."""
        if not 0.0 <= self.floor <= 1.0:
            raise ValueError(f"floor must be from 0 to 1, got {self.floor}")
        if not 0.0 <= self.starts[0] <= self.starts[1] <= 1.0:
            raise ValueError(f"starts must be two shares from 0 to 1, not falling, got {list(self.starts)}")
        if self.window < 1:
            raise ValueError(f"window must be at least 1, got {self.window}")


class Curriculum:
    """The weights of the cells, from the share of the budget that is spent and from how their episodes ended.

    A weight is ``floor / n + (1 - floor) * score / (sum of scores)``. The score of a cell is, by the curriculum's name:
    ``density``, 1 once its density has begun, else 0; ``success``, 1 - its success rate; ``progress``, by how much its
    recent rate differs from the one over ``SLOWER`` times as many episodes (in the manner of Matiisen et al.,
    "Teacher-Student Curriculum Learning", 2017: what is being learnt, and what is being forgotten, is practised).
    Where all scores are 0, all cells are alike.
    """

    def __init__(self, config: CurriculumConfig, densities: Sequence[str]) -> None:
        require(len(densities) > 1, f"curriculum={config.name} chooses among cells (condition x density), and there is "
                "one alone: train on more, or leave the curriculum out")  # fmt: skip
        self.config = config
        self._levels = np.array([DENSITIES.index(density) for density in densities])
        self._episodes = np.zeros(len(densities), np.int64)
        self._rates = np.zeros((2, len(densities)))

    @property
    def rates(self) -> FloatArray:
        """``(n,)`` recent success rates of the cells; 0 before their first episodes."""
        recent: FloatArray = self._rates[0]
        return recent

    def note(self, cell: int, success: bool) -> None:
        """Take in how an episode of ``cell`` ended."""
        self._episodes[cell] += 1
        for rates, window in zip(self._rates, (self.config.window, SLOWER * self.config.window), strict=True):
            # The plain mean as long as the window is not full, then one that forgets.
            rates[cell] += (float(success) - rates[cell]) / min(int(self._episodes[cell]), window)

    def weights(self, share: float) -> FloatArray:
        """Return the weights ``(n,)``, their sum 1, when ``share`` of the budget is spent."""
        scores, count = self._scores(share), len(self._levels)
        total = float(scores.sum())
        focus = scores / total if total > 0.0 else np.full(count, 1.0 / count)
        weights: FloatArray = self.config.floor / count + (1.0 - self.config.floor) * focus
        return weights

    def _scores(self, share: float) -> FloatArray:
        recent, earlier = self._rates
        if self.config.name == "density":
            begun: FloatArray = (share >= np.array([0.0, *self.config.starts])[self._levels]).astype(np.float64)
            return begun
        if self.config.name == "success":
            hard: FloatArray = 1.0 - recent
            return hard
        # Until its shorter window is full both means of a cell are one: it would not seem to be learnt.
        known = bool((self._episodes > self.config.window).all())
        progress: FloatArray = np.abs(recent - earlier) if known else np.zeros(len(recent))
        return progress

    def state(self) -> dict[str, Any]:
        """Return what the weights depend on, as arrays."""
        return {"episodes": self._episodes.copy(), "rates": self._rates.copy()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what ``state`` returned."""
        self._episodes[:], self._rates[:] = state["episodes"], state["rates"]
