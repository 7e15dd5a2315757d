"""The lane graph as the kernels take it: one tuple of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from envs.compiled import njit
from envs.roads.conflicts import Conflicts, find_conflicts, join_conflicts, stop_setback
from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.scene import BoolArray, FloatArray, IntArray
from envs.traffic.relations import relate_lanes

CURVE_ACCELERATION = 2.5
"""Lateral acceleration at which drivers take a curve (m/s2, ours: comfortable, not sporting)."""


class RoadArrays(NamedTuple):
    """Arrays of a LaneGraph, of its LaneRelations, TrafficControls and Conflicts (see there).

    ``advised`` ``(L,)`` the speed that curve and limit allow (m/s); ``way_end`` ``(L,)`` where a
    tail is out of everybody's way (m); ``conflict_own``, ``conflict_other`` ``(Z, 2)`` from and to; ``height`` ``(P,)``
    of the samples (m), or ``(0,)`` where all maps are flat.
    """

    samples: FloatArray
    start: IntArray
    step: FloatArray
    length: FloatArray
    left: IntArray
    right: IntArray
    opposite: IntArray
    opposite_change: BoolArray
    successors: IntArray
    predecessors: IntArray
    junction: IntArray
    speed_limit: FloatArray
    category: IntArray
    ends: BoolArray
    beside: IntArray
    affine: FloatArray
    advised: FloatArray
    gate: IntArray
    group: IntArray
    stop_gap: FloatArray
    programs: FloatArray
    plan: IntArray
    way_end: FloatArray
    conflict_start: IntArray
    conflict_lane: IntArray
    conflict_kind: IntArray
    conflict_own: FloatArray
    conflict_other: FloatArray
    conflict_priority: IntArray
    height: FloatArray


def road_arrays(graph: LaneGraph, maps: Sequence[LaneGraph]) -> RoadArrays:
    """Return the arrays of ``graph``, the atlas of ``maps``, that traffic and simulators read."""
    relations, controls = relate_lanes(graph), graph.controls
    conflicts = join_conflicts([find_conflicts(part) for part in maps], [part.lane_count for part in maps])
    setback = np.concatenate([stop_setback(part) for part in maps])
    return RoadArrays(
        samples=graph.samples,
        start=graph.start,
        step=graph.step,
        length=graph.length,
        left=graph.left,
        right=graph.right,
        opposite=graph.opposite,
        opposite_change=graph.opposite_change,
        successors=graph.successors,
        predecessors=graph.predecessors,
        junction=graph.junction,
        speed_limit=graph.speed_limit,
        category=graph.category,
        ends=relations.ends,
        beside=relations.beside,
        affine=relations.affine,
        advised=advised_speed(graph),
        gate=controls.gate,
        group=controls.group,
        stop_gap=np.maximum(controls.stop_gap, setback),
        programs=controls.programs,
        plan=controls.plan,
        way_end=_way_ends(graph, conflicts),
        conflict_start=conflicts.start,
        conflict_lane=conflicts.lane,
        conflict_kind=conflicts.kind,
        conflict_own=np.column_stack([conflicts.own_from, conflicts.own_to]),
        conflict_other=np.column_stack([conflicts.other_from, conflicts.other_to]),
        conflict_priority=conflicts.priority,
        height=graph.height if graph.height.any() else np.zeros(0),
    )


def _way_ends(graph: LaneGraph, conflicts: Conflicts) -> FloatArray:
    """Return the arc length ``(L,)`` at which a tail is out of everybody's way: the lane's end or behind it (m)."""
    ends: FloatArray = graph.length.copy()
    owner = np.repeat(np.arange(graph.lane_count), np.diff(conflicts.start))
    np.maximum.at(ends, owner, conflicts.own_to)
    return ends


def advised_speed(graph: LaneGraph) -> FloatArray:
    """Return the speed ``(L,)`` (m/s) that a lane's limit and its sharpest curve allow."""
    sharpest = np.maximum.reduceat(np.abs(graph.samples[:, SampleColumn.CURVATURE]), graph.start[:-1])
    return np.minimum(graph.speed_limit, np.sqrt(CURVE_ACCELERATION / np.maximum(sharpest, 1e-6)))


@njit
def column_beside(roads: RoadArrays, lane: int, other: int) -> int:
    """Return the column of ``beside[lane]`` that holds ``other``, or -1 where the two are not of one cross-section."""
    for w in range(roads.beside.shape[1]):
        if roads.beside[lane, w] == other:
            return w
    return -1
