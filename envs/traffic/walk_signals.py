"""Which signals a crosswalk follows: those of the vehicles that drive over it.

Whoever drives straight over a signalised crosswalk, or is about to enter the junction over it, must be red while it is
walked; whoever turns into the street behind it has green at the same time and gives way, as the law has it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.roads.projection import wrap_angle
from envs.roads.walk_graph import WalkGraph
from envs.scene import IntArray

NEAR_M = 15.0
"""Distance between a crosswalk and the junction up to which the junction's signals govern it (m, ours)."""

TURN_RAD = 0.25 * math.pi
"""Change of heading from which a way through a junction is a turn (rad, ours)."""

_WAY_LANES = 4


class WalkSignals(NamedTuple):
    """The signal groups that must be red: those of crosswalk k are ``group[start[k]:start[k + 1]]``, ``(K + 1,)``."""

    start: IntArray
    group: IntArray


def walk_signals(walk: WalkGraph, graph: LaneGraph) -> WalkSignals:
    """Find the signal groups that hold the vehicles while each crosswalk of ``walk`` is walked."""
    found: list[list[int]] = []
    for k in range(walk.crosswalk_count):
        groups: set[int] = set()
        for c in range(int(walk.crossing_start[k]), int(walk.crossing_start[k + 1])):
            lane, begin, end = int(walk.crossing_lane[c]), float(walk.crossing_from[c]), float(walk.crossing_to[c])
            groups.update(_ahead(graph, lane, end))
            groups.update(_behind(graph, lane, begin))
        found.append(sorted(groups))
    counts = np.array([len(groups) for groups in found], dtype=np.int64)
    return WalkSignals(
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        group=np.array([group for groups in found for group in groups], dtype=np.int64),
    )


def _ahead(graph: LaneGraph, lane: int, end: float) -> Iterator[int]:
    """Yield the groups of the ways that ``lane`` leads to, where they begin close behind the strip's end (m)."""
    if graph.length[lane] - end > NEAR_M:
        return
    for following in graph.successors[lane].tolist():
        if following >= 0 and graph.controls.group[following] >= 0:
            yield int(graph.controls.group[following])


def _behind(graph: LaneGraph, lane: int, begin: float) -> Iterator[int]:
    """Yield the groups of the ways that have led straight to the strip, which begins ``begin`` (m) along ``lane``."""
    if begin > NEAR_M and graph.junction[lane] < 0:
        return
    row = graph.start[lane] + min(max(int(begin / graph.step[lane]), 0), int(np.diff(graph.start)[lane]) - 1)
    heading = float(graph.samples[row, SampleColumn.HEADING])
    places = [lane] if graph.junction[lane] >= 0 else graph.predecessors[lane].tolist()
    for _ in range(_WAY_LANES):
        places = [way for way in places if way >= 0 and graph.junction[way] >= 0]
        for way in places:
            turned = wrap_angle(heading - float(graph.samples[graph.start[way], SampleColumn.HEADING]))
            if graph.controls.group[way] >= 0 and abs(turned) < TURN_RAD:
                yield int(graph.controls.group[way])
        places = [before for way in places for before in graph.predecessors[way].tolist()]
