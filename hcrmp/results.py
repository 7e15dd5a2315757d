"""What an evaluation leaves: one JSON file, the recorded drives, and tables for people.

The file, of one planner (``runs/<run>/evaluation/<label>.json``) and of several
(``evaluations/<label>/results.json``) alike. An *estimate* is ``{"value", "low", "high"}``, the ends of its 95 %
interval; null stands where there is no number. A *member* is one trained planner, a *planner* a method: its members
differ in their training seed alone. Times are simulated seconds from the episode's begin.

    format      "hcrmp evaluation"; version: 2 (a reader refuses a greater one)
    label       its name; config: the command's settings; provenance: versions, commit, machine, command, time
    protocol    {name, version, hash, families, density, map, randomise, episodes, seed, repetitions, ends_at, hints,
                simulator, deterministic, train_seeds}: results whose ``hash`` differs must not be compared
    cells       names of the cells ("merging/low"), in the order of the tables
    planners    [{
      name        in tables; kind: "run", "driver" or "file"
      members     [{name, path, planner_seed, checksum, unfinished, hint_latency}]; path: to the run's folder or file,
                  from the JSON's folder, "" for a driver; hint_latency: percentiles of its provider's wall time, {}
                  where they were not measured
      collisions  {preventable, unavoidable, unjudged}: how many of each
      summaries   [{cell, episodes, infrastructure, metrics: {name: estimate}}], one for each cell and "mean" at the end
                  (``hcrmp.metrics`` explains the names; intervals go over members and episodes)
      success     {retried: estimate, counted_as_zero: estimate, iqm: estimate, seeds: {planner_seed: value}}: mean over
                  cells; counted_as_zero: an episode whose first attempt was lost to the infrastructure is no success
      profile     {thresholds: [t], values: [t], low: [t], high: [t]}: share of (member, cell) whose success rate is
                  above each threshold, with a pointwise band
      failures    [{member, cell, number, seed, repetition, outcome, moment_s, cause, verdict, drive}]: episodes that
                  did not succeed; cause: what was hit or broken, in words; verdict: "preventable", "unavoidable" or ""
                  (nobody can say); drive: path of the recorded drive from the JSON's folder, null where there is none
      infrastructure {lost_attempts, episodes_lost_first, recovered, given_up, errors: {text: count}}
    }]
    pairs       [{a, b, metric, episodes, difference: estimate (a - b), p, p_adjusted, test, only_a, only_b, mcnemar_p,
                probability_of_improvement: estimate}], every pair of planners on the same episodes; p_adjusted: Holm's
    drift       {compared, changed: [{member, cell, number, repetition, before, after}]} against the evaluation that
                stood here before; null where there was none
    drives      names of the recorded drives
    episodes    [{...an EpisodeRecord, planner, member, number, repetition, attempts, trace_hash}]
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from envs.termination import EndsAt
from hcrmp import metrics
from hcrmp.episode_record import EpisodeRecord
from hcrmp.errors import RunFolderError
from hcrmp.metrics import CellSummary
from hcrmp.run_folder import read_json
from hcrmp.statistics import Estimate
from llm_hints.asking import Latency

RESULTS_FILE = "results.json"
"""Name of the results of several planners in their folder."""

MEAN = "mean"
"""Name of the row over all cells."""

TABLE_WIDTH = 150
"""Columns of a table that is not written to a terminal."""

Columns = tuple[tuple[str, str, float, int], ...]

OUTCOME_COLUMNS: Columns = (
    ("SR %", "SR", 100.0, 0),
    ("CR %", "CR", 100.0, 0),
    ("off road %", "off_road", 100.0, 0),
    ("timeout %", "timeout", 100.0, 0),
    ("violation %", "violation", 100.0, 0),
    ("coll. / mile", "collisions_per_mile", 1.0, 1),
    ("SCM calls %", "scm_calls", 100.0, 0),
)
DRIVING_COLUMNS: Columns = (
    ("AS m/s", "AS", 1.0, 2),
    ("TD m", "TD", 1.0, 0),
    ("TS s", "TS", 1.0, 1),
    ("SV", "SV", 1.0, 2),
    ("AV", "AV", 1.0, 2),
    ("jerk m/s3", "jerk", 1.0, 2),
    ("min TTC s", "min_ttc", 1.0, 2),
)
HINT_COLUMNS: Columns = (
    ("asked %", "hints_asked", 100.0, 0),
    ("SCM calls %", "scm_calls", 100.0, 0),
    ("cache serves %", "hints_cached", 100.0, 0),
    ("stale %", "hints_stale", 100.0, 0),
    ("invalid %", "hints_invalid", 100.0, 0),
    ("late %", "hints_late", 100.0, 0),
    ("missing %", "hints_missing", 100.0, 0),
)
ROUTE_COLUMNS: Columns = (
    ("completion %", "completion", 100.0, 0),
    ("DS 2.0, B2D", "leaderboard-2.0", 1.0, 1),
    ("DS 2.1", "leaderboard-2.1", 1.0, 1),
    ("red lights", "red_lights", 1.0, 2),
    ("stop signs", "stop_signs", 1.0, 2),
    ("wrong ways", "wrong_ways", 1.0, 2),
)
SAFEBENCH_COLUMNS: Columns = (
    ("score (0 is best)", "safebench", 1.0, 3),
    ("SR %", "SR", 100.0, 0),
    ("CR %", "CR", 100.0, 0),
    ("completion %", "safebench_completion", 100.0, 0),
    ("time s", "TS", 1.0, 1),
)
R157_COLUMNS: Columns = (
    ("preventable collisions %", "preventable_collisions", 100.0, 0),
    ("unavoidable collisions %", "unavoidable_collisions", 100.0, 0),
    ("unavoidable situations %", "unavoidable_situations", 100.0, 0),
    ("CR %", "CR", 100.0, 0),
    ("min TTC s", "min_ttc", 1.0, 2),
)
"""Heading, metric (see ``hcrmp.metrics``), factor and decimals of each column."""

ROUTE_NOTE = (
    "DS: driving score in [0, 100] = completion x penalty. 2.0: product of factors, CARLA Leaderboard 2.0; B2D: "
    "Bench2Drive, the same without the minimum speed, which is not checked here, so that the two agree; 2.1: "
    "1 / (1 + sum), CARLA Leaderboard 2.1. Episodes end at {ends_at}; a collision always ends one, since the "
    "simulator has no physics of contact, and costs the rest of the route as well. Not to be compared with scores from "
    "CARLA."
)
"""What is said below the table of routes."""

SAFEBENCH_NOTE = (
    "score: SafeBench's final score (0.4 collision + 0.1 off road + 0.1 distance to the route + 0.3 of the route not "
    "driven + 0.1 time), of its eight scenarios on our maps: not to be compared with scores from CARLA."
)
R157_NOTE = (
    "preventable: UN R157's careful driver, put into the ego's place when the other's manoeuvre begins, would have "
    "braked in time; unavoidable: it would not. Unlike that driver the ego may steer."
)
HINT_NOTE = "shares of the times that a hint was due. Provider, wall time p50 / p95 / p99: {latency}."

ENDS: dict[EndsAt, str] = {
    "violation": "the first violation",
    "collision": "a collision, off the way by 30 m, or the time limit: all else is driven on from",
}


@dataclass(frozen=True)
class Results:
    """The episodes of one driver, and their metrics: a summary for each cell, the last one over all of them."""

    driver: str
    records: tuple[EpisodeRecord, ...]
    summaries: tuple[CellSummary, ...]
    ends_at: EndsAt = "violation"
    """What ended an episode early."""
    latency: Latency = field(default_factory=Latency)
    """Wall times of the provider of hints."""
    traces: tuple[str, ...] = ()
    """A hash of all that happened in each of ``records``."""

    @property
    def mean(self) -> CellSummary:
        """The summary over all cells."""
        return self.summaries[-1]


def summarise(
    driver: str,
    records: Sequence[EpisodeRecord],
    seed: int,
    ends_at: EndsAt = "violation",
    latency: Latency | None = None,
    traces: Sequence[str] = (),
) -> Results:
    """Return the results of ``records``; ``seed`` decides the bootstrap's draws."""
    return Results(driver, tuple(records), summaries_of(records, seed), ends_at, latency or Latency(), tuple(traces))


def summaries_of(records: Sequence[EpisodeRecord], seed: int) -> tuple[CellSummary, ...]:
    """Return the summary of each cell and that over all of them; ``seed`` decides the bootstrap's draws."""
    rng = np.random.default_rng(seed)
    cells = metrics.summarise_cells(records, rng)
    return *cells, mean_of(MEAN, records, rng)


def mean_of(name: str, records: Sequence[EpisodeRecord], rng: np.random.Generator) -> CellSummary:
    """Return the summary over several cells under a ``name``."""
    mean = metrics.summarise(name, records, rng)
    if mean.episodes and 0.0 < mean.metrics["SR"].value < 1.0:
        # Every cell weighs the same, and only the episodes in a cell are a sample. Where all of them ended alike, no
        # resample differs: there the interval stays Wilson's.
        mean.metrics["SR"] = metrics.mean_success(records, rng)
    return mean


ROW_KEYS = ("planner", "member", "number", "repetition", "attempts", "trace_hash")
"""What stands beside an episode's record in the file."""


def record_of(row: Mapping[str, Any]) -> EpisodeRecord:
    """Return the record in a row of the file's episodes."""
    return EpisodeRecord.from_dict({key: value for key, value in row.items() if key not in ROW_KEYS})


def read_records(path: Path) -> list[EpisodeRecord]:
    """Return the episodes of an evaluation's file."""
    return records_of(path, read_json(path))


def records_of(path: Path, content: Mapping[str, Any]) -> list[EpisodeRecord]:
    """Return the episodes of the ``content`` of an evaluation's file at ``path``."""
    try:
        return [record_of(row) for row in content["episodes"]]
    except (KeyError, TypeError) as error:
        raise RunFolderError(f"{path} is no evaluation result: evaluate again.") from error


def print_results(results: Results, console: Console) -> None:
    """Print the tables: how episodes ended, and how they were driven."""
    tables = [("how the episodes ended", OUTCOME_COLUMNS), ("how they were driven", DRIVING_COLUMNS)]
    extra = [one for one in _extra_tables(results) if any(one.marker in s.metrics for s in results.summaries)]
    tables += [(one.title, one.columns) for one in extra]
    for title, columns in tables:
        table = Table(title=f"{results.driver}: {title} [95 % interval]", title_justify="left", pad_edge=False)
        table.add_column("cell", no_wrap=True)
        for heading, *_ in columns:
            table.add_column(heading, justify="right")
        for summary in results.summaries:
            if summary is results.mean and len(results.summaries) > 2:
                table.add_section()
            table.add_row(summary.cell, *(_cell_text(summary, *column[1:]) for column in columns))
        print_table(table, console)
    for one in extra:
        console.print(one.note, style="dim", highlight=False)


@dataclass(frozen=True, slots=True)
class _Extra:
    """A table for scenarios of one kind: there where a summary has the metric ``marker``."""

    marker: str
    title: str
    columns: Columns
    note: str


def _extra_tables(results: Results) -> tuple[_Extra, ...]:
    route_note = ROUTE_NOTE.format(ends_at=ENDS[results.ends_at])
    hints = _Extra("hints_asked", "where the hints came from", HINT_COLUMNS, HINT_NOTE.format(latency=_times(results)))
    # Where the provider answered every question in time there is nothing to tell.
    told = any(record.hint_counts.get("answered", 0) < record.hint_counts.get("due", 0) for record in results.records)
    return (
        *((hints,) if told else ()),
        _Extra("completion", "how the routes were driven", ROUTE_COLUMNS, route_note),
        _Extra("safebench", "SafeBench's scenarios", SAFEBENCH_COLUMNS, SAFEBENCH_NOTE),
        _Extra("preventable_collisions", "UN R157's situations", R157_COLUMNS, R157_NOTE),
    )


def _times(results: Results) -> str:
    """Return the provider's percentiles in words."""
    latency = results.latency
    if not latency.batches:
        return "it was not asked"
    batch = (latency.batch_p50_ms, latency.batch_p95_ms, latency.batch_p99_ms)
    hint = (latency.hint_p50_ms, latency.hint_p95_ms, latency.hint_p99_ms)
    per_batch, per_hint = (" / ".join(f"{value:.3g}" for value in times) for times in (batch, hint))
    return f"{per_batch} ms a batch, {per_hint} ms a hint"


def print_table(table: Table, console: Console) -> None:
    """Print a table whole: wide where no terminal says how wide it may be, folded where one does."""
    for column in table.columns[1:]:
        column.overflow = "fold"
    (console if console.is_terminal else Console(file=console.file, width=TABLE_WIDTH, markup=False)).print(table)


def _cell_text(summary: CellSummary, metric: str, factor: float, decimals: int) -> str:
    estimate = summary.metrics.get(metric)
    return "-" if estimate is None else estimate_text(estimate, factor, decimals)


def estimate_text(estimate: Estimate, factor: float = 1.0, decimals: int = 0) -> str:
    """Return ``value (low-high)``."""
    if math.isnan(estimate.value):
        return "-"
    numbers = (factor * number for number in (estimate.value, estimate.low, estimate.high))
    # Without the sign of a zero: it says nothing.
    value, low, high = (f"{round(number, decimals) + 0.0:.{decimals}f}" for number in numbers)
    return f"{value} ({low}..{high})"
