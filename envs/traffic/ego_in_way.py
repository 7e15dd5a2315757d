"""Drivers brake for an ego that is in their way wherever it is and however it stands.

Lane coordinates tell of bodies on the own lanes and beside them. An ego can also be across several lanes, in the middle
of a junction or beside every lane, so the driver's own body is moved ahead along its path until it meets the ego's.
"""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.embedded.collision import boxes_overlap
from envs.roads.projection import pose_at
from envs.scene import FloatArray, IntArray
from envs.traffic.agents import AgentRow, ObjectRow
from envs.traffic.ego_body import EgoBodyRow
from envs.traffic.following import CORRIDOR_MARGIN, FREE_GAP
from envs.traffic.levels import lane_height, on_other_level
from envs.traffic.network import RoadArrays
from envs.traffic.paths import PATH_LANES
from envs.traffic.scratch import TrafficArrays

STEP_M = 0.5
"""Distance between two looks along the path where the two bodies are near each other (m)."""

LOOKS, LOOK_S = 4, 0.5
"""An ego that is astray is seen where it is and will be at constant velocity, so many times so far apart (s, ours)."""

MOVES_MPS = 0.3
"""An ego that is slower stands (m/s, ours)."""

LEAST_FADE_M = 3.0
"""Least distance in which a driver's offset from its lane comes near to the wanted one (m, ours)."""

FADE_S = 0.8
"""The same in time: what the offset's rate of 1.2 / s makes of it (s)."""


@njit
def look_ahead_m(speed: float) -> float:
    """Return how far ahead a driver at ``speed`` (m/s) minds the ego (m): comes to rest there at 2 m/s2 after 2 s."""
    return 10.0 + 2.0 * speed + 0.25 * speed * speed


@njit
def ego_gap(agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int) -> tuple[float, float]:
    """Return (gap m, its speed along the path m/s) to an ego that agent ``i`` would drive into, or (FREE_GAP, 0)."""
    ego, speed = traffic.ego, agents[AgentRow.SPEED, b, i]
    if ego[EgoBodyRow.PRESENT, b] < 0.5:
        return FREE_GAP, 0.0
    lane, s, d = int(agents[AgentRow.LANE, b, i]), agents[AgentRow.S, b, i], agents[AgentRow.D, b, i]
    x, y, heading = pose_at(roads.samples, roads.start, roads.step, lane, s, d)
    dx, dy = ego[EgoBodyRow.X, b] - x, ego[EgoBodyRow.Y, b] - y
    pace = ego[EgoBodyRow.SPEED, b]
    ahead = dx * math.cos(heading) + dy * math.sin(heading)
    # Whoever comes from behind looks out itself: to brake for where it is going would be to brake before it.
    foreseen = ego[EgoBodyRow.ASTRAY, b] > 0.5 and pace > MOVES_MPS and ahead > 0.0
    looks = LOOKS if foreseen else 1
    radius = _radius(traffic, b, i) + (looks - 1) * LOOK_S * pace
    reach = look_ahead_m(speed)
    if dx * dx + dy * dy > (reach + radius) ** 2 or ahead < -radius:
        return FREE_GAP, 0.0
    margin = CORRIDOR_MARGIN
    level = on_other_level(lane_height(roads, lane, s), ego[EgoBodyRow.HEIGHT, b])
    if not level and _touches(traffic, b, i, x, y, heading, margin, 0.0):
        # Whoever passes close beside it goes on; whoever touches it drives off if it is behind.
        margin = 0.0
        if _touches(traffic, b, i, x, y, heading, margin, 0.0):
            return (0.0, 0.0) if ahead > 0.0 else (FREE_GAP, 0.0)
    nearest, leader = FREE_GAP, 0.0
    for look in range(looks):
        gap, turned = _way_to_ego(agents, traffic, roads, b, i, reach, margin, look * LOOK_S)
        if gap < nearest:
            along = pace * math.cos(ego[EgoBodyRow.YAW, b] - turned)
            nearest, leader = gap, along if look == 0 else max(along, 0.0)
    return nearest, leader


@njit
def meets_ego(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, first: int, last: int
) -> bool:
    """Return whether the body of agent ``i`` would touch the ego, as that stands now, on its way.

    The way: the lanes at the places ``first`` to ``last`` of its path, until its tail has left them.
    """
    half = traffic.objects[ObjectRow.HALF_LENGTH, b, i]
    length = 2.0 * half
    for k in range(first, last + 1):
        length += roads.length[traffic.paths[b, i, k]]
    path = traffic.paths[b, i]
    gap, _ = _march(traffic, roads, path, first, -half, 0.0, 0.0, 1.0, length, CORRIDOR_MARGIN, 0.0, b, i)
    return gap < FREE_GAP


@njit
def _radius(traffic: TrafficArrays, b: int, i: int) -> float:
    """Return the distance of their centres from which the ego and agent ``i`` cannot touch (m)."""
    own = math.hypot(
        traffic.objects[ObjectRow.HALF_LENGTH, b, i], traffic.objects[ObjectRow.HALF_WIDTH, b, i] + CORRIDOR_MARGIN
    )
    return own + math.hypot(traffic.ego[EgoBodyRow.HALF_LENGTH, b], traffic.ego[EgoBodyRow.HALF_WIDTH, b])


@njit
def _touches(
    traffic: TrafficArrays, b: int, i: int, x: float, y: float, heading: float, margin: float, later: float
) -> bool:
    """Return whether agent ``i`` at a pose, ``margin`` (m) wider to each side, touches the ego of ``later`` (s)."""
    ego, yaw = traffic.ego, traffic.ego[EgoBodyRow.YAW, b]
    moved = later * ego[EgoBodyRow.SPEED, b]
    return bool(
        boxes_overlap(
            x, y, heading, traffic.objects[ObjectRow.HALF_LENGTH, b, i],
            traffic.objects[ObjectRow.HALF_WIDTH, b, i] + margin,
            ego[EgoBodyRow.X, b] + moved * math.cos(yaw), ego[EgoBodyRow.Y, b] + moved * math.sin(yaw), yaw,
            ego[EgoBodyRow.HALF_LENGTH, b], ego[EgoBodyRow.HALF_WIDTH, b],
        )
    )  # fmt: skip


@njit
def _way_to_ego(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, reach: float, margin: float,
    later: float,
) -> tuple[float, float]:  # fmt: skip
    """Return how far agent ``i`` can go on before it meets the ego of ``later`` (s), and its heading there."""
    fade = max(FADE_S * agents[AgentRow.SPEED, b, i], LEAST_FADE_M)
    aside = agents[AgentRow.ASIDE, b, i]
    offset = agents[AgentRow.D, b, i] - aside
    s = agents[AgentRow.S, b, i]
    return _march(traffic, roads, traffic.paths[b, i], 0, s, aside, offset, fade, reach, margin, later, b, i)


@njit
def _march(
    traffic: TrafficArrays, roads: RoadArrays, path: IntArray, first: int, s: float, aside: float, offset: float,
    fade: float, reach: float, margin: float, later: float, b: int, i: int,
) -> tuple[float, float]:  # fmt: skip
    """Return how far agent ``i`` gets along ``path`` from ``s`` of its lane at place ``first``, and its heading there.

    (FREE_GAP, 0) where it meets nobody within ``reach`` (m). Its offset from the lanes goes from ``aside + offset`` to
    ``aside`` over ``fade`` (m). No step is longer than the two bodies are apart, so that none is missed.
    """
    moved, yaw = later * traffic.ego[EgoBodyRow.SPEED, b], traffic.ego[EgoBodyRow.YAW, b]
    ego_x = traffic.ego[EgoBodyRow.X, b] + moved * math.cos(yaw)
    ego_y = traffic.ego[EgoBodyRow.Y, b] + moved * math.sin(yaw)
    radius, k, gone = _radius(traffic, b, i), first, 0.0
    while gone <= reach:
        while s > roads.length[path[k]]:
            if k + 1 >= PATH_LANES or path[k + 1] < 0:
                return FREE_GAP, 0.0
            s -= roads.length[path[k]]
            k += 1
        d = aside + offset * math.exp(-gone / fade)
        x, y, heading = pose_at(roads.samples, roads.start, roads.step, path[k], s, d)
        apart = math.hypot(ego_x - x, ego_y - y) - radius
        touches = apart <= 0.0 and _touches(traffic, b, i, x, y, heading, margin, later)
        if touches and not on_other_level(lane_height(roads, path[k], s), traffic.ego[EgoBodyRow.HEIGHT, b]):
            return max(gone - STEP_M, 0.0), heading
        step = max(apart, STEP_M)
        gone += step
        s += step
    return FREE_GAP, 0.0
