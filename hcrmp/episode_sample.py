"""Estimates of one group of episodes: a plain sample of one planner, or training seeds crossed with episodes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from hcrmp import crossed, statistics
from hcrmp.statistics import Estimate, FloatArray


class EpisodeSample:
    """Rows of ``planners`` and ``episodes`` (n each): who drove, and what; a pair that comes again is a repetition.

    With one planner and no repetition the intervals are those of ``hcrmp.statistics``, else those of ``hcrmp.crossed``,
    where repetitions count by their mean: an episode driven twice is no second episode.
    """

    def __init__(self, planners: Sequence[Hashable], episodes: Sequence[Hashable], rng: np.random.Generator) -> None:
        self._rng = rng
        self._planner, self._planners = _numbered(planners)
        self._episode, self._episodes = _numbered(episodes)
        self._plain = self._planners == 1 and self._episodes == len(self._episode)

    def rate(self, hits: npt.ArrayLike) -> Estimate:
        """Return the share of true ``hits`` ``(n,)``, with an interval no narrower than Wilson's of the episodes."""
        if self._plain:
            return statistics.rate(hits, self._rng)
        return crossed.share([self._table(np.asarray(hits, dtype=np.float64))], self._rng)

    def mean(self, values: npt.ArrayLike, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Estimate:
        """Return the mean of ``values`` ``(n,)``; the interval stays within ``bounds``, which hold any value."""
        if self._plain:
            return statistics.mean(values, self._rng)
        return crossed.estimate([[self._table(values)]], crossed.mean_of_cells, self._rng, bounds=bounds)

    def ratio(self, numerators: npt.ArrayLike, denominators: npt.ArrayLike, most: float = np.inf) -> Estimate:
        """Return ``sum(numerators) / sum(denominators)``, both ``(n,)`` and not negative; ``most`` it can be.

        Where the numerators, which are counts then, are all 0, the interval is Poisson's of one planner's exposure.
        """
        exposure = float(np.sum(denominators)) / self._planners
        if exposure > 0.0 and not np.any(numerators):
            never = statistics.none_at_all(exposure)
            return Estimate(never.value, never.low, min(never.high, most))
        if self._plain or exposure <= 0.0:
            return statistics.ratio(numerators, denominators, self._rng)
        tables = [[self._table(numerators)], [self._table(denominators)]]
        return crossed.estimate(tables, _ratio_of_means, self._rng, tied=True, bounds=(0.0, most))

    def _table(self, values: npt.ArrayLike) -> FloatArray:
        """Return the values by planner and episode, ``(P, N)``, NaN where there is none."""
        total, count = np.zeros((2, self._planners, self._episodes))
        np.add.at(total, (self._planner, self._episode), np.asarray(values, np.float64))
        np.add.at(count, (self._planner, self._episode), 1.0)
        return np.where(count > 0.0, total / np.maximum(count, 1.0), np.nan)


def _numbered(names: Sequence[Hashable]) -> tuple[npt.NDArray[np.int64], int]:
    numbers = {name: k for k, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64), len(numbers)


def _ratio_of_means(numerators: FloatArray, denominators: FloatArray) -> FloatArray:
    above, below = crossed.mean_of_cells(numerators), crossed.mean_of_cells(denominators)
    return np.where(below > 0.0, above / np.where(below > 0.0, below, 1.0), 0.0)
