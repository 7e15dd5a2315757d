"""What happened to hints, counted: over the service's life and over the running episode of each world."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from envs.scene import IntArray


@dataclass(frozen=True, slots=True)
class HintCounters:
    """How often each thing happened, in hints of single worlds.

    ``due`` times that a world needed a new hint, ``events`` of these before its period was over; ``asked`` questions
    sent; ``answered`` valid answers in time; ``invalid`` malformed ones; ``late`` valid ones after the window;
    ``missing`` none at all, ``errors`` of these because the provider failed; ``busy`` due times that found the world's
    last question still open; ``calls`` due hints for which the cache was called; ``hits``, ``misses`` of its lookups;
    ``stale`` times that neither answer nor cache served.
    """

    due: int = 0
    events: int = 0
    asked: int = 0
    answered: int = 0
    invalid: int = 0
    late: int = 0
    missing: int = 0
    errors: int = 0
    busy: int = 0
    calls: int = 0
    hits: int = 0
    misses: int = 0
    stale: int = 0

    @property
    def scm_calls_percent(self) -> float:
        """Share of the due hints for which the cache was called, percent: "SCM calls (%)" of the paper."""
        return self.percent("calls")

    @property
    def cache_share_percent(self) -> float:
        """Share of the due hints that the cache served, percent."""
        return self.percent("hits")

    def percent(self, name: str) -> float:
        """Return a counter as a share of the due hints, percent; 0 where none was due."""
        return 100.0 * float(getattr(self, name)) / self.due if self.due else 0.0

    def told(self) -> dict[str, float]:
        """Return all counters and the two shares by name, for infos, logs and files."""
        shares = {"scm_calls_percent": self.scm_calls_percent, "cache_share_percent": self.cache_share_percent}
        return {**asdict(self), **shares}

    def since(self, earlier: HintCounters) -> HintCounters:
        """Return what happened after ``earlier``."""
        before = asdict(earlier)
        return HintCounters(**{name: count - before[name] for name, count in asdict(self).items()})


COUNTED = tuple(field.name for field in fields(HintCounters))


class HintCounts:
    """The counters of ``batch`` worlds."""

    def __init__(self, batch: int) -> None:
        self._total = dict.fromkeys(COUNTED, 0)
        self._episode = {name: np.zeros(batch, dtype=np.int64) for name in COUNTED}
        self._called = np.zeros(batch, dtype=np.bool_)  # for the hint that is due

    def count(self, name: str, rows: IntArray) -> None:
        """Count ``name`` once for each of the worlds ``rows`` (n, each at most once)."""
        if len(rows):
            self._total[name] += len(rows)
            self._episode[name][rows] += 1

    def due(self, rows: IntArray) -> None:
        """Count a hint that is due in each of ``rows`` (n)."""
        self.count("due", rows)
        self._called[rows] = False

    def call(self, rows: IntArray) -> None:
        """Count a call of the cache for each of ``rows`` (n), once for each hint that was due."""
        self.count("calls", rows[~self._called[rows]])
        self._called[rows] = True

    def begin_episodes(self, rows: IntArray) -> None:
        """Begin the episodes of the worlds ``rows`` (n)."""
        for counts in self._episode.values():
            counts[rows] = 0

    def total(self) -> HintCounters:
        """Return the counters since the service began."""
        return HintCounters(**self._total)

    def of_episode(self, world: int) -> HintCounters:
        """Return the counters of the running episode of ``world``."""
        return HintCounters(**{name: int(counts[world]) for name, counts in self._episode.items()})

    def state(self) -> dict[str, Any]:
        """Return all counters, as plain arrays."""
        return {
            "total": dict(self._total),
            "episode": {name: counts.copy() for name, counts in self._episode.items()},
            "called": self._called.copy(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned."""
        for name in COUNTED:
            self._total[name] = int(state["total"][name])
            self._episode[name][:] = state["episode"][name]
        self._called[:] = state["called"]
