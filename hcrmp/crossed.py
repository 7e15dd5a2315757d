"""Intervals over training seeds *and* episodes, where every planner meets the same episodes.

Both are samples, and they are crossed: an episode that is hard is hard for all. So episodes are resampled for all
planners together (within their cell: cells are given; those of one number in all cells at once, for they share a seed,
and with it which of their hints go wrong), planners on their own, and the two deviations are added. Three
or five training seeds resampled are too narrow an interval; their part is widened as Student's t is against the normal
distribution (Hesterberg, "What Teachers Should Know about the Bootstrap", 2015, section 4: expanded percentiles).
Of one planner nothing is known of another training's result: its interval goes over the episodes alone.

Scores are one array ``(P, n_c)`` for each cell: planner by episode, NaN where an episode was not driven.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtri, stdtrit

from hcrmp.statistics import CONFIDENCE, RESAMPLES, Estimate, FloatArray, no_narrower, wilson

Scores = Sequence[FloatArray]
Statistic = Callable[..., FloatArray]
"""Maps cell means ``(..., P, C)``, one argument for each method, to ``(...)``, or to ``(..., k)``."""


def estimate(
    methods: Sequence[Scores],
    statistic: Statistic,
    rng: np.random.Generator,
    *,
    tied: bool = False,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Return ``statistic`` of the ``methods``' cell means with its interval, whose ends stay within ``bounds``.

    ``tied``: the methods are several measures of the same planners, which are resampled together.
    """
    value, low, high = estimates(
        methods, lambda *means: statistic(*means)[..., None], rng,
        tied=tied, bounds=bounds, confidence=confidence, resamples=resamples,
    )  # fmt: skip
    return Estimate(float(value[0]), float(low[0]), float(high[0]))


def estimates(
    methods: Sequence[Scores],
    statistic: Statistic,
    rng: np.random.Generator,
    *,
    tied: bool = False,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return k statistics ``(k,)`` with the lower and the upper ends of their intervals, like ``estimate`` of one."""
    _check(methods)
    means = [cell_means(method) for method in methods]
    value = statistic(*means)
    draws = statistic(*_episode_draws(methods, means, rng, resamples)) - value
    for drawn, planners in _planner_draws(means, rng, resamples, tied):
        draws = draws + widening(planners, confidence) * (statistic(*drawn) - value)
    low, high = np.nanquantile(draws, ((1 - confidence) / 2, (1 + confidence) / 2), axis=0)
    return value, np.clip(value + low, *bounds), np.clip(value + high, *bounds)


def share(scores: Scores, rng: np.random.Generator, statistic: Statistic | None = None) -> Estimate:
    """Return the mean share over planners and cells (or another ``statistic`` of shares) with its interval in [0, 1].

    It is never narrower than Wilson's of as many episodes as there are different ones: five planners that drive a
    hundred episodes have not driven five hundred.
    """
    found = estimate([scores], statistic or mean_of_cells, rng, bounds=(0.0, 1.0))
    episodes = sum(int((~np.isnan(cell)).any(axis=0).sum()) for cell in scores)
    return no_narrower(found, wilson(min(found.value, 1.0) * episodes, episodes)) if episodes else found


def difference_of_shares(ours: Scores, theirs: Scores, rng: np.random.Generator) -> Estimate:
    """Return the difference of two mean shares in the same episodes with its interval.

    Where neither varies the interval is made of both shares' own ones (Newcombe, 1998, method 10), which is
    wider.
    """
    found = estimate([ours, theirs], lambda a, b: mean_of_cells(a) - mean_of_cells(b), rng, bounds=(-1.0, 1.0))
    if found.low < found.high:
        return found
    a, b = share(ours, rng), share(theirs, rng)
    low = found.value - np.hypot(a.value - a.low, b.high - b.value)
    high = found.value + np.hypot(a.high - a.value, b.value - b.low)
    return Estimate(found.value, float(low), float(high))


def widening(count: int, confidence: float = CONFIDENCE) -> float:
    """Return the factor by which deviations of resampled means of ``count`` values are too small; 0 for one value."""
    if count < 2:
        return 0.0
    level = (1 + confidence) / 2
    return float(np.sqrt(count / (count - 1)) * stdtrit(count - 1, level) / ndtri(level))


def mean_of_cells(means: FloatArray) -> FloatArray:
    """Return the mean over planners and cells of ``means`` ``(..., P, C)``, of those that there are."""
    return mean_where_known(means, (-2, -1))


def interquartile_mean_of_cells(means: FloatArray) -> FloatArray:
    """Return the mean of the middle half of all P x C scores of ``means`` ``(..., P, C)``."""
    rows = np.sort(means.reshape(*means.shape[:-2], -1), axis=-1)
    edges = np.arange(rows.shape[-1] + 1) / rows.shape[-1]
    inside = np.clip(edges[1:], 0.25, 0.75) - np.clip(edges[:-1], 0.25, 0.75)
    return np.asarray(rows @ inside / inside.sum())


def profile_of_cells(means: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Return the share of the P x C scores of ``means`` ``(..., P, C)`` above each threshold, ``(..., k)``.

    Source: performance profiles in Agarwal et al. (2021), "Deep RL at the Edge of the Statistical Precipice".
    """
    return np.stack([np.asarray((means > threshold).mean(axis=(-2, -1))) for threshold in thresholds], axis=-1)


def probability_of_improvement(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    """Return the chance that a planner of ours beats one of theirs in a cell, both drawn at random; a tie is half.

    ``ours`` ``(..., P, C)``, ``theirs`` ``(..., Q, C)``. Source: Agarwal et al. (2021), equation for P(X > Y).
    """
    apart = ours[..., :, None, :] - theirs[..., None, :, :]
    return np.asarray(((apart > 0) + 0.5 * (apart == 0)).mean(axis=(-3, -2, -1)))


def mean_where_known(values: FloatArray, axis: int | tuple[int, ...]) -> FloatArray:
    """Return the mean over ``axis`` of what is no NaN; NaN where there is nothing."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def cell_means(method: Scores) -> FloatArray:
    """Return the means ``(P, C)`` of each planner in each cell."""
    return np.stack([mean_where_known(cell, 1) for cell in method], axis=-1)


def _check(methods: Sequence[Scores]) -> None:
    sizes = {tuple(cell.shape[-1] for cell in method) for method in methods}
    if len(sizes) != 1 or not all(0 not in size and size for size in sizes):
        raise ValueError(f"methods need the same cells, each with the same episodes, got {sorted(sizes)}")


def _episode_draws(
    methods: Sequence[Scores], means: Sequence[FloatArray], rng: np.random.Generator, resamples: int
) -> list[FloatArray]:
    """Return for each method its cell means ``(R, P, C)`` over resampled episodes, the same ones for all methods."""
    drawn: list[list[FloatArray]] = [[] for _ in methods]
    sizes = [cell.shape[1] for cell in methods[0]]
    of_size = {size: _resampled_counts(size, resamples, rng) for size in dict.fromkeys(sizes)}
    for c, size in enumerate(sizes):
        counts = of_size[size]
        for place, method, mean in zip(drawn, methods, means, strict=True):
            place.append(_weighted(method[c], counts, mean[:, c]))
    return [np.stack(cells, axis=-1) for cells in drawn]


def _weighted(cell: FloatArray, counts: FloatArray, mean: FloatArray) -> FloatArray:
    """Return the planners' means ``(R, P)`` over resampled episodes, whose spread is that of a fresh sample.

    A resample of n varies as if there were n - 1 (the factor matters for five episodes, not for a hundred).
    """
    known = ~np.isnan(cell)
    weight = counts @ known.T.astype(np.float64)
    total = counts @ np.where(known, cell, 0.0).T
    # A resample with nothing known says what the sample says.
    found = np.where(weight > 0.0, total / np.maximum(weight, 1.0), mean)
    n = cell.shape[1]
    return np.asarray(mean + (found - mean) * (np.sqrt(n / (n - 1)) if n > 1 else 1.0))


def _resampled_counts(n: int, resamples: int, rng: np.random.Generator) -> FloatArray:
    """Return how often each of n rows is in each resample, ``(R, n)``."""
    return rng.multinomial(n, np.full(n, 1.0 / n), size=resamples).astype(np.float64)


def _planner_draws(
    means: Sequence[FloatArray], rng: np.random.Generator, resamples: int, tied: bool
) -> list[tuple[list[FloatArray], int]]:
    """Return for each method with several planners the means of all methods with that one's planners resampled."""
    if tied:
        count = len(means[0])
        chosen = rng.integers(count, size=(resamples, count))
        return [([mean[chosen] for mean in means], count)] if count > 1 else []
    draws = []
    for place, mean in enumerate(means):
        if len(mean) > 1:
            chosen = rng.integers(len(mean), size=(resamples, len(mean)))
            draws.append(([mean[chosen] if k == place else other for k, other in enumerate(means)], len(mean)))
    return draws
