"""Intervals for evaluation results: bootstrap, Wilson, interquartile mean.

Every random draw comes from the ``Generator`` that is passed in, so that a table can be made again bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

FloatArray = npt.NDArray[np.float64]
Statistic = Callable[[FloatArray, int], FloatArray]
"""Maps the column sums ``(..., k)`` of samples of n rows, and n, to ``(...)``.

All that is told here is made of sums, and those of all resamples are one product of matrices.
"""

CONFIDENCE = 0.95
RESAMPLES = 4000
_BLOCK = 2_000_000  # numbers drawn at once: bounds the memory of a bootstrap over many episodes


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the ends of its interval, all in the unit of the value."""

    value: float
    low: float
    high: float


def bootstrap(
    samples: npt.ArrayLike,
    statistic: Statistic,
    rng: np.random.Generator,
    *,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Return ``statistic`` of ``samples`` with its bias-corrected accelerated (BCa) interval.

    ``samples`` is ``(n,)`` or ``(n, k)``, one row per episode. Where the rows do not vary the interval has no width;
    use ``rate`` for shares, which knows better. Source: Efron (1987), "Better Bootstrap Confidence Intervals".
    """
    rows = _rows(samples)
    count, total = len(rows), rows.sum(axis=0)
    value = float(statistic(total, count))
    if (rows == rows[0]).all():
        return Estimate(value, value, value)
    draws = np.concatenate(
        [statistic(times @ rows, count) for times in _resamples(count, resamples, rows.shape[1], rng)]
    )
    without_each = statistic(total - rows, count - 1)
    low, high = _bca_levels(value, draws, without_each, confidence)
    ends = np.quantile(draws, (low, high))
    return Estimate(value, float(ends[0]), float(ends[1]))


def mean(samples: npt.ArrayLike, rng: np.random.Generator, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean of ``samples`` ``(n,)`` with its bootstrap interval."""
    return bootstrap(samples, column_mean, rng, confidence=confidence)


def rate(hits: npt.ArrayLike, rng: np.random.Generator, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return the share of true ``hits`` ``(n,)`` with its bootstrap interval, which is no narrower than Wilson's."""
    flags = np.asarray(hits, dtype=np.float64)
    score = wilson(float(flags.sum()), flags.size, confidence=confidence)
    return no_narrower(mean(flags, rng, confidence=confidence), score)


def ratio(
    numerators: npt.ArrayLike, denominators: npt.ArrayLike, rng: np.random.Generator, *, confidence: float = CONFIDENCE
) -> Estimate:
    """Return ``sum(numerators) / sum(denominators)`` over episodes, both ``(n,)``, with its bootstrap interval."""
    pairs = np.stack([np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)], axis=-1)
    if pairs[:, 1].sum() <= 0.0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    return bootstrap(pairs, _ratio_of_sums, rng, confidence=confidence)


def wilson(hits: float, n: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return the share ``hits / n`` with Wilson's score interval (Wilson, 1927); ``hits`` may be a mean of counts."""
    if n < 1 or not 0 <= hits <= n:
        raise ValueError(f"a share needs 0 <= hits <= n and n >= 1, got {hits} of {n}")
    z = float(ndtri((1 + confidence) / 2))
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # The ends at none and all are exact in theory and off by a rounding in floating point.
    low, high = 0.0 if hits == 0 else float(centre - half), 1.0 if hits == n else float(centre + half)
    return Estimate(share, low, high)


def no_narrower(found: Estimate, least: Estimate) -> Estimate:
    """Return ``found`` with an interval that holds ``least``'s too.

    A bootstrap knows of no failure that it has not seen: near 0 and 1 a share's interval would be too narrow, and
    nothing at all at 0 and 1.
    """
    return Estimate(found.value, min(found.low, least.low), max(found.high, least.high))


def none_at_all(exposure: float, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return the rate of what did not happen once in ``exposure``, with the upper end of Poisson's exact interval."""
    return Estimate(0.0, 0.0, -log((1 - confidence) / 2) / exposure)


def interquartile_mean(samples: npt.ArrayLike) -> float:
    """Return the mean of the middle half of ``samples`` ``(n,)``.

    The rows at the quartiles count by the part of them that lies inside, so that n need not be a multiple of four.
    """
    rows = np.sort(np.asarray(samples, dtype=np.float64))
    if rows.ndim != 1 or rows.size == 0:
        raise ValueError(f"interquartile_mean needs a sample (n,) with n >= 1, got {rows.shape}")
    edges = np.arange(rows.size + 1) / rows.size
    inside = np.clip(edges[1:], 0.25, 0.75) - np.clip(edges[:-1], 0.25, 0.75)
    return float(inside @ rows / inside.sum())


def column_mean(sums: FloatArray, rows: int) -> FloatArray:
    """Return the mean over all ``rows`` and columns, of their ``sums`` ``(..., k)``."""
    return np.asarray(sums.mean(axis=-1) / rows)


def _ratio_of_sums(sums: FloatArray, rows: int) -> FloatArray:
    # A resample of episodes that never moved says nothing of a rate per distance: it counts as zero.
    moved = sums[..., 1] > 0.0
    return np.asarray(np.where(moved, sums[..., 0], 0.0) / np.where(moved, sums[..., 1], 1.0))


def _rows(samples: npt.ArrayLike) -> FloatArray:
    rows = np.asarray(samples, dtype=np.float64)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or rows.shape[0] == 0:
        raise ValueError(f"a bootstrap needs samples (n,) or (n, k) with n >= 1, got {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("a bootstrap needs finite samples")
    return rows


def _resamples(n: int, resamples: int, width: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """Yield how often each of n rows is in each resample, ``(block, n)``, some resamples at a time."""
    block = max(1, _BLOCK // (n * width))
    for start in range(0, resamples, block):
        here = min(block, resamples - start)
        chosen = rng.integers(n, size=(here, n)) + n * np.arange(here)[:, None]
        yield np.bincount(chosen.ravel(), minlength=here * n).reshape(here, n).astype(np.float64)


def _bca_levels(value: float, draws: FloatArray, jackknife: FloatArray, confidence: float) -> tuple[float, float]:
    """Return the quantile levels of the draws at which the BCa interval ends."""
    levels = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    # Draws equal to the value, but for the order in which they were added up, count half: few episodes have many ties.
    ties = np.isclose(draws, value, rtol=1e-12, atol=0.0)
    below = np.mean((draws < value) & ~ties) + 0.5 * np.mean(ties)
    spread = jackknife.mean() - jackknife
    scale = np.sum(spread**2) ** 1.5
    if not 0.0 < below < 1.0 or scale < 1e-300:
        return float(levels[0]), float(levels[1])
    bias, acceleration = ndtri(below), np.sum(spread**3) / (6.0 * scale)
    shifted = bias + ndtri(levels)
    adjusted = ndtr(bias + shifted / (1.0 - acceleration * shifted))
    return float(adjusted[0]), float(adjusted[1])
