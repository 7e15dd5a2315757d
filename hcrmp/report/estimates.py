"""Means of contestants with their intervals, and differences on the same episodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hcrmp import statistics
from hcrmp.metrics import EpisodeRecord, by_cell
from hcrmp.report.contestants import Contestant, valid
from hcrmp.report.sources import Evaluation
from hcrmp.statistics import Estimate, FloatArray

Of = Callable[[EpisodeRecord], float]
"""A number of an episode."""

RESAMPLES = 1000
"""Draws of each interval (a page shows no third digit)."""


def strata(contestant: Contestant, column: Of) -> list[list[FloatArray]]:
    """Return ``column`` of every episode by planner and cell, ``(n_gc,)`` each."""
    groups = []
    for one in contestant.evaluations:
        cells = by_cell(valid(one))
        if cells:
            groups.append([np.array([column(record) for record in rows], np.float64) for rows in cells.values()])
    return groups


def estimate(contestant: Contestant, column: Of, seed: int) -> Estimate:
    """Return the mean of ``column`` over planners, cells and episodes, with its interval.

    Planners are resampled, and episodes within their cell. Shares that are 0 or 1 throughout get Wilson's interval.
    """
    return of_strata(strata(contestant, column), seed)


def of_strata(groups: Sequence[Sequence[FloatArray]], seed: int) -> Estimate:
    """Return the mean over groups and strata with its interval; NaN where there is nothing."""
    if not groups:
        return Estimate(float("nan"), float("nan"), float("nan"))
    every = np.concatenate([stratum for cells in groups for stratum in cells])
    if np.isin(every, (0.0, 1.0)).all() and (every.all() or not every.any()):
        return statistics.wilson(int(every.sum()), every.size)
    return statistics.hierarchical_strata(groups, np.random.default_rng(seed), resamples=RESAMPLES)


def in_cell(contestant: Contestant, cell: str) -> Contestant:
    """Return the contestant with the episodes of one cell alone."""
    kept = [
        replace(one, records=rows)
        for one in contestant.evaluations
        if (rows := tuple(record for record in one.records if record.cell == cell))
    ]
    return replace(contestant, evaluations=tuple(kept))


def paired(ours: Contestant, theirs: Contestant, column: Of, seed: int) -> tuple[Estimate, int]:
    """Return the mean of ``ours - theirs`` on the episodes that both drove with its interval, and their number.

    Planners of the same training seeds are pairs, and one driver is the pair of all; pairs are resampled, and episodes
    within their cell. Where seeds do not match, the planners' means are compared and episodes alone are resampled.
    """
    pairs = _pairs(ours, theirs)
    groups = []
    count = 0
    for first, second in pairs:
        strata_of_pair = _differences(_by_episode(first, column), _by_episode(second, column))
        if strata_of_pair:
            groups.append(strata_of_pair)
            count += sum(len(stratum) for stratum in strata_of_pair)
    if groups and not np.concatenate([stratum for cells in groups for stratum in cells]).any():
        return Estimate(0.0, 0.0, 0.0), count
    return of_strata(groups, seed), count


Group = Sequence[Evaluation]


def _pairs(ours: Contestant, theirs: Contestant) -> list[tuple[Group, Group]]:
    one, other = ours.evaluations, theirs.evaluations
    if len(one) == 1 or len(other) == 1:
        return [((first,), (second,)) for first in one for second in other]
    if sorted(ours.seeds) == sorted(theirs.seeds) and len(set(ours.seeds)) == len(one):
        by_seed = dict(zip(theirs.seeds, other, strict=True))
        return [((first,), (by_seed[seed],)) for seed, first in zip(ours.seeds, one, strict=True)]
    return [(one, other)]


def _by_episode(evaluations: Group, column: Of) -> dict[tuple[str, int], float]:
    values: dict[tuple[str, int], list[float]] = {}
    for one in evaluations:
        for record in valid(one):
            values.setdefault((record.cell, record.seed), []).append(float(column(record)))
    return {key: float(np.mean(rows)) for key, rows in values.items()}


def _differences(ours: Mapping[tuple[str, int], float], theirs: Mapping[tuple[str, int], float]) -> list[FloatArray]:
    cells: dict[str, list[float]] = {}
    for key in ours:
        if key in theirs:
            cells.setdefault(key[0], []).append(ours[key] - theirs[key])
    return [np.array(rows) for rows in cells.values()]
