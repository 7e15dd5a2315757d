"""The pedestrians of all worlds as the kernels take them: their state, where they walk, and who must let them pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from envs.compiled import njit
from envs.roads.lane_graph import LaneGraph
from envs.roads.walk_graph import WalkGraph
from envs.scene import FloatArray, IntArray
from envs.traffic.jaywalk_places import JaywalkPlaces, no_places
from envs.traffic.levels import node_heights
from envs.traffic.network import RoadArrays
from envs.traffic.walk_signals import NEAR_M, WalkSignals, walk_signals
from envs.traffic.walk_state import PedestrianRow, WalkArrays, walk_arrays

BEFORE_STRIP_M = 1.0
"""Distance from a strip at which a driver stops (m, ours)."""


class CrowdArrays(NamedTuple):
    """``people`` ``(len(PedestrianRow), B, P)`` and ``occupied`` ``(B, C)`` (an ``Occupancy``) are state.

    ``walk_seconds`` ``(B, K)`` is scratch. Of the atlas: ``walk``, ``signals``, and by lane the strips that lie on it,
    ``strips[strip_start[lane]:strip_start[lane + 1]]`` in driving order, ``strip_start`` ``(L + 1,)``; ``node_height``
    ``(N,)`` of the walk graph's nodes (m), or ``(0,)`` where all maps are flat; ``jaywalk`` where one crosses
    away from crosswalks.
    """

    people: FloatArray
    occupied: IntArray
    walk_seconds: FloatArray
    walk: WalkArrays
    signals: WalkSignals
    strip_start: IntArray
    strips: IntArray
    node_height: FloatArray
    jaywalk: JaywalkPlaces


def crowd_arrays(
    worlds: int, pedestrians: int, walk: WalkGraph, graph: LaneGraph, jaywalk: JaywalkPlaces | None = None
) -> CrowdArrays:
    """Return the arrays for so many worlds and pedestrians in each, on ``walk``, whose lanes are those of ``graph``.

    Without ``jaywalk`` nobody crosses away from crosswalks.
    """
    counts = np.bincount(walk.crossing_lane, minlength=graph.lane_count)
    return CrowdArrays(
        people=np.zeros((len(PedestrianRow), worlds, pedestrians)),
        occupied=np.zeros((worlds, walk.crossing_count), dtype=np.int64),
        walk_seconds=np.full((worlds, walk.crosswalk_count), np.inf),
        walk=walk_arrays(walk),
        signals=walk_signals(walk, graph),
        strip_start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        strips=np.lexsort((walk.crossing_from, walk.crossing_lane)).astype(np.int64),
        node_height=node_heights(walk, graph),
        jaywalk=no_places() if jaywalk is None else jaywalk,
    )


def nobody(worlds: int) -> CrowdArrays:
    """Return the arrays of worlds without pedestrians, whatever their maps: nothing in them is ever read."""
    none = np.zeros(0, dtype=np.int64)
    return CrowdArrays(
        people=np.zeros((len(PedestrianRow), worlds, 0)),
        occupied=np.zeros((worlds, 0), dtype=np.int64),
        walk_seconds=np.zeros((worlds, 0)),
        walk=walk_arrays(WalkGraph.empty("nowhere")),
        signals=WalkSignals(np.zeros(1, dtype=np.int64), none),
        strip_start=np.zeros(1, dtype=np.int64),
        strips=none,
        node_height=np.zeros(0),
        jaywalk=no_places(),
    )


def stop_before_crosswalks(roads: RoadArrays, walk: WalkGraph) -> RoadArrays:
    """Return ``roads`` with the stop lines of junctions moved back to where a crosswalk lies behind them.

    Whoever waits on a crosswalk at red would hold the pedestrians who may walk just then.
    """
    gap = roads.stop_gap.copy()
    for lane, begin in zip(walk.crossing_lane.tolist(), walk.crossing_from.tolist(), strict=True):
        left = float(roads.length[lane]) - begin
        for way in roads.successors[lane].tolist():
            if way >= 0 and roads.junction[way] >= 0 and roads.junction[lane] < 0 and left <= NEAR_M:
                gap[way] = max(gap[way], left + BEFORE_STRIP_M)
    return roads._replace(stop_gap=gap)


@njit
def pedestrian_height(crowd: CrowdArrays, b: int, p: int) -> float:
    """Return the height of pedestrian ``p`` (m), between those of the nodes that it walks between; 0 on a flat map."""
    if crowd.node_height.shape[0] == 0:
        return 0.0
    people, nodes = crowd.people, crowd.walk.nodes
    tail, head = int(people[PedestrianRow.PREVIOUS, b, p]), int(people[PedestrianRow.TARGET, b, p])
    x, y = nodes[head, 0] - nodes[tail, 0], nodes[head, 1] - nodes[tail, 1]
    done = x * (people[PedestrianRow.X, b, p] - nodes[tail, 0]) + y * (people[PedestrianRow.Y, b, p] - nodes[tail, 1])
    share = min(max(done / max(x * x + y * y, 1e-9), 0.0), 1.0)
    return float((1.0 - share) * crowd.node_height[tail] + share * crowd.node_height[head])
