"""On which level bodies are: who is on a bridge and who is below it neither meet nor see each other.

Worlds are flat but for the heights of lanes and sidewalks. On a flat map all of them are 0 and none is looked up.
"""

from __future__ import annotations

import numpy as np

from envs.compiled import njit
from envs.roads.lane_graph import BRIDGE_M, LaneGraph, SampleColumn
from envs.roads.walk_graph import WalkGraph
from envs.scene import FloatArray
from envs.traffic.network import RoadArrays

SLOPE_OVER_M = 2.0
"""Distance to both sides over which a slope is taken (m): about half a vehicle."""


@njit
def lane_height(roads: RoadArrays, lane: int, s: float) -> float:
    """Return the height of ``lane`` at ``s`` (m), or of its nearer end; 0 on a flat map."""
    if roads.height.shape[0] == 0:
        return 0.0
    row = roads.start[lane] + int(max(s, 0.0) / roads.step[lane] + 0.5)
    return float(roads.height[min(row, roads.start[lane + 1] - 1)])


@njit
def lane_slope(roads: RoadArrays, lane: int, s: float) -> float:
    """Return how steeply ``lane`` rises at ``s``, in m per m of driving; 0 on a flat map."""
    first, last = max(s - SLOPE_OVER_M, 0.0), min(s + SLOPE_OVER_M, roads.length[lane])
    if roads.height.shape[0] == 0 or last - first < SLOPE_OVER_M:
        return 0.0
    return float((lane_height(roads, lane, last) - lane_height(roads, lane, first)) / (last - first))


@njit
def on_other_level(first: float, second: float) -> bool:
    """Return whether bodies at two heights (m) cannot meet."""
    return abs(first - second) >= BRIDGE_M


def node_heights(walk: WalkGraph, graph: LaneGraph) -> FloatArray:
    """Return the height ``(N,)`` of each node of ``walk`` (m): that of the nearest lane; ``(0,)`` on a flat map."""
    if not graph.height.any():
        return np.zeros(0)
    points = graph.samples[:, [SampleColumn.X, SampleColumn.Y]]
    nearest = [int(np.argmin(((points - node) ** 2).sum(axis=1))) for node in walk.nodes]
    heights: FloatArray = graph.height[nearest]
    return heights
