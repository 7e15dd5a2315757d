"""From what one planner drove to what is told of it: estimates, its profile, its failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hcrmp import crossed
from hcrmp.comparison.contestants import Contestant, Kind
from hcrmp.comparison.failures import Failure, Judged, Lost, failures_of, lost_of
from hcrmp.comparison.journal import Attempt, Key
from hcrmp.crossed import Scores
from hcrmp.episode_record import EpisodeRecord
from hcrmp.metrics import CellSummary, cell_scores, succeeded
from hcrmp.results import summaries_of
from hcrmp.statistics import Estimate, FloatArray

THRESHOLDS = tuple(k / 20 for k in range(20))
"""Success rates at which the performance profile is told."""

RATE = (0.0, 1.0)

Cells = Mapping[str, Sequence[int]]
"""The episode seeds of each cell, by its name; an episode's number is its place."""


@dataclass(frozen=True, slots=True)
class MethodDrives:
    """All ``attempts`` of one planner's ``members`` at the episodes, in the order of the results."""

    planner: str
    kind: Kind
    members: tuple[Contestant, ...]
    attempts: dict[Key, list[Attempt]]

    @property
    def records(self) -> list[EpisodeRecord]:
        """The last record of each episode, where there is one; those that the infrastructure broke off say so."""
        found = (tried[-1].record for tried in self.attempts.values())
        return [record for record in found if record is not None]


@dataclass(frozen=True, slots=True)
class Success:
    """Success rates, every cell weighing the same.

    ``retried``: lost episodes by what became of them; ``counted_as_zero``: those whose first attempt was lost are no
    success; ``iqm`` the interquartile mean over training seeds and cells; ``seeds`` the rate of each training seed.
    """

    retried: Estimate
    counted_as_zero: Estimate
    iqm: Estimate
    seeds: dict[int, float]


@dataclass(frozen=True, slots=True)
class Profile:
    """Share of (training seed, cell) whose success rate is above each threshold, with its band; each ``(k,)``."""

    thresholds: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PlannerResult:
    """What is told of one planner; ``collisions`` by whether they were "preventable", "unavoidable" or "unjudged"."""

    name: str
    kind: Kind
    members: tuple[Contestant, ...]
    summaries: tuple[CellSummary, ...]
    success: Success
    profile: Profile
    failures: tuple[Failure, ...]
    infrastructure: Lost
    collisions: dict[str, int]


def planner_result(drives: MethodDrives, cells: Cells, judged: Judged, seed: int) -> PlannerResult:
    """Return what is told of one planner.

    ``judged``: how the reference driver ended the episodes; ``seed`` of the bootstrap, the same for every planner: who
    else is compared changes no interval.
    """
    records = drives.records
    failures = failures_of(drives.attempts, judged)
    collisions = Counter(one.verdict or "unjudged" for one in failures if one.outcome == "collision")
    scores = cell_scores(records, succeeded, cells)
    return PlannerResult(
        name=drives.planner, kind=drives.kind, members=drives.members, summaries=tuple(summaries_of(records, seed)),
        success=_success(drives, cells, scores, seed), profile=_profile(scores, seed), failures=failures,
        infrastructure=lost_of(drives.attempts), collisions=dict(sorted(collisions.items())),
    )  # fmt: skip


def _success(drives: MethodDrives, cells: Cells, scores: Scores, seed: int) -> Success:
    zeros = with_lost_as_zero(drives, cells)
    retried, zero, iqm = (
        crossed.share(found, np.random.default_rng(seed), statistic)
        for found, statistic in (
            (scores, crossed.mean_of_cells),
            (zeros, crossed.mean_of_cells),
            (scores, crossed.interquartile_mean_of_cells),
        )
    )
    of_seed = crossed.mean_where_known(crossed.cell_means(scores), 1)
    return Success(retried, zero, iqm, dict(zip(_train_seeds(drives), of_seed.tolist(), strict=True)))


def with_lost_as_zero(drives: MethodDrives, cells: Cells) -> Scores:
    """Return the success of each episode as ``crossed`` has it, none where the first attempt was lost."""
    row = {seed: k for k, seed in enumerate(_train_seeds(drives))}
    row_of = {one.name: row[one.planner_seed] for one in drives.members}
    won, driven = ({name: np.zeros((len(row), len(seeds))) for name, seeds in cells.items()} for _ in range(2))
    for (member, cell, number, _), tried in drives.attempts.items():
        record = tried[-1].record
        good = record is not None and succeeded(record) > 0.0 and not tried[0].lost
        won[cell][row_of[member], number] += good
        driven[cell][row_of[member], number] += 1.0
    return [_share(won[name], driven[name]) for name in cells]


def _share(won: FloatArray, driven: FloatArray) -> FloatArray:
    return np.where(driven > 0.0, won / np.maximum(driven, 1.0), np.nan)


def _train_seeds(drives: MethodDrives) -> list[int]:
    return sorted({one.planner_seed for one in drives.members})


def _profile(scores: Scores, seed: int) -> Profile:
    thresholds = np.array(THRESHOLDS)
    lines = crossed.estimates(
        [scores], lambda means: crossed.profile_of_cells(means, thresholds), np.random.default_rng(seed), bounds=RATE
    )
    value, low, high = (tuple(map(float, line)) for line in lines)
    return Profile(THRESHOLDS, value, low, high)
