"""Worlds of random numbers for the tests of recording: the same ones for the same seed, in reused arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from envs.recording import Tick
from envs.scene import ActorRow, FloatArray, SceneBatch

WORLDS, ACTORS, SEEN = 3, 2, 6
SOURCES = ("prior", "model", "cache")


def hint_words(state: FloatArray, weights: FloatArray) -> list[str]:
    """Return words that depend on a hint's numbers."""
    return [f"{row[0]:.1f} {weight[2]:.1f}" for row, weight in zip(state, weights, strict=True)]


class Worlds:
    """Three worlds whose every number is random; time and steps count from each world's start."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.scene = SceneBatch.empty(WORLDS, ACTORS)
        self.hint_source = np.ones(WORLDS, dtype=np.int64)
        self.hint_issued_at_s = np.zeros(WORLDS)
        self._numbers: dict[str, npt.NDArray[Any]] = {
            "observation": np.zeros((WORLDS, SEEN), np.float32),
            "hint_state": np.zeros((WORLDS, 13)),
            "hint_weights": np.zeros((WORLDS, 3)),
            **{name: np.zeros((WORLDS, width)) for name, width in (("weights", 3), ("values", 3), ("distribution", 4))},
        }
        widths = {"action": 2, "control": 3, "reward_terms": 3}
        self._outcome: dict[str, npt.NDArray[Any]] = {name: np.zeros((WORLDS, n)) for name, n in widths.items()}
        self._shake()

    def step(self) -> None:
        """Advance every world."""
        self.scene.time_s[:] += 0.1
        self.scene.step[:] += 1
        self._shake()

    def restart(self, world: int) -> None:
        """Begin an episode."""
        self.scene.time_s[world], self.scene.step[world] = 0.0, 0

    def _shake(self) -> None:
        scene = self.scene
        blocks = (scene.ego, scene.road, scene.route, scene.events, scene.actors)
        for array in (*(group.block for group in blocks), scene.route.points, *self._numbers.values(),
                      *self._outcome.values()):  # fmt: skip
            array[:] = self._rng.normal(size=array.shape)
        whole = [ActorRow.VALID, ActorRow.VISIBLE, ActorRow.KIND, ActorRow.ID]
        scene.actors.block[whole] = self._rng.integers(0, 2, (len(whole), WORLDS, ACTORS))
        # Hints hold for a few steps.
        if int(scene.step[0]) % 4:
            self._numbers["hint_state"][:], self._numbers["hint_weights"][:] = 0.5, 0.3

    def numbers(self, rows: list[int] | None = None) -> dict[str, Any]:
        """Return what is recorded of every scene; of the worlds ``rows`` where they are given."""
        hints = {"hint_source": self.hint_source, "hint_issued_at_s": self.hint_issued_at_s}
        numbers = self._numbers | hints | self._outcome
        return numbers if rows is None else {name: array[rows] for name, array in numbers.items()}

    def tick(self, world: int, first: bool = False) -> Tick:
        """Return the same of one world."""
        done = {} if first else {name: numbers[world] for name, numbers in self._outcome.items()}
        told = {name: numbers[world] for name, numbers in self._numbers.items()}
        text = hint_words(told["hint_state"][None], told["hint_weights"][None])[0]
        return Tick(
            **done,
            **told,
            hint_text=text,
            hint_source=SOURCES[int(self.hint_source[world])],
            hint_age_s=float(self.scene.time_s[world] - self.hint_issued_at_s[world]),
        )
