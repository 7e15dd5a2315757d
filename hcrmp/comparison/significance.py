"""Tests of whether two methods differ on the same episodes, and Holm's correction for several pairs.

Of two planners, one each: which of the two did better in an episode is a toss if neither is better, so the signs of
the differences are flipped (a paired permutation test); for success McNemar's exact test is told as well. Where a
method has several training seeds the seeds are a sample too: Welch's t of the difference, whose variance is that over
seeds and that over episodes, with Satterthwaite's degrees of freedom. Three seeds against three cannot be told apart by
any permutation of seeds (the least p is 0.1), which is why a distribution is assumed there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, stdtr, stdtrit

from hcrmp.crossed import Scores, mean_where_known
from hcrmp.statistics import CONFIDENCE, Estimate, FloatArray

FLIPS = 10_000
EXACT = 12
"""Differences up to which all signs are tried."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two methods (first minus second), its interval and the chance of one as large by luck."""

    estimate: Estimate
    p: float
    test: str


def sign_flip(differences: Sequence[npt.ArrayLike], rng: np.random.Generator) -> float:
    """Return the two-sided p of the mean over cells of the mean difference; ``differences``: ``(n_c,)`` of each cell.

    Exact up to ``EXACT`` differences that are not nought, else over ``FLIPS`` random flips.
    """
    cells = [np.asarray(cell, np.float64) for cell in differences]
    weighted = np.concatenate([cell / (len(cells) * cell.size) for cell in cells])
    weighted = weighted[weighted != 0.0]
    if not weighted.size:
        return 1.0
    found = abs(weighted.sum()) - 1e-12
    if weighted.size <= EXACT:
        every = np.arange(2**weighted.size)[:, None] >> np.arange(weighted.size) & 1
        return float(np.mean(np.abs((2.0 * every - 1.0) @ weighted) >= found))
    flipped = rng.integers(0, 2, size=(FLIPS, weighted.size), dtype=np.int8) @ (2.0 * weighted) - weighted.sum()
    return float((1 + np.sum(np.abs(flipped) >= found)) / (1 + FLIPS))


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of McNemar's test: episodes that only the one, or only the other, mastered."""
    # Twice the chance of so few heads or fewer.
    return float(min(1.0, 2.0 * bdtr(min(only_first, only_second), only_first + only_second, 0.5)))


def welch(ours: Scores, theirs: Scores, *, confidence: float = CONFIDENCE) -> Difference:
    """Return the difference of two methods' means over planners and cells, each ``(P, n_c)`` of every cell.

    A method with one planner adds no variance over seeds: nothing is known of its other trainings, and a driver that
    was not trained has none.
    """
    parts = [_parts(method) for method in (ours, theirs)]
    value = parts[0].mean - parts[1].mean
    episodes = _episode_variance([_episode_means(a) - _episode_means(b) for a, b in zip(ours, theirs, strict=True)])
    seeds = sum(part.seed_variance for part in parts)
    # What is left of an episode when planner and episode are taken out is in both variances: it counts once.
    both = sum(part.rest_variance for part in parts)
    variance = max(episodes[0] + seeds - both, episodes[0], seeds)
    if variance <= 0.0:
        return Difference(Estimate(value, value, value), float(value == 0.0), WELCH)
    pieces = [episodes, *((part.seed_variance, part.seeds - 1) for part in parts)]
    spread = sum(piece**2 / freedom for piece, freedom in pieces if freedom > 0)
    freedom = sum(piece for piece, _ in pieces) ** 2 / spread
    error = float(np.sqrt(variance))
    reach = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    p = float(2.0 * stdtr(freedom, -abs(value) / error))
    return Difference(Estimate(value, value - reach, value + reach), p, WELCH)


WELCH = "Welch's t over training seeds and episodes"
SIGN_FLIP = "paired permutation over episodes"


def holm(ps: Sequence[float]) -> list[float]:
    """Return the p values of a family of tests, adjusted by Holm's step-down procedure (1979), in their order."""
    order = np.argsort(ps, kind="stable")
    adjusted, largest = np.ones(len(ps)), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = largest
    return [float(p) for p in adjusted]


@dataclass(frozen=True, slots=True)
class _Parts:
    """Of one method: ``mean``, number of ``seeds``, variance of the mean over them, and of what is left."""

    mean: float
    seeds: int
    seed_variance: float
    rest_variance: float


def _parts(method: Scores) -> _Parts:
    means = np.stack([mean_where_known(cell, 1) for cell in method], axis=-1)
    of_planner = mean_where_known(means, 1)
    count = len(of_planner)
    if count < 2:
        return _Parts(float(of_planner.mean()), count, 0.0, 0.0)
    rest = sum(_rest_mean_square(cell) / (cell.shape[1] * count) for cell in method) / len(method) ** 2
    return _Parts(float(of_planner.mean()), count, float(of_planner.var(ddof=1) / count), float(rest))


def _rest_mean_square(cell: FloatArray) -> float:
    """Return the mean square of what neither the planner nor the episode explains, of ``(P, n)``."""
    planners, episodes = cell.shape
    if episodes < 2:
        return 0.0
    rest = cell - mean_where_known(cell, 1)[:, None] - mean_where_known(cell, 0)[None] + np.nanmean(cell)
    return float(np.nansum(rest**2) / ((planners - 1) * (episodes - 1)))


def _episode_means(cell: FloatArray) -> FloatArray:
    return mean_where_known(cell, 0)


def _episode_variance(cells: Sequence[FloatArray]) -> tuple[float, float]:
    """Return the variance of the mean over cells of the cells' mean difference, and its degrees of freedom."""
    known = [cell[~np.isnan(cell)] for cell in cells]
    pieces = [(cell.var(ddof=1) / (cell.size * len(cells) ** 2), cell.size - 1) for cell in known if cell.size > 1]
    total = float(sum(piece for piece, _ in pieces))
    spread = sum(piece**2 / freedom for piece, freedom in pieces)
    return total, total**2 / spread if spread > 0.0 else 0.0
