"""The critics' weights of recorded drives: by condition as bars, by time to collision as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from envs.recording import REWARD_NAMES
from hcrmp.report.contestants import Contestant
from hcrmp.report.svg import Axis, Line, chart, share_axis
from hcrmp.report.traces import Traces, ttc_labels


@dataclass(frozen=True)
class WeightFigure:
    """Of one contestant: shares (percent) of the three critics by condition, and the chart over time to collision."""

    who: Contestant
    drives: int
    cells: tuple[tuple[str, tuple[float, ...]], ...]
    svg: str


def weight_figures(traces: Sequence[Traces]) -> list[WeightFigure]:
    """Return a figure for everybody whose drives tell weights."""
    return [_figure(one) for one in traces if one.weights]


def _figure(one: Traces) -> WeightFigure:
    cells = []
    for cell, mean in one.cell_means().items():
        shares = tuple(round(float(share), 1) for share in 100.0 * mean / max(float(mean.sum()), 1e-9))
        cells.append((cell.replace("_", " ").replace("/", ", "), shares))
    return WeightFigure(one.contestant, one.drives, tuple(cells), _chart(one))


def _chart(one: Traces) -> str:
    """Return the chart of the weights over time to collision; "" where too little was driven."""
    found = [(place, mean) for place, mean in enumerate(one.ttc_means()) if mean is not None]
    if len(found) < 2:
        return ""
    labels = ttc_labels()
    x = Axis(0.0, len(labels) - 1.0, range(len(labels)), "time to collision (s)", lambda place: labels[round(place)])
    places = [float(place) for place, _ in found]
    lines = [
        Line(name, 0, places, [float(mean[critic]) for _, mean in found], marks=True, colour=f"var(--{name})")
        for critic, name in enumerate(REWARD_NAMES)
    ]
    return chart("Mean weights of the critics by time to collision", lines, x, share_axis(), height=240.0)
