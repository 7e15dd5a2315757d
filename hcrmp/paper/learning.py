"""How fast each method learns: curves of its trainings, and when they reach the paper's mean success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hcrmp.paper import published
from hcrmp.paper.methods import METHODS
from hcrmp.paper.table import Section, Table
from hcrmp.paper.trainings import Training
from hcrmp.report.learning import band, logged, steps_text
from hcrmp.report.svg import chart, share_axis, standalone, whole_axis

TAG = "outcome/success"
REACHED = published.MEAN_SUCCESS / 100.0
LONGEST_PAUSE_S = 120.0
"""A longer silence between two lines of a log is a training that was stopped and gone on with."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One training: ``steps`` (decisions), ``success`` of its last 500 episodes in [0, 1] and ``seconds`` so far."""

    seed: int
    steps: Numbers
    success: Numbers
    seconds: Numbers

    def reached(self, share: float) -> int | None:
        """Return the index of the moment from which ``share`` was held to the end, None where it was not."""
        below = np.flatnonzero(self.success < share)
        first = int(below[-1]) + 1 if below.size else 0
        return first if first < len(self.success) else None


def curve_of(training: Training) -> Curve | None:
    """Return the curve of a training, None where nothing was logged."""
    events = sorted(logged(training.folder).get(TAG, {}).values(), key=lambda event: event.step)
    if not events:
        return None
    pauses = np.diff([event.wall_time for event in events], prepend=events[0].wall_time)
    # Of a pause nothing is known but that the training went on as fast as usual.
    working = np.where(pauses > LONGEST_PAUSE_S, np.median(pauses), pauses)
    steps, success = (np.array([getattr(event, name) for event in events], np.float64) for name in ("step", "value"))
    return Curve(training.seed, steps, success, np.cumsum(working))


def learning_table(trained: Sequence[Training]) -> Table:
    """Return the table of how fast the methods learn, with the figure of their curves."""
    curves: dict[str, list[Curve]] = {}
    for one in trained:
        found = curve_of(one)
        if found is not None:
            curves.setdefault(one.method, []).append(found)
    rows = tuple(_row(method, found) for method, found in curves.items())
    head = (
        "method", "seeds", f"seeds that reach and hold {100 * REACHED:g} %", "decisions until then",
        "minutes until then", "success at the end of training, %",
    )  # fmt: skip
    section = Section("Success of the last 500 training episodes", head, rows)
    notes = (
        f"{100 * REACHED:g} % is the mean of the paper's twelve cells, from other scenes. Training episodes are driven "
        "with actions that are drawn: an evaluation succeeds more often. Minutes are of one core, with whatever "
        "else ran on the machine. Median over those seeds that reach it (least..most).",
    )  # fmt: skip
    data = {"reached": REACHED, "methods": {method: [_data(one) for one in found] for method, found in curves.items()}}
    return Table("learning", "How fast they learn", (section,), notes, data, _figure(curves))


def _row(method: str, curves: Sequence[Curve]) -> tuple[str, ...]:
    moments = [(one, at) for one in curves if (at := one.reached(REACHED)) is not None]
    decisions = [float(one.steps[at]) / 1e6 for one, at in moments]
    minutes = [float(one.seconds[at]) / 60.0 for one, at in moments]
    end = [100.0 * float(one.success[-1]) for one in curves]
    return (
        METHODS[method], str(len(curves)), f"{len(moments)} of {len(curves)}", _spread(decisions, " M", 2),
        _spread(minutes, "", 1), _spread(end, "", 0),
    )  # fmt: skip


def _spread(numbers: Sequence[float], unit: str, decimals: int) -> str:
    if not numbers:
        return "-"
    middle, low, high = float(np.median(numbers)), min(numbers), max(numbers)
    return f"{middle:.{decimals}f}{unit} ({low:.{decimals}f}..{high:.{decimals}f})"


def _data(curve: Curve) -> dict[str, object]:
    at = curve.reached(REACHED)
    return {
        "seed": curve.seed,
        "decisions_to_reach": None if at is None else float(curve.steps[at]),
        "seconds_to_reach": None if at is None else float(curve.seconds[at]),
        "success_at_end": float(curve.success[-1]),
        "decisions": float(curve.steps[-1]),
        "seconds": float(curve.seconds[-1]),
    }


def _figure(curves: dict[str, list[Curve]]) -> str:
    lines = [
        band(METHODS[method].replace("**", ""), index, [(one.steps, one.success) for one in found])
        for index, (method, found) in enumerate(curves.items())
        if min(len(one.steps) for one in found) > 1
    ]
    if not lines:
        return ""
    longest = max(line.xs[-1] for line in lines)
    title = "Success of the last 500 training episodes, % (mean of the seeds; band: from the lowest to the highest)"
    picture = chart(title, lines, whole_axis(longest, "decisions", steps_text), share_axis("success, %"), 760.0, 360.0)
    return standalone(picture, title, [(line.name, line.paint) for line in lines])
