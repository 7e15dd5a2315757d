"""Which episode each world drives next, and what came of those that are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.scene import BoolArray, IntArray
from hcrmp.course import Episode
from hcrmp.drivers import Numbers
from hcrmp.episode_record import EpisodeRecord


@dataclass(frozen=True, slots=True)
class Driven:
    """A driven episode: its measures, and the actions ``(T, 2)`` by which it can be driven again, exactly."""

    episode: Episode
    record: EpisodeRecord
    actions: Numbers


class EpisodePlan:
    """Which episode each world drives, and what came of those that are over."""

    def __init__(self, episodes: Sequence[Episode], worlds: int) -> None:
        self._episodes = episodes
        self._next = 0
        self._driven: dict[int, Driven] = {}
        self._index = np.zeros(worlds, np.int64)
        self._actions: list[list[Numbers]] = [[] for _ in range(worlds)]
        self.measured = np.zeros(worlds, np.bool_)
        """``(B,)`` worlds that drive an episode of the list; the others have nothing left to do."""
        self.seeds, self.cells = np.zeros(worlds, np.int64), np.zeros(worlds, np.int64)
        self.assign(np.arange(worlds))

    @property
    def open(self) -> bool:
        """Whether episodes are still to be driven."""
        return len(self._driven) < len(self._episodes)

    def episode(self, world: int | np.integer[Any]) -> Episode:
        """Return the episode of a world."""
        return self._episodes[int(self._index[world])]

    def under_way(self, worlds: BoolArray) -> tuple[IntArray, list[Episode]]:
        """Return those of the mask ``worlds`` ``(B,)`` that drive an episode of the list, and the episodes."""
        rows = np.flatnonzero(worlds & self.measured)
        return rows, [self.episode(world) for world in rows]

    def assign(self, rows: IntArray) -> None:
        """Give each of the worlds ``rows`` its next episode."""
        for world in rows:
            self.measured[world] = self._next < len(self._episodes)
            # A batch steps as a whole: a world with nothing left to do drives the last episode again, unmeasured.
            self._index[world] = min(self._next, len(self._episodes) - 1)
            self._next += 1
            self._actions[world] = []
            self.seeds[world], self.cells[world] = self.episode(world).seed, self.episode(world).cell

    def note(self, actions: Numbers) -> None:
        """Keep the actions ``(B, 2)`` of one step."""
        for world in np.flatnonzero(self.measured):
            self._actions[world].append(actions[world].copy())

    def finish(self, world: int, record: EpisodeRecord) -> Driven:
        """Keep the record of the episode that a world has ended, and return all of it."""
        driven = Driven(self.episode(world), record, np.stack(self._actions[world]))
        self._driven[int(self._index[world])] = driven
        return driven

    def driven(self) -> list[Driven]:
        """Return all episodes in the order of the list."""
        return [self._driven[index] for index in range(len(self._episodes))]
