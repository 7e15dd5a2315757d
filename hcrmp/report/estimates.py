"""Means of contestants with their intervals, and differences on the same episodes: as ``hcrmp evaluate`` has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hcrmp import crossed, statistics
from hcrmp.episode_record import EpisodeRecord
from hcrmp.metrics import by_cell, cell_scores
from hcrmp.report.contestants import Contestant
from hcrmp.statistics import Estimate

Of = Callable[[EpisodeRecord], float]
"""A number of an episode."""

NOTHING = Estimate(math.nan, math.nan, math.nan)


def estimate(
    contestant: Contestant, of: Of, seed: int, bounds: tuple[float, float] = (-math.inf, math.inf)
) -> Estimate:
    """Return the mean of ``of`` over planners and cells, each weighing the same, with its interval.

    Episodes are resampled within their cell, and planners where there are several (``hcrmp.crossed``). Shares that are
    0 or 1 throughout get Wilson's interval. ``bounds`` hold any number of an episode.
    """
    records = contestant.records
    if not records:
        return NOTHING
    scores, rng = cell_scores(records, of), np.random.default_rng(seed)
    if all(of(record) in (0.0, 1.0) for record in records):
        return crossed.share(scores, rng)
    return crossed.estimate([scores], crossed.mean_of_cells, rng, bounds=bounds)


def in_cell(contestant: Contestant, cell: str, of: Of, seed: int) -> Estimate:
    """Return the share in one cell: Wilson's interval for one planner, which suits few episodes, else over planners."""
    parts = [tuple(record for record in one.records if record.cell == cell) for one in contestant.evaluations]
    kept = [replace(one, records=part) for one, part in zip(contestant.evaluations, parts, strict=True) if part]
    alone = replace(contestant, evaluations=tuple(kept))
    rows = alone.records
    if len(kept) == 1 and rows:
        return statistics.wilson(int(sum(map(of, rows))), len(rows))
    return estimate(alone, of, seed)


def difference(ours: Contestant, theirs: Contestant, of: Of, seed: int) -> tuple[Estimate, int]:
    """Return the share of ``ours`` less that of ``theirs`` on the episodes that both drove, and how many these are."""
    mine, other = by_cell(ours.records), by_cell(theirs.records)
    common = {
        cell: sorted({record.seed for record in rows} & {record.seed for record in other.get(cell, ())})
        for cell, rows in mine.items()
    }
    common = {cell: seeds for cell, seeds in common.items() if seeds}
    if not common:
        return NOTHING, 0
    scores = [cell_scores(who.records, of, common) for who in (ours, theirs)]
    found = crossed.difference_of_shares(scores[0], scores[1], np.random.default_rng(seed))
    return found, sum(map(len, common.values()))
