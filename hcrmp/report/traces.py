"""What recorded drives tell beyond the records: the critics' weights over scenes, and where hints came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import numpy as np
import numpy.typing as npt

from envs.recording import DriveLog, DriveLogError
from envs.risk import TTC_HORIZON_S, time_to_collision
from hcrmp.report.contestants import Contestant, Course

Numbers = npt.NDArray[np.float64]

TTC_EDGES_S = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, TTC_HORIZON_S)
"""Borders of the times to collision that weights are told over; beyond the last nobody is in the way."""

LEAST_TICKS = 20
"""Ticks below which the mean of a bin says little and is not shown."""


@dataclass
class Traces:
    """Sums over the drives of one contestant.

    ``drives`` that were read; ``weights`` by cell: sum (3,) and ticks; ``by_ttc`` sum ``(bins + 1, 3)``, of squares,
    and ticks ``(bins + 1,)``, the last bin where nobody is in the way; ``sources`` of hints, ticks by name.
    """

    contestant: Contestant
    drives: int = 0
    unreadable: int = 0
    weights: dict[str, tuple[Numbers, int]] = field(default_factory=dict)
    by_ttc: Numbers = field(default_factory=lambda: np.zeros((len(TTC_EDGES_S), 3)))
    ticks: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(TTC_EDGES_S), np.int64))
    sources: Counter[str] = field(default_factory=Counter)

    def cell_means(self) -> dict[str, Numbers]:
        """Return the mean weights (3,) in each cell."""
        return {cell: total / count for cell, (total, count) in self.weights.items()}

    def ttc_means(self) -> list[Numbers | None]:
        """Return the mean weights (3,) in each bin of time to collision; None where it has too few ticks."""
        pairs = zip(self.by_ttc, self.ticks.tolist(), strict=True)
        return [total / count if count >= LEAST_TICKS else None for total, count in pairs]


def read_traces(course: Course, most: int) -> list[Traces]:
    """Return what up to ``most`` drives of each evaluation tell, cell by cell in turn."""
    found = []
    for contestant in course.contestants:
        traces = Traces(contestant)
        for one in contestant.evaluations:
            for cell, path in _spread(one.drives, most):
                _add(traces, cell, path)
        if traces.drives:
            found.append(traces)
    return found


def _spread(drives: Mapping[tuple[str, int], Path], most: int) -> list[tuple[str, Path]]:
    """Return up to ``most`` drives: one of each cell, then another of each."""
    by_cell: dict[str, list[tuple[str, Path]]] = {}
    for (cell, _), path in drives.items():
        by_cell.setdefault(cell, []).append((cell, path))
    rounds = zip_longest(*by_cell.values())
    return [entry for turn in rounds for entry in turn if entry is not None][:most]


def _add(traces: Traces, cell: str, path: Path) -> None:
    try:
        drive = DriveLog.read(path)
    except DriveLogError:
        traces.unreadable += 1  # the page says how many; the rest of the report stands
        return
    traces.drives += 1
    traces.sources.update(source for source in drive.trace.hint_source if source)
    weights = drive.trace.weights
    if weights is None:
        return
    total, count = traces.weights.get(cell, (np.zeros(3), 0))
    traces.weights[cell] = total + weights.sum(axis=0), count + len(weights)
    bins = np.searchsorted(TTC_EDGES_S, time_to_collision(drive.scenes), side="right") - 1
    bins = np.clip(bins, 0, len(TTC_EDGES_S) - 1)
    np.add.at(traces.by_ttc, bins, weights)
    np.add.at(traces.ticks, bins, 1)


def ttc_labels() -> list[str]:
    """Return the names of the bins of time to collision."""
    pairs = zip(TTC_EDGES_S, TTC_EDGES_S[1:], strict=False)
    return [*(f"{low:g}–{high:g}" for low, high in pairs), "free"]
