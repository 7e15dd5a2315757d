"""The stop lines of a map as a picture shows them: where they lie, what stands there, and a signal's program."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from envs.roads.conflicts import stop_setback
from envs.roads.controls import GateKind, clock_offset, signal_state
from envs.roads.drawing import GateLine
from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.roads.projection import pose_at
from envs.scene import FloatArray, SignalState


def gate_lines(graph: LaneGraph, shown: Mapping[int, FloatArray] | None = None) -> tuple[GateLine, ...]:
    """Return the stop lines of ``graph``: one for each lane, kind and signal group that lead into a junction.

    ``shown`` what signal groups showed in a recording, as ``GateLine.shown``.
    """
    shown = shown or {}
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
            shown=shown.get(group, np.zeros((0, 2))),
        )
    return tuple(found.values())


def shown_state(gate: GateLine, time_s: float, seed: int) -> SignalState:
    """Return what a signal shows at ``time_s`` in the world of ``seed``: as recorded, else by its program."""
    if len(gate.shown):
        row = int(np.searchsorted(gate.shown[:, 0], time_s, side="right")) - 1
        return SignalState(int(gate.shown[max(row, 0), 1]))
    offset = clock_offset(seed, gate.plan, float(gate.program[0]))
    return SignalState(int(signal_state(gate.program[None], 0, time_s, offset)))


def _across(graph: LaneGraph, lane: int, s: float) -> FloatArray:
    """Return the line ``(2, 2)`` across a lane at ``s`` (m)."""
    half = 0.46 * float(graph.lane_samples(lane)[-1, SampleColumn.WIDTH])
    ends = [pose_at(graph.samples, graph.start, graph.step, lane, s, d)[:2] for d in (half, -half)]
    return np.array(ends)
