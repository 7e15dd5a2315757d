"""What anchors change in the weights: how much they vary in one scene, and how well they tell danger (the paper's CSA).

The paper reports that anchoring takes 54.67 % of the variance in a scene, and that safe and dangerous scenes part in
the distribution of the safety weight. Both belong together: a provider that always says the same has no variance left,
and no use. So the spread *between* scenes is measured beside that within them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from envs.scene import BoolArray, FloatArray
from llm_hints.hint import CRITICS

CONFIDENCE = 0.95
RESAMPLES = 4000
OVERLAP_BINS = 20
"""Bins over [0, 1] in which two distributions of a weight are compared: weights come in steps of 0.01."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Spread:
    """How weights spread: over the repeats of a scene, and over the means of scenes.

    ``by_scene`` ``(S,)`` trace of the covariance of the weights within each scene; ``by_critic`` ``(3,)`` variance of
    each weight within a scene, in the order of ``CRITICS``, mean over scenes; ``between`` trace of the covariance of
    the scenes' mean weights; ``mean`` ``(3,)`` weights over all scenes.
    """

    by_scene: FloatArray
    by_critic: FloatArray
    between: float
    mean: FloatArray

    @property
    def within(self) -> float:
        """Mean over scenes of the trace of the covariance within a scene."""
        return float(self.by_scene.mean())

    @property
    def between_per_within(self) -> float:
        """How much more the weights say of the scene than of chance; NaN where chance has no part in them.

        Mixing weights with a constant shrinks both variances alike and leaves this ratio as it was: steadiness that is
        worth something raises it.
        """
        return self.between / self.within if self.within > 0.0 else float("nan")


@dataclass(frozen=True, slots=True)
class Separation:
    """How the safety weight parts dangerous from safe scenes.

    ``auroc`` chance that a dangerous scene's weight is above a safe one's, ties half (0.5: no parting, 1: all);
    ``cohens_d`` difference of the means in pooled standard deviations; ``overlap`` shared area of the two
    distributions, in [0, 1].
    """

    auroc: float
    cohens_d: float
    overlap: float


def spread(weights: FloatArray) -> Spread:
    """Return the spread of ``weights`` ``(S, R, 3)``: S scenes asked R times; rows that are NaN were no answers.

    The variances are those of a sample (R - 1). Each scene needs two answers.
    """
    answered = np.asarray(np.isfinite(weights).all(axis=2))
    counts = answered.sum(axis=1)
    if len(weights) == 0 or (counts < 2).any():
        raise ValueError(
            f"answers came to {len(weights)} scenes, at fewest {counts.min() if len(counts) else 0} to one; a variance "
            "needs two: ask more often, or leave the scene out"
        )
    held = np.where(answered[..., None], weights, 0.0)
    means = held.sum(axis=1) / counts[:, None]
    squares = np.where(answered[..., None], (held - means[:, None]) ** 2, 0.0).sum(axis=1)
    variances = squares / (counts - 1)[:, None]
    between = float(means.var(axis=0, ddof=1).sum()) if len(means) > 1 else 0.0
    return Spread(variances.sum(axis=1), variances.mean(axis=0), between, means.mean(axis=0))


def reduction_percent(plain: FloatArray, anchored: FloatArray, rng: np.random.Generator) -> Interval:
    """Return by how many percent the mean of ``anchored`` ``(S,)`` is below that of ``plain`` ``(S,)``.

    The interval is the percentile bootstrap's over scenes, in pairs; all is NaN where nothing varied to begin with.
    """

    def reduction(rows: FloatArray) -> FloatArray:
        before, after = rows[..., 0].mean(axis=-1), rows[..., 1].mean(axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares: FloatArray = 100.0 * (1.0 - after / before)
        return np.where(before > 0.0, shares, np.nan)

    return _over_scenes(np.stack([plain, anchored], axis=-1), reduction, rng)


def _over_scenes(rows: FloatArray, statistic: Callable[[FloatArray], FloatArray], rng: np.random.Generator) -> Interval:
    """Return ``statistic`` of ``rows`` ``(S, k)`` with its percentile interval over resampled scenes.

    ``hcrmp.statistics`` has a finer one, which this room must not import.
    """
    drawn = statistic(rows[rng.integers(len(rows), size=(RESAMPLES, len(rows)))])
    kept = drawn[np.isfinite(drawn)]
    value = float(statistic(rows))
    if not np.isfinite(value) or not len(kept):
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(kept, ((1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0))
    return Interval(value, float(low), float(high))


def separation(weights: FloatArray, dangerous: BoolArray, safe: BoolArray) -> Separation:
    """Return how the safety weight parts the answers to ``dangerous`` ``(S,)`` from those to ``safe`` ``(S,)`` scenes.

    ``weights`` ``(S, R, 3)`` with NaN rows for no answers. Single answers are compared and not the means of scenes: a
    training asks once, and noise blurs what it gets.
    """
    safety = weights[..., CRITICS.index("safety")]
    high, low = (part[np.isfinite(part)] for part in (safety[dangerous], safety[safe]))
    return Separation(auroc(high, low), cohens_d(high, low), overlap(high, low))


def auroc(high: FloatArray, low: FloatArray) -> float:
    """Return the chance that one of ``high`` ``(n,)`` is above one of ``low`` ``(m,)``; ties count half."""
    if not len(high) or not len(low):
        return float("nan")
    ordered = np.sort(low)
    below, not_above = np.searchsorted(ordered, high, "left"), np.searchsorted(ordered, high, "right")
    return float(0.5 * (below + not_above).mean() / len(low))


def cohens_d(high: FloatArray, low: FloatArray) -> float:
    """Return the difference of the means in pooled standard deviations (Cohen 1988); NaN where these are undefined."""
    count = len(high) + len(low) - 2
    if len(high) < 2 or len(low) < 2:
        return float("nan")
    pooled = ((len(high) - 1) * high.var(ddof=1) + (len(low) - 1) * low.var(ddof=1)) / count
    return float((high.mean() - low.mean()) / np.sqrt(pooled)) if pooled > 0.0 else float("nan")


def overlap(high: FloatArray, low: FloatArray) -> float:
    """Return the area that the two histograms over [0, 1] share: 0 apart, 1 the same; NaN where one is empty."""
    if not len(high) or not len(low):
        return float("nan")
    shares = [np.histogram(part, bins=OVERLAP_BINS, range=(0.0, 1.0))[0] / len(part) for part in (high, low)]
    return float(np.minimum(*shares).sum())
