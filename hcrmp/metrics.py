"""What an episode is measured by, and what a cell of the results table says.

The paper names its metrics without defining them; the definitions here are ours:

========================  =======================================================================================
SR   success rate         share of episodes that reach the goal in time with no collision, on the road, unviolated
CR   collision rate       share of episodes that end in a collision
     off-road, timeout,   shares of episodes that end so; SR + CR + these three = 1
     violation rate
AS   average speed        mean over episodes of the episode's mean speed over time, m/s
TD   total distance       mean over episodes of the distance driven, m
TS   time                 mean over episodes of the simulated duration, s
SV   speed variance       mean over episodes of the variance of speed over time, (m/s)^2
AV   acceleration var.    mean over episodes of the variance of the longitudinal acceleration over time, (m/s2)^2
     jerk                 mean over episodes of the mean absolute longitudinal jerk, m/s3
     min TTC              mean over episodes of the least time to a collision with whoever is in the way at the present
                          velocities, 10 s where it was never less, s
     lane invasions       manoeuvres over a border of the lane, of all episodes / km of all episodes: whoever overtakes
     per km               has some
     collisions per mile  collisions of all episodes / miles of all episodes; where there were none the interval is
                          Poisson's
     SCM calls            times that the cache was called / times that a hint was due, over all episodes
     hints asked,         times that the provider was asked, that the cache served, that neither did, and answers that
     cached, stale,       were malformed, late or missing, each / times that a hint was due, over all episodes
     invalid, late,
     missing
     completion           mean over routes of the share of the route that was driven, at most 1
     leaderboard-2.0,     mean over routes of the driving score of that form in [0, 100], see
     bench2drive,         ``envs.metrics.driving_score``; red lights, stop signs, wrong ways: mean number on a route
     leaderboard-2.1
     safebench            SafeBench's final score over its scenarios, 0 at best (``envs.metrics.safebench``);
                          safebench completion: mean share of their routes that was driven
     preventable          of the episodes of UN R157's situations: share that ends in a collision which the regulation's
     collisions           careful driver would have avoided; unavoidable collisions: which it would not; unavoidable
                          situations: share, driven well or not, that it would not have mastered
                          (``envs.metrics.r157_watch``)
========================  =======================================================================================

Episodes that the infrastructure ended (a server died) say nothing of the planner: they are counted apart and enter
no metric. An episode that crashes at once is short, so per-episode means weigh episodes, not seconds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.metrics.safebench import SafeBenchDrive, safebench_score
from envs.scenarios.r157 import R157
from envs.scenarios.safebench import SAFEBENCH
from hcrmp import crossed
from hcrmp.episode_record import EpisodeRecord, Outcome
from hcrmp.episode_sample import EpisodeSample
from hcrmp.statistics import Estimate, FloatArray

METRES_PER_MILE = 1609.344


@dataclass(frozen=True, slots=True)
class CellSummary:
    """The metrics of one cell, or of several: each an ``Estimate`` by the short name of the table above.

    ``episodes`` that count; ``infrastructure`` failures that do not.
    """

    cell: str
    episodes: int
    infrastructure: int
    metrics: dict[str, Estimate]

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values for JSON."""
        return dataclasses.asdict(self)


_RATES: dict[str, Outcome] = {
    "SR": "success",
    "CR": "collision",
    "off_road": "off_road",
    "timeout": "timeout",
    "violation": "violation",
}
_MEANS = {
    "AS": "mean_speed_mps",
    "TD": "distance_m",
    "TS": "time_s",
    "SV": "speed_variance",
    "AV": "acceleration_variance",
    "jerk": "mean_abs_jerk",
    "min_ttc": "min_ttc_s",
    "progress": "progress",
}
_SHARE, _SCORE, _NOT_NEGATIVE, _ANY = (0.0, 1.0), (0.0, 100.0), (0.0, np.inf), (-np.inf, np.inf)
"""Bounds of what an episode can have."""
_SIGNED = ("AS", "progress")
"""Means that are negative where the ego drives backwards."""
_HINTS = {
    "hints_asked": "asked",
    "hints_cached": "hits",
    "hints_stale": "stale",
    "hints_invalid": "invalid",
    "hints_late": "late",
    "hints_missing": "missing",
}
_COUNTS = {"red_lights": "red_light", "stop_signs": "stop_sign", "wrong_ways": "wrong_way"}
FORMS = ("leaderboard-2.0", "bench2drive", "leaderboard-2.1")
"""Published forms of the driving score."""
_VERDICTS = ("preventable_collisions", "unavoidable_collisions", "unavoidable_situations")


def summarise(cell: str, records: Iterable[EpisodeRecord], rng: np.random.Generator) -> CellSummary:
    """Return the metrics of ``records`` with intervals over episodes, and over planners where there are several."""
    all_records = list(records)
    valid = [record for record in all_records if record.outcome != "infrastructure"]
    if not valid:
        return CellSummary(cell, 0, len(all_records), {})
    sample = _sample(valid, rng)
    metrics = {name: sample.rate(_ended(valid, outcome)) for name, outcome in _RATES.items()}
    for name, one in _MEANS.items():
        metrics[name] = sample.mean(_column(valid, one), _ANY if name in _SIGNED else _NOT_NEGATIVE)
    miles = _column(valid, "distance_m") / METRES_PER_MILE
    metrics["collisions_per_mile"] = sample.ratio(_ended(valid, "collision"), miles)
    due = _column(valid, "hints_due")
    if due.sum() > 0:
        metrics["scm_calls"] = sample.ratio(_column(valid, "cache_calls"), due, most=1.0)
    routes = [record for record in valid if record.driving_scores]
    if routes:
        metrics |= _route_metrics(routes, rng)
    scored = [record for record in valid if record.scenario in SAFEBENCH]
    if scored:
        sample = _sample(scored, rng)
        metrics["safebench"] = sample.mean([_safebench(record) for record in scored], _SHARE)
        metrics["safebench_completion"] = sample.mean(_completed(scored), _SHARE)
    judged = [record for record in valid if record.scenario in R157]
    if judged:
        metrics |= {name: _sample(judged, rng).rate(hits) for name, hits in _verdicts(judged).items()}
    kilometres = _column(valid, "distance_m") / 1000.0
    metrics["lane_invasions_per_km"] = _sample(valid, rng).ratio(_column(valid, "lane_invasions"), kilometres)
    if due.sum() > 0 and all(record.hint_counts for record in valid):
        # A stream of its own, so that these draws move no other interval.
        metrics |= _hint_metrics(valid, due, rng.spawn(1)[0])
    return CellSummary(cell, len(valid), len(all_records) - len(valid), metrics)


def _hint_metrics(records: Sequence[EpisodeRecord], due: FloatArray, rng: np.random.Generator) -> dict[str, Estimate]:
    """Return the shares of the ``due`` hints (n) by what happened to them."""
    columns = {name: [record.hint_counts[counter] for record in records] for name, counter in _HINTS.items()}
    return {name: _sample(records, rng).ratio(counts, due, most=1.0) for name, counts in columns.items()}


def _sample(records: Sequence[EpisodeRecord], rng: np.random.Generator) -> EpisodeSample:
    return EpisodeSample([one.planner_seed for one in records], [(one.cell, one.seed) for one in records], rng)


def _route_metrics(routes: Sequence[EpisodeRecord], rng: np.random.Generator) -> dict[str, Estimate]:
    sample = _sample(routes, rng)
    found = {"completion": sample.mean(_completed(routes), _SHARE)}
    for form in FORMS:
        found[form] = sample.mean([record.driving_scores[form] for record in routes], _SCORE)
    for name, kind in _COUNTS.items():
        counts = [sum(one.kind == kind for one in record.infractions) for record in routes]
        found[name] = sample.mean(counts, _NOT_NEGATIVE)
    return found


def _completed(records: Sequence[EpisodeRecord]) -> FloatArray:
    """Return the share of each route that was driven, in [0, 1]."""
    return np.clip(_column(records, "progress"), 0.0, 1.0)


def _safebench(record: EpisodeRecord) -> float:
    completion = float(_completed([record])[0])
    drive = SafeBenchDrive(
        record.outcome == "collision", record.off_road_m, record.route_distance_m, completion, record.time_s
    )
    return safebench_score([drive], record.time_limit_s)


def _verdicts(records: Sequence[EpisodeRecord]) -> dict[str, FloatArray]:
    """Return for each episode whether it counts, by metric; a collision with nobody's manoeuvre is preventable."""
    unavoidable = np.array([record.careful_driver == "unavoidable" for record in records])
    collided = _ended(records, "collision") > 0.5
    hits = (collided & ~unavoidable, collided & unavoidable, unavoidable)
    return {name: hit.astype(np.float64) for name, hit in zip(_VERDICTS, hits, strict=True)}


def summarise_cells(records: Sequence[EpisodeRecord], rng: np.random.Generator) -> list[CellSummary]:
    """Return one summary for each cell of ``records``, in order of first appearance."""
    return [summarise(cell, rows, rng) for cell, rows in by_cell(records).items()]


def mean_success(records: Sequence[EpisodeRecord], rng: np.random.Generator) -> Estimate:
    """Return the mean of the cells' success rates, every cell weighing the same: the paper's headline number.

    The interval goes over episodes within their cell, and planners (their training seeds) where there are several.
    """
    valid = [record for record in records if record.outcome != "infrastructure"]
    return crossed.estimate([cell_scores(valid, succeeded)], crossed.mean_of_cells, rng, bounds=(0.0, 1.0))


def succeeded(record: EpisodeRecord) -> float:
    """Return 1 for a success and 0 for anything else."""
    return float(record.outcome == "success")


def cell_scores(
    records: Sequence[EpisodeRecord],
    measure: Callable[[EpisodeRecord], float],
    cells: Mapping[str, Sequence[int]] | None = None,
) -> list[FloatArray]:
    """Return ``measure`` by planner (training seed) and episode, ``(P, n_c)`` for each cell, as ``crossed`` has it.

    ``cells`` are the episode seeds of each cell, so that the columns of two planners are the same episodes; by default
    those of ``records``. Repetitions count by their mean; NaN where an episode was not driven to its end.
    """
    found = cells or {name: sorted({one.seed for one in rows}) for name, rows in by_cell(records).items()}
    planners = sorted({record.planner_seed for record in records})
    values: dict[tuple[int, str, int], list[float]] = {}
    for record in records:
        if record.outcome != "infrastructure":
            values.setdefault((record.planner_seed, record.cell, record.seed), []).append(measure(record))
    return [
        np.array([[_mean_of(values.get((planner, name, seed))) for seed in seeds] for planner in planners])
        for name, seeds in found.items()
    ]


def _mean_of(values: Sequence[float] | None) -> float:
    return float(np.mean(values)) if values else float("nan")


def by_cell(records: Iterable[EpisodeRecord]) -> dict[str, list[EpisodeRecord]]:
    """Return the records grouped by cell, in order of first appearance."""
    cells: dict[str, list[EpisodeRecord]] = {}
    for record in records:
        cells.setdefault(record.cell, []).append(record)
    return cells


def _ended(records: Sequence[EpisodeRecord], outcome: Outcome) -> FloatArray:
    return np.array([record.outcome == outcome for record in records], dtype=np.float64)


def _column(records: Sequence[EpisodeRecord], field: str) -> FloatArray:
    return np.array([getattr(record, field) for record in records], dtype=np.float64)
