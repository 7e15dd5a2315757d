"""What the ego has against a driver's entering a junction: its body, the way that it drives on, its coming first."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.roads.conflicts import ConflictKind
from envs.roads.projection import pose_at
from envs.scene import FloatArray
from envs.traffic.agents import AgentRow, WaitCause
from envs.traffic.ego_body import EgoBodyRow
from envs.traffic.ego_in_way import meets_ego
from envs.traffic.network import RoadArrays
from envs.traffic.priority import PATIENCE_S, PRIORITY_MARGIN_S, STANDING, clears_in
from envs.traffic.scratch import TrafficArrays

NEAR_M = 100.0
"""Distance of the ego within which a driver before a junction minds it (m, ours)."""

COMMITTED_BRAKE = 4.0
"""An ego that would have to brake harder than this to stop at its line is taken to enter (m/s2, ours)."""

LINE_MARGIN_M = 1.0
"""An ego so near to its line, and moving, is taken to enter (m, ours)."""

SLOWEST_MPS = 3.0
"""Speed that an ego on its way to the line is credited at least (m/s, ours)."""

_NONE, _EGO, _PRIORITY = int(WaitCause.NONE), int(WaitCause.EGO), int(WaitCause.PRIORITY)


@njit
def ego_objection(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, first: int, last: int
) -> int:
    """Return the ``WaitCause`` that the ego gives agent ``i``, who wants the places ``first`` to ``last`` of its path.

    The ego holds what its body is on and, while it moves, the way on which it drives or is about to; and whoever would
    let another vehicle go first lets the ego.
    """
    ego = traffic.ego
    if ego[EgoBodyRow.PRESENT, b] < 0.5:
        return _NONE
    lane, s = int(agents[AgentRow.LANE, b, i]), agents[AgentRow.S, b, i]
    x, y, _ = pose_at(roads.samples, roads.start, roads.step, lane, s, 0.0)
    if math.hypot(ego[EgoBodyRow.X, b] - x, ego[EgoBodyRow.Y, b] - y) > NEAR_M:
        return _NONE
    stays = ego[EgoBodyRow.SPEED, b] < STANDING or ego[EgoBodyRow.ASTRAY, b] > 0.5
    if stays and meets_ego(agents, traffic, roads, b, i, first, last):
        return _EGO
    way = 0.0
    for k in range(first, last + 1):
        inner = int(traffic.paths[b, i, k])
        for z in range(roads.conflict_start[inner], roads.conflict_start[inner + 1]):
            if roads.conflict_kind[z] == ConflictKind.DIVERGING:
                continue
            if _ego_holds(ego, roads, b, z):
                return _EGO
            if _ego_goes_first(agents, traffic, roads, b, i, z, way):
                return _PRIORITY
        way += roads.length[inner]
    return _NONE


@njit
def _ego_holds(ego: FloatArray, roads: RoadArrays, b: int, z: int) -> bool:
    """Return whether the ego drives, or can no longer but drive, on the other way of conflict ``z``."""
    other, pace = roads.conflict_lane[z], ego[EgoBodyRow.SPEED, b]
    if pace < STANDING:
        return False
    tail = ego[EgoBodyRow.INSIDE_S, b] - ego[EgoBodyRow.HALF_LENGTH, b]
    if ego[EgoBodyRow.INSIDE, b] == other and tail < roads.conflict_other[z, 1]:
        return True
    stops_within = pace * pace / (2.0 * COMMITTED_BRAKE) + LINE_MARGIN_M
    return bool(ego[EgoBodyRow.WAY, b] == other and ego[EgoBodyRow.TO_LINE, b] < stops_within)


@njit
def _ego_goes_first(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, z: int, behind: float
) -> bool:
    """Return whether the ego comes on the other way of conflict ``z``, goes first and would be there too soon."""
    ego = traffic.ego
    comes = ego[EgoBodyRow.WAY, b] == roads.conflict_lane[z] and ego[EgoBodyRow.MAY_GO, b] > 0.5
    if not comes or roads.conflict_priority[z] >= 0:
        return False
    pace = ego[EgoBodyRow.SPEED, b]
    if pace < STANDING and agents[AgentRow.WAITED, b, i] > PATIENCE_S:
        return False
    theirs = (ego[EgoBodyRow.TO_LINE, b] + roads.conflict_other[z, 0]) / max(pace, SLOWEST_MPS)
    return bool(theirs < clears_in(agents, traffic, roads, b, i, z, behind) + PRIORITY_MARGIN_S)
