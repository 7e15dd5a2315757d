"""How the coordinates of one lane read in another: the traffic brain's view of the road network.

An object at ``(s, d)`` in lane ``other`` is at ``(a + k s, c + g d)`` in lane ``lane``; the four numbers are tabulated
for every pair of lanes that lie beside or behind one another within reach, so that a vehicle finds its leader with two
look-ups, wherever that leader is. Lane widths are taken at the middle of the lane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.scene import BoolArray, FloatArray

REACH_M = 160.0
"""Arc length ahead and behind over which lanes are related (m): beyond any braking distance in the scenarios."""


@dataclass(frozen=True)
class LaneRelations:
    """``slot`` ``(L, L)`` int32, row of ``table`` for [lane, other] or -1; ``table`` ``(R, 4)`` columns a, k, c, g.

    ``ends`` ``(L,)``: the lane stops although the road goes on, so that its traffic must merge.
    """

    slot: npt.NDArray[np.int32]
    table: FloatArray
    ends: BoolArray


Affine = tuple[float, float, float, float]


def relate_lanes(graph: LaneGraph) -> LaneRelations:
    """Tabulate the relations of every pair of lanes of ``graph`` within ``REACH_M``."""
    count = len(graph.length)
    slot = np.full((count, count), -1, dtype=np.int32)
    rows: list[Affine] = []
    for lane in range(count):
        for other, affine in _relations_of(graph, lane).items():
            slot[lane, other] = len(rows)
            rows.append(affine)
    return LaneRelations(slot, np.array(rows).reshape(-1, 4), ending_lanes(graph))


def ending_lanes(graph: LaneGraph) -> BoolArray:
    """Return which lanes have no successor although a lane beside them has one."""
    dead = graph.successors[:, 0] < 0
    beside = np.stack([graph.left, graph.right])
    alive_beside = ((beside >= 0) & ~dead[beside]).any(axis=0)
    ends: BoolArray = dead & alive_beside
    return ends


def _relations_of(graph: LaneGraph, lane: int) -> dict[int, Affine]:
    found: dict[int, Affine] = {}
    for other, offset in _chain(graph, lane):
        for beside, affine in _abreast(graph, other).items():
            a, k, c, g = affine
            found.setdefault(beside, (a + offset, k, c, g))
    return found


def _chain(graph: LaneGraph, lane: int) -> list[tuple[int, float]]:
    """Return the lanes ahead and behind with the arc length at which each begins, nearest first."""
    links = [(lane, 0.0)]
    frontier = [(lane, float(graph.length[lane]))]
    while frontier:
        current, begin = frontier.pop(0)
        for following in graph.successors[current]:
            if following >= 0 and begin < REACH_M + graph.length[lane] and all(following != link for link, _ in links):
                links.append((int(following), begin))
                frontier.append((int(following), begin + float(graph.length[following])))
    frontier = [(lane, 0.0)]
    while frontier:
        current, begin = frontier.pop(0)
        for previous in graph.predecessors[current]:
            if previous >= 0 and begin > -REACH_M and all(previous != link for link, _ in links):
                start = begin - float(graph.length[previous])
                links.append((int(previous), start))
                frontier.append((int(previous), start))
    return links


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
