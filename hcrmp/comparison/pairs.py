"""Every pair of planners on the same episodes: the difference, its interval, a test, and who would beat whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from hcrmp import crossed
from hcrmp.comparison.analysis import RATE, Cells, MethodDrives
from hcrmp.comparison.significance import SIGN_FLIP, holm, mcnemar, sign_flip, welch
from hcrmp.crossed import Scores
from hcrmp.metrics import cell_scores, succeeded
from hcrmp.statistics import Estimate, FloatArray

METRIC = "SR"


@dataclass(frozen=True, slots=True)
class Pair:
    """Planner ``a`` against ``b`` in ``episodes`` that both drove: ``difference`` of their means (a - b) and its test.

    ``p_adjusted`` for all pairs (Holm). ``only_a``, ``only_b``: episodes that the one or the other alone mastered, with
    McNemar's p, where each is one planner; else None.
    """

    a: str
    b: str
    metric: str
    episodes: int
    difference: Estimate
    p: float
    p_adjusted: float
    test: str
    only_a: int | None
    only_b: int | None
    mcnemar_p: float | None
    probability_of_improvement: Estimate


def pairs_of(methods: Sequence[MethodDrives], cells: Cells, seed: int) -> tuple[Pair, ...]:
    """Return every pair of ``methods``, with p values adjusted for their number; ``seed`` of the random draws."""
    scored = [(one, cell_scores(one.records, succeeded, cells)) for one in methods if one.records]
    found = [_pair(*first, *second, seed) for first, second in combinations(scored, 2)]
    return tuple(replace(one, p_adjusted=p) for one, p in zip(found, holm([one.p for one in found]), strict=True))


def _pair(a: MethodDrives, ours: Scores, b: MethodDrives, theirs: Scores, seed: int) -> Pair:
    rng = np.random.default_rng(seed)
    apart = [_apart(first, second) for first, second in zip(ours, theirs, strict=True)]
    single = len(a.members) == len(b.members) == 1
    if single:
        difference = crossed.difference_of_shares(ours, theirs, rng)
        p, test = sign_flip([cell for cell in apart if cell.size], rng), SIGN_FLIP
        only_a, only_b = (int(sum((sign * cell > 0.0).sum() for cell in apart)) for sign in (1, -1))
        alone: tuple[int | None, int | None, float | None] = (only_a, only_b, mcnemar(only_a, only_b))
    else:
        found = welch(ours, theirs)
        difference, p, test = found.estimate, found.p, found.test
        alone = (None, None, None)
    improvement = crossed.estimate([ours, theirs], crossed.probability_of_improvement, rng, bounds=RATE)
    return Pair(
        a.planner, b.planner, METRIC, sum(cell.size for cell in apart), difference, p, p, test, *alone, improvement
    )


def _apart(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    """Return the differences of the planners' means in the episodes of a cell that both drove, ``(n,)``."""
    apart = crossed.mean_where_known(ours, 0) - crossed.mean_where_known(theirs, 0)
    return apart[~np.isnan(apart)]
