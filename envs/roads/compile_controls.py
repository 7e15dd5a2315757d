"""Compile signals, signs, stop lines and controllers to ``TrafficControls``: which gate stands at which lane's entry.

A signal inside a junction holds at the entry of the connecting lanes that it is valid for; one on a road before holds
at the entries of all lanes that the lane it is valid for leads to. CARLA's towns use the first (references on every
connecting road; the heads themselves name lane 0, which is no lane), other editors the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from envs.roads.controls import GateKind, TrafficControls
from envs.roads.cross_section import frame_at
from envs.roads.elements import OpenDrive, Road, StopLine
from envs.roads.lane_graph import LaneGraph
from envs.roads.opendrive_signals import STOP_SIGN, TRAFFIC_LIGHT, YIELD_SIGN
from envs.roads.road_ways import RoadWays
from envs.roads.signal_groups import plan_groups
from envs.roads.signal_places import SignalPlace, section_at, signal_places

MAX_STOP_GAP_M = 50.0
"""A signal or stop line farther than this before its lane's end (m) is not for that end (ours): it stands at a crossing
amid the road, or on the far side of the junction behind. Gates are at lane ends, so such a one holds nobody."""

_KINDS = {TRAFFIC_LIGHT: GateKind.SIGNAL, STOP_SIGN: GateKind.STOP, YIELD_SIGN: GateKind.YIELD}
_RANK = {GateKind.SIGNAL: 0, GateKind.STOP: 1, GateKind.YIELD: 2}


@dataclass(frozen=True, slots=True)
class _Hold:
    """A signal that holds traffic ``gap`` metres before the entry of a lane."""

    kind: GateKind
    signal_id: str
    gap: float


def compile_controls(opendrive: OpenDrive, graph: LaneGraph) -> TrafficControls:
    """Return the gates of all lanes of ``graph``, compiled from the same map, and the signal programs.

    Where several hold traffic at one entry, a light counts before a stop sign and that before a yield sign, then the
    first in the file. A stop line on a lane before the entry says better than the signal where traffic stops.
    """
    ways = RoadWays(opendrive, graph)
    holds = _strongest(opendrive, ways)
    lines = _line_gaps(opendrive, ways)
    lights = {lane: hold.signal_id for lane, hold in holds.items() if hold.kind == GateKind.SIGNAL}
    groups = plan_groups(opendrive, graph, lights)
    gate = np.zeros(graph.lane_count, dtype=np.int64)
    stop_gap = np.zeros(graph.lane_count)
    for lane, hold in holds.items():
        gate[lane] = hold.kind
        painted = [lines[before] for before in graph.predecessors[lane].tolist() if before in lines]
        stop_gap[lane] = max(painted, default=hold.gap)
    return TrafficControls(gate, groups.of_lane, stop_gap, groups.programs, groups.plan, groups.signal_ids)


def signal_of_lane(opendrive: OpenDrive, graph: LaneGraph) -> dict[int, str]:
    """Return the id of the light that holds traffic at the entry of each lane where one does, by lane."""
    holds = _strongest(opendrive, RoadWays(opendrive, graph))
    return {lane: hold.signal_id for lane, hold in holds.items() if hold.kind == GateKind.SIGNAL}


def _strongest(opendrive: OpenDrive, ways: RoadWays) -> dict[int, _Hold]:
    """Return what holds traffic at the entry of each lane where anything does, by lane."""
    holds: dict[int, _Hold] = {}
    for road_id, places in signal_places(opendrive).items():
        for place in places:
            kind = _KINDS.get(place.signal.kind)
            if kind is None:
                continue
            for lane, gap in _entries(opendrive.roads[road_id], place, ways):
                if lane not in holds or _RANK[kind] < _RANK[holds[lane].kind]:
                    holds[lane] = _Hold(kind, place.signal.id, gap)
    return dict(sorted(holds.items()))


def _entries(road: Road, place: SignalPlace, ways: RoadWays) -> Iterator[tuple[int, float]]:
    """Yield (lane, stop gap in m) of the entries at which the signal holds traffic."""
    for lane in ways.lanes_at(road, place.s):
        if not place.is_for(int(ways.graph.lane[lane])):
            continue
        if road.junction != "-1":
            yield from ((first, 0.0) for first in ways.first(lane))
            continue
        for last, gap in ways.ends(road, lane, place.s).items():
            if gap <= MAX_STOP_GAP_M:
                yield from ((following, gap) for following in ways.following(last))


def _line_gaps(opendrive: OpenDrive, ways: RoadWays) -> dict[int, float]:
    """Return how far before their end (m) a stop line crosses lanes that end a road outside junctions."""
    gaps: dict[int, float] = {}
    for road in opendrive.roads.values():
        for line in road.stop_lines if road.junction == "-1" else ():
            for lane in _crossed(road, line, ways):
                for last, gap in ways.ends(road, lane, line.s).items():
                    # Of two lines the one nearer to the junction; one in the lane's first half is the other end's.
                    if gap <= min(MAX_STOP_GAP_M, 0.5 * ways.graph.length[last]):
                        gaps[last] = min(gap, gaps.get(last, np.inf))
    return gaps


def _crossed(road: Road, line: StopLine, ways: RoadWays) -> Iterator[int]:
    """Yield the lanes whose centre a stop line crosses."""
    lanes = ways.lanes_at(road, line.s)
    if not lanes:
        return
    section = road.sections[section_at(road, line.s)]
    s = min(max(line.s, section.s_start), section.s_end)
    frame = frame_at(road, section, np.array([s]))
    for lane in lanes:
        if line.t_right <= frame.centre(int(ways.graph.lane[lane]))[0, 0] <= line.t_left:
            yield lane
