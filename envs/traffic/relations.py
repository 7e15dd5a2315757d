"""How the coordinates of one lane read in the lanes beside it: the traffic brain's view of a cross-section.

An object at ``(s, d)`` in lane ``other`` is at ``(a + k s, c + g d)`` in the lane beside it. Lane widths are taken at
the middle of the lane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.scene import BoolArray, FloatArray, IntArray

REACH_M = 160.0
"""Arc length ahead and behind within which bodies are noticed (m): beyond any braking distance in the scenarios."""


@dataclass(frozen=True)
class LaneRelations:
    """``beside`` ``(L, W)`` the lanes of the same cross-section, the lane itself first, padded with -1.

    ``affine`` ``(L, W, 4)`` columns a, k, c, g of each. ``ends`` ``(L,)``: the lane stops although the road goes on, so
    that its traffic must merge.
    """

    beside: IntArray
    affine: FloatArray
    ends: BoolArray


Affine = tuple[float, float, float, float]


def relate_lanes(graph: LaneGraph) -> LaneRelations:
    """Tabulate which lanes of ``graph`` lie beside which, and how their coordinates read there."""
    rows = [_abreast(graph, lane) for lane in range(len(graph.length))]
    columns = max(map(len, rows))
    beside = np.full((len(rows), columns), -1, dtype=np.int64)
    affine = np.zeros((len(rows), columns, 4))
    for lane, found in enumerate(rows):
        beside[lane, : len(found)] = list(found)
        affine[lane, : len(found)] = list(found.values())
    return LaneRelations(beside, affine, ending_lanes(graph))


def ending_lanes(graph: LaneGraph) -> BoolArray:
    """Return which lanes have no successor although a lane beside them has one."""
    dead = graph.successors[:, 0] < 0
    beside = np.stack([graph.left, graph.right])
    alive_beside = ((beside >= 0) & ~dead[beside]).any(axis=0)
    ends: BoolArray = dead & alive_beside
    return ends


def _abreast(graph: LaneGraph, lane: int) -> dict[int, Affine]:
    """Return the lanes of the same cross-section: own, same direction, then the oncoming ones."""
    found = {lane: (0.0, 1.0, 0.0, 1.0)}
    for neighbours, side in ((graph.left, 1.0), (graph.right, -1.0)):
        current, offset = lane, 0.0
        while neighbours[current] >= 0 and int(neighbours[current]) not in found:
            following = int(neighbours[current])
            offset += side * 0.5 * (_width(graph, current) + _width(graph, following))
            found[following] = (0.0, float(graph.length[lane] / graph.length[following]), offset, 1.0)
            current = following
    leftmost = max(found, key=lambda other: found[other][2])
    facing = int(graph.opposite[leftmost])
    offset = found[leftmost][2] + 0.5 * (_width(graph, leftmost) + (_width(graph, facing) if facing >= 0 else 0.0))
    while facing >= 0 and facing not in found:
        ratio = float(graph.length[lane] / graph.length[facing])
        found[facing] = (float(graph.length[lane]), -ratio, offset, -1.0)
        following = int(graph.right[facing])
        offset += 0.5 * (_width(graph, facing) + (_width(graph, following) if following >= 0 else 0.0))
        facing = following
    return found


def _width(graph: LaneGraph, lane: int) -> float:
    middle = (graph.start[lane] + graph.start[lane + 1]) // 2
    return float(graph.samples[middle, SampleColumn.WIDTH])
