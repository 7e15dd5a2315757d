"""Learning curves from the runs' TensorBoard files: a line for each method, its seeds as a band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hcrmp.report.contestants import method_of_runs, with_colours
from hcrmp.report.material import Run
from hcrmp.report.svg import Axis, Line, chart, nice_axis, share_axis, whole_axis
from hcrmp.run_folder import RunFolder

Numbers = npt.NDArray[np.float64]
Scalars = Mapping[str, tuple[Numbers, Numbers]]
"""Steps ``(n,)`` and values ``(n,)`` by tag."""



class ScalarEvent(Protocol):
    """One number of a log: ``step`` (decisions), ``value``, ``wall_time`` (s)."""

    step: int
    value: float
    wall_time: float


PANELS: tuple[tuple[str, str, bool], ...] = (
    ("Success in training, %", "outcome/success", True),
    ("Collisions in training, %", "outcome/collision", True),
    ("Timeouts in training, %", "outcome/timeout", True),
    ("Return of an episode", "rollout/ep_rew_mean", False),
)
"""Title, tag, whether it is a share."""


@dataclass(frozen=True)
class Panel:
    """A drawn chart under its title."""

    title: str
    svg: str


@dataclass(frozen=True)
class Learning:
    """The panels, and who is in them: (name with the number of its seeds, colour index)."""

    panels: tuple[Panel, ...]
    legend: tuple[tuple[str, int], ...]
    runs: tuple[Run, ...]


def logged(folder: RunFolder) -> dict[str, dict[int, ScalarEvent]]:
    """Return the scalars of all event files of a run by tag and step; what a resumed training logged anew is newer."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    merged: dict[str, dict[int, ScalarEvent]] = {}
    for place in sorted({path.parent for path in folder.tensorboard.rglob("events.out.tfevents.*")}):
        events = EventAccumulator(str(place), size_guidance={"scalars": 0})
        events.Reload()
        for tag in events.Tags()["scalars"]:
            merged.setdefault(tag, {}).update({event.step: event for event in events.Scalars(tag)})
    return merged


def read_scalars(run: Run) -> Scalars:
    """Return the scalars of a run."""
    return {tag: _sorted(events) for tag, events in logged(run.folder).items()}


def _sorted(events: Mapping[int, ScalarEvent]) -> tuple[Numbers, Numbers]:
    steps = sorted(step for step, event in events.items() if np.isfinite(event.value))
    return np.array(steps, np.float64), np.array([events[step].value for step in steps], np.float64)


def learning(runs: Sequence[Run], colours: Mapping[str, int]) -> Learning | None:
    """Return the learning curves of ``runs``; ``colours`` by the method's name. None where nothing was logged."""
    names = method_of_runs(runs)
    logged = {run.name: scalars for run in runs if run.config is not None and (scalars := read_scalars(run))}
    methods: dict[str, list[Scalars]] = {}
    for name, scalars in logged.items():
        methods.setdefault(names[name], []).append(scalars)
    colours = with_colours(colours, list(methods))
    panels = [panel for title, tag, share in PANELS if (panel := _panel(title, tag, share, methods, colours))]
    if not panels:
        return None
    legend = tuple((_with_seeds(name, len(members)), colours[name]) for name, members in methods.items())
    return Learning(tuple(panels), legend, tuple(run for run in runs if run.name in logged))


def _with_seeds(name: str, count: int) -> str:
    return f"{name}, {count} seeds" if count > 1 else name


def _panel(
    title: str, tag: str, share: bool, methods: Mapping[str, Sequence[Scalars]], colours: Mapping[str, int]
) -> Panel | None:
    lines = []
    for name, members in methods.items():
        curves = [scalars[tag] for scalars in members if tag in scalars and len(scalars[tag][0]) > 1]
        if curves:
            lines.append(band(name, colours[name], curves))
    if not lines:
        return None
    last = max(line.xs[-1] for line in lines)
    y = share_axis(high=max(max(line.highs or line.ys) for line in lines)) if share else _axis_of(lines)
    return Panel(title, chart(title, lines, whole_axis(last, "decisions", steps_text), y))


def _axis_of(lines: Sequence[Line]) -> Axis:
    lows = [min(line.lows or line.ys) for line in lines]
    highs = [max(line.highs or line.ys) for line in lines]
    return nice_axis(min(lows), max(highs))


def band(name: str, index: int, curves: Sequence[tuple[Numbers, Numbers]]) -> Line:
    """Return the mean of the seeds' curves with a band from the lowest to the highest.

    They are compared at the steps of the first, as far as all of them go.
    """
    end = min(steps[-1] for steps, _ in curves)
    start = max(steps[0] for steps, _ in curves)
    grid = curves[0][0][(curves[0][0] >= start) & (curves[0][0] <= end)]
    if len(grid) < 2:
        grid = np.linspace(start, end, 2)
    table = np.stack([np.interp(grid, steps, values) for steps, values in curves])
    xs, ys = grid.tolist(), table.mean(axis=0).tolist()
    if len(curves) == 1:
        return Line(name, index, xs, ys)
    return Line(name, index, xs, ys, table.min(axis=0).tolist(), table.max(axis=0).tolist())


def steps_text(value: float) -> str:
    """Return a number of decisions as people write it: 300k, 1.5M."""
    for factor, unit in ((1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:g}{unit}"
    return f"{value:g}"
