"""The stop lines of a map as a picture shows them: where they lie, what stands there, and a signal's program."""

from __future__ import annotations

import numpy as np

from envs.roads.conflicts import stop_setback
from envs.roads.controls import GateKind
from envs.roads.drawing import GateLine
from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.roads.projection import pose_at
from envs.scene import FloatArray


def gate_lines(graph: LaneGraph) -> tuple[GateLine, ...]:
    """Return the stop lines of ``graph``: one for each lane, kind and signal group that lead into a junction."""
    controls, setback = graph.controls, stop_setback(graph)
    found: dict[tuple[int, int, int], GateLine] = {}
    for way in np.flatnonzero(controls.gate != GateKind.OPEN).tolist():
        before = int(graph.predecessors[way, 0])
        key = before, int(controls.gate[way]), int(controls.group[way])
        if before < 0 or key in found:
            continue
        gap = max(float(controls.stop_gap[way]), float(setback[way]))
        group = int(controls.group[way])
        found[key] = GateLine(
            kind=GateKind(int(controls.gate[way])).name.lower(),
            points=_across(graph, before, max(float(graph.length[before]) - gap, 0.0)),
            program=controls.programs[group] if group >= 0 else np.zeros(0),
            plan=int(controls.plan[group]) if group >= 0 else -1,
        )
    return tuple(found.values())


def _across(graph: LaneGraph, lane: int, s: float) -> FloatArray:
    """Return the line ``(2, 2)`` across a lane at ``s`` (m)."""
    half = 0.46 * float(graph.lane_samples(lane)[-1, SampleColumn.WIDTH])
    ends = [pose_at(graph.samples, graph.start, graph.step, lane, s, d)[:2] for d in (half, -half)]
    return np.array(ends)
