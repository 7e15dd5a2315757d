"""What a run's evaluations say of its planner, for the model card: how it drove, and where it fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from envs.own_code import without_folder
from hcrmp.episode_record import EpisodeRecord
from hcrmp.errors import RunFolderError
from hcrmp.metrics import CellSummary
from hcrmp.report.failures import ending
from hcrmp.results import MEAN, estimate_text, mean_of, records_of, summaries_of
from hcrmp.run_folder import RunFolder, read_json
from hcrmp.scenario_options import scenario_override

Metric = tuple[str, str, float, int]
Row = tuple[str, ...]

METRICS: tuple[Metric, ...] = (
    ("SR", "success %", 100.0, 0), ("CR", "collisions %", 100.0, 0), ("off_road", "off road %", 100.0, 0),
    ("timeout", "timeouts %", 100.0, 0), ("violation", "violations %", 100.0, 0), ("AS", "speed m/s", 1.0, 1),
)  # fmt: skip
"""Metrics of ``hcrmp.metrics``, their headings, factors and decimals."""

ROUTE_METRIC: Metric = ("leaderboard-2.1", "driving score 2.1", 1.0, 1)
"""The metric that is told beside them where all that was driven are routes."""

MOST_ROWS = 12
"""Cells that are told of one by one (those of the paper); of more, the three densities of a family are one row."""

MOST_FAILURES = 6
"""Rows of what fails most."""


@dataclass(frozen=True)
class Measured:
    """One evaluation of the run: its name, how it was made and where.

    ``rows`` are (cell or family, episodes, a text for each metric), the metrics' ``headings``; ``failures`` (cell or
    family, how many of how many episodes failed, how most of them ended), the most failed first.
    """

    label: str
    command: str
    simulator: str
    headings: Row
    rows: tuple[Row, ...]
    failures: tuple[Row, ...]


def measured_tables(folder: RunFolder) -> list[Measured]:
    """Return the evaluations of a run's planner; those of other drivers are left out."""
    tables = []
    for path in sorted(folder.evaluation.glob("*.json")):
        try:
            found = read_json(path)
            (planner,) = found["planners"]
            if planner["kind"] != "driver":
                tables.append(_measured(path, found))
        except (RunFolderError, KeyError, TypeError, ValueError, AttributeError):
            continue  # another kind of file, or one that is being written: the card tells of what can be read
    return tables


def _measured(path: Path, found: Mapping[str, Any]) -> Measured:
    config = found["config"]
    asked = [scenario_override(list(map(without_folder, config["scenario"]["families"])))]
    asked += [f"{key}={config[key]}" for key in ("density", "episodes", "seed")]
    asked.append(f"ends_at={found['protocol']['ends_at']}")
    records = records_of(path, found)
    by_place = _by_place(records)
    summaries = _summaries(by_place, records, int(config["seed"]))
    routes = all(ROUTE_METRIC[0] in summary.metrics for summary in summaries)
    metrics = (*METRICS, ROUTE_METRIC) if routes else METRICS
    return Measured(
        label=str(found["label"]),
        command=" ".join(asked),
        simulator=str(found["protocol"]["simulator"]),
        headings=tuple(heading for _, heading, *_ in metrics),
        rows=tuple(_row(summary, metrics) for summary in summaries),
        failures=_failures(by_place),
    )


def _by_place(records: Sequence[EpisodeRecord]) -> dict[str, list[EpisodeRecord]]:
    """Return the records by cell; by family where there are many cells."""
    few = len({record.cell for record in records}) <= MOST_ROWS
    places: dict[str, list[EpisodeRecord]] = {}
    for record in records:
        places.setdefault(record.cell if few else record.scenario, []).append(record)
    return places


def _summaries(
    by_place: Mapping[str, Sequence[EpisodeRecord]], records: Sequence[EpisodeRecord], seed: int
) -> list[CellSummary]:
    """Return the summary of each place and that over all; of cells they are those of the evaluation itself."""
    if all(name == rows[0].cell for name, rows in by_place.items()):
        return list(summaries_of(records, seed))
    rng = np.random.default_rng(seed)
    return [*(mean_of(name, rows, rng) for name, rows in by_place.items()), mean_of(MEAN, records, rng)]


def _row(summary: CellSummary, metrics: Sequence[Metric]) -> Row:
    told = (summary.metrics.get(name) for name, *_ in metrics)
    texts = ("-" if one is None else estimate_text(one, *how[2:]) for one, how in zip(told, metrics, strict=True))
    return (summary.cell, str(summary.episodes), *texts)


def _failures(by_place: Mapping[str, Sequence[EpisodeRecord]]) -> tuple[Row, ...]:
    """Return where the largest shares of episodes failed, and as what most of them."""
    told = []
    for name, rows in by_place.items():
        driven = [record for record in rows if record.outcome != "infrastructure"]
        ends = Counter(str(ending(record)[0]) for record in driven if record.outcome != "success")
        if ends:
            words = ", ".join(f"{kind} ({count})" for kind, count in ends.most_common(2))
            told.append((ends.total() / len(driven), (name, f"{ends.total()} of {len(driven)}", words)))
    return tuple(row for _, row in sorted(told, key=lambda entry: -entry[0])[:MOST_FAILURES])
